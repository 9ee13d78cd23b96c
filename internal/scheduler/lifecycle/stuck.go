package lifecycle

import "ballast/internal/ecs"

// Stuck finds a container that has not started because it waits for another to be HEALTHY, which runs and is UNHEALTHY: the task
// does not come to RUNNING unless that changes. The containers stand in the order of their definitions.
func Stuck(definitions []ecs.ContainerDefinition, containers []ecs.Container) (waits, on string, stuck bool) {
	for i := range containers {
		if containers[i].Status >= ecs.StatusRunning {
			continue
		}
		for _, d := range definitions[i].DependsOn {
			for j := range containers {
				if d.Condition == ecs.DependHealthy && definitions[j].Name == d.Container &&
					containers[j].Status == ecs.StatusRunning && containers[j].Health == ecs.HealthUnhealthy {
					return definitions[i].Name, d.Container, true
				}
			}
		}
	}
	return "", "", false
}
