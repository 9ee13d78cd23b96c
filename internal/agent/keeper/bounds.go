package keeper

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"

	"ballast/internal/cgroup"
	"ballast/internal/driver"
)

// Resources are what a container may use. 0 is no bound.
type Resources struct {
	CPU         int `json:"cpu,omitempty"`         // units, of which a core has 1,024: a share, where processors are short
	Memory      int `json:"memory,omitempty"`      // MiB, the hard limit
	Reservation int `json:"reservation,omitempty"` // MiB, the soft limit

	Task *driver.TaskLimits `json:"task,omitempty"` // of all containers of its task together, nil for none
}

// Bounds say which resources a keeper can bound.
type Bounds struct {
	CPU    bool `json:"cpu,omitempty"`
	Quota  bool `json:"quota,omitempty"`  // of processor time, for tasks
	Memory bool `json:"memory,omitempty"` // else it looks at the size of processes now and then, and ends what is above its limit
}

// controls are the control groups that bound resources: of version 2 those that the keeper makes for every container, of version 1
// groups of their own below the directories named here, "" where there are none.
type controls struct {
	memory2, cpu2 bool
	memory1, cpu1 string
	quota         bool // the groups that bound processors take a quota as well
}

func (c controls) bounds() Bounds {
	return Bounds{CPU: c.cpu2 || c.cpu1 != "", Quota: c.quota, Memory: c.memory2 || c.memory1 != ""}
}

const mebibyte = 1 << 20

// bind bounds a container that is about to start, as far as may be, by groups in its nest: unified is its group of version 2, "" if it
// has none. groups are those that its processes have to begin in besides, bound says whether its hard limit of memory is seen to.
func (c controls) bind(in nest, unified, name string, r Resources) (groups []string, bound bool) {
	bound = r.Memory == 0
	if unified != "" && c.memory2 && cgroup.Set(unified, cgroup.Memory(2, r.Memory, r.Reservation)) == nil {
		bound = true
	}
	if unified != "" && c.cpu2 {
		_ = cgroup.Set(unified, cgroup.Share(2, r.CPU)) // a share, not a limit: it can do without
	}
	for _, g := range []struct {
		base  string
		tasks bool // it is the group of a task, which binds all that begin in it
		all   []cgroup.Setting
	}{
		{in.memory1, in.memory1 != c.memory1, cgroup.Memory(1, r.Memory, r.Reservation)},
		{in.cpu1, in.cpu1 != c.cpu1, cgroup.Share(1, r.CPU)},
	} {
		if g.base == "" || len(g.all) == 0 && !g.tasks {
			continue
		}
		dir := filepath.Join(g.base, name)
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		if cgroup.Set(dir, g.all) != nil {
			leaveCgroup(dir)
			continue
		}
		groups = append(groups, dir)
		bound = bound || g.base == in.memory1
	}
	return groups, bound
}

// leaveGroups deletes the groups of a container of which nothing is left.
func leaveGroups(unified string, others []string) {
	leaveCgroup(unified)
	for _, dir := range others {
		leaveCgroup(dir)
	}
}

// oomKilled says whether the kernel ended a process of any of these groups because the memory was used up (cgroup-v2, memory.events;
// cgroup-v1/memory, memory.oom_control).
func oomKilled(groups []string) bool {
	for _, dir := range groups {
		for _, file := range []string{"memory.events", "memory.oom_control"} {
			if b, err := os.ReadFile(filepath.Join(dir, file)); err == nil && numbersOf(b)["oom_kill"] > 0 {
				return true
			}
		}
	}
	return false
}

// numbersOf reads lines of a name and a number, as control groups have them.
func numbersOf(b []byte) map[string]uint64 {
	all := map[string]uint64{}
	for line := range bytes.Lines(b) {
		f := bytes.Fields(line)
		if len(f) < 2 {
			continue
		}
		if value, err := strconv.ParseUint(string(f[1]), 10, 64); err == nil {
			all[string(f[0])] = value
		}
	}
	return all
}

// outOfMemory is why a container ended that used more memory than it may (amazon-ecs-agent, OutOfMemoryError).
const outOfMemory = "OutOfMemoryError: Container killed due to memory usage"
