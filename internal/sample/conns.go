package sample

import (
	"net"
	"net/http"
	"sync"
)

// freshConns knows the connections on which no request has begun. http.Server.Shutdown waits five seconds for each of them;
// browsers and load balancers keep some open, and a container should end at once.
type freshConns struct {
	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

func newFreshConns() *freshConns {
	return &freshConns{conns: map[net.Conn]struct{}{}}
}

// note is for http.Server.ConnState.
func (f *freshConns) note(c net.Conn, state http.ConnState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(f.conns, c)
	case f.closed:
		c.Close()
	default:
		f.conns[c] = struct{}{}
	}
}

// close closes the fresh connections, and those that still come.
func (f *freshConns) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for c := range f.conns {
		c.Close()
	}
}
