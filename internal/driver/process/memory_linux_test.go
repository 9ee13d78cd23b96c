package process

import (
	"strings"
	"testing"

	"ballast/internal/driver"
	"ballast/internal/driver/drivertest"
)

// TestMemoryLimit runs a container that uses more than it may, where the kernel sees to that, if it can, and where the keeper does.
func TestMemoryLimit(t *testing.T) {
	for _, word := range []string{"keeper", "no-cgroups"} {
		t.Run(word, func(t *testing.T) {
			d := openAt(t, namedDir(t, word))
			defer d.Close()
			if text := d.Limits(); word == "no-cgroups" && text != "memory limits are checked once a second, for want of a control group, CPU shares and the CPU limits of tasks have no effect" {
				t.Errorf("without control groups: %s", text)
			}
			modest, greedy := command("eat", "1"), command("eat", "400")
			modest.Memory, greedy.Memory = 200, 200
			startReady(t, d, key(1), modest)
			start(t, d, key(2), greedy)
			var o driver.Observation
			drivertest.Wait(t, "the greedy container has ended", func() bool {
				o = observed(t, d, key(2))
				return o.State == driver.Exited
			})
			if o.Exit.Code == nil || *o.Exit.Code != 137 || o.Exit.Reason != "OutOfMemoryError: Container killed due to memory usage" {
				t.Errorf("the greedy container ended with %+v", o.Exit)
			}
			if o := observed(t, d, key(1)); o.State != driver.Running {
				t.Errorf("the modest container is in state %d", o.State)
			}
			exit, err := d.Stop(t.Context(), key(1), 0)
			if err != nil || exit.Reason != "" || *exit.Code != 137 {
				t.Errorf("the modest container was killed: %+v, %v", exit, err)
			}
		})
	}
}

func observed(t *testing.T, d *Driver, k driver.Key) driver.Observation {
	t.Helper()
	all, err := d.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		if o.Key == k {
			return o
		}
	}
	t.Fatalf("%v is not listed", k)
	return driver.Observation{}
}

func TestStats(t *testing.T) {
	for _, word := range []string{"keeper", "no-cgroups"} {
		t.Run(word, func(t *testing.T) {
			d := openAt(t, namedDir(t, word))
			defer d.Close()
			greedy := command("eat", "50")
			greedy.Memory = 300
			startReady(t, d, key(1), greedy)
			start(t, d, key(2), command("spin"))
			var s driver.Stats
			measure := func(n int) driver.Stats {
				t.Helper()
				s, err := d.Stats(t.Context(), key(n))
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			drivertest.Wait(t, "its memory is seen", func() bool { s = measure(1); return s.Memory > 50<<20 })
			if s.MemoryLimit != 300<<20 || s.Memory > 200<<20 || s.PIDs != 1 || s.OnlineCPUs == 0 || s.HostCPU == 0 || s.At == 0 {
				t.Errorf("%+v", s)
			}
			before := measure(2)
			if before.MemoryLimit <= 300<<20 {
				t.Errorf("without a limit: %+v", before)
			}
			drivertest.Wait(t, "its processor time grows", func() bool {
				s := measure(2)
				return s.CPU > before.CPU && s.UserCPU > before.UserCPU && s.CPU == s.UserCPU+s.SystemCPU && s.HostCPU > before.HostCPU
			})
			if _, err := d.Stop(t.Context(), key(2), 0); err != nil {
				t.Fatal(err)
			}
			for _, n := range []int{2, 3} {
				if _, err := d.Stats(t.Context(), key(n)); err == nil || !strings.Contains(err.Error(), "Error: ") {
					t.Errorf("container %d is measured, which does not run: %v", n, err)
				}
			}
		})
	}
}
