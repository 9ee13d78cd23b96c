package drivertest

import (
	"net"
	"testing"
	"time"
)

// Host is the part of a Harness that is the same for all drivers that run containers on this machine.
type Host struct{}

// FreePort gives a TCP port of loopback that nothing uses.
func (Host) FreePort(t *testing.T) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return uint16(l.Addr().(*net.TCPAddr).Port)
}

// Wait is the function Wait.
func (Host) Wait(t *testing.T, what string, cond func() bool) {
	t.Helper()
	Wait(t, what, cond)
}

// How long Wait waits, and how often it looks.
const (
	waitFor   = 20 * time.Second
	waitEvery = 5 * time.Millisecond
)

// Wait looks until cond is true, and fails the test when it does not become so; what says what is waited for.
func Wait(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(waitFor); !cond(); time.Sleep(waitEvery) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
