package ecs

import (
	"context"
	"strings"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/arn"
	"ballast/internal/control"
	"ballast/internal/control/root"
	"ballast/internal/ecs"
)

const (
	maxCount     = 10   // tasks that one RunTask can start (API_RunTask)
	runToken     = 64   // longest client token (API_RunTask)
	maxReference = 1024 // longest referenceId (API_RunTask)
	maxReason    = 1024 // longest reason given to StopTask; the API reference states no limit
)

// RunTask places and starts standalone tasks.
func (a *API) RunTask(ctx context.Context, in *awsecs.RunTaskInput) (*awsecs.RunTaskOutput, error) {
	if err := checkRun(in); err != nil {
		return nil, err
	}
	cmd, err := a.newRun(in)
	if err != nil {
		return nil, err
	}
	result, err := submit[*control.RunTaskResult](ctx, a, cmd)
	if err != nil {
		return nil, err
	}
	tasks, failures := a.showRun(cmd.Cluster, result)
	return &awsecs.RunTaskOutput{Tasks: tasks, Failures: failures}, nil
}

// showRun gives what RunTask and StartTask answer.
func (a *API) showRun(cluster string, result *control.RunTaskResult) ([]types.Task, []types.Failure) {
	tasks, failures := make([]types.Task, len(result.Tasks)), make([]types.Failure, len(result.Failures))
	state := a.control.Root()
	for i, t := range result.Tasks {
		tasks[i] = a.showTask(state, t, true)
	}
	for i, f := range result.Failures {
		failures[i].Reason, failures[i].Detail = &result.Failures[i].Reason, text(f.Detail)
		if !f.Instance.IsZero() {
			failures[i].Arn = new(a.names.ContainerInstance(cluster, f.Instance))
		}
	}
	return tasks, failures
}

// checkRun looks at what needs no state.
func checkRun(in *awsecs.RunTaskInput) error {
	switch {
	case in.Count != nil && (*in.Count < 1 || *in.Count > maxCount):
		return ecs.Errorf(ecs.InvalidParameterException, "count must be between 1 and %d.", maxCount)
	case !arn.ValidToken(value(in.ClientToken), runToken):
		return ecs.Errorf(ecs.InvalidParameterException, "clientToken can have at most %d ASCII characters.", runToken)
	}
	return checkStart(in)
}

// checkStart looks at what RunTask and StartTask have in common.
func checkStart(in *awsecs.RunTaskInput) error {
	group := value(in.Group)
	switch {
	case len(value(in.StartedBy)) > arn.MaxStartedBy: // the text of real accounts (convox/rack#1727)
		return ecs.Errorf(ecs.InvalidParameterException, "startedBy longer than %d.", arn.MaxStartedBy)
	case !arn.ValidStartedBy(value(in.StartedBy)):
		return ecs.Errorf(ecs.InvalidParameterException, "startedBy can have at most 128 letters, numbers, hyphens, forward slashes and underscores.")
	case !arn.ValidGroup(group):
		return ecs.Errorf(ecs.InvalidParameterException,
			"group can have at most %d letters, numbers, hyphens, underscores, colons and periods.", arn.MaxName)
	case strings.HasPrefix(group, "service:"):
		return ecs.Errorf(ecs.InvalidParameterException, "group can not begin with service:, which is reserved for the tasks of services.")
	case in.PropagateTags == types.PropagateTagsService:
		return ecs.Errorf(ecs.InvalidParameterException, "propagateTags SERVICE is only possible for the tasks of a service; use TASK_DEFINITION.")
	case len(value(in.ReferenceId)) > maxReference:
		return ecs.Errorf(ecs.InvalidParameterException, "referenceId can have at most %d characters.", maxReference)
	}
	return nil
}

// newRun gives the command that a request describes.
func (a *API) newRun(in *awsecs.RunTaskInput) (cmd control.RunTask, err error) {
	state := a.control.Root()
	if cmd, err = a.newStart(state, in); err != nil {
		return cmd, err
	}
	if len(state.Instances(cmd.Cluster, ecs.ID{}, 1, registered)) == 0 {
		// The text of real accounts; with instances of which none has room, the tasks become failures instead.
		return cmd, ecs.Errorf(ecs.InvalidParameterException, "No Container Instances were found in your cluster.")
	}
	cmd.Count = 1
	if in.Count != nil {
		cmd.Count = int(*in.Count)
	}
	cmd.Token = value(in.ClientToken)
	cmd.Digest, err = digestOf(cmd.Token, in)
	return cmd, err
}

// newStart gives what the commands of RunTask and StartTask have in common.
func (a *API) newStart(state *root.Root, in *awsecs.RunTaskInput) (cmd control.RunTask, err error) {
	cluster, err := a.cluster(state, in.Cluster)
	if err != nil {
		return cmd, err
	}
	definition, err := a.usable(state, in.TaskDefinition, ecs.InvalidParameterException)
	if err != nil {
		return cmd, err
	}
	cmd = control.RunTask{Cluster: cluster.Name, Definition: definition, Group: value(in.Group), StartedBy: value(in.StartedBy)}
	if cmd.Overrides, err = overridesOf(in.Overrides, definition); err != nil {
		return cmd, err
	}
	if cmd.Tags, err = startTags(in.Tags, in.PropagateTags, in.EnableECSManagedTags, cluster.Name, definition); err != nil {
		return cmd, err
	}
	cmd.Network, err = networkFor(in.NetworkConfiguration, definition.NetworkMode)
	return cmd, err
}

// startTags gives the tags of a standalone task: those asked for, then those of its definition and ECS's own where they are wanted.
func startTags(in []types.Tag, propagate types.PropagateTags, managed bool, cluster string, d *ecs.TaskDefinition) ([]ecs.Tag, error) {
	tags, err := tagsOf(in, ecs.InvalidParameterException)
	if err != nil {
		return nil, err
	}
	if propagate == types.PropagateTagsTaskDefinition {
		tags = withTags(tags, d.Tags)
	}
	if managed {
		tags = withTags(tags, []ecs.Tag{{Key: "aws:ecs:clusterName", Value: cluster}})
	}
	return tags, nil
}

func registered(i *ecs.ContainerInstance) bool { return i.Status != ecs.InstanceInactive }

// withTags adds tags whose keys are not there yet.
func withTags(tags, more []ecs.Tag) []ecs.Tag {
	given := map[string]bool{}
	for _, t := range tags {
		given[t.Key] = true
	}
	for _, t := range more {
		if !given[t.Key] {
			tags = append(tags, t)
		}
	}
	return tags
}

// StopTask stops a task. The text on unknown tasks is that of real accounts.
func (a *API) StopTask(ctx context.Context, in *awsecs.StopTaskInput) (*awsecs.StopTaskOutput, error) {
	state := a.control.Root()
	cluster, err := a.cluster(state, in.Cluster)
	if err != nil {
		return nil, err
	}
	if value(in.Task) == "" {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "Task can not be blank.")
	}
	id, err := a.names.TaskID(cluster.Name, *in.Task)
	if err != nil {
		return nil, err
	}
	reason := value(in.Reason)
	switch {
	case reason == "":
		reason = ecs.ReasonStoppedByUser
	case len(reason) > maxReason:
		return nil, ecs.Errorf(ecs.InvalidParameterException, "reason can have at most %d characters.", maxReason)
	}
	t, err := submit[*ecs.Task](ctx, a, control.StopTask{Cluster: cluster.Name, Task: id, Reason: reason})
	if err != nil {
		return nil, err
	}
	shown := a.showTask(a.control.Root(), t, false)
	return &awsecs.StopTaskOutput{Task: &shown}, nil
}
