package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"ballast/internal/driver"
	"ballast/internal/driver/process"
	"ballast/internal/ecs"
)

// What is checked, every 5 s, the shortest interval of ECS: through the API 500 containers of 50 tasks, and without it 5,000 containers.
const (
	checkedTasks  = 50
	checkedEach   = 10
	checked       = checkedTasks * checkedEach
	checkInterval = 5 * time.Second
	checksSettle  = 2 * checkInterval
	checksWatch   = 4 * checkInterval
	checksMemory  = "16" // MiB of each task, for placement only
	slowly        = checked / int(checkInterval/time.Second)
	quickly       = 1000
	quicklyFor    = 2 * checkInterval
	quickChecked  = quickly * int(checkInterval/time.Second)
)

// checkScript notes when it ran, by the clock of the machine's uptime, in a file of its container's own.
func checkScript(dir string) string {
	return "read now rest </proc/uptime; echo $now >>" + dir + "/${" + noteName + "##*/}"
}

// quickScript is a check that finds all well and leaves nothing behind: to make and delete thousands of files would be what is measured.
const quickScript = "exit 0"

// measureChecks: what health checks cost beside a loop that runs the same command as often, and how late the latest one was.
func measureChecks(ctx context.Context, b *bench) ([]row, error) {
	notes := filepath.Join(b.dir, "checks")
	if err := os.Mkdir(notes, 0o755); err != nil {
		return nil, err
	}
	whole, err := []row(nil), error(nil)
	if os.Getenv("QUICK") == "" {
		whole, err = checkSlowly(ctx, b, notes)
	}
	if err != nil {
		return whole, err
	}
	keeper, err := checkQuickly(ctx, b)
	return append(whole, keeper...), err
}

// checkSlowly runs the whole of Ballast.
func checkSlowly(ctx context.Context, b *bench, notes string) ([]row, error) {
	s, err := b.up(ctx)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if err := s.call("RegisterTaskDefinition", checkedDefinition(notes), nil); err != nil {
		return nil, err
	}
	if err := s.serve("checked", "checked", checkedTasks); err != nil {
		return nil, err
	}
	err = s.until(ctx, func() (bool, error) {
		time.Sleep(100 * time.Millisecond)
		v, err := s.describe("checked")
		return err == nil && v.RunningCount == checkedTasks, err
	})
	if err != nil {
		return nil, err
	}
	time.Sleep(checksSettle)
	pids := []int{s.cmd.Process.Pid, keeperOf(s.dir)}
	began := time.Now()
	beforeServer, before := usage(pids[:1]).cpu, usage(pids).cpu
	time.Sleep(checksWatch)
	after, afterServer := usage(pids).cpu, usage(pids[:1]).cpu
	took := time.Since(began)
	ran, late, err := lateness(notes)
	if err != nil {
		return nil, err
	}
	bare, _, err := bareChecks(ctx, []string{shell, "-c", checkScript(notes)}, slowly, took)
	if err != nil {
		return nil, err
	}
	ours := core(after-before, took)
	return []row{
		{fmt.Sprintf("%d containers, %d checks a second: server and keeper", checked, slowly),
			fmt.Sprintf("%.1f %% of one core (server %.1f %%)", ours, core(afterServer-beforeServer, took)),
			fmt.Sprintf("bare loop %.1f %%: %.1f %% more", bare, ours-bare), "6 % more"},
		{fmt.Sprintf("the same, latest of %d checks (every 5 s)", ran), short(late), "", "500 ms"},
	}, nil
}

func core(used, of time.Duration) float64 { return 100 * used.Seconds() / of.Seconds() }

// checkQuickly runs the keeper and its driver, without the agent that decides when to check.
func checkQuickly(ctx context.Context, b *bench) ([]row, error) {
	dir := filepath.Join(b.dir, "checks-keeper")
	d, err := process.Open(ctx, process.Config{KeeperDir: dir, Exe: b.exe, Dir: "/"})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	keys := make([]driver.Key, quickChecked)
	defer func() {
		each(keys, func(_ int, k driver.Key) error {
			_, err := d.Stop(ctx, k, time.Second)
			return err
		})
		d.Shutdown(ctx)
	}()
	for n := range keys {
		keys[n] = driver.Key{Task: ecs.ID{0: 0xbe, 14: byte(n >> 8), 15: byte(n)}, Container: "c"}
	}
	if err := each(keys, func(n int, k driver.Key) error {
		spec := driver.Spec{Command: []string{"sleep", "3600"}, Environment: []ecs.Variable{{Name: noteName, Value: fmt.Sprint("http://h/k", n)}}}
		if err := d.Create(ctx, k, spec); err != nil {
			return err
		}
		_, err := d.Start(ctx, k)
		return err
	}); err != nil {
		return nil, err
	}
	nothing := filepath.Join(b.dir, "nothing")
	if err := writeNothing(nothing); err != nil {
		return nil, err
	}
	var rows []row
	for _, c := range []check{{"a shell that ends", []string{shell, "-c", quickScript}}, {"a program that only ends", []string{nothing}}} {
		more, err := c.quickly(ctx, d, keys, []int{os.Getpid(), keeperOf(dir)})
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// check is a command that says that all is well.
type check struct {
	name string
	argv []string
}

// quickly checks all containers, in turns, beside a loop that does no more than run the command.
func (c check) quickly(ctx context.Context, d driver.Driver, keys []driver.Key, pids []int) ([]row, error) {
	var mu sync.Mutex
	var latest time.Duration
	failed := 0
	before := usage(pids).cpu
	took, err := pace(ctx, quickly, quicklyFor, func(n int, due time.Time) {
		code, _, err := d.Exec(ctx, keys[n%len(keys)], c.argv, checkInterval)
		mu.Lock()
		defer mu.Unlock()
		latest = max(latest, time.Since(due))
		if err != nil || code != 0 {
			failed++
		}
	})
	if err != nil {
		return nil, err
	}
	ours := core(usage(pids).cpu-before, took)
	bare, bareLatest, err := bareChecks(ctx, c.argv, quickly, quicklyFor)
	if err != nil {
		return nil, err
	}
	return []row{
		{fmt.Sprintf("%d containers, %d checks a second by %s: driver and keeper", len(keys), quickly, c.name),
			fmt.Sprintf("%.0f %% of one core, %d failed", ours, failed), fmt.Sprintf("bare loop %.0f %%: %.0f %% more", bare, ours-bare), "60 % more"},
		{"the same, latest end of a check after it was due (every 5 s)", short(latest), "bare loop " + short(bareLatest), "500 ms"},
	}, nil
}

// each does something for all containers, several at once, and gives the errors.
func each(keys []driver.Key, do func(n int, k driver.Key) error) error {
	const workers = 16
	var all errgroup.Group
	all.SetLimit(workers)
	for n, k := range keys {
		all.Go(func() error { return do(n, k) })
	}
	return all.Wait()
}

func checkedDefinition(notes string) map[string]any {
	var containers []any
	for n := range checkedEach {
		containers = append(containers, map[string]any{"name": fmt.Sprintf("c%d", n), "image": "none",
			"command": []string{"sleep", "3600"}, "healthCheck": map[string]any{"command": []string{"CMD-SHELL", checkScript(notes)},
				"interval": int(checkInterval / time.Second), "timeout": 4, "retries": 3}})
	}
	return map[string]any{"family": "checked", "memory": checksMemory, "containerDefinitions": containers}
}

// lateness gives how many checks there were, and the most that one came later than an interval after the one before it began: what the
// command itself takes is part of it.
func lateness(notes string) (ran int, late time.Duration, err error) {
	entries, err := os.ReadDir(notes)
	if err != nil {
		return 0, 0, err
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(notes, e.Name()))
		if err != nil {
			return 0, 0, err
		}
		last := 0.0
		for _, line := range bytes.Fields(b) {
			at, err := strconv.ParseFloat(string(line), 64)
			if err != nil {
				return 0, 0, fmt.Errorf("a check noted %q: %w", line, err)
			}
			if last != 0 {
				late = max(late, time.Duration((at-last)*float64(time.Second))-checkInterval)
			}
			last = at
			ran++
		}
	}
	if len(entries) != checked {
		return ran, late, fmt.Errorf("%d containers were checked, want %d", len(entries), checked)
	}
	return ran, late, nil
}

// noteName is the variable that has a name of its own for every container.
const noteName = "ECS_CONTAINER_METADATA_URI_V4"

const shell = "/bin/sh"

// bareChecks runs the same command as often a second, and gives this process's share of one core and how late the latest command ended.
func bareChecks(ctx context.Context, argv []string, rate int, during time.Duration) (percent float64, latest time.Duration, err error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, 0, err
	}
	defer null.Close()
	attr := &os.ProcAttr{Dir: "/", Env: []string{"PATH=/usr/bin:/bin", noteName + "=http://h/bare"}, Files: []*os.File{null, null, null}}
	pids := []int{os.Getpid()}
	before := usage(pids).cpu
	var failed atomic.Int64
	var mu sync.Mutex
	took, err := pace(ctx, rate, during, func(_ int, due time.Time) {
		p, err := os.StartProcess(argv[0], argv, attr)
		if err != nil {
			failed.Add(1)
			return
		}
		p.Wait()
		mu.Lock()
		defer mu.Unlock()
		latest = max(latest, time.Since(due))
	})
	if n := failed.Load(); n > 0 {
		err = fmt.Errorf("%d commands of the bare loop could not be started", n)
	}
	return core(usage(pids).cpu-before, took), latest, err
}

// pace calls do as often a second, side by side, and waits for all.
func pace(ctx context.Context, rate int, during time.Duration, do func(n int, due time.Time)) (took time.Duration, err error) {
	var all sync.WaitGroup
	defer all.Wait()
	began := time.Now()
	for n := range int(during.Seconds() * float64(rate)) {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		due := began.Add(time.Duration(n) * time.Second / time.Duration(rate))
		time.Sleep(time.Until(due))
		all.Go(func() { do(n, due) })
	}
	all.Wait()
	return time.Since(began), nil
}
