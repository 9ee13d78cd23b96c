package main

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// measureStart: from starting the binary on an empty data directory to its first answer, and to the example's steady state.
func measureStart(ctx context.Context, b *bench) ([]row, error) {
	var first []time.Duration
	for range b.rounds {
		begin := time.Now()
		s, err := b.start()
		if err != nil {
			return nil, err
		}
		err = s.until(ctx, func() (bool, error) { return s.call("ListClusters", map[string]any{}, nil) == nil, nil })
		first = append(first, time.Since(begin))
		s.stop()
		if err != nil {
			return nil, err
		}
	}
	begin := time.Now()
	s, err := b.start("examples/web")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	err = s.until(ctx, func() (bool, error) {
		v, err := s.describe("web")
		return err == nil && v.RunningCount == 3 && v.Deployments[0].RolloutState == "COMPLETED", nil
	})
	return []row{
		{"built binary, empty data directory: first API answer", spread(first), "", "250 ms"},
		{"the same: example steady, policy ecs", short(time.Since(begin)), "", "10 s"},
	}, err
}

// measureCrash: 4 of 8 tasks killed at once, until 8 others are RUNNING as seen from outside; and the share that is Ballast's:
// from the end of a task to the start of its replacement.
func measureCrash(ctx context.Context, b *bench) ([]row, error) {
	s, err := b.up(ctx)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if err := prepare(ctx, s, 8); err != nil {
		return nil, err
	}
	var outside, share []time.Duration
	for range 2 * b.rounds {
		time.Sleep(time.Second) // lets the pace of replacements refill: this is a loop of crashes
		took, err := crash(ctx, s)
		if err != nil {
			return nil, err
		}
		outside = append(outside, took)
		stopped, err := s.tasks("web", "STOPPED")
		if err != nil {
			return nil, err
		}
		running, err := s.tasks("web", "RUNNING")
		if err != nil {
			return nil, err
		}
		share = append(share, shares(stopped, running)...)
	}
	return []row{
		{"8 tasks, 4 killed at once: 8 running, seen from outside", spread(outside), "", "100 ms"},
		{"the same, end of a task to start of its replacement, p50", spread(share), "", "20 ms"},
	}, nil
}

func prepare(ctx context.Context, s *server, count int) error {
	if err := s.define("web"); err != nil {
		return err
	}
	if err := s.serve("web", "web", count); err != nil {
		return err
	}
	return s.running(ctx, "web", count)
}

func crash(ctx context.Context, s *server) (time.Duration, error) {
	before, err := s.tasks("web", "RUNNING")
	if err != nil {
		return 0, err
	}
	killed := before[:4]
	begin := time.Now()
	for _, t := range killed {
		pid, err := strconv.Atoi(t.Containers[0].RuntimeId)
		if err != nil || pid <= 1 {
			return 0, fmt.Errorf("runtimeId %q is no process id", t.Containers[0].RuntimeId)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return 0, fmt.Errorf("kill %d: %w", pid, err)
		}
	}
	err = s.until(ctx, func() (bool, error) {
		now, err := s.tasks("web", "RUNNING")
		alive := slices.DeleteFunc(now, func(t task) bool {
			return t.LastStatus != "RUNNING" || slices.ContainsFunc(killed, func(k task) bool { return k.TaskArn == t.TaskArn })
		})
		return len(alive) == 8, err
	})
	return time.Since(begin), err
}

// shares pairs the last four tasks that ended with the last four that started.
func shares(stopped, running []task) []time.Duration {
	slices.SortFunc(stopped, func(a, b task) int { return int(1000 * (b.ExecutionStoppedAt - a.ExecutionStoppedAt)) })
	slices.SortFunc(running, func(a, b task) int { return int(1000 * (b.StartedAt - a.StartedAt)) })
	var out []time.Duration
	for i := range min(4, len(stopped), len(running)) {
		out = append(out, time.Duration((running[i].StartedAt-stopped[i].ExecutionStoppedAt)*float64(time.Second)))
	}
	return out
}

// measureRoll: a new revision of 8 tasks, until the deployment is complete; and the fewest running tasks seen meanwhile.
func measureRoll(ctx context.Context, b *bench) ([]row, error) {
	s, err := b.up(ctx)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if err := prepare(ctx, s, 8); err != nil {
		return nil, err
	}
	var took []time.Duration
	fewest := 8
	for range b.rounds {
		if err := s.define("web"); err != nil {
			return nil, err
		}
		begin := time.Now()
		if err := s.call("UpdateService", map[string]any{"service": "web", "taskDefinition": "web"}, nil); err != nil {
			return nil, err
		}
		err := s.until(ctx, func() (bool, error) {
			v, err := s.describe("web")
			fewest = min(fewest, v.RunningCount)
			return err == nil && v.RunningCount == 8 && len(v.Deployments) == 1 && v.Deployments[0].RolloutState == "COMPLETED", err
		})
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(begin))
	}
	return []row{{"rolling 8 to 8, maximumPercent 200, minimumHealthyPercent 100, ballast:healthy-after=0s",
		fmt.Sprintf("%s, never below %d", spread(took), fewest), "", "0.8 s, never below 8"}}, nil
}

// launchCount is how many tasks start at once.
const launchCount = 200

// measureLaunch: 200 tasks of one service until all are RUNNING, beside a loop that forks the same program 200 times.
func measureLaunch(ctx context.Context, b *bench) ([]row, error) {
	var ours, bare []time.Duration
	for range b.rounds {
		forked, err := forkLoop(ctx, b)
		if err != nil {
			return nil, err
		}
		bare = append(bare, forked)
		launched, err := launch(ctx, b)
		if err != nil {
			return nil, err
		}
		ours = append(ours, launched)
	}
	ratio := float64(median(ours)) / float64(median(bare))
	return []row{{"launch 200 tasks of one service until all RUNNING", spread(ours),
		fmt.Sprintf("bare fork loop %s: ratio %.2f", spread(bare), ratio), "ratio 1.7"}}, nil
}

func forkLoop(ctx context.Context, b *bench) (time.Duration, error) {
	var all []*exec.Cmd
	defer func() {
		for _, c := range all {
			c.Process.Kill()
			c.Wait()
		}
	}()
	begin := time.Now()
	for range launchCount {
		c := exec.CommandContext(ctx, b.exe, "sample", "web", "--port", "0")
		c.Env = []string{"PATH=/usr/bin:/bin"}
		if err := c.Start(); err != nil {
			return 0, err
		}
		all = append(all, c)
	}
	return time.Since(begin), nil
}

func launch(ctx context.Context, b *bench) (time.Duration, error) {
	s, err := b.up(ctx)
	if err != nil {
		return 0, err
	}
	defer s.stop()
	light := definition("web")
	container := light["containerDefinitions"].([]any)[0].(map[string]any)
	delete(container, "memory")
	container["memoryReservation"] = 8 // so many fit; each may use more
	if err := s.call("RegisterTaskDefinition", light, nil); err != nil {
		return 0, err
	}
	begin := time.Now()
	if err := s.serve("web", "web", launchCount); err != nil {
		return 0, err
	}
	err = s.until(ctx, func() (bool, error) {
		v, err := s.describe("web")
		return err == nil && v.RunningCount == launchCount, err
	})
	return time.Since(begin), err
}
