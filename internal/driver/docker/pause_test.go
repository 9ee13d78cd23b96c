package docker

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"ballast/internal/driver"
	"ballast/internal/driver/drivertest"
	"ballast/internal/ecs"
)

func TestJoin(t *testing.T) {
	at := place{pause: "p", address: "10.0.0.9"}
	for _, c := range []struct {
		spec             driver.Spec
		network, pid, ip string
		pause            bool
	}{
		{spec: driver.Spec{}, network: "bridge"},
		{spec: driver.Spec{NetworkMode: ecs.NetworkNone}, network: "none"},
		{spec: driver.Spec{NetworkMode: ecs.NetworkHost, PIDMode: ecs.SharingHost, IPCMode: ecs.SharingHost}, network: "host", pid: "host", ip: "host"},
		{spec: driver.Spec{NetworkMode: ecs.NetworkAwsvpc}, network: "container:p", pause: true},
		{spec: driver.Spec{NetworkMode: ecs.NetworkAwsvpc, Isolation: &ecs.Isolation{DisableNetwork: true}}, network: "none", pause: true},
		{spec: driver.Spec{PIDMode: ecs.SharingTask, IPCMode: ecs.SharingNone}, network: "bridge", pid: "container:p", ip: "none", pause: true},
		{spec: driver.Spec{IPCMode: ecs.SharingTask}, network: "bridge", ip: "container:p", pause: true},
	} {
		_, host := made(t, c.spec, at)
		if string(host.NetworkMode) != c.network || string(host.PidMode) != c.pid || string(host.IpcMode) != c.ip || needsPause(c.spec) != c.pause {
			t.Errorf("%+v: got network %q, pid %q, ipc %q", c.spec, host.NetworkMode, host.PidMode, host.IpcMode)
		}
		if options := pauseOptions(testCfg, testKey.Task, c.spec); c.pause {
			if _, ok := keyOf(options.Config.Labels, ""); ok {
				t.Error("a pause container counts as one of the task")
			}
			if got, want := options.HostConfig.NetworkMode == "bridge", c.spec.NetworkMode == ecs.NetworkAwsvpc; got != want {
				t.Errorf("%+v: the pause container has network %q", c.spec, options.HostConfig.NetworkMode)
			}
			if got, want := options.HostConfig.IpcMode == "shareable", c.spec.IPCMode == ecs.SharingTask; got != want {
				t.Errorf("%+v: the pause container has ipc %q", c.spec, options.HostConfig.IpcMode)
			}
		}
	}
}

// pauses counts the pause containers of an instance.
func pauses(t *testing.T, d *Driver) int {
	t.Helper()
	list, err := d.list(t.Context(), labelPause)
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// TestAwsvpc: the containers of a task have one address and reach each other at localhost; it goes with the last of them.
func TestAwsvpc(t *testing.T) {
	d := open(t)
	db, web := driver.Key{Task: ecs.ID{1}, Container: "db"}, driver.Key{Task: ecs.ID{1}, Container: "web"}
	spec := app("listen", "tcp/5432")
	spec.NetworkMode, spec.Ports = ecs.NetworkAwsvpc, []ecs.PortMapping{{ContainerPort: 5432}}
	first := begin(t, d, db, spec)
	said(t, d, db)
	if first.Address == "" || len(first.Bindings) != 0 {
		t.Fatalf("got %+v, want an address and no bindings", first)
	}
	c, err := net.DialTimeout("tcp", first.Address+":5432", 5*time.Second)
	if err != nil {
		t.Errorf("the task does not answer at its address: %v", err)
	} else {
		c.Close()
	}
	again := openAs(t, d.cfg.Instance) // a Ballast that starts anew
	defer again.Close()
	spec = app("dial", "localhost:5432")
	spec.NetworkMode = ecs.NetworkAwsvpc
	if second := begin(t, again, web, spec); second.Address != first.Address {
		t.Errorf("the containers of one task have the addresses %q and %q", first.Address, second.Address)
	}
	wantLines(t, said(t, again, web), "hello")
	other := begin(t, again, driver.Key{Task: ecs.ID{2}, Container: "web"}, spec)
	if other.Address == "" || other.Address == first.Address {
		t.Errorf("another task has address %q, as the first", other.Address)
	}
	all, err := again.List(t.Context())
	if err != nil || len(all) != 3 || pauses(t, d) != 2 || all[0].Started.Address != first.Address {
		t.Errorf("list has %+v, %v, and there are %d pause containers", all, err, pauses(t, d))
	}
	if err := again.End(t.Context(), ecs.ID{3}); err != nil {
		t.Errorf("the end of a task that shares nothing: %v", err)
	}
	for i, k := range []driver.Key{db, web, {Task: ecs.ID{2}, Container: "web"}} {
		if _, err := again.Stop(t.Context(), k, 0); err != nil {
			t.Fatal(err)
		}
		if err := again.Remove(t.Context(), k); err != nil {
			t.Fatal(err)
		}
		if want := []int{2, 1, 0}[i]; pauses(t, d) != want {
			t.Errorf("after the removal of %v there are %d pause containers, want %d", k, pauses(t, d), want)
		}
	}
}

// TestPauseAtOnce: containers of a task are created side by side, and share one pause container all the same.
func TestPauseAtOnce(t *testing.T) {
	d := open(t)
	spec := app("polite", "0")
	spec.NetworkMode = ecs.NetworkAwsvpc
	const tasks, containers = 3, 4
	failures := make(chan error, tasks*containers)
	for task := range tasks {
		for c := range containers {
			go func() {
				failures <- d.Create(t.Context(), driver.Key{Task: ecs.ID{byte(task + 1)}, Container: string(rune('a' + c))}, spec)
			}()
		}
	}
	for range tasks * containers {
		if err := <-failures; err != nil {
			t.Error(err)
		}
	}
	if n := pauses(t, d); n != tasks {
		t.Errorf("%d tasks have %d pause containers", tasks, n)
	}
}

// TestAwsvpcLeftovers: a pause container goes when no container came of it, and when Ballast ended before it could remove it.
func TestAwsvpcLeftovers(t *testing.T) {
	d := open(t)
	key := driver.Key{Task: ecs.ID{1}, Container: "app"}
	spec := app("polite", "0")
	spec.NetworkMode, spec.Isolation = ecs.NetworkAwsvpc, &ecs.Isolation{Hostname: "web"}
	if err := d.Create(t.Context(), key, spec); err == nil || !strings.Contains(err.Error(), "hostname") {
		t.Errorf("a host name in a shared network: got %v", err)
	}
	if n := pauses(t, d); n != 1 {
		t.Fatalf("there are %d pause containers", n)
	}
	if err := d.Remove(t.Context(), key); err != nil || pauses(t, d) != 0 {
		t.Errorf("after remove there are %d pause containers, %v", pauses(t, d), err)
	}
	if _, _, err := d.pause(t.Context(), key.Task, spec); err != nil || pauses(t, d) != 1 {
		t.Fatalf("there are %d pause containers, %v", pauses(t, d), err)
	}
	again := openAs(t, d.cfg.Instance)
	defer again.Close()
	if n := pauses(t, d); n != 0 {
		t.Errorf("after a restart there are %d pause containers", n)
	}
}

// TestSharedNamespaces: with pidMode task containers see each other's processes.
func TestSharedNamespaces(t *testing.T) {
	d := open(t)
	a, b := driver.Key{Task: ecs.ID{1}, Container: "a"}, driver.Key{Task: ecs.ID{1}, Container: "b"}
	spec := app("polite", "143")
	spec.PIDMode, spec.IPCMode = ecs.SharingTask, ecs.SharingTask
	begin(t, d, a, spec)
	said(t, d, a)
	spec.Command = []string{"facts", "/proc/1/status:Name"}
	begin(t, d, b, spec)
	lines := said(t, d, b)
	wantLines(t, lines, "Name: ballast") // the pause container's
	if slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, "pid 1 ") }) {
		t.Errorf("the container has process ids of its own: %v", lines)
	}
}

// TestEnd: the pause container goes when the task is over, also after a restart, and what ended stays to be seen.
func TestEnd(t *testing.T) {
	d := open(t)
	key := driver.Key{Task: ecs.ID{1}, Container: "app"}
	spec := app("exit", "3")
	spec.NetworkMode = ecs.NetworkAwsvpc
	began := begin(t, d, key, spec)
	again := openAs(t, d.cfg.Instance)
	defer again.Close()
	drivertest.Wait(t, "the container has ended", func() bool {
		all, err := again.List(t.Context())
		return err == nil && len(all) == 1 && all[0].State == driver.Exited
	})
	for range 2 {
		if err := again.End(t.Context(), key.Task); err != nil || pauses(t, d) != 0 {
			t.Errorf("after the end there are %d pause containers, %v", pauses(t, d), err)
		}
	}
	if all, err := again.List(t.Context()); err != nil || len(all) != 1 || *all[0].Exit.Code != 3 || all[0].Started.Address != began.Address {
		t.Errorf("list has %+v, %v", all, err)
	}
}
