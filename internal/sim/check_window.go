package sim

import (
	"time"

	"ballast/internal/ecs"
)

// healthy says whether a task counts as healthy: by its checks, or, where there are none, after it has run for long enough.
func (c *checker) healthy(t *ecs.Task, after time.Duration) bool {
	switch {
	case t.StartedAt == 0 || t.Health == ecs.HealthUnhealthy:
		return false
	case t.Definition.Checked():
		return t.Health == ecs.HealthHealthy
	}
	return t.StartedAt.Add(after) <= c.now || c.proven[t.ID]
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
