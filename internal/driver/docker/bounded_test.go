package docker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ballast/internal/driver"
	"ballast/internal/driver/drivertest"
	"ballast/internal/ecs"
)

// TestTaskLimits runs containers that use more memory together than their task may.
func TestTaskLimits(t *testing.T) {
	d := open(t)
	enforced := d.Limits() == "the limits of tasks are enforced"
	if !enforced && !strings.HasPrefix(d.Limits(), "the limits of tasks are not enforced (") {
		t.Errorf("limits: %s", d.Limits())
	}
	small, big := driver.Key{Task: ecs.ID{1}, Container: "small"}, driver.Key{Task: ecs.ID{1}, Container: "big"}
	limits := &driver.TaskLimits{CPU: 512, Memory: 128, Share: 512}
	begin := func(key driver.Key, limits *driver.TaskLimits, mebibytes string) {
		t.Helper()
		spec := app("eat", mebibytes)
		spec.Task = limits
		if err := d.Create(t.Context(), key, spec); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Start(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	begin(small, limits, "40")
	drivertest.Wait(t, "the small one is full", func() bool {
		lines, _, err := d.Logs(t.Context(), small.Task, small.Container, 0, driver.LogLimit{Lines: 10})
		return err == nil && len(lines) > 0
	})
	free := driver.Key{Task: ecs.ID{2}, Container: "free"}
	begin(free, nil, "1")
	if c, err := d.known(t.Context(), free); err != nil || c.HostConfig.CgroupParent != "" || c.Config.Labels[labelShares] != "" {
		t.Errorf("a container of a task without limits: %+v, %v", c, err)
	}
	if !enforced {
		if c, err := d.known(t.Context(), small); err != nil || c.HostConfig.CgroupParent != "" {
			t.Errorf("%s, and yet: %+v, %v", d.Limits(), c, err)
		}
		return
	}
	begin(big, limits, "110")
	var o driver.Observation
	drivertest.Wait(t, "the big one has ended", func() bool {
		c, err := d.known(t.Context(), big)
		if err == nil {
			o = d.look(t.Context(), *c)
		}
		return o.State == driver.Exited
	})
	if *o.Exit.Code != 137 || o.Exit.Reason != outOfMemory {
		t.Errorf("the big one ended with %d, %q", *o.Exit.Code, o.Exit.Reason)
	}
	dir := d.groups.dir(d.groups.tops["cpu"], small.Task)
	quota, _ := os.ReadFile(filepath.Join(dir, map[int]string{1: "cpu.cfs_quota_us", 2: "cpu.max"}[d.groups.version]))
	if !strings.HasPrefix(string(quota), "50000") && d.groups.maker == byFiles {
		t.Errorf("the quota is %q", quota)
	}

	again := openAs(t, d.cfg.Instance) // as after kill -9
	defer again.Close()
	exit, err := again.Stop(t.Context(), small, time.Minute)
	if err != nil || *exit.Code != 143 || exit.Reason != "" {
		t.Errorf("the small one was stopped: %+v, %v", exit, err)
	}
	if err := again.End(t.Context(), small.Task); err != nil {
		t.Error(err)
	}
	if left := again.groups.orphans(); len(left) > 0 {
		t.Errorf("groups of %v are left", left)
	}
}

// TestGroupsLeftBehind: a group goes with the last container where nobody says that the task is over, and where one was killed before
// it could be removed.
func TestGroupsLeftBehind(t *testing.T) {
	d := open(t)
	spec := app("exit", "0")
	spec.Task = &driver.TaskLimits{Memory: 64, Share: 2}
	key := driver.Key{Task: ecs.ID{1}, Container: "app"}
	if err := d.Create(t.Context(), key, spec); err != nil {
		t.Fatal(err)
	}
	parent := d.bound(t.Context(), ecs.ID{2}, spec.Task)
	if enforced := d.groups.unbounded() == ""; (parent != "") != enforced || len(d.groups.orphans()) != map[bool]int{true: 2}[enforced] {
		t.Errorf("%s: parent %q, groups of %v", d.Limits(), parent, d.groups.orphans())
	}
	again := openAs(t, d.cfg.Instance)
	defer again.Close()
	if left := again.groups.orphans(); again.groups.unbounded() == "" && (len(left) != 1 || left[0] != key.Task) {
		t.Errorf("groups of %v are there", left)
	}
	if _, err := again.Stop(t.Context(), key, 0); err != nil {
		t.Error(err)
	}
	if err := again.Remove(t.Context(), key); err != nil {
		t.Error(err)
	}
	if left := again.groups.orphans(); len(left) > 0 {
		t.Errorf("groups of %v are left", left)
	}
}
