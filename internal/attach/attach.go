// Package attach carries the streams of one command over one connection: whoever wants to see it connects, whoever runs it
// serves. The same messages go between the command line and the server, over a WebSocket, and between the process driver and its
// keeper, over a unix socket.
//
// It decides nothing about commands, and it holds little: output waits in nobody's memory, since a writer waits until the other
// end has taken what it writes, and of input at most Window bytes are under way, so that the news of a resize or of a lost
// connection never stands behind input that nobody reads.
//
// A message is one byte for the channel and what it carries. Start reading at Connect and Serve; conn.go has the connections.
package attach

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"ballast/internal/driver"
)

// The channels. Input ends with an empty message.
const (
	control byte = iota // a notice in JSON
	input
	output
	failure // standard error
)

const (
	// Window is how much input, in bytes, may be under way before the command has taken any: enough to keep a local connection busy.
	Window = 256 << 10
	// chunk is how much of a stream one message carries.
	chunk = 32 << 10
	// maxMessage bounds a message: a chunk, or a notice whose longest part is the text of an error.
	maxMessage = 64 << 10
)

// ErrLost says that the connection ended before the command did.
var ErrLost = errors.New("the connection was lost while the command ran")

// notice is what is said beside the streams; one field is set.
type notice struct {
	Open   *open        `json:"open,omitempty"`   // the first message, of whoever connects
	Resize *driver.Size `json:"resize,omitempty"` // of the terminal
	Taken  int          `json:"taken,omitempty"`  // so many bytes of input more may be sent
	End    *ending      `json:"end,omitempty"`    // the last message
}

// open says which streams there are.
type open struct {
	Input    bool        `json:"input"`
	Terminal bool        `json:"terminal"`
	Size     driver.Size `json:"size"`
}

// ending is how the command ended, or why it could not be run.
type ending struct {
	Code  int           `json:"code"`
	Error *driver.Error `json:"error,omitempty"` // a failure that ECS or we have a name for
	Fault string        `json:"fault,omitempty"` // any other failure
}

// endingOf tells an outcome.
func endingOf(code int, err error) *ending {
	var named *driver.Error
	switch {
	case errors.As(err, &named):
		return &ending{Code: code, Error: &driver.Error{Name: named.Name, Text: clip(named.Text)}}
	case err != nil:
		return &ending{Code: code, Fault: clip(err.Error())}
	}
	return &ending{Code: code}
}

// outcome is the outcome told.
func (e *ending) outcome() (int, error) {
	switch {
	case e.Error != nil:
		return 0, e.Error
	case e.Fault != "":
		return 0, errors.New(e.Fault)
	}
	return e.Code, nil
}

// clip keeps a text within a message.
func clip(s string) string { return s[:min(len(s), maxMessage/8)] }

// sender sends messages whole, from several goroutines.
type sender struct {
	conn Conn
	mu   sync.Mutex
}

func (s *sender) send(channel byte, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn.Write(append([]byte{channel}, data...))
}

func (s *sender) notify(n notice) error {
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return s.send(control, text)
}

// stream is a channel as a writer. It returns when the other end, or the connection, has taken all.
type stream struct {
	to      *sender
	channel byte
}

func (s stream) Write(p []byte) (n int, err error) {
	for len(p) > n {
		part := p[n:min(len(p), n+chunk)]
		if err := s.to.send(s.channel, part); err != nil {
			return n, fmt.Errorf("%w: %w", ErrLost, err)
		}
		n += len(part)
	}
	return n, nil
}

// parse takes a message apart.
func parse(message []byte) (channel byte, data []byte, n notice, err error) {
	if len(message) == 0 {
		return 0, nil, n, errors.New("an empty message")
	}
	channel, data = message[0], message[1:]
	switch {
	case channel > failure:
		return 0, nil, n, fmt.Errorf("a message of channel %d", channel)
	case channel == control:
		if err := json.Unmarshal(data, &n); err != nil {
			return 0, nil, n, fmt.Errorf("a notice: %w", err)
		}
	}
	return channel, data, n, nil
}
