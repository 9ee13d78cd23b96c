package keeper

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// TestLoadMany takes over containers of which some end while the others are still being looked at.
func TestLoadMany(t *testing.T) {
	const n = 50
	dir := t.TempDir()
	if err := os.MkdirAll(containersPath(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		c := newContainer(driver.Key{Task: ecs.ID{byte(i)}, Container: "app"}, uint64(i), "")
		first := c.firstRecord()
		first.Start = &startRecord{Boot: "another", At: 1}
		f, err := createRecord(containerPath(dir, c.key), first)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	k := open(Config{Dir: dir, NoCgroups: true})
	if err := k.load(); err != nil {
		t.Fatal(err)
	}
	if len(k.containers) != n {
		t.Fatalf("%d containers, want %d", len(k.containers), n)
	}
	for _, c := range k.containers {
		select {
		case <-c.done:
		case <-time.After(30 * time.Second):
			t.Fatalf("%v has not ended", c.key)
		}
		if e := k.exitOf(c); e.Code != nil || !strings.Contains(e.Reason, "the machine was restarted") {
			t.Errorf("%v ended as %+v", c.key, e)
		}
	}
}

// mute is a connection whose other end is gone, as far as writing can tell.
type mute struct{ net.Conn }

func (mute) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// TestGoneWhenCallFails: whoever sees ErrGone finds the connection gone, and so makes another one.
func TestGoneWhenCallFails(t *testing.T) {
	for i := range 20 {
		nc, peer := net.Pipe()
		defer peer.Close()
		c := newClient(mute{nc}, nil)
		err := c.Create(t.Context(), driver.Key{Container: strconv.Itoa(i)}, nil)
		if !errors.Is(err, ErrGone) {
			t.Fatalf("create: %v, want ErrGone", err)
		}
		select {
		case <-c.Gone():
		default:
			t.Fatal("the call failed with ErrGone, and the connection stands")
		}
	}
}

// TestHangingKeeper has no call wait for ever for a keeper that takes no requests: neither the one that is being written nor those behind.
func TestHangingKeeper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nc, peer := net.Pipe() // of which nothing is read
		defer peer.Close()
		c := newClient(nc, nil)
		begun := time.Now()
		errs := make(chan error)
		go func() { // who waits for less long than that is told no later
			time.Sleep(time.Second) // behind the one that is being written
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := c.Create(ctx, driver.Key{Container: "hasty"}, nil); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != 2*time.Second {
				t.Errorf("create: %v after %s", err, time.Since(begun))
			}
		}()
		for i := range 3 {
			go func() { errs <- c.Create(t.Context(), driver.Key{Container: strconv.Itoa(i)}, nil) }()
		}
		for range 3 {
			if err := <-errs; !errors.Is(err, ErrGone) {
				t.Errorf("create: %v, want ErrGone", err)
			}
		}
		if took := time.Since(begun); took != writeFor {
			t.Errorf("it took %s, want %s", took, writeFor)
		}
	})
}

// TestTooLargeRequest is refused, and the connection goes on.
func TestTooLargeRequest(t *testing.T) {
	nc, peer := net.Pipe()
	defer peer.Close()
	c := newClient(nc, nil)
	defer c.Close()
	_, err := c.Start(t.Context(), driver.Key{}, Command{Argv: []string{strings.Repeat("x", maxMessage)}})
	if err == nil || errors.Is(err, ErrGone) || !strings.Contains(err.Error(), "a message of more than") {
		t.Errorf("start: %v", err)
	}
	select {
	case <-c.Gone():
		t.Error("the connection is lost")
	default:
	}
}
