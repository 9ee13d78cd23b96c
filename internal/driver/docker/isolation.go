package docker

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"

	"github.com/moby/moby/api/types/container"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// mebibyte is the unit of every size in a task definition.
const mebibyte = 1 << 20

// isolate adds what a container asks for beyond its image, command and limits (API_ContainerDefinition, API_LinuxParameters).
func isolate(config *container.Config, host *container.HostConfig, i *ecs.Isolation) error {
	if i == nil {
		return nil
	}
	config.User, config.Hostname = i.User, i.Hostname
	config.OpenStdin, config.Tty = i.Interactive, i.PseudoTerminal
	config.NetworkDisabled = i.DisableNetwork
	host.Privileged, host.ReadonlyRootfs = i.Privileged, i.ReadonlyRoot
	host.ShmSize = int64(i.SharedMemory) * mebibyte
	host.CapAdd, host.CapDrop = i.CapAdd, i.CapDrop
	host.SecurityOpt, host.DNSSearch = i.SecurityOptions, i.DNSSearch
	if i.Init {
		host.Init = &i.Init
	}
	for _, s := range i.DNSServers {
		address, err := netip.ParseAddr(s)
		if err != nil {
			return cannotCreate("dnsServers: %q is not an IP address", s)
		}
		host.DNS = append(host.DNS, address)
	}
	for _, h := range i.Hosts {
		host.ExtraHosts = append(host.ExtraHosts, h.Name+":"+h.Value)
	}
	host.Sysctls = variables(i.Sysctls)
	for _, u := range i.Ulimits {
		host.Ulimits = append(host.Ulimits, &container.Ulimit{Name: u.Name, Soft: u.Soft, Hard: u.Hard})
	}
	for _, d := range i.Devices {
		host.Devices = append(host.Devices, container.DeviceMapping{PathOnHost: d.HostPath,
			PathInContainer: cmp.Or(d.ContainerPath, d.HostPath), CgroupPermissions: cmp.Or(d.Permissions, "rwm")})
	}
	for _, t := range i.Tmpfs {
		if host.Tmpfs == nil {
			host.Tmpfs = map[string]string{}
		}
		host.Tmpfs[t.ContainerPath] = strings.Join(append([]string{fmt.Sprintf("size=%dm", t.Size)}, t.Options...), ",")
	}
	return swap(host, i)
}

// swap bounds the swap of a container: an engine wants memory and swap together, and neither bound where maxSwap is not given
// (API_LinuxParameters, maxSwap: "translated to the --memory-swap option to docker run where the value would be the sum of the
// container memory plus the maxSwap value"; "A maxSwap value must be set for the swappiness parameter to be used").
func swap(host *container.HostConfig, i *ecs.Isolation) error {
	if i.MaxSwap == nil {
		return nil
	}
	if host.Memory == 0 {
		return cannotCreate("linuxParameters.maxSwap: needs the container's memory, which is not given")
	}
	host.MemorySwap = host.Memory + int64(*i.MaxSwap)*mebibyte
	if i.Swappiness != nil {
		swappiness := int64(*i.Swappiness)
		host.MemorySwappiness = &swappiness
	}
	return nil
}

// dropped says which part of a definition an engine could not give, "" for none. It answers that with a warning and goes on without.
func dropped(warnings []string, i *ecs.Isolation) string {
	if i == nil || i.MaxSwap == nil {
		return "" // a memory limit without one on swap is what containers get without maxSwap
	}
	for _, w := range warnings {
		switch {
		case strings.Contains(w, "swappiness") && i.Swappiness != nil:
			return "linuxParameters.swappiness: " + w
		case strings.Contains(w, "swap limit"):
			return "linuxParameters.maxSwap: " + w
		}
	}
	return ""
}

// links names the containers of the same task that a container is linked with, as the engine calls them.
func links(cfg Config, key driver.Key, spec driver.Spec) (all []string, err error) {
	if spec.Isolation == nil {
		return nil, nil
	}
	for _, link := range spec.Isolation.Links {
		name, alias, _ := strings.Cut(link, ":")
		if spec.NetworkMode != ecs.NetworkBridge {
			return nil, cannotCreate("links: network mode %s has none", spec.NetworkMode)
		}
		all = append(all, peer(cfg, key, spec, name)+":"+cmp.Or(alias, name))
	}
	return all, nil
}

// peer is the engine's name of another container of the same task.
func peer(cfg Config, key driver.Key, spec driver.Spec, name string) string {
	return baseName(cfg.Instance, driver.Key{Task: key.Task, Container: name}, spec.Labels)
}

// variables gives names and values as engines take them, nil where there are none.
func variables(all []ecs.Variable) map[string]string {
	if len(all) == 0 {
		return nil
	}
	m := make(map[string]string, len(all))
	for _, v := range all {
		m[v.Name] = v.Value
	}
	return m
}
