package ecs

import (
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/arn"
	"ballast/internal/ecs"
)

var sharings = map[string]ecs.Sharing{
	"":                        ecs.SharingDefault,
	string(types.IpcModeHost): ecs.SharingHost,
	string(types.IpcModeTask): ecs.SharingTask,
	string(types.IpcModeNone): ecs.SharingNone,
}

// parseIsolation reads what a container asks for of a driver that separates it from its host. Nothing of it makes no Isolation: a
// driver that separates nothing can run the container.
func parseIsolation(c *types.ContainerDefinition, d *ecs.TaskDefinition, out *ecs.ContainerDefinition) error {
	i := ecs.Isolation{
		User:            value(c.User),
		Hostname:        value(c.Hostname),
		Privileged:      value(c.Privileged),
		ReadonlyRoot:    value(c.ReadonlyRootFilesystem),
		Interactive:     value(c.Interactive),
		PseudoTerminal:  value(c.PseudoTerminal),
		DisableNetwork:  value(c.DisableNetworking),
		Links:           clone(c.Links),
		DNSServers:      clone(c.DnsServers),
		DNSSearch:       clone(c.DnsSearchDomains),
		SecurityOptions: clone(c.DockerSecurityOptions),
		Labels:          sortedVariables(c.DockerLabels),
	}
	for _, read := range []func(*types.ContainerDefinition, *ecs.TaskDefinition, *ecs.Isolation) error{
		checkTexts, checkNames, parseHosts, parseSysctls, parseUlimits, parseLinux,
	} {
		if err := read(c, d, &i); err != nil {
			return err
		}
	}
	if !reflect.DeepEqual(i, ecs.Isolation{}) {
		out.Isolation = &i
	}
	return nil
}

// clone gives a list of its own, nil for an empty one.
func clone(in []string) []string {
	if len(in) == 0 {
		return nil
	}
	return slices.Clone(in)
}

// checkTexts refuses what no driver could be given.
func checkTexts(c *types.ContainerDefinition, _ *ecs.TaskDefinition, i *ecs.Isolation) error {
	for _, part := range []struct {
		name  string
		texts []string
	}{
		{"user", []string{i.User}}, {"hostname", []string{i.Hostname}}, {"dnsSearchDomains", i.DNSSearch},
		{"dockerSecurityOptions", i.SecurityOptions},
	} {
		if hasNUL(part.texts) {
			return inContainer(*c.Name, "%s contains invalid characters.", part.name)
		}
	}
	if mapHasNUL(c.DockerLabels) {
		return inContainer(*c.Name, "dockerLabels contains invalid characters.")
	}
	if _, found := c.DockerLabels[""]; found {
		return inContainer(*c.Name, "The name of a docker label should not be null or empty.")
	}
	return nil
}

// securityOptions is how values of dockerSecurityOptions may begin (API_ContainerDefinition).
var securityOptions = []string{"apparmor:", "label:", "credentialspec:"}

// checkNames refuses links, addresses and security options that are none.
func checkNames(c *types.ContainerDefinition, _ *ecs.TaskDefinition, i *ecs.Isolation) error {
	for _, link := range i.Links {
		name, alias, given := strings.Cut(link, ":")
		if !arn.ValidName(name) || given && !arn.ValidName(alias) {
			return refusef("Invalid 'links' setting for container '%s'.", *c.Name)
		}
	}
	for _, server := range i.DNSServers {
		if _, err := netip.ParseAddr(server); err != nil {
			return refusef("Invalid 'dnsServers' setting for container '%s'.", *c.Name)
		}
	}
	for _, domain := range i.DNSSearch {
		if domain == "" {
			return refusef("Invalid 'dnsSearchDomains' setting for container '%s'.", *c.Name)
		}
	}
	for _, option := range i.SecurityOptions {
		if option != "no-new-privileges" && !slices.ContainsFunc(securityOptions, func(begin string) bool {
			return strings.HasPrefix(option, begin) && len(option) > len(begin)
		}) {
			return refusef("Invalid 'dockerSecurityOptions' setting for container '%s'.", *c.Name)
		}
	}
	return nil
}

// checkSecurityLater refuses what only Windows and domains know.
func checkSecurityLater(containers []types.ContainerDefinition) error {
	for i := range containers {
		for n, option := range containers[i].DockerSecurityOptions {
			if strings.HasPrefix(option, "credentialspec:") {
				return notYet("containerDefinitions[" + strconv.Itoa(i) + "].dockerSecurityOptions[" + strconv.Itoa(n) + "] credentialspec")
			}
		}
	}
	return nil
}

// parseHosts reads the extra lines of /etc/hosts. "host-gateway" is Docker's word for the address of the host.
func parseHosts(c *types.ContainerDefinition, _ *ecs.TaskDefinition, i *ecs.Isolation) error {
	for n, h := range c.ExtraHosts {
		name, address := value(h.Hostname), value(h.IpAddress)
		_, err := netip.ParseAddr(address)
		switch {
		case name == "":
			return inContainer(*c.Name, "extraHosts[%d].hostname should not be null or empty.", n)
		case address == "":
			return inContainer(*c.Name, "extraHosts[%d].ipAddress should not be null or empty.", n)
		case strings.ContainsAny(name, ": \t\n\x00") || err != nil && address != "host-gateway":
			return refusef("Invalid 'extraHosts' setting for container '%s'.", *c.Name)
		}
		i.Hosts = append(i.Hosts, ecs.Variable{Name: name, Value: address})
	}
	return nil
}

// ipcControls are the kernel parameters that each IPC namespace has of its own, beside fs.mqueue.* (API_SystemControl).
var ipcControls = []string{"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax",
	"kernel.shmmni", "kernel.shm_rmid_forced"}

// parseSysctls reads kernel parameters (API_SystemControl; API_RegisterTaskDefinition, ipcMode; developer guide, Task definition
// parameters, systemControls).
func parseSysctls(c *types.ContainerDefinition, d *ecs.TaskDefinition, i *ecs.Isolation) error {
	for n, s := range c.SystemControls {
		name, text := value(s.Namespace), value(s.Value)
		net := strings.HasPrefix(name, "net.")
		ipc := strings.HasPrefix(name, "fs.mqueue.") || slices.Contains(ipcControls, name)
		switch {
		case name == "":
			return inContainer(*c.Name, "systemControls[%d].namespace should not be null or empty.", n)
		case text == "":
			return inContainer(*c.Name, "systemControls[%d].value should not be null or empty.", n)
		case !net && !ipc:
			return refusef("Unrecognized system control namespace %s", name)
		case strings.Contains(name+text, "\x00"):
			return inContainer(*c.Name, "systemControls[%d] contains invalid characters.", n)
		case net && d.NetworkMode == ecs.NetworkHost:
			return refusef("Network namespace system controls are not supported when networkMode=host.")
		case ipc && d.IPCMode == ecs.SharingHost:
			return refusef("IPC namespace system controls are not supported when ipcMode=host.")
		case slices.ContainsFunc(i.Sysctls, func(before ecs.Variable) bool { return before.Name == name }):
			return refusef("Duplicate system control namespaces found: %s. Each namespace must be unique.", name)
		}
		i.Sysctls = append(i.Sysctls, ecs.Variable{Name: name, Value: text})
	}
	return nil
}

// parseUlimits reads the bounds on the resources of a container; -1 is none. The texts on names and order are those of real
// accounts (Shippable/support#3699, cdk-preflight's pf-ecs-ulimit-soft-over-hard).
func parseUlimits(c *types.ContainerDefinition, _ *ecs.TaskDefinition, i *ecs.Isolation) error {
	for n, u := range c.Ulimits {
		name := string(u.Name)
		switch {
		case name == "":
			return inContainer(*c.Name, "ulimits[%d].name should not be null or empty.", n)
		case !slices.Contains(u.Name.Values(), u.Name):
			return refusef("Unrecognized ulimit name %s", name)
		case u.SoftLimit < -1 || u.HardLimit < -1:
			return refusef("Limits must be -1 or more for ulimit %s", name)
		case u.HardLimit != -1 && (u.SoftLimit == -1 || u.SoftLimit > u.HardLimit):
			return refusef("Soft limit exceeds hard limit for ulimit %s", name)
		case slices.ContainsFunc(i.Ulimits, func(before ecs.Ulimit) bool { return before.Name == name }):
			return refusef("Duplicate ulimit names found: %s. Each ulimit name must be unique.", name)
		}
		i.Ulimits = append(i.Ulimits, ecs.Ulimit{Name: name, Soft: int64(u.SoftLimit), Hard: int64(u.HardLimit)})
	}
	return nil
}
