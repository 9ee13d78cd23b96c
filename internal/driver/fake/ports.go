package fake

import (
	"fmt"

	"ballast/internal/ecs"
)

// The range of host ports chosen at start (API_PortMapping: "the default ephemeral port range from 49153 through 65535").
const (
	firstDynamic = 49153
	lastDynamic  = 65535
)

// hostPort is a port of the host in use.
type hostPort struct {
	number uint16
	udp    bool
}

// ports are those of the host.
type ports struct {
	taken map[hostPort]bool
	next  uint16 // where the search for a free one goes on, so that a port is not used again at once
}

func newPorts() ports { return ports{taken: map[hostPort]bool{}, next: firstDynamic} }

// bind takes the ports of a container, all or none.
func (p *ports) bind(mode ecs.NetworkMode, mappings []ecs.PortMapping) ([]ecs.Binding, error) {
	if mode == ecs.NetworkNone {
		return nil, nil
	}
	var bindings []ecs.Binding
	for _, m := range mappings {
		b := ecs.Binding{BindIP: "0.0.0.0", ContainerPort: m.ContainerPort, HostPort: m.HostPort, UDP: m.UDP}
		err := error(nil)
		switch mode {
		case ecs.NetworkHost:
			b.HostPort = m.ContainerPort
			err = p.take(hostPort{b.HostPort, b.UDP})
		case ecs.NetworkAwsvpc: // an address of its own: nothing is shared
			b.HostPort = m.ContainerPort
		default:
			if b.HostPort == 0 {
				b.HostPort, err = p.free(b.UDP)
			}
			if err == nil {
				err = p.take(hostPort{b.HostPort, b.UDP})
			}
		}
		if err != nil {
			p.release(bindings, mode)
			return nil, err
		}
		bindings = append(bindings, b)
	}
	return bindings, nil
}

func (p *ports) take(port hostPort) error {
	if p.taken[port] {
		return fmt.Errorf("listen on port %d: address already in use", port.number)
	}
	p.taken[port] = true
	return nil
}

// free gives a port of the dynamic range that is not in use.
func (p *ports) free(udp bool) (uint16, error) {
	for range lastDynamic - firstDynamic + 1 {
		port := p.next
		p.next++
		if port == lastDynamic {
			p.next = firstDynamic
		}
		if !p.taken[hostPort{port, udp}] {
			return port, nil
		}
	}
	return 0, fmt.Errorf("all ports from %d to %d are in use", firstDynamic, lastDynamic)
}

func (p *ports) release(bindings []ecs.Binding, mode ecs.NetworkMode) {
	if mode == ecs.NetworkAwsvpc {
		return
	}
	for _, b := range bindings {
		delete(p.taken, hostPort{b.HostPort, b.UDP})
	}
}
