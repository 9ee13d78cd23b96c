package ecs

import (
	"cmp"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/ecs"
	"ballast/internal/wire"
)

// maxOverrides is how many characters the overrides of a task can have, JSON included (API_RunTask, overrides).
const maxOverrides = 8192

// overridesOf reads and checks the overrides of a task against its definition; nil when they change nothing.
func overridesOf(in *types.TaskOverride, d *ecs.TaskDefinition) (*ecs.Overrides, error) {
	if in == nil {
		return nil, nil
	}
	form, err := wire.AppendJSON(nil, in)
	if err != nil {
		return nil, err
	}
	if len(form) > maxOverrides {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "Container overrides length must be at most %d.", maxOverrides)
	}
	out := &ecs.Overrides{}
	if value(in.Cpu) != "" {
		if out.CPU, err = cpuUnits(*in.Cpu); err != nil {
			return nil, err
		}
	}
	if value(in.Memory) != "" {
		if out.Memory, err = mebibytes(*in.Memory); err != nil {
			return nil, err
		}
	}
	limit := cmp.Or(out.Memory, d.Memory)
	for i := range in.ContainerOverrides {
		c, err := containerOverride(&in.ContainerOverrides[i], d, out.Containers)
		if err != nil {
			return nil, err
		}
		if c != nil && c.Memory != nil && limit != 0 && *c.Memory > limit { // the text of real accounts (artilleryio/artillery#591)
			return nil, ecs.Errorf(ecs.InvalidParameterException, "'memory' setting for container '%s' is greater than for task.", c.Name)
		}
		if c != nil {
			out.Containers = append(out.Containers, *c)
		}
	}
	if out.CPU == 0 && out.Memory == 0 && len(out.Containers) == 0 {
		return nil, nil
	}
	return out, nil
}

// containerOverride reads one container's overrides; an empty one, {}, is allowed and means nothing (API_ContainerOverride).
// The text on unknown names is that of real accounts (azavea/django-ecsmanage#21).
func containerOverride(in *types.ContainerOverride, d *ecs.TaskDefinition, before []ecs.ContainerOverride) (*ecs.ContainerOverride, error) {
	name := value(in.Name)
	if name == "" {
		if in.Command == nil && in.Environment == nil && in.EnvironmentFiles == nil && in.Cpu == nil && in.Memory == nil && in.MemoryReservation == nil {
			return nil, nil
		}
		return nil, ecs.Errorf(ecs.InvalidParameterException, "Container override name can not be blank.")
	}
	c := container(d, name)
	if c == nil {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "Override for container named %s is not a container in the TaskDefinition.", name)
	}
	for i := range before {
		if before[i].Name == name {
			return nil, ecs.Errorf(ecs.InvalidParameterException, "Container %s is overridden more than once.", name)
		}
	}
	if err := checkOverride(in, c); err != nil {
		return nil, err
	}
	files, err := environmentFiles(in.EnvironmentFiles, func(format string, args ...any) error {
		return ecs.Errorf(ecs.InvalidParameterException, format, args...)
	})
	if err != nil {
		return nil, err
	}
	return &ecs.ContainerOverride{Name: name, Command: in.Command, Environment: variables(in.Environment), EnvironmentFiles: files,
		CPU: integer(in.Cpu), Memory: integer(in.Memory), MemoryReservation: integer(in.MemoryReservation)}, nil
}

func checkOverride(in *types.ContainerOverride, c *ecs.ContainerDefinition) error {
	refuse := func(format string, args ...any) error {
		e := ecs.Errorf(ecs.InvalidParameterException, format, args...)
		e.Message = "Invalid override for container '" + c.Name + "'. " + e.Message
		return e
	}
	memory, reservation := or(in.Memory, c.Memory), or(in.MemoryReservation, c.MemoryReservation)
	switch {
	case hasNUL(in.Command):
		return refuse("command contains invalid characters.")
	case in.Cpu != nil && (*in.Cpu < 0 || *in.Cpu > maxTaskCPU):
		return refuse("cpu must be between 0 and %d.", maxTaskCPU)
	case in.Memory != nil && (memory < minMemory || memory > maxMemory):
		return refuse("'memory' must be at least %d MiB and at most %d MiB.", minMemory, maxMemory)
	case in.MemoryReservation != nil && (reservation < minMemory || reservation > maxMemory):
		return refuse("'memoryReservation' must be at least %d MiB and at most %d MiB.", minMemory, maxMemory)
	case memory != 0 && memory < reservation:
		return refuse("'memory' must be greater than or equal to 'memoryReservation'.")
	}
	return checkEnvironment(in.Environment, refuse)
}

// container finds a container of a definition by name.
func container(d *ecs.TaskDefinition, name string) *ecs.ContainerDefinition {
	for i := range d.Containers {
		if d.Containers[i].Name == name {
			return &d.Containers[i]
		}
	}
	return nil
}

// or gives the override where there is one.
func or(given *int32, otherwise int) int {
	if given != nil {
		return int(*given)
	}
	return otherwise
}

func integer(p *int32) *int {
	if p == nil {
		return nil
	}
	return new(int(*p))
}
