package keeper

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"ballast/internal/attach"
	"ballast/internal/driver"
)

const (
	// lateOutput bounds what is taken of the output of a command that has ended: its pipe can hold that much (pipe(7),
	// /proc/sys/fs/pipe-max-size), and a process that it left behind may write for ever.
	lateOutput = 1 << 20
	// endOfInput is what a terminal takes for the end of input: Ctrl-D.
	endOfInput = 4
)

// attach hands a connection over to the streams of a command, until that has ended or the connection is lost.
func (c *conn) attach(r *bufio.Reader, req request) {
	k := c.k
	k.mu.Lock()
	refused := k.attached >= driver.MaxAttached
	if !refused {
		k.attached++
		defer func() {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.attached--
		}()
	}
	delete(k.conns, c) // ends of containers are not told here any more
	k.mu.Unlock()
	key, err := req.Key.key()
	if refused {
		err = driver.ErrTooManyAttached
	}
	a := answer{ID: req.ID, Version: version}
	if err != nil {
		a.Fault = err.Error()
	}
	c.send(a)
	close(c.out)
	<-c.wrote
	if err != nil {
		return
	}
	attach.Serve(context.Background(), attach.Stream(c.nc, r), func(ctx context.Context, s driver.Streams) (int, error) {
		return k.attachExec(ctx, key, req.Argv, s)
	})
}

// Attach runs a command in a container of a directory's keeper; see driver.Shell. It has a connection of its own.
func Attach(ctx context.Context, dir string, key driver.Key, argv []string, streams driver.Streams) (int, error) {
	nc, err := dial(ctx, dir)
	if err != nil {
		return 0, fmt.Errorf("dial keeper: %w", err)
	}
	defer nc.Close()
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	defer stop()
	const id = 1
	if err := writeMessage(nc, request{ID: id, Op: opAttach, Key: toWireKey(key), Argv: argv}); err != nil {
		return 0, fmt.Errorf("attach: %w: %w", ErrGone, err)
	}
	r := bufio.NewReader(nc)
	var a answer
	for a.ID != id { // ends of containers may have been told meanwhile
		a = answer{}
		if err := readMessage(r, &a); err != nil {
			return 0, fmt.Errorf("attach: %w: %w", ErrGone, err)
		}
	}
	if a.Fault != "" {
		return 0, errors.New(a.Fault)
	}
	return attach.Connect(ctx, attach.Stream(nc, r), streams)
}

// attachExec runs a command in a container with streams connected to it. Why it cannot be run is told as output, as a shell does.
func (k *keeper) attachExec(ctx context.Context, key driver.Key, argv []string, s driver.Streams) (int, error) {
	c, err := k.find(key)
	if err != nil {
		return 0, err
	}
	if len(argv) == 0 {
		return 0, fmt.Errorf("exec in container %v: no command", key)
	}
	env, dir, err := k.surroundingsOf(c)
	if err != nil {
		return 0, err
	}
	cmd := Command{Argv: argv, Dir: dir, Env: env}
	if cmd.Path, err = LookPath(argv[0], dir, variable(env, "PATH")); err != nil {
		return cannotRun(s, refusedCode(err), err), nil
	}
	if s.Terminal && variable(env, "TERM") == "" { // what a shell needs to know of it, as Docker has it
		cmd.Env = append(append(make([]string, 0, len(env)+1), env...), "TERM=xterm")
	}
	ends, err := openEnds(s)
	if err != nil {
		return 0, fmt.Errorf("exec in container %v: %w", key, err)
	}
	defer ends.close()
	sys := &syscall.SysProcAttr{Setsid: true, Setctty: s.Terminal}
	x, err := k.forkExec(c, cmd, ends.child, sys, nil)
	ends.closeChildSide()
	if named := startError(key, cmd, err); err != nil && errors.As(named, new(*driver.Error)) {
		return cannotRun(s, codeCannotRun, named), nil
	}
	if err != nil {
		return 0, fmt.Errorf("exec in container %v: %w", key, err)
	}
	over, cancel := context.WithCancel(ctx)
	defer cancel()
	ends.connect(over, s)
	code, _ := k.await(ctx, c, x)
	cancel()
	ends.drain()
	return code, ctx.Err()
}

// cannotRun tells people why a command does not run.
func cannotRun(s driver.Streams, code int, why error) int {
	to, end := s.Err, "\n"
	if s.Terminal {
		to, end = s.Out, "\r\n"
	}
	io.WriteString(to, why.Error()+end)
	return code
}

// ends are the two sides of what a command reads and writes: pipes, or a terminal, which is all three at once.
type ends struct {
	child    [3]*os.File
	in       *os.File // nil where there is no input
	out      []*os.File
	terminal bool
	ended    atomic.Bool
	copying  sync.WaitGroup
}

func openEnds(s driver.Streams) (*ends, error) {
	e := &ends{terminal: s.Terminal}
	if s.Terminal {
		ours, theirs, err := openTerminal()
		if err != nil {
			return nil, fmt.Errorf("make a terminal: %w", err)
		}
		e.child, e.in, e.out = [3]*os.File{theirs, theirs, theirs}, ours, []*os.File{ours}
		return e, nil
	}
	err := e.openPipes(s.In != nil)
	if err != nil {
		e.closeChildSide()
		e.close()
	}
	return e, err
}

func (e *ends) openPipes(input bool) (err error) {
	if !input {
		e.child[0], err = os.Open(os.DevNull)
	} else {
		e.child[0], e.in, err = os.Pipe()
	}
	for i := 1; i <= 2 && err == nil; i++ {
		var r *os.File
		if r, e.child[i], err = os.Pipe(); err == nil {
			e.out = append(e.out, r)
		}
	}
	return err
}

func (e *ends) closeChildSide() {
	for _, f := range e.child {
		if f != nil {
			f.Close() // of one file that is all three, the later ones say that it is closed already
		}
	}
}

func (e *ends) close() {
	if e.in != nil {
		e.in.Close()
	}
	for _, f := range e.out {
		f.Close()
	}
}

// connect begins to copy. Sizes are passed on until over is done.
func (e *ends) connect(over context.Context, s driver.Streams) {
	if e.terminal {
		select {
		case size := <-s.Resize:
			setSize(e.in, size)
		default:
		}
		go e.resize(over, s.Resize)
	}
	if s.In != nil {
		go e.copyIn(s.In)
	}
	for i, to := range []io.Writer{s.Out, s.Err}[:len(e.out)] {
		e.copying.Go(func() { e.copyOut(to, e.out[i]) })
	}
}

func (e *ends) resize(over context.Context, sizes <-chan driver.Size) {
	for {
		select {
		case size, more := <-sizes:
			if !more {
				return
			}
			setSize(e.in, size)
		case <-over.Done():
			return
		}
	}
}

// copyIn gives the command its input and the end of it.
func (e *ends) copyIn(from io.Reader) {
	io.Copy(e.in, from)
	if e.terminal {
		e.in.Write([]byte{endOfInput})
		return
	}
	e.in.Close()
}

// copyOut passes output on. Once the command has ended it takes what is there, and waits no longer than outputFor for more: a
// process that was left behind may hold the other side.
func (e *ends) copyOut(to io.Writer, from *os.File) {
	buf := make([]byte, 32<<10)
	late := 0
	for ended := false; late < lateOutput; {
		n, err := from.Read(buf)
		if _, failed := to.Write(buf[:n]); n > 0 && failed != nil {
			return // nobody reads, which ends the command
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && !ended: // it may have run out while output was passed on
		case err != nil:
			return
		}
		if ended = e.ended.Load(); ended {
			late += n
			from.SetReadDeadline(time.Now().Add(outputFor))
		}
	}
}

// drain waits for the last output of a command that has ended.
func (e *ends) drain() {
	e.ended.Store(true)
	for _, f := range e.out {
		if f.SetReadDeadline(time.Now().Add(outputFor)) != nil { // without deadlines it is cut off
			closing := time.AfterFunc(outputFor, func() { f.Close() })
			defer closing.Stop()
		}
	}
	e.copying.Wait()
}
