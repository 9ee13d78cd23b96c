package process

import (
	"fmt"
	"path/filepath"
	"testing"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// TestAwsvpc starts tasks that all listen at the same port, and looks whether their addresses outlive their driver.
func TestAwsvpc(t *testing.T) {
	port := harness{}.FreePort(t)
	spec := harness{}.Listens(ecs.NetworkAwsvpc, ecs.PortMapping{ContainerPort: port}, ecs.PortMapping{ContainerPort: port, UDP: true})
	dir := filepath.Join(t.TempDir(), "keeper")
	d := openAt(t, dir)
	t.Cleanup(func() {
		d.Close()
		endKeeper(t, dir)
	})
	seen := map[string]driver.Key{}
	begin := func(k driver.Key, spec driver.Spec) driver.Started {
		t.Helper()
		started := startReady(t, d, k, spec)
		if other, taken := seen[started.Address]; taken && other.Task != k.Task {
			t.Errorf("%v has the address %s of %v", k, started.Address, other)
		}
		seen[started.Address] = k
		for _, b := range started.Bindings {
			if b.BindIP != started.Address || b.HostPort != port || b.ContainerPort != port {
				t.Errorf("%v at %s is bound to %+v", k, started.Address, b)
			}
		}
		return started
	}
	first := begin(key(1), spec)
	begin(key(2), spec)
	d.Close()
	d = openAt(t, dir)
	beside := key(1)
	beside.Container = "beside"
	quiet := command("sleep")
	quiet.NetworkMode = ecs.NetworkAwsvpc
	if got := begin(beside, quiet); got.Address != first.Address || len(got.Bindings) != 0 {
		t.Errorf("another container of the task at %s started as %+v", first.Address, got)
	}
	all, err := d.List(t.Context())
	if err != nil || len(all) != 3 {
		t.Fatal(fmt.Sprint(all), err)
	}
	for _, o := range all {
		if seen[o.Started.Address].Task != o.Key.Task {
			t.Errorf("%v is listed at %q", o.Key, o.Started.Address)
		}
	}
}
