package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"ballast/internal/cgroup"
	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// Containers of a task that has limits of its own are in a control group of the task, which the engine is told as their parent, as the
// agent of ECS does (amazon-ecs-agent, taskresource/cgroup). It is made before the first of them and goes when the task is over.

// maker is who makes the control groups of an engine's containers.
type maker string

// What engines call them (Info, CgroupDriver).
const (
	byFiles   maker = "cgroupfs"
	bySystemd maker = "systemd"
)

// groups are the control groups of the tasks of an instance.
type groups struct {
	instance ecs.ID
	maker    maker
	version  int               // of control groups: 1 or 2
	tops     map[string]string // the topmost groups that bound "memory" and "cpu", one and the same in version 2
	all      []string          // those of all hierarchies
	systemd  systemd

	mu     sync.Mutex // guards the following
	why    string     // no task can be bounded; "" if they can
	limits map[ecs.ID]driver.TaskLimits
}

// removeTries and removePause bound the wait until an engine has let go of the groups of containers that have ended.
const (
	removeTries = 40
	removePause = 50 * time.Millisecond
)

// ownSlice is the directory of what systemd makes for us: it reads hyphens in names of slices as levels (systemd.slice(5)).
const ownSlice = "ballast.slice"

// prefix begins the names of the groups of this instance: another one on the same machine leaves them alone.
func (g *groups) prefix() string { return "ballast-" + g.instance.String()[:12] }

// parent is what the engine is told of a task's group.
func (g *groups) parent(task ecs.ID) string {
	if g.maker == bySystemd {
		return g.prefix() + task.String() + ".slice"
	}
	return "/" + g.prefix() + task.String()
}

// base is the directory of the groups of tasks below a topmost group.
func (g *groups) base(top string) string {
	if g.maker == bySystemd {
		return filepath.Join(top, ownSlice)
	}
	return top
}

// dir is the directory of a task's group below a topmost group.
func (g *groups) dir(top string, task ecs.ID) string {
	return filepath.Join(g.base(top), g.parent(task))
}

// settings are what a group is bounded by in the hierarchies of version 1, or in that of version 2.
func settings(version int, limits driver.TaskLimits) (memory, cpu []cgroup.Setting) {
	memory = cgroup.Memory(version, limits.Memory, 0)
	if version == 1 && limits.Memory > 0 {
		memory = append(cgroup.Hierarchy(), memory...)
	}
	return memory, append(cgroup.Share(version, limits.Share), cgroup.Quota(version, limits.CPU)...)
}

// make makes and bounds the group of a task and gives what to tell the engine. A group that is there is bounded again; systemd's stays as
// it is. parent is "" where none can be made at all, which people have been told.
func (g *groups) make(ctx context.Context, task ecs.ID, limits driver.TaskLimits) (parent string, err error) {
	g.mu.Lock()
	why := g.why
	if why == "" {
		g.limits[task] = limits // even if it fails halfway, there is something to remove
	}
	g.mu.Unlock()
	switch {
	case why != "":
		return "", nil
	case g.maker == byFiles:
		err = g.makeFiles(task, limits)
	default:
		if _, statErr := os.Stat(g.dir(g.tops["memory"], task)); statErr != nil {
			err = g.systemd.start(ctx, g.parent(task), g.version, limits)
		}
	}
	if err != nil {
		return "", fmt.Errorf("make the control group of task %v: %w", task, err)
	}
	return g.parent(task), nil
}

// makeFiles makes a group where an engine makes those of containers by itself.
func (g *groups) makeFiles(task ecs.ID, limits driver.TaskLimits) error {
	memory, cpu := settings(g.version, limits)
	for _, c := range []struct {
		controller string
		all        []cgroup.Setting
	}{{"memory", memory}, {"cpu", cpu}} {
		top := g.tops[c.controller]
		if g.version == 2 {
			if err := cgroup.Set(top, cgroup.Delegate(c.controller)); err != nil {
				return err
			}
		}
		if err := os.Mkdir(g.dir(top, task), 0o755); err != nil && !os.IsExist(err) {
			return err
		}
		if err := cgroup.Set(g.dir(top, task), c.all); err != nil {
			return err
		}
	}
	return nil
}

// again makes the group of a task that had one: a machine that was restarted has none, and an engine would make one without bounds.
func (g *groups) again(ctx context.Context, task ecs.ID) error {
	g.mu.Lock()
	limits, known := g.limits[task]
	g.mu.Unlock()
	if !known {
		return nil
	}
	_, err := g.make(ctx, task, limits)
	return err
}

// recall learns of a task that has a group.
func (g *groups) recall(task ecs.ID, limits driver.TaskLimits) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limits[task] = limits
}

// known says whether a task has, or may have, a group.
func (g *groups) known(task ecs.ID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, known := g.limits[task]
	return known
}

// holds says whether an engine has put something into a task's group.
func (g *groups) holds(task ecs.ID) bool {
	entries, _ := os.ReadDir(g.dir(g.tops["memory"], task))
	return slices.ContainsFunc(entries, os.DirEntry.IsDir)
}

// elsewhere is why nothing is bounded by an engine whose control groups turned out to be others than this machine's.
const elsewhere = "the engine's control groups are not those of this machine"

// distrust makes no more groups. first says that this is news.
func (g *groups) distrust() (first bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	first = g.why == ""
	g.why = elsewhere
	return first
}

// unbounded says why no task can be bounded, "" if they can.
func (g *groups) unbounded() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.why
}

// remove deletes the group of a task of which nothing runs, in all hierarchies: in those that do not bound it an engine has made it.
func (g *groups) remove(ctx context.Context, task ecs.ID) error {
	for try := 0; ; try++ {
		var err error
		if g.maker == bySystemd {
			err = g.systemd.stop(ctx, g.parent(task))
		}
		for _, top := range g.all {
			err = errors.Join(err, removeTree(g.dir(top, task)))
		}
		if err == nil {
			break
		}
		select {
		case <-time.After(removePause):
		case <-ctx.Done():
			try = removeTries
		}
		if try >= removeTries {
			return fmt.Errorf("remove the control group of task %v: %w", task, err)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.limits, task)
	return nil
}

// orphans gives the tasks that have groups of this instance.
func (g *groups) orphans() (tasks []ecs.ID) {
	for _, top := range g.all {
		entries, _ := os.ReadDir(g.base(top))
		for _, e := range entries {
			rest, ours := strings.CutPrefix(strings.TrimSuffix(e.Name(), ".slice"), g.prefix())
			if task, err := ecs.ParseID(rest); ours && err == nil && !slices.Contains(tasks, task) {
				tasks = append(tasks, task)
			}
		}
	}
	return tasks
}

// removeTree deletes a group and those in it, or as many of them as no process is in.
func removeTree(dir string) error {
	err := removeGroup(dir)
	if err == nil {
		return nil
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if e.IsDir() {
			_ = removeTree(filepath.Join(dir, e.Name())) // the next line tells
		}
	}
	return removeGroup(dir)
}

func removeGroup(dir string) error {
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
