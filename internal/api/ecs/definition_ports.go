package ecs

import (
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/ecs"
)

// What port mappings may be (API_PortMapping).
const (
	maxPort       = 65535
	maxPortName   = 64
	maxPortRanges = 100 // per container
)

// parsePorts reads the port mappings of a container and gives them with their defaults filled in: in host and awsvpc mode the
// host port is the container port, in bridge mode 0 asks for any free one.
func parsePorts(c *types.ContainerDefinition, d *ecs.TaskDefinition, out *ecs.ContainerDefinition) error {
	ranges := 0
	for i := range c.PortMappings {
		m := &c.PortMappings[i]
		parse := singlePort
		if value(m.ContainerPortRange) != "" {
			parse = portRange
			ranges++
		}
		p, err := parse(m, d.NetworkMode, out.Name)
		switch {
		case err != nil:
			return err
		case ranges > maxPortRanges:
			return inContainer(out.Name, "A container can have at most %d port ranges.", maxPortRanges)
		case m.Name != nil && !validPortName(*m.Name):
			return inContainer(out.Name, "The name of a port mapping can have at most %d lower-case letters, numbers, underscores "+
				"and hyphens and can not begin with a hyphen.", maxPortName)
		}
		if m.Protocol != types.TransportProtocolUdp {
			m.Protocol = types.TransportProtocolTcp // whatever was given (hashicorp/terraform-provider-aws#3645)
		}
		p.Name, p.UDP = value(m.Name), m.Protocol == types.TransportProtocolUdp
		out.Ports = append(out.Ports, p)
	}
	return nil
}

// singlePort reads a mapping of one port. The texts are those of real accounts (aws/aws-cli#7288, aws/amazon-ecs-cli#1014).
func singlePort(m *types.PortMapping, mode ecs.NetworkMode, container string) (p ecs.PortMapping, err error) {
	port, host := value(m.ContainerPort), value(m.HostPort)
	switch {
	case port < 1 || port > maxPort:
		return p, refusef("Invalid 'containerPort' setting for container '%s'.", container)
	case host < 0 || host > maxPort:
		return p, refusef("Invalid 'hostPort' setting for container '%s'.", container)
	}
	if mode != ecs.NetworkBridge {
		if m.HostPort != nil && host != port { // 0, any free port, is none of the host's either
			return p, refusef("When networkMode=%s, the host ports and container ports in port mappings must match.", mode)
		}
		host = port
	}
	m.HostPort = &host
	return ecs.PortMapping{ContainerPort: uint16(port), HostPort: uint16(host)}, nil
}

// portRange reads a mapping of several ports, "8000-8010". The texts are those of real accounts (cdk-preflight,
// pf-ecs-port-range-with-host-port and -reversed), but for that on host mode.
func portRange(m *types.PortMapping, mode ecs.NetworkMode, container string) (p ecs.PortMapping, err error) {
	if value(m.ContainerPort) != 0 || value(m.HostPort) != 0 {
		return p, refusef("Invalid port mapping for container '%s', cannot specify both single port and port range.", container)
	}
	if mode == ecs.NetworkHost {
		return p, refusef("Port ranges are not supported when networkMode=%s.", mode)
	}
	from, to, _ := strings.Cut(*m.ContainerPortRange, "-")
	first, err1 := strconv.ParseUint(from, 10, 16)
	last, err2 := strconv.ParseUint(to, 10, 16)
	if err1 != nil || err2 != nil || first < 1 || first >= last {
		return p, refusef("Invalid 'containerPortRange' setting for container '%s'.", container)
	}
	m.ContainerPort, m.HostPort = nil, nil
	p = ecs.PortMapping{ContainerPort: uint16(first), LastPort: uint16(last)}
	if mode == ecs.NetworkAwsvpc {
		p.HostPort = p.ContainerPort
	}
	return p, nil
}

func validPortName(s string) bool {
	if s == "" || len(s) > maxPortName || s[0] == '-' {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// ports is which ports of one network are taken, and how.
type ports map[port]taking

type port struct {
	number uint16
	udp    bool
}

// taking is how a port is taken.
type taking uint8

const (
	fixedPort   taking = iota + 1 // mapped to a host port that is named
	dynamicPort                   // mapped to any free host port
	rangePort                     // one of a range
	hostPort                      // of the host, or of an address of the task's own
)

// take takes the ports first to last, and gives the first of them that is taken already, 0 for none. In bridge mode a container
// port may be mapped several times to host ports that are named, and to any free one beside that.
func (t ports) take(first, last uint16, udp bool, how taking) (taken uint16) {
	for n := int(first); n <= int(max(first, last)); n++ {
		p := port{uint16(n), udp}
		if was := t[p]; was != 0 && (how >= rangePort || was >= rangePort || how == dynamicPort && was == dynamicPort) {
			return p.number
		}
		t[p] = max(t[p], how)
	}
	return 0
}

// checkPorts refuses a port or a name used twice across the containers of a definition. The texts are those of real accounts
// (aws/amazon-ecs-agent#1220, cdk-preflight's pf-ecs-port-range-overlap and pf-ecs-port-mapping-duplicate-name), but for that on
// bridge mode.
func checkPorts(d *ecs.TaskDefinition) error {
	task, names := ports{}, map[string]bool{}
	for i := range d.Containers {
		c := &d.Containers[i]
		own := ports{}
		for _, p := range c.Ports {
			if p.Name != "" && names[p.Name] {
				return refusef("When networkMode=%s, port mapping name is already used", d.NetworkMode)
			}
			names[p.Name] = true
			if err := takePort(p, d.NetworkMode, c.Name, task, own); err != nil {
				return err
			}
		}
	}
	return nil
}

// takePort takes what a mapping needs: of the task's ports, which its containers share, and in bridge mode of the container's own.
func takePort(p ecs.PortMapping, mode ecs.NetworkMode, container string, task, own ports) error {
	protocol := "TCP"
	if p.UDP {
		protocol = "UDP"
	}
	if mode == ecs.NetworkAwsvpc {
		if n := task.take(p.ContainerPort, p.LastPort, p.UDP, hostPort); n != 0 {
			return refusef("%s container port '%d' is used multiple times in task when networkMode=awsvpc.", protocol, n)
		}
		return nil
	}
	if p.HostPort != 0 {
		if n := task.take(p.HostPort, 0, p.UDP, hostPort); n != 0 {
			return refusef("%s host port '%d' is mapped multiple times in task.", protocol, n)
		}
	}
	how := dynamicPort
	switch {
	case p.LastPort != 0:
		how = rangePort
	case p.HostPort != 0:
		how = fixedPort
	}
	if n := own.take(p.ContainerPort, p.LastPort, p.UDP, how); n != 0 {
		return refusef("%s container port '%d' is used multiple times in container '%s'.", protocol, n, container)
	}
	return nil
}
