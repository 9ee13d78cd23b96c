package agent

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/session"
)

// specOf says what the driver is to make of a container: its definition with the overrides of the task applied.
func specOf(t *task, c *container) *driver.Spec {
	def, work := c.def, t.work
	spec := &driver.Spec{
		Image:            def.Image,
		EntryPoint:       def.EntryPoint,
		Command:          def.Command,
		WorkingDirectory: def.WorkingDirectory,
		Environment:      def.Environment,
		NetworkMode:      work.Definition.NetworkMode,
		Ports:            def.Ports,
		Secrets:          def.Secrets,
		EnvironmentFiles: def.EnvironmentFiles,

		Isolation: def.Isolation, Volumes: volumesOf(work.Definition.Volumes, def.Mounts), Mounts: def.Mounts, VolumesFrom: def.VolumesFrom,
		PIDMode: work.Definition.PIDMode, IPCMode: work.Definition.IPCMode, Logging: def.Logging,

		CPU: def.CPU, Memory: def.Memory, MemoryReservation: def.MemoryReservation, Task: taskLimits(work),
		// The labels that the agent of ECS gives to containers (developer guide, Container metadata).
		Labels: map[string]string{
			"com.amazonaws.ecs.cluster":                 work.Cluster,
			"com.amazonaws.ecs.container-name":          def.Name,
			"com.amazonaws.ecs.task-definition-family":  work.Definition.Family,
			"com.amazonaws.ecs.task-definition-version": strconv.Itoa(work.Definition.Revision),
		},
	}
	if o := overrideOf(work.Overrides, def.Name); o != nil {
		if len(o.Command) > 0 {
			spec.Command = o.Command
		}
		spec.Environment = overridden(def.Environment, o.Environment)
		spec.CPU, spec.Memory = replaced(spec.CPU, o.CPU), replaced(spec.Memory, o.Memory)
		spec.MemoryReservation = replaced(spec.MemoryReservation, o.MemoryReservation)
		if len(o.EnvironmentFiles) > 0 {
			spec.EnvironmentFiles = o.EnvironmentFiles
		}
	}
	if c.key.Attempt > 0 && spec.NetworkMode == ecs.NetworkBridge {
		spec.Ports = boundPorts(spec.Ports, c.started.Bindings)
	}
	return spec
}

// taskLimits gives the limits of a task, those of its overrides in the place of its definition's, nil for one that has none. The task's
// share of processors is what its limit is or, without one, what its containers ask for (amazon-ecs-agent, BuildLinuxResourceSpec).
func taskLimits(work *session.Work) *driver.TaskLimits {
	limits := driver.TaskLimits{CPU: work.Definition.CPU, Memory: work.Definition.Memory}
	if o := work.Overrides; o != nil {
		limits.CPU, limits.Memory = cmp.Or(o.CPU, limits.CPU), cmp.Or(o.Memory, limits.Memory)
	}
	if limits == (driver.TaskLimits{}) {
		return nil
	}
	if limits.Share = limits.CPU; limits.Share == 0 {
		for _, def := range work.Definition.Containers {
			cpu := def.CPU
			if o := overrideOf(work.Overrides, def.Name); o != nil {
				cpu = replaced(cpu, o.CPU)
			}
			limits.Share += cpu
		}
		limits.Share = max(limits.Share, minShare)
	}
	return &limits
}

// minShare is the share of a task without any (amazon-ecs-agent, minimumCPUShare).
const minShare = 2

// volumesOf gives the volumes that a container mounts.
func volumesOf(all []ecs.Volume, mounts []ecs.MountPoint) []ecs.Volume {
	var mounted []ecs.Volume
	for _, v := range all {
		if slices.ContainsFunc(mounts, func(m ecs.MountPoint) bool { return m.Volume == v.Name }) {
			mounted = append(mounted, v)
		}
	}
	return mounted
}

// replaced gives a limit, or what an override has in its place.
func replaced(limit int, over *int) int {
	if over != nil {
		return *over
	}
	return limit
}

func overrideOf(all *ecs.Overrides, name string) *ecs.ContainerOverride {
	if all == nil {
		return nil
	}
	for i := range all.Containers {
		if all.Containers[i].Name == name {
			return &all.Containers[i]
		}
	}
	return nil
}

// overridden gives the variables of a definition with those of an override in their place, or behind them where they are new
// (API_ContainerOverride: "You can add new environment variables ... or you can override the existing").
func overridden(base, over []ecs.Variable) []ecs.Variable {
	if len(over) == 0 {
		return base
	}
	merged := append(make([]ecs.Variable, 0, len(base)+len(over)), base...)
next:
	for _, v := range over {
		for i := range merged {
			if merged[i].Name == v.Name {
				merged[i].Value = v.Value
				continue next
			}
		}
		merged = append(merged, v)
	}
	return merged
}

func (m *Machine) stopTimeout(c *container) time.Duration {
	if c.def != nil && c.def.StopTimeout > 0 {
		return c.def.StopTimeout
	}
	return m.cfg.StopTimeout
}
