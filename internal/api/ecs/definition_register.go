package ecs

import (
	"cmp"
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
	if err := cmp.Or(checkLogLater(in.ContainerDefinitions), checkSecurityLater(in.ContainerDefinitions)); err != nil {
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
	d, err := parseTask(in)
	if err != nil {
		return none, nil, err
	}
	var volumes []types.Volume
	if d.Volumes, volumes, err = parseVolumes(in.Volumes); err != nil {
		return none, nil, err
	}
	d.Containers = make([]ecs.ContainerDefinition, len(in.ContainerDefinitions))
	containers := slices.Clone(in.ContainerDefinitions)
	for i := range containers {
		fillContainer(&containers[i])
		if d.Containers[i], err = parseContainer(&containers[i], &d); err != nil {
			return none, nil, err
		}
	}
	if err := checkTogether(in, &d); err != nil {
		return none, nil, err
	}
	return d, show(in, &d, containers, volumes), nil
}

// checkTogether refuses containers that are fine by themselves and not together.
func checkTogether(in *awsecs.RegisterTaskDefinitionInput, d *ecs.TaskDefinition) error {
	return cmp.Or(checkExecutionRole(value(in.ExecutionRoleArn), d.Containers), checkSizes(d), checkPeers(d.Containers),
		checkDependencies(d.Containers), checkPorts(d))
}

// parseTask reads what a definition says of the task as a whole.
func parseTask(in *awsecs.RegisterTaskDefinitionInput) (d ecs.TaskDefinition, err error) {
	d = ecs.TaskDefinition{Family: *in.Family, NetworkMode: networkModes[in.NetworkMode], PIDMode: sharings[string(in.PidMode)],
		IPCMode: sharings[string(in.IpcMode)]}
	if value(in.Cpu) != "" {
		if d.CPU, err = cpuUnits(*in.Cpu); err != nil {
			return d, err
		}
	}
	if value(in.Memory) != "" {
		if d.Memory, err = mebibytes(*in.Memory); err != nil {
			return d, err
		}
	}
	return d, nil
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

// parts read parts of a container definition c of the task d, and fill in their defaults: in out what is acted on, in c what is
// shown. The order matters where one looks at what others have read.
var parts = []func(c *types.ContainerDefinition, d *ecs.TaskDefinition, out *ecs.ContainerDefinition) error{
	checkNetworkMode, parsePorts, parseHealthCheck, parseDependencies, parseRestartPolicy, parseSecrets, parseEnvironmentFiles,
	parseCredentials, parseLogging, parseIsolation, parseMounts,
}

func parseContainer(c *types.ContainerDefinition, d *ecs.TaskDefinition) (ecs.ContainerDefinition, error) {
	out := ecs.ContainerDefinition{
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
		StopTimeout:       time.Duration(value(c.StopTimeout)) * time.Second,
		StartTimeout:      time.Duration(value(c.StartTimeout)) * time.Second,
	}
	for _, parse := range parts {
		if err := parse(c, d, &out); err != nil {
			return ecs.ContainerDefinition{}, err
		}
	}
	return out, nil
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
func show(in *awsecs.RegisterTaskDefinitionInput, d *ecs.TaskDefinition, containers []types.ContainerDefinition,
	volumes []types.Volume) *types.TaskDefinition {
	out := &types.TaskDefinition{
		Family:                  in.Family,
		ContainerDefinitions:    containers,
		NetworkMode:             in.NetworkMode,
		PidMode:                 in.PidMode,
		IpcMode:                 in.IpcMode,
		RuntimePlatform:         in.RuntimePlatform,
		TaskRoleArn:             text(value(in.TaskRoleArn)),
		ExecutionRoleArn:        text(value(in.ExecutionRoleArn)),
		Volumes:                 volumes,
		PlacementConstraints:    []types.TaskDefinitionPlacementConstraint{},
		Compatibilities:         compatibilities(d.NetworkMode),
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

// compatibilities gives what a definition can run on. External instances know no network interfaces of tasks (developer guide, External
// instances).
func compatibilities(mode ecs.NetworkMode) []types.Compatibility {
	if mode == ecs.NetworkAwsvpc {
		return []types.Compatibility{types.CompatibilityEc2}
	}
	return []types.Compatibility{types.CompatibilityExternal, types.CompatibilityEc2}
}

// stamp writes what control decided into a shown definition.
func (a *API) stamp(shown *types.TaskDefinition, d *ecs.TaskDefinition) {
	shown.TaskDefinitionArn = new(a.names.TaskDefinition(d.Family, d.Revision))
	shown.Revision = int32(d.Revision)
	shown.Status = types.TaskDefinitionStatus(d.Status.String())
	shown.RegisteredAt = when(d.RegisteredAt)
	shown.DeregisteredAt, shown.DeleteRequestedAt = when(d.DeregisteredAt), when(d.DeleteRequestedAt)
	shown.RegisteredBy = text(d.RegisteredBy)
}

// when gives a moment, or nothing for one that has not come.
func when(t ecs.Time) *time.Time {
	if t == 0 {
		return nil
	}
	return new(t.Std())
}
