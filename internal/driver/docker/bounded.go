package docker

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"

	"ballast/internal/cgroup"
	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// findGroups says whether and how tasks of an instance can be bounded. All is probed by doing.
func (d *Driver) findGroups(ctx context.Context) (*groups, error) {
	limited, cancel := context.WithTimeout(ctx, inspectFor)
	defer cancel()
	result, err := d.engine.Info(limited, client.InfoOptions{})
	if err != nil {
		return nil, fmt.Errorf("ask the engine for its control groups: %w", err)
	}
	g := &groups{instance: d.cfg.Instance, maker: maker(result.Info.CgroupDriver), version: 1, tops: map[string]string{}, all: cgroup.Mounts(),
		limits: map[ecs.ID]driver.TaskLimits{}}
	_, g.tops["memory"] = cgroup.Own("memory")
	_, g.tops["cpu"] = cgroup.Own("cpu")
	if result.Info.CgroupVersion == "2" {
		g.version = 2
		_, g.tops["memory"] = cgroup.Own("")
		g.tops["cpu"] = g.tops["memory"]
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	if g.why = foreign(d.Host(), result.Info, strings.TrimSpace(string(kernel))); g.why == "" {
		g.why = g.probe(limited)
	}
	return g, nil
}

// foreign says why an engine's control groups are not ours to make, as far as that can be told by what it says of itself.
func foreign(host string, info system.Info, kernel string) string {
	switch {
	case !strings.HasPrefix(host, "unix://"):
		return "the engine is not on this machine"
	case info.KernelVersion != kernel:
		return "the engine does not run on this machine's kernel"
	case slices.ContainsFunc(info.SecurityOptions, func(o string) bool { return strings.Contains(o, "name=rootless") }):
		return "the engine does not run as root"
	case maker(info.CgroupDriver) != byFiles && maker(info.CgroupDriver) != bySystemd:
		return fmt.Sprintf("the engine has the cgroup driver %q", info.CgroupDriver)
	}
	return ""
}

// probe says why no group can be made.
func (g *groups) probe(ctx context.Context) string {
	if g.tops["memory"] == "" || g.tops["cpu"] == "" {
		return "there are no control groups of memory and processors"
	}
	if os.Geteuid() != 0 {
		return "only root can make control groups"
	}
	if g.maker == bySystemd {
		if err := g.systemd.answers(ctx); err != nil {
			return fmt.Sprintf("systemd is not to be reached: %v", err)
		}
		return ""
	}
	none := ecs.ID{}
	defer g.remove(ctx, none)
	if err := g.makeFiles(none, driver.TaskLimits{CPU: 1024, Memory: 1024, Share: 1024}); err != nil {
		return err.Error()
	}
	return ""
}

// bound makes the group of a task that has limits, and gives what the engine is to be told of it, "" for nothing. A task whose group
// cannot be made runs without.
func (d *Driver) bound(ctx context.Context, task ecs.ID, limits *driver.TaskLimits) string {
	if limits == nil {
		return ""
	}
	parent, err := d.groups.make(ctx, task, *limits)
	if err != nil {
		slog.Warn("the limits of a task are not enforced", "task", task, "cause", err)
	}
	return parent
}

// check judges, right after a container of a task that has a group was started, where it began: held says whether there was anything in
// the group, running whether the container ran thereafter.
func (d *Driver) check(held, running bool) {
	if !held && running && d.groups.distrust() {
		slog.Warn("the limits of tasks are not enforced", "cause", elsewhere)
	}
}

// unbind removes the group of a task of which nothing runs, if it has one.
func (d *Driver) unbind(ctx context.Context, task ecs.ID) error {
	if !d.groups.known(task) {
		return nil
	}
	return d.groups.remove(ctx, task)
}

// Limits says to people whether the limits of tasks hold. Those of containers are the engine's to enforce.
func (d *Driver) Limits() string {
	if why := d.groups.unbounded(); why != "" {
		return "the limits of tasks are not enforced (" + why + ")"
	}
	return "the limits of tasks are enforced"
}

// limitsLabel is what a label says of a task's limits.
func limitsLabel(l driver.TaskLimits) string {
	return fmt.Sprintf("%d %d %d", l.CPU, l.Memory, l.Share)
}

// parseLimits reads such a label.
func parseLimits(label string) (l driver.TaskLimits, ok bool) {
	numbers := [3]int{}
	fields := strings.Fields(label)
	if len(fields) != len(numbers) {
		return l, false
	}
	for i, f := range fields {
		n, err := strconv.Atoi(f)
		if err != nil || n < 0 {
			return l, false
		}
		numbers[i] = n
	}
	return driver.TaskLimits{CPU: numbers[0], Memory: numbers[1], Share: numbers[2]}, true
}
