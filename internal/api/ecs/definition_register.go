package ecs

import (
	"context"
	"slices"
	"strconv"
	"time"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/control"
	"ballast/internal/ecs"
	"ballast/internal/wire"
)

// RegisterTaskDefinition makes the next revision of a family.
func (a *API) RegisterTaskDefinition(ctx context.Context, in *awsecs.RegisterTaskDefinitionInput) (*awsecs.RegisterTaskDefinitionOutput, error) {
	if err := check(in, ecs.ClientException); err != nil {
		return nil, err
	}
	if in.Tags != nil && len(in.Tags) == 0 {
		// A real account refuses this, so a describe output can not be registered unchanged there either.
		return nil, refusef("Tags can not be empty.")
	}
	tags, err := tagsOf(in.Tags, ecs.ClientException)
	if err != nil {
		return nil, err
	}
	definition, shown, err := parseDefinition(in)
	if err != nil {
		return nil, err
	}
	if definition.Document, err = wire.AppendJSON(nil, shown); err != nil {
		return nil, err
	}
	if n := len(definition.Document); n > maxDefinition {
		return nil, refusef("Actual length: '%d'. Max allowed length is '%d' bytes.", n, maxDefinition)
	}
	definition.Tags, definition.RegisteredBy = tags, caller(ctx)
	made, err := submit[*ecs.TaskDefinition](ctx, a, control.RegisterTaskDefinition{Definition: definition})
	if err != nil {
		return nil, err
	}
	a.stamp(shown, made)
	return &awsecs.RegisterTaskDefinitionOutput{TaskDefinition: shown, Tags: showTags(made.Tags)}, nil
}

// parseDefinition gives what Ballast acts on, and the definition as Describe shows it but for what control decides. The input
// is left as it is.
func parseDefinition(in *awsecs.RegisterTaskDefinitionInput) (ecs.TaskDefinition, *types.TaskDefinition, error) {
	var none ecs.TaskDefinition
	if err := checkDefinition(in); err != nil {
		return none, nil, err
	}
	d := ecs.TaskDefinition{Family: *in.Family, Containers: make([]ecs.ContainerDefinition, len(in.ContainerDefinitions))}
	if in.NetworkMode == types.NetworkModeHost {
		d.NetworkMode = ecs.NetworkHost
	}
	var err error
	if value(in.Cpu) != "" {
		if d.CPU, err = cpuUnits(*in.Cpu); err != nil {
			return none, nil, err
		}
	}
	if value(in.Memory) != "" {
		if d.Memory, err = mebibytes(*in.Memory); err != nil {
			return none, nil, err
		}
	}
	containers := slices.Clone(in.ContainerDefinitions)
	for i := range containers {
		fillContainer(&containers[i])
		if d.Containers[i], err = parseContainer(&containers[i], d.NetworkMode); err != nil {
			return none, nil, err
		}
	}
	if err := checkSizes(&d); err != nil {
		return none, nil, err
	}
	if err := checkDependencies(d.Containers); err != nil {
		return none, nil, err
	}
	if err := checkPorts(d.Containers); err != nil {
		return none, nil, err
	}
	return d, show(in, &d, containers), nil
}

// fillContainer sets what ECS shows where nothing was given.
func fillContainer(c *types.ContainerDefinition) {
	if c.Essential == nil {
		c.Essential = new(true)
	}
	if c.Environment == nil {
		c.Environment = []types.KeyValuePair{}
	}
	if c.MountPoints == nil {
		c.MountPoints = []types.MountPoint{}
	}
	if c.VolumesFrom == nil {
		c.VolumesFrom = []types.VolumeFrom{}
	}
	if c.SystemControls == nil {
		c.SystemControls = []types.SystemControl{}
	}
	c.PortMappings = slices.Clone(c.PortMappings)
	if c.PortMappings == nil {
		c.PortMappings = []types.PortMapping{}
	}
}

func parseContainer(c *types.ContainerDefinition, mode ecs.NetworkMode) (ecs.ContainerDefinition, error) {
	ports, err := parsePorts(c, mode)
	if err != nil {
		return ecs.ContainerDefinition{}, err
	}
	check, err := parseHealthCheck(c)
	return ecs.ContainerDefinition{
		Name:              *c.Name,
		Image:             *c.Image,
		Essential:         *c.Essential,
		EntryPoint:        c.EntryPoint,
		Command:           c.Command,
		WorkingDirectory:  value(c.WorkingDirectory),
		Environment:       variables(c.Environment),
		CPU:               int(c.Cpu),
		Memory:            int(value(c.Memory)),
		MemoryReservation: int(value(c.MemoryReservation)),
		Ports:             ports,
		StopTimeout:       time.Duration(value(c.StopTimeout)) * time.Second,
		HealthCheck:       check,
		DependsOn:         dependencies(c),
		StartTimeout:      time.Duration(value(c.StartTimeout)) * time.Second,
	}, err
}

func variables(in []types.KeyValuePair) []ecs.Variable {
	if len(in) == 0 {
		return nil
	}
	out := make([]ecs.Variable, len(in))
	for i, v := range in {
		out[i] = ecs.Variable{Name: value(v.Name), Value: value(v.Value)}
	}
	return out
}

// show gives the definition as ECS shows it: cpu and memory as numbers, lists present even when empty, networkMode and
// requiresCompatibilities only where they were given (seen in describe-task-definition output of real accounts).
func show(in *awsecs.RegisterTaskDefinitionInput, d *ecs.TaskDefinition, containers []types.ContainerDefinition) *types.TaskDefinition {
	out := &types.TaskDefinition{
		Family:                  in.Family,
		ContainerDefinitions:    containers,
		NetworkMode:             in.NetworkMode,
		TaskRoleArn:             text(value(in.TaskRoleArn)),
		ExecutionRoleArn:        text(value(in.ExecutionRoleArn)),
		Volumes:                 []types.Volume{},
		PlacementConstraints:    []types.TaskDefinitionPlacementConstraint{},
		Compatibilities:         []types.Compatibility{types.CompatibilityExternal, types.CompatibilityEc2},
		RequiresCompatibilities: in.RequiresCompatibilities,
		EnableFaultInjection:    in.EnableFaultInjection,
	}
	if d.CPU != 0 {
		out.Cpu = new(strconv.Itoa(d.CPU))
	}
	if d.Memory != 0 {
		out.Memory = new(strconv.Itoa(d.Memory))
	}
	return out
}

// stamp writes what control decided into a shown definition.
func (a *API) stamp(shown *types.TaskDefinition, d *ecs.TaskDefinition) {
	shown.TaskDefinitionArn = new(a.names.TaskDefinition(d.Family, d.Revision))
	shown.Revision = int32(d.Revision)
	shown.Status = types.TaskDefinitionStatus(d.Status.String())
	shown.RegisteredAt = when(d.RegisteredAt)
	shown.DeregisteredAt = when(d.DeregisteredAt)
	shown.RegisteredBy = text(d.RegisteredBy)
}

// when gives a moment, or nothing for one that has not come.
func when(t ecs.Time) *time.Time {
	if t == 0 {
		return nil
	}
	return new(t.Std())
}
