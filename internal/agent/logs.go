package agent

import (
	"context"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// FindLog finds a place in the log of a container as driver.LogFinder does; a driver that cannot is read from the beginning.
func (a *Agent) FindLog(ctx context.Context, task ecs.ID, container string, at ecs.Time) (position int64, err error) {
	if finder, ok := a.driver.(driver.LogFinder); ok {
		return finder.FindLog(ctx, task, container, at)
	}
	return 0, nil
}

// LastLog gives the time of the newest line of a container, 0 if there is none or the driver cannot tell.
func (a *Agent) LastLog(ctx context.Context, task ecs.ID, container string) (at ecs.Time, err error) {
	if finder, ok := a.driver.(driver.LogFinder); ok {
		return finder.LastLog(ctx, task, container)
	}
	return 0, nil
}
