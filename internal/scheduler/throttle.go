package scheduler

import (
	"time"

	"ballast/internal/ecs"
	"ballast/internal/scheduler/policy"
)

// A wave is what the newest deployment starts between two failures. It fails when a task of it ends before any has come to
// RUNNING, or when placement can take none of it; whatever else of the same wave ends counts no more. So a task belongs to a
// wave that has failed if it is older than the failure, and a task, a moment and a number are all there is to remember.

// throttleAt is the number of failed waves after which a service waits for the first time: the first wave is tried again at once.
const throttleAt = 2

// throttleWait is how long a service waits after that many waves failed.
func throttleWait(p *policy.Policy, failed int) time.Duration {
	if failed < throttleAt {
		return 0
	}
	return growing(p.ThrottleBase, p.ThrottleFactor, failed-throttleAt, p.ThrottleMax)
}

// ThrottleWait is how long the service waits once that many waves in a row have failed.
func (v *View) ThrottleWait(failed int) time.Duration { return throttleWait(&v.Policy, failed) }

// growing gives base x factor^times, at most most.
func growing(base time.Duration, factor, times int, most time.Duration) time.Duration {
	wait := base
	for range times {
		if wait == 0 || wait >= most {
			break
		}
		wait *= time.Duration(factor)
	}
	return min(wait, most)
}

// FailedToStart notes that a task ended at now without having been RUNNING.
func (t *Tracker) FailedToStart(id ecs.DeploymentID, seq uint64, now ecs.Time) {
	if indexOf(t.view.Deployments, id) == 0 && seq > t.view.Throttle.Newest {
		t.waveFailed(&t.view.Throttle, now)
	}
	t.Fail(id, FailureNotStarted)
}

func (t *Tracker) waveFailed(b *ecs.Backoff, now ecs.Time) {
	b.Failed++
	b.Since, b.Newest = now, t.newest
}

// CameUp notes that a task has come to RUNNING: the service starts tasks as ever (developer guide, Service throttle logic).
func (t *Tracker) CameUp(id ecs.DeploymentID, now ecs.Time) {
	if indexOf(t.view.Deployments, id) != 0 {
		return
	}
	t.view.Throttle = ecs.Backoff{Since: now, Newest: t.newest}
	t.retryBy(now.Add(t.view.Policy.RetryPlacement))
}

// Deployed notes that there is a new deployment, with another task definition or not. With another the service returns to a
// normal state immediately (developer guide, Service throttle logic); the brake is released by any.
func (t *Tracker) Deployed(redefined bool, now ecs.Time) {
	t.view.Brake = ecs.Backoff{Since: now, Newest: t.newest}
	if redefined {
		t.view.Throttle = ecs.Backoff{Since: now, Newest: t.newest}
	}
}

// Restore takes over the throttle and the brake of a service that was loaded.
func (t *Tracker) Restore(s *ecs.Service) { t.view.Throttle, t.view.Brake = s.Throttle, s.Brake }

// NoRoom notes that placement could take no task of a start. Where tasks of the service are still on their way, or hold room
// that is about to come free, that says nothing yet; so where only unhealthy tasks are to be replaced, one of which is stopped then.
// It comes before Refuse.
func (t *Tracker) NoRoom(id ecs.DeploymentID, now ecs.Time) {
	at := indexOf(t.view.Deployments, id)
	if at < 0 {
		return
	}
	dep, counts := &t.view.Deployments[at], t.view.Counts()
	dep.NoRoom = true
	yields := dep.Counts[Unhealthy] > 0 && dep.Counts.Live()+dep.Counts[Unhealthy] >= t.view.Desired
	if at == 0 && counts[Starting]+counts[Stopping] == 0 && !yields {
		t.waveFailed(&t.view.Throttle, now)
		t.Fail(id, FailureNotPlaced)
	}
}

// retryBy brings the next attempt to place what was refused forward.
func (t *Tracker) retryBy(at ecs.Time) {
	if t.view.RetryAt > at {
		t.view.RetryAt = at
	}
}

// retry makes refused starts be planned again when it is time.
func (t *Tracker) retry(now ecs.Time) {
	if t.view.RetryAt == 0 || now < t.view.RetryAt {
		return
	}
	t.view.RetryAt = 0
	for i := range t.view.Deployments {
		t.ClearRefused(t.view.Deployments[i].ID)
	}
}

// Said notes that an event of a plan has been said.
func (t *Tracker) Said(e Event) {
	switch e.Kind {
	case EventThrottled:
		t.view.Throttle.Announced = true
	case EventBraked, EventParked:
		t.view.Brake.Announced = true
	case EventProtected:
		if at := indexOf(t.view.Deployments, e.Deployment); at >= 0 {
			t.view.Deployments[at].Announced = e.Tasks
		}
	}
}

// throttledUntil is when the newest deployment may start tasks again, 0 for at any time.
func (v *View) throttledUntil() ecs.Time {
	if wait := throttleWait(&v.Policy, v.Throttle.Failed); wait > 0 {
		return v.Throttle.Since.Add(wait)
	}
	return 0
}

// hold says whether the newest deployment may start nothing now, until when, and why.
func (v *View) hold(now ecs.Time) (Explanation, bool) {
	if until := v.throttledUntil(); now < until {
		return Explanation{Wait: WaitThrottle, Until: until, Limit: v.Throttle.Failed}, true
	}
	switch until, parked := v.braked(); {
	case parked:
		return Explanation{Wait: WaitParked, Limit: v.Brake.Failed}, true
	case now < until:
		return Explanation{Wait: WaitBrake, Until: until, Limit: v.Brake.Failed}, true
	}
	return Explanation{}, false
}

// announceThrottle says that the service waits, with the first wait.
func (d *decision) announceThrottle() {
	if d.view.throttledUntil() != 0 && !d.view.Throttle.Announced {
		d.plan.Events = append(d.plan.Events, Event{Kind: EventThrottled})
	}
}
