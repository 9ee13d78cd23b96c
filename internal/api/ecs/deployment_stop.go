package ecs

import (
	"context"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"

	"ballast/internal/control"
	"ballast/internal/ecs"
)

// StopServiceDeployment rolls a service deployment back that is not finished; there is no other way to stop one
// (API_StopServiceDeployment: "The valid values are ROLLBACK").
func (a *API) StopServiceDeployment(ctx context.Context, in *awsecs.StopServiceDeploymentInput) (*awsecs.StopServiceDeploymentOutput, error) {
	cluster, service, id, err := a.names.ServiceDeploymentOf(value(in.ServiceDeploymentArn))
	if err != nil {
		return nil, err
	}
	if _, err := submit[*ecs.ServiceDeployment](ctx, a, control.StopServiceDeployment{Cluster: cluster, Service: service, ID: id}); err != nil {
		return nil, err
	}
	return &awsecs.StopServiceDeploymentOutput{ServiceDeploymentArn: in.ServiceDeploymentArn}, nil
}
