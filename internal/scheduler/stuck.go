package scheduler

import (
	"fmt"
	"time"

	"ballast/internal/ecs"
)

// Stuck is a task that does not come to RUNNING because one of its containers waits for another to be HEALTHY, which is UNHEALTHY.
// ECS leaves such a task alone until the dependency's startTimeout, if it has one (aws/containers-roadmap#2379).
type Stuck struct {
	Seq        uint64
	Task       ecs.ID
	Deployment ecs.DeploymentID
	Container  string   // that waits
	Dependency string   // for which
	Since      ecs.Time // when that was learned
}

// Event is the text of the service event, which ECS does not have.
func (k Stuck) Event(service string) string {
	return fmt.Sprintf("%s (task %s) is stuck before RUNNING: container %s waits for container %s to be HEALTHY, which is UNHEALTHY.",
		prefix(service), k.Task, k.Container, k.Dependency)
}

// Reason is the stopped reason where a policy ends such tasks after some time.
func (k Stuck) Reason(after time.Duration) string {
	return fmt.Sprintf("%s: for %s (ballast:stuck-after) container %s has waited for container %s to be HEALTHY, which is UNHEALTHY",
		ecs.ReasonFailedToStart, after, k.Container, k.Dependency)
}

// Explanation says what the service waits for.
func (k Stuck) Explanation() Explanation {
	return Explanation{Wait: WaitStuck, Deployment: k.Deployment, Tasks: 1, Task: k.Task, Container: k.Container, Dependency: k.Dependency}
}
