package ecs

import (
	"context"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/control"
	"ballast/internal/ecs"
)

// maxProtected is how many tasks UpdateTaskProtection takes.
const maxProtected = 10

// UpdateTaskProtection protects up to ten tasks of services from being stopped by scale-in and deployments, or no longer.
func (a *API) UpdateTaskProtection(ctx context.Context, in *awsecs.UpdateTaskProtectionInput) (*awsecs.UpdateTaskProtectionOutput, error) {
	var minutes *int64
	if in.ExpiresInMinutes != nil {
		minutes = new(int64(*in.ExpiresInMinutes))
	}
	period, err := ecs.ProtectionFor(in.ProtectionEnabled, minutes)
	if err != nil {
		return nil, err
	}
	cluster, ids, err := a.protectable(in.Cluster, in.Tasks, maxProtected)
	if err != nil {
		return nil, err
	}
	protections, err := submit[[]control.Protection](ctx, a, control.ProtectTasks{Cluster: cluster, Tasks: ids, For: period})
	if err != nil {
		return nil, err
	}
	out := &awsecs.UpdateTaskProtectionOutput{ProtectedTasks: []types.ProtectedTask{}, Failures: []types.Failure{}}
	for i, p := range protections {
		if p.Task == nil {
			out.Failures = append(out.Failures, types.Failure{Arn: new(a.names.Task(cluster, ids[i])), Reason: &p.Reason})
			continue
		}
		out.ProtectedTasks = append(out.ProtectedTasks, a.showProtection(p.Task))
	}
	return out, nil
}

// GetTaskProtection says which of up to a hundred tasks are protected, and until when.
func (a *API) GetTaskProtection(_ context.Context, in *awsecs.GetTaskProtectionInput) (*awsecs.GetTaskProtectionOutput, error) {
	cluster, ids, err := a.protectable(in.Cluster, in.Tasks, maxDescribed)
	if err != nil {
		return nil, err
	}
	state := a.control.Root()
	out := &awsecs.GetTaskProtectionOutput{ProtectedTasks: []types.ProtectedTask{}, Failures: []types.Failure{}}
	for _, id := range ids {
		t := state.Task(cluster, id)
		if reason := control.Unprotectable(t); reason != "" {
			out.Failures = append(out.Failures, types.Failure{Arn: new(a.names.Task(cluster, id)), Reason: &reason})
			continue
		}
		out.ProtectedTasks = append(out.ProtectedTasks, a.showProtection(t))
	}
	return out, nil
}

// protectable reads the cluster and the tasks of a request.
func (a *API) protectable(ref *string, tasks []string, most int) (string, []ecs.ID, error) {
	if err := (references{tasks, most, "Tasks", "tasks"}).check(); err != nil {
		return "", nil, err
	}
	cluster, err := a.cluster(a.control.Root(), ref)
	if err != nil {
		return "", nil, err
	}
	ids := make([]ecs.ID, len(tasks))
	for i, task := range tasks {
		if ids[i], err = a.names.TaskID(cluster.Name, task); err != nil {
			return "", nil, err
		}
	}
	return cluster.Name, ids, nil
}

func (a *API) showProtection(t *ecs.Task) types.ProtectedTask {
	out := types.ProtectedTask{TaskArn: new(a.names.Task(t.Cluster, t.ID)), ProtectionEnabled: t.ProtectedUntil != 0}
	if t.ProtectedUntil != 0 {
		out.ExpirationDate = new(t.ProtectedUntil.Std())
	}
	return out
}
