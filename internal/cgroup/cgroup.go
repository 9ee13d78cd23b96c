// Package cgroup is the words of Linux control groups, of both versions: where the groups of a process are, and which files of a group
// bound memory and processors by how much. It makes no groups and knows no containers.
//
// Start reading at Own, then Memory, Share and Quota.
package cgroup

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Own gives the directory of this process's control group, of a controller of version 1 or, for "", of version 2, and that of the
// topmost group; "" where there is none.
func Own(controller string) (own, top string) {
	mine, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", ""
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return "", ""
	}
	return find(controller, string(mine), string(mounts))
}

// Mounts gives the directories of the topmost groups of all hierarchies, in the order in which they are mounted.
func Mounts() []string {
	b, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil
	}
	return mounts(string(b))
}

func mounts(text string) (all []string) {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 2 && (f[2] == "cgroup" || f[2] == "cgroup2") {
			all = append(all, f[1])
		}
	}
	return all
}

// find reads /proc/self/cgroup and /proc/self/mounts (cgroups(7)).
func find(controller, mine, mounts string) (own, top string) {
	for line := range strings.Lines(mounts) {
		f := strings.Fields(line)
		if len(f) > 3 && (controller == "" && f[2] == "cgroup2" ||
			controller != "" && f[2] == "cgroup" && slices.Contains(strings.Split(f[3], ","), controller)) {
			top = f[1]
			break
		}
	}
	for line := range strings.Lines(mine) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if top != "" && len(f) == 3 && slices.Contains(strings.Split(f[1], ","), controller) {
			return filepath.Join(top, f[2]), top
		}
	}
	return "", ""
}

// Setting is a file of a control group and what is written to it.
type Setting struct{ File, Value string }

// Set writes settings to a group that is there.
func Set(dir string, all []Setting) error {
	for _, s := range all {
		if err := os.WriteFile(filepath.Join(dir, s.File), []byte(s.Value), 0o644); err != nil {
			return err
		}
	}
	return nil
}

const mebibyte = 1 << 20

// Memory gives a group a hard limit and a soft one, in MiB, 0 for none. version is 1 or 2.
func Memory(version, limit, reservation int) (all []Setting) {
	hard, soft := "memory.limit_in_bytes", "memory.soft_limit_in_bytes"
	if version == 2 {
		hard, soft = "memory.max", "memory.low"
	}
	if limit > 0 {
		all = append(all, Setting{hard, strconv.Itoa(limit * mebibyte)})
	}
	if reservation > 0 {
		all = append(all, Setting{soft, strconv.Itoa(reservation * mebibyte)})
	}
	return all
}

// Bounds of CPU shares: those that Linux takes (cgroup-v1/cpuacct, sched_group_set_shares), and the weights that stand for them in
// version 2 (cgroup-v2, cpu.weight).
const (
	minShares, maxShares = 2, 262144
	minWeight, maxWeight = 1, 10000
)

func sharesOf(units int) int { return min(max(units, minShares), maxShares) }

// weightOf spreads shares over weights as container runtimes do (runc, ConvertCPUSharesToCgroupV2Value).
func weightOf(units int) int {
	return minWeight + (sharesOf(units)-minShares)*(maxWeight-minWeight)/(maxShares-minShares)
}

// Share gives a group its share of processors that are short, in CPU units, of which a core has 1,024; 0 for none.
func Share(version, units int) []Setting {
	switch {
	case units == 0:
		return nil
	case version == 2:
		return []Setting{{"cpu.weight", strconv.Itoa(weightOf(units))}}
	}
	return []Setting{{"cpu.shares", strconv.Itoa(sharesOf(units))}}
}

// Period is the time, in microseconds, in which a group may use up its quota of processor time: the kernel's own choice and that of the
// agent of ECS (amazon-ecs-agent, DefaultTaskCPUPeriod).
const Period = 100_000

// minQuota is the least that the kernel takes (kernel/sched/core.c, min_cfs_quota_period).
const minQuota = 1000

// Quota bounds the processors that a group has, in CPU units, be others busy or not; 0 for none (amazon-ecs-agent,
// buildExplicitLinuxCPUSpec).
func Quota(version, units int) []Setting {
	if units == 0 {
		return nil
	}
	period, quota := strconv.Itoa(Period), strconv.Itoa(max(units*Period/1024, minQuota))
	if version == 2 {
		return []Setting{{"cpu.max", quota + " " + period}}
	}
	return []Setting{{"cpu.cfs_period_us", period}, {"cpu.cfs_quota_us", quota}}
}

// Delegate hands a controller of a group of version 2 on to the groups below it.
func Delegate(controller string) []Setting {
	return []Setting{{"cgroup.subtree_control", "+" + controller}}
}

// Hierarchy has a group of version 1 count the memory of the groups below it, which newer kernels always do.
func Hierarchy() []Setting { return []Setting{{"memory.use_hierarchy", "1"}} }
