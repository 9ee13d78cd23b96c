package sim

import (
	"ballast/internal/ecs"
	"ballast/internal/scheduler/policy"
)

// checkOlder holds the desired counts of older deployments against their tasks under the rules of 2023, which replace nothing of an older
// deployment: they never grow, and are the tasks that are left.
func (c *checker) checkOlder(s *ecs.Service, m *memory) {
	own := c.policyOf(s).OldTasks == policy.ByOwnRevision
	for i := 1; i < len(s.Deployments); i++ {
		d := &s.Deployments[i]
		left := 0
		for _, t := range c.of(s) {
			if t.Deployment == d.ID && t.DesiredStatus == ecs.StatusRunning {
				left++
			}
		}
		was := find(m.record, d.ID)
		if was != nil && was.ID != m.record.Deployments[0].ID && was.Desired < d.Desired && !own && !m.loaded {
			c.w.fail("older deployments do not grow", "%s of %s was to have %d tasks, and is to have %d", d.ID, s.Name, was.Desired, d.Desired)
		}
		if !own && left != d.Desired && s.Status == ecs.ServiceActive && !c.halted {
			c.w.fail("older deployments want what is left of them", "%s of %s is to have %d tasks and has %d", d.ID, s.Name, d.Desired, left)
		}
	}
}

// checkSteady sees that a service that is called steady has what it should have.
func (c *checker) checkSteady(s *ecs.Service) {
	if !s.Steady || s.Status != ecs.ServiceActive || c.halted {
		return
	}
	after, healthy, tasks := c.policyOf(s).HealthyAfter, 0, c.of(s)
	for _, t := range tasks {
		if t.Deployment == s.Deployments[0].ID && t.DesiredStatus == ecs.StatusRunning && t.LastStatus == ecs.StatusRunning &&
			c.healthy(t.Task, after) {
			healthy++
		}
	}
	if len(s.Deployments) != 1 || s.Deployments[0].Rollout != ecs.RolloutCompleted || healthy != s.Desired || len(tasks) != healthy {
		c.w.fail("a steady service has what it should have", "service %s has %d tasks, %d of them healthy, of %d; deployments %+v", s.Name,
			len(tasks), healthy, s.Desired, s.Deployments)
	}
}

// checkKept sees that no more unhealthy tasks are kept to be looked into than the service asks for.
func (c *checker) checkKept(s *ecs.Service) {
	most, kept := c.policyOf(s).DebugKeep, 0
	if s.Desired == 0 || s.Status != ecs.ServiceActive {
		most = 0
	}
	for _, t := range c.live {
		if t.Kept && t.Cluster == s.Cluster && t.ServiceSeq == s.Seq && t.DesiredStatus == ecs.StatusRunning {
			kept++
		}
	}
	if kept > most && !c.halted {
		c.w.fail("no more tasks are kept than asked for", "service %s keeps %d tasks, at most %d", s.Name, kept, most)
	}
}

// checkProtection sees that protection ends when it is over.
func (c *checker) checkProtection() {
	for _, t := range c.live {
		if until := t.ProtectedUntil; until != 0 && c.now.Sub(until) > c.slack() {
			c.w.fail("protection ends", "%s was protected until %d, it is %d", describe(t.Task), until, c.now)
		}
	}
}

// checkUnhealthyStops sees that unhealthy tasks run on until their replacements are healthy, or else end one by one ("A deep dive into
// Amazon ECS task health and task replacement"). During rollouts other rules hold, and did before 2023.
func (c *checker) checkUnhealthyStops(s *ecs.Service, m *memory) {
	p := c.policyOf(s)
	if p.Unhealthy != policy.ReplacementFirst || s.Status != ecs.ServiceActive || len(s.Deployments) > 1 || len(m.record.Deployments) > 1 {
		return
	}
	stopped, running := 0, 0
	for _, ch := range c.changes {
		if t := ch.now; t != nil && t.Cluster == s.Cluster && t.ServiceSeq == s.Seq && t.Service != "" && !t.Kept &&
			forHealth(t) && (ch.old == nil || ch.old.StopCode == ecs.StopNone) {
			stopped++
		}
	}
	for _, t := range c.of(s) {
		if t.LastStatus == ecs.StatusRunning && t.DesiredStatus == ecs.StatusRunning &&
			(c.unhealthy(t.Task) || c.healthy(t.Task, p.HealthyAfter)) {
			running++
		}
	}
	if stopped > 1 && running < s.Desired {
		c.w.fail("unhealthy tasks run on until they are replaced", "service %s stopped %d of them and has %d tasks of %d", s.Name, stopped,
			running, s.Desired)
	}
}
