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
	if err := check(in, ecs.InvalidParameterException); err != nil {
		return nil, err
	}
	limit, err := pageSize(in.MaxResults, defaultDeployments)
	if err != nil {
		return nil, err
	}
	state := a.control.Root()
	service, err := a.serviceOf(state, in.Cluster, in.Service)
	if err != nil {
		return nil, err
	}
	filter := value(in.CreatedAt)
	s := scope{"ListServiceDeployments", service.Cluster, service.Name, strconv.FormatUint(service.Seq, 10), stamp(filter.After), stamp(filter.Before)}
	for _, status := range in.Status {
		s = append(s, string(status))
	}
	position, err := s.position(in.NextToken)
	if err != nil {
		return nil, err
	}
	before := uint64(0)
	if position != "" {
		if before, err = strconv.ParseUint(position, 10, 64); err != nil {
			return nil, invalidToken()
		}
	}
	found := state.ServiceDeployments(service, before, limit+1, func(d *ecs.ServiceDeployment) bool {
		created := d.CreatedAt.Std()
		return (len(in.Status) == 0 || slices.Contains(in.Status, types.ServiceDeploymentStatus(d.Status.String()))) &&
			(filter.After == nil || created.After(*filter.After)) && (filter.Before == nil || created.Before(*filter.Before))
	})
	out := &awsecs.ListServiceDeploymentsOutput{ServiceDeployments: []types.ServiceDeploymentBrief{}}
	found, out.NextToken = cut(found, limit, s, func(d *ecs.ServiceDeployment) string { return strconv.FormatUint(d.Number, 10) })
	for _, d := range found {
		out.ServiceDeployments = append(out.ServiceDeployments, a.showBrief(service, d))
	}
	return out, nil
}

// stamp tells one filter by time from another.
func stamp(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// DescribeServiceDeployments shows up to twenty service deployments.
func (a *API) DescribeServiceDeployments(_ context.Context, in *awsecs.DescribeServiceDeploymentsInput) (*awsecs.DescribeServiceDeploymentsOutput, error) {
	if err := check(in, ecs.InvalidParameterException); err != nil {
		return nil, err
	}
	if err := countOf(len(in.ServiceDeploymentArns), maxDeployments, "Service deployment ARNs", "service deployment ARNs"); err != nil {
		return nil, err
	}
	state := a.control.Root()
	out := &awsecs.DescribeServiceDeploymentsOutput{ServiceDeployments: []types.ServiceDeployment{}, Failures: []types.Failure{}}
	for _, ref := range in.ServiceDeploymentArns {
		cluster, name, id, err := a.names.ServiceDeploymentOf(ref)
		if err != nil {
			return nil, err
		}
		var d *ecs.ServiceDeployment
		service := state.Service(cluster, name)
		if service != nil {
			d = state.ServiceDeployment(service, id)
		}
		if d == nil {
			out.Failures = append(out.Failures, missing(ref))
			continue
		}
		out.ServiceDeployments = append(out.ServiceDeployments, a.showServiceDeployment(service, d))
	}
	return out, nil
}

// DescribeServiceRevisions shows up to twenty service revisions.
func (a *API) DescribeServiceRevisions(_ context.Context, in *awsecs.DescribeServiceRevisionsInput) (*awsecs.DescribeServiceRevisionsOutput, error) {
	if err := check(in, ecs.InvalidParameterException); err != nil {
		return nil, err
	}
	if err := countOf(len(in.ServiceRevisionArns), maxDeployments, "Service revision ARNs", "service revision ARNs"); err != nil {
		return nil, err
	}
	state := a.control.Root()
	out := &awsecs.DescribeServiceRevisionsOutput{ServiceRevisions: []types.ServiceRevision{}, Failures: []types.Failure{}}
	for _, ref := range in.ServiceRevisionArns {
		cluster, name, id, err := a.names.ServiceRevisionOf(ref)
		if err != nil {
			return nil, err
		}
		service := state.Service(cluster, name)
		var revision ecs.ServiceRevision
		known := false
		if service != nil {
			revision, known = state.ServiceRevision(service, id)
		}
		if !known {
			out.Failures = append(out.Failures, missing(ref))
			continue
		}
		out.ServiceRevisions = append(out.ServiceRevisions, a.showRevision(state, service, revision))
	}
	return out, nil
}
