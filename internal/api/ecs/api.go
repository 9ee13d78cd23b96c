package ecs

import (
	"context"

	"ballast/internal/arn"
	"ballast/internal/control"
	"ballast/internal/control/root"
	"ballast/internal/ecs"
	"ballast/internal/httpd"
)

// Control is what the operations need of the control runner: a way to ask for a change and the committed state.
type Control interface {
	// Submit returns once the change is durable. The error is an *ecs.Error or that of the context.
	Submit(ctx context.Context, cmd control.Command) (any, error)
	// Root gives the committed state; it includes every change that Submit has answered.
	Root() *root.Root
}

// Config is what an API is made of.
type Config struct {
	Names   arn.Namer
	Control Control
	// CheckTags refuses tags of clusters and services that Ballast reads ("ballast:...") and cannot make sense of; nil
	// accepts all.
	CheckTags func([]ecs.Tag) error
	// Alarms says that somebody tells control which alarms are raised, so that deployments can look at them.
	Alarms bool
	// TargetGroup says whether there is a target group of that ARN, of which somebody tells control how its targets are. Nil refuses
	// services with load balancers.
	TargetGroup func(arn string) bool
	// Registry says the same of service registries. Nil refuses services that are found in one.
	Registry func(arn string) bool
}

// API has one method for each operation served. Each gives an *ecs.Error when it refuses, or the context's error.
type API struct {
	names   arn.Namer
	control Control
	tags    func([]ecs.Tag) error
	alarms  bool

	targetGroup func(arn string) bool
	registry    func(arn string) bool
}

// New gives the operations over a control runner.
func New(config Config) *API {
	a := &API{names: config.Names, control: config.Control, tags: config.CheckTags, alarms: config.Alarms, targetGroup: config.TargetGroup,
		registry: config.Registry}
	if a.tags == nil {
		a.tags = func([]ecs.Tag) error { return nil }
	}
	return a
}

// Operations gives the operations served, for httpd to dispatch to.
func Operations(config Config) []httpd.Operation {
	a := New(config)
	return []httpd.Operation{
		op("CreateCluster", httpd.Admin, a.CreateCluster),
		op("DescribeClusters", httpd.Read, a.DescribeClusters),
		op("ListClusters", httpd.Read, a.ListClusters),
		op("UpdateCluster", httpd.Admin, a.UpdateCluster),
		op("UpdateClusterSettings", httpd.Admin, a.UpdateClusterSettings),
		op("DeleteCluster", httpd.Admin, a.DeleteCluster),
		op("DeregisterTaskDefinition", httpd.Admin, a.DeregisterTaskDefinition),
		op("DeleteTaskDefinitions", httpd.Admin, a.DeleteTaskDefinitions),
		op("ListTaskDefinitionFamilies", httpd.Read, a.ListTaskDefinitionFamilies),
		op("RegisterTaskDefinition", httpd.Admin, a.RegisterTaskDefinition),
		op("DescribeTaskDefinition", httpd.Read, a.DescribeTaskDefinition),
		op("ListTaskDefinitions", httpd.Read, a.ListTaskDefinitions),
		op("CreateService", httpd.Admin, a.CreateService),
		op("DescribeServices", httpd.Read, a.DescribeServices),
		op("UpdateService", httpd.Admin, a.UpdateService),
		op("ListServices", httpd.Read, a.ListServices),
		op("DeleteService", httpd.Admin, a.DeleteService),
		op("ListServiceDeployments", httpd.Read, a.ListServiceDeployments),
		op("DescribeServiceDeployments", httpd.Read, a.DescribeServiceDeployments),
		op("DescribeServiceRevisions", httpd.Read, a.DescribeServiceRevisions),
		op("StopServiceDeployment", httpd.Admin, a.StopServiceDeployment),
		op("RunTask", httpd.Admin, a.RunTask),
		op("StartTask", httpd.Admin, a.StartTask),
		op("StopTask", httpd.Admin, a.StopTask),
		op("DescribeTasks", httpd.Read, a.DescribeTasks),
		op("ListTasks", httpd.Read, a.ListTasks),
		op("GetTaskProtection", httpd.Read, a.GetTaskProtection),
		op("UpdateTaskProtection", httpd.Admin, a.UpdateTaskProtection),
		op("TagResource", httpd.Admin, a.TagResource),
		op("UntagResource", httpd.Admin, a.UntagResource),
		op("ListTagsForResource", httpd.Read, a.ListTagsForResource),
		op("ListAccountSettings", httpd.Read, a.ListAccountSettings),
		op("PutAccountSetting", httpd.Admin, a.PutAccountSetting),
		op("PutAccountSettingDefault", httpd.Admin, a.PutAccountSettingDefault),
		op("DeleteAccountSetting", httpd.Admin, a.DeleteAccountSetting),
		op("DescribeContainerInstances", httpd.Read, a.DescribeContainerInstances),
		op("ListContainerInstances", httpd.Read, a.ListContainerInstances),
		op("DeregisterContainerInstance", httpd.Admin, a.DeregisterContainerInstance),
	}
}

// op makes an operation of one that refuses what its table does not allow before its method sees it.
func op[I, O any](name string, access httpd.Access, method func(context.Context, *I) (*O, error)) httpd.Operation {
	return httpd.Op(httpd.ECS, name, access, func(ctx context.Context, in *I) (*O, error) {
		if err := check(in); err != nil {
			return nil, err
		}
		return method(ctx, in)
	})
}

// caller gives the ARN of whoever sent the request, "" outside one.
func caller(ctx context.Context) string {
	if p, ok := httpd.PrincipalFrom(ctx); ok {
		return p.ARN()
	}
	return ""
}

// submit asks control for a change whose answer is a T.
func submit[T any](ctx context.Context, a *API, cmd control.Command) (T, error) {
	answer, err := a.control.Submit(ctx, cmd)
	if err != nil {
		var none T
		return none, err
	}
	return answer.(T), nil
}

// cluster finds the cluster that a request means. The texts are those of real accounts ("Cluster not found.", "The referenced
// cluster was inactive.").
func (a *API) cluster(state *root.Root, ref *string) (*ecs.Cluster, error) {
	name, err := a.names.ClusterName(value(ref))
	if err != nil {
		return nil, err
	}
	c := state.Cluster(name)
	switch {
	case c == nil:
		return nil, ecs.Errorf(ecs.ClusterNotFoundException, "Cluster not found.")
	case c.Inactive:
		return nil, ecs.Errorf(ecs.ClusterNotFoundException, "The referenced cluster was inactive.")
	}
	return c, nil
}

// value reads an optional member; an absent one counts as zero.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// text gives an optional member: nothing for "".
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
