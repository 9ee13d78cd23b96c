package process

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// endpoint is an address that a container listens at, or will: programs need a moment until they do.
type endpoint struct {
	ip   string
	port uint16
	udp  bool
}

func (e endpoint) network() string {
	if e.udp {
		return "udp"
	}
	return "tcp"
}

func (e endpoint) address() string { return net.JoinHostPort(e.ip, strconv.Itoa(int(e.port))) }

// ports remembers which container has which endpoint, from before its start until its end.
type ports struct {
	mu    sync.Mutex
	taken map[endpoint]driver.Key
}

// maxDraws bounds the search for a dynamic port; each draw is free on the host and fails only if a container that has not bound
// it yet was given the same.
const maxDraws = 100

// maxPort is the last port there is.
const maxPort = 1<<16 - 1

// prober binds an endpoint for a moment; port 0 means any that is free. It gives the port or why it cannot be bound.
type prober func(endpoint) (uint16, error)

// take gives a container the host ports that it maps, all or none.
func (p *ports) take(key driver.Key, spec driver.Spec, host string, probe prober) ([]ecs.Binding, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop(key) // of a start that failed half way
	var bindings []ecs.Binding
	for _, m := range spec.Ports {
		e := endpoint{ip: host, port: m.HostPort, udp: m.UDP}
		if spec.NetworkMode != ecs.NetworkBridge { // a container's ports are those of the host, or of its own address
			e.port = m.ContainerPort
		}
		more := max(m.LastPort, m.ContainerPort) - m.ContainerPort // ports of a range after its first
		var err error
		if e.port == 0 {
			e, err = p.draw(e, more, probe)
		} else {
			err = p.fixed(e, more, probe)
		}
		if err != nil {
			p.drop(key)
			return nil, err
		}
		b := ecs.Binding{BindIP: host, ContainerPort: m.ContainerPort, HostPort: e.port, UDP: m.UDP}
		if more > 0 {
			b.LastContainerPort, b.LastHostPort = m.LastPort, e.port+more
		}
		p.hold(b, key)
		bindings = append(bindings, b)
	}
	return bindings, nil
}

// hold notes who has the endpoints of a binding.
func (p *ports) hold(b ecs.Binding, key driver.Key) {
	for n := range max(b.LastHostPort, b.HostPort) - b.HostPort + 1 {
		p.taken[endpoint{ip: b.BindIP, port: b.HostPort + n, udp: b.UDP}] = key
	}
}

// fixed checks an endpoint that the task definition names, and as many as are wanted after it.
func (p *ports) fixed(e endpoint, more uint16, probe prober) error {
	if int(e.port)+int(more) > maxPort {
		return cannotStart("%d ports from %d on: there are none above %d", int(more)+1, e.port, maxPort)
	}
	for range int(more) + 1 {
		if other, taken := p.taken[e]; taken {
			return cannotStart("listen %s %s: bind: address already in use (by container %v)", e.network(), e.address(), other)
		}
		if _, err := probe(e); err != nil {
			return cannotStart("%v", err)
		}
		e.port++
	}
	return nil
}

// draw chooses a free port that as many as are wanted follow, free as well. The same number is not given for TCP and UDP, so that
// PORT_<n> has one meaning more often.
func (p *ports) draw(e endpoint, more uint16, probe prober) (endpoint, error) {
	for range maxDraws {
		port, err := probe(endpoint{ip: e.ip, udp: e.udp})
		if err != nil {
			return e, cannotStart("%v", err)
		}
		tcp, udp := endpoint{ip: e.ip, port: port}, endpoint{ip: e.ip, port: port, udp: true}
		_, a := p.taken[tcp]
		_, b := p.taken[udp]
		next := endpoint{ip: e.ip, port: port + 1, udp: e.udp}
		if a || b || int(port)+int(more) > maxPort || more > 0 && p.fixed(next, more-1, probe) != nil {
			continue
		}
		e.port = port
		return e, nil
	}
	return e, fmt.Errorf("no %d free ports in a row found in %d draws", int(more)+1, maxDraws)
}

// release gives back what a container has.
func (p *ports) release(key driver.Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop(key)
}

func (p *ports) drop(key driver.Key) {
	for e, k := range p.taken {
		if k == key {
			delete(p.taken, e)
		}
	}
}

// adopt takes over what a keeper says of its containers. What it does not know is about to be started.
func (p *ports) adopt(all []driver.Observation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, o := range all {
		if o.State == driver.Exited {
			p.drop(o.Key)
		}
		for _, b := range o.Started.Bindings {
			if o.State == driver.Running {
				p.hold(b, o.Key)
			}
		}
	}
}

// probe binds an endpoint of the host and lets it go again.
func probe(e endpoint) (uint16, error) {
	if e.udp {
		c, err := new(net.ListenConfig).ListenPacket(context.Background(), "udp", e.address())
		if err != nil {
			return 0, err
		}
		defer c.Close()
		return uint16(c.LocalAddr().(*net.UDPAddr).Port), nil
	}
	l, err := net.Listen("tcp", e.address())
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return uint16(l.Addr().(*net.TCPAddr).Port), nil
}
