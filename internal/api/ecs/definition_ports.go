package ecs

import (
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/ecs"
)

const maxPort = 65535

// maxPortName is the longest name of a port mapping (API_PortMapping).
const maxPortName = 64

// parsePorts reads the port mappings of a container and gives them with their defaults filled in: in host mode the host port
// is the container port, in bridge mode 0 asks for any free one. The text on host mode is that of real accounts, which have it
// for awsvpc in the same words.
func parsePorts(c *types.ContainerDefinition, mode ecs.NetworkMode) ([]ecs.PortMapping, error) {
	if len(c.PortMappings) == 0 {
		return nil, nil
	}
	out := make([]ecs.PortMapping, len(c.PortMappings))
	for i := range c.PortMappings {
		m := &c.PortMappings[i]
		if m.ContainerPort == nil || *m.ContainerPort < 1 || *m.ContainerPort > maxPort {
			return nil, inContainer(*c.Name, "containerPort must be between 1 and %d.", maxPort)
		}
		host := value(m.HostPort)
		if host < 0 || host > maxPort {
			return nil, inContainer(*c.Name, "hostPort must be between 0 and %d.", maxPort)
		}
		if mode == ecs.NetworkHost {
			if host != 0 && host != *m.ContainerPort {
				return nil, refusef("When networkMode=host, the host ports and container ports in port mappings must match.")
			}
			host = *m.ContainerPort
		}
		if m.Name != nil && !validPortName(*m.Name) {
			return nil, inContainer(*c.Name, "The name of a port mapping can have at most %d lower-case letters, numbers, underscores "+
				"and hyphens and can not begin with a hyphen.", maxPortName)
		}
		m.HostPort = &host
		if m.Protocol == "" {
			m.Protocol = types.TransportProtocolTcp
		}
		out[i] = ecs.PortMapping{Name: value(m.Name), ContainerPort: uint16(*m.ContainerPort), HostPort: uint16(host),
			UDP: m.Protocol == types.TransportProtocolUdp}
	}
	return out, nil
}

// checkPorts refuses a host port or a name used twice, and a mapping given twice, across all containers of a definition.
func checkPorts(containers []ecs.ContainerDefinition) error {
	type hostPort struct {
		port uint16
		udp  bool
	}
	hosts, names := map[hostPort]bool{}, map[string]bool{}
	for i := range containers {
		c := &containers[i]
		dynamic := map[hostPort]bool{}
		for _, p := range c.Ports {
			switch {
			case p.HostPort != 0 && hosts[hostPort{p.HostPort, p.UDP}]:
				return inContainer(c.Name, "hostPort %d is used by another port mapping of the task definition.", p.HostPort)
			case p.HostPort == 0 && dynamic[hostPort{p.ContainerPort, p.UDP}]:
				return inContainer(c.Name, "containerPort %d is mapped more than once.", p.ContainerPort)
			case p.Name != "" && names[p.Name]:
				return inContainer(c.Name, "The name '%s' is used by another port mapping of the task definition.", p.Name)
			}
			if p.HostPort == 0 {
				dynamic[hostPort{p.ContainerPort, p.UDP}] = true
			} else {
				hosts[hostPort{p.HostPort, p.UDP}] = true
			}
			names[p.Name] = true
		}
	}
	return nil
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
