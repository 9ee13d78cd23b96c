package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// clients ask at once; each has a connection of its own.
const clients = 16

// window is how long requests are counted.
const window = 3 * time.Second

// rate counts the requests that clients get answered in a second.
func rate(ctx context.Context, s *server, operation string, body func(client int) []byte) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, window)
	defer cancel()
	var done atomic.Int64
	var group errgroup.Group
	begin := time.Now()
	for client := range clients {
		group.Go(func() error {
			c, err := dial(s, operation, body(client))
			if err != nil {
				return err
			}
			defer c.conn.Close()
			for ctx.Err() == nil {
				if err := c.ask(); err != nil {
					return err
				}
				done.Add(1)
			}
			return nil
		})
	}
	err := group.Wait()
	return float64(done.Load()) / time.Since(begin).Seconds(), err
}

// load is one client that asks the same over and over on one connection. It does as little as possible, like the load
// generators made for that, because it shares the processors with the server it measures.
type load struct {
	conn    net.Conn
	answers *bufio.Reader
	request []byte
}

func dial(s *server, operation string, body []byte) (*load, error) {
	address := strings.TrimPrefix(s.endpoint, "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	request := fmt.Sprintf("POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-amz-json-1.1\r\n"+
		"X-Amz-Target: AmazonEC2ContainerServiceV20141113.%s\r\nContent-Length: %d\r\n\r\n%s", address, operation, len(body), body)
	return &load{conn, bufio.NewReader(conn), []byte(request)}, nil
}

// ask sends the request and reads the whole answer, which must be a 200 of a stated length.
func (l *load) ask() error {
	if _, err := l.conn.Write(l.request); err != nil {
		return err
	}
	length := -1
	for first := true; ; first = false {
		line, err := l.answers.ReadSlice('\n')
		switch {
		case err != nil:
			return err
		case first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")):
			return fmt.Errorf("answer %q", line)
		case len(line) <= 2:
			if length < 0 {
				return errors.New("answer without Content-Length")
			}
			_, err := l.answers.Discard(length)
			return err
		case bytes.HasPrefix(line, []byte("Content-Length: ")):
			if length, err = strconv.Atoi(strings.TrimSpace(string(line[len("Content-Length: "):]))); err != nil {
				return err
			}
		}
	}
}

func rates(ctx context.Context, b *bench, s *server, operation string, body func(client int) []byte) (string, error) {
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
	got, err := rates(ctx, b, s, "DescribeServices", func(int) []byte { return body })
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
	got, err := rates(ctx, b, s, "RegisterTaskDefinition", func(client int) []byte { return bodies[client] })
	if err != nil {
		return nil, err
	}
	floor, err := syncTime(b.dir)
	return []row{{"RegisterTaskDefinition, 16 clients, durable", got,
		fmt.Sprintf("one fsync of 4 KiB on this disk: %s; a commit needs two", short(floor)), "5,000/s"}}, err
}

// syncTime is how long the disk takes to make 4 KiB durable, the bound of everything that is.
func syncTime(dir string) (time.Duration, error) {
	f, err := os.Create(filepath.Join(dir, "floor"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var all []time.Duration
	page := make([]byte, 4096)
	for range 500 {
		begin := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		all = append(all, time.Since(begin))
	}
	return median(all), nil
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
	inside := []struct{ what, pkg, bench, time, reach string }{
		{"DescribeTasks of 100 tasks, encoding", "./internal/wire", "BenchmarkDescribeTasks", "2s", "4 x encoding/json"},
		{"API p99 while 500 fake tasks start", "./internal/daemon", "BenchmarkAPIWhileTasksStart", "5x", "5 ms"},
		{"Decide, 1,000 tasks, nothing to do", "./internal/scheduler", "BenchmarkDecideIdle", "1s", "5 us, no allocation"},
		{"one crash in clusters of 10^3, 10^5 and 10^6 tasks: replacement assigned", "./internal/control", "BenchmarkCrash", "100x", "1 ms"},
		{"100,000 tasks in 50 services on 1,000 instances, from nothing to RUNNING", "./internal/control", "BenchmarkLarge", "1x", "12 s"},
		{"a minute of that cluster in its steady state", "./internal/control", "BenchmarkSteady", "60x", "1 % of a core, heap flat"},
		{"simulated day of a service whose tasks exit after 30 s", "./internal/sim/scenario", "BenchmarkLoopingDay", "1x", "1 s"},
		{"storm, two minutes", "./internal/daemon", "BenchmarkStorm", "1x", "20 rolls, p99 50 ms, level"},
	}
	var rows []row
	for _, i := range inside {
		out, err := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^"+i.bench+"$", "-benchtime", i.time, "-benchmem", i.pkg).CombinedOutput()
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
