package keeper

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// TestNest makes groups of tasks in directories that look like control groups.
func TestNest(t *testing.T) {
	task := ecs.ID{1}
	both := &driver.TaskLimits{CPU: 512, Memory: 64, Share: 512}
	memory, cpu := &driver.TaskLimits{Memory: 64, Share: 30}, &driver.TaskLimits{CPU: 512, Share: 512}
	version2 := func(string) controls { return controls{memory2: true, cpu2: true, quota: true} }
	version1 := func(d string) controls { return controls{memory1: d + "/m", cpu1: d + "/c", quota: true} }
	hybrid := func(d string) controls { return controls{cpu2: true, memory1: d + "/m", quota: true} }
	for _, c := range []struct {
		name     string
		controls func(dir string) controls
		unified  bool
		limits   *driver.TaskLimits
		bound    bool
		in, want map[string]string
	}{
		{"version 2", version2, true, both, true, map[string]string{"u": "T"}, map[string]string{
			"u/memory.max": "67108864", "u/cpu.weight": "20", "u/cpu.max": "50000 100000", "u/cgroup.subtree_control": "+cpu"}},
		{"version 1", version1, true, both, true, map[string]string{"m": "T", "c": "T"}, map[string]string{
			"m/memory.use_hierarchy": "1", "m/memory.limit_in_bytes": "67108864",
			"c/cpu.shares": "512", "c/cpu.cfs_period_us": "100000", "c/cpu.cfs_quota_us": "50000"}},
		{"both versions", hybrid, true, both, true, map[string]string{"u": "T", "m": "T"}, map[string]string{
			"u/cpu.weight": "20", "u/cpu.max": "50000 100000", "u/cgroup.subtree_control": "+cpu",
			"m/memory.use_hierarchy": "1", "m/memory.limit_in_bytes": "67108864"}},
		{"only memory", version1, true, memory, true, map[string]string{"m": "T"}, map[string]string{
			"m/memory.use_hierarchy": "1", "m/memory.limit_in_bytes": "67108864"}},
		{"only processors", version1, true, cpu, true, map[string]string{"c": "T"}, map[string]string{
			"c/cpu.shares": "512", "c/cpu.cfs_period_us": "100000", "c/cpu.cfs_quota_us": "50000"}},
		{"no quota", func(d string) controls { return controls{cpu1: d + "/c"} }, true, cpu, true, map[string]string{"c": "T"},
			map[string]string{"c/cpu.shares": "512"}},
		{"no limits", version2, true, nil, true, nil, nil},
		{"no group of version 2", version2, false, both, false, nil, nil},
		{"none", func(string) controls { return controls{} }, true, both, false, nil, nil},
		{"none, and no limit of memory", func(string) controls { return controls{} }, true, cpu, true, nil, nil},
		{"may not", func(d string) controls { return controls{memory1: d + "/missing"} }, true, both, false, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, name := t.TempDir(), "/"+taskPrefix+task.String()
			for _, base := range []string{"u", "m", "c"} {
				if err := os.Mkdir(filepath.Join(dir, base), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			unified := ""
			if c.unified {
				unified = dir + "/u"
			}
			controls := c.controls(dir)
			in, bound := controls.nest(unified, task, c.limits)
			if again, _ := controls.nest(unified, task, c.limits); again != in {
				t.Errorf("the second container goes to %v, the first to %v", again, in)
			}
			want := nest{unified, controls.memory1, controls.cpu1}
			for base := range c.in {
				switch base {
				case "u":
					want.unified += name
				case "m":
					want.memory1 += name
				case "c":
					want.cpu1 += name
				}
			}
			if in != want || bound != c.bound {
				t.Errorf("%t, in %v; want %v", bound, in, want)
			}
			got := map[string]string{}
			files, _ := filepath.Glob(dir + "/*" + name + "/*")
			for _, path := range files {
				b, _ := os.ReadFile(path)
				short, _ := filepath.Rel(dir, path)
				got[strings.Replace(short, name, "", 1)] = string(b)
			}
			if diff := cmp.Diff(c.want, got); diff != "" && len(c.want)+len(got) > 0 {
				t.Error(diff)
			}
		})
	}
}

func TestOutside(t *testing.T) {
	for dir, want := range map[string]string{"/c/own/keeper/token": "/c/own", "/c/own/keeper/task-1/token": "/c/own"} {
		if got := outside(dir); got != want {
			t.Errorf("%s: %s", dir, got)
		}
	}
}

func TestClearGroups(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"kept", "lost/below", "task-1/kept", "task-1/lost", "task-2/lost", "task-3"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	clearGroups(dir, map[string]bool{dir + "/kept": true, dir + "/task-1/kept": true})
	var left []string
	for _, pattern := range []string{"/*", "/*/*"} {
		found, _ := filepath.Glob(dir + pattern)
		for _, f := range found {
			left = append(left, strings.TrimPrefix(f, dir))
		}
	}
	if diff := cmp.Diff([]string{"/kept", "/task-1", "/task-1/kept"}, left); diff != "" {
		t.Error(diff)
	}
}
