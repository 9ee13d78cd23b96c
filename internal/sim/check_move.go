package sim

import (
	"ballast/internal/ecs"
	"ballast/internal/scheduler/lifecycle"
)

const (
	forward  = "statuses only move forward"
	fixed    = "what a task is never changes"
	whyEnded = "a task that ends says why"
)

// checkMove holds a change of a task against design property 4.
func (c *checker) checkMove(ch change) {
	old, now := ch.old, ch.now
	switch {
	case now == nil:
		return // it may have stopped and been forgotten in one batch; checkEnds looks at that
	case old == nil:
		old = &ecs.Task{ID: now.ID, Seq: now.Seq, Definition: now.Definition, Service: now.Service, ServiceSeq: now.ServiceSeq,
			Deployment: now.Deployment, Instance: now.Instance, Cluster: now.Cluster, CreatedAt: now.CreatedAt,
			DesiredStatus: ecs.StatusRunning}
	}
	path := lifecycle.Path(old.LastStatus, now.LastStatus)
	switch {
	case old.LastStatus != now.LastStatus && path == nil:
		c.w.fail(forward, "%s after %s", describe(now), describe(old))
	case old.DesiredStatus == ecs.StatusStopped && now.DesiredStatus != ecs.StatusStopped:
		c.w.fail(forward, "%s after %s", describe(now), describe(old))
	case now.Version < old.Version+uint32(len(path)):
		c.w.fail("every status is a version", "%s at version %d after %s at %d", describe(now), now.Version, describe(old), old.Version)
	case old.ID != now.ID || old.Seq != now.Seq || old.Definition.Name() != now.Definition.Name() || old.Service != now.Service ||
		old.ServiceSeq != now.ServiceSeq || old.Deployment != now.Deployment || old.Instance != now.Instance ||
		old.CreatedAt != now.CreatedAt:
		c.w.fail(fixed, "%+v after %+v", *now, *old)
	}
	c.checkTimes(old, now)
	c.checkReasons(old, now)
	c.checkContainers(old, now)
	c.checkHealth(now)
}

func (c *checker) checkTimes(old, now *ecs.Task) {
	pairs := [...]struct {
		name   string
		before ecs.Time
		after  ecs.Time
	}{
		{"pullStartedAt", old.PullStartedAt, now.PullStartedAt},
		{"pullStoppedAt", old.PullStoppedAt, now.PullStoppedAt},
		{"startedAt", old.StartedAt, now.StartedAt},
		{"stoppingAt", old.StoppingAt, now.StoppingAt},
		{"executionStoppedAt", old.ExecutionStoppedAt, now.ExecutionStoppedAt},
		{"stoppedAt", old.StoppedAt, now.StoppedAt},
	}
	for _, p := range pairs {
		if p.before != 0 && p.before != p.after {
			c.w.fail(fixed, "%s of %s went from %d to %d", p.name, describe(now), p.before, p.after)
		}
	}
	running := now.LastStatus == ecs.StatusRunning
	if running && now.StartedAt == 0 || now.Stopped() != (now.StoppedAt != 0) ||
		(now.DesiredStatus == ecs.StatusStopped) != (now.StoppingAt != 0) {
		c.w.fail("every status has its time", "%s: started %d, stopping %d, stopped %d", describe(now), now.StartedAt,
			now.StoppingAt, now.StoppedAt)
	}
	if now.Stopped() && now.StoppedAt < now.StoppingAt {
		c.w.fail("no task stops before it is told to", "%s: stopping %d, stopped %d", describe(now), now.StoppingAt, now.StoppedAt)
	}
}

func (c *checker) checkReasons(old, now *ecs.Task) {
	switch {
	case now.DesiredStatus == ecs.StatusStopped && (now.StopCode == ecs.StopNone || now.StoppedReason == ""):
		c.w.fail(whyEnded, "%s: code %q, reason %q", describe(now), now.StopCode, now.StoppedReason)
	case now.DesiredStatus != ecs.StatusStopped && now.StopCode != ecs.StopNone:
		c.w.fail(whyEnded, "%s has stop code %s and is not to stop", describe(now), now.StopCode)
	case old.StopCode != ecs.StopNone && (old.StopCode != now.StopCode || old.StoppedReason != now.StoppedReason):
		c.w.fail(whyEnded, "the first reason counts: %s %q after %s %q", now.StopCode, now.StoppedReason, old.StopCode,
			old.StoppedReason)
	case now.LastStatus > ecs.StatusRunning && now.DesiredStatus != ecs.StatusStopped:
		c.w.fail(forward, "%s and should run", describe(now))
	}
}

func (c *checker) checkContainers(old, now *ecs.Task) {
	if len(now.Containers) != len(now.Definition.Containers) {
		c.w.fail(fixed, "%s has %d containers, its definition %d", describe(now), len(now.Containers), len(now.Definition.Containers))
		return
	}
	for i := range now.Containers {
		after := &now.Containers[i]
		if now.Stopped() && after.Status != ecs.StatusStopped {
			c.w.fail(forward, "%s with container %s %s", describe(now), now.Definition.Containers[i].Name, after.Status)
		}
		if len(old.Containers) == 0 {
			continue
		}
		before := &old.Containers[i]
		// A container that its host lost before the task had been RUNNING is started once more, too.
		again := now.Definition.Containers[i].RestartPolicy != nil || old.StartedAt == 0
		if after.ID != before.ID || after.Status < before.Status || !again && before.RuntimeID != "" && after.RuntimeID != before.RuntimeID ||
			before.ExitCode != nil && (after.ExitCode == nil || *after.ExitCode != *before.ExitCode) {
			c.w.fail(forward, "container %s of %s: %+v after %+v", now.Definition.Containers[i].Name, describe(now), *after, *before)
		}
	}
}

// describe names a task in a failure.
func describe(t *ecs.Task) string {
	if t == nil {
		return "no task"
	}
	return "task " + short(t.ID) + " (" + t.GroupName() + ", " + t.LastStatus.String() + ", to be " + t.DesiredStatus.String() + ")"
}
