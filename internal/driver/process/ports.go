package process

import (
	"io"
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
	taken map[endpoint]tenancy
	// dynamic is where ports come from that the task definition leaves open, and next the one of them to try next: in turn, so that the
	// port of a container that has ended is not soon another's.
	dynamic portRange
	next    int
}

// tenancy is a container's use of an endpoint.
type tenancy struct {
	key  driver.Key
	hold io.Closer // nil of a container that had it before this process began
}

// portRange is from its first to its last port.
type portRange struct{ first, last int }

func (r portRange) size() int { return r.last - r.first + 1 }

// maxPort is the last port there is.
const maxPort = 1<<16 - 1

// claimer sees that an endpoint can be bound, and holds it against other drivers on this machine until the hold is closed: programs
// need a moment until they bind it themselves.
type claimer func(endpoint) (hold io.Closer, err error)

// open makes ports ready for use. begin, which is not negative, says with which port to begin, so that drivers on one machine seldom try the same.
func (p *ports) open(dynamic portRange, begin int) {
	p.taken, p.dynamic = map[endpoint]tenancy{}, dynamic
	p.next = dynamic.first + begin%dynamic.size()
}

// take gives a container the host ports that it maps, all or none.
func (p *ports) take(key driver.Key, spec driver.Spec, host string, claim claimer) ([]ecs.Binding, error) {
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
			e, err = p.draw(key, e, more, claim)
		} else {
			err = p.fixed(key, e, more, claim)
		}
		if err != nil {
			p.drop(key)
			return nil, err
		}
		b := ecs.Binding{BindIP: host, ContainerPort: m.ContainerPort, HostPort: e.port, UDP: m.UDP}
		if more > 0 {
			b.LastContainerPort, b.LastHostPort = m.LastPort, e.port+more
		}
		bindings = append(bindings, b)
	}
	return bindings, nil
}

// fixed takes an endpoint and as many as are wanted after it, all or none.
func (p *ports) fixed(key driver.Key, e endpoint, more uint16, claim claimer) error {
	if int(e.port)+int(more) > maxPort {
		return cannotStart("%d ports from %d on: there are none above %d", int(more)+1, e.port, maxPort)
	}
	for n := range more + 1 {
		one := endpoint{ip: e.ip, port: e.port + n, udp: e.udp}
		if err := p.one(key, one, claim); err != nil {
			p.free(e, n)
			return err
		}
	}
	return nil
}

// one takes an endpoint.
func (p *ports) one(key driver.Key, e endpoint, claim claimer) error {
	if other, taken := p.taken[e]; taken {
		return cannotStart("listen %s %s: bind: address already in use (by container %v)", e.network(), e.address(), other.key)
	}
	hold, err := claim(e)
	if err != nil {
		return cannotStart("%v", err)
	}
	p.taken[e] = tenancy{key, hold}
	return nil
}

// draw takes a free port that as many as are wanted follow, free as well. The same number is not given for TCP and UDP, so that
// PORT_<n> has one meaning more often.
func (p *ports) draw(key driver.Key, e endpoint, more uint16, claim claimer) (endpoint, error) {
	for range p.dynamic.size() {
		e.port = uint16(p.next)
		if p.next++; p.next > p.dynamic.last {
			p.next = p.dynamic.first
		}
		if int(e.port)+int(more) > p.dynamic.last {
			continue
		}
		if _, taken := p.taken[endpoint{ip: e.ip, port: e.port, udp: !e.udp}]; taken {
			continue
		}
		if p.fixed(key, e, more, claim) == nil {
			return e, nil
		}
	}
	return e, cannotStart("no %d free ports in a row from %d to %d", int(more)+1, p.dynamic.first, p.dynamic.last)
}

// release gives back what a container has.
func (p *ports) release(key driver.Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop(key)
}

func (p *ports) drop(key driver.Key) {
	for e, t := range p.taken {
		if t.key == key {
			p.free(e, 1)
		}
	}
}

// free gives back an endpoint and those after it.
func (p *ports) free(e endpoint, count uint16) {
	for ; count > 0; count-- {
		if hold := p.taken[e].hold; hold != nil {
			hold.Close()
		}
		delete(p.taken, e)
		e.port++
	}
}

// close gives everything back.
func (p *ports) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for e := range p.taken {
		p.free(e, 1)
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
		if o.State == driver.Running {
			p.note(o)
		}
	}
}

// note notes what a container that runs has.
func (p *ports) note(o driver.Observation) {
	for _, b := range o.Started.Bindings {
		for n := range max(b.LastHostPort, b.HostPort) - b.HostPort + 1 {
			e := endpoint{ip: b.BindIP, port: b.HostPort + n, udp: b.UDP}
			if p.taken[e].key != o.Key {
				p.taken[e] = tenancy{key: o.Key}
			}
		}
	}
}
