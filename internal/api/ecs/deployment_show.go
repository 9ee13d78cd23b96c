package ecs

import (
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/control/root"
	"ballast/internal/ecs"
	"ballast/internal/scheduler"
)

// showBrief gives a service deployment as ListServiceDeployments shows it.
func (a *API) showBrief(s *ecs.Service, d *ecs.ServiceDeployment) types.ServiceDeploymentBrief {
	return types.ServiceDeploymentBrief{
		ServiceDeploymentArn:     new(a.names.ServiceDeployment(s.Cluster, s.Name, d.ID)),
		ServiceArn:               new(a.names.Service(s.Cluster, s.Name)),
		ClusterArn:               new(a.names.Cluster(s.Cluster)),
		TargetServiceRevisionArn: new(a.names.ServiceRevision(s.Cluster, s.Name, d.Target.ID)),
		CreatedAt:                when(d.CreatedAt),
		StartedAt:                when(d.StartedAt),
		FinishedAt:               when(d.FinishedAt),
		Status:                   types.ServiceDeploymentStatus(d.Status.String()),
		StatusReason:             text(d.StatusReason),
	}
}

// showServiceDeployment gives a service deployment as DescribeServiceDeployments shows it: with the counts of now while it is
// under way, and those of its end afterwards (developer guide, View service history using Amazon ECS service deployments).
func (a *API) showServiceDeployment(s *ecs.Service, d *ecs.ServiceDeployment) types.ServiceDeployment {
	state := d.Last
	if state == nil {
		state = &ecs.Snapshot{Tasks: s.RevisionTasks(), Configuration: s.Configuration()}
	}
	shown := types.ServiceDeployment{
		ServiceDeploymentArn:     new(a.names.ServiceDeployment(s.Cluster, s.Name, d.ID)),
		ServiceArn:               new(a.names.Service(s.Cluster, s.Name)),
		ClusterArn:               new(a.names.Cluster(s.Cluster)),
		CreatedAt:                when(d.CreatedAt),
		StartedAt:                when(d.StartedAt),
		FinishedAt:               when(d.FinishedAt),
		StoppedAt:                when(d.StoppedAt),
		UpdatedAt:                when(d.UpdatedAt),
		Status:                   types.ServiceDeploymentStatus(d.Status.String()),
		StatusReason:             text(d.StatusReason),
		TargetServiceRevision:    new(a.showTasks(s, state, d.Target.ID)),
		SourceServiceRevisions:   []types.ServiceRevisionSummary{},
		DeploymentConfiguration:  showConfiguration(state.Configuration),
		DeploymentCircuitBreaker: showWatch(s, d, state.Configuration.Breaker),
		Alarms:                   showAlarmWatch(s, d, state.Configuration.Alarms),
	}
	for _, source := range d.Sources {
		shown.SourceServiceRevisions = append(shown.SourceServiceRevisions, a.showTasks(s, state, source))
	}
	if r := d.Rollback; r != nil {
		shown.Rollback = &types.Rollback{Reason: text(r.Reason), StartedAt: when(r.StartedAt),
			ServiceRevisionArn: new(a.names.ServiceRevision(s.Cluster, s.Name, r.Revision))}
	}
	return shown
}

// showTasks gives the tasks of one revision.
func (a *API) showTasks(s *ecs.Service, state *ecs.Snapshot, revision ecs.DeploymentID) types.ServiceRevisionSummary {
	shown := types.ServiceRevisionSummary{Arn: new(a.names.ServiceRevision(s.Cluster, s.Name, revision))}
	for _, t := range state.Tasks {
		if t.Revision == revision {
			shown.RequestedTaskCount, shown.RunningTaskCount, shown.PendingTaskCount = int32(t.Requested), int32(t.Running), int32(t.Pending)
		}
	}
	return shown
}

// showWatch gives what the circuit breaker of a service deployment does, or came to.
func showWatch(s *ecs.Service, d *ecs.ServiceDeployment, b ecs.Breaker) *types.ServiceDeploymentCircuitBreaker {
	w := d.Watch
	shown := &types.ServiceDeploymentCircuitBreaker{Status: types.ServiceDeploymentRollbackMonitorsStatusMonitoringComplete}
	switch {
	case w == nil:
		shown.Status = types.ServiceDeploymentRollbackMonitorsStatusMonitoring
		w = &ecs.Watch{Threshold: scheduler.Threshold(b, s.Desired)}
		if len(s.Deployments) > 0 {
			w.Failed = s.Deployments[0].FailedTasks
		}
	case w.Tripped:
		shown.Status = types.ServiceDeploymentRollbackMonitorsStatusTriggered
	}
	if !b.Enabled {
		shown.Status = types.ServiceDeploymentRollbackMonitorsStatusDisabled
	}
	shown.FailureCount, shown.Threshold = int32(w.Failed), int32(w.Threshold)
	return shown
}

// showConfiguration gives the deployment configuration of a service.
func showConfiguration(c ecs.DeploymentConfiguration) *types.DeploymentConfiguration {
	minimum, maximum := int32(c.MinimumHealthyPercent), int32(c.MaximumPercent)
	return &types.DeploymentConfiguration{
		DeploymentCircuitBreaker: showBreaker(c.Breaker),
		EarlySuccessCriteria:     showEarly(c.Early),
		Alarms:                   showAlarms(c.Alarms),
		MinimumHealthyPercent:    &minimum,
		MaximumPercent:           &maximum,
		Strategy:                 types.DeploymentStrategyRolling,
		BakeTimeInMinutes:        new(int32(0)),
	}
}

// showCurrent gives the revisions that a service has tasks of, or should.
func (a *API) showCurrent(s *ecs.Service) []types.ServiceCurrentRevisionSummary {
	tasks := s.RevisionTasks()
	out := make([]types.ServiceCurrentRevisionSummary, len(tasks))
	for i, t := range tasks {
		out[i] = types.ServiceCurrentRevisionSummary{Arn: new(a.names.ServiceRevision(s.Cluster, s.Name, t.Revision)),
			RequestedTaskCount: int32(t.Requested), RunningTaskCount: int32(t.Running), PendingTaskCount: int32(t.Pending)}
	}
	return out
}

// showRevision gives a service revision. The images are those of its task definition, as long as that is kept.
func (a *API) showRevision(state *root.Root, s *ecs.Service, r ecs.ServiceRevision) types.ServiceRevision {
	shown := types.ServiceRevision{
		ServiceRevisionArn:   new(a.names.ServiceRevision(s.Cluster, s.Name, r.ID)),
		ServiceArn:           new(a.names.Service(s.Cluster, s.Name)),
		ClusterArn:           new(a.names.Cluster(s.Cluster)),
		TaskDefinition:       new(a.names.TaskDefinition(r.Family, r.Revision)),
		LaunchType:           types.LaunchTypeEc2,
		NetworkConfiguration: showNetwork(r.Network),
		ContainerImages:      []types.ContainerImage{},
		CreatedAt:            when(r.CreatedAt),
	}
	if definition := state.Definition(r.Family, r.Revision); definition != nil {
		for i := range definition.Containers {
			c := &definition.Containers[i]
			shown.ContainerImages = append(shown.ContainerImages, types.ContainerImage{ContainerName: &c.Name, Image: &c.Image})
		}
	}
	return shown
}
