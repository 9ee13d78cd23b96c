package attach

import (
	"context"
	"fmt"
	"sync"

	"ballast/internal/driver"
)

// defaultSize is that of a terminal whose own is not known.
var defaultSize = driver.Size{Rows: 24, Columns: 80}

// Connect connects streams to the command at the other end of a connection until that has ended, and gives its exit code. It
// closes the connection, also when ctx is done, which ends the command. A Read of streams.In may still be under way when it returns.
func Connect(ctx context.Context, conn Conn, streams driver.Streams) (code int, err error) {
	over, cancel := context.WithCancel(ctx)
	defer cancel()
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	c := &client{to: &sender{conn: conn}, streams: streams}
	c.room = sync.NewCond(&c.mu)
	c.left = Window
	defer c.finish()
	if err := c.open(); err != nil {
		return 0, lost(ctx, err)
	}
	if streams.In != nil {
		go c.sendInput()
	}
	if streams.Terminal {
		go c.sendSizes(over)
	}
	for {
		message, err := conn.Read()
		if err != nil {
			return 0, lost(ctx, err)
		}
		end, err := c.take(message)
		if err != nil {
			return 0, err
		}
		if end != nil {
			return end.outcome()
		}
	}
}

func lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", ErrLost, err)
}

// client is the end that sees the command.
type client struct {
	to      *sender
	streams driver.Streams

	mu   sync.Mutex
	room *sync.Cond // for left and over
	left int        // how much input may be sent now
	over bool
}

func (c *client) open() error {
	o := &open{Input: c.streams.In != nil, Terminal: c.streams.Terminal}
	if o.Terminal {
		o.Size = defaultSize
		select {
		case o.Size = <-c.streams.Resize:
		default:
		}
	}
	return c.to.notify(notice{Open: o})
}

// take does what a message says; end is set by the last one.
func (c *client) take(message []byte) (end *ending, err error) {
	channel, data, n, err := parse(message)
	if err != nil {
		return nil, err
	}
	switch channel {
	case output:
		_, err = c.streams.Out.Write(data)
	case failure:
		_, err = c.streams.Err.Write(data)
	case control:
		c.mu.Lock()
		c.left = min(c.left+min(max(n.Taken, 0), Window), Window)
		c.mu.Unlock()
		c.room.Broadcast()
	default:
		err = fmt.Errorf("a message of channel %d", channel)
	}
	return n.End, err
}

// sendInput sends input as the command takes it, and its end.
func (c *client) sendInput() {
	buf := make([]byte, chunk)
	for {
		n, err := c.streams.In.Read(buf)
		for sent := 0; sent < n; {
			part := c.reserve(n - sent)
			if part == 0 || c.to.send(input, buf[sent:sent+part]) != nil {
				return
			}
			sent += part
		}
		if err != nil { // io.EOF, or as good as that to the command
			c.to.send(input, nil)
			return
		}
	}
}

// reserve waits for room and takes at most so much of it; 0 when all is over.
func (c *client) reserve(most int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.left == 0 && !c.over {
		c.room.Wait()
	}
	if c.over {
		return 0
	}
	n := min(most, c.left)
	c.left -= n
	return n
}

func (c *client) finish() {
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	c.room.Broadcast()
}

func (c *client) sendSizes(over context.Context) {
	for {
		select {
		case size, more := <-c.streams.Resize:
			if !more || c.to.notify(notice{Resize: &size}) != nil {
				return
			}
		case <-over.Done():
			return
		}
	}
}
