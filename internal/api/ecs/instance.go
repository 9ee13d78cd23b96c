package ecs

import (
	"context"
	"slices"
	"strconv"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/control"
	"ballast/internal/control/root"
	"ballast/internal/ecs"
)

// DescribeContainerInstances shows container instances of a cluster.
func (a *API) DescribeContainerInstances(_ context.Context, in *awsecs.DescribeContainerInstancesInput,
) (*awsecs.DescribeContainerInstancesOutput, error) {
	withTags := slices.Contains(in.Include, types.ContainerInstanceFieldTags)
	withHealth := slices.Contains(in.Include, types.ContainerInstanceFieldContainerInstanceHealth)
	instances := references{in.ContainerInstances, maxDescribed, "Container instances", "instanceIds"}
	found, failures, err := describeIn(a, in.Cluster, instances, func(state *root.Root, cluster, ref string) (*types.ContainerInstance, string, error) {
		id, err := a.names.InstanceID(cluster, ref)
		i := state.Instance(cluster, id)
		if err != nil || i == nil {
			return nil, a.names.ContainerInstance(cluster, id), err
		}
		shown := a.showInstance(i)
		if withTags {
			shown.Tags = showTags(i.Tags)
		}
		if withHealth {
			shown.HealthStatus = showHealth(i)
		}
		return &shown, "", nil
	})
	return &awsecs.DescribeContainerInstancesOutput{ContainerInstances: found, Failures: failures}, err
}

// ListContainerInstances gives the ARNs of a cluster's container instances in every status but INACTIVE, or in the one asked
// for (API_ListContainerInstances).
func (a *API) ListContainerInstances(_ context.Context, in *awsecs.ListContainerInstancesInput) (*awsecs.ListContainerInstancesOutput, error) {
	state := a.control.Root()
	cluster, err := a.cluster(state, in.Cluster)
	if err != nil {
		return nil, err
	}
	p, err := scope{"ListContainerInstances", cluster.Name, string(in.Status)}.page(in.MaxResults, defaultPage, in.NextToken)
	if err != nil {
		return nil, err
	}
	var after ecs.ID
	if p.after != "" {
		if after, err = ecs.ParseID(p.after); err != nil {
			return nil, invalidToken()
		}
	}
	keep := func(i *ecs.ContainerInstance) bool {
		return registered(i) && (in.Status == "" || string(in.Status) == i.Status.String())
	}
	id := func(i *ecs.ContainerInstance) string { return i.ID.String() }
	arns, next := list(p, state.Instances(cluster.Name, after, p.limit+1, keep), id,
		func(i *ecs.ContainerInstance) string { return a.names.ContainerInstance(cluster.Name, i.ID) })
	return &awsecs.ListContainerInstancesOutput{ContainerInstanceArns: arns, NextToken: next}, nil
}

// DeregisterContainerInstance takes a container instance out of its cluster. With force, tasks on it are STOPPED as far as the API is
// concerned, and their containers are left alone (API_DeregisterContainerInstance).
func (a *API) DeregisterContainerInstance(ctx context.Context, in *awsecs.DeregisterContainerInstanceInput,
) (*awsecs.DeregisterContainerInstanceOutput, error) {
	cluster, err := a.cluster(a.control.Root(), in.Cluster)
	if err != nil {
		return nil, err
	}
	if value(in.ContainerInstance) == "" {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "Container instance can not be blank.")
	}
	id, err := a.names.InstanceID(cluster.Name, *in.ContainerInstance)
	if err != nil {
		return nil, err
	}
	i, err := submit[*ecs.ContainerInstance](ctx, a, control.DeregisterContainerInstance{Cluster: cluster.Name, Instance: id,
		Force: value(in.Force)})
	if err != nil {
		return nil, err
	}
	shown := a.showInstance(i)
	return &awsecs.DeregisterContainerInstanceOutput{ContainerInstance: &shown}, nil
}

func (a *API) showInstance(i *ecs.ContainerInstance) types.ContainerInstance {
	status := i.Status.String()
	out := types.ContainerInstance{
		ContainerInstanceArn: new(a.names.ContainerInstance(i.Cluster, i.ID)),
		Status:               &status,
		AgentConnected:       i.Connected,
		Version:              int64(i.Version),
		VersionInfo:          &types.VersionInfo{AgentVersion: text(i.AgentVersion)},
		RegisteredAt:         when(i.RegisteredAt),
		RegisteredResources:  showResources(i.Registered),
		RemainingResources:   showResources(i.Remaining),
		RunningTasksCount:    int32(i.Running),
		PendingTasksCount:    int32(i.Pending),
		Attributes:           make([]types.Attribute, len(i.Attributes)),
		Attachments:          []types.Attachment{},
		Tags:                 []types.Tag{},
	}
	for n := range i.Attributes {
		out.Attributes[n] = types.Attribute{Name: &i.Attributes[n].Name, Value: text(i.Attributes[n].Value)}
	}
	return out
}

// showResources gives the four resources under the names that ECS uses (API_Resource).
func showResources(r ecs.Resources) []types.Resource {
	integer := func(name string, n int) types.Resource {
		return types.Resource{Name: &name, Type: new("INTEGER"), IntegerValue: int32(n)}
	}
	set := func(name string, ports []uint16) types.Resource {
		out := types.Resource{Name: &name, Type: new("STRINGSET"), StringSetValue: make([]string, len(ports))}
		for i, p := range ports {
			out.StringSetValue[i] = strconv.Itoa(int(p))
		}
		return out
	}
	return []types.Resource{integer("CPU", r.CPU), integer("MEMORY", r.Memory), set("PORTS", r.Ports), set("PORTS_UDP", r.PortsUDP)}
}

// showHealth gives the health that can be told: that the agent speaks to control, and reaches what runs its containers
// (API_InstanceHealthCheckResult).
func showHealth(i *ecs.ContainerInstance) *types.ContainerInstanceHealthStatus {
	status, reason := types.InstanceHealthCheckStateOk, (*string)(nil)
	if i.Impaired != "" {
		reason = &i.Impaired
	}
	if !i.Connected || i.Impaired != "" {
		status = types.InstanceHealthCheckStateImpaired
	}
	return &types.ContainerInstanceHealthStatus{OverallStatus: status,
		Details: []types.InstanceHealthCheckResult{{Type: types.InstanceHealthCheckTypeContainerRuntime, Status: status, StatusReason: reason}}}
}
