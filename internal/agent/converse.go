package agent

import (
	"context"
	"log/slog"
	"time"

	"ballast/internal/session"
)

const (
	// reportQueue is how many reports may wait for a connection to take them; one more is dropped, and the machine repeats it.
	reportQueue = 16
	// steadyAfter is how long a connection must last for the next one to be tried at once.
	steadyAfter = 10 * time.Second
)

// Connect opens a connection to control.
type Connect func(ctx context.Context) (session.Conn, error)

// link is one connection to control and its session.
type link struct {
	conn    session.Conn
	session uint64
	reports chan session.Report
}

// send has a report sent, or drops it.
func (l *link) send(r session.Report) {
	select {
	case l.reports <- r:
	default:
	}
}

// converse keeps a connection to control, one after the other, until ctx is done.
func (a *Agent) converse(ctx context.Context) {
	var number uint64
	for failures := 0; ctx.Err() == nil; {
		began := time.Now()
		conn, err := a.connect(ctx)
		if err == nil {
			// Higher than any before, also than those of an agent that had this instance earlier.
			number = max(number+1, uint64(began.UnixMilli()))
			err = a.hold(ctx, &link{conn, number, make(chan session.Report, reportQueue)})
		}
		if time.Since(began) >= steadyAfter {
			failures = 0
			continue
		}
		failures++
		if failures == 3 && ctx.Err() == nil {
			slog.Warn("control cannot be reached; containers go on, and the agent keeps trying", "cause", err)
		}
		pause(ctx, backoff(failures))
	}
}

// hold runs a session over a connection until it breaks, and says why it did.
func (a *Agent) hold(ctx context.Context, l *link) error {
	stop := context.AfterFunc(ctx, func() { l.conn.Close() })
	defer stop()
	over := make(chan struct{})
	a.background.Go(func() { l.forward(over) })
	a.post(ctx, envelope{input: Connected{l.session}, link: l})
	for {
		message, err := l.conn.Recv()
		if err != nil {
			close(over)
			l.conn.Close()
			a.post(ctx, envelope{input: Disconnected{}})
			return err
		}
		a.post(ctx, envelope{input: Assigned{message}})
	}
}

// forward sends reports until the connection breaks.
func (l *link) forward(over <-chan struct{}) {
	for {
		select {
		case r := <-l.reports:
			if l.conn.Send(r) != nil {
				l.conn.Close() // Recv notices and says why
				return
			}
		case <-over:
			return
		}
	}
}

// pause waits, but not longer than ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
