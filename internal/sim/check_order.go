package sim

import (
	"ballast/internal/driver"
	"ballast/internal/ecs"
)

const ordered = "containers start and stop in the order of their dependencies"

// checkStart sees that a container's image is pulled only when those that it depends on have come as far as it asks.
func (c *checker) checkStart(h *host, key driver.Key, t *ecs.Task) {
	for i := range t.Definition.Containers {
		if d := &t.Definition.Containers[i]; d.Name == key.Container {
			for _, on := range d.DependsOn {
				if b := c.box(h, driver.Key{Task: key.Task, Container: on.Container}); !b.met(on.Condition) {
					c.w.fail(ordered, "%s: %s of %s, which waits for %s to be %s", h.name, key.Container, describe(t), on.Container,
						on.Condition)
				}
			}
		}
	}
}

// met says whether a container has ever come as far as a condition asks.
func (b *box) met(on ecs.Condition) bool {
	switch on {
	case ecs.DependStart:
		return b.ever
	case ecs.DependComplete:
		return b.ended
	case ecs.DependSuccess:
		return b.code != nil && *b.code == 0
	}
	return b.passed
}

// checkStop sees that a container of a task that is to stop is stopped after those that depend on it. Of a task that is over for
// control the agent may not know the order any more.
func (c *checker) checkStop(h *host, key driver.Key, t *ecs.Task) {
	if b := c.boxes[key]; t.Stopped() || b == nil || !b.running || b.host != h {
		return
	}
	for i := range t.Definition.Containers {
		other := &t.Definition.Containers[i]
		for _, on := range other.DependsOn {
			b := c.latest(key.Task, other.Name)
			if on.Container == key.Container && b != nil && b.running && b.host == h {
				c.w.fail(ordered, "%s: %s of %s stops before %s, which depends on it", h.name, key.Container, describe(t), other.Name)
			}
		}
	}
}
