package ecs

import (
	"context"
	"slices"
	"strconv"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/control"
	"ballast/internal/ecs"
)

// DescribeContainerInstances shows container instances of a cluster.
func (a *API) DescribeContainerInstances(_ context.Context, in *awsecs.DescribeContainerInstancesInput,
) (*awsecs.DescribeContainerInstancesOutput, error) {
	if err := check(in, ecs.InvalidParameterException); err != nil {
		return nil, err
	}
	if err := countOf(len(in.ContainerInstances), maxDescribed, "Container instances", "container instances"); err != nil {
		return nil, err
	}
	state := a.control.Root()
	cluster, err := a.cluster(state, in.Cluster)
	if err != nil {
		return nil, err
	}
	withTags := slices.Contains(in.Include, types.ContainerInstanceFieldTags)
	withHealth := slices.Contains(in.Include, types.ContainerInstanceFieldContainerInstanceHealth)
	found, failures, err := described(in.ContainerInstances, func(ref string) (*types.ContainerInstance, string, error) {
		id, err := a.names.InstanceID(cluster.Name, ref)
		if err != nil {
			return nil, "", err
		}
		i := state.Instance(cluster.Name, id)
		if i == nil {
			return nil, a.names.ContainerInstance(cluster.Name, id), nil
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
	if err != nil {
		return nil, err
	}
	return &awsecs.DescribeContainerInstancesOutput{ContainerInstances: found, Failures: failures}, nil
}

// ListContainerInstances gives the ARNs of a cluster's container instances in every status but INACTIVE, or in the one asked
// for (API_ListContainerInstances).
func (a *API) ListContainerInstances(_ context.Context, in *awsecs.ListContainerInstancesInput) (*awsecs.ListContainerInstancesOutput, error) {
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
	s := scope{"ListContainerInstances", cluster.Name, string(in.Status)}
	key, err := s.position(in.NextToken)
	if err != nil {
		return nil, err
	}
	var after ecs.ID
	if key != "" {
		if after, err = ecs.ParseID(key); err != nil {
			return nil, invalidToken()
		}
	}
	keep := func(i *ecs.ContainerInstance) bool {
		return registered(i) && (in.Status == "" || string(in.Status) == i.Status.String())
	}
	found := state.Instances(cluster.Name, after, limit+1, keep)
	found, next := cut(found, limit, s, func(i *ecs.ContainerInstance) string { return i.ID.String() })
	out := &awsecs.ListContainerInstancesOutput{ContainerInstanceArns: make([]string, len(found)), NextToken: next}
	for n, i := range found {
		out.ContainerInstanceArns[n] = a.names.ContainerInstance(cluster.Name, i.ID)
	}
	return out, nil
}

// DeregisterContainerInstance takes a container instance out of its cluster. With force, tasks on it are STOPPED as far as the API is
// concerned, and their containers are left alone (API_DeregisterContainerInstance).
func (a *API) DeregisterContainerInstance(ctx context.Context, in *awsecs.DeregisterContainerInstanceInput,
) (*awsecs.DeregisterContainerInstanceOutput, error) {
	if err := check(in, ecs.InvalidParameterException); err != nil {
		return nil, err
	}
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

// showHealth gives the health that can be told: that the agent speaks to control.
func showHealth(i *ecs.ContainerInstance) *types.ContainerInstanceHealthStatus {
	status := types.InstanceHealthCheckStateOk
	if !i.Connected {
		status = types.InstanceHealthCheckStateImpaired
	}
	return &types.ContainerInstanceHealthStatus{OverallStatus: status,
		Details: []types.InstanceHealthCheckResult{{Type: types.InstanceHealthCheckTypeContainerRuntime, Status: status}}}
}
