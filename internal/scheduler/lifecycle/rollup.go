package lifecycle

import "ballast/internal/ecs"

// Health is the health of a task, given that of each essential container that defines a check: UNHEALTHY if any is, else
// UNKNOWN if any is, else HEALTHY; UNKNOWN where no such container exists (API_HealthCheck).
func Health(checked []ecs.Health) ecs.Health {
	if len(checked) == 0 {
		return ecs.HealthUnknown
	}
	sum := ecs.HealthHealthy
	for _, h := range checked {
		switch {
		case h == ecs.HealthUnhealthy:
			return ecs.HealthUnhealthy
		case h == ecs.HealthUnknown:
			sum = ecs.HealthUnknown
		}
	}
	return sum
}

// EssentialStopped says whether an essential container is over, after which the whole task has to stop. The containers stand in
// the order of their definitions.
func EssentialStopped(definitions []ecs.ContainerDefinition, containers []ecs.Container) bool {
	for i := range containers {
		if definitions[i].Essential && containers[i].Status == ecs.StatusStopped {
			return true
		}
	}
	return false
}

// StopCode gives the stop code and the reason of a task that an essential container ended: one that never reached RUNNING
// failed to start, whatever the container's exit code (developer guide, Stopped tasks error codes).
func StopCode(ran bool) (ecs.StopCode, string) {
	if ran {
		return ecs.EssentialContainerExited, ecs.ReasonEssentialExited
	}
	return ecs.TaskFailedToStart, ecs.ReasonFailedToStart
}
