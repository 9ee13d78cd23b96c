package keeper

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
)

// Resources are what a container may use. 0 is no bound.
type Resources struct {
	CPU         int `json:"cpu,omitempty"`         // units, of which a core has 1,024: a share, where processors are short
	Memory      int `json:"memory,omitempty"`      // MiB, the hard limit
	Reservation int `json:"reservation,omitempty"` // MiB, the soft limit
}

// Bounds say which resources a keeper can bound.
type Bounds struct {
	CPU    bool `json:"cpu,omitempty"`
	Memory bool `json:"memory,omitempty"` // else it looks at the size of processes now and then, and ends what is above its limit
}

// controls are the control groups that bound resources: of version 2 those that the keeper makes for every container, of version 1
// groups of their own below the directories named here, "" where there are none.
type controls struct {
	memory2, cpu2 bool
	memory1, cpu1 string
}

func (c controls) bounds() Bounds {
	return Bounds{CPU: c.cpu2 || c.cpu1 != "", Memory: c.memory2 || c.memory1 != ""}
}

// setting is a file of a control group and what is written to it.
type setting struct{ file, value string }

// Bounds of CPU shares: those that Linux takes (cgroup-v1/cpuacct, sched_group_set_shares), and the weights that stand for them in
// version 2 (cgroup-v2, cpu.weight).
const (
	minShares, maxShares = 2, 262144
	minWeight, maxWeight = 1, 10000
)

const mebibyte = 1 << 20

func sharesOf(units int) int { return min(max(units, minShares), maxShares) }

// weightOf spreads shares over weights as container runtimes do (runc, ConvertCPUSharesToCgroupV2Value).
func weightOf(units int) int {
	return minWeight + (sharesOf(units)-minShares)*(maxWeight-minWeight)/(maxShares-minShares)
}

// memorySettings and cpuSettings bound a group of a version of control groups.
func memorySettings(version int, r Resources) (all []setting) {
	limit, reservation := "memory.limit_in_bytes", "memory.soft_limit_in_bytes"
	if version == 2 {
		limit, reservation = "memory.max", "memory.low"
	}
	if r.Memory > 0 {
		all = append(all, setting{limit, strconv.Itoa(r.Memory * mebibyte)})
	}
	if r.Reservation > 0 {
		all = append(all, setting{reservation, strconv.Itoa(r.Reservation * mebibyte)})
	}
	return all
}

func cpuSettings(version int, r Resources) []setting {
	switch {
	case r.CPU == 0:
		return nil
	case version == 2:
		return []setting{{"cpu.weight", strconv.Itoa(weightOf(r.CPU))}}
	}
	return []setting{{"cpu.shares", strconv.Itoa(sharesOf(r.CPU))}}
}

// set writes settings to a group that is there.
func set(dir string, all []setting) error {
	for _, s := range all {
		if err := os.WriteFile(filepath.Join(dir, s.file), []byte(s.value), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// bind bounds a container that is about to start, as far as may be: unified is its group of version 2, "" if it has none. groups are
// those that its processes have to begin in besides, bound says whether its hard limit of memory is seen to.
func (c controls) bind(unified, name string, r Resources) (groups []string, bound bool) {
	bound = r.Memory == 0
	if unified != "" && c.memory2 && set(unified, memorySettings(2, r)) == nil {
		bound = true
	}
	if unified != "" && c.cpu2 {
		_ = set(unified, cpuSettings(2, r)) // a share, not a limit: it can do without
	}
	for _, g := range []struct {
		base string
		all  []setting
	}{{c.memory1, memorySettings(1, r)}, {c.cpu1, cpuSettings(1, r)}} {
		if g.base == "" || len(g.all) == 0 {
			continue
		}
		dir := filepath.Join(g.base, name)
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		if set(dir, g.all) != nil {
			leaveCgroup(dir)
			continue
		}
		groups = append(groups, dir)
		bound = bound || g.base == c.memory1
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
