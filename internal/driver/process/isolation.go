package process

import (
	"ballast/internal/agent/keeper"
	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// checkIsolation refuses what only a driver that separates containers from their host can give, naming it as the task definition
// does. Labels are for people, an init process reaps what the keeper reaps anyway, and the host's process ids and shared memory are what
// every process of it has. Limits and users are given as far as the system lets this program.
func checkIsolation(spec driver.Spec) error {
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
	for _, u := range i.Ulimits {
		if err := keeper.CheckUlimit(u); err != nil {
			return cannotCreate("ulimits: %s: %v", u.Name, err)
		}
	}
	_, _, err := hostAccounts().resolve(i.User)
	return err
}

// confinement is what a container that checkIsolation accepts is bound to. home is that of its user, "" where it has none.
func confinement(spec driver.Spec) (c keeper.Confinement, home string, err error) {
	if spec.Isolation == nil {
		return c, "", nil
	}
	c.Ulimits = spec.Isolation.Ulimits
	c.User, home, err = hostAccounts().resolve(spec.Isolation.User)
	return c, home, err
}

func lacks(name string) error {
	return cannotCreate("%s: the process driver does not offer it; --driver docker does", name)
}
