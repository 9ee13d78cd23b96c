package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// latencyTasks start while clients ask.
	latencyTasks = 500
	// latencyClients ask one operation after the other, with latencyPause between: clients that ask, not ones that flood.
	latencyClients = 4
	latencyPause   = 2 * time.Millisecond
)

// answers are how long requests took.
type answers struct {
	mu            sync.Mutex
	reads, writes []time.Duration
}

// measureLatency: how long answers take while the tasks of one service start, as processes of the same machine.
func measureLatency(ctx context.Context, b *bench) ([]row, error) {
	var took answers
	var started []time.Duration
	for range b.rounds {
		duration, err := latency(ctx, b, &took)
		if err != nil {
			return nil, err
		}
		started = append(started, duration)
	}
	got := fmt.Sprintf("all %s; reads %s; writes %s", percentiles(slices.Concat(took.reads, took.writes)), percentiles(took.reads),
		percentiles(took.writes))
	return []row{{fmt.Sprintf("API while %d tasks start (in %s), p50, p99, slowest", latencyTasks, spread(started)), got, "", "p99 5 ms"}}, nil
}

// percentiles shows the median, the 99th percentile and the slowest.
func percentiles(all []time.Duration) string {
	if len(all) == 0 {
		return "none"
	}
	slices.Sort(all)
	return fmt.Sprintf("%s, %s, %s", short(all[len(all)/2]), short(all[(len(all)-1)*99/100]), short(all[len(all)-1]))
}

// latency starts the tasks once and gives how long that took.
func latency(ctx context.Context, b *bench, took *answers) (time.Duration, error) {
	s, err := b.up(ctx)
	if err != nil {
		return 0, err
	}
	defer s.stop()
	if err := s.call("RegisterTaskDefinition", map[string]any{"family": "web", "containerDefinitions": []any{map[string]any{
		"name": "web", "image": "sleep", "memoryReservation": 4, "essential": true, "command": []string{"sleep", "1000"}}}}, nil); err != nil {
		return 0, err
	}
	if err := s.serve("web", "web", 1); err != nil {
		return 0, err
	}
	if err := s.running(ctx, "web", 1); err != nil {
		return 0, err
	}
	asking, stop := context.WithCancel(ctx)
	defer stop()
	group, asking := errgroup.WithContext(asking)
	for client := range latencyClients {
		group.Go(func() error { return askAround(asking, s, client, took) })
	}
	begin := time.Now()
	if err := s.call("UpdateService", map[string]any{"service": "web", "desiredCount": latencyTasks}, nil); err != nil {
		return 0, err
	}
	for running := 0; running < latencyTasks && asking.Err() == nil; time.Sleep(20 * time.Millisecond) {
		v, err := s.describe("web")
		if err != nil {
			return 0, err
		}
		running = v.RunningCount
	}
	duration := time.Since(begin)
	stop()
	return duration, group.Wait()
}

// askAround asks the operations in turn until ctx is done.
func askAround(ctx context.Context, s *server, client int, took *answers) error {
	requests := []struct{ operation, body string }{
		{"DescribeServices", `{"services":["web"]}`}, {"ListTasks", `{"serviceName":"web"}`},
		{"RegisterTaskDefinition", `{"family":"other","containerDefinitions":[{"name":"web","image":"web","memory":4}]}`},
		{"DescribeClusters", `{}`},
	}
	var loads []*load
	for _, r := range requests {
		l, err := dial(s, r.operation, []byte(r.body))
		if err != nil {
			return err
		}
		defer l.conn.Close()
		loads = append(loads, l)
	}
	for n := client; ctx.Err() == nil; n++ {
		i := n % len(loads)
		begin := time.Now()
		if err := loads[i].ask(); err != nil {
			return err
		}
		duration := time.Since(begin)
		took.mu.Lock()
		if requests[i].operation == "RegisterTaskDefinition" {
			took.writes = append(took.writes, duration)
		} else {
			took.reads = append(took.reads, duration)
		}
		took.mu.Unlock()
		time.Sleep(latencyPause)
	}
	return nil
}
