package process

import (
	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// checkIsolation refuses what only a driver that separates containers from their host can give, naming it as the task definition
// does. Labels are for people, an init process reaps what the keeper reaps anyway, and the host's process ids and shared memory are what
// every process of it has.
func checkIsolation(spec driver.Spec) error {
	for _, m := range spec.Ports {
		if m.LastPort != 0 {
			return lacks("portMappings.containerPortRange")
		}
	}
	switch {
	case len(spec.Mounts) > 0:
		return lacks("mountPoints")
	case len(spec.VolumesFrom) > 0:
		return lacks("volumesFrom")
	case spec.PIDMode != ecs.SharingDefault && spec.PIDMode != ecs.SharingHost:
		return lacks("pidMode " + spec.PIDMode.String())
	case spec.IPCMode != ecs.SharingDefault && spec.IPCMode != ecs.SharingHost:
		return lacks("ipcMode " + spec.IPCMode.String())
	case spec.Isolation == nil:
		return nil
	}
	i := spec.Isolation
	for _, part := range []struct {
		name  string
		asked bool
	}{
		{"user", i.User != ""},
		{"hostname", i.Hostname != ""},
		{"privileged", i.Privileged},
		{"readonlyRootFilesystem", i.ReadonlyRoot},
		{"interactive", i.Interactive},
		{"pseudoTerminal", i.PseudoTerminal},
		{"disableNetworking", i.DisableNetwork},
		{"links", len(i.Links) > 0},
		{"dnsServers", len(i.DNSServers) > 0},
		{"dnsSearchDomains", len(i.DNSSearch) > 0},
		{"extraHosts", len(i.Hosts) > 0},
		{"dockerSecurityOptions", len(i.SecurityOptions) > 0},
		{"systemControls", len(i.Sysctls) > 0},
		{"ulimits", len(i.Ulimits) > 0},
		{"linuxParameters.capabilities", len(i.CapAdd)+len(i.CapDrop) > 0},
		{"linuxParameters.devices", len(i.Devices) > 0},
		{"linuxParameters.tmpfs", len(i.Tmpfs) > 0},
		{"linuxParameters.sharedMemorySize", i.SharedMemory != 0},
		{"linuxParameters.maxSwap", i.MaxSwap != nil},
		{"linuxParameters.swappiness", i.Swappiness != nil},
	} {
		if part.asked {
			return lacks(part.name)
		}
	}
	return nil
}

func lacks(name string) error {
	return cannotCreate("%s: the process driver does not offer it; remove it, or use the docker driver", name)
}
