package cli

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ballast/internal/agent/keeper"
	"ballast/internal/daemon"
	"ballast/internal/scheduler/policy"
)

// TestMain makes the test binary what Ballast runs itself as: a keeper, and "ballast" in containers.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "ballast" || len(os.Args) > 1 && os.Args[1] == keeper.Verb {
		os.Exit(Main(os.Args[1:], Process()))
	}
	os.Exit(m.Run())
}

// within bounds the wait for what real processes and sockets bring about.
const within = 30 * time.Second

// syncBuffer is a bytes.Buffer that one goroutine may read while another writes.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// terminalless gives streams into buffers, with an environment of their own.
func terminalless(env map[string]string) (s *Streams, out, talk *syncBuffer, signals chan<- os.Signal) {
	out, talk = &syncBuffer{}, &syncBuffer{}
	c := make(chan os.Signal, 4)
	return &Streams{
		Out: out, Err: talk, Width: func() int { return narrow }, Now: time.Now,
		Getenv:  func(name string) string { return env[name] },
		Signals: func() (<-chan os.Signal, func()) { return c, func() {} },
	}, out, talk, c
}

// result is what a command line came to.
type result struct {
	code      int
	out, talk string
}

func ballast(args ...string) result {
	s, out, talk, _ := terminalless(nil)
	code := Main(args, s)
	return result{code, out.String(), talk.String()}
}

// serverOf starts a server with real processes on a free port and gives its endpoint.
func serverOf(t *testing.T) string {
	t.Helper()
	fast, err := policy.Named("fast")
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	d, err := daemon.Start(t.Context(), daemon.Config{
		Listen: "127.0.0.1:0", DataDir: t.TempDir(), Region: "us-east-1", Account: "000000000000", Cluster: "default", Policy: fast,
		Driver: "process", Exe: exe, WorkDir: "/", Version: "test", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Halt(context.Background()); err != nil {
			t.Error(err)
		}
		if err := d.Stop(false); err != nil {
			t.Error(err)
		}
	})
	return d.Endpoint()
}

// eventually waits for a condition that other goroutines and processes bring about.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !done() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("it did not happen within %s that %s", within, what)
		}
	}
}

// has fails unless text holds every one of parts.
func has(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s has no %q:\n%s", what, part, text)
		}
	}
}
