package session

import (
	"errors"
	"sync"
)

// ErrClosed is what Send and Recv give on a connection that either end has closed.
var ErrClosed = errors.New("session: connection is closed")

// Conn is the agent's end of a connection to control. Its methods may be called from several goroutines at once.
type Conn interface {
	// Send passes a report on, or drops it where the other end is slow; it never waits for the other end to read. An error means
	// that the connection is of no more use.
	Send(Report) error
	// Recv waits for the next message. An error means that there will be none.
	Recv() (Assignments, error)
	// Close ends the connection for both ends. It may be called more than once.
	Close() error
}

// Peer is control's end of a connection to an agent, with the methods of Conn the other way round.
type Peer interface {
	Send(Assignments) error
	Recv() (Report, error)
	Close() error
}

// pipeBuffer is how many messages may wait in a Pipe, per direction. An agent has a handful of reports on their way, and control
// sends one message per batch; what does not fit is repeated.
const pipeBuffer = 64

// Pipe connects an agent with control in one process. A message that finds its buffer full is dropped, which the session allows
// for, so that neither end ever waits for the other. The values are not copied: both ends treat what they sent as immutable.
func Pipe() (Conn, Peer) {
	reports, assignments := make(chan Report, pipeBuffer), make(chan Assignments, pipeBuffer)
	closed := make(chan struct{})
	end := sync.OnceFunc(func() { close(closed) })
	return pipe[Report, Assignments]{reports, assignments, closed, end},
		pipe[Assignments, Report]{assignments, reports, closed, end}
}

// pipe is one end of a Pipe.
type pipe[Out, In any] struct {
	out    chan<- Out
	in     <-chan In
	closed <-chan struct{}
	end    func()
}

func (p pipe[Out, In]) Send(message Out) error {
	select {
	case <-p.closed:
		return ErrClosed
	default:
	}
	select {
	case p.out <- message:
	default:
	}
	return nil
}

// Recv prefers what was sent before the connection was closed.
func (p pipe[Out, In]) Recv() (message In, err error) {
	select {
	case message = <-p.in:
		return message, nil
	default:
	}
	select {
	case message = <-p.in:
		return message, nil
	case <-p.closed:
		return message, ErrClosed
	}
}

func (p pipe[Out, In]) Close() error {
	p.end()
	return nil
}
