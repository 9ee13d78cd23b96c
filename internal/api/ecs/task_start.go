package ecs

import (
	"context"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"

	"ballast/internal/control"
	"ballast/internal/ecs"
)

// maxStarted is how many container instances StartTask takes (API_StartTask).
const maxStarted = 10

// StartTask starts a standalone task on each of the container instances named.
func (a *API) StartTask(ctx context.Context, in *awsecs.StartTaskInput) (*awsecs.StartTaskOutput, error) {
	if err := (references{in.ContainerInstances, maxStarted, "Container instances", "containerInstances"}).check(); err != nil {
		return nil, err
	}
	if err := checkStart(value(in.Group), value(in.StartedBy), value(in.ReferenceId), in.PropagateTags); err != nil {
		return nil, err
	}
	cmd, err := a.newStart(in)
	if err != nil {
		return nil, err
	}
	result, err := submit[*control.RunTaskResult](ctx, a, cmd)
	if err != nil {
		return nil, err
	}
	tasks, failures := a.showRun(cmd.Cluster, result)
	return &awsecs.StartTaskOutput{Tasks: tasks, Failures: failures}, nil
}

// newStart gives the command that a request describes.
func (a *API) newStart(in *awsecs.StartTaskInput) (control.StartTask, error) {
	var none control.StartTask
	state := a.control.Root()
	cluster, err := a.cluster(state, in.Cluster)
	if err != nil {
		return none, err
	}
	definition, err := a.usable(state, in.TaskDefinition, ecs.InvalidParameterException)
	if err != nil {
		return none, err
	}
	instances := make([]ecs.ID, len(in.ContainerInstances))
	for i, ref := range in.ContainerInstances {
		if instances[i], err = a.names.InstanceID(cluster.Name, ref); err != nil {
			return none, err
		}
	}
	overrides, err := overridesOf(in.Overrides, definition)
	if err != nil {
		return none, err
	}
	tags, err := startTags(in.Tags, in.PropagateTags, in.EnableECSManagedTags, cluster.Name, definition)
	if err != nil {
		return none, err
	}
	network, err := networkFor(in.NetworkConfiguration, definition.NetworkMode)
	if err != nil {
		return none, err
	}
	return control.StartTask{Cluster: cluster.Name, Definition: definition, Instances: instances, Overrides: overrides,
		Group: value(in.Group), StartedBy: value(in.StartedBy), Tags: tags, Network: network}, nil
}
