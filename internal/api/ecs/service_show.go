package ecs

import (
	"encoding/hex"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/ecs"
)

var (
	primary = "PRIMARY"
	older   = "ACTIVE"
)

var propagateNames = [...]types.PropagateTags{ecs.PropagateNone: types.PropagateTagsNone,
	ecs.PropagateTaskDefinition: types.PropagateTagsTaskDefinition, ecs.PropagateService: types.PropagateTagsService}

// showService gives a service as ECS shows it, without its tags. What it shows points into the record, which never changes.
func (a *API) showService(s *ecs.Service) types.Service {
	status := s.Status.String()
	shown := types.Service{
		ServiceArn:    new(a.names.Service(s.Cluster, s.Name)),
		ServiceName:   &s.Name,
		ClusterArn:    new(a.names.Cluster(s.Cluster)),
		Status:        &status,
		DesiredCount:  int32(s.Desired),
		RunningCount:  int32(s.Running),
		PendingCount:  int32(s.Pending),
		LaunchType:    types.LaunchTypeEc2,
		LoadBalancers: showBalancers(s.LoadBalancers),

		TaskDefinition:              new(a.names.TaskDefinition(s.Definition.Family, s.Definition.Revision)),
		DeploymentConfiguration:     showConfiguration(s.Configuration()),
		DeploymentController:        &types.DeploymentController{Type: types.DeploymentControllerTypeEcs},
		Deployments:                 a.showDeployments(s),
		Events:                      showEvents(s.Events),
		CreatedAt:                   when(s.CreatedAt),
		CreatedBy:                   text(s.CreatedBy),
		SchedulingStrategy:          types.SchedulingStrategyReplica,
		PlacementConstraints:        []types.PlacementConstraint{},
		PlacementStrategy:           []types.PlacementStrategy{},
		ServiceRegistries:           showRegistries(s.Registries),
		AvailabilityZoneRebalancing: types.AvailabilityZoneRebalancingDisabled,
		EnableECSManagedTags:        s.EnableECSManagedTags,
		PropagateTags:               propagateNames[s.PropagateTags],
		NetworkConfiguration:        showNetwork(s.Network),

		HealthCheckGracePeriodSeconds: showGrace(s.GracePeriod),
	}
	if s.Current != nil {
		shown.CurrentServiceDeployment = new(a.names.ServiceDeployment(s.Cluster, s.Name, s.Current.ID))
		shown.CurrentServiceRevisions = a.showCurrent(s)
	}
	return shown
}

func (a *API) showDeployments(s *ecs.Service) []types.Deployment {
	out := make([]types.Deployment, len(s.Deployments))
	for i := range s.Deployments {
		d := &s.Deployments[i]
		status := &older
		if i == 0 {
			status = &primary
		}
		out[i] = types.Deployment{
			Id:                 new(d.ID.String()),
			Status:             status,
			TaskDefinition:     new(a.names.TaskDefinition(d.Definition.Family, d.Definition.Revision)),
			DesiredCount:       int32(d.Desired),
			PendingCount:       int32(d.Pending),
			RunningCount:       int32(d.Running),
			FailedTasks:        int32(d.FailedTasks),
			CreatedAt:          when(d.CreatedAt),
			UpdatedAt:          when(d.UpdatedAt),
			LaunchType:         types.LaunchTypeEc2,
			RolloutState:       types.DeploymentRolloutState(d.Rollout.String()),
			RolloutStateReason: &d.RolloutReason,

			NetworkConfiguration: showNetwork(d.Network),
		}
	}
	return out
}

const uuidLen = 36

// showEvents gives service events, newest first as the record has them. The ids share one string, the times one array: events
// are most of what DescribeServices answers.
func showEvents(events []*ecs.ServiceEvent) []types.ServiceEvent {
	out := make([]types.ServiceEvent, len(events))
	if len(events) == 0 {
		return out
	}
	buf := make([]byte, 0, uuidLen*len(events))
	for _, e := range events {
		buf = appendUUID(buf, e.ID)
	}
	all := string(buf)
	ids, times := make([]string, len(events)), make([]time.Time, len(events))
	for i, e := range events {
		ids[i], times[i] = all[i*uuidLen:(i+1)*uuidLen], e.At.Std()
		out[i] = types.ServiceEvent{Id: &ids[i], CreatedAt: &times[i], Message: &e.Message}
	}
	return out
}

func appendUUID(dst []byte, id ecs.ID) []byte {
	for i, part := range [...][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return dst
}
