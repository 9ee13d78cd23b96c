package ecs

import (
	"context"
	"slices"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/control/root"
	"ballast/internal/ecs"
)

// DescribeServices shows up to ten services of a cluster, draining and inactive ones included.
func (a *API) DescribeServices(_ context.Context, in *awsecs.DescribeServicesInput) (*awsecs.DescribeServicesOutput, error) {
	withTags := slices.Contains(in.Include, types.ServiceFieldTags)
	services := references{in.Services, maxServices, "Services", "service names"}
	found, failures, err := describeIn(a, in.Cluster, services, func(state *root.Root, cluster, ref string) (*types.Service, string, error) {
		name, err := a.names.ServiceName(cluster, ref)
		s := state.Service(cluster, name)
		if err != nil || s == nil {
			return nil, a.names.Service(cluster, name), err
		}
		shown := a.showService(s)
		if withTags {
			shown.Tags = showTags(s.Tags)
		}
		return &shown, "", nil
	})
	return &awsecs.DescribeServicesOutput{Services: found, Failures: failures}, err
}

// ListServices gives the ARNs of a cluster's active services. Every service of Ballast has launch type EC2 and strategy
// REPLICA, so a filter for another one finds nothing.
func (a *API) ListServices(_ context.Context, in *awsecs.ListServicesInput) (*awsecs.ListServicesOutput, error) {
	state := a.control.Root()
	cluster, err := a.cluster(state, in.Cluster)
	if err != nil {
		return nil, err
	}
	matches := (in.LaunchType == "" || in.LaunchType == types.LaunchTypeEc2) &&
		(in.SchedulingStrategy == "" || in.SchedulingStrategy == types.SchedulingStrategyReplica) &&
		(in.ResourceManagementType == "" || in.ResourceManagementType == types.ResourceManagementTypeCustomer)
	s := scope{"ListServices", cluster.Name, string(in.LaunchType), string(in.SchedulingStrategy), string(in.ResourceManagementType)}
	p, err := s.page(in.MaxResults, defaultServices, in.NextToken)
	if err != nil {
		return nil, err
	}
	if !matches {
		return &awsecs.ListServicesOutput{ServiceArns: []string{}}, nil
	}
	found := state.Services(cluster.Name, p.after, p.limit+1, func(s *ecs.Service) bool { return s.Status == ecs.ServiceActive })
	name := func(s *ecs.Service) string { return s.Name }
	arns, next := list(p, found, name, func(s *ecs.Service) string { return a.names.Service(cluster.Name, s.Name) })
	return &awsecs.ListServicesOutput{ServiceArns: arns, NextToken: next}, nil
}
