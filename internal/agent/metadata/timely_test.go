package metadata

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"ballast/internal/driver/fake"
)

// once is a listener with one connection.
type once struct{ conns chan net.Conn }

func (l once) Accept() (net.Conn, error) {
	if c, ok := <-l.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (l once) Close() error { return nil }

func (l once) Addr() net.Addr { return &net.UnixAddr{} }

// TestTimely: whoever sends a request slowly, or does not take the answer, does not keep the server busy for long.
func TestTimely(t *testing.T) {
	for name, sent := range map[string]string{
		"a body that does not come":   "PUT /api/" + webID + "/task-protection/v1/state HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{",
		"an answer that nobody takes": "GET /v4/" + webID + "/task HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := running()
				h := NewServer(Config{Secret: secret, Agent: s, Control: s, Driver: fake.New(1), Now: time.Now, Log: slog.New(slog.DiscardHandler)}).Handler()
				ours, theirs := net.Pipe()
				l, idle := once{make(chan net.Conn, 1)}, make(chan time.Time, 9)
				l.conns <- theirs
				server := http.Server{Handler: h, ConnState: func(_ net.Conn, state http.ConnState) {
					if state == http.StateIdle || state == http.StateClosed {
						idle <- time.Now()
					}
				}}
				go server.Serve(l)
				began := time.Now()
				io.WriteString(ours, sent)
				time.Sleep(time.Minute)
				select {
				case at := <-idle:
					if busy := at.Sub(began); busy > transferFor+time.Second {
						t.Errorf("the server was busy for %v", busy)
					}
				default:
					t.Error("the server is busy still")
				}
				ours.Close()
				close(l.conns)
				server.Close()
				synctest.Wait()
			})
		})
	}
}
