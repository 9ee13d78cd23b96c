package process

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ballast/internal/agent/keeper"
	"ballast/internal/cgroup"
	"ballast/internal/driver"
	"ballast/internal/driver/drivertest"
	"ballast/internal/ecs"
)

// member is the key of a container of the task that the tests bound.
func member(name string) driver.Key { return driver.Key{Task: ecs.ID{15: 77}, Container: name} }

// bounded is a container of a task with limits.
func bounded(limits driver.TaskLimits, args ...string) driver.Spec {
	spec := command(args...)
	spec.Task = &limits
	return spec
}

// TestTaskMemory runs containers that use more together than their task may, where the kernel sees to that, if it can, and where the
// keeper does.
func TestTaskMemory(t *testing.T) {
	for _, word := range []string{"keeper", "no-cgroups"} {
		t.Run(word, func(t *testing.T) {
			d := openAt(t, namedDir(t, word))
			defer d.Close()
			limits := driver.TaskLimits{Memory: 300, Share: 2}
			startReady(t, d, key(1), command("eat", "60"))
			small := startReady(t, d, member("small"), bounded(limits, "eat", "60"))
			drivertest.Wait(t, "the small container has its memory", func() bool {
				s, err := d.Stats(t.Context(), member("small"))
				return err == nil && s.Memory > 60<<20
			})
			start(t, d, member("big"), bounded(limits, "eat", "260"))
			var o driver.Observation
			drivertest.Wait(t, "the big container has ended", func() bool {
				o = observed(t, d, member("big"))
				return o.State == driver.Exited
			})
			if o.Exit.Code == nil || *o.Exit.Code != 137 || o.Exit.Reason != "OutOfMemoryError: Container killed due to memory usage" {
				t.Errorf("the big container ended with %+v", o.Exit)
			}
			for _, k := range []driver.Key{key(1), member("small")} {
				if o := observed(t, d, k); o.State != driver.Running {
					t.Errorf("%v is in state %d", k, o.State)
				}
			}
			group := taskGroup(t, small.RuntimeID, "memory")
			if d.link.current().Bounds().Memory != (group != "") {
				t.Errorf("%s, and the group of the task is %q", d.Limits(), group)
			}
			exit, err := d.Stop(t.Context(), member("small"), 0)
			if err != nil || exit.Reason != "" {
				t.Errorf("the small container was killed: %+v, %v", exit, err)
			}
			wantGone(t, group)
		})
	}
}

// TestTaskCPU looks at what a task's limits are in the control groups of its containers, which outlive a keeper that is killed and
// nothing else.
func TestTaskCPU(t *testing.T) {
	d := openAt(t, namedDir(t, "keeper"))
	defer d.Close()
	limits := driver.TaskLimits{CPU: 256, Memory: 400, Share: 256}
	first := startReady(t, d, member("first"), bounded(limits, "polite", "0"))
	second := startReady(t, d, member("second"), bounded(limits, "polite", "0"))
	alone := startReady(t, d, key(1), command("polite", "0"))
	if group := taskGroup(t, alone.RuntimeID, "cpu"); group != "" {
		t.Errorf("a container of a task without limits is in %s", group)
	}
	group := taskGroup(t, first.RuntimeID, "cpu")
	if d.link.current().Bounds().Quota != (group != "") {
		t.Errorf("%s, and the group of the task is %q", d.Limits(), group)
	}
	if other := taskGroup(t, second.RuntimeID, "cpu"); other != group {
		t.Errorf("containers of one task are in %s and %s", group, other)
	}
	if group != "" {
		if quota := content(group, "cpu.max") + content(group, "cpu.cfs_quota_us"); quota != "25000 100000" && quota != "25000" {
			t.Errorf("the quota of %s is %q", group, quota)
		}
	}
	killKeeper(t, d)
	orphan := filepath.Join(filepath.Dir(group), "task-orphan", "container")
	if group != "" { // as if it had been killed a moment earlier as well
		if err := os.MkdirAll(orphan, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"first", "second"} {
		if _, err := d.Stop(t.Context(), member(name), 0); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(group); group != "" && name == "first" && err != nil {
			t.Errorf("after the first container: %v", err)
		}
	}
	wantGone(t, group)
	wantGone(t, filepath.Dir(orphan))
}

func TestLimitsText(t *testing.T) {
	for b, want := range map[keeper.Bounds]string{
		{}:                                     "memory limits are checked once a second, for want of a control group, CPU shares and the CPU limits of tasks have no effect",
		{CPU: true, Quota: true}:               "memory limits are checked once a second, for want of a control group, CPU shares and the CPU limits of tasks are enforced",
		{Memory: true}:                         "memory limits are enforced, CPU shares and the CPU limits of tasks have no effect",
		{Memory: true, CPU: true}:              "memory limits are enforced, CPU shares are enforced, the CPU limits of tasks have no effect",
		{Memory: true, CPU: true, Quota: true}: "memory limits are enforced, CPU shares and the CPU limits of tasks are too",
	} {
		if got := limitsText(b); got != want {
			t.Errorf("%+v: %s", b, got)
		}
	}
}

// taskGroup gives the control group of the task that a process is in, of version 1 or else of version 2; "" if there is none.
func taskGroup(t *testing.T, pid, controller string) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%s/cgroup", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{controller, ""} {
		_, top := cgroup.Own(c)
		for line := range strings.Lines(string(b)) {
			f := strings.SplitN(strings.TrimSpace(line), ":", 3)
			if top == "" || len(f) != 3 || !slices.Contains(strings.Split(f[1], ","), c) {
				continue
			}
			if group := filepath.Dir(f[2]); strings.HasPrefix(filepath.Base(group), "task-") {
				return filepath.Join(top, group)
			}
		}
	}
	return ""
}

// wantGone waits until a control group is deleted, if there was one.
func wantGone(t *testing.T, group string) {
	t.Helper()
	if group == "" {
		return
	}
	drivertest.Wait(t, "the group is gone: "+group, func() bool {
		_, err := os.Stat(group)
		return os.IsNotExist(err)
	})
}

func content(dir, file string) string {
	b, _ := os.ReadFile(filepath.Join(dir, file))
	return strings.TrimSpace(string(b))
}
