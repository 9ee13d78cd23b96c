package keeper

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/ecs"
)

// TestBind bounds containers by directories that look like control groups.
func TestBind(t *testing.T) {
	r := Resources{CPU: 512, Memory: 64, Reservation: 32}
	for _, c := range []struct {
		name     string
		controls func(dir string) controls
		unified  bool
		r        Resources
		bound    bool
		want     map[string]string
	}{
		{"version 2", func(string) controls { return controls{memory2: true, cpu2: true} }, true, r, true, map[string]string{
			"u/memory.max": "67108864", "u/memory.low": "33554432", "u/cpu.weight": "20"}},
		{"version 1", func(d string) controls { return controls{memory1: d + "/m", cpu1: d + "/c"} }, true, r, true, map[string]string{
			"m/x/memory.limit_in_bytes": "67108864", "m/x/memory.soft_limit_in_bytes": "33554432", "c/x/cpu.shares": "512"}},
		{"both", func(d string) controls { return controls{cpu2: true, memory1: d + "/m"} }, true, Resources{CPU: 1, Memory: 1}, true, map[string]string{
			"u/cpu.weight": "1", "m/x/memory.limit_in_bytes": "1048576"}},
		{"only a soft limit", func(d string) controls { return controls{memory1: d + "/m", cpu1: d + "/c"} }, false, Resources{Reservation: 1}, true,
			map[string]string{"m/x/memory.soft_limit_in_bytes": "1048576"}},
		{"no limits", func(d string) controls { return controls{memory1: d + "/m", cpu1: d + "/c"} }, true, Resources{}, true, map[string]string{}},
		{"no group of version 2", func(string) controls { return controls{memory2: true} }, false, r, false, map[string]string{}},
		{"none", func(string) controls { return controls{} }, true, r, false, map[string]string{}},
		{"may not", func(d string) controls { return controls{memory1: d + "/missing"} }, true, r, false, map[string]string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range []string{"u", "m", "c"} {
				if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			unified := ""
			if c.unified {
				unified = filepath.Join(dir, "u")
			}
			controls := c.controls(dir)
			in, _ := controls.nest(unified, ecs.ID{}, nil)
			groups, bound := controls.bind(in, unified, "x", c.r)
			if bound != c.bound {
				t.Errorf("bound: %t", bound)
			}
			got := map[string]string{}
			files, _ := filepath.Glob(dir + "/*/*")
			more, _ := filepath.Glob(dir + "/*/*/*")
			for _, path := range append(files, more...) {
				if b, err := os.ReadFile(path); err == nil {
					name, _ := filepath.Rel(dir, path)
					got[name] = string(b)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			for _, g := range groups {
				if _, err := os.Stat(g); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestOOMKilled(t *testing.T) {
	for text, want := range map[string]bool{
		"low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\n":         true,
		"low 0\nhigh 0\nmax 12\noom 1\noom_kill 0\n":         false,
		"oom_kill_disable 0\nunder_oom 0\noom_kill 2\n":      true,
		"oom_kill_disable 1\nunder_oom 1\noom_kill 0\nx y\n": false,
	} {
		for _, file := range []string{"memory.events", "memory.oom_control"} {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if got := oomKilled([]string{"", "/nowhere", dir}); got != want {
				t.Errorf("%s with %q: %t", file, text, got)
			}
		}
	}
}

func TestGroupMeasures(t *testing.T) {
	dir := t.TempDir()
	write := func(file, text string) {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := groupMemory(dir); ok {
		t.Error("there is memory in an empty group")
	}
	write("memory.usage_in_bytes", "5000\n")
	write("memory.stat", "inactive_file 1\ntotal_inactive_file 1000\n")
	if got, ok := groupMemory(dir); got != 4000 || !ok {
		t.Errorf("version 1: %d, %t", got, ok)
	}
	write("memory.current", "6000\n")
	if got, ok := groupMemory(dir); got != 5999 || !ok {
		t.Errorf("version 2: %d, %t", got, ok)
	}
	write("cpu.stat", "usage_usec 7\nuser_usec 5\nsystem_usec 2\n")
	if got, ok := groupUsage(dir); got != (usage{5000, 2000}) || !ok {
		t.Errorf("usage: %+v, %t", got, ok)
	}
	write("cpu.stat", "nr_periods 0\n") // version 1 has such a file as well
	if got, ok := groupUsage(dir); ok {
		t.Errorf("usage of version 1: %+v", got)
	}
	got, err := parseHost([]byte("cpu  1 2 3 4 5 6 7 8 100 200\ncpu0 1 2\ncpu1 1 2 3 4\ncpu2 1 2 3 4\nintr 5\n"), []byte("MemTotal:    16 kB\nMemFree: 1 kB\n"))
	if want := (host{cpu: 36 * clockTick, cpus: 2, memory: 16 << 10}); got != want || err != nil {
		t.Errorf("host: %+v, %v", got, err)
	}
}
