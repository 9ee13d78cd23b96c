package ecs

import (
	"context"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"

	"ballast/internal/control"
	"ballast/internal/control/root"
	"ballast/internal/ecs"
)

// UpdateService changes a service; another task definition or network configuration, or forceNewDeployment, starts a deployment.
func (a *API) UpdateService(ctx context.Context, in *awsecs.UpdateServiceInput) (*awsecs.UpdateServiceOutput, error) {
	state := a.control.Root()
	service, err := a.active(state, in.Cluster, in.Service)
	if err != nil {
		return nil, err
	}
	w, err := windowOf(in.DeploymentConfiguration)
	if err != nil {
		return nil, err
	}
	whole := w.or(service.MinimumHealthyPercent, service.MaximumPercent)
	if err := checkWindow(*whole.minimum, *whole.maximum); err != nil {
		return nil, err
	}
	cmd := control.UpdateService{
		Cluster:               service.Cluster,
		Name:                  service.Name,
		MinimumHealthyPercent: w.minimum,
		MaximumPercent:        w.maximum,
		Force:                 in.ForceNewDeployment,
		EnableECSManagedTags:  in.EnableECSManagedTags,
	}
	if in.DesiredCount != nil {
		if err := checkDesired(*in.DesiredCount); err != nil {
			return nil, err
		}
		cmd.Desired = new(int(*in.DesiredCount))
	}
	if in.PropagateTags != "" {
		cmd.PropagateTags = new(propagation(in.PropagateTags))
	}
	if cmd.Breaker, err = breakerOf(in.DeploymentConfiguration); err != nil {
		return nil, err
	}
	if cmd.Early, err = earlyOf(in.DeploymentConfiguration); err != nil {
		return nil, err
	}
	if cmd.Alarms, err = a.alarmsOf(in.DeploymentConfiguration); err != nil {
		return nil, err
	}
	if cmd.GracePeriod, err = graceOf(in.HealthCheckGracePeriodSeconds); err != nil {
		return nil, err
	}
	if in.TaskDefinition != nil {
		if cmd.Definition, err = a.usable(state, in.TaskDefinition, ecs.ClientException); err != nil {
			return nil, err
		}
		if err := checkBalancers(service.LoadBalancers, cmd.Definition); err != nil {
			return nil, err
		}
	}
	if cmd.Network, err = networkOf(in.NetworkConfiguration); err != nil {
		return nil, err
	}
	changed, err := submit[*ecs.Service](ctx, a, cmd)
	if err != nil {
		return nil, err
	}
	shown := a.showService(changed)
	return &awsecs.UpdateServiceOutput{Service: &shown}, nil
}

// DeleteService drains a service and then makes it inactive.
func (a *API) DeleteService(ctx context.Context, in *awsecs.DeleteServiceInput) (*awsecs.DeleteServiceOutput, error) {
	service, err := a.active(a.control.Root(), in.Cluster, in.Service)
	if err != nil {
		return nil, err
	}
	gone, err := submit[*ecs.Service](ctx, a, control.DeleteService{Cluster: service.Cluster, Name: service.Name, Force: value(in.Force)})
	if err != nil {
		return nil, err
	}
	shown := a.showService(gone)
	return &awsecs.DeleteServiceOutput{Service: &shown}, nil
}

// active finds the service that a request wants to change, with the refusals of real accounts ("Service not found.",
// "Service was not ACTIVE.").
func (a *API) active(state *root.Root, clusterRef, serviceRef *string) (*ecs.Service, error) {
	s, err := a.serviceOf(state, clusterRef, serviceRef)
	if err == nil && s.Status != ecs.ServiceActive {
		return nil, ecs.Errorf(ecs.ServiceNotActiveException, "Service was not ACTIVE.")
	}
	return s, err
}

// serviceOf finds the service that a request is about, whatever its status.
func (a *API) serviceOf(state *root.Root, clusterRef, serviceRef *string) (*ecs.Service, error) {
	cluster, err := a.cluster(state, clusterRef)
	if err != nil {
		return nil, err
	}
	if value(serviceRef) == "" {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "Service can not be blank.")
	}
	name, err := a.names.ServiceName(cluster.Name, *serviceRef)
	if err != nil {
		return nil, err
	}
	if s := state.Service(cluster.Name, name); s != nil {
		return s, nil
	}
	return nil, ecs.Errorf(ecs.ServiceNotFoundException, "Service not found.")
}
