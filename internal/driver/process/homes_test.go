package process

import (
	"net/netip"
	"testing"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

func TestHomes(t *testing.T) {
	var h homes
	take := func(k driver.Key) string {
		t.Helper()
		a, err := h.take(k)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	first := take(key(1))
	if !homeNet.Contains(netip.MustParseAddr(first)) {
		t.Errorf("%s is not in %v", first, homeNet)
	}
	beside := key(1)
	beside.Container = "beside"
	if got := take(beside); got != first {
		t.Errorf("two containers of a task have %s and %s", first, got)
	}
	// Another task stands where the second one's id leads to.
	second, _ := chooseHome(key(2).Task, nil)
	h.adopt([]driver.Observation{
		{Key: key(3), State: driver.Exited, Started: driver.Started{Address: second.String()}},
		{Key: key(4), State: driver.Running},
	})
	if got := take(key(2)); got == second.String() || got == first {
		t.Errorf("the address %s is given to two tasks", got)
	}
	if got := take(key(3)); got != second.String() {
		t.Errorf("the task that had %s has %s", second, got)
	}
	h.leave(key(1))
	if got := take(beside); got != first {
		t.Errorf("when one container of a task has gone, another has %s instead of %s", got, first)
	}
	restarted := beside
	restarted.Attempt = 1
	if got := take(restarted); got != first {
		t.Errorf("when a container is restarted, it has %s instead of %s", got, first)
	}
	h.leave(restarted) // earlier attempts are forgotten with the last
	h.leave(restarted)
	h.leave(key(2))
	h.leave(key(3))
	if len(h.tasks)+len(h.taken) != 0 {
		t.Errorf("%d tasks and %d addresses are left", len(h.tasks), len(h.taken))
	}
}

func TestCheckNetwork(t *testing.T) {
	for _, c := range []struct {
		mode         ecs.NetworkMode
		system, text string
	}{
		{ecs.NetworkBridge, "darwin", ""},
		{ecs.NetworkHost, "linux", ""},
		{ecs.NetworkAwsvpc, "linux", ""},
		{ecs.NetworkAwsvpc, "darwin", "on darwin only 127.0.0.1 is there"},
		{ecs.NetworkNone, "linux", "network mode none"},
	} {
		name := driver.CannotCreateContainerError
		if c.text == "" {
			name = ""
		}
		wantError(t, checkNetwork(c.mode, c.system), name, c.text)
	}
}
