package control

import (
	"slices"

	"ballast/internal/control/services"
	"ballast/internal/ecs"
	"ballast/internal/scheduler"
	"ballast/internal/scheduler/placement"
)

// decide asks the scheduler what happens to a service next and has it done.
func (m *Machine) decide(s *services.Service) {
	if s.Record().Status == ecs.ServiceInactive {
		m.forgetService(s)
		return
	}
	if m.halt {
		return
	}
	m.unstick(s)
	m.letGo(s)
	tracker := s.Tracker()
	tracker.Promote(m.now)
	plan := scheduler.Decide(tracker.View(), m.now)
	explainStuck(s, &plan)
	for _, stop := range plan.Stops {
		m.stopTasks(s, stop)
	}
	for _, start := range plan.Starts {
		m.startTasks(s, start)
	}
	m.services.Apply(m.now, &m.ids, s, &plan)
	if plan.Inactive {
		m.forgetService(s)
	}
	if plan.Wake != 0 {
		m.wake(s, plan.Wake)
	}
	m.awaitHistory(s)
}

// awaitHistory has the history of a service looked at when the oldest of it may be too old.
func (m *Machine) awaitHistory(s *services.Service) {
	if at := s.HistoryDue(); at != 0 {
		m.timers.set(at, serviceTimer(historyDue, s))
	}
}

// letGo stops the tasks that a service kept to be looked into and may keep no longer.
func (m *Machine) letGo(s *services.Service) {
	for _, id := range s.KeptTooMany() {
		t := m.tasks.Task(s.Record().Cluster, id)
		reason, _ := m.failed(s, t)
		m.end(s, t, ecs.ServiceSchedulerInitiated, reason)
	}
	m.spread()
}

func (m *Machine) wake(s *services.Service, at ecs.Time) {
	m.timers.set(at, serviceTimer(serviceDue, s))
}

func serviceTimer(kind timerKind, s *services.Service) timer {
	return timer{kind: kind, cluster: s.Record().Cluster, number: s.Record().Seq}
}

// forgetService drops a service that has been INACTIVE for as long as stopped tasks are kept, or has itself called again then.
func (m *Machine) forgetService(s *services.Service) {
	if at := s.Record().InactiveAt.Add(m.cfg.Policy.StoppedKeptFor); m.now < at {
		m.wake(s, at)
		return
	}
	m.services.Forget(s.Record())
}

// stopTasks stops as many tasks of a deployment and phase as the plan says; placement says which.
func (m *Machine) stopTasks(s *services.Service, stop scheduler.Stop) {
	var candidates []placement.Candidate
	for _, seq := range s.Tracker().Candidates(stop, nil) {
		t := m.tasks.Task(s.Record().Cluster, s.TaskID(seq))
		candidates = append(candidates, placement.Candidate{Seq: seq, Instance: t.Instance, Zone: m.instances.Zone(t.Instance)})
	}
	choose := placement.Victims
	if stop.Phase == scheduler.Unhealthy {
		choose = placement.Random
	}
	victims := choose(candidates, stop.Count, m.ids.Seed())
	slices.Sort(victims)
	var stopped []ecs.ID
	draining := 0
	for _, seq := range victims {
		id, reason, event := s.TaskID(seq), stop.Reason, ""
		t := m.tasks.Task(s.Record().Cluster, id)
		if stop.Phase == scheduler.Unhealthy {
			reason, event = m.failed(s, t)
		}
		if stop.Phase == scheduler.Unhealthy && s.Keeps() {
			m.tasks.Keep(t)
			m.spread()
			m.say(s, scheduler.KeptEvent(event))
			continue
		}
		if m.end(s, t, stop.Code, reason) {
			draining++
		}
		stopped = append(stopped, id)
		if event != "" {
			m.say(s, event)
		}
	}
	m.spread()
	if len(stopped) == 0 {
		return
	}
	if stop.Phase == scheduler.Starting {
		m.say(s, scheduler.StoppedPendingEvent(s.Record().Name, len(stopped)))
		return
	}
	m.say(s, scheduler.StoppedEvent(s.Record().Name, stopped))
	if draining > 0 {
		m.say(s, scheduler.DrainingEvent(s.Record().Name, draining))
	}
}

// startTasks starts as many tasks of a deployment as the plan says and the cluster has room for. The rest waits for room.
func (m *Machine) startTasks(s *services.Service, start scheduler.Start) {
	record := s.Record()
	deployment := record.Deployment(start.Deployment)
	if deployment == nil {
		return
	}
	template := ecs.Task{Cluster: record.Cluster, Definition: deployment.Definition, Service: record.Name,
		ServiceSeq: record.Seq, Deployment: deployment.ID}
	network := deployment.Network
	definition := deployment.Definition
	if tagged := m.catalog.Definition(definition.Family, definition.Revision); tagged != nil {
		definition = tagged // with the tags that it has by now
	}
	template.Tags = taskTags(record, definition)
	demand := placement.DemandOf(deployment.Definition, nil)
	var started []ecs.ID
	var refusal *placement.Refusal
	for range start.Count {
		t, refused := m.place(template, demand, network)
		if refused != nil {
			refusal = refused
			break
		}
		started = append(started, t.ID)
	}
	s.Tracker().Placed(start, len(started), m.now)
	m.spread()
	if len(started) > 0 {
		m.say(s, scheduler.StartedEvent(record.Name, started, min(start.Replaces, len(started))))
	}
	if refusal == nil {
		s.Placed()
		return
	}
	awaited := m.instances.Awaited(record.Cluster)
	if len(started) == 0 && !awaited {
		s.Tracker().NoRoom(deployment.ID, m.now)
	}
	m.services.Unplaced(m.now, s, deployment.ID, start.Count-len(started), demand.String())
	if awaited || !s.Announce() {
		return
	}
	m.say(s, refusal.Event(record.Name))
	if record.Breaker.Enabled && len(started) > 0 {
		m.say(s, scheduler.NotLaunchedEvent(record.Name, deployment.ID, start.Count-len(started)))
	}
}

// taskTags gives the tags of a service's task: those propagated, and ECS's own where they are wanted (developer guide, Tagging
// Amazon ECS resources).
func taskTags(record *ecs.Service, definition *ecs.TaskDefinition) []ecs.Tag {
	var tags []ecs.Tag
	switch record.PropagateTags {
	case ecs.PropagateService:
		tags = record.Tags
	case ecs.PropagateTaskDefinition:
		tags = definition.Tags
	}
	if record.EnableECSManagedTags {
		tags = append(slices.Clone(tags), ecs.Tag{Key: "aws:ecs:clusterName", Value: record.Cluster},
			ecs.Tag{Key: "aws:ecs:serviceName", Value: record.Name})
	}
	return tags
}

func (m *Machine) say(s *services.Service, message string) {
	m.services.Say(m.now, &m.ids, s, message)
}
