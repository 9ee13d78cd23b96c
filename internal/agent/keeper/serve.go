package keeper

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"ballast/internal/driver"
)

// conn is one client. Answers and ends go through a bounded queue; a client that does not read is cut off and asks anew.
type conn struct {
	k     *keeper
	nc    net.Conn
	out   chan answer
	calls chan struct{}
	gone  chan struct{}
	wrote chan struct{} // closed when nothing more is written from out
}

// serve takes a client.
func (k *keeper) serve(nc net.Conn) {
	c := &conn{k: k, nc: nc, out: make(chan answer, maxQueue), calls: make(chan struct{}, maxCalls), gone: make(chan struct{}),
		wrote: make(chan struct{})}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended || len(k.conns) >= maxConns {
		nc.Close()
		return
	}
	k.conns[c] = true
	k.rest()
	go c.read()
	go c.write()
}

func (c *conn) read() {
	defer c.leave()
	r := bufio.NewReader(c.nc)
	for first := true; ; first = false {
		var req request
		if err := readMessage(r, &req); err != nil {
			return
		}
		if first && req.Op == opAttach {
			c.attach(r, req)
			return
		}
		c.calls <- struct{}{}
		go func() {
			defer func() { <-c.calls }()
			a := c.k.handle(req)
			a.ID = req.ID
			c.send(a)
		}()
	}
}

func (c *conn) leave() {
	c.nc.Close()
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	delete(c.k.conns, c)
	close(c.gone)
	c.k.rest()
}

func (c *conn) write() {
	defer close(c.wrote)
	for {
		select {
		case a, more := <-c.out:
			if !more {
				return
			}
			if writeMessage(c.nc, a) != nil {
				c.nc.Close()
				return
			}
		case <-c.gone:
			return
		}
	}
}

// send queues a message and never blocks.
func (c *conn) send(a answer) {
	select {
	case c.out <- a:
	default:
		c.nc.Close()
	}
}

// tell sends, with mu held, the end of a container to every client.
func (k *keeper) tell(o driver.Observation) {
	w := toWire(o)
	for c := range k.conns {
		c.send(answer{Ended: &w})
	}
}

// handle carries out one call.
func (k *keeper) handle(req request) (a answer) {
	var err error
	switch req.Op {
	case opHello:
		bounds := k.controls.bounds()
		return answer{Version: version, PID: os.Getpid(), Bounds: &bounds}
	case opList:
		return answer{List: k.list()}
	case opShutdown:
		err = k.shutdown()
	default:
		var key driver.Key
		if key, err = req.Key.key(); err == nil {
			a, err = k.handleOne(key, req)
		}
	}
	if e := (*driver.Error)(nil); errors.As(err, &e) {
		a.Error = e
	} else if err != nil {
		a.Fault = err.Error()
	}
	return a
}

// handleOne carries out a call about one container.
func (k *keeper) handleOne(key driver.Key, req request) (a answer, err error) {
	switch req.Op {
	case opCreate:
		err = k.create(key, req.Payload)
	case opPayload:
		a.Payload, err = k.payload(key)
	case opStart:
		if req.Command == nil {
			return a, fmt.Errorf("start %v: no command", key)
		}
		var st driver.Started
		st, err = k.start(key, *req.Command)
		a.Started = &st
	case opStop:
		var e driver.Exit
		e, err = k.stop(key, time.Duration(req.Timeout))
		a.Exit = &e
	case opExec:
		a.Code, a.Output, err = k.exec(key, req.Argv, time.Duration(req.Timeout))
	case opStats:
		a.Stats, err = k.stats(key)
	case opRemove:
		err = k.remove(key)
	case opRemoveLogs:
		err = k.removeLogs(key.Task)
	default:
		err = fmt.Errorf("keeper version %d does not know the call %q", version, req.Op)
	}
	return a, err
}

// shutdown ends the keeper unless a container runs.
func (k *keeper) shutdown() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if running, _ := k.counts(); running+k.births.underWay() > 0 {
		return fmt.Errorf("keeper: %d containers run", running+k.births.underWay())
	}
	k.leaving = true
	time.AfterFunc(answerFor, k.leave) // the answer goes out first
	return nil
}

// answerFor is the time that the answer to a shutdown gets to leave.
const answerFor = 20 * time.Millisecond
