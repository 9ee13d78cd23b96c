package sim

import (
	"time"

	"ballast/internal/ecs"
	"ballast/internal/scheduler"
)

// memory is what the checks keep of a service from one batch to the next.
type memory struct {
	record   *ecs.Service
	loaded   bool // record is what was loaded: of a commit that was cut short, it may be there without the tasks that it counts
	rollouts map[ecs.DeploymentID]ecs.RolloutState
	starts   []ecs.Time // since the service was last disturbed

	trials          map[ecs.DeploymentID]*trial
	throttle, brake waves
	tags            []ecs.Tag // of the cluster
	newest          uint64    // the newest task
}

// memory gives what is kept of a service.
func (c *checker) memory(s *ecs.Service) *memory {
	key := s.Cluster + "/" + s.Name
	m := c.memories[key]
	if m == nil || m.record.Seq != s.Seq {
		m = &memory{record: s, rollouts: map[ecs.DeploymentID]ecs.RolloutState{}, trials: map[ecs.DeploymentID]*trial{},
			tags: c.clusterTags(s)}
		c.memories[key] = m
	}
	return m
}

// remember takes services as they are when control has been loaded. A commit that was cut short may have left a service's own record
// ahead of those of its tasks.
func (c *checker) remember() {
	c.each(func(s *ecs.Service) {
		m := c.memory(s)
		c.p.ledger.rolledBack(s)
		for _, d := range s.Deployments {
			m.rollouts[d.ID] = d.Rollout
			if was := find(m.record, d.ID); was == nil || was.FailedTasks != d.FailedTasks {
				m.trial(d.ID).refused = true // or it failed in the commit that was cut short
			}
		}
		if s.Breaker.Rollback && s.Revision != m.record.Revision {
			c.p.ledger.doubt(s.Cluster, s.Name)
		}
		if s.Throttle != m.record.Throttle {
			m.throttle = waves{failed: s.Throttle.Failed, since: s.Throttle.Since, newest: s.Throttle.Newest}
		}
		if s.Brake != m.record.Brake {
			m.brake = waves{failed: s.Brake.Failed, since: s.Brake.Since, newest: s.Brake.Newest}
		}
		m.throttle.unsure, m.brake.unsure = m.throttle.newest, m.brake.newest // a newest task is not written while no wave has failed
		m.record, m.loaded = s, true
		for _, t := range c.tasks {
			if t.Cluster == s.Cluster && t.ServiceSeq == s.Seq {
				m.newest = max(m.newest, t.Seq)
			}
		}
	})
	clear(c.proven)
}

// prove notes the tasks without checks that count as healthy by now: they do so until control is loaded anew, whatever tags say later.
func (c *checker) prove() {
	c.each(func(s *ecs.Service) {
		after := c.policyOf(s).HealthyAfter
		for _, t := range c.of(s) {
			if t.LastStatus == ecs.StatusRunning && !t.Definition.Checked() && s.Outsiders() == 0 && c.healthy(t.Task, after) {
				c.proven[t.ID] = true
			}
		}
	})
}

// checkServices holds each service against what it was before this batch.
func (c *checker) checkServices() {
	c.each(func(s *ecs.Service) {
		m := c.memory(s)
		if s.Status == ecs.ServiceActive {
			c.checkBreaker(s, m)
			c.checkWaves(s, m)
			c.checkOlder(s, m)
			c.checkUnhealthyStops(s, m)
		}
		c.checkRollouts(s, m)
		c.checkPace(s, m)
		c.checkSteady(s)
		c.checkKept(s)
		c.checkReplaced(s)
		m.record, m.loaded = s, false
	})
}

// checkRollouts sees that rollouts are complete when they are said to be: as many healthy tasks as desired, and no others.
func (c *checker) checkRollouts(s *ecs.Service, m *memory) {
	early := s.Early != nil && s.Early.Enabled
	for i, d := range s.Deployments {
		before := m.rollouts[d.ID]
		m.rollouts[d.ID] = d.Rollout
		switch {
		case d.Rollout == before:
			continue
		case before != ecs.RolloutInProgress:
			c.w.fail(forward, "rollout of %s went from %s to %s", d.ID, before, d.Rollout)
		case d.Rollout != ecs.RolloutCompleted || s.Status != ecs.ServiceActive:
			continue
		}
		healthy := 0
		for _, t := range c.of(s) {
			if t.Deployment != d.ID && !(early && s.Early.Deferred) {
				c.w.fail("a rollout is complete when it is said to be", "%s of %s, with %s", d.ID, s.Name, describe(t.Task))
			}
			if t.Deployment == d.ID && t.LastStatus == ecs.StatusRunning && c.healthy(t.Task, c.policyOf(s).HealthyAfter) {
				healthy++
			}
		}
		enough := healthy == s.Desired
		if early && s.Desired > 0 {
			enough = healthy >= scheduler.EnoughHealthy(*s.Early, s.Desired)
		}
		if !enough || i != 0 {
			c.w.fail("a rollout is complete when it is said to be", "%s of %s, with %d healthy tasks of %d", d.ID, s.Name, healthy,
				s.Desired)
		}
	}
}

// checkPace sees that replacements of tasks that end by themselves after a short run are paced. Whatever else happens to a
// service starts the count anew, so that what is counted are such replacements only, but for one fill of the service.
func (c *checker) checkPace(s *ecs.Service, m *memory) {
	p := c.policyOf(s)
	disturbed := s.Desired != m.record.Desired || s.Deployments[0].ID != m.record.Deployments[0].ID ||
		len(s.Deployments) > 1 || s.Status != ecs.ServiceActive
	for _, ch := range c.changes {
		t := ch.now
		if t == nil || t.Cluster != s.Cluster || t.ServiceSeq != s.Seq {
			continue
		}
		if t.StopCode != ecs.StopNone && (ch.old == nil || ch.old.StopCode == ecs.StopNone) {
			itself := t.StopCode == ecs.EssentialContainerExited || t.StopCode == ecs.TaskFailedToStart
			disturbed = disturbed || !itself || t.StartedAt != 0 && c.now.Sub(t.StartedAt) >= p.ShortRun
		}
		if ch.old == nil {
			m.starts = append(m.starts, c.now)
		}
	}
	for len(m.starts) > 0 && c.now.Sub(m.starts[0]) >= time.Minute {
		m.starts = m.starts[1:]
	}
	if disturbed {
		m.starts = nil
	}
	if most := p.PacePerMinute + 2*max(1, s.Desired); len(m.starts) > most {
		c.w.fail("replacements of short runs are paced", "service %s started %d tasks within a minute, at most %d", s.Name,
			len(m.starts), most)
	}
}

// checkPlaces sees that services get no task on a container instance whose agent is away.
func (c *checker) checkPlaces() {
	for _, ch := range c.changes {
		if t := ch.now; ch.old == nil && t != nil && t.Service != "" {
			if i := c.root.Instance(t.Cluster, t.Instance); i == nil || !i.Connected {
				c.w.fail("tasks come to instances that are connected", "%s came to %s", describe(t), short(t.Instance))
			}
		}
	}
}
