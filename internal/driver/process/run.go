package process

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"ballast/internal/agent/keeper"
	"ballast/internal/driver"
)

// Bounds of the connection to the keeper.
const (
	// maxRepeats bounds how often a call is made again because the keeper was lost under it.
	maxRepeats = 3
	// reachFor bounds one attempt to reach a keeper, spawning included.
	reachFor = 10 * time.Second
	// retryFirst and retryMost are the pauses between attempts to reach a keeper while nobody asks: without one, containers that
	// write much wait.
	retryFirst = 50 * time.Millisecond
	retryMost  = 5 * time.Second
	// maxBacklog bounds the ends that wait for a subscriber; one that falls behind is cut off and lists instead.
	maxBacklog = 1 << 16
)

var errClosed = errors.New("the process driver is closed")

// link is the connection to the keeper: made when needed, made again as soon as it is lost.
type link struct {
	d    *Driver
	turn chan struct{} // held by whoever connects
	end  context.Context
	stop context.CancelFunc

	mu   sync.Mutex
	c    *keeper.Client
	subs map[*subscriber]bool
}

func (l *link) init(d *Driver) {
	l.d, l.turn, l.subs = d, make(chan struct{}, 1), map[*subscriber]bool{}
	l.end, l.stop = context.WithCancel(context.Background())
}

// do makes a call, again if the keeper is lost under it: every call of a keeper is idempotent.
func (l *link) do(ctx context.Context, call func(*keeper.Client) error) error {
	for range maxRepeats {
		c, err := l.client(ctx)
		if err != nil {
			return err
		}
		if err = call(c); !errors.Is(err, keeper.ErrGone) {
			return err
		}
	}
	return fmt.Errorf("keeper: lost %d times in a row", maxRepeats)
}

// client gives the connection, making one if there is none.
func (l *link) client(ctx context.Context) (*keeper.Client, error) {
	if c := l.current(); c != nil {
		return c, nil
	}
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("reach the keeper: %w", ctx.Err())
	case <-l.end.Done():
		return nil, errClosed
	}
	if c := l.current(); c != nil {
		return c, nil
	}
	if l.end.Err() != nil {
		return nil, errClosed
	}
	ctx, cancel := context.WithTimeout(ctx, reachFor)
	defer cancel()
	c, err := l.reach(ctx)
	if err != nil {
		return nil, fmt.Errorf("reach the keeper: %w", err)
	}
	l.mu.Lock()
	l.c = c
	l.mu.Unlock()
	go l.watch(c)
	return c, nil
}

// current gives the connection if it stands.
func (l *link) current() *keeper.Client {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.c == nil {
		return nil
	}
	select {
	case <-l.c.Gone():
		return nil
	default:
		return l.c
	}
}

// reach dials the keeper, spawns one if none answers, and brings both to the same knowledge.
func (l *link) reach(ctx context.Context) (*keeper.Client, error) {
	c, err := keeper.Dial(ctx, l.d.cfg.KeeperDir, l.d.onEnd)
	if err != nil {
		if err := keeper.Spawn(ctx, l.d.cfg.KeeperDir, l.d.cfg.Exe); err != nil {
			return nil, err
		}
		if c, err = keeper.Dial(ctx, l.d.cfg.KeeperDir, l.d.onEnd); err != nil {
			return nil, err
		}
	}
	if err := l.d.greet(ctx, c); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// watch waits for the loss of a connection, ends its subscriptions and makes a new one.
func (l *link) watch(c *keeper.Client) {
	select {
	case <-c.Gone():
	case <-l.end.Done():
		c.Close()
		<-c.Gone()
	}
	l.mu.Lock()
	for s := range l.subs {
		s.close()
		delete(l.subs, s)
	}
	l.mu.Unlock()
	for pause := retryFirst; l.end.Err() == nil; pause = min(2*pause, retryMost) {
		if _, err := l.client(l.end); err == nil {
			return
		}
		select {
		case <-time.After(pause):
		case <-l.end.Done():
		}
	}
}

func (l *link) close() error {
	l.stop()
	if c := l.current(); c != nil {
		c.Close()
		<-c.Gone()
	}
	return nil
}

// shutdown ends the keeper and the link. Nothing is spawned for it.
func (l *link) shutdown(ctx context.Context) error {
	c := l.current()
	if c == nil {
		var err error
		if c, err = keeper.Dial(ctx, l.d.cfg.KeeperDir, nil); err != nil {
			return l.close() // there is none
		}
		defer c.Close()
	}
	if err := c.Shutdown(ctx); err != nil && !errors.Is(err, keeper.ErrGone) {
		return err
	}
	l.stop()
	select {
	case <-c.Gone():
	case <-ctx.Done():
		return fmt.Errorf("wait for the keeper's end: %w", ctx.Err())
	}
	return nil
}

// subscribe makes a channel of ends, closed when ctx is done or the connection is lost.
func (l *link) subscribe(ctx context.Context) (<-chan driver.Observation, error) {
	c, err := l.client(ctx)
	if err != nil {
		return nil, err
	}
	s := &subscriber{wake: make(chan struct{}, 1), over: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-c.Gone():
		return nil, keeper.ErrGone
	default:
	}
	if l.c != c {
		return nil, keeper.ErrGone
	}
	l.subs[s] = true
	out := make(chan driver.Observation)
	go func() {
		defer close(out)
		s.run(ctx, out)
		l.mu.Lock()
		delete(l.subs, s)
		l.mu.Unlock()
	}()
	return out, nil
}

// publish hands an end to every subscriber, without waiting.
func (l *link) publish(o driver.Observation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := range l.subs {
		if !s.put(o) {
			s.close()
			delete(l.subs, s)
		}
	}
}

// subscriber holds the ends that one channel has still to deliver.
type subscriber struct {
	wake chan struct{}
	over chan struct{}

	mu      sync.Mutex
	backlog []driver.Observation
}

func (s *subscriber) close() { close(s.over) }

func (s *subscriber) put(o driver.Observation) (taken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.backlog) >= maxBacklog {
		return false
	}
	s.backlog = append(s.backlog, o)
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return true
}

func (s *subscriber) all() []driver.Observation {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.backlog
	s.backlog = nil
	return all
}

// run delivers until ctx is done or the subscription is over. What is left then is found by List.
func (s *subscriber) run(ctx context.Context, out chan<- driver.Observation) {
	for {
		select {
		case <-s.wake:
		case <-s.over:
			return
		case <-ctx.Done():
			return
		}
		for _, o := range s.all() {
			select {
			case out <- o:
			case <-s.over:
				return
			case <-ctx.Done():
				return
			}
		}
	}
}
