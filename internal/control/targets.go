package control

import (
	"cmp"
	"time"

	"ballast/internal/control/services"
	"ballast/internal/ecs"
	"ballast/internal/lb/health"
	"ballast/internal/scheduler"
)

// ReportTargets says how targets are: an input from the load balancers, and the service discovery, that check them, which say all of it again when control has
// been started anew. What is said of a task that is none any more, or of a target group that is none of its service's, is passed over.
// Answer: nil.
type ReportTargets struct{ Targets []TargetReport }

// TargetReport is how one task is in one target group.
type TargetReport struct {
	Cluster string
	Task    ecs.ID
	Group   string // ARN, of a target group or of a service registry
	Health  health.Target
	// Settings are those of the target group; nil where they are not said, which leaves those said before, or ELB's defaults.
	Settings *health.Group
}

// drainSlack is for how long control waits for the news that a task is drained after it must be: as long as the news may take that
// it is to be drained, and those that it has been. ECS waits until the load balancer says that the target is unused (developer guide,
// Optimize load balancer connection draining parameters); one that is gone for good says nothing any more.
const drainSlack = time.Minute

// tally counts targets of a service in a target group, for one event.
type tally struct {
	service *services.Service
	group   string
	come    bool // registered, not deregistered
	count   int
}

func (c ReportTargets) apply(m *Machine) (any, error) {
	m.w.FollowUp() // there may be more tasks than fit into a unit
	var tallies []tally
	var leaving []*ecs.Task // DEACTIVATING, as often as there is something said of them
	for _, r := range c.Targets {
		t := m.tasks.Task(r.Cluster, r.Task)
		if t == nil {
			continue
		}
		s, was, known := m.services.Targeted(m.now, t, r.Group, r.Settings, r.Health)
		if s == nil {
			continue
		}
		if before := known && was.Registered(); before != r.Health.Registered() && s.Balanced(r.Group) {
			tallies = counted(tallies, s, r.Group, !before)
		}
		if t.LastStatus == ecs.StatusDeactivating {
			leaving = append(leaving, t)
		}
	}
	m.letLeave(leaving)
	for _, x := range tallies {
		text := scheduler.DeregisteredEvent
		if x.come {
			text = scheduler.RegisteredEvent
		}
		if x.service.Record().Status != ecs.ServiceInactive {
			m.say(x.service, text(x.service.Record().Name, x.count, x.group))
		}
	}
	return nil, nil
}

// letLeave has tasks go on to STOPPING that are no targets any more, once all that has come with the news is known: control that has been
// started anew knows nothing of the other target groups of a task before.
func (m *Machine) letLeave(tasks []*ecs.Task) {
	for _, t := range tasks {
		s := m.services.Numbered(t.Cluster, t.ServiceSeq)
		switch now := m.tasks.Task(t.Cluster, t.ID); {
		case now.LastStatus != ecs.StatusDeactivating: // it has been here before
		case s.Attached(t.ID):
			m.timers.set(m.drainEnds(now), drainTimer(now)) // which may be sooner by now
		default:
			m.tasks.Drained(m.now, now)
			m.spread()
		}
	}
}

func counted(all []tally, s *services.Service, group string, come bool) []tally {
	for i := range all {
		if x := &all[i]; x.service == s && x.group == group && x.come == come {
			x.count++
			return all
		}
	}
	return append(all, tally{s, group, come, 1})
}

// end stops a task of a service: one that is a target is drained before.
func (m *Machine) end(s *services.Service, t *ecs.Task, code ecs.StopCode, reason string) (drains bool) {
	if s.Attached(t.ID) && t.LastStatus == ecs.StatusRunning {
		m.tasks.Deactivate(m.now, t, code, reason)
		m.timers.set(m.drainEnds(t), drainTimer(t))
		return true
	}
	m.tasks.Stop(m.now, t, code, reason)
	return false
}

func drainTimer(t *ecs.Task) timer { return timer{kind: drainDue, cluster: t.Cluster, id: t.ID} }

// giveUp has a task stop that should have been drained by now, or has itself called again then.
func (m *Machine) giveUp(cluster string, id ecs.ID) {
	t := m.tasks.Task(cluster, id)
	if t == nil || t.LastStatus != ecs.StatusDeactivating {
		return
	}
	if at := m.drainEnds(t); m.now < at {
		m.timers.set(at, drainTimer(t))
		return
	}
	m.tasks.Drained(m.now, t)
	m.spread()
}

// drainEnds is when a task that is DEACTIVATING goes on to STOPPING although no load balancer says that it is drained.
func (m *Machine) drainEnds(t *ecs.Task) ecs.Time {
	since := max(t.StoppingAt, m.startedAt)
	if s := m.services.Numbered(t.Cluster, t.ServiceSeq); s != nil {
		return s.DrainedBy(t, since).Add(drainSlack)
	}
	return since.Add(health.DefaultDelay + drainSlack)
}

// failed gives why a task counts as unhealthy: the stopped reason and the event.
func (m *Machine) failed(s *services.Service, t *ecs.Task) (reason, event string) {
	lb, why := s.FailedTarget(t)
	registry := s.FailedRegistry(t)
	switch {
	case lb == nil && registry != "" && t.Health != ecs.HealthUnhealthy:
		return scheduler.ReasonFailedRegistryChecks(registry), scheduler.UnhealthyInstanceEvent(s.Record().Name, t.ID, registry)
	case lb == nil:
		return scheduler.ReasonFailedContainerChecks, scheduler.UnhealthyEvent(s.Record().Name, t.ID)
	}
	return scheduler.ReasonFailedTargetChecks(lb.TargetGroup),
		scheduler.UnhealthyTargetEvent(s.Record().Name, t.ID, cmp.Or(hostPort(t, lb), lb.Port), lb.TargetGroup, why)
}

// hostPort is where the port of a load balancer's container is on the container instance, 0 where that is not known.
func hostPort(t *ecs.Task, lb *ecs.LoadBalancer) int {
	for i := range t.Containers {
		for _, b := range t.Containers[i].Bindings {
			if t.Definition.Containers[i].Name == lb.Container && int(b.ContainerPort) == lb.Port {
				return int(b.HostPort)
			}
		}
	}
	return 0
}
