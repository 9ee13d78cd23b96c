package ecs

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/ecs"
)

var conditions = map[types.ContainerCondition]ecs.Condition{
	types.ContainerConditionStart:    ecs.DependStart,
	types.ContainerConditionComplete: ecs.DependComplete,
	types.ContainerConditionSuccess:  ecs.DependSuccess,
	types.ContainerConditionHealthy:  ecs.DependHealthy,
}

// noCondition stands for a condition that was not given; checkDependencies refuses it.
const noCondition ecs.Condition = 255

func dependencies(c *types.ContainerDefinition) []ecs.Dependency {
	if len(c.DependsOn) == 0 {
		return nil
	}
	out := make([]ecs.Dependency, len(c.DependsOn))
	for i, d := range c.DependsOn {
		condition, given := conditions[d.Condition]
		if !given {
			condition = noCondition
		}
		out[i] = ecs.Dependency{Container: value(d.ContainerName), Condition: condition}
	}
	return out
}

// checkDependencies refuses dependencies that can never be met. The text on essential containers is that of real accounts
// (boto/boto3#2436).
func checkDependencies(containers []ecs.ContainerDefinition) error {
	for i := range containers {
		c := &containers[i]
		for n, d := range c.DependsOn {
			at := slices.IndexFunc(containers, func(other ecs.ContainerDefinition) bool { return other.Name == d.Container })
			switch {
			case d.Container == "":
				return inContainer(c.Name, "dependsOn[%d].containerName should not be null or empty.", n)
			case d.Condition == noCondition:
				return inContainer(c.Name, "dependsOn[%d].condition should not be null or empty.", n)
			case at < 0:
				return inContainer(c.Name, "dependsOn names container '%s', which the task definition does not have.", d.Container)
			case slices.ContainsFunc(c.DependsOn[:n], func(other ecs.Dependency) bool { return other.Container == d.Container }):
				return inContainer(c.Name, "dependsOn names container '%s' more than once.", d.Container)
			case (d.Condition == ecs.DependComplete || d.Condition == ecs.DependSuccess) && containers[at].Essential:
				return refusef("Invalid request provided: Create TaskDefinition: A dependency container with SUCCESS or COMPLETE " +
					"condition cannot be an essential container")
			case d.Condition == ecs.DependHealthy && containers[at].HealthCheck == nil:
				return inContainer(c.Name, "dependsOn waits for container '%s' to be HEALTHY, which has no healthCheck.", d.Container)
			}
		}
	}
	return checkCircles(containers)
}

// checkCircles refuses containers that wait for each other.
func checkCircles(containers []ecs.ContainerDefinition) error {
	placed := map[string]bool{}
	for len(placed) < len(containers) {
		before := len(placed)
		for i := range containers {
			if !slices.ContainsFunc(containers[i].DependsOn, func(d ecs.Dependency) bool { return !placed[d.Container] }) {
				placed[containers[i].Name] = true
			}
		}
		if len(placed) == before {
			return refusef("The dependencies of the containers form a circle.")
		}
	}
	return nil
}
