package ecs

import (
	"context"
	"slices"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/ecs"
)

// DescribeServices shows up to ten services of a cluster, draining and inactive ones included.
func (a *API) DescribeServices(_ context.Context, in *awsecs.DescribeServicesInput) (*awsecs.DescribeServicesOutput, error) {
	if err := check(in, ecs.InvalidParameterException); err != nil {
		return nil, err
	}
	if err := countOf(len(in.Services), maxServices, "Services", "service names"); err != nil {
		return nil, err
	}
	state := a.control.Root()
	cluster, err := a.cluster(state, in.Cluster)
	if err != nil {
		return nil, err
	}
	withTags := slices.Contains(in.Include, types.ServiceFieldTags)
	found, failures, err := described(in.Services, func(ref string) (*types.Service, string, error) {
		name, err := a.names.ServiceName(cluster.Name, ref)
		if err != nil {
			return nil, "", err
		}
		s := state.Service(cluster.Name, name)
		if s == nil {
			return nil, a.names.Service(cluster.Name, name), nil
		}
		shown := a.showService(s)
		if withTags {
			shown.Tags = showTags(s.Tags)
		}
		return &shown, "", nil
	})
	if err != nil {
		return nil, err
	}
	return &awsecs.DescribeServicesOutput{Services: found, Failures: failures}, nil
}

// ListServices gives the ARNs of a cluster's active services. Every service of Ballast has launch type EC2 and strategy
// REPLICA, so a filter for another one finds nothing.
func (a *API) ListServices(_ context.Context, in *awsecs.ListServicesInput) (*awsecs.ListServicesOutput, error) {
	if err := check(in, ecs.InvalidParameterException); err != nil {
		return nil, err
	}
	limit, err := pageSize(in.MaxResults, defaultServices)
	if err != nil {
		return nil, err
	}
	state := a.control.Root()
	cluster, err := a.cluster(state, in.Cluster)
	if err != nil {
		return nil, err
	}
	matches := (in.LaunchType == "" || in.LaunchType == types.LaunchTypeEc2) &&
		(in.SchedulingStrategy == "" || in.SchedulingStrategy == types.SchedulingStrategyReplica) &&
		(in.ResourceManagementType == "" || in.ResourceManagementType == types.ResourceManagementTypeCustomer)
	s := scope{"ListServices", cluster.Name, string(in.LaunchType), string(in.SchedulingStrategy), string(in.ResourceManagementType)}
	after, err := s.position(in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &awsecs.ListServicesOutput{ServiceArns: []string{}}
	if !matches {
		return out, nil
	}
	found := state.Services(cluster.Name, after, limit+1, func(s *ecs.Service) bool { return s.Status == ecs.ServiceActive })
	found, out.NextToken = cut(found, limit, s, func(s *ecs.Service) string { return s.Name })
	for _, service := range found {
		out.ServiceArns = append(out.ServiceArns, a.names.Service(cluster.Name, service.Name))
	}
	return out, nil
}
