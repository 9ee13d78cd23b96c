package docker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"ballast/internal/driver"
	"ballast/internal/driver/drivertest"
	"ballast/internal/ecs"
)

// buffer collects what is written to it while others look.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func TestAttach(t *testing.T) {
	d := open(t)
	key := driver.Key{Task: ecs.ID{1}, Container: "app"}
	begin(t, d, key, app("polite", "0"))
	said(t, d, key)

	t.Run("streams", func(t *testing.T) {
		var out, err buffer
		code, failed := d.Attach(t.Context(), key, []string{"/app", "shell"}, driver.Streams{In: strings.NewReader("one\ntwo\nexit 7\n"), Out: &out, Err: &err})
		if failed != nil || code != 7 || !strings.Contains(out.String(), "heard one\nheard two\n") || err.String() != "to stderr\n" {
			t.Errorf("got code %d, %v, output %q, errors %q", code, failed, out.String(), err.String())
		}
	})
	t.Run("end of the input", func(t *testing.T) {
		var out buffer
		if code, err := d.Attach(t.Context(), key, []string{"/app", "shell"}, driver.Streams{In: strings.NewReader("one\n"), Out: &out, Err: io.Discard}); err != nil || code != 0 {
			t.Errorf("got code %d, %v, output %q", code, err, out.String())
		}
	})
	t.Run("no input", func(t *testing.T) {
		if code, err := d.Attach(t.Context(), key, []string{"/app", "exit", "3"}, driver.Streams{Out: io.Discard, Err: io.Discard}); err != nil || code != 3 {
			t.Errorf("got code %d, %v", code, err)
		}
	})
	t.Run("terminal", func(t *testing.T) { attachTerminal(t, d, key) })
	t.Run("command not found", func(t *testing.T) {
		var out buffer
		if code, err := d.Attach(t.Context(), key, []string{"/no-such-command"}, driver.Streams{Out: &out, Err: &out}); err != nil || code != 127 && code != 126 || out.String() == "" {
			t.Errorf("got code %d, %v, output %q", code, err, out.String())
		}
	})
	t.Run("given up", func(t *testing.T) { attachGivenUp(t, d, key) })
	if _, err := d.Stop(t.Context(), key, 0); err != nil {
		t.Fatal(err)
	}
	var e *driver.Error
	if _, err := d.Attach(t.Context(), key, []string{"/app", "shell"}, driver.Streams{Out: io.Discard, Err: io.Discard}); !errors.As(err, &e) || e.Name != driver.CannotExecContainerError {
		t.Errorf("after the end: got %v", err)
	}
}

// TestAttachIsBounded attaches to as many commands as may be, of an engine that takes its time.
func TestAttachIsBounded(t *testing.T) {
	asked := make(chan bool, 2*driver.MaxAttached)
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- true
		<-r.Context().Done()
	}))
	defer engine.Close()
	connected, err := client.New(client.WithHost("tcp://"+engine.Listener.Addr().String()), client.WithAPIVersion("1.44"))
	if err != nil {
		t.Fatal(err)
	}
	defer connected.Close()
	key := driver.Key{Container: "app"}
	d := &Driver{engine: connected, ids: map[driver.Key]string{key: "c"}}
	attach := func(ctx context.Context) error {
		_, err := d.Attach(ctx, key, []string{"sh"}, driver.Streams{Out: io.Discard, Err: io.Discard})
		return err
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	for range driver.MaxAttached {
		all.Go(func() { attach(ctx) })
	}
	for range driver.MaxAttached {
		<-asked
	}
	short, end := context.WithTimeout(t.Context(), 5*time.Second)
	defer end()
	if err := attach(short); !errors.Is(err, driver.ErrTooManyAttached) {
		t.Errorf("one too many: got %v", err)
	}
	cancel()
	all.Wait()
	again, cancel := context.WithCancel(t.Context())
	defer cancel()
	all.Go(func() { attach(again) })
	select {
	case <-asked:
	case <-time.After(5 * time.Second):
		t.Error("the ends of the others leave no room for another")
	}
	cancel()
	all.Wait()
}

// attachTerminal talks to a command through a terminal whose size changes.
func attachTerminal(t *testing.T, d *Driver, key driver.Key) {
	var out buffer
	in, keys := io.Pipe()
	sizes := make(chan driver.Size, 1)
	sizes <- driver.Size{Rows: 24, Columns: 80}
	ended := make(chan int, 1)
	go func() {
		code, err := d.Attach(t.Context(), key, []string{"/app", "shell"}, driver.Streams{In: in, Out: &out, Terminal: true, Resize: sizes})
		if err != nil {
			t.Error(err)
		}
		ended <- code
	}()
	asked := func(want string) {
		drivertest.Wait(t, "the terminal has "+want, func() bool {
			io.WriteString(keys, "size\n")
			time.Sleep(10 * time.Millisecond)
			return strings.Contains(out.String(), want)
		})
	}
	asked("size: 24 80")
	sizes <- driver.Size{Rows: 50, Columns: 132}
	asked("size: 50 132")
	io.WriteString(keys, "exit 4\n")
	if code := <-ended; code != 4 || !strings.Contains(out.String(), "to stderr") {
		t.Errorf("got code %d, output %q", code, out.String())
	}
}

// attachGivenUp hangs up on a command that does not end by itself.
func attachGivenUp(t *testing.T, d *Driver, key driver.Key) {
	ctx, cancel := context.WithCancel(t.Context())
	var out buffer
	ended := make(chan error, 1)
	go func() {
		_, err := d.Attach(ctx, key, []string{"/app", "stubborn"}, driver.Streams{Out: &out, Err: &out})
		ended <- err
	}()
	drivertest.Wait(t, "the command runs", func() bool { return strings.Contains(out.String(), "ready") })
	before, err := d.Stats(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	drivertest.Wait(t, "the command has ended", func() bool {
		now, err := d.Stats(t.Context(), key)
		return err == nil && now.PIDs < before.PIDs
	})
}
