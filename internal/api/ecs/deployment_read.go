package ecs

import (
	"context"
	"slices"
	"strconv"
	"time"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/ecs"
)

// What a page of ListServiceDeployments holds unless it is asked for more, and how many ARNs the Describe operations take
// (API_ListServiceDeployments, API_DescribeServiceDeployments, API_DescribeServiceRevisions).
const (
	defaultDeployments = 20
	maxDeployments     = 20
)

// ListServiceDeployments gives the service deployments of a service, the newest first. Those of a deleted service are deleted with
// it (developer guide, View service history using Amazon ECS service deployments).
func (a *API) ListServiceDeployments(_ context.Context, in *awsecs.ListServiceDeploymentsInput) (*awsecs.ListServiceDeploymentsOutput, error) {
	state := a.control.Root()
	service, err := a.serviceOf(state, in.Cluster, in.Service)
	if err != nil {
		return nil, err
	}
	filter := value(in.CreatedAt)
	s := scope{"ListServiceDeployments", service.Cluster, service.Name, strconv.FormatUint(service.Seq, 10), instant(filter.After), instant(filter.Before)}
	for _, status := range in.Status {
		s = append(s, string(status))
	}
	p, err := s.page(in.MaxResults, defaultDeployments, in.NextToken)
	if err != nil {
		return nil, err
	}
	before, err := p.number()
	if err != nil {
		return nil, err
	}
	found := state.ServiceDeployments(service, before, p.limit+1, func(d *ecs.ServiceDeployment) bool {
		created := d.CreatedAt.Std()
		return (len(in.Status) == 0 || slices.Contains(in.Status, types.ServiceDeploymentStatus(d.Status.String()))) &&
			(filter.After == nil || created.After(*filter.After)) && (filter.Before == nil || created.Before(*filter.Before))
	})
	number := func(d *ecs.ServiceDeployment) string { return strconv.FormatUint(d.Number, 10) }
	briefs, next := list(p, found, number, func(d *ecs.ServiceDeployment) types.ServiceDeploymentBrief { return a.showBrief(service, d) })
	return &awsecs.ListServiceDeploymentsOutput{ServiceDeployments: briefs, NextToken: next}, nil
}

// instant tells one filter by time from another.
func instant(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// DescribeServiceDeployments shows up to twenty service deployments.
func (a *API) DescribeServiceDeployments(_ context.Context, in *awsecs.DescribeServiceDeploymentsInput) (*awsecs.DescribeServiceDeploymentsOutput, error) {
	state := a.control.Root()
	arns := references{in.ServiceDeploymentArns, maxDeployments, "Service deployment ARNs", "service deployment ARNs"}
	found, failures, err := describe(arns, func(ref string) (*types.ServiceDeployment, string, error) {
		cluster, name, id, err := a.names.ServiceDeploymentOf(ref)
		service := state.Service(cluster, name)
		if err != nil || service == nil {
			return nil, ref, err
		}
		d := state.ServiceDeployment(service, id)
		if d == nil {
			return nil, ref, nil
		}
		return new(a.showServiceDeployment(service, d)), "", nil
	})
	return &awsecs.DescribeServiceDeploymentsOutput{ServiceDeployments: found, Failures: failures}, err
}

// DescribeServiceRevisions shows up to twenty service revisions.
func (a *API) DescribeServiceRevisions(_ context.Context, in *awsecs.DescribeServiceRevisionsInput) (*awsecs.DescribeServiceRevisionsOutput, error) {
	state := a.control.Root()
	arns := references{in.ServiceRevisionArns, maxDeployments, "Service revision ARNs", "service revision ARNs"}
	found, failures, err := describe(arns, func(ref string) (*types.ServiceRevision, string, error) {
		cluster, name, id, err := a.names.ServiceRevisionOf(ref)
		service := state.Service(cluster, name)
		if err != nil || service == nil {
			return nil, ref, err
		}
		revision, known := state.ServiceRevision(service, id)
		if !known {
			return nil, ref, nil
		}
		return new(a.showRevision(state, service, revision)), "", nil
	})
	return &awsecs.DescribeServiceRevisionsOutput{ServiceRevisions: found, Failures: failures}, err
}
