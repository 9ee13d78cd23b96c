package docker

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// outOfMemory is the reason of a container that the kernel ended for its memory (amazon-ecs-agent, dockerapi/errors.go).
const outOfMemory = "OutOfMemoryError: Container killed due to memory usage"

// observations gives the containers that have not been removed, in the order of creation.
func observations(all []container.InspectResponse) []driver.Observation {
	all = slices.DeleteFunc(all, func(c container.InspectResponse) bool {
		_, ok := keyOf(c.Config.Labels)
		return !ok || phaseOf(c.Name).name == removed
	})
	slices.SortFunc(all, func(a, b container.InspectResponse) int {
		return cmp.Or(instant(a.Created).Compare(instant(b.Created)), cmp.Compare(a.ID, b.ID))
	})
	var list []driver.Observation
	for _, c := range all {
		list = append(list, observe(c))
	}
	return list
}

// observe says where a container stands. A failed start leaves one that is created: it has not run.
func observe(c container.InspectResponse) driver.Observation {
	key, _ := keyOf(c.Config.Labels)
	o := driver.Observation{Key: key}
	phase := phaseOf(c.Name)
	started := instant(c.State.StartedAt)
	switch {
	case phase.name == ended:
		o.State, o.Exit = driver.Exited, driver.Exit{At: phase.at}
		return o
	case started.IsZero():
		return o
	}
	o.State = driver.Running
	o.Started = driver.Started{At: ecs.TimeOf(started), RuntimeID: c.ID, Bindings: bindings(c)}
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
	if c.State.OOMKilled {
		e.Reason = outOfMemory
	}
	return e
}

// instant reads a time of an engine; the zero time, which stands for none, for one that is none.
func instant(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.Year() <= 1 {
		return time.Time{}
	}
	return t
}

// bindings reads the IPv4 bindings in the order of the definition, as the agent of ECS reports them (it leaves IPv6 out). In host
// mode they are the container's own ports. An engine forgets those of a container that has ended.
func bindings(c container.InspectResponse) (all []ecs.Binding) {
	ports := parsePorts(c.Config.Labels[labelPorts])
	if c.HostConfig != nil && c.HostConfig.NetworkMode.IsHost() {
		for _, p := range ports {
			all = append(all, ecs.Binding{BindIP: "0.0.0.0", ContainerPort: p.Num(), HostPort: p.Num(), UDP: p.Proto() == network.UDP})
		}
		return all
	}
	if c.NetworkSettings == nil {
		return nil
	}
	taken := map[network.Port]int{}
	for _, p := range ports {
		v4 := slices.DeleteFunc(slices.Clone(c.NetworkSettings.Ports[p]), func(b network.PortBinding) bool { return !b.HostIP.Is4() })
		if taken[p] >= len(v4) {
			continue
		}
		b := v4[taken[p]]
		taken[p]++
		if port, err := strconv.ParseUint(b.HostPort, 10, 16); err == nil {
			all = append(all, ecs.Binding{BindIP: b.HostIP.String(), ContainerPort: p.Num(), HostPort: uint16(port), UDP: p.Proto() == network.UDP})
		}
	}
	return all
}
