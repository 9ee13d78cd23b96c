package ecs

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/ecs"
)

// maxSwappiness is the most that a kernel can be asked for (API_LinuxParameters).
const maxSwappiness = 100

// capabilities are the names of API_KernelCapabilities.
var capabilities = strings.Fields(`ALL AUDIT_CONTROL AUDIT_WRITE BLOCK_SUSPEND CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID
IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW SETFCAP
SETGID SETPCAP SETUID SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME
SYS_TTY_CONFIG SYSLOG WAKE_ALARM`)

// mountOptions are the names of API_Tmpfs; some take a value behind "=".
var mountOptions = strings.Fields(`defaults ro rw suid nosuid dev nodev exec noexec sync async dirsync remount mand nomand atime
noatime diratime nodiratime bind rbind unbindable runbindable private rprivate shared rshared slave rslave relatime norelatime
strictatime nostrictatime mode uid gid nr_inodes nr_blocks mpol`)

// parseLinux reads the linuxParameters of a container (API_LinuxParameters).
func parseLinux(c *types.ContainerDefinition, _ *ecs.TaskDefinition, i *ecs.Isolation) error {
	p := c.LinuxParameters
	if p == nil {
		return nil
	}
	switch {
	case value(p.MaxSwap) < 0:
		return inContainer(*c.Name, "linuxParameters.maxSwap must be 0 or a positive integer.")
	case value(p.Swappiness) < 0 || value(p.Swappiness) > maxSwappiness:
		return inContainer(*c.Name, "linuxParameters.swappiness must be between 0 and %d.", maxSwappiness)
	case value(p.SharedMemorySize) < 0 || value(p.SharedMemorySize) > maxMemory:
		return inContainer(*c.Name, "linuxParameters.sharedMemorySize must be at least 0 MiB and at most %d MiB.", maxMemory)
	}
	i.Init, i.SharedMemory = value(p.InitProcessEnabled), int(value(p.SharedMemorySize))
	if p.MaxSwap != nil { // else swappiness has no effect
		i.MaxSwap, i.Swappiness = integer(p.MaxSwap), integer(p.Swappiness)
	}
	if p.Capabilities != nil {
		i.CapAdd, i.CapDrop = clone(p.Capabilities.Add), clone(p.Capabilities.Drop)
		for _, name := range slices.Concat(i.CapAdd, i.CapDrop) {
			if !slices.Contains(capabilities, name) {
				return refusef("Unrecognized kernel capability %s", name)
			}
		}
	}
	if err := parseDevices(p.Devices, *c.Name, i); err != nil {
		return err
	}
	return parseTmpfs(p.Tmpfs, *c.Name, i)
}

func parseDevices(in []types.Device, container string, i *ecs.Isolation) error {
	for n, d := range in {
		host, inside := value(d.HostPath), value(d.ContainerPath)
		switch {
		case host == "":
			return inContainer(container, "linuxParameters.devices[%d].hostPath should not be null or empty.", n)
		case !validPath(host):
			return inContainer(container, "linuxParameters.devices[%d].hostPath must be an absolute path.", n)
		case inside != "" && !validPath(inside):
			return inContainer(container, "linuxParameters.devices[%d].containerPath must be an absolute path.", n)
		}
		i.Devices = append(i.Devices, ecs.Device{HostPath: host, ContainerPath: inside, Permissions: letters(d.Permissions)})
	}
	return nil
}

// letters gives permissions as Linux writes them, in its order.
func letters(permissions []types.DeviceCgroupPermission) string {
	var b strings.Builder
	for _, p := range []types.DeviceCgroupPermission{types.DeviceCgroupPermissionRead, types.DeviceCgroupPermissionWrite,
		types.DeviceCgroupPermissionMknod} {
		if slices.Contains(permissions, p) {
			b.WriteByte(p[0])
		}
	}
	return b.String()
}

// parseTmpfs reads file systems in memory. The text on their size is that of real accounts (aws/amazon-ecs-agent#2226).
func parseTmpfs(in []types.Tmpfs, container string, i *ecs.Isolation) error {
	for n, t := range in {
		at := value(t.ContainerPath)
		switch {
		case at == "":
			return inContainer(container, "linuxParameters.tmpfs[%d].containerPath should not be null or empty.", n)
		case !validPath(at):
			return inContainer(container, "linuxParameters.tmpfs[%d].containerPath must be an absolute path.", n)
		case t.Size <= 0:
			return refusef("The container has an invalid tmpfs size value specified. It must be a non-zero, non-negative integer.")
		}
		for _, option := range t.MountOptions {
			if name, _, _ := strings.Cut(option, "="); !slices.Contains(mountOptions, name) || strings.ContainsAny(option, ",\x00") {
				return refusef("Unrecognized tmpfs mount option %s", option)
			}
		}
		i.Tmpfs = append(i.Tmpfs, ecs.Tmpfs{ContainerPath: at, Size: int(t.Size), Options: clone(t.MountOptions)})
	}
	return nil
}
