package keeper

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"ballast/internal/cgroup"
	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// Containers of a task that has limits of its own have their groups in one of the task, as under the agent of ECS
// (amazon-ecs-agent, taskresource/cgroup). It is made for the first of them and goes with the last.

// nest is where the groups of a container are made: in those of the keeper or in those of its task. "" where there are none.
type nest struct{ unified, memory1, cpu1 string }

// taskPrefix begins the names of the groups of tasks.
const taskPrefix = "task-"

// taskGroup gives the group of a task that a group is in, "" for one that is in none.
func taskGroup(dir string) string {
	if parent := filepath.Dir(dir); strings.HasPrefix(filepath.Base(parent), taskPrefix) {
		return parent
	}
	return ""
}

// outside gives the group that a keeper made its own in, from that of a container.
func outside(dir string) string {
	base := filepath.Dir(dir)
	if taskGroup(dir) != "" {
		base = filepath.Dir(base)
	}
	return filepath.Dir(base)
}

// nest makes the groups of a task, as far as that bounds it, and says where its containers go: unified is the keeper's group of version 2,
// "" for a container that has none. bound says whether the task's limit of memory is seen to. Groups that are there are bounded again.
func (c controls) nest(unified string, task ecs.ID, t *driver.TaskLimits) (in nest, bound bool) {
	in = nest{unified: unified, memory1: c.memory1, cpu1: c.cpu1}
	if t == nil {
		return in, true
	}
	bound = t.Memory == 0
	try := func(base *string, settings []cgroup.Setting) bool {
		dir := filepath.Join(*base, taskPrefix+task.String())
		if err := os.Mkdir(dir, 0o755); err != nil && !os.IsExist(err) {
			return false
		}
		if cgroup.Set(dir, settings) != nil {
			os.Remove(dir) // not if another container is in it
			return false
		}
		*base = dir
		return true
	}
	processors := func(version int) []cgroup.Setting {
		all := cgroup.Share(version, t.Share)
		if c.quota {
			all = append(all, cgroup.Quota(version, t.CPU)...)
		}
		return all
	}
	if unified != "" && (c.memory2 || c.cpu2) {
		var all []cgroup.Setting
		if c.memory2 {
			all = append(cgroup.Memory(2, t.Memory, 0), cgroup.Delegate("memory")...)
		}
		if c.cpu2 {
			all = append(append(all, processors(2)...), cgroup.Delegate("cpu")...)
		}
		bound = try(&in.unified, all) && c.memory2 || bound
	}
	if c.memory1 != "" && t.Memory > 0 {
		bound = try(&in.memory1, append(cgroup.Hierarchy(), cgroup.Memory(1, t.Memory, 0)...)) || bound
	}
	if c.cpu1 != "" && t.CPU > 0 {
		try(&in.cpu1, processors(1))
	}
	return in, bound
}

// admit makes the groups in which a container is about to begin, those of its task first, and notes them in its record, with what no
// group sees to. rec.Cgroup is where it would have its group of version 2 if it were alone, "" for none. The file is to be closed after
// the fork.
func (k *keeper) admit(task ecs.ID, rec *startRecord, attr *syscall.SysProcAttr) (*os.File, error) {
	r, unified := rec.Resources, ""
	if r.Task != nil { // nobody takes the task's group away meanwhile
		k.nesting.Lock()
		defer k.nesting.Unlock()
	}
	if rec.Cgroup != "" {
		unified = k.cgroup
	}
	in, nested := k.controls.nest(unified, task, r.Task)
	if in.unified != "" {
		rec.Cgroup = filepath.Join(in.unified, rec.Token)
	}
	group, err := enterCgroup(rec.Cgroup, attr)
	if err != nil {
		leaveNest(in)
		return nil, fmt.Errorf("%w: %w", errNoGroup, err)
	}
	bound := false
	rec.Groups, bound = k.controls.bind(in, rec.Cgroup, rec.Token, r)
	rec.Polled = !bound
	rec.TaskPolled = !nested || in.memory1 != k.controls.memory1 && !within(in.memory1, rec.Groups)
	leaveNest(in) // where nothing of it was put into them
	return group, nil
}

// within says whether one of these groups is in another.
func within(parent string, groups []string) bool {
	for _, dir := range groups {
		if filepath.Dir(dir) == parent {
			return true
		}
	}
	return false
}

// leaveNest deletes, with nesting held if there are any, the groups of a task that no container is in.
func leaveNest(in nest) {
	for _, dir := range []string{in.unified, in.memory1, in.cpu1} {
		if strings.HasPrefix(filepath.Base(dir), taskPrefix) {
			os.Remove(dir)
		}
	}
}

// depart deletes the groups of a container of which nothing is left, and those of its task if it was the last.
func (k *keeper) depart(unified string, others []string) {
	leaveGroups(unified, others)
	for _, dir := range append([]string{unified}, others...) {
		if group := taskGroup(dir); group != "" {
			k.nesting.Lock()
			os.Remove(group) // not as long as another container is in it
			k.nesting.Unlock()
		}
	}
}

// clearGroups deletes the groups below a keeper's that no container has: an earlier keeper was killed while it made or left them. Nothing
// can be deleted that a process is in.
func clearGroups(base string, kept map[string]bool) {
	entries, _ := os.ReadDir(base) // "" has none
	for _, e := range entries {
		dir := filepath.Join(base, e.Name())
		switch {
		case !e.IsDir() || kept[dir]:
		case strings.HasPrefix(e.Name(), taskPrefix):
			clearGroups(dir, kept)
			os.Remove(dir)
		default:
			leaveCgroup(dir)
		}
	}
}

// clear deletes what groups of containers earlier keepers left behind, but for those that are known.
func (k *keeper) clear(known []saved) {
	kept := map[string]bool{}
	for _, s := range known {
		if s.start == nil || s.exit != nil {
			continue
		}
		for _, dir := range append(s.start.Groups, s.start.Cgroup) {
			kept[dir] = true
		}
	}
	for _, base := range []string{k.cgroup, k.controls.memory1, k.controls.cpu1} {
		if base != "" {
			clearGroups(base, kept)
		}
	}
}
