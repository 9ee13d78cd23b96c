package scheduler

import (
	"time"

	"ballast/internal/ecs"
	"ballast/internal/lb/health"
	"ballast/internal/scheduler/policy"
)

// Source is what one source of health says of a task: the checks of its containers, one of its targets, service discovery.
type Source uint8

// What a source may say.
const (
	// SourceNone: there is no such check.
	SourceNone Source = iota
	// SourceWaiting: it has not said yet.
	SourceWaiting
	SourceHealthy
	SourceUnhealthy
)

// ContainerSource is what the container checks of a task say; checked tells that it has some.
func ContainerSource(h ecs.Health, checked bool) Source {
	switch {
	case h == ecs.HealthUnhealthy:
		return SourceUnhealthy
	case h == ecs.HealthHealthy:
		return SourceHealthy
	case checked:
		return SourceWaiting
	}
	return SourceNone
}

// TargetSource is what the health of a target says of its task. A target that gets no traffic fails its task as an unhealthy one
// does (events of real accounts: "due to (reason Target is in an Availability Zone that is not enabled for the load balancer)").
// One that is not checked says nothing.
func TargetSource(s health.State) Source {
	switch s {
	case health.Healthy:
		return SourceHealthy
	case health.Unhealthy, health.Unused:
		return SourceUnhealthy
	case health.Unavailable:
		return SourceNone
	}
	return SourceWaiting
}

// RunningPhase is the phase of a RUNNING task of which all sources of health have been heard, and when it changes if nothing
// happens before, 0 for never. All must be good, and any bad one makes the task unhealthy ("A deep dive into Amazon ECS task
// health and task replacement"), save in the grace period, which begins when the task started. A task with a start period in its
// container checks says SourceWaiting for as long as that lasts, so the longer of the two wins. Without any source a task is
// healthy a while after it started.
func RunningPhase(started ecs.Time, grace time.Duration, p *policy.Policy, sources ...Source) (Phase, ecs.Time) {
	waiting, good := false, false
	for _, s := range sources {
		switch s {
		case SourceUnhealthy:
			if grace > 0 {
				return Graced, started.Add(grace) // it is unhealthy once that has passed, see Promote
			}
			return Unhealthy, 0
		case SourceWaiting:
			waiting = true
		case SourceHealthy:
			good = true
		}
	}
	switch {
	case waiting:
		return Warming, 0
	case good:
		return Healthy, 0
	}
	return Warming, started.Add(p.HealthyAfter)
}
