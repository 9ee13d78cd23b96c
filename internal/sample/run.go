package sample

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

const (
	// grace is how long requests under way may take once the application is to end. It is shorter than the 30 seconds that
	// ECS gives a container by default (stopTimeout, API_ContainerDefinition, ECS API reference).
	grace = 10 * time.Second

	// headerTimeout and maxHeaderBytes bound what one connection may cost.
	headerTimeout  = 10 * time.Second
	maxHeaderBytes = 16 << 10

	// maxSignals is how many signals may come while the runner is busy; more say nothing new.
	maxSignals = 8

	// pageBytes is how far apart leaked memory is touched, so that it is really taken.
	pageBytes = 4096
)

// runner has the sockets, timers and signals of an app.
type runner struct {
	app       *app
	address   string
	signals   <-chan os.Signal
	stopDelay time.Duration // between a signal and the end that it asks for

	leaked [][]byte
}

// run carries out orders from the start on and returns when the application has ended.
func (r *runner) run(ctx context.Context, orders []order) error {
	fresh := newFreshConns()
	server := &http.Server{
		Handler:           r.app,
		ReadHeaderTimeout: headerTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnState:         fresh.note,
	}
	defer server.Close()
	failed := make(chan error, 1)
	for _, o := range orders {
		if err := r.app.take(o); err != nil {
			return err
		}
	}
	end, err := r.follow(ctx, failed, func() error {
		listener, err := net.Listen("tcp", r.address)
		if err != nil {
			return err
		}
		r.app.say("listening on http://%s", listener.Addr())
		go func() { failed <- server.Serve(listener) }()
		return nil
	})
	if err != nil {
		return err
	}
	if !end.abrupt && !r.app.frozen() { // a frozen one will not answer what is under way
		r.drain(server, fresh)
	}
	close(r.app.gone)
	if end.code != 0 {
		return ExitError(end.code)
	}
	return nil
}

// follow does what the state asks for until it, a signal, ctx or a failure says that it is over.
func (r *runner) follow(ctx context.Context, failed <-chan error, listen func() error) (ending, error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		todo, next, ok := r.app.step()
		if todo.leakMiB > 0 {
			r.leak(todo.leakMiB)
		}
		if todo.end != nil {
			r.app.say("ending with exit code %d, as told", todo.end.code)
			return *todo.end, nil
		}
		if todo.listen {
			if err := listen(); err != nil {
				return ending{}, fmt.Errorf("sample: %w", err)
			}
		}
		timer.Stop()
		if ok {
			timer.Reset(time.Until(next))
		}
		select {
		case <-timer.C:
		case <-r.app.wake:
		case err := <-failed:
			return ending{}, fmt.Errorf("sample: serve: %w", err)
		case s := <-r.signals:
			if s != syscall.SIGTERM || !r.app.ignoresTerm() {
				r.linger(ctx)
				r.app.say("ending: %v", s)
				return ending{}, nil
			}
			r.app.say("ignoring: %v", s)
		case <-ctx.Done():
			return ending{}, nil
		}
	}
}

// linger goes on for the stop delay, which another signal ends.
func (r *runner) linger(ctx context.Context) {
	timer := time.NewTimer(r.stopDelay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.signals:
	case <-ctx.Done():
	}
}

func (r *runner) leak(mib int) {
	b := make([]byte, mib<<20)
	for i := 0; i < len(b); i += pageBytes {
		b[i] = 1
	}
	r.leaked = append(r.leaked, b)
}

// drain stops listening and waits for the requests under way.
func (r *runner) drain(server *http.Server, fresh *freshConns) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	go func() {
		select {
		case <-r.signals:
			cancel()
		case <-ctx.Done():
		}
	}()
	fresh.close()
	if err := server.Shutdown(ctx); errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		r.app.say("requests under way were cut short")
	}
}
