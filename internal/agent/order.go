package agent

import (
	"fmt"
	"strings"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// Containers start in the order of their dependencies and stop in the reverse (developer guide, Container dependency). A
// container waits before its image is pulled; when what it waits for can no longer come, it fails.

// codeNeverRan is the exit code of a container that failed with what it depended on (amazon-ecs-agent gives that of SIGTERM).
const codeNeverRan = 143

// edge is a dependency of a container.
type edge struct {
	on        *container
	condition ecs.Condition
	created   bool // it is enough that the driver has it
	alarmed   bool // an alarm is set for its deadline
}

// named is a dependency as a definition names it.
type named struct {
	on   string
	edge edge
}

// dependencies are the dependencies of a container, and what else has to be there before it: containers that it is linked with have to
// run, and those whose volumes it has must have been created (amazon-ecs-agent, agent/api/task/task.go,
// initializeContainerOrderingForVolumes and initializeContainerOrderingForLinks).
func dependencies(def *ecs.ContainerDefinition) (all []named) {
	for _, d := range def.DependsOn {
		all = append(all, named{d.Container, edge{condition: d.Condition}})
	}
	for _, v := range def.VolumesFrom {
		all = append(all, named{v.Container, edge{created: true}})
	}
	if def.Isolation != nil {
		for _, link := range def.Isolation.Links {
			name, _, _ := strings.Cut(link, ":")
			all = append(all, named{name, edge{condition: ecs.DependStart}})
		}
	}
	return all
}

// arrange connects the containers of a task whose definitions are known; ok is false when they wait for each other in a circle
// or for one that does not exist, and then none of them waits.
func arrange(containers []*container) (ok bool) {
	byName := map[string]*container{}
	for _, c := range containers {
		if c.def != nil {
			byName[c.def.Name] = c
		}
	}
	ok = true
	for _, c := range containers {
		if c.def == nil {
			continue
		}
		for _, w := range dependencies(c.def) {
			w.edge.on = byName[w.on]
			if w.edge.on == nil {
				ok = false
				continue
			}
			c.needs = append(c.needs, w.edge)
			w.edge.on.neededBy = append(w.edge.on.neededBy, c)
		}
	}
	if ok && !circular(containers) {
		return true
	}
	for _, c := range containers {
		c.needs, c.neededBy = nil, nil
	}
	return false
}

// circular says whether containers need each other: then taking away those that need nothing never comes to an end.
func circular(containers []*container) bool {
	placed := map[*container]bool{}
	for len(placed) < len(containers) {
		before := len(placed)
		for _, c := range containers {
			free := true
			for _, e := range c.needs {
				free = free && placed[e.on]
			}
			if free {
				placed[c] = true
			}
		}
		if len(placed) == before {
			return true
		}
	}
	return false
}

// wait is what a dependency comes to.
type wait uint8

const (
	waitOver   wait = iota // the container may start
	waitOn                 // not yet
	waitFailed             // never
)

// met says whether a dependency is met at now, and when it is not and never will be, why. The texts are those of amazon-ecs-agent
// (agent/engine/dependencygraph/graph.go), which show the names only.
func (e edge) met(target string, now ecs.Time) (wait, string) {
	on := e.on
	ran, over := on.started.At != 0, on.phase == stopped
	failed := func(why string) (wait, string) {
		return waitFailed, fmt.Sprintf("dependency graph: failed to resolve container ordering dependency [%s] for target [%s] %s",
			on.key.Container, target, why)
	}
	switch {
	case e.condition == ecs.DependSuccess && !e.created && over:
		if on.exitCode != nil && *on.exitCode == 0 {
			return waitOver, ""
		}
		return failed("as dependency did not exit successfully.")
	case over && !ran:
		return failed("because dependency will never start")
	case e.created:
		if on.phase >= created {
			return waitOver, ""
		}
	case e.condition == ecs.DependStart && ran:
		return waitOver, ""
	case e.condition == ecs.DependComplete && over:
		return waitOver, ""
	case e.condition == ecs.DependHealthy && over:
		return failed("as the dependency ended before it was healthy.")
	case e.condition == ecs.DependHealthy && on.check.verdict == ecs.HealthHealthy:
		return waitOver, ""
	case e.deadline() != 0 && now >= e.deadline():
		return waitFailed, fmt.Sprintf("dependency graph: container ordering dependency [%s] for target [%s] has timed out.",
			on.key.Container, target)
	}
	return waitOn, ""
}

// deadline is when a wait is given up; 0 = not known, or never.
func (e edge) deadline() ecs.Time {
	if e.condition == ecs.DependStart || e.on.started.At == 0 || e.on.def.StartTimeout <= 0 {
		return 0
	}
	return e.on.started.At.Add(e.on.def.StartTimeout)
}

// awaits says whether a container that is to start has to wait for others. If that is in vain, it is over.
func (m *Machine) awaits(t *task, c *container) bool {
	waiting := false
	for i := range c.needs {
		e := &c.needs[i]
		switch w, why := e.met(c.key.Container, m.now); w {
		case waitFailed:
			c.reason = driver.CannotStartContainerError + ": " + why
			code := int32(codeNeverRan)
			m.containerStopped(t, c, driver.Exit{At: m.now, Code: &code})
			return true
		case waitOn:
			waiting = true
			if at := e.deadline(); at != 0 && !e.alarmed {
				e.alarmed = true
				m.alarms.Add(at, t)
			}
		}
	}
	return waiting
}

// leads says whether a container has to run on until others, which depend on it, have stopped.
func (c *container) leads() bool {
	for _, other := range c.neededBy {
		if other.phase != stopped {
			return true
		}
	}
	return false
}
