package httpd

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestServeFinishesCallsUnderWay stops a server while one call is being answered and one stream is open.
func TestServeFinishesCallsUnderWay(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	under, release := make(chan struct{}, 2), make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		under <- struct{}{}
		if r.URL.Path == "/stream" {
			<-Stopping(r.Context())
			io.WriteString(w, "stopping")
			close(release)
			return
		}
		<-release
		if r.Context().Err() != nil {
			t.Error("a call under way was cancelled")
		}
		io.WriteString(w, "done")
	})
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, l, h, slog.New(slog.DiscardHandler)) }()
	answers := make(chan string, 2)
	for _, path := range []string{"/call", "/stream"} {
		go func() {
			resp, err := http.Get("http://" + l.Addr().String() + path)
			if err != nil {
				answers <- err.Error()
				return
			}
			defer resp.Body.Close()
			text, _ := io.ReadAll(resp.Body)
			answers <- string(text)
		}()
		<-under
	}
	stop()
	got := []string{<-answers, <-answers}
	if joined := strings.Join(got, " "); joined != "done stopping" && joined != "stopping done" {
		t.Errorf("answers: %q", got)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if _, err := net.DialTimeout("tcp", l.Addr().String(), time.Second); err == nil {
		t.Error("the listener is still open")
	}
}

func TestServeTellsOfABrokenListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := Serve(t.Context(), l, http.NotFoundHandler(), slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "serve HTTP on 127.0.0.1") {
		t.Errorf("got %v", err)
	}
}

// TestShortBody sends less than it promised.
func TestShortBody(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- Serve(ctx, l, Handler(config(new(bytes.Buffer))), slog.New(slog.DiscardHandler))
	}()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AmazonEC2ContainerServiceV20141113.ListClusters\r\nContent-Length: 10\r\n\r\n{}")
	conn.(*net.TCPConn).CloseWrite()
	text, err := io.ReadAll(conn)
	if err != nil || !strings.Contains(string(text), "SerializationException") {
		t.Errorf("got %q, %v", text, err)
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// watched is a connection that tells when it is closed.
type watched struct {
	net.Conn
	closed chan time.Time // holds one
}

func (w watched) Close() error {
	select {
	case w.closed <- time.Now():
	default:
	}
	return w.Conn.Close()
}

// once is a listener with one connection.
type once struct {
	conns chan net.Conn // holds one
	over  chan struct{}
}

func (l once) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.over:
		return nil, net.ErrClosed
	}
}

func (l once) Close() error {
	close(l.over)
	return nil
}

func (l once) Addr() net.Addr { return &net.UnixAddr{} }

// TestServeBoundsRequests: whoever begins a request and does not send the rest, or does not take an answer, keeps nobody busy for long.
func TestServeBoundsRequests(t *testing.T) {
	reads := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	answers := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") })
	const unsent = "Host: localhost\r\nContent-Length: 99\r\n\r\n{"
	for _, c := range []struct {
		name, sent string
		takes      bool // answers
		handler    http.Handler
	}{
		{"a body that is waited for", "POST / HTTP/1.1\r\n" + unsent, true, reads},
		{"a body that nobody asks for", "POST / HTTP/1.1\r\n" + unsent, true, answers},
		{"an answer that nobody takes", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", false, answers},
		{"an API call", "POST / HTTP/1.1\r\nX-Amz-Target: AmazonEC2ContainerServiceV20141113.ListClusters\r\n" + unsent, true,
			Handler(config(new(bytes.Buffer)))},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				conn, began := watched{theirs, make(chan time.Time, 1)}, time.Now()
				l := once{make(chan net.Conn, 1), make(chan struct{})}
				l.conns <- conn
				ctx, stop := context.WithCancel(t.Context())
				served := make(chan error, 1)
				go func() { served <- Serve(ctx, l, c.handler, slog.New(slog.DiscardHandler)) }()
				io.WriteString(ours, c.sent)
				if c.takes {
					go io.Copy(io.Discard, ours)
				}
				select {
				case at := <-conn.closed:
					if at.Sub(began) > requestTimeout+answerTimeout {
						t.Errorf("closed after %v", at.Sub(began))
					}
				case <-time.After(time.Hour):
					t.Error("still open after an hour")
				}
				ours.Close()
				stop()
				<-served
			})
		})
	}
}
