package keeper

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// forkerFor gives a forker and the number of its thread.
func forkerFor(t *testing.T, chore func()) (f *forker, thread int) {
	t.Helper()
	f, err := newForker(chore)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.close)
	done := make(chan struct{})
	f.work <- func() {
		thread = unix.Gettid()
		close(done)
	}
	<-done
	if !f.parted {
		t.Skip("this system does not let a thread have a table of descriptors of its own")
	}
	return f, thread
}

func descriptors(t *testing.T, thread int) int {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/self/task/%d/fd", thread))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// say has a forker run a script and gives what it wrote to its standard output and error, which are the same pipe.
func say(t *testing.T, f *forker, script string) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	attr := &syscall.ProcAttr{Env: []string{"PATH=" + os.Getenv("PATH")}, Files: []uintptr{w.Fd(), w.Fd(), w.Fd()}, Sys: &syscall.SysProcAttr{}}
	pid, err := f.fork(nil, "/bin/sh", []string{"sh", "-c", script}, attr)
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Wait4(pid, nil, 0, nil); err != nil {
		t.Fatal(err)
	}
	return string(said)
}

// TestForkerDescriptors: the thread's table stays as small as it was, whatever the rest of the program opens and however many
// processes are made or not made; these get what they are to have.
func TestForkerDescriptors(t *testing.T) {
	f, thread := forkerFor(t, nil)
	before := descriptors(t, thread)
	for range 50 {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer w.Close()
	}
	var busy sync.WaitGroup
	defer busy.Wait()
	over := make(chan struct{})
	defer close(over)
	for range 4 { // keep what the Go runtime polls with in use
		busy.Go(func() {
			for {
				select {
				case <-over:
					return
				case <-time.After(100 * time.Microsecond):
				}
			}
		})
	}
	for range 20 {
		if said := say(t, f, "echo out; echo err >&2; echo in >&0"); said != "out\nerr\nin\n" {
			t.Fatalf("a process wrote %q", said)
		}
		attr := &syscall.ProcAttr{Files: []uintptr{os.Stderr.Fd()}, Sys: &syscall.SysProcAttr{}}
		if _, err := f.fork(nil, "/no/such/program", []string{"x"}, attr); !errors.Is(err, syscall.ENOENT) {
			t.Fatalf("a program that is not there: %v", err)
		}
	}
	if after := descriptors(t, thread); after != before {
		t.Errorf("the thread has %d descriptors, had %d", after, before)
	}
}

// TestForkerOwnChildren: its thread takes the ends of the processes that it made, and of no others.
func TestForkerOwnChildren(t *testing.T) {
	taken := make(chan int, 1)
	f, _ := forkerFor(t, func() {
		pid, _, ok := reapChild(thisThread, func(int) {})
		if !ok {
			pid = 0
		}
		taken <- pid
	})
	other, _ := forkerFor(t, nil)
	start := func(f *forker) int {
		attr := &syscall.ProcAttr{Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{}}
		pid, err := f.fork(nil, "/bin/sh", []string{"sh", "-c", "exit 0"}, attr)
		if err != nil {
			t.Fatal(err)
		}
		return pid
	}
	ended := func(pid int) {
		if err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
			t.Fatal(err)
		}
	}
	foreign := start(other)
	defer unix.Wait4(foreign, nil, 0, nil)
	ended(foreign)
	f.call()
	if pid := <-taken; pid != 0 {
		t.Errorf("it took %d, the child of another thread", pid)
	}
	own := start(f)
	ended(own)
	f.call()
	if pid := <-taken; pid != own {
		t.Errorf("it took %d, want its child %d", pid, own)
	}
}

// TestForkerClosed: what comes too late is refused.
func TestForkerClosed(t *testing.T) {
	f, err := newForker(nil)
	if err != nil {
		t.Fatal(err)
	}
	f.close()
	attr := &syscall.ProcAttr{Sys: &syscall.SysProcAttr{}}
	if pid, err := f.fork(nil, "/bin/true", []string{"true"}, attr); err == nil {
		t.Errorf("a closed forker made process %s", strconv.Itoa(pid))
	}
}

// TestForkerQueue: what waits when the forker is closed is still made, and each process has what was sent for it.
func TestForkerQueue(t *testing.T) {
	f, err := newForker(nil)
	if err != nil {
		t.Fatal(err)
	}
	held, hold := make(chan struct{}), make(chan struct{})
	f.work <- func() { // until all others have queued
		close(held)
		<-hold
	}
	<-held
	var all sync.WaitGroup
	for n := range maxQueued {
		all.Go(func() {
			if said, want := say(t, f, fmt.Sprintf("echo %d", n)), fmt.Sprintf("%d\n", n); said != want {
				t.Errorf("process %d wrote %q", n, said)
			}
		})
	}
	for len(f.work) < maxQueued {
		runtime.Gosched()
	}
	closed := make(chan struct{})
	go func() {
		f.close()
		close(closed)
	}()
	close(hold)
	<-closed
	all.Wait()
}

func TestRestAfter(t *testing.T) {
	for _, c := range []struct{ round, want time.Duration }{
		{0, 0},
		{10 * time.Microsecond, 500 * time.Microsecond}, // a few children
		{400 * time.Microsecond, 20 * time.Millisecond}, // thousands
		{time.Second, 50 * time.Millisecond},            // the processors were busy with something else
	} {
		if got := restAfter(c.round); got != c.want {
			t.Errorf("after %v: %v, want %v", c.round, got, c.want)
		}
	}
}
