package docker

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// ports are the mapped ports of one mapping: a single one, or a range, whose ports on the host follow each other too.
type ports struct {
	first, last uint16
	proto       network.IPProtocol
}

func portsOf(p ecs.PortMapping) ports {
	return ports{first: p.ContainerPort, last: max(p.ContainerPort, p.LastPort), proto: protocol(p.UDP)}
}

func (p ports) single() bool { return p.first == p.last }

// count is how many ports there are.
func (p ports) count() int { return int(p.last) - int(p.first) + 1 }

// at is the n-th port as the engine has it; ok is false for one that cannot be mapped.
func (p ports) at(n int) (network.Port, bool) {
	port, ok := network.PortFrom(p.first+uint16(n), p.proto)
	return port, ok && port.Num() != 0
}

// binding is one of the container's ports as they are reached at an address from a host port on.
func (p ports) binding(ip string, hostPort uint16) ecs.Binding {
	b := ecs.Binding{BindIP: ip, ContainerPort: p.first, HostPort: hostPort, UDP: p.proto == network.UDP}
	if !p.single() {
		b.LastContainerPort, b.LastHostPort = p.last, hostPort+(p.last-p.first)
	}
	return b
}

func protocol(udp bool) network.IPProtocol {
	if udp {
		return network.UDP
	}
	return network.TCP
}

// bind maps the ports of a container in bridge mode. The engine draws the single ones that the definition leaves open; chosen are
// the first host ports of the ranges, in their order.
func bind(cfg Config, config *container.Config, host *container.HostConfig, mappings []ecs.PortMapping, chosen []uint16) error {
	ip, err := netip.ParseAddr(cfg.BindIP)
	if err != nil {
		return fmt.Errorf("bind ports at %q: %w", cfg.BindIP, err)
	}
	config.ExposedPorts, host.PortBindings = network.PortSet{}, network.PortMap{}
	for _, m := range mappings {
		p, from := portsOf(m), m.HostPort
		if !p.single() && from == 0 {
			if len(chosen) == 0 {
				return fmt.Errorf("bind ports %d to %d: no ports of the host were chosen", p.first, p.last)
			}
			from, chosen = chosen[0], chosen[1:]
		}
		for n := range p.count() {
			port, ok := p.at(n)
			if !ok {
				return cannotCreate("container port %d cannot be mapped", p.first)
			}
			binding := network.PortBinding{HostIP: ip}
			if from != 0 {
				binding.HostPort = strconv.Itoa(int(from) + n)
			}
			config.ExposedPorts[port] = struct{}{}
			host.PortBindings[port] = append(host.PortBindings[port], binding)
		}
	}
	return nil
}

// openRanges are the mappings of ranges for which host ports are to be chosen.
func openRanges(mode ecs.NetworkMode, mappings []ecs.PortMapping) (open []ports) {
	for _, m := range mappings {
		if p := portsOf(m); mode == ecs.NetworkBridge && !p.single() && m.HostPort == 0 {
			open = append(open, p)
		}
	}
	return open
}

// portRange is the ports of a host that are given to whoever does not mind which, first and last included.
type portRange struct{ first, last uint16 }

// defaultPortRange is used where the kernel does not say (API_PortMapping, hostPort).
var defaultPortRange = portRange{49153, 65535}

// choose finds the first of count ports in a row that are all free. It begins to look at a place that depends on seed, so that those
// who choose at the same time seldom choose the same.
func (r portRange) choose(count int, seed uint64, free func(port uint16) bool) (uint16, bool) {
	places := int(r.last) - int(r.first) + 1 - (count - 1)
	if places <= 0 {
		return 0, false
	}
	start := int(seed % uint64(places))
	for n := 0; n < places; {
		from := (start + n) % places
		taken := lastTaken(r.first+uint16(from), count, free)
		if taken < 0 {
			return r.first + uint16(from), true
		}
		n += min(taken+1, places-from) // no place up to the taken port has room
	}
	return 0, false
}

// lastTaken is the last of count ports that is not free, counted from the first one; -1 where all are.
func lastTaken(first uint16, count int, free func(port uint16) bool) int {
	for i := count - 1; i >= 0; i-- {
		if !free(first + uint16(i)) {
			return i
		}
	}
	return -1
}

// portList writes the mapped ports for the label, from which parsePorts reads them.
func portList(mappings []ecs.PortMapping) string {
	all := make([]string, len(mappings))
	for i, m := range mappings {
		p := portsOf(m)
		all[i] = fmt.Sprintf("%d/%s", p.first, p.proto)
		if !p.single() {
			all[i] = fmt.Sprintf("%d-%d/%s", p.first, p.last, p.proto)
		}
	}
	return strings.Join(all, " ")
}

func parsePorts(list string) (all []ports) {
	for _, text := range strings.Fields(list) {
		numbers, proto, _ := strings.Cut(text, "/")
		first, last, ranged := strings.Cut(numbers, "-")
		if !ranged {
			last = first
		}
		from, err := strconv.ParseUint(first, 10, 16)
		to, lastErr := strconv.ParseUint(last, 10, 16)
		if err == nil && lastErr == nil {
			all = append(all, ports{first: uint16(from), last: uint16(to), proto: network.IPProtocol(proto)})
		}
	}
	return all
}

// bindings reads the IPv4 bindings in the order of the definition, as the agent of ECS reports them (it leaves IPv6 out). In host
// mode they are the container's own ports. An engine forgets those of a container that has ended.
func bindings(c container.InspectResponse) (all []ecs.Binding) {
	mapped := parsePorts(c.Config.Labels[labelPorts])
	if c.HostConfig != nil && c.HostConfig.NetworkMode.IsHost() {
		for _, p := range mapped {
			all = append(all, p.binding("0.0.0.0", p.first))
		}
		return all
	}
	if c.NetworkSettings == nil {
		return nil
	}
	taken := map[network.Port]int{}
	for _, p := range mapped {
		port, ok := p.at(0)
		v4 := slices.DeleteFunc(slices.Clone(c.NetworkSettings.Ports[port]), func(b network.PortBinding) bool { return !b.HostIP.Is4() })
		if !ok || taken[port] >= len(v4) {
			continue
		}
		b := v4[taken[port]]
		taken[port]++
		if from, err := strconv.ParseUint(b.HostPort, 10, 16); err == nil {
			all = append(all, p.binding(b.HostIP.String(), uint16(from)))
		}
	}
	return all
}

// portRangeFile is where Linux says which ports it gives to whoever does not mind which.
const portRangeFile = "/proc/sys/net/ipv4/ip_local_port_range"

// choosePorts finds host ports for the ranges that a definition leaves open. An engine would draw each port of a range by itself.
// Two who choose at the same moment may choose the same: then the engine refuses to start the second.
func (d *Driver) choosePorts(key driver.Key, spec driver.Spec) (chosen []uint16, err error) {
	open := openRanges(spec.NetworkMode, spec.Ports)
	if len(open) == 0 {
		return nil, nil
	}
	text, _ := os.ReadFile(portRangeFile)
	within := parsePortRange(string(text))
	taken := map[string]bool{}
	for n, p := range open {
		free := func(port uint16) bool {
			return !taken[fmt.Sprintf("%d/%s", port, p.proto)] && freePort(d.cfg.BindIP, port, p.proto)
		}
		sum := sha256.Sum256(fmt.Appendf(nil, "%v %v %d", d.cfg.Instance, key, n))
		from, ok := within.choose(p.count(), binary.BigEndian.Uint64(sum[:]), free)
		if !ok {
			return nil, cannotCreate("portMappings.containerPortRange: the host has no %d free ports in a row between %d and %d",
				p.count(), within.first, within.last)
		}
		for i := range p.count() {
			taken[fmt.Sprintf("%d/%s", int(from)+i, p.proto)] = true
		}
		chosen = append(chosen, from)
	}
	return chosen, nil
}

// parsePortRange reads the kernel's range.
func parsePortRange(text string) portRange {
	var r portRange
	if n, err := fmt.Sscan(text, &r.first, &r.last); n != 2 || err != nil || r.first == 0 || r.last < r.first {
		return defaultPortRange
	}
	return r
}

// freePort says whether a port can be bound here.
func freePort(ip string, port uint16, proto network.IPProtocol) bool {
	address := net.JoinHostPort(ip, strconv.Itoa(int(port)))
	var l io.Closer
	var err error
	if proto == network.UDP {
		l, err = net.ListenPacket("udp", address)
	} else {
		l, err = net.Listen("tcp", address)
	}
	if err != nil {
		return false
	}
	l.Close()
	return true
}
