package scheduler

import (
	"fmt"
	"time"

	"ballast/internal/ecs"
)

// Wait names a reason for which something wanted is not done.
type Wait uint8

// The reasons.
const (
	// WaitRoom: maximumPercent leaves no room for more tasks.
	WaitRoom Wait = iota
	// WaitPlacement: no container instance could take the tasks.
	WaitPlacement
	// WaitPace: replacements of short runs are paced.
	WaitPace
	// WaitFailed: the deployment has failed and starts nothing.
	WaitFailed
	// WaitHealthy: tasks that should stop are needed for minimumHealthyPercent.
	WaitHealthy
	// WaitDeadlock: maximumPercent lets nothing start and minimumHealthyPercent lets nothing stop.
	WaitDeadlock
	// WaitBrake: tasks ended soon after they started, and their replacements wait.
	WaitBrake
	// WaitParked: the same, and there are no replacements any more.
	WaitParked
	// WaitThrottle: waves of tasks in a row never came to RUNNING.
	WaitThrottle
	// WaitProtected: tasks that should stop are protected.
	WaitProtected
	// WaitBake: a deployment is complete but for the time in which alarms may fail it.
	WaitBake
	// WaitStuck: a task does not come to RUNNING because of a container that is UNHEALTHY.
	WaitStuck
)

// Explanation says what is wanted and not done. It is data; String gives the sentence.
type Explanation struct {
	Wait       Wait
	Deployment ecs.DeploymentID
	Tasks      int           // how many tasks wait
	Percent    int           // maximumPercent of WaitRoom, minimumHealthyPercent of WaitHealthy
	Limit      int           // the number of tasks that Percent, or tokens a minute that the pace, allows
	ShortRun   time.Duration // of WaitPace
	Until      ecs.Time      // of WaitThrottle, WaitBrake and WaitBake; the Limit of the first two, and that of WaitParked, is the number of failed waves

	// Task, Container and Dependency are of WaitStuck: the task, the container that waits and the one for which it does.
	Task                  ecs.ID
	Container, Dependency string
}

// String gives the sentence for people.
func (e Explanation) String() string {
	switch e.Wait {
	case WaitRoom:
		return fmt.Sprintf("%s: maximumPercent %d leaves no room (at most %d)", waits(e.Tasks), e.Percent, e.Limit)
	case WaitPlacement:
		return waits(e.Tasks) + ": no container instance met all requirements"
	case WaitPace:
		return fmt.Sprintf("%s: replacements of tasks that ran less than %s are paced to %d a minute",
			waits(e.Tasks), e.ShortRun, e.Limit)
	case WaitFailed:
		return fmt.Sprintf("%s: deployment %s has failed", waits(e.Tasks), e.Deployment)
	case WaitHealthy:
		return fmt.Sprintf("%d old tasks keep running: minimumHealthyPercent %d asks for %d healthy tasks",
			e.Tasks, e.Percent, e.Limit)
	case WaitDeadlock:
		return deadlocked
	case WaitBrake:
		return fmt.Sprintf("%s until %s: the last %d waves of tasks stopped soon after they started", waits(e.Tasks),
			e.Until.Std().UTC().Format(time.RFC3339), e.Limit)
	case WaitParked:
		return fmt.Sprintf("%s for a new deployment: the last %d waves of tasks stopped soon after they started", waits(e.Tasks),
			e.Limit)
	case WaitThrottle:
		return fmt.Sprintf("%s until %s: none of the last %d waves of tasks came to RUNNING", waits(e.Tasks),
			e.Until.Std().UTC().Format(time.RFC3339), e.Limit)
	case WaitBake:
		return fmt.Sprintf("deployment %s is complete if no alarm is raised until %s", e.Deployment, e.Until.Std().UTC().Format(time.RFC3339))
	case WaitStuck:
		return fmt.Sprintf("task %s is stuck: container %s waits for container %s to be HEALTHY, which is UNHEALTHY",
			e.Task, e.Container, e.Dependency)
	case WaitProtected:
		return fmt.Sprintf("%d tasks of deployment %s keep running: they are protected", e.Tasks, e.Deployment)
	}
	panic(fmt.Sprintf("scheduler: no sentence for wait %d", e.Wait))
}

func waits(n int) string {
	if n == 1 {
		return "1 task waits"
	}
	return fmt.Sprintf("%d tasks wait", n)
}
