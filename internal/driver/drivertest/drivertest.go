// Package drivertest is the conformance suite of driver.Driver: every implementation runs Run and behaves alike to the agent.
// It knows nothing of how containers run; a Harness makes the containers that the suite needs. It never sleeps: it waits for
// conditions, by the harness's clock. Start reading at Run and Harness.
package drivertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// Harness is a driver with a way to make containers for it. Every container made here that keeps running first writes the line
// Ready to its standard output, when it is in place (handlers installed, ports bound).
type Harness interface {
	// Driver is the driver under test. It is the same one for the whole life of the harness.
	Driver() driver.Driver

	// Sleeps makes a container that runs until SIGTERM ends it (exit code 143).
	Sleeps() driver.Spec
	// IgnoresTERM makes a container that runs until SIGKILL ends it (exit code 137).
	IgnoresTERM() driver.Spec
	// ExitsOnTERM makes a container that answers SIGTERM by exiting with a code.
	ExitsOnTERM(code int32) driver.Spec
	// Exits makes a container that exits with a code at once.
	Exits(code int32) driver.Spec
	// Prints makes a container that writes lines to its standard output and its standard error, and then exits with 0.
	Prints(stdout, stderr []string) driver.Spec
	// Listens makes a container that binds every port it is given and runs until SIGTERM ends it.
	Listens(mode ecs.NetworkMode, ports ...ecs.PortMapping) driver.Spec
	// Checked makes a container that runs until SIGTERM ends it, and a command to run in it that exits with 0 or, unless ok, with 1.
	Checked(ok bool) (driver.Spec, []string)
	// CheckHangs makes such a container and a command that does not end by itself.
	CheckHangs() (driver.Spec, []string)
	// NotFound makes a container whose command does not exist.
	NotFound() driver.Spec

	// FreePort gives a port of the host that nothing uses.
	FreePort(t *testing.T) uint16
	// Wait returns when cond is true and fails the test when it does not become so; what says what is waited for.
	Wait(t *testing.T, what string, cond func() bool)
}

// Ready is the line by which a container says that it is in place.
const Ready = "ready"

// short is a stop timeout for containers that ignore SIGTERM; long is one that a test would notice.
const (
	short = 200 * time.Millisecond
	long  = 30 * time.Second
)

// Run runs the suite; open makes a fresh driver, and cleans up through t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	for _, c := range []struct {
		name string
		test func(*suite)
	}{
		{"Lifecycle", (*suite).lifecycle},
		{"CreateTwice", (*suite).createTwice},
		{"StartTwice", (*suite).startTwice},
		{"StartAfterExit", (*suite).startAfterExit},
		{"UnknownContainer", (*suite).unknownContainer},
		{"ExitCodes", (*suite).exitCodes},
		{"StopBySIGTERM", (*suite).stopBySIGTERM},
		{"StopBySIGKILL", (*suite).stopBySIGKILL},
		{"StopTwice", (*suite).stopTwice},
		{"StopAfterExit", (*suite).stopAfterExit},
		{"StopBeforeStart", (*suite).stopBeforeStart},
		{"RemoveRunning", (*suite).removeRunning},
		{"RemoveTwice", (*suite).removeTwice},
		{"ListOrder", (*suite).listOrder},
		{"Attempts", (*suite).attempts},
		{"Events", (*suite).events},
		{"EventsAgain", (*suite).eventsAgain},
		{"CommandNotFound", (*suite).commandNotFound},
		{"StaticPortTaken", (*suite).staticPortTaken},
		{"DynamicPorts", (*suite).dynamicPorts},
		{"HostPorts", (*suite).hostPorts},
		{"Logs", (*suite).logs},
		{"LogsAcrossAttempts", (*suite).logsAcrossAttempts},
		{"RemoveKeepsLogs", (*suite).removeKeepsLogs},
		{"SideBySide", (*suite).sideBySide},
		{"TaskLimits", (*suite).taskLimits},
		{"ExecCodes", (*suite).execCodes},
		{"ExecTimesOut", (*suite).execTimesOut},
		{"ExecBesideStop", (*suite).execBesideStop},
		{"ExecNotRunning", (*suite).execNotRunning},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := open(t)
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			t.Cleanup(cancel)
			c.test(&suite{T: t, Harness: h, ctx: ctx, d: h.Driver()})
		})
	}
}

// suite is one test with its driver; its methods below fail the test instead of returning errors.
type suite struct {
	*testing.T
	Harness
	ctx context.Context
	d   driver.Driver
}

// key names the container "app" of the n-th task of a test.
func key(n int) driver.Key { return driver.Key{Task: ecs.ID{0: 0xba, 15: byte(n)}, Container: "app"} }

func (s *suite) create(k driver.Key, spec driver.Spec) {
	s.Helper()
	if _, err := s.d.Pull(s.ctx, spec.Image, nil); err != nil {
		s.Fatalf("pull %q: %v", spec.Image, err)
	}
	if err := s.d.Create(s.ctx, k, spec); err != nil {
		s.Fatalf("create %v: %v", k, err)
	}
}

func (s *suite) start(k driver.Key) driver.Started {
	s.Helper()
	st, err := s.d.Start(s.ctx, k)
	if err != nil {
		s.Fatalf("start %v: %v", k, err)
	}
	if st.At == 0 || st.RuntimeID == "" {
		s.Fatalf("start %v: got %+v, want a time and a runtime id", k, st)
	}
	return st
}

// run creates and starts a container and waits until it is in place.
func (s *suite) run(k driver.Key, spec driver.Spec) driver.Started {
	s.Helper()
	s.create(k, spec)
	st := s.start(k)
	s.Wait(s.T, k.String()+" is ready", func() bool { return slices.Contains(s.texts(k), Ready) })
	return st
}

func (s *suite) stop(k driver.Key, timeout time.Duration) driver.Exit {
	s.Helper()
	e, err := s.d.Stop(s.ctx, k, timeout)
	if err != nil {
		s.Fatalf("stop %v: %v", k, err)
	}
	return e
}

func (s *suite) remove(k driver.Key) {
	s.Helper()
	if err := s.d.Remove(s.ctx, k); err != nil {
		s.Fatalf("remove %v: %v", k, err)
	}
}

func (s *suite) list() []driver.Observation {
	s.Helper()
	all, err := s.d.List(s.ctx)
	if err != nil {
		s.Fatalf("list: %v", err)
	}
	return all
}

// observe gives a container as List has it; found is false when it is not there.
func (s *suite) observe(k driver.Key) (o driver.Observation, found bool) {
	s.Helper()
	for _, o := range s.list() {
		if o.Key == k {
			return o, true
		}
	}
	return driver.Observation{}, false
}

func (s *suite) wantState(k driver.Key, want driver.State) driver.Observation {
	s.Helper()
	o, found := s.observe(k)
	if !found {
		s.Fatalf("list: %v is not there", k)
	}
	if o.State != want {
		s.Fatalf("list: %v is in state %d, want %d", k, o.State, want)
	}
	return o
}

// ended waits for the end of a container as List has it.
func (s *suite) ended(k driver.Key) driver.Exit {
	s.Helper()
	var o driver.Observation
	s.Wait(s.T, k.String()+" has ended", func() bool {
		o, _ = s.observe(k)
		return o.State == driver.Exited
	})
	return o.Exit
}

func (s *suite) wantCode(k driver.Key, e driver.Exit, want int32) {
	s.Helper()
	if e.Code == nil {
		s.Fatalf("%v ended without a code (%q), want %d", k, e.Reason, want)
	}
	if *e.Code != want {
		s.Fatalf("%v ended with code %d, want %d", k, *e.Code, want)
	}
	if e.At == 0 {
		s.Fatalf("%v ended at no time", k)
	}
}

// wantError checks for a *driver.Error with a name and a part of its text.
func (s *suite) wantError(err error, name, part string) {
	s.Helper()
	var e *driver.Error
	if !errors.As(err, &e) {
		s.Fatalf("got error %v, want a *driver.Error named %s", err, name)
	}
	if e.Name != name || !strings.Contains(e.Text, part) {
		s.Fatalf("got error %q, want one named %s with %q in its text", e, name, part)
	}
}

// lines reads all logs of a container, n lines at a time, and checks that positions grow.
func (s *suite) lines(k driver.Key, from int64, n int) (all []driver.LogLine, next int64) {
	s.Helper()
	for next = from; ; {
		got, after, err := s.d.Logs(s.ctx, k.Task, k.Container, next, driver.LogLimit{Lines: n})
		if err != nil {
			s.Fatalf("logs of %v after %d: %v", k, next, err)
		}
		if len(got) > n {
			s.Fatalf("logs of %v after %d: got %d lines, asked for at most %d", k, next, len(got), n)
		}
		if len(got) == 0 {
			return all, next
		}
		if after <= next {
			s.Fatalf("logs of %v after %d: the position after them is %d", k, next, after)
		}
		all, next = append(all, got...), after
	}
}

// texts gives the lines that a container wrote to its standard output.
func (s *suite) texts(k driver.Key) []string {
	s.Helper()
	all, _ := s.lines(k, 0, 1000)
	return streamOf(all, false)
}

func streamOf(lines []driver.LogLine, stderr bool) []string {
	var texts []string
	for _, l := range lines {
		if l.Stderr == stderr {
			texts = append(texts, l.Text)
		}
	}
	return texts
}

// count says how often a container has begun to run.
func (s *suite) count(k driver.Key) (n int) {
	s.Helper()
	for _, text := range s.texts(k) {
		if text == Ready {
			n++
		}
	}
	return n
}

// watch subscribes to events and collects them.
type watch struct {
	cancel context.CancelFunc
	closed chan struct{}

	mu   sync.Mutex
	seen []driver.Observation
}

func (s *suite) watch() *watch {
	s.Helper()
	ctx, cancel := context.WithCancel(s.ctx)
	s.Cleanup(cancel)
	ch, err := s.d.Events(ctx)
	if err != nil {
		s.Fatalf("events: %v", err)
	}
	w := &watch{cancel: cancel, closed: make(chan struct{})}
	go func() {
		defer close(w.closed)
		for o := range ch {
			w.mu.Lock()
			w.seen = append(w.seen, o)
			w.mu.Unlock()
		}
	}()
	return w
}

// of gives the first event of a container.
func (w *watch) of(k driver.Key) (driver.Observation, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.IndexFunc(w.seen, func(o driver.Observation) bool { return o.Key == k })
	if i < 0 {
		return driver.Observation{}, false
	}
	return w.seen[i], true
}

// isClosed says whether the channel of events has been closed.
func (w *watch) isClosed() bool {
	select {
	case <-w.closed:
		return true
	default:
		return false
	}
}

// sameExit compares two reports of one end.
func sameExit(a, b driver.Exit) bool {
	if (a.Code == nil) != (b.Code == nil) || a.Code != nil && *a.Code != *b.Code {
		return false
	}
	return a.At == b.At && a.Reason == b.Reason
}

func exitText(e driver.Exit) string {
	code := "none"
	if e.Code != nil {
		code = fmt.Sprint(*e.Code)
	}
	return fmt.Sprintf("{at %d, code %s, reason %q}", e.At, code, e.Reason)
}
