package sim

import (
	"slices"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/scheduler/policy"
)

// waves counts waves of starts that failed anew, from tasks alone: a refused placement makes no wave here, so that what comes out
// is the least that a service has to wait.
type waves struct {
	failed int
	since  ecs.Time
	newest uint64 // the newest task when the last wave failed
	// unsure is the newest task of which it is not known whether its end makes a wave.
	unsure uint64
}

// fail takes the end of a task; those of a wave that has failed do not count again. What may have been a wave hides the ends of tasks that
// were there at that time, so that a wave that is counted here surely was one.
func (w *waves) fail(seq, newest uint64, now ecs.Time) {
	switch {
	case seq > w.newest:
		*w = waves{failed: w.failed + 1, since: now, newest: newest}
	case seq <= w.unsure:
		w.newest, w.unsure = newest, newest
	}
}

// checkWaves sees that starts wait after waves that failed: of tasks that never came to RUNNING always, of tasks that ended soon
// after it where the service asks for that (developer guide, Service throttle logic; tag ballast:loop-brake).
func (c *checker) checkWaves(s *ecs.Service, m *memory) {
	p, before := c.policyOf(s), m.newest
	if s.Deployments[0].ID != m.record.Deployments[0].ID || !slices.Equal(s.Tags, m.record.Tags) || !slices.Equal(m.tags, c.clusterTags(s)) {
		m.throttle = waves{since: c.now, newest: before, unsure: before}
		m.brake = m.throttle
	}
	m.tags = c.clusterTags(s)
	var starts []*ecs.Task
	for _, ch := range c.changes {
		t := ch.now
		if t == nil || t.Cluster != s.Cluster || t.ServiceSeq != s.Seq || t.Service == "" || t.Kept {
			continue
		}
		m.newest = max(m.newest, t.Seq)
		if t.Deployment != s.Deployments[0].ID {
			continue
		}
		if ch.old == nil {
			starts = append(starts, t)
			continue
		}
		c.wave(m, ch, before, &p)
	}
	for _, t := range starts {
		c.checkWaited(s, m, t, &p)
	}
}

// wave takes a change of a task of the newest deployment.
func (c *checker) wave(m *memory, ch change, newest uint64, p *policy.Policy) {
	t := ch.now
	if ch.old.StartedAt == 0 && t.StartedAt != 0 {
		m.throttle = waves{since: c.now, newest: newest}
	}
	itself := t.StopCode == ecs.EssentialContainerExited || t.StopCode == ecs.TaskFailedToStart
	if ch.old.StopCode != ecs.StopNone || !itself {
		return
	}
	if t.StartedAt == 0 {
		m.throttle.fail(t.Seq, newest, c.now)
		return
	}
	end := t.StoppingAt
	if t.ExecutionStoppedAt != 0 {
		end = t.ExecutionStoppedAt
	}
	if end.Sub(t.StartedAt) >= p.ShortRun {
		m.brake = waves{since: c.now, newest: newest}
	} else if p.Brake != policy.BrakeOff {
		m.brake.fail(t.Seq, newest, c.now)
	}
}

// checkWaited sees that a task is not started before it is time.
func (c *checker) checkWaited(s *ecs.Service, m *memory, t *ecs.Task, p *policy.Policy) {
	if w := m.throttle; w.failed >= 2 && c.now < w.since.Add(grown(p.ThrottleBase, p.ThrottleFactor, w.failed-2, p.ThrottleMax)) {
		c.w.fail("starts that fail are throttled", "service %s started %s at %d, after %+v", s.Name, short(t.ID), c.now, w)
	}
	w := m.brake
	parked := p.Brake == policy.BrakePark && w.failed >= p.BrakeAfter
	early := p.Brake == policy.BrakeBackoff && w.failed > 0 && c.now < w.since.Add(grown(p.BrakeBase, 2, w.failed-1, p.BrakeMax))
	if parked || early {
		c.w.fail("loops are braked as tags ask", "service %s started %s at %d, after %+v", s.Name, short(t.ID), c.now, w)
	}
}

// grown gives base x factor^times, at most most.
func grown(base time.Duration, factor, times int, most time.Duration) time.Duration {
	wait := base
	for range times {
		wait = min(wait*time.Duration(factor), most)
	}
	return min(wait, most)
}

func (c *checker) clusterTags(s *ecs.Service) []ecs.Tag {
	if cluster := c.root.Cluster(s.Cluster); cluster != nil {
		return cluster.Tags
	}
	return nil
}
