package attach

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"github.com/coder/websocket"
)

// Conn carries whole messages in order, both ways. Close makes a Read and a Write under way return.
type Conn interface {
	Read() ([]byte, error)
	Write(message []byte) error
	Close() error
}

// WebSocket gives a WebSocket as a Conn.
func WebSocket(c *websocket.Conn) Conn {
	c.SetReadLimit(maxMessage)
	return socket{c}
}

type socket struct{ c *websocket.Conn }

// Whatever ends a Read or a Write closes the connection, so there is nothing for a context to do.

func (s socket) Read() ([]byte, error) {
	_, message, err := s.c.Read(context.Background())
	return message, err
}

func (s socket) Write(message []byte) error {
	return s.c.Write(context.Background(), websocket.MessageBinary, message)
}

func (s socket) Close() error { return s.c.CloseNow() }

// Stream gives a connection of bytes as a Conn: each message has its length before it, in four bytes. r reads from c, which may
// have been read ahead.
func Stream(c net.Conn, r io.Reader) Conn { return &framed{c: c, r: r} }

type framed struct {
	c net.Conn
	r io.Reader
}

func (f *framed) Read() ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(f.r, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > maxMessage {
		return nil, fmt.Errorf("a message of %d bytes", size)
	}
	message := make([]byte, size)
	_, err := io.ReadFull(f.r, message)
	return message, err
}

func (f *framed) Write(message []byte) error {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(message)), uint32(len(message)))
	_, err := f.c.Write(append(b, message...))
	return err
}

func (f *framed) Close() error { return f.c.Close() }
