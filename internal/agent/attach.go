package agent

import (
	"context"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// Attach runs a command in the container of a task that runs, with streams connected, and gives its exit code; see driver.Shell.
func (a *Agent) Attach(ctx context.Context, task ecs.ID, container string, command []string, streams driver.Streams) (int, error) {
	shell, ok := a.driver.(driver.Shell)
	if !ok {
		return 0, &driver.Error{Name: driver.CannotExecContainerError,
			Text: "the " + a.driver.Name() + " driver gives no way into containers"}
	}
	all, err := a.driver.List(ctx)
	if err != nil {
		return 0, err
	}
	key, ok := latest(all, task, container)
	if !ok {
		return 0, &driver.Error{Name: driver.CannotExecContainerError,
			Text: "container " + container + " of task " + task.String() + " is not running"}
	}
	return shell.Attach(ctx, key, command, streams)
}

// latest gives the attempt of a container that runs.
func latest(all []driver.Observation, task ecs.ID, container string) (key driver.Key, ok bool) {
	for _, o := range all {
		if o.Key.Task == task && o.Key.Container == container && o.State == driver.Running && (!ok || o.Key.Attempt > key.Attempt) {
			key, ok = o.Key, true
		}
	}
	return key, ok
}
