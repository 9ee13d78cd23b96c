package metadata

import "net/http"

// version is one of the task metadata endpoint's.
type version struct {
	path, name string
	// The status where nobody has the id that is asked with.
	noMetadata, noStats int
	// shown gives what it shows of an answer.
	shown func(any) any
}

// The versions tell in different ways of what they do not know (amazon-ecs-agent, agent/handlers/v4/tmdsstate.go; agent/handlers/v3).
var (
	version4 = version{"/v4/{id}", "V4 ", http.StatusNotFound, http.StatusNotFound, func(answer any) any { return answer }}
	version3 = version{"/v3/{id}", "V3 ", http.StatusInternalServerError, http.StatusBadRequest, inVersion3}
)

// inVersion3 leaves out what only version 4 shows (amazon-ecs-agent, agent/handlers/v2, NewTaskResponse and NewContainerResponse without
// includeV4Metadata; developer guide, Task metadata endpoint version 3).
func inVersion3(answer any) any {
	switch a := answer.(type) {
	case containerShape:
		return a.inVersion3()
	case taskShape:
		a.LaunchType, a.ServiceName, a.FaultInjectionEnabled = "", "", nil
		for i := range a.Containers {
			a.Containers[i] = a.Containers[i].inVersion3()
		}
		return a
	case *statsShape:
		a.Rates = nil
	case map[string]*statsShape:
		for _, one := range a {
			if one != nil {
				one.Rates = nil
			}
		}
	}
	return answer
}

func (c containerShape) inVersion3() containerShape {
	c.LogDriver, c.LogOptions, c.ContainerARN, c.RestartCount = "", nil, "", nil
	for i := range c.Ports {
		c.Ports[i].HostIp = ""
	}
	for i := range c.Networks {
		c.Networks[i] = networkShape{NetworkMode: c.Networks[i].NetworkMode, IPv4Addresses: c.Networks[i].IPv4Addresses}
	}
	return c
}
