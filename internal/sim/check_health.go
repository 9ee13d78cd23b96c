package sim

import (
	"strings"
	"time"

	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/scheduler"
)

const (
	verdicts    = "containers are as healthy as their checks found"
	onlyThe     = "only unhealthy tasks are replaced for their health"
	toldOfCheck = "the last checks decide on the health of a task"
)

// checkedBox notes what a command in a container found.
func (c *checker) checkedBox(h *host, key driver.Key, code int) {
	b := c.box(h, key)
	if code == 0 {
		b.passed, b.row = true, 0
		return
	}
	b.row++
	b.worst = max(b.worst, b.row)
}

// proved is the best and the worst that the checks of any attempt of a container found: what is known of its health may be of an
// attempt that has ended meanwhile.
func (c *checker) proved(task ecs.ID, container string) (all box) {
	key := driver.Key{Task: task, Container: container}
	for last := c.attempts[key]; key.Attempt <= last; key.Attempt++ {
		if b := c.boxes[key]; b != nil {
			all.passed, all.worst = all.passed || b.passed, max(all.worst, b.worst)
		}
	}
	return all
}

// checkHealth sees that nobody says more of a container's health than its checks do, and that the health of a task is that of its
// essential containers (API_HealthCheck).
func (c *checker) checkHealth(now *ecs.Task) {
	sum, checked := ecs.HealthHealthy, false
	for i := range now.Containers {
		d, health := &now.Definition.Containers[i], now.Containers[i].Health
		b := c.proved(now.ID, d.Name)
		switch {
		case d.HealthCheck == nil && health != ecs.HealthUnknown,
			health == ecs.HealthHealthy && !b.passed,
			health == ecs.HealthUnhealthy && b.worst < d.HealthCheck.Retries:
			c.w.fail(verdicts, "container %s of %s is %s, its checks have found %+v", d.Name, describe(now), health, b)
		}
		if !d.Essential || d.HealthCheck == nil {
			continue
		}
		checked = true
		switch {
		case health == ecs.HealthUnhealthy:
			sum = health
		case health == ecs.HealthUnknown && sum == ecs.HealthHealthy:
			sum = health
		}
	}
	if !checked {
		sum = ecs.HealthUnknown
	}
	if now.Health != sum && !now.Stopped() {
		c.w.fail(verdicts, "%s is %s, its containers are %s", describe(now), now.Health, sum)
	}
}

// checkReplaced sees that tasks are stopped, or kept to be looked into, for their health only when they are unhealthy and their grace
// period is over, and for no other reason where protection or debugging keeps them.
func (c *checker) checkReplaced(s *ecs.Service) {
	for _, ch := range c.changes {
		t := ch.now
		if t == nil || t.Cluster != s.Cluster || t.ServiceSeq != s.Seq || t.Service == "" || ch.old == nil {
			continue
		}
		ended := ch.old.StopCode == ecs.StopNone && t.StopCode == ecs.ServiceSchedulerInitiated
		kept := t.Kept && !ch.old.Kept
		unhealthy := ended && !t.Kept && forHealth(t)
		graced := s.GracePeriod > 0 && t.StartedAt.Add(time.Duration(s.GracePeriod)*time.Second) > c.now
		switch {
		case (kept || unhealthy) && (!c.unhealthy(t) || graced),
			unhealthy && (t.StoppedReason == scheduler.ReasonFailedContainerChecks) != (t.Health == ecs.HealthUnhealthy):
			c.w.fail(onlyThe, "%s is %s, started at %d, in a grace period of %d s, at %d", describe(t), t.Health, t.StartedAt,
				s.GracePeriod, c.now)
		case ended && !t.Kept && !unhealthy && s.Status == ecs.ServiceActive && min(ch.old.ProtectedUntil, t.ProtectedUntil) > c.now &&
			t.StoppedReason == ecs.ReasonScaling(t.Deployment):
			c.w.fail("protected tasks are spared", "%s is protected until %d and stopped at %d", describe(t), ch.old.ProtectedUntil, c.now)
		}
	}
}

// forHealth says whether a task was stopped because a health check failed.
func forHealth(t *ecs.Task) bool {
	return t.StoppedReason == scheduler.ReasonFailedContainerChecks || strings.HasPrefix(t.StoppedReason, "Task failed ELB health checks") ||
		strings.HasPrefix(t.StoppedReason, "Task failed service discovery health checks")
}

// ofTwoMinds says whether the health of a task is not what the last checks of its containers found; "" when it is.
func (c *checker) ofTwoMinds(t *ecs.Task) string {
	for i := range t.Containers {
		d, health := &t.Definition.Containers[i], t.Containers[i].Health
		b := c.latest(t.ID, d.Name)
		if d.HealthCheck == nil || b == nil || !b.running {
			continue
		}
		if b.passed && b.row == 0 && health != ecs.HealthHealthy || b.row > manyChecks && health != ecs.HealthUnhealthy {
			return describe(t) + ": container " + d.Name + " is " + health.String()
		}
	}
	return ""
}

// manyChecks is more failures in a row than any health check here allows, those of a start period included.
const manyChecks = 20
