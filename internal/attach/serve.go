package attach

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"ballast/internal/driver"
)

// endFor bounds how long the news of the end may take to leave: whoever does not read it in time never learns it.
const endFor = 5 * time.Second

// Run runs a command with streams until it has ended. It is to end the command when ctx is done.
type Run func(ctx context.Context, streams driver.Streams) (code int, err error)

// Serve runs a command with the streams of whoever is at the other end of a connection, tells the outcome and closes the
// connection. If that is lost, or ctx is done, the command is ended.
func Serve(ctx context.Context, conn Conn, run Run) {
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// Until the command runs nothing but ctx ends the wait for the first message.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	s := &server{to: &sender{conn: conn}, sizes: make(chan driver.Size, 1)}
	streams, err := s.begin(conn)
	if err != nil || !stop() {
		return
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		s.read(conn)
		cancel()
	})
	// A writer that waits for the other end would keep the command from being ended.
	stop = context.AfterFunc(ctx, func() { time.AfterFunc(endFor, func() { conn.Close() }) })
	defer stop()
	code, err := run(ctx, streams)
	timer := time.AfterFunc(endFor, func() { conn.Close() })
	defer timer.Stop()
	s.in.end(io.ErrClosedPipe)
	s.to.notify(notice{End: endingOf(code, err)})
	reading.Wait() // the other end closes; should this one, with input unread, TCP would drop what has just been sent
}

// server is the end that runs the command.
type server struct {
	to    *sender
	in    inbox
	sizes chan driver.Size
}

// begin reads the first message.
func (s *server) begin(conn Conn) (driver.Streams, error) {
	message, err := conn.Read()
	if err != nil {
		return driver.Streams{}, err
	}
	_, _, n, err := parse(message)
	if err != nil {
		return driver.Streams{}, err
	}
	if n.Open == nil {
		return driver.Streams{}, errors.New("the first message says nothing of streams")
	}
	s.in.init(s.to)
	streams := driver.Streams{Out: stream{s.to, output}, Err: stream{s.to, failure}, Terminal: n.Open.Terminal}
	if n.Open.Input {
		streams.In = &s.in
	}
	if n.Open.Terminal {
		s.sizes <- n.Open.Size
		streams.Resize = s.sizes
	}
	return streams, nil
}

// read takes messages until the connection ends or one makes no sense.
func (s *server) read(conn Conn) {
	defer s.in.end(io.ErrUnexpectedEOF)
	for {
		message, err := conn.Read()
		if err != nil {
			return
		}
		channel, data, n, err := parse(message)
		switch {
		case err != nil:
			return
		case channel == input && len(data) == 0:
			s.in.end(io.EOF)
		case channel == input:
			if s.in.put(data) != nil {
				return
			}
		case n.Resize != nil:
			s.resize(*n.Resize)
		}
	}
}

// resize passes on the newest size; an older one that nobody has taken is of no use any more.
func (s *server) resize(size driver.Size) {
	select {
	case <-s.sizes:
	default:
	}
	select {
	case s.sizes <- size:
	default:
	}
}

// inbox holds input that the command has not taken yet, and tells the other end what it has.
type inbox struct {
	to   *sender
	mu   sync.Mutex
	some *sync.Cond
	data []byte
	err  error // after data
}

func (b *inbox) init(to *sender) {
	b.to = to
	b.some = sync.NewCond(&b.mu)
}

func (b *inbox) put(data []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.data)+len(data) > Window {
		return fmt.Errorf("more than %d bytes of input at once", Window)
	}
	if b.err == nil {
		b.data = append(b.data, data...)
		b.some.Broadcast()
	}
	return nil
}

// end says that nothing follows what is there; the first reason counts.
func (b *inbox) end(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
	}
	b.some.Broadcast()
}

// Read waits for input.
func (b *inbox) Read(p []byte) (int, error) {
	b.mu.Lock()
	for len(b.data) == 0 && b.err == nil {
		b.some.Wait()
	}
	n := copy(p, b.data)
	b.data = b.data[n:]
	if len(b.data) == 0 {
		b.data = nil
	}
	err := b.err
	b.mu.Unlock()
	if n > 0 {
		b.to.notify(notice{Taken: n}) // if that fails the connection is lost, which its reader finds out
		return n, nil
	}
	return 0, err
}
