package sim

import (
	"slices"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/scheduler"
)

// healthy says whether a task counts as healthy: by all of its checks, or, where there are none, after it has run for long enough.
func (c *checker) healthy(t *ecs.Task, after time.Duration) bool {
	targets := c.targets(t)
	switch {
	case t.StartedAt == 0 || c.unhealthy(t) || slices.Contains(targets, scheduler.SourceWaiting):
		return false
	case t.Definition.Checked():
		return t.Health == ecs.HealthHealthy
	case slices.Contains(targets, scheduler.SourceHealthy):
		return true
	}
	return t.StartedAt.Add(after) <= c.now || c.proven[t.ID]
}

// targets is what target groups have said of a task.
func (c *checker) targets(t *ecs.Task) []scheduler.Source {
	if c.w.balancer == nil {
		return nil
	}
	return c.w.balancer.sources(t, c.root.Service(t.Cluster, t.Service))
}

// unhealthy says whether a task fails any of its checks.
func (c *checker) unhealthy(t *ecs.Task) bool {
	return t.Health == ecs.HealthUnhealthy || slices.Contains(c.targets(t), scheduler.SourceUnhealthy)
}

// checkWindows holds the changes of a batch against design property 2: starts lead to no more than floor(desired x maximumPercent)
// tasks, and stops of healthy tasks leave no fewer than ceil(desired x minimumHealthyPercent) of them. A service is decided after
// all else that came with the batch, so that what counts is how things are at its end. Stops that users ask for, crashes and
// lost hosts are none of the scheduler's; a deleted service has no window.
func (c *checker) checkWindows() {
	c.each(func(s *ecs.Service) {
		if s.Status != ecs.ServiceActive {
			return
		}
		after := c.policyOf(s).HealthyAfter
		healthyBy := func(t *ecs.Task) bool { return c.healthy(t, after) }
		started, stopped := 0, 0
		for _, ch := range c.changes {
			t := ch.now
			if t == nil || t.Cluster != s.Cluster || t.ServiceSeq != s.Seq || t.Service == "" {
				continue
			}
			if ch.old == nil {
				started++
			}
			if t.StopCode == ecs.ServiceSchedulerInitiated && (ch.old == nil || ch.old.StopCode == ecs.StopNone) && healthyBy(t) {
				stopped++
			}
		}
		all, healthy := 0, 0
		for _, t := range c.of(s) {
			all++
			if t.LastStatus == ecs.StatusRunning && t.DesiredStatus == ecs.StatusRunning && healthyBy(t.Task) {
				healthy++
			}
		}
		if most := s.Desired * s.MaximumPercent / 100; started > 0 && all > most {
			c.w.fail("starts keep maximumPercent", "service %s: %d tasks after %d starts, at most %d%% of %d", s.Name, all, started,
				s.MaximumPercent, s.Desired)
		}
		if fewest := (s.Desired*s.MinimumHealthyPercent + 99) / 100; stopped > 0 && healthy < fewest {
			c.w.fail("stops keep minimumHealthyPercent", "service %s: %d healthy tasks after %d stops, at least %d%% of %d", s.Name,
				healthy, stopped, s.MinimumHealthyPercent, s.Desired)
		}
	})
}
