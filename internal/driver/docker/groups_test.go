package docker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/system"
	"pgregory.net/rapid"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

func TestForeign(t *testing.T) {
	for _, c := range []struct {
		host string
		info system.Info
		want string
	}{
		{"unix:///run/docker.sock", system.Info{KernelVersion: "6.1", CgroupDriver: "cgroupfs"}, ""},
		{"unix:///run/docker.sock", system.Info{KernelVersion: "6.1", CgroupDriver: "systemd", SecurityOptions: []string{"name=seccomp"}}, ""},
		{"tcp://10.0.0.1:2376", system.Info{KernelVersion: "6.1", CgroupDriver: "cgroupfs"}, "not on this machine"},
		{"unix:///run/docker.sock", system.Info{KernelVersion: "6.10-linuxkit", CgroupDriver: "cgroupfs"}, "not run on this machine's kernel"},
		{"unix:///run/docker.sock", system.Info{KernelVersion: "6.1", CgroupDriver: "systemd", SecurityOptions: []string{"name=rootless"}}, "not run as root"},
		{"unix:///run/docker.sock", system.Info{KernelVersion: "6.1", CgroupDriver: "none"}, `cgroup driver "none"`},
	} {
		if got := foreign(c.host, c.info, "6.1"); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s, %+v: %q", c.host, c.info, got)
		}
	}
}

// fakeGroups are groups in directories that look like hierarchies, "memory" and "cpu" of version 1 and a third one, or one of version 2.
func fakeGroups(t *testing.T, maker maker, version int) *groups {
	t.Helper()
	dir := t.TempDir()
	g := &groups{instance: ecs.ID{0xab}, maker: maker, version: version, limits: map[ecs.ID]driver.TaskLimits{}}
	names := []string{"memory", "cpu", "pids"}
	if version == 2 {
		names = []string{"unified"}
	}
	for _, name := range names {
		top := filepath.Join(dir, name)
		if err := os.MkdirAll(g.base(top), 0o755); err != nil {
			t.Fatal(err)
		}
		g.all = append(g.all, top)
	}
	g.tops = map[string]string{"memory": g.all[0], "cpu": g.all[min(1, len(g.all)-1)]}
	return g
}

// files gives the content of all files below the groups, and deletes them: a control group's files do not keep it from being deleted.
func files(t *testing.T, g *groups) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(filepath.Dir(g.all[0]), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(filepath.Dir(g.all[0]), path)
		all[name] = string(b)
		return errors.Join(err, os.Remove(path))
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestGroupFiles(t *testing.T) {
	task := ecs.ID{1}
	name := "ballast-ab0000000000" + task.String()
	for version, want := range map[int]map[string]string{
		1: {"memory/N/memory.use_hierarchy": "1", "memory/N/memory.limit_in_bytes": "67108864",
			"cpu/N/cpu.shares": "512", "cpu/N/cpu.cfs_period_us": "100000", "cpu/N/cpu.cfs_quota_us": "50000"},
		2: {"unified/cgroup.subtree_control": "+cpu", "unified/N/memory.max": "67108864", "unified/N/cpu.weight": "20", "unified/N/cpu.max": "50000 100000"},
	} {
		g := fakeGroups(t, byFiles, version)
		for range 2 {
			if parent, err := g.make(t.Context(), task, driver.TaskLimits{CPU: 512, Memory: 64, Share: 512}); err != nil || parent != "/"+name {
				t.Fatalf("parent %q, %v", parent, err)
			}
		}
		got := map[string]string{}
		for path, text := range files(t, g) {
			got[strings.Replace(path, name, "N", 1)] = text
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("version %d: %s", version, diff)
		}
		if g.holds(task) {
			t.Error("there is something in an empty group")
		}
		// What an engine makes of it, in hierarchies too that do not bound it.
		for _, top := range g.all {
			if err := os.MkdirAll(filepath.Join(top, name, "container", "below"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if !g.holds(task) || !slices.Equal(g.orphans(), []ecs.ID{task}) {
			t.Errorf("the container is not seen; tasks %v", g.orphans())
		}
		if err := g.remove(t.Context(), task); err != nil || g.known(task) || len(g.orphans()) > 0 {
			t.Errorf("removed: %v, known %t, left %v", err, g.known(task), g.orphans())
		}
	}
}

func TestGroupStays(t *testing.T) {
	g, task := fakeGroups(t, byFiles, 2), ecs.ID{1}
	if _, err := g.make(t.Context(), task, driver.TaskLimits{Memory: 1, Share: 2}); err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.remove(over, task); err == nil || !g.known(task) { // its files keep it, as processes would
		t.Errorf("%v, known %t", err, g.known(task))
	}
	if err := os.RemoveAll(g.all[0]); err != nil {
		t.Fatal(err)
	}
	if parent, err := g.make(t.Context(), task, driver.TaskLimits{Memory: 1}); err == nil || parent != "" {
		t.Errorf("a group without a hierarchy: %q, %v", parent, err)
	}
	if !g.distrust() || g.distrust() {
		t.Error("distrust is not news once")
	}
	if parent, err := g.make(t.Context(), task, driver.TaskLimits{Memory: 1}); err != nil || parent != "" {
		t.Errorf("with distrust: %q, %v", parent, err)
	}
}

func TestSystemd(t *testing.T) {
	g, task := fakeGroups(t, bySystemd, 2), ecs.ID{1}
	slice := "ballast-ab0000000000" + task.String() + ".slice"
	var calls []string
	var answer error
	g.systemd = func(_ context.Context, args ...string) error {
		calls = append(calls, strings.Join(args, " "))
		return answer
	}
	manager := managerName + " " + managerPath + " " + managerInterface + " "
	start := "call " + manager + "StartTransientUnit ssa(sv)a(sa(sv)) " + slice + " fail 6 Description s limits of a task of Ballast " +
		"MemoryAccounting b true CPUAccounting b true MemoryMax t 209715200 CPUQuotaPerSecUSec t 250000 CPUWeight t 10 0"
	limits := driver.TaskLimits{CPU: 256, Memory: 200, Share: 256}
	if parent, err := g.make(t.Context(), task, limits); err != nil || parent != slice {
		t.Errorf("parent %q, %v", parent, err)
	}
	answer = errors.New("Call failed: Unit " + slice + " was already loaded or has a fragment file.")
	if _, err := g.make(t.Context(), task, limits); err != nil {
		t.Error(err)
	}
	answer = errors.New("Call failed: Access denied")
	if parent, err := g.make(t.Context(), task, limits); err == nil || parent != "" {
		t.Errorf("parent %q of a slice that may not be made", parent)
	}
	if g.unbounded() != "" || !strings.Contains(g.probe(t.Context()), "Access denied") && os.Geteuid() == 0 {
		t.Error("it counts on a systemd that refuses")
	}
	if err := os.Mkdir(g.dir(g.all[0], task), 0o755); err != nil { // systemd has made it
		t.Fatal(err)
	}
	if parent, err := g.make(t.Context(), task, limits); err != nil || parent != slice || !slices.Equal(g.orphans(), []ecs.ID{task}) {
		t.Errorf("parent %q, %v; tasks %v", parent, err, g.orphans())
	}
	answer = errors.New("Call failed: Unit " + slice + " not loaded.")
	if err := g.remove(t.Context(), task); err != nil || len(g.orphans()) > 0 {
		t.Errorf("%v, left %v", err, g.orphans())
	}
	want := []string{start, start, start, "call " + manager + "StopUnit ss " + slice + " replace"}
	calls = slices.DeleteFunc(calls, func(c string) bool { return strings.HasPrefix(c, "get-property") })
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Error(diff)
	}
}

func TestStartArgs(t *testing.T) {
	for _, c := range []struct {
		version int
		limits  driver.TaskLimits
		want    string
	}{
		{1, driver.TaskLimits{Memory: 1, Share: 2}, "5 D MemoryLimit t 1048576 CPUShares t 2 0"},
		{1, driver.TaskLimits{CPU: 2048, Share: 2048}, "5 D CPUQuotaPerSecUSec t 2000000 CPUShares t 2048 0"},
		{2, driver.TaskLimits{CPU: 10, Share: 10}, "5 D CPUQuotaPerSecUSec t 10000 CPUWeight t 1 0"},
	} {
		all := strings.Join(startArgs("x.slice", c.version, c.limits), " ")
		_, got, _ := strings.Cut(all, "x.slice fail ")
		got = strings.Replace(got, "Description s limits of a task of Ballast MemoryAccounting b true CPUAccounting b true", "D", 1)
		if got != c.want {
			t.Errorf("%d, %+v: %s, want %s", c.version, c.limits, got, c.want)
		}
	}
}

func TestLimitsLabel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(0, 1<<40)
		want := driver.TaskLimits{CPU: size.Draw(t, "cpu"), Memory: size.Draw(t, "memory"), Share: size.Draw(t, "share")}
		if got, ok := parseLimits(limitsLabel(want)); got != want || !ok {
			t.Errorf("%+v comes back as %+v, %t", want, got, ok)
		}
	})
	for _, text := range []string{"", "1 2", "1 2 3 4", "1 2 x", "1 -2 3"} {
		if got, ok := parseLimits(text); ok {
			t.Errorf("%q: %+v", text, got)
		}
	}
}
