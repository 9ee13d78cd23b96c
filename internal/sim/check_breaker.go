package sim

import (
	"strings"

	"ballast/internal/ecs"
	"ballast/internal/scheduler"
)

const breaks = "the circuit breaker fails deployments whose tasks fail, and no others"

// trial is what has become of the tasks of a deployment.
type trial struct {
	unstarted int  // ended before they were RUNNING
	others    int  // failed health checks, or exited
	ran       bool // one came to RUNNING
	refused   bool // placement has refused a task
}

// try counts the tasks of a service's deployments that fail.
func (c *checker) try(s *ecs.Service, m *memory) {
	for _, ch := range c.changes {
		t := ch.now
		if o := ch.old; t == nil && o != nil && o.ServiceSeq == s.Seq && o.Cluster == s.Cluster && o.StopCode == ecs.StopNone {
			m.trial(o.Deployment).others++ // it has ended and been forgotten in one batch, so that how it ended is not to be seen
		}
		if t == nil || t.Cluster != s.Cluster || t.ServiceSeq != s.Seq || t.Service == "" {
			continue
		}
		tr := m.trial(t.Deployment)
		tr.ran = tr.ran || t.StartedAt != 0
		old := ch.old
		if old == nil {
			old = &ecs.Task{}
		}
		switch ended := old.StopCode == ecs.StopNone && t.StopCode != ecs.StopNone; {
		case t.Kept != old.Kept:
			tr.others++
		case ended && t.StartedAt == 0 && t.StopCode == ecs.TaskFailedToStart:
			tr.unstarted++
		case ended && (t.StopCode == ecs.EssentialContainerExited || t.Health == ecs.HealthUnhealthy || forHealth(t)):
			tr.others++
		}
	}
	known := m.throttle.failed
	if s.Deployments[0].ID != m.record.Deployments[0].ID {
		known = 0
	}
	if s.Throttle.Failed > known {
		m.trial(s.Deployments[0].ID).refused = true // which is a wave, too
	}
}

func (m *memory) trial(id ecs.DeploymentID) *trial {
	if m.trials[id] == nil {
		m.trials[id] = &trial{}
	}
	return m.trials[id]
}

// checkBreaker holds the deployments of a service against its circuit breaker.
func (c *checker) checkBreaker(s *ecs.Service, m *memory) {
	c.try(s, m)
	c.checkBack(s, m)
	newest := &s.Deployments[0]
	tr := m.trial(newest.ID)
	threshold := scheduler.Threshold(s.Breaker, s.Desired)
	switch {
	case newest.FailedTasks > tr.unstarted+tr.others && !tr.refused:
		c.w.fail(breaks, "%s of %s counts %d failed tasks, there were %+v", newest.ID, s.Name, newest.FailedTasks, *tr)
	case s.Breaker.Enabled && newest.Rollout == ecs.RolloutInProgress && !tr.ran && tr.unstarted >= threshold:
		c.w.fail(breaks, "%s of %s goes on after %+v, threshold %d", newest.ID, s.Name, *tr, threshold)
	}
	for i := range s.Deployments {
		if d := &s.Deployments[i]; d.Rollout == ecs.RolloutFailed && m.rollouts[d.ID] == ecs.RolloutInProgress {
			c.checkFailed(s, m, i)
		}
	}
	for _, ch := range c.changes {
		if t := ch.now; ch.old == nil && t != nil && t.Cluster == s.Cluster && t.ServiceSeq == s.Seq && t.Service != "" &&
			m.rollouts[t.Deployment] == ecs.RolloutFailed {
			c.w.fail("failed deployments start nothing", "%s of %s started %s", t.Deployment, s.Name, describe(t))
		}
	}
}

// checkFailed looks at a deployment that has just failed: enough tasks did, and the service goes back if it is to.
func (c *checker) checkFailed(s *ecs.Service, m *memory, i int) {
	d := &s.Deployments[i]
	if strings.Contains(d.RolloutReason, "circuit breaker") && (!s.Breaker.Enabled || d.FailedTasks < scheduler.Threshold(s.Breaker, s.Desired)) {
		c.w.fail(breaks, "%s of %s has failed with %d failed tasks of %d, breaker %+v", d.ID, s.Name, d.FailedTasks, s.Desired, s.Breaker)
	}
	if i == 0 && s.Breaker.Rollback && m.record.LastCompleted != nil && s.LastCompleted != nil {
		c.w.fail("a service goes back to what was completed", "service %s stays with %s, was complete with %s", s.Name,
			s.Definition.Name(), s.LastCompleted.Definition.Name())
	}
}

// checkBack looks at a deployment that goes back to the last completed one, which users need not have asked for.
func (c *checker) checkBack(s *ecs.Service, m *memory) {
	c.p.ledger.rolledBack(s)
	back := &s.Deployments[0]
	if back.ID == m.record.Deployments[0].ID || !strings.Contains(back.RolloutReason, "rolling back") {
		return
	}
	completed := m.record.LastCompleted
	if s.LastCompleted != nil || completed != nil && s.Definition.Name() != completed.Definition.Name() {
		c.w.fail("a service goes back to what was completed", "service %s has %s, was complete with %+v", s.Name, s.Definition.Name(),
			completed)
	}
}
