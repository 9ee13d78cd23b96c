package ecs

import (
	"context"
	"slices"
	"strconv"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/arn"
	"ballast/internal/control/root"
	"ballast/internal/ecs"
)

// DescribeTasks shows up to a hundred tasks of a cluster, stopped ones included for as long as they are kept.
func (a *API) DescribeTasks(_ context.Context, in *awsecs.DescribeTasksInput) (*awsecs.DescribeTasksOutput, error) {
	withTags := slices.Contains(in.Include, types.TaskFieldTags)
	tasks := references{in.Tasks, maxDescribed, "Tasks", "taskIds"}
	found, failures, err := describeIn(a, in.Cluster, tasks, func(state *root.Root, cluster, ref string) (*types.Task, string, error) {
		id, err := a.names.TaskID(cluster, ref)
		t := state.Task(cluster, id)
		if err != nil || t == nil {
			return nil, a.names.Task(cluster, id), err
		}
		shown := a.showTask(state, t, withTags)
		return &shown, "", nil
	})
	return &awsecs.DescribeTasksOutput{Tasks: found, Failures: failures}, err
}

// ListTasks gives the ARNs of a cluster's tasks, oldest first. The default is those whose desired status is RUNNING; PENDING is
// accepted and matches none (API_ListTasks).
func (a *API) ListTasks(_ context.Context, in *awsecs.ListTasksInput) (*awsecs.ListTasksOutput, error) {
	state := a.control.Root()
	cluster, err := a.cluster(state, in.Cluster)
	if err != nil {
		return nil, err
	}
	filter, err := a.filterOf(state, cluster.Name, in)
	if err != nil {
		return nil, err
	}
	s := scope{"ListTasks", cluster.Name, filter.Desired.String(), filter.Family, filter.Service, filter.StartedBy,
		value(in.ContainerInstance), string(in.LaunchType), string(in.DesiredStatus)}
	p, err := s.page(in.MaxResults, defaultPage, in.NextToken)
	if err != nil {
		return nil, err
	}
	after, err := p.number()
	if err != nil {
		return nil, err
	}
	if in.DesiredStatus == types.DesiredStatusPending || in.LaunchType != "" && in.LaunchType != types.LaunchTypeEc2 {
		return &awsecs.ListTasksOutput{TaskArns: []string{}}, nil
	}
	number := func(t *ecs.Task) string { return strconv.FormatUint(t.Seq, 10) }
	arns, next := list(p, state.Tasks(filter, after, p.limit+1), number, func(t *ecs.Task) string { return a.names.Task(cluster.Name, t.ID) })
	return &awsecs.ListTasksOutput{TaskArns: arns, NextToken: next}, nil
}

// filterOf reads the filters of ListTasks. Texts of real accounts: the one on family (awslabs/ecs-task-kite#6) and "Service not
// found.".
func (a *API) filterOf(state *root.Root, cluster string, in *awsecs.ListTasksInput) (root.TaskFilter, error) {
	f := root.TaskFilter{Cluster: cluster, Desired: ecs.StatusRunning, Family: value(in.Family), StartedBy: value(in.StartedBy)}
	if in.DesiredStatus == types.DesiredStatusStopped {
		f.Desired = ecs.StatusStopped
	}
	if f.Family != "" && !arn.ValidName(f.Family) {
		return f, ecs.Errorf(ecs.InvalidParameterException, "family must match %s", arn.Pattern)
	}
	service, instance := value(in.ServiceName), value(in.ContainerInstance)
	if f.StartedBy != "" && (f.Family != "" || service != "" || instance != "") {
		return f, ecs.Errorf(ecs.InvalidParameterException, "When you specify startedBy as the filter, it must be the only filter that you use.")
	}
	var err error
	if service != "" {
		if f.Service, err = a.names.ServiceName(cluster, service); err != nil {
			return f, err
		}
		if state.Service(cluster, f.Service) == nil {
			return f, ecs.Errorf(ecs.ServiceNotFoundException, "Service not found.")
		}
	}
	if instance != "" {
		if f.Instance, err = a.names.InstanceID(cluster, instance); err != nil {
			return f, err
		}
		if state.Instance(cluster, f.Instance) == nil {
			return f, ecs.Errorf(ecs.InvalidParameterException, "The referenced container instance was not found.")
		}
	}
	return f, nil
}
