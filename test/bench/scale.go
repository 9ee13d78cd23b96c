package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/store/bolt"
	"ballast/test/grown"
)

// manyTasks is how many task records the figures of scale have.
const manyTasks = 100_000

// measureRestart: a server starts on a journal with 100,000 tasks and answers for one of them.
func measureRestart(ctx context.Context, b *bench) ([]row, error) {
	var took []time.Duration
	for range b.rounds {
		one, err := b.restart(ctx)
		if err != nil {
			return nil, err
		}
		took = append(took, one)
	}
	return []row{{fmt.Sprintf("start on a journal of %d tasks, half of them stopped: first answer", manyTasks),
		spread(took), "", "3 s"}}, nil
}

func (b *bench) restart(ctx context.Context) (time.Duration, error) {
	dir := filepath.Join(b.dir, "data"+strconv.Itoa(b.nextID+1)) // as start will have it
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, err
	}
	if err := journal(ctx, filepath.Join(dir, "state.db")); err != nil {
		return 0, err
	}
	begin := time.Now()
	s, err := b.start()
	if err != nil {
		return 0, err
	}
	defer s.kill()
	err = s.until(ctx, func() (bool, error) {
		var out struct{ Tasks []task }
		if s.call("DescribeTasks", map[string]any{"tasks": []string{grown.Task(manyTasks - 1).String()}}, &out) != nil {
			return false, nil
		}
		return len(out.Tasks) == 1, nil
	})
	return time.Since(begin), err
}

// journal makes the file of a server that has been in use.
func journal(ctx context.Context, path string) error {
	s, err := bolt.Open(path)
	if err != nil {
		return err
	}
	defer s.Close()
	return grown.Commit(ctx, s, grown.Units(manyTasks, ecs.TimeOf(time.Now())))
}

// kill ends a server at once.
func (s *server) kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
	if keeper := keeperOf(s.dir); keeper != 0 {
		if p, err := os.FindProcess(keeper); err == nil {
			p.Kill()
		}
	}
	os.RemoveAll(s.dir)
}
