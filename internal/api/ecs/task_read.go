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
	if err := check(in, ecs.InvalidParameterException); err != nil {
		return nil, err
	}
	if err := countOf(len(in.Tasks), maxDescribed, "Tasks", "tasks"); err != nil {
		return nil, err
	}
	state := a.control.Root()
	cluster, err := a.cluster(state, in.Cluster)
	if err != nil {
		return nil, err
	}
	withTags := slices.Contains(in.Include, types.TaskFieldTags)
	found, failures, err := described(in.Tasks, func(ref string) (*types.Task, string, error) {
		id, err := a.names.TaskID(cluster.Name, ref)
		if err != nil {
			return nil, "", err
		}
		t := state.Task(cluster.Name, id)
		if t == nil {
			return nil, a.names.Task(cluster.Name, id), nil
		}
		shown := a.showTask(state, t, withTags)
		return &shown, "", nil
	})
	if err != nil {
		return nil, err
	}
	return &awsecs.DescribeTasksOutput{Tasks: found, Failures: failures}, nil
}

// ListTasks gives the ARNs of a cluster's tasks, oldest first. The default is those whose desired status is RUNNING; PENDING is
// accepted and matches none (API_ListTasks).
func (a *API) ListTasks(_ context.Context, in *awsecs.ListTasksInput) (*awsecs.ListTasksOutput, error) {
	if err := check(in, ecs.InvalidParameterException); err != nil {
		return nil, err
	}
	limit, err := pageSize(in.MaxResults, defaultPage)
	if err != nil {
		return nil, err
	}
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
	key, err := s.position(in.NextToken)
	if err != nil {
		return nil, err
	}
	var after uint64
	if key != "" {
		if after, err = strconv.ParseUint(key, 36, 64); err != nil {
			return nil, invalidToken()
		}
	}
	out := &awsecs.ListTasksOutput{TaskArns: []string{}}
	if in.DesiredStatus == types.DesiredStatusPending || in.LaunchType != "" && in.LaunchType != types.LaunchTypeEc2 {
		return out, nil
	}
	found := state.Tasks(filter, after, limit+1)
	found, out.NextToken = cut(found, limit, s, func(t *ecs.Task) string { return strconv.FormatUint(t.Seq, 36) })
	for _, t := range found {
		out.TaskArns = append(out.TaskArns, a.names.Task(cluster.Name, t.ID))
	}
	return out, nil
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
