package docker

import (
	"cmp"
	"slices"
	"time"

	"github.com/moby/moby/api/types/container"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// outOfMemory is the reason of a container that the kernel ended for its memory (amazon-ecs-agent, dockerapi/errors.go).
const outOfMemory = "OutOfMemoryError: Container killed due to memory usage"

// listed gives the containers that have not been removed, in the order of creation.
func listed(all []container.InspectResponse) []container.InspectResponse {
	all = slices.DeleteFunc(all, func(c container.InspectResponse) bool {
		_, ok := keyOf(c.Config.Labels, c.Name)
		return !ok || phaseOf(c.Name).name == removed
	})
	slices.SortFunc(all, func(a, b container.InspectResponse) int {
		return cmp.Or(instant(a.Created).Compare(instant(b.Created)), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// observe says where a container stands. A failed start leaves one that is created: it has not run.
func observe(c container.InspectResponse) driver.Observation {
	key, _ := keyOf(c.Config.Labels, c.Name)
	o := driver.Observation{Key: key}
	phase := phaseOf(c.Name)
	started := instant(c.State.StartedAt)
	switch {
	case phase.name == ended:
		o.State, o.Exit = driver.Exited, driver.Exit{At: phase.at}
		return o
	case started.IsZero(), phase.attempt > 0 && started.UnixNano() == phase.before:
		return o
	}
	o.State = driver.Running
	o.Started = driver.Started{At: ecs.TimeOf(started), RuntimeID: c.ID, Bindings: bindings(c), Address: c.Config.Labels[labelAddress]}
	switch c.State.Status {
	case container.StateExited, container.StateDead, container.StateRemoving:
		o.State, o.Exit = driver.Exited, exitOf(c)
	}
	return o
}

// exitOf says how a container ended. An engine that was killed with its containers may not know when they ended: then it was not
// before they started.
func exitOf(c container.InspectResponse) driver.Exit {
	code := int32(c.State.ExitCode)
	e := driver.Exit{At: max(ecs.TimeOf(instant(c.State.StartedAt)), ecs.TimeOf(instant(c.State.FinishedAt))), Code: &code}
	if c.State.OOMKilled && (code == sigkilled || c.Config.Labels[labelLimits] == "") {
		e.Reason = outOfMemory
	}
	return e
}

// sigkilled is the exit code of what the kernel ends. In version 1 of control groups it tells all containers of a task that one of them
// was ended for the memory of the task (cgroup-v1/memory, memory.oom_control), and an engine notes that of each.
const sigkilled = 128 + 9

// instant reads a time of an engine; the zero time, which stands for none, for one that is none.
func instant(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.Year() <= 1 {
		return time.Time{}
	}
	return t
}
