package keeper

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// Client is a connection to a keeper. Its methods may be called side by side; they fail with ErrGone once the connection is lost,
// and a new one has to be dialled.
type Client struct {
	nc      net.Conn
	onEnd   func(driver.Observation)
	pid     int
	bounds  Bounds
	writing chan struct{} // holds whoever writes

	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan answer
	gone    chan struct{}
}

// ErrGone says that the connection to the keeper is lost.
var ErrGone = errors.New("the connection to the keeper is lost")

// Dial connects to the keeper of a directory. onEnd is told every end of a container from then on, in order, before the call that
// caused it returns; it must not block.
func Dial(ctx context.Context, dir string, onEnd func(driver.Observation)) (*Client, error) {
	nc, err := dial(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("dial keeper: %w", err)
	}
	c := newClient(nc, onEnd)
	a, err := c.call(ctx, request{Op: opHello})
	if err == nil && a.Version != version {
		err = fmt.Errorf("the keeper speaks version %d of its protocol, this program version %d", a.Version, version)
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("greet keeper: %w", err)
	}
	c.pid = a.PID
	if a.Bounds != nil {
		c.bounds = *a.Bounds
	}
	return c, nil
}

// newClient has a connection listened to.
func newClient(nc net.Conn, onEnd func(driver.Observation)) *Client {
	c := &Client{nc: nc, onEnd: onEnd, writing: make(chan struct{}, 1), waiting: map[uint64]chan answer{}, gone: make(chan struct{})}
	go c.read()
	return c
}

// PID is the keeper's process id.
func (c *Client) PID() int { return c.pid }

// Bounds are the resources that the keeper can bound.
func (c *Client) Bounds() Bounds { return c.bounds }

// Gone is closed when the connection is lost.
func (c *Client) Gone() <-chan struct{} { return c.gone }

// Close ends the connection. The keeper and its containers go on.
func (c *Client) Close() error { return c.nc.Close() }

// Create makes a container known, with a payload that Payload gives back until it is started. It is kept in memory only.
func (c *Client) Create(ctx context.Context, key driver.Key, payload json.RawMessage) error {
	_, err := c.call(ctx, request{Op: opCreate, Key: toWireKey(key), Payload: payload})
	return err
}

// Payload gives what a container was created with, nil once it has been started.
func (c *Client) Payload(ctx context.Context, key driver.Key) (json.RawMessage, error) {
	a, err := c.call(ctx, request{Op: opPayload, Key: toWireKey(key)})
	return a.Payload, err
}

// Start starts a container; one that ran already gives how it started.
func (c *Client) Start(ctx context.Context, key driver.Key, cmd Command) (driver.Started, error) {
	a, err := c.call(ctx, request{Op: opStart, Key: toWireKey(key), Command: &cmd})
	if err != nil || a.Started == nil {
		return driver.Started{}, err
	}
	return *a.Started, nil
}

// Stop sends SIGTERM, waits for timeout, then kills what is left. If ctx ends, the stop is still carried through.
func (c *Client) Stop(ctx context.Context, key driver.Key, timeout time.Duration) (driver.Exit, error) {
	a, err := c.call(ctx, request{Op: opStop, Key: toWireKey(key), Timeout: int64(timeout)})
	if err != nil || a.Exit == nil {
		return driver.Exit{}, err
	}
	return *a.Exit, nil
}

// Exec runs a command beside the processes of a running container; see driver.Driver. If ctx ends, it runs on up to its timeout.
func (c *Client) Exec(ctx context.Context, key driver.Key, argv []string, timeout time.Duration) (int, string, error) {
	a, err := c.call(ctx, request{Op: opExec, Key: toWireKey(key), Argv: argv, Timeout: int64(timeout)})
	return a.Code, a.Output, err
}

// Stats measures a running container; see driver.Meter.
func (c *Client) Stats(ctx context.Context, key driver.Key) (driver.Stats, error) {
	a, err := c.call(ctx, request{Op: opStats, Key: toWireKey(key)})
	if err != nil || a.Stats == nil {
		return driver.Stats{}, err
	}
	return *a.Stats, nil
}

// Remove forgets a container that does not run.
func (c *Client) Remove(ctx context.Context, key driver.Key) error {
	_, err := c.call(ctx, request{Op: opRemove, Key: toWireKey(key)})
	return err
}

// List gives every container in the order of creation.
func (c *Client) List(ctx context.Context) ([]driver.Observation, error) {
	a, err := c.call(ctx, request{Op: opList})
	if err != nil {
		return nil, err
	}
	all := make([]driver.Observation, len(a.List))
	for i, w := range a.List {
		if all[i], err = w.observation(); err != nil {
			return nil, fmt.Errorf("list containers: %w", err)
		}
	}
	return all, nil
}

// RemoveLogs deletes the logs of a task of which nothing runs.
func (c *Client) RemoveLogs(ctx context.Context, task ecs.ID) error {
	_, err := c.call(ctx, request{Op: opRemoveLogs, Key: toWireKey(driver.Key{Task: task})})
	return err
}

// Shutdown ends the keeper. It fails while a container runs.
func (c *Client) Shutdown(ctx context.Context) error {
	_, err := c.call(ctx, request{Op: opShutdown})
	return err
}

// writeFor bounds the time that a request may take to be written: the keeper takes requests at once, unless maxCalls are under way. One
// that takes nothing for so long is stopped or hangs, and who waits behind the request would wait with it.
const writeFor = time.Minute

// call sends a request and waits for its answer. One that cannot be encoded leaves the connection as it is.
func (c *Client) call(ctx context.Context, req request) (answer, error) {
	got := make(chan answer, 1)
	c.mu.Lock()
	c.last++
	req.ID = c.last
	c.waiting[req.ID] = got
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, req.ID)
		c.mu.Unlock()
	}()
	line, err := encode(req)
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", req.Op, err)
	}
	select {
	case c.writing <- struct{}{}:
	case <-ctx.Done():
		return answer{}, fmt.Errorf("%s: %w", req.Op, ctx.Err()) // the keeper has not been told
	}
	err = c.write(line)
	<-c.writing
	if err != nil {
		c.nc.Close()
		<-c.gone // a caller that sees ErrGone and asks Gone must not find the connection standing
		return answer{}, fmt.Errorf("%s: %w: %w", req.Op, ErrGone, err)
	}
	select {
	case a := <-got:
		if a.Error != nil {
			return a, a.Error
		}
		if a.Fault != "" {
			return a, errors.New(a.Fault)
		}
		return a, nil
	case <-c.gone:
		return answer{}, fmt.Errorf("%s: %w", req.Op, ErrGone)
	case <-ctx.Done():
		return answer{}, fmt.Errorf("%s: %w", req.Op, ctx.Err())
	}
}

// write sends one line, for whoever holds c.writing.
func (c *Client) write(line []byte) error {
	if err := c.nc.SetWriteDeadline(time.Now().Add(writeFor)); err != nil {
		return err
	}
	_, err := c.nc.Write(line)
	return err
}

// read takes messages until the connection is lost.
func (c *Client) read() {
	defer close(c.gone)
	defer c.nc.Close()
	r := bufio.NewReader(c.nc)
	for {
		var a answer
		if err := readMessage(r, &a); err != nil {
			return
		}
		if a.Ended != nil {
			if o, err := a.Ended.observation(); err == nil && c.onEnd != nil {
				c.onEnd(o)
			}
			continue
		}
		c.mu.Lock()
		got := c.waiting[a.ID]
		c.mu.Unlock()
		if got != nil {
			select {
			case got <- a:
			default:
			}
		}
	}
}
