package scheduler

import (
	"ballast/internal/ecs"
)

// Plan is what Decide wants done, in the order of its fields. It is data; the zero Plan wants nothing.
type Plan struct {
	// Stops and Starts may be applied in either order: the starts leave room for the stopping tasks.
	Stops  []Stop
	Starts []Start

	// Desired holds the older deployments whose desired count changes.
	Desired []DesiredChange

	// Rollouts holds the deployments whose rollout state changes.
	Rollouts []RolloutChange

	// RollBackTo is the completed deployment to which the service goes back, 0 for none: the caller starts a deployment like it,
	// and decides again. There is then nothing else in the plan but the failure of the newest deployment.
	RollBackTo ecs.DeploymentID

	// Remove holds the older deployments that have no task left; they leave the service.
	Remove []ecs.DeploymentID

	// Inactive means that the service has been deleted and its last task is STOPPED.
	// It is then INACTIVE and not decided any more.
	Inactive bool

	// Events are to be said in this order, after the events of the starts and stops.
	Events []Event

	// Steady is the new value of View.Steady. It is a note about what has been announced and not an action.
	Steady bool

	// Deadlocked is the new value of View.Deadlocked, another such note.
	Deadlocked bool

	// BakingSince is the new value of View.BakingSince, one more.
	BakingSince ecs.Time

	// Wake is when to decide again if nothing else happens, 0 for never.
	Wake ecs.Time

	// Explanations say what is wanted and not done, and why.
	Explanations []Explanation
}

// Acts says whether the plan changes anything besides Steady, Deadlocked and BakingSince; RollBackTo comes with a rollout that fails.
func (p *Plan) Acts() bool {
	return len(p.Stops)+len(p.Starts)+len(p.Desired)+len(p.Rollouts)+len(p.Remove)+len(p.Events) > 0 || p.Inactive
}

// Start asks for Count new tasks of a deployment.
type Start struct {
	Deployment ecs.DeploymentID
	Count      int

	// Replaces is how many of them replace a task that is unhealthy, for StartedEvent.
	Replaces int

	// Paced is how many of them replace a short run and take a token each.
	Paced int
}

// TokensFor says how many tokens are due when only the first placed of the starts could be placed: those that are free of the
// pace come first.
func (s Start) TokensFor(placed int) int { return max(0, placed-(s.Count-s.Paced)) }

// Stop asks for Count tasks of a deployment in one phase to be stopped. Which ones of Tracker.Candidates is the caller's choice:
// unhealthy tasks at random (placement.Random; "A deep dive into Amazon ECS task health and task replacement"), others so that the rest
// is spread best (placement.Victims).
type Stop struct {
	Deployment ecs.DeploymentID
	Phase      Phase
	Count      int
	Code       ecs.StopCode

	// Reason is the task's stoppedReason. For unhealthy tasks it is ReasonFailedContainerChecks; a caller that knows which other
	// check failed puts ReasonFailedTargetChecks or ReasonFailedRegistryChecks in its place.
	Reason string
}

// DesiredChange sets the desired count of an older deployment.
type DesiredChange struct {
	Deployment ecs.DeploymentID
	Desired    int
}

// RolloutChange sets the rollout state of a deployment.
type RolloutChange struct {
	Deployment ecs.DeploymentID
	State      ecs.RolloutState
	Reason     string
	Cause      Cause // of one that is FAILED
}

// EventKind names a service event that a plan says.
type EventKind uint8

// The kinds.
const (
	EventDeploymentCompleted EventKind = iota
	EventSteadyState
	EventDeploymentFailed
	EventRollingBack
	EventThrottled
	EventBraked
	EventParked
	EventDeadlocked
	EventProtected
)

// Event is a service event without its text.
type Event struct {
	Kind       EventKind
	Deployment ecs.DeploymentID // of the events about a deployment
	Tasks      int              // of EventProtected, tasks; of EventParked, waves
	Cause      Cause            // of EventDeploymentFailed
}
