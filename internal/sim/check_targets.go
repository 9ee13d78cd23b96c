package sim

import (
	"fmt"
	"slices"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/lb/health"
)

const (
	routesTo    = "requests go to registered targets, and to healthy ones where there are some"
	recounted   = "targets are as healthy as their checks found"
	drainsFirst = "targets are drained before their tasks are stopped"
	drainingEnd = "draining ends"
)

// checkTargets holds the load balancer and what control makes of its news against the targets of a batch.
func (c *checker) checkTargets() {
	b := c.w.balancer
	if b == nil {
		return
	}
	for i := range b.groups {
		c.checkRouting(&b.groups[i])
	}
	for _, x := range b.targets {
		c.checkResults(x)
	}
	for _, ch := range c.changes {
		c.checkDrained(ch)
	}
	for _, t := range c.live {
		c.checkDraining(t.Task)
	}
	clear(c.attached)
	for _, t := range c.live {
		if c.isTarget(t.Task) {
			c.attached[t.ID] = true
		}
	}
}

// isTarget says whether control knows a task as a target of a target group, or as one that is being drained.
func (c *checker) isTarget(t *ecs.Task) bool { return len(c.holding(t)) > 0 }

// holding gives the target groups by which a task is not drained yet, as far as control knows. Service registries drain nothing.
func (c *checker) holding(t *ecs.Task) (all []*health.Group) {
	s := c.root.Service(t.Cluster, t.Service)
	if s == nil || s.Seq != t.ServiceSeq {
		return nil
	}
	for _, lb := range s.LoadBalancers {
		told, known := c.w.balancer.told[targetKey{t.ID, lb.TargetGroup}]
		if known && (told.Registered() || told.State() == health.Draining) {
			all = append(all, c.w.balancer.group(lb.TargetGroup))
		}
	}
	return all
}

// checkRouting sees that no target gets requests that has been deregistered, nor an unhealthy one beside healthy ones.
func (c *checker) checkRouting(g *health.Group) {
	var all []*target
	var healths []health.Target
	healthy := 0
	for _, x := range c.w.balancer.targets {
		if x.group == g {
			all, healths = append(all, x), append(healths, x.health)
			if x.health.State() == health.Healthy {
				healthy++
			}
		}
	}
	routed := health.Routable(healths, health.Minimum{}, nil)
	for _, i := range routed {
		if x := all[i]; x.drains != 0 || healthy > 0 && x.health.State() != health.Healthy {
			c.w.fail(routesTo, "%s is %s beside %d healthy ones", describe(x.task), x.health.State(), healthy)
		}
	}
	if healthy > 0 && len(routed) != healthy {
		c.w.fail(routesTo, "%d of %d healthy ones get some", len(routed), healthy)
	}
}

// checkResults counts the last results of a target's checks anew.
func (c *checker) checkResults(x *target) {
	passes, fails, worst := 0, 0, 0 // in a row: at last, and at worst
	for _, r := range x.results {
		if r == health.Passed {
			passes, fails = passes+1, 0
		} else {
			passes, fails = 0, fails+1
		}
		worst = max(worst, fails)
	}
	wrong := false
	switch x.health.State() {
	case health.Initial:
		wrong = passes > 0 || fails >= x.group.Limits.Unhealthy
	case health.Healthy:
		wrong = len(x.results) == 0 || fails >= x.group.Limits.Unhealthy
	case health.Unhealthy:
		wrong = passes >= x.group.Limits.Healthy || len(x.results) < keptResults && worst < x.group.Limits.Unhealthy
	}
	if wrong {
		c.w.fail(recounted, "%s is %s after %v", describe(x.task), x.health.State(), x.results)
	}
}

// checkDrained sees that a task that is told to stop is no target any more, as far as control knows: but one whose draining has taken too
// long. Containers that end by themselves wait for nobody, nor does StopTask, as in ECS (aws/containers-roadmap#576).
func (c *checker) checkDrained(ch change) {
	old, t := ch.old, ch.now
	if old != nil && t != nil && old.LastStatus == ecs.StatusDeactivating {
		c.checkInTime(t)
	}
	if old == nil || t == nil || c.halted || t.LastStatus != ecs.StatusStopping || !c.isTarget(t) || essentialEnded(t) {
		return
	}
	switch {
	case old.LastStatus == ecs.StatusRunning && c.attached[t.ID] && t.StopCode == ecs.ServiceSchedulerInitiated,
		old.LastStatus == ecs.StatusDeactivating && c.now.Sub(t.StoppingAt) < c.drains(t):
		c.w.fail(drainsFirst, "%s was %s, told to stop at %d, and is a target at %d", describe(t), old.LastStatus, t.StoppingAt, c.now)
	}
}

// essentialEnded says that a task goes down because an essential container of it has ended.
func essentialEnded(t *ecs.Task) bool {
	for i := range t.Containers {
		if t.Definition.Containers[i].Essential && t.Containers[i].Status == ecs.StatusStopped {
			return true
		}
	}
	return false
}

// drainSlack is for how long control waits for a load balancer that should have said that a task is drained.
const drainSlack = time.Minute

// drains is for how long at least control waits for a task to be drained.
func (c *checker) drains(t *ecs.Task) time.Duration {
	longest := time.Duration(0)
	for _, g := range c.holding(t) {
		longest = max(longest, g.Delay)
	}
	return longest + drainSlack
}

// checkDraining sees that a task goes on to stop when no load balancer that control knows of holds it any more, and that neither a load
// balancer nor the lack of one keeps it for good.
func (c *checker) checkDraining(t *ecs.Task) {
	if t.LastStatus != ecs.StatusDeactivating {
		return
	}
	if c.attached[t.ID] && !c.isTarget(t) {
		c.w.fail(drainingEnd, "%s is no target any more", describe(t))
	}
	c.checkInTime(t)
}

// checkInTime sees that a task that is drained, or was until now, is not kept for too long.
func (c *checker) checkInTime(t *ecs.Task) {
	longest := c.drains(t)
	if !c.isTarget(t) {
		longest = health.DefaultDelay + drainSlack
	}
	if since := max(t.StoppingAt, c.loadedAt); c.now.Sub(since) > longest+2*c.w.balancer.slowest+c.slack() {
		c.w.fail(drainingEnd, "%s since %d, it is %d", describe(t), since, c.now)
	}
}

// astray lists what the load balancer and control have not agreed on when all is at rest: every task of a service with target groups is a
// healthy target of each that gets requests, and there are no other targets.
func (c *checker) astray() (out []string) {
	b := c.w.balancer
	if b == nil {
		return nil
	}
	for _, t := range c.live {
		s := c.root.Service(t.Cluster, t.Service)
		if s == nil || t.LastStatus != ecs.StatusRunning || t.Kept || isBadFor(s, t.Definition) || comesAndGoes(t.Definition) {
			continue
		}
		for i := range s.LoadBalancers {
			if x := b.find(t.ID, s.LoadBalancers[i].TargetGroup); x == nil || x.health.State() != health.Healthy {
				out = append(out, describe(t.Task)+" is no healthy target")
			}
		}
	}
	for _, x := range b.targets {
		if late := x.drains != 0 && c.w.now > x.drains+ecs.Time(calmStep.Milliseconds()); late ||
			x.health.Registered() && !slices.ContainsFunc(c.live, func(t resident) bool { return t.ID == x.task.ID }) {
			out = append(out, fmt.Sprintf("%s is a target still, %s", describe(x.task), x.health.State()))
		}
	}
	return out
}
