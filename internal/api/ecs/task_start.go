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
	run := asRun(in)
	if err := checkStart(run); err != nil {
		return nil, err
	}
	start, err := a.newStart(a.control.Root(), run)
	if err != nil {
		return nil, err
	}
	instances := make([]ecs.ID, len(in.ContainerInstances))
	for i, ref := range in.ContainerInstances {
		if instances[i], err = a.names.InstanceID(start.Cluster, ref); err != nil {
			return nil, err
		}
	}
	result, err := submit[*control.RunTaskResult](ctx, a, control.StartTask{Cluster: start.Cluster, Definition: start.Definition,
		Instances: instances, Overrides: start.Overrides, Group: start.Group, StartedBy: start.StartedBy, Tags: start.Tags, Network: start.Network})
	if err != nil {
		return nil, err
	}
	tasks, failures := a.showRun(start.Cluster, result)
	return &awsecs.StartTaskOutput{Tasks: tasks, Failures: failures}, nil
}

// asRun gives what a StartTask has in common with a RunTask.
func asRun(in *awsecs.StartTaskInput) *awsecs.RunTaskInput {
	return &awsecs.RunTaskInput{Cluster: in.Cluster, TaskDefinition: in.TaskDefinition, Overrides: in.Overrides, Group: in.Group,
		StartedBy: in.StartedBy, ReferenceId: in.ReferenceId, Tags: in.Tags, PropagateTags: in.PropagateTags,
		EnableECSManagedTags: in.EnableECSManagedTags, NetworkConfiguration: in.NetworkConfiguration}
}
