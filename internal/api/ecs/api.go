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
}

// API has one method for each operation served. Each gives an *ecs.Error when it refuses, or the context's error.
type API struct {
	names   arn.Namer
	control Control
	tags    func([]ecs.Tag) error
	alarms  bool

	targetGroup func(arn string) bool
}

// New gives the operations over a control runner.
func New(config Config) *API {
	a := &API{names: config.Names, control: config.Control, tags: config.CheckTags, alarms: config.Alarms, targetGroup: config.TargetGroup}
	if a.tags == nil {
		a.tags = func([]ecs.Tag) error { return nil }
	}
	return a
}

// Operations gives the operations served, for httpd to dispatch to.
func Operations(config Config) []httpd.Operation {
	a := New(config)
	return []httpd.Operation{
		httpd.Op(httpd.ECS, "CreateCluster", httpd.Admin, a.CreateCluster),
		httpd.Op(httpd.ECS, "DescribeClusters", httpd.Read, a.DescribeClusters),
		httpd.Op(httpd.ECS, "ListClusters", httpd.Read, a.ListClusters),
		httpd.Op(httpd.ECS, "UpdateCluster", httpd.Admin, a.UpdateCluster),
		httpd.Op(httpd.ECS, "UpdateClusterSettings", httpd.Admin, a.UpdateClusterSettings),
		httpd.Op(httpd.ECS, "DeleteCluster", httpd.Admin, a.DeleteCluster),
		httpd.Op(httpd.ECS, "DeregisterTaskDefinition", httpd.Admin, a.DeregisterTaskDefinition),
		httpd.Op(httpd.ECS, "DeleteTaskDefinitions", httpd.Admin, a.DeleteTaskDefinitions),
		httpd.Op(httpd.ECS, "ListTaskDefinitionFamilies", httpd.Read, a.ListTaskDefinitionFamilies),
		httpd.Op(httpd.ECS, "RegisterTaskDefinition", httpd.Admin, a.RegisterTaskDefinition),
		httpd.Op(httpd.ECS, "DescribeTaskDefinition", httpd.Read, a.DescribeTaskDefinition),
		httpd.Op(httpd.ECS, "ListTaskDefinitions", httpd.Read, a.ListTaskDefinitions),
		httpd.Op(httpd.ECS, "CreateService", httpd.Admin, a.CreateService),
		httpd.Op(httpd.ECS, "DescribeServices", httpd.Read, a.DescribeServices),
		httpd.Op(httpd.ECS, "UpdateService", httpd.Admin, a.UpdateService),
		httpd.Op(httpd.ECS, "ListServices", httpd.Read, a.ListServices),
		httpd.Op(httpd.ECS, "DeleteService", httpd.Admin, a.DeleteService),
		httpd.Op(httpd.ECS, "ListServiceDeployments", httpd.Read, a.ListServiceDeployments),
		httpd.Op(httpd.ECS, "DescribeServiceDeployments", httpd.Read, a.DescribeServiceDeployments),
		httpd.Op(httpd.ECS, "DescribeServiceRevisions", httpd.Read, a.DescribeServiceRevisions),
		httpd.Op(httpd.ECS, "StopServiceDeployment", httpd.Admin, a.StopServiceDeployment),
		httpd.Op(httpd.ECS, "RunTask", httpd.Admin, a.RunTask),
		httpd.Op(httpd.ECS, "StartTask", httpd.Admin, a.StartTask),
		httpd.Op(httpd.ECS, "StopTask", httpd.Admin, a.StopTask),
		httpd.Op(httpd.ECS, "DescribeTasks", httpd.Read, a.DescribeTasks),
		httpd.Op(httpd.ECS, "ListTasks", httpd.Read, a.ListTasks),
		httpd.Op(httpd.ECS, "GetTaskProtection", httpd.Read, a.GetTaskProtection),
		httpd.Op(httpd.ECS, "UpdateTaskProtection", httpd.Admin, a.UpdateTaskProtection),
		httpd.Op(httpd.ECS, "TagResource", httpd.Admin, a.TagResource),
		httpd.Op(httpd.ECS, "UntagResource", httpd.Admin, a.UntagResource),
		httpd.Op(httpd.ECS, "ListTagsForResource", httpd.Read, a.ListTagsForResource),
		httpd.Op(httpd.ECS, "ListAccountSettings", httpd.Read, a.ListAccountSettings),
		httpd.Op(httpd.ECS, "PutAccountSetting", httpd.Admin, a.PutAccountSetting),
		httpd.Op(httpd.ECS, "PutAccountSettingDefault", httpd.Admin, a.PutAccountSettingDefault),
		httpd.Op(httpd.ECS, "DeleteAccountSetting", httpd.Admin, a.DeleteAccountSetting),
		httpd.Op(httpd.ECS, "DescribeContainerInstances", httpd.Read, a.DescribeContainerInstances),
		httpd.Op(httpd.ECS, "ListContainerInstances", httpd.Read, a.ListContainerInstances),
		httpd.Op(httpd.ECS, "DeregisterContainerInstance", httpd.Admin, a.DeregisterContainerInstance),
	}
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
