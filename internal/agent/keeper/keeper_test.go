package keeper

import (
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
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
		c := &Client{nc: mute{nc}, waiting: map[uint64]chan answer{}, gone: make(chan struct{})}
		go c.read()
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
