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
		if spec.NetworkMode == ecs.NetworkHost {
			e.port = m.ContainerPort
		}
		var err error
		if e.port == 0 {
			e, err = p.draw(e, probe)
		} else {
			err = p.fixed(e, probe)
		}
		if err != nil {
			p.drop(key)
			return nil, err
		}
		p.taken[e] = key
		bindings = append(bindings, ecs.Binding{BindIP: host, ContainerPort: m.ContainerPort, HostPort: e.port, UDP: m.UDP})
	}
	return bindings, nil
}

// fixed checks an endpoint that the task definition names.
func (p *ports) fixed(e endpoint, probe prober) error {
	if other, taken := p.taken[e]; taken {
		return cannotStart("listen %s %s: bind: address already in use (by container %v)", e.network(), e.address(), other)
	}
	if _, err := probe(e); err != nil {
		return cannotStart("%v", err)
	}
	return nil
}

// draw chooses a free port. The same number is not given for TCP and UDP, so that PORT_<n> has one meaning more often.
func (p *ports) draw(e endpoint, probe prober) (endpoint, error) {
	for range maxDraws {
		port, err := probe(endpoint{ip: e.ip, udp: e.udp})
		if err != nil {
			return e, cannotStart("%v", err)
		}
		tcp, udp := endpoint{ip: e.ip, port: port}, endpoint{ip: e.ip, port: port, udp: true}
		_, a := p.taken[tcp]
		_, b := p.taken[udp]
		if !a && !b {
			e.port = port
			return e, nil
		}
	}
	return e, fmt.Errorf("no free port found in %d draws", maxDraws)
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
				p.taken[endpoint{ip: b.BindIP, port: b.HostPort, udp: b.UDP}] = o.Key
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
