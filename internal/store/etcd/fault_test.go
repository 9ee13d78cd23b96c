package etcd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"ballast/internal/store"
)

// proxy leads connections to the cluster, until it is told to cut them.
type proxy struct {
	listener net.Listener
	mute     atomic.Bool // drop what the cluster says
	closed   atomic.Bool // refuse connections

	mu    sync.Mutex
	conns []net.Conn
}

func startProxy(t *testing.T) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l}
	t.Cleanup(func() { l.Close(); p.cut() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			if p.closed.Load() {
				near.Close()
				continue
			}
			far, err := net.Dial("tcp", cluster)
			if err != nil {
				near.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, near, far)
			p.mu.Unlock()
			go func() { io.Copy(far, near); far.Close() }()
			go func() { p.answer(near, far); near.Close() }()
		}
	}()
	return p
}

// answer passes on what the cluster says, unless the proxy is mute.
func (p *proxy) answer(near, far net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := far.Read(buffer)
		if err != nil {
			return
		}
		if p.mute.Load() {
			continue
		}
		if _, err := near.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// cut ends all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

func (p *proxy) host() string { return p.listener.Addr().String() }

func open(t *testing.T, at, self string) *Store {
	t.Helper()
	s, err := Open(context.Background(), at, self, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func lead(t *testing.T, s *Store) store.Fence {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	f, err := s.Lead(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func put(key, value string) []store.Unit { return []store.Unit{{{Key: key, Value: []byte(value)}}} }

func records(t *testing.T, s store.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := s.Load(context.Background(), func(key string, value []byte) error { all[key] = string(value); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// applied waits until the cluster has a value, which a store cut off from it cannot see.
func applied(t *testing.T, s *Store, key, want string) {
	t.Helper()
	direct, err := clientv3.New(clientv3.Config{Endpoints: []string{"http://" + cluster}})
	if err != nil {
		t.Fatal(err)
	}
	defer direct.Close()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		answer, err := direct.Get(context.Background(), s.address.recordKey(key))
		if err != nil {
			t.Fatal(err)
		}
		if len(answer.Kvs) == 1 && string(answer.Kvs[0].Value) == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s never became %q", key, want)
		}
	}
}

// A commit whose answer is lost with the connection is found to have taken effect, once.
func TestLostAnswer(t *testing.T) {
	p := startProxy(t)
	s := open(t, place(p.host()), "leader")
	f := lead(t, s)
	for i := range 5 {
		value := fmt.Sprint(i)
		p.mute.Store(true)
		done := make(chan error, 1)
		go func() { done <- s.Commit(context.Background(), f, put("k", value)) }()
		applied(t, s, "k", value)
		p.cut()
		p.mute.Store(false)
		if err := <-done; err != nil {
			t.Fatalf("commit %d: %v", i, err)
		}
		if got := records(t, s)["k"]; got != value {
			t.Fatalf("k = %q after commit %d", got, i)
		}
	}
}

// A commit whose answer never comes is unknown; a new fence ends what may still be under way.
func TestUnknownOutcome(t *testing.T) {
	p := startProxy(t)
	s := open(t, place(p.host()), "leader")
	f := lead(t, s)
	p.mute.Store(true)
	done := make(chan error, 1)
	go func() { done <- s.Commit(context.Background(), f, put("k", "v")) }()
	applied(t, s, "k", "v")
	p.closed.Store(true)
	p.cut()
	if err := <-done; !errors.Is(err, store.ErrUnknown) || errors.Is(err, store.ErrFenced) {
		t.Fatalf("commit: %v, want ErrUnknown", err)
	}
	if err := s.Commit(context.Background(), f, put("k", "w")); err == nil || errors.Is(err, store.ErrUnknown) {
		t.Fatalf("commit without a cluster: %v, want a passing fault", err)
	}
	p.mute.Store(false)
	p.closed.Store(false)
	young := lead(t, s)
	if young <= f {
		t.Fatalf("fence %d after %d", young, f)
	}
	if got := records(t, s)["k"]; got != "v" {
		t.Fatalf("k = %q", got)
	}
	if err := s.Commit(context.Background(), young, put("k", "x")); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(context.Background(), f, put("k", "y")); !errors.Is(err, store.ErrFenced) {
		t.Fatalf("commit under the old fence: %v", err)
	}
}

// A transaction of a deposed leader that arrives late has no effect.
func TestDeposedLeader(t *testing.T) {
	at := place(cluster)
	old := open(t, at, "old")
	f := lead(t, old)
	if err := old.Commit(context.Background(), f, put("k", "old")); err != nil {
		t.Fatal(err)
	}
	compares := old.leading()
	old.lease.cancel() // it is silent from now on, as if stopped
	young := open(t, at, "young")
	g := lead(t, young)
	if g <= f {
		t.Fatalf("fence %d after %d", g, f)
	}
	answer, err := old.txn(context.Background(), compares, []clientv3.Op{clientv3.OpPut(old.address.recordKey("k"), "late")})
	if err != nil || answer.Succeeded {
		t.Errorf("a late transaction: %+v, %v", answer, err)
	}
	if err := old.Commit(context.Background(), f, put("k", "deposed")); !errors.Is(err, store.ErrFenced) {
		t.Errorf("commit: %v, want ErrFenced", err)
	}
	if err := old.Commit(context.Background(), f, nil); !errors.Is(err, store.ErrFenced) {
		t.Errorf("empty commit: %v, want ErrFenced", err)
	}
	if got := records(t, young)["k"]; got != "old" {
		t.Errorf("k = %q", got)
	}
}

// A leader that writes nothing learns that it has been deposed, and one that leads again is told of its own lease only.
func TestDeposedLeaderLearnsOfIt(t *testing.T) {
	at := place(cluster)
	old := open(t, at, "old")
	if old.Lapsed() != nil {
		t.Error("lapsed before it led")
	}
	lead(t, old)
	lapsed := old.Lapsed()
	select {
	case <-lapsed:
		t.Fatal("lapsed while it leads")
	case <-time.After(3 * renewEvery):
	}
	if err := old.depose(context.Background(), old.lease.id); err != nil {
		t.Fatal(err)
	}
	select {
	case <-lapsed:
	case <-time.After(leaseTTL):
		t.Fatal("it does not learn of it")
	}
	lead(t, old)
	select {
	case <-old.Lapsed():
		t.Error("lapsed after it led again")
	default:
	}
}

// A leader that lost its lease while the cluster was away, and finds its own key when it is back, leads again without waiting for itself.
func TestLeadsAgainAfterItself(t *testing.T) {
	at := place(cluster)
	s, err := Open(t.Context(), at, "self", func(leader string) { t.Errorf("waits for %s", leader) })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	first := lead(t, s)
	s.lease.lose()
	if again := lead(t, s); again != first+1 {
		t.Errorf("fence %d after %d", again, first)
	}
}

// A leader that cannot reach the cluster for as long as its lease lasts fears to be deposed.
func TestCutOffLeaderFearsToBeDeposed(t *testing.T) {
	l := &lease{over: make(chan struct{}), gone: make(chan struct{}), heard: time.Now().Add(-leaseTTL)}
	nowhere, err := clientv3.New(clientv3.Config{Endpoints: []string{"127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer nowhere.Close()
	go l.renew(t.Context(), nowhere)
	select {
	case <-l.gone:
	case <-time.After(2 * callTimeout):
		t.Error("it does not")
	}
}

// A leader whose lease is lost cannot commit, even while nobody else leads.
func TestLostLease(t *testing.T) {
	s := open(t, place(cluster), "leader")
	f := lead(t, s)
	if err := s.depose(context.Background(), s.lease.id); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(context.Background(), f, put("k", "v")); !errors.Is(err, store.ErrFenced) {
		t.Fatalf("commit: %v, want ErrFenced", err)
	}
	if err := s.Commit(context.Background(), f, put("k", "v")); !errors.Is(err, store.ErrFenced) {
		t.Fatalf("second commit: %v, want ErrFenced", err)
	}
	if g := lead(t, s); g <= f {
		t.Fatalf("fence %d after %d", g, f)
	}
}

// Who waits to lead does so at once when the leader resigns, is told whom it waits for, and can give up.
func TestFollow(t *testing.T) {
	at := place(cluster)
	first := open(t, at, "first")
	lead(t, first)
	told := make(chan string, 9)
	second, err := Open(context.Background(), at, "second", func(leader string) { told <- leader })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	led := make(chan error, 1)
	go func() { _, err := second.Lead(ctx); led <- err }()
	if leader := <-told; leader != "first" {
		t.Fatalf("waits for %q", leader)
	}
	cancel()
	if err := <-led; !errors.Is(err, context.Canceled) {
		t.Fatalf("lead: %v", err)
	}
	go func() { _, err := second.Lead(context.Background()); led <- err }()
	<-told
	begin := time.Now()
	first.Close()
	if err := <-led; err != nil {
		t.Fatal(err)
	}
	t.Logf("led %v after the other resigned", time.Since(begin))
	third, err := Open(context.Background(), at, "third", func(leader string) { told <- leader })
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, err := third.Lead(context.Background()); led <- err }()
	<-told
	if err := third.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-led; !errors.Is(err, store.ErrClosed) {
		t.Fatalf("lead of a closed store: %v", err)
	}
	second.Close()
}
