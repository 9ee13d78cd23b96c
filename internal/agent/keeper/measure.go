package keeper

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"ballast/internal/driver"
)

// clockTick is the unit of times in /proc (USER_HZ, time(7)), the same on all systems that Go knows.
const clockTick = 10 * time.Millisecond

// cannotInspect is what ECS calls a container that cannot be measured (amazon-ecs-agent, CannotInspectContainerError).
const cannotInspect = "CannotInspectContainerError"

// usage is processor time.
type usage struct{ user, system time.Duration }

// host is what is measured of the machine.
type host struct {
	cpu    time.Duration
	cpus   int
	memory uint64 // bytes
}

// stats measures a running container: by its control groups where it has such, else by its processes.
func (k *keeper) stats(key driver.Key) (*driver.Stats, error) {
	c, err := k.find(key)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	running, groups, limit := c.state == driver.Running && !c.ending, append([]string{c.cgroup}, c.groups...), c.resources.Memory
	k.mu.Unlock()
	if !running {
		return nil, &driver.Error{Name: cannotInspect, Text: fmt.Sprintf("container %v is not running", key)}
	}
	h, err := measureHost()
	if err != nil {
		return nil, fmt.Errorf("measure container %v: %w", key, err)
	}
	kin := k.kin(c)
	s := &driver.Stats{At: now(), HostCPU: h.cpu, OnlineCPUs: h.cpus, MemoryLimit: h.memory, PIDs: uint64(len(kin))}
	if limit > 0 {
		s.MemoryLimit = min(h.memory, uint64(limit)*mebibyte)
	}
	used, exact := usage{}, false
	for _, p := range kin {
		used.user += time.Duration(p.user) * clockTick
		used.system += time.Duration(p.system) * clockTick
		s.Memory += p.rss * uint64(os.Getpagesize())
		b, _ := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/io")
		io := numbersOf(b)
		s.ReadBytes += io["read_bytes:"]
		s.WrittenBytes += io["write_bytes:"]
	}
	for _, dir := range groups {
		if dir == "" {
			continue
		}
		if u, ok := groupUsage(dir); ok {
			used, exact = u, true
		}
		if memory, ok := groupMemory(dir); ok {
			s.Memory = memory
		}
	}
	if !exact { // what ended unseen took its time with it: a counter does not go back
		k.mu.Lock()
		used = usage{max(used.user, c.usage.user), max(used.system, c.usage.system)}
		c.usage = used
		k.mu.Unlock()
	}
	s.UserCPU, s.SystemCPU, s.CPU = used.user, used.system, used.user+used.system
	return s, nil
}

// groupUsage reads the processor time of a group of version 2, which has it with every controller and without (cgroup-v2, cpu.stat).
func groupUsage(dir string) (u usage, ok bool) {
	b, err := os.ReadFile(filepath.Join(dir, "cpu.stat"))
	if err != nil {
		return u, false
	}
	all := numbersOf(b)
	_, ok = all["usage_usec"]
	return usage{time.Duration(all["user_usec"]) * time.Microsecond, time.Duration(all["system_usec"]) * time.Microsecond}, ok
}

// groupMemory reads the memory of a group of either version, without the pages of files that the kernel can drop at any time.
func groupMemory(dir string) (size uint64, ok bool) {
	for _, form := range []struct{ size, cached string }{
		{"memory.current", "inactive_file"}, {"memory.usage_in_bytes", "total_inactive_file"},
	} {
		b, err := os.ReadFile(filepath.Join(dir, form.size))
		if err != nil {
			continue
		}
		if size, err = strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64); err != nil {
			continue
		}
		stat, _ := os.ReadFile(filepath.Join(dir, "memory.stat"))
		if cached := numbersOf(stat)[form.cached]; cached < size {
			size -= cached
		}
		return size, true
	}
	return 0, false
}

// parseHost reads /proc/stat and /proc/meminfo (proc_stat(5), proc_meminfo(5)). What guests used is part of what users used.
func parseHost(stat, meminfo []byte) (h host, err error) {
	for line := range bytes.Lines(stat) {
		f := strings.Fields(string(line))
		if len(f) < 5 || !strings.HasPrefix(f[0], "cpu") {
			continue
		}
		if f[0] != "cpu" {
			h.cpus++
			continue
		}
		for _, field := range f[1:min(len(f), 9)] {
			n, err := strconv.ParseUint(field, 10, 63)
			if err != nil {
				return h, fmt.Errorf("read /proc/stat: %w", err)
			}
			h.cpu += time.Duration(n) * clockTick
		}
	}
	h.memory = numbersOf(meminfo)["MemTotal:"] << 10
	if h.cpus == 0 || h.memory == 0 {
		return h, fmt.Errorf("read /proc: there is no processor or no memory in it")
	}
	return h, nil
}
