package control

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/session"
	"ballast/internal/store"
	"ballast/internal/store/mem"
)

// slowStore takes its time for every commit and counts them.
type slowStore struct {
	*mem.Store
	takes   time.Duration
	commits atomic.Int64
}

func (s *slowStore) Commit(ctx context.Context, fence store.Fence, units []store.Unit) error {
	time.Sleep(s.takes) // virtual: the bubble's clock
	s.commits.Add(1)
	return s.Store.Commit(ctx, fence, units)
}

// TestReportsLeaveTheDiskToCommands has an agent report faster than the disk commits, and looks at what a client waits for.
func TestReportsLeaveTheDiskToCommands(t *testing.T) {
	const takes, lasts = 2 * time.Millisecond, time.Second
	synctest.Test(t, func(t *testing.T) {
		s := &slowStore{Store: mem.New(), takes: takes}
		c := open(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		conn, peer := session.Pipe()
		var group sync.WaitGroup
		defer group.Wait()
		defer conn.Close()
		defer cancel()
		group.Go(func() { c.Run(ctx) })
		group.Go(func() { c.Serve(peer) })
		if _, err := c.Submit(ctx, CreateCluster{Name: "default"}); err != nil {
			t.Fatal(err)
		}
		group.Go(func() { listen(conn) })
		group.Go(func() { chatter(ctx, conn) })
		time.Sleep(4 * paceBurst) // until nothing is saved up
		before := s.commits.Load()
		time.Sleep(lasts)
		alone := s.commits.Load() - before
		if share := time.Duration(alone) * takes; share < lasts/10 || share > lasts/3 {
			t.Errorf("reports alone kept the disk busy for %v of %v", share, lasts)
		}
		waited, slowest := time.Duration(0), time.Duration(0)
		const asked = 100
		for range asked {
			time.Sleep(7300 * time.Microsecond)
			begin := time.Now()
			if _, err := c.Submit(ctx, CreateCluster{Name: "one"}); err != nil {
				t.Fatal(err)
			}
			waited, slowest = waited+time.Since(begin), max(slowest, time.Since(begin))
		}
		if slowest > 2*takes || waited/asked > takes*3/2 {
			t.Errorf("a command took %v, at most %v; a commit takes %v", waited/asked, slowest, takes)
		}
	})
}

// listen takes what control says until the connection ends.
func listen(conn session.Conn) {
	for {
		if _, err := conn.Recv(); err != nil {
			return
		}
	}
}

// chatter registers a container instance anew again and again, each time with other resources.
func chatter(ctx context.Context, conn session.Conn) {
	for n := 1; ctx.Err() == nil; n++ {
		hello := &session.Hello{Cluster: "default", Resources: ecs.Resources{CPU: 1024 + n}}
		conn.Send(session.Report{Instance: ecs.ID{1}, Session: uint64(n), Seq: 1, Hello: hello})
		time.Sleep(time.Millisecond)
	}
}

func TestPace(t *testing.T) {
	now := time.Unix(1, 0)
	p := &pace{}
	step := func(took time.Duration) time.Duration {
		now = now.Add(took)
		p.spend(now, took)
		wait := p.wait(now)
		now = now.Add(wait)
		return wait
	}
	if wait := p.wait(now); wait != 0 {
		t.Errorf("waits %v before the first commit", wait)
	}
	free := 0
	for step(time.Millisecond) == 0 {
		free++
	}
	if free < 90 || free > 150 {
		t.Errorf("%d commits in a row without a wait", free)
	}
	begin, busy := now, time.Duration(0)
	for range 1000 {
		step(time.Millisecond)
		busy += time.Millisecond
	}
	if share := float64(busy) / float64(now.Sub(begin)); share < 0.19 || share > 0.21 {
		t.Errorf("commits took %.2f of the time", share)
	}
	if wait := step(time.Second); wait != paceMax {
		t.Errorf("waits %v after a slow commit", wait)
	}
	now = now.Add(time.Hour)
	if step(paceBurst) != 0 || step(time.Millisecond) == 0 {
		t.Error("more or less than the burst is saved up in an hour")
	}
}
