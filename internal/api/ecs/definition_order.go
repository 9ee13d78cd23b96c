package ecs

import (
	"slices"
	"strings"

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

func parseDependencies(c *types.ContainerDefinition, _ *ecs.TaskDefinition, out *ecs.ContainerDefinition) error {
	for _, d := range c.DependsOn {
		condition, given := conditions[d.Condition]
		if !given {
			condition = noCondition
		}
		out.DependsOn = append(out.DependsOn, ecs.Dependency{Container: value(d.ContainerName), Condition: condition})
	}
	return nil
}

// checkDependencies refuses dependencies that can never be met. The texts on containers that are not there, that are essential or
// that have no health check are those of real accounts (klothoplatform/klotho#892, cdk-preflight's pf-ecs-dependson-...).
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
				return refusef("Cannot depend on container + '%s' because it does not exist", d.Container)
			case slices.ContainsFunc(c.DependsOn[:n], func(other ecs.Dependency) bool { return other.Container == d.Container }):
				return inContainer(c.Name, "dependsOn names container '%s' more than once.", d.Container)
			case (d.Condition == ecs.DependComplete || d.Condition == ecs.DependSuccess) && containers[at].Essential:
				return refusef("A dependency container with SUCCESS or COMPLETE condition cannot be an essential container")
			case d.Condition == ecs.DependHealthy && containers[at].HealthCheck == nil:
				return refusef("A dependency container with HEALTHY condition must have health check configured")
			}
		}
	}
	if circular(containers, waitedFor) {
		return refusef("The dependencies of the containers form a circle.")
	}
	return nil
}

// waitedFor names the containers that have to be there before one: those it depends on, those it is linked with and those whose
// volumes it sees (amazon-ecs-agent, api/task, initializeContainerOrdering).
func waitedFor(c *ecs.ContainerDefinition) []string {
	names := linked(c)
	for _, d := range c.DependsOn {
		names = append(names, d.Container)
	}
	for _, v := range c.VolumesFrom {
		names = append(names, v.Container)
	}
	return names
}

// checkPeers refuses links with containers, and volumes of containers, that the definition does not have. The texts on volumesFrom
// and on circles are those of real accounts (cdk-preflight's pf-ecs-volumesfrom-source-container-missing, Shippable/support#4194).
func checkPeers(containers []ecs.ContainerDefinition) error {
	there := func(name string) bool {
		return slices.ContainsFunc(containers, func(c ecs.ContainerDefinition) bool { return c.Name == name })
	}
	for i := range containers {
		for _, name := range linked(&containers[i]) {
			if !there(name) {
				return refusef("Invalid 'links' setting. Unknown container: '%s'.", name)
			}
		}
		for _, v := range containers[i].VolumesFrom {
			if !there(v.Container) {
				return refusef("Invalid 'volumesFrom' setting. Unknown container: '%s'.", v.Container)
			}
		}
	}
	if circular(containers, linked) {
		return refusef("Container links should not have a cycle")
	}
	return nil
}

// linked names the containers that a container is linked with.
func linked(c *ecs.ContainerDefinition) (names []string) {
	if c.Isolation == nil {
		return nil
	}
	for _, link := range c.Isolation.Links {
		name, _, _ := strings.Cut(link, ":")
		names = append(names, name)
	}
	return names
}

// circular says whether some containers wait for each other, each coming after those that before names.
func circular(containers []ecs.ContainerDefinition, before func(*ecs.ContainerDefinition) []string) bool {
	placed := map[string]bool{}
	for len(placed) < len(containers) {
		count := len(placed)
		for i := range containers {
			if !slices.ContainsFunc(before(&containers[i]), func(name string) bool { return !placed[name] }) {
				placed[containers[i].Name] = true
			}
		}
		if len(placed) == count {
			return true
		}
	}
	return false
}
