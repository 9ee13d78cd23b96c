package control

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/scheduler/policy"
	"ballast/internal/session"
	"ballast/internal/store"
	"ballast/internal/store/mem"
)

// within runs test with a Control on a mem store, in a bubble with a clock of its own.
func within(t *testing.T, test func(t *testing.T, c *Control, s *mem.Store)) {
	synctest.Test(t, func(t *testing.T) {
		s := mem.New()
		c := open(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx) }()
		test(t, c, s)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func open(t *testing.T, s store.Store) *Control {
	t.Helper()
	p, err := policy.Named("ecs")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open(t.Context(), Config{Policy: p}, s, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func isCode(err error, code ecs.Code) bool {
	var e *ecs.Error
	return errors.As(err, &e) && e.Code == code
}

func TestAnswerComesAfterTheCommit(t *testing.T) {
	within(t, func(t *testing.T, c *Control, s *mem.Store) {
		if _, err := c.Submit(t.Context(), CreateCluster{Name: "one"}); err != nil {
			t.Fatal(err)
		}
		if c.Root().Cluster("one") == nil {
			t.Error("a client does not read its own write")
		}
		found := false
		err := s.Load(t.Context(), func(key string, _ []byte) error {
			found = found || key == "a/cluster/one"
			return nil
		})
		if err != nil || !found {
			t.Errorf("the answered change is not in the store (%v)", err)
		}
	})
}

func TestFullDiskRefusesCommandsAndReadsGoOn(t *testing.T) {
	within(t, func(t *testing.T, c *Control, s *mem.Store) {
		const full = 20
		for range full {
			s.FailNext(syscall.ENOSPC, 0)
		}
		_, err := c.Submit(t.Context(), CreateCluster{Name: "one"})
		if !isCode(err, ecs.ServerException) {
			t.Fatalf("while the disk is full: %v", err)
		}
		if c.Root().Cluster("one") != nil {
			t.Error("a change that is not durable is visible")
		}
		if _, err = c.Submit(t.Context(), CreateCluster{Name: "two"}); !isCode(err, ecs.ServerException) {
			t.Errorf("the next command: %v", err)
		}
		time.Sleep(full * retryMax) // virtual: the bubble's clock
		if _, err = c.Submit(t.Context(), CreateCluster{Name: "three"}); err != nil {
			t.Errorf("after space has come back: %v", err)
		}
		if c.Root().Cluster("one") == nil || c.Root().Cluster("three") == nil {
			t.Error("the batch that waited was not committed")
		}
	})
}

func TestUnknownOutcomeReloads(t *testing.T) {
	for _, applied := range []int{0, 1} {
		within(t, func(t *testing.T, c *Control, s *mem.Store) {
			s.FailNext(store.ErrUnknown, applied)
			_, err := c.Submit(t.Context(), CreateCluster{Name: "one"})
			if !isCode(err, ecs.ServerException) {
				t.Fatalf("outcome unknown: %v", err)
			}
			synctest.Wait() // until the store has been read again; commands are refused meanwhile
			if _, err = c.Submit(t.Context(), CreateCluster{Name: "two"}); err != nil {
				t.Fatal(err)
			}
			if got := c.Root().Cluster("one") != nil; got != (applied == 1) {
				t.Errorf("visible %v, in the store %v", got, applied == 1)
			}
		})
	}
}

func TestFullQueueThrottles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, mem.New()) // not running: nobody takes commands
		var throttled atomic.Int32
		ctx, cancel := context.WithCancel(t.Context())
		for range commandQueue + 3 {
			go func() {
				if _, err := c.Submit(ctx, CreateCluster{Name: "one"}); isCode(err, ecs.ThrottlingException) {
					throttled.Add(1)
				}
			}()
		}
		synctest.Wait()
		if got := throttled.Load(); got != 3 {
			t.Errorf("%d commands were throttled, want 3", got)
		}
		cancel()
		synctest.Wait()
	})
}

func TestAgentThatConnectsTwiceKeepsTheNewerConnection(t *testing.T) {
	within(t, func(t *testing.T, c *Control, _ *mem.Store) {
		if _, err := c.Submit(t.Context(), CreateCluster{Name: "default"}); err != nil {
			t.Fatal(err)
		}
		connect := func(number uint64) session.Conn {
			conn, peer := session.Pipe()
			go c.Serve(peer)
			err := conn.Send(session.Report{Instance: ecs.ID{1}, Session: number, Seq: 1,
				Hello: &session.Hello{Cluster: "default", Resources: ecs.Resources{CPU: 1, Memory: 1}}})
			if err != nil {
				t.Fatal(err)
			}
			if m, err := conn.Recv(); err != nil || !m.Manifest || m.Session != number {
				t.Fatalf("first message of session %d: %+v, %v", number, m, err)
			}
			return conn
		}
		first := connect(1)
		second := connect(2)
		if _, err := first.Recv(); err == nil {
			t.Error("the older connection is still served")
		}
		synctest.Wait()
		if i := c.Root().Instance("default", ecs.ID{1}); i == nil || !i.Connected {
			t.Errorf("instance %+v, want it connected", i)
		}
		second.Close()
		synctest.Wait()
		if i := c.Root().Instance("default", ecs.ID{1}); i.Connected {
			t.Error("the instance is shown as connected after its connection broke")
		}
	})
}

// lapsing is a store whose leader can be deposed by a test.
type lapsing struct {
	*mem.Store
	lapsed chan struct{}
	vacant chan struct{} // Lead waits for it
}

func (l *lapsing) Lapsed() <-chan struct{} { return l.lapsed }

func (l *lapsing) Lead(ctx context.Context) (store.Fence, error) {
	select {
	case <-l.vacant:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return l.Store.Lead(ctx)
}

// A server that loses its store in the middle of a commit answers nothing that may be old while another leads, and tells who asked
// for the change that its outcome is not known.
func TestDeposedInTheMiddleOfACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lapsing := &lapsing{mem.New(), make(chan struct{}), make(chan struct{})}
		close(lapsing.vacant)
		s := &losing{lapsing: lapsing, lose: make(chan struct{})}
		c := open(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx) }()
		asked := make(chan error, 1)
		go func() {
			_, err := c.Submit(t.Context(), CreateCluster{Name: "one"})
			asked <- err
		}()
		synctest.Wait()
		if err := c.Current(); err != nil {
			t.Errorf("while it leads and commits: %v", err)
		}
		close(s.lapsed)
		if err := c.Current(); !isCode(err, ecs.ServerException) {
			t.Errorf("while it commits, and another may lead: %v", err)
		}
		s.vacant, s.lapsed = make(chan struct{}), make(chan struct{}) // another leads
		close(s.lose)
		if err := <-asked; !isCode(err, ecs.ServerException) || !strings.Contains(err.Error(), "not known whether") {
			t.Errorf("who asked is told %v", err)
		}
		synctest.Wait()
		if err := c.Current(); !isCode(err, ecs.ServerException) {
			t.Errorf("while another leads: %v", err)
		}
		close(s.vacant)
		synctest.Wait()
		if err := c.Current(); err != nil {
			t.Errorf("when it leads again: %v", err)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// losing is a store that loses the outcome of its first commit with records, when it is told to.
type losing struct {
	*lapsing
	lose chan struct{}
	once sync.Once
}

func (l *losing) Commit(ctx context.Context, fence store.Fence, units []store.Unit) (err error) {
	if len(units) == 0 {
		return l.lapsing.Commit(ctx, fence, units)
	}
	first := false
	l.once.Do(func() { first = true })
	if !first {
		return l.lapsing.Commit(ctx, fence, units)
	}
	<-l.lose
	return store.ErrUnknown
}

// A server that is deposed while it has nothing to write answers nothing that may be old, and serves again when it leads again.
func TestDeposedWithoutACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &lapsing{mem.New(), make(chan struct{}), make(chan struct{})}
		close(s.vacant)
		c := open(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx) }()
		synctest.Wait()
		if err := c.Current(); err != nil {
			t.Errorf("while it leads: %v", err)
		}
		s.vacant = make(chan struct{}) // another leads
		close(s.lapsed)
		synctest.Wait()
		if err := c.Current(); !isCode(err, ecs.ServerException) {
			t.Errorf("while another leads: %v", err)
		}
		if _, err := c.Submit(t.Context(), CreateCluster{Name: "one"}); !isCode(err, ecs.ServerException) {
			t.Errorf("a command while another leads: %v", err)
		}
		late := make(chan Answer, 1) // of somebody who asked just as this one was deposed
		c.commands <- request{CreateCluster{Name: "late"}, late}
		s.lapsed = make(chan struct{})
		close(s.vacant)
		synctest.Wait()
		if err := c.Current(); err != nil {
			t.Errorf("when it leads again: %v", err)
		}
		if a := <-late; !isCode(a.Err, ecs.ServerException) || c.Root().Cluster("late") != nil {
			t.Errorf("a command from before another led: %v", a.Err)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}
