package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// clients ask at once; each has a connection of its own.
const clients = 16

// window is how long requests are counted.
const window = 3 * time.Second

// rate counts the requests that clients get answered in a second.
func rate(ctx context.Context, s *server, operation string, body func(client, n int) []byte) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, window)
	defer cancel()
	var done atomic.Int64
	var failure atomic.Value
	var group sync.WaitGroup
	begin := time.Now()
	for client := range clients {
		group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				if err := s.raw(operation, body(client, n), nil); err != nil {
					failure.Store(err)
					return
				}
				done.Add(1)
			}
		})
	}
	group.Wait()
	if err, _ := failure.Load().(error); err != nil {
		return 0, err
	}
	return float64(done.Load()) / time.Since(begin).Seconds(), nil
}

func rates(ctx context.Context, b *bench, s *server, operation string, body func(client, n int) []byte) (string, error) {
	var all []float64
	for range b.rounds {
		r, err := rate(ctx, s, operation, body)
		if err != nil {
			return "", err
		}
		all = append(all, r)
	}
	return fmt.Sprintf("%.0f/s", median(all)), nil
}

// measureDescribe: DescribeServices of one service with 20 events.
func measureDescribe(ctx context.Context, b *bench) ([]row, error) {
	s, err := b.up(ctx)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if err := prepare(ctx, s, 1); err != nil {
		return nil, err
	}
	if err := twentyEvents(ctx, s); err != nil {
		return nil, err
	}
	body := []byte(`{"services":["web"]}`)
	got, err := rates(ctx, b, s, "DescribeServices", func(int, int) []byte { return body })
	return []row{{"DescribeServices, one service, 20 events, unsigned, 16 clients", got, "", "6,000/s"}}, err
}

// twentyEvents scales a service until it has that many events.
func twentyEvents(ctx context.Context, s *server) error {
	for n := 0; ; n++ {
		var out struct{ Services []struct{ Events []any } }
		if err := s.call("DescribeServices", map[string]any{"services": []string{"web"}}, &out); err != nil {
			return err
		}
		if len(out.Services[0].Events) >= 20 {
			return nil
		}
		count := 2 - n%2
		if err := s.call("UpdateService", map[string]any{"service": "web", "desiredCount": count}, nil); err != nil {
			return err
		}
		if err := s.running(ctx, "web", count); err != nil {
			return err
		}
	}
}

// measureRegister: RegisterTaskDefinition, each answered after it is durable.
func measureRegister(ctx context.Context, b *bench) ([]row, error) {
	s, err := b.up(ctx)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	var bodies [clients][]byte
	for client := range clients {
		if bodies[client], err = json.Marshal(definition("family-" + strconv.Itoa(client))); err != nil {
			return nil, err
		}
	}
	got, err := rates(ctx, b, s, "RegisterTaskDefinition", func(client, _ int) []byte { return bodies[client] })
	return []row{{"RegisterTaskDefinition, 16 clients, durable", got, "", "5,000/s"}}, err
}

// measureIdle: ten services that are left alone: resident memory and processor time of server and keeper together.
func measureIdle(ctx context.Context, b *bench) ([]row, error) {
	s, err := b.up(ctx)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if err := s.define("web"); err != nil {
		return nil, err
	}
	for n := range 10 {
		if err := s.serve(fmt.Sprintf("web-%d", n), "web", 1); err != nil {
			return nil, err
		}
	}
	for n := range 10 {
		if err := s.running(ctx, fmt.Sprintf("web-%d", n), 1); err != nil {
			return nil, err
		}
	}
	pids := []int{s.cmd.Process.Pid}
	if keeper := keeperOf(s.dir); keeper != 0 {
		pids = append(pids, keeper)
	}
	const settle, watch = 10 * time.Second, 30 * time.Second
	time.Sleep(settle)
	before := usage(pids)
	time.Sleep(watch)
	after := usage(pids)
	cpu := 100 * (after.cpu - before.cpu).Seconds() / watch.Seconds()
	return []row{{fmt.Sprintf("idle with 10 services, %d processes (server, keeper)", len(pids)),
		fmt.Sprintf("%.1f MB resident, %.2f %% of one core", float64(after.resident)/1e6, cpu), "", "40 MB, 0.5 %"}}, nil
}

type used struct {
	cpu      time.Duration
	resident int64
}

// usage adds up what processes have used, as /proc has it.
func usage(pids []int) (sum used) {
	for _, pid := range pids {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:])); len(fields) > 12 {
			user, _ := strconv.Atoi(fields[11])
			system, _ := strconv.Atoi(fields[12])
			sum.cpu += time.Duration(user+system) * 10 * time.Millisecond
		}
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if m := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status); m != nil {
			kib, _ := strconv.ParseInt(string(m[1]), 10, 64)
			sum.resident += kib << 10
		}
	}
	return sum
}

// keeperOf finds the keeper of a data directory among the processes; 0 when there is none.
func keeperOf(dir string) int {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		line, _ := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		if args := strings.Split(string(line), "\x00"); len(args) > 1 && args[1] == "keeper" && strings.Contains(string(line), dir) {
			return pid
		}
	}
	return 0
}

// measureInside runs the Go benchmarks of figures that are not seen from outside.
func measureInside(ctx context.Context, b *bench) ([]row, error) {
	inside := []struct{ what, pkg, bench, reach string }{
		{"DescribeTasks of 100 tasks, encoding", "./internal/wire", "BenchmarkDescribeTasks", "4 x encoding/json"},
		{"API p99 while 500 fake tasks start", "./internal/daemon", "BenchmarkAPIWhileTasksStart", "5 ms"},
		{"Decide, 1,000 tasks, nothing to do", "./internal/scheduler", "BenchmarkDecideIdle", "5 us, no allocation"},
	}
	var rows []row
	for _, i := range inside {
		out, err := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^"+i.bench+"$", "-benchmem", i.pkg).CombinedOutput()
		if err != nil {
			return rows, fmt.Errorf("%s: %w\n%s", i.bench, err, out)
		}
		var lines []string
		for line := range strings.Lines(string(out)) {
			if strings.HasPrefix(line, "Benchmark") {
				lines = append(lines, strings.Join(strings.Fields(line), " "))
			}
		}
		rows = append(rows, row{i.what, strings.Join(lines, "<br>"), "", i.reach})
	}
	return rows, nil
}
