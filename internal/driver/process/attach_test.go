//go:build linux

package process

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ballast/internal/driver"
	"ballast/internal/driver/drivertest"
)

// buffer is a bytes.Buffer that one goroutine may read while another writes.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestAttachStreams(t *testing.T) {
	d := open(t)
	startReady(t, d, key(1), command("sleep"))
	for _, c := range []struct {
		name, script, in string
		code             int
		out, err         string
	}{
		{"input", "cat", "hello\n", 0, "hello\n", ""},
		{"separate streams", "echo out; echo err >&2; exit 7", "", 7, "out\n", "err\n"},
		{"input that nobody reads", "exit 4", strings.Repeat("x", 2<<20), 4, "", ""},
		{"more than is under way at once", "wc -c", strings.Repeat("x", 3<<20), 0, "3145728\n", ""},
		{"no terminal", "test -t 0 || echo none", "", 0, "none\n", ""},
		{"a signal", "kill -9 $$", "", 137, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, err buffer
			code, failed := d.Attach(t.Context(), key(1), sh(c.script), driver.Streams{In: strings.NewReader(c.in), Out: &out, Err: &err})
			if code != c.code || out.String() != c.out || err.String() != c.err || failed != nil {
				t.Errorf("got code %d, out %q, err %q, error %v", code, out.String(), err.String(), failed)
			}
		})
	}
	var out, err buffer
	code, failed := d.Attach(t.Context(), key(1), []string{"no-such-command"}, driver.Streams{Out: &out, Err: &err})
	if code != codeNotFound || !strings.Contains(err.String(), "no-such-command") || failed != nil {
		t.Errorf("no such command: code %d, err %q, error %v", code, err.String(), failed)
	}
	_, failed = d.Attach(t.Context(), key(2), sh("true"), driver.Streams{Out: &out, Err: &err})
	if !errors.As(failed, new(*driver.Error)) {
		t.Errorf("no such container: %v", failed)
	}
}

// TestAttachLateOutput reads slowly what a command leaves behind in its pipe: nothing of it is lost.
func TestAttachLateOutput(t *testing.T) {
	d := open(t)
	startReady(t, d, key(1), command("sleep"))
	r, w := io.Pipe()
	var got int64
	var reading sync.WaitGroup
	reading.Go(func() {
		buf := make([]byte, 16<<10)
		for {
			n, err := r.Read(buf)
			got += int64(n)
			if err != nil {
				return
			}
			time.Sleep(outputHeld / 4) // longer in all than the end of a command waits for silence
		}
	})
	code, err := d.Attach(t.Context(), key(1), sh("head -c 200000 /dev/zero"), driver.Streams{Out: w, Err: io.Discard})
	w.Close()
	reading.Wait()
	if code != 0 || err != nil || got != 200000 {
		t.Errorf("got code %d, %d bytes, error %v", code, got, err)
	}
}

// outputHeld is how long the end of a command waits for more output.
const outputHeld = 100 * time.Millisecond

// TestAttachTerminal has a shell tell the size of its terminal, at first and when it changes, and ends it as people do.
func TestAttachTerminal(t *testing.T) {
	d := open(t)
	startReady(t, d, key(1), command("sleep"))
	in, typed := io.Pipe()
	var out buffer
	sizes := make(chan driver.Size, 1)
	sizes <- driver.Size{Rows: 33, Columns: 101}
	done := make(chan int, 1)
	go func() {
		code, err := d.Attach(t.Context(), key(1), []string{"sh"}, driver.Streams{In: in, Out: &out, Terminal: true, Resize: sizes})
		if err != nil {
			t.Error(err)
		}
		done <- code
	}()
	io.WriteString(typed, "stty size; echo $TERM\n")
	drivertest.Wait(t, "the terminal has the size given", func() bool { return strings.Contains(out.String(), "33 101\r\nxterm") })
	sizes <- driver.Size{Rows: 44, Columns: 122}
	drivertest.Wait(t, "the terminal has the new size", func() bool {
		io.WriteString(typed, "stty size\n")
		return strings.Contains(out.String(), "44 122\r\n")
	})
	io.WriteString(typed, "trap 'echo caught' INT\nsleep 3600\n")
	drivertest.Wait(t, "the command runs", func() bool { return strings.Contains(out.String(), "sleep 3600\r\n") })
	drivertest.Wait(t, "Ctrl-C goes to the command", func() bool {
		io.WriteString(typed, "\x03")
		return strings.Contains(out.String(), "caught")
	})
	io.WriteString(typed, "exit 5\n")
	if code := <-done; code != 5 {
		t.Errorf("code %d, output:\n%s", code, out.String())
	}
}

// TestAttachEnds has a command end, with what left its group, when whoever is attached goes and when its container ends.
func TestAttachEnds(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		t.Run("terminal "+strconv.FormatBool(terminal), func(t *testing.T) {
			d := open(t)
			startReady(t, d, key(1), command("sleep"))
			run := func(ctx context.Context) (pids []int, done chan error) {
				file := t.TempDir() + "/pids"
				in, _ := io.Pipe()
				done = make(chan error, 1)
				var out buffer
				streams := driver.Streams{In: in, Out: &out, Err: &out, Terminal: terminal}
				go func() {
					code, err := d.Attach(ctx, key(1), sh("setsid sh -c 'echo $$ >>"+file+"; exec sleep 3600' & echo $$ >>"+file+"; sleep 3600"), streams)
					if err == nil && code != 128+9 {
						t.Errorf("code %d", code)
					}
					done <- err
				}()
				drivertest.Wait(t, "the command runs", func() bool {
					b, _ := os.ReadFile(file)
					pids = nil
					for _, f := range strings.Fields(string(b)) {
						pid, _ := strconv.Atoi(f)
						pids = append(pids, pid)
					}
					return len(pids) == 2
				})
				return pids, done
			}
			ctx, cancel := context.WithCancel(t.Context())
			pids, done := run(ctx)
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			drivertest.Wait(t, "the command of who went is gone", func() bool { return !living(pids[0]) && !living(pids[1]) })

			pids, done = run(t.Context())
			if _, err := d.Stop(t.Context(), key(1), time.Minute); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err != nil {
				t.Errorf("the end of the container: %v", err)
			}
			if living(pids[0]) || living(pids[1]) {
				t.Error("the command survived its container")
			}
			if _, err := d.Attach(t.Context(), key(1), sh("true"), driver.Streams{}); !errors.As(err, new(*driver.Error)) {
				t.Errorf("in a container that has ended: %v", err)
			}
		})
	}
}
