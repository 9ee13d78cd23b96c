package logs

import (
	"slices"

	"ballast/internal/ecs"
)

// StreamName names the stream of a task's container; "" as long as it has none, because it is named by the runtime's id.
func StreamName(t *ecs.Task, container string) string {
	i := slices.IndexFunc(t.Definition.Containers, func(c ecs.ContainerDefinition) bool { return c.Name == container })
	if i < 0 {
		return ""
	}
	return streamName(t, i)
}
