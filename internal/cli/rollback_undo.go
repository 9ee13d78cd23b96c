package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// undo stops a rollout that is under way and has the service go back to what it was before; one that is going back already is only
// followed. Not undone is a rollout that brings no other revision, or that no completed deployment came before.
func (v *rollbackVerb) undo(ctx context.Context, d *deployment) (undone bool, err error) {
	c := d.client
	under, err := c.serviceDeployment(ctx, v.Service, types.ServiceDeploymentStatusPending, types.ServiceDeploymentStatusInProgress,
		types.ServiceDeploymentStatusRollbackRequested, types.ServiceDeploymentStatusRollbackInProgress)
	if err != nil || under == nil {
		return false, err
	}
	already := under.Rollback != nil || under.Status == types.ServiceDeploymentStatusRollbackRequested
	if !already {
		before, err := c.serviceDeployment(ctx, v.Service, types.ServiceDeploymentStatusSuccessful, types.ServiceDeploymentStatusRollbackSuccessful)
		if err != nil || before == nil {
			return false, err
		}
		if other, err := c.bringsAnother(ctx, under); err != nil || !other {
			return false, err
		}
		if _, err := c.ecs.StopServiceDeployment(ctx, &ecs.StopServiceDeploymentInput{ServiceDeploymentArn: under.ServiceDeploymentArn,
			StopType: types.StopServiceDeploymentStopTypeRollback}); err != nil {
			return false, fmt.Errorf("roll service %s back: %w", v.Service, err)
		}
	}
	if under, err = c.goingBack(ctx, under); err != nil {
		return false, err
	}
	service, err := c.mustServiceNamed(ctx, v.Service)
	if err != nil {
		return false, err
	}
	revisions, err := c.revisionsOf(ctx, aws.ToString(under.TargetServiceRevision.Arn), aws.ToString(under.Rollback.ServiceRevisionArn))
	if err != nil {
		return false, err
	}
	d.services[0].progress.aim(service)
	said := "service %s: from %s back to %s"
	if already {
		said += ", which had begun before"
	}
	d.say(said, v.Service, revisions[0], revisions[1])
	return true, nil
}

// serviceDeployment gives the newest service deployment of a service that has one of the statuses, nil when there is none.
func (c *client) serviceDeployment(ctx context.Context, service string, of ...types.ServiceDeploymentStatus) (*types.ServiceDeployment, error) {
	list, err := c.ecs.ListServiceDeployments(ctx, &ecs.ListServiceDeploymentsInput{Cluster: &c.cluster, Service: &service, Status: of})
	if err != nil {
		return nil, fmt.Errorf("list the deployments of service %s: %w", service, err)
	}
	if len(list.ServiceDeployments) == 0 {
		return nil, nil
	}
	return c.describeServiceDeployment(ctx, aws.ToString(list.ServiceDeployments[0].ServiceDeploymentArn))
}

// maxCompleted bounds how far back rollbacks look: as many service revisions can be described at once (API_DescribeServiceRevisions).
const maxCompleted = 20

// completed gives the revisions that the newest deployments of a service which came to their end had brought, newest first.
func (c *client) completed(ctx context.Context, service string) ([]string, error) {
	list, err := c.ecs.ListServiceDeployments(ctx, &ecs.ListServiceDeploymentsInput{Cluster: &c.cluster, Service: &service,
		Status: []types.ServiceDeploymentStatus{types.ServiceDeploymentStatusSuccessful}, MaxResults: aws.Int32(maxCompleted)})
	if err != nil {
		return nil, fmt.Errorf("list the deployments of service %s: %w", service, err)
	}
	if len(list.ServiceDeployments) == 0 {
		return nil, nil
	}
	arns := make([]string, len(list.ServiceDeployments))
	for i, d := range list.ServiceDeployments {
		arns[i] = aws.ToString(d.TargetServiceRevisionArn)
	}
	return c.revisionsOf(ctx, arns...)
}

func (c *client) describeServiceDeployment(ctx context.Context, arn string) (*types.ServiceDeployment, error) {
	out, err := c.ecs.DescribeServiceDeployments(ctx, &ecs.DescribeServiceDeploymentsInput{ServiceDeploymentArns: []string{arn}})
	if err == nil && len(out.ServiceDeployments) != 1 {
		err = fmt.Errorf("it is gone")
	}
	if err != nil {
		return nil, fmt.Errorf("describe service deployment %s: %w", arn, err)
	}
	return &out.ServiceDeployments[0], nil
}

// bringsAnother says whether a service deployment brings another revision than there was: a deployment that was only forced does not.
func (c *client) bringsAnother(ctx context.Context, d *types.ServiceDeployment) (bool, error) {
	arns := []string{aws.ToString(d.TargetServiceRevision.Arn)}
	for _, source := range d.SourceServiceRevisions {
		arns = append(arns, aws.ToString(source.Arn))
	}
	revisions, err := c.revisionsOf(ctx, arns...)
	if err != nil {
		return false, err
	}
	for _, source := range revisions[1:] {
		if source != revisions[0] {
			return true, nil
		}
	}
	return false, nil
}

// revisionsOf gives the task definition of each service revision, as "family:revision".
func (c *client) revisionsOf(ctx context.Context, arns ...string) ([]string, error) {
	out, err := c.ecs.DescribeServiceRevisions(ctx, &ecs.DescribeServiceRevisionsInput{ServiceRevisionArns: arns})
	if err != nil {
		return nil, fmt.Errorf("describe service revisions: %w", err)
	}
	known := map[string]string{}
	for _, r := range out.ServiceRevisions {
		known[aws.ToString(r.ServiceRevisionArn)] = lastPart(aws.ToString(r.TaskDefinition))
	}
	revisions := make([]string, len(arns))
	for i, arn := range arns {
		revisions[i] = known[arn]
	}
	return revisions, nil
}

// beginsWithin bounds how long a server may take to begin what it has promised.
const beginsWithin = time.Minute

// goingBack waits until a rollback that was asked for has begun: only then the service is on its way.
func (c *client) goingBack(ctx context.Context, d *types.ServiceDeployment) (*types.ServiceDeployment, error) {
	waiting, cancel := context.WithTimeout(ctx, beginsWithin)
	defer cancel()
	for {
		now, err := c.describeServiceDeployment(waiting, aws.ToString(d.ServiceDeploymentArn))
		switch {
		case err != nil:
		case now.Rollback != nil:
			return now, nil
		case now.Status == types.ServiceDeploymentStatusStopped:
			return nil, fmt.Errorf("the deployment was stopped, and there is none to go back to: %s", aws.ToString(now.StatusReason))
		default:
			err = pause(waiting, lookEvery)
		}
		if timeIsUp(ctx, waiting, err) {
			return nil, notSteadyError{fmt.Sprintf("the rollback was asked for and has not begun within %s", beginsWithin)}
		}
		if err != nil {
			return nil, err
		}
	}
}
