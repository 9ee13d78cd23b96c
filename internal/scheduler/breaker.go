package scheduler

import "ballast/internal/ecs"

// The threshold of a deployment circuit breaker that gives none, and the bounds of BOUNDED_PERCENT (API_ThresholdConfiguration).
const (
	breakerPercent = 50
	breakerLeast   = 3
	breakerMost    = 200
)

// Threshold is how many failed tasks fail a deployment of a service with that desired count, one at least; it follows the count at any
// time (developer guide, How the Amazon ECS deployment circuit breaker detects failures). Percentages are rounded up.
func Threshold(b ecs.Breaker, desired int) int {
	value := b.Value
	if value == 0 {
		value = breakerPercent
	}
	percent := (desired*value + 99) / 100
	switch b.Type {
	case ecs.FailureCount:
		return value
	case ecs.UnboundedPercent:
		return max(1, percent)
	}
	return min(max(percent, breakerLeast), breakerMost)
}

// Failure says how a task of a deployment came to nothing.
type Failure uint8

// The failures that a circuit breaker may count.
const (
	// FailureNotPlaced: no container instance could take a task. A wave of starts stops at the first such one.
	FailureNotPlaced Failure = iota
	// FailureNotStarted: it ended before it was RUNNING.
	FailureNotStarted
	// FailureUnhealthy: it was stopped because a health check failed.
	FailureUnhealthy
	// FailureExited: it was RUNNING and ended by itself.
	FailureExited
)

// Fail counts a failure of a task, if it is one that counts: of the newest deployment, while that is under way. Until a task
// is RUNNING the tasks that do not get there count, and then those whose health checks fail.
func (t *Tracker) Fail(id ecs.DeploymentID, f Failure) {
	if len(t.view.Deployments) == 0 {
		return
	}
	newest := &t.view.Deployments[0]
	if newest.ID != id || newest.Rollout != ecs.RolloutInProgress {
		return
	}
	counts := true
	switch f {
	case FailureNotPlaced, FailureNotStarted:
		counts = newest.Counts.Running() == 0
	case FailureExited:
		counts = t.view.Policy.BreakerCountsExits
	}
	if counts {
		newest.Failed++
	}
}

// proved notes that a task of deployment d has become healthy, which sets the count of failures back unless it is cumulative.
func (t *Tracker) proved(d int) {
	if d == 0 && !t.view.Breaker.Cumulative {
		t.view.Deployments[0].Failed = 0
	}
}

// trips says whether enough tasks of the newest deployment have failed.
func (v *View) trips() bool {
	return v.Breaker.Enabled && v.Deployments[0].Failed >= Threshold(v.Breaker, v.Desired)
}
