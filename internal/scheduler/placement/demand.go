package placement

import (
	"fmt"
	"slices"
	"strings"

	"ballast/internal/ecs"
)

// Demand is what a task needs of a container instance.
type Demand struct {
	CPU    int // CPU units, 1,024 a core
	Memory int // MiB

	// Ports and PortsUDP are the host ports asked for by number, sorted and each once.
	Ports    []uint16
	PortsUDP []uint16
}

// String names the demand. Tasks with the same name are refused and find room alike.
func (d Demand) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cpu %d, memory %d", d.CPU, d.Memory)
	for _, n := range d.Ports {
		fmt.Fprintf(&b, ", %d/tcp", n)
	}
	for _, n := range d.PortsUDP {
		fmt.Fprintf(&b, ", %d/udp", n)
	}
	return b.String()
}

// DemandOf gives the demand of a task: its CPU and memory as a whole where they are given, else the sum of its containers, of
// which a memory reservation counts before a memory limit (developer guide, Task definition parameters). Host ports count in
// bridge and host mode; with awsvpc a task has an address of its own. overrides may be nil.
func DemandOf(definition *ecs.TaskDefinition, overrides *ecs.Overrides) Demand {
	if overrides == nil {
		overrides = &ecs.Overrides{}
	}
	d := Demand{}
	for i := range definition.Containers {
		c := &definition.Containers[i]
		cpu, memory := containerSize(c, overrideOf(overrides, c.Name))
		d.CPU += cpu
		d.Memory += memory
		d.addPorts(definition.NetworkMode, c.Ports)
	}
	d.CPU = firstGiven(overrides.CPU, definition.CPU, d.CPU)
	d.Memory = firstGiven(overrides.Memory, definition.Memory, d.Memory)
	slices.Sort(d.Ports)
	slices.Sort(d.PortsUDP)
	d.Ports, d.PortsUDP = slices.Compact(d.Ports), slices.Compact(d.PortsUDP)
	return d
}

func (d *Demand) addPorts(mode ecs.NetworkMode, mappings []ecs.PortMapping) {
	if mode != ecs.NetworkBridge && mode != ecs.NetworkHost {
		return
	}
	for _, m := range mappings {
		port := m.HostPort
		if mode == ecs.NetworkHost {
			port = m.ContainerPort
		}
		switch {
		case port == 0: // chosen when the container starts
		case m.UDP:
			d.PortsUDP = append(d.PortsUDP, port)
		default:
			d.Ports = append(d.Ports, port)
		}
	}
}

func containerSize(c *ecs.ContainerDefinition, o *ecs.ContainerOverride) (cpu, memory int) {
	cpu, memory, reservation := c.CPU, c.Memory, c.MemoryReservation
	if o != nil {
		cpu, memory, reservation = given(o.CPU, cpu), given(o.Memory, memory), given(o.MemoryReservation, reservation)
	}
	return cpu, firstGiven(reservation, memory)
}

func overrideOf(o *ecs.Overrides, name string) *ecs.ContainerOverride {
	for i := range o.Containers {
		if o.Containers[i].Name == name {
			return &o.Containers[i]
		}
	}
	return nil
}

func given(override *int, value int) int {
	if override != nil {
		return *override
	}
	return value
}

// firstGiven gives the first value that is not 0.
func firstGiven(values ...int) int {
	for _, v := range values {
		if v != 0 {
			return v
		}
	}
	return 0
}
