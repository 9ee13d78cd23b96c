package control

import (
	"slices"

	"ballast/internal/control/services"
	"ballast/internal/ecs"
	"ballast/internal/lb/health"
	"ballast/internal/scheduler"
	"ballast/internal/scheduler/explain"
	"ballast/internal/scheduler/placement"
	"ballast/internal/session"
)

// Explain asks for what is known of a service, or with Task of a task, to say why it is as it is. It changes nothing; it is a
// command because only the machine knows what the scheduler counts. Answer: Explained.
type Explain struct {
	Cluster, Service string
	Task             ecs.ID
}

// Explained is what explain.Service, or with a Task explain.OneTask, makes a report of.
type Explained struct {
	Case *explain.Case
	Task *ecs.Task
}

func (c Explain) apply(m *Machine) (any, error) {
	if _, err := m.catalog.Cluster(c.Cluster); err != nil {
		return nil, err
	}
	if c.Task.IsZero() {
		s := m.services.Named(c.Cluster, c.Service)
		if s == nil {
			return nil, ecs.Errorf(ecs.ServiceNotFoundException, "Service not found.")
		}
		return Explained{Case: m.caseOf(m.now, s)}, nil
	}
	t := m.tasks.Task(c.Cluster, c.Task)
	if t == nil {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "Cluster %s has no task %s.", c.Cluster, c.Task)
	}
	if s := m.services.Named(c.Cluster, t.Service); s != nil && s.Record().Seq == t.ServiceSeq {
		known := m.caseOf(m.now, s)
		m.addTask(known, s, t)
		return Explained{known, t}, nil
	}
	alone := &explain.Case{Now: m.now, View: scheduler.View{Policy: m.cfg.Policy}}
	m.addTroubled(alone, c.Cluster, func(other *ecs.Task) bool { return other.ID == t.ID })
	return Explained{alone, t}, nil
}

// Case gives what is known of a service between steps, at a time not before the last one; nil where there is none.
func (m *Machine) Case(now ecs.Time, cluster, service string) *explain.Case {
	if s := m.services.Named(cluster, service); s != nil {
		return m.caseOf(now, s)
	}
	return nil
}

// caseOf copies what the machine goes on changing; records are immutable.
func (m *Machine) caseOf(now ecs.Time, s *services.Service) *explain.Case {
	record, view := s.Record(), *s.Tracker().View()
	view.Deployments = append([]scheduler.Deployment(nil), view.Deployments...)
	c := &explain.Case{Now: now, Service: record, View: view, Waits: append([]scheduler.Explanation(nil), s.Explanations()...),
		Stuck: s.Stuck(), Wake: m.timers.at(serviceTimer(serviceDue, s)), Stopped: m.tasks.LastStopped(record.Cluster, record.Seq, explain.MaxStopped)}
	addGroups(c, s)
	for i := range view.Deployments {
		m.addTasks(c, s, &view.Deployments[i])
		if d := record.Deployment(view.Deployments[i].ID); d != nil && (view.Deployments[i].Refused > 0 || i == 0 && view.Throttle.Failed > 0) {
			room := explain.Room{Deployment: d.ID, Demand: placement.DemandOf(d.Definition, nil)}
			room.Closest, room.Instances = m.instances.Shortfalls(record.Cluster, room.Demand, explain.MaxInstances)
			c.Rooms = append(c.Rooms, room)
		}
	}
	for _, id := range s.Kept() {
		c.Kept = append(c.Kept, m.tasks.Task(record.Cluster, id))
	}
	m.addTroubled(c, record.Cluster, func(t *ecs.Task) bool { return t.Service == record.Name && t.ServiceSeq == record.Seq && !t.Kept })
	return c
}

// addGroups adds the target groups and service registries of a service.
func addGroups(c *explain.Case, s *services.Service) {
	record := s.Record()
	for i := range record.Outsiders() {
		arn, g := record.Outsider(i), explain.Group{}
		if i < len(record.LoadBalancers) {
			g.Container, g.Port = record.LoadBalancers[i].Container, record.LoadBalancers[i].Port
		}
		settings, states := s.TargetGroup(arn)
		if g.Group, g.States = health.DefaultGroup(arn), states; settings != nil {
			g.Group = *settings
		}
		c.Groups = append(c.Groups, g)
	}
}

// addTasks adds the tasks of a deployment that are worth a look.
func (m *Machine) addTasks(c *explain.Case, s *services.Service, d *scheduler.Deployment) {
	for phase := scheduler.Starting; phase <= scheduler.Stopping; phase++ {
		if d.Counts[phase] == 0 || phase == scheduler.Healthy && d.Protected[phase] == 0 {
			continue
		}
		taken := 0
		for _, seq := range s.Tracker().Tasks(d.ID, phase, nil) {
			known, _ := s.Tracker().Task(seq)
			if taken == explain.MaxTasks {
				break
			}
			if phase != scheduler.Healthy || known.Protected {
				c.Tasks = append(c.Tasks, m.known(c, s, known))
				taken++
			}
		}
	}
}

// addTask adds the task that is asked for, if the scheduler counts it and it is not there.
func (m *Machine) addTask(c *explain.Case, s *services.Service, t *ecs.Task) {
	known, counted := s.Tracker().Task(t.Seq)
	if counted && !slices.ContainsFunc(c.Tasks, func(x explain.Task) bool { return x.ID == t.ID }) {
		c.Tasks = append(c.Tasks, m.known(c, s, known))
	}
}

// known gives a task as the scheduler counts it, and as it stands in the target groups of the case.
func (m *Machine) known(c *explain.Case, s *services.Service, counted scheduler.Task) explain.Task {
	t := explain.Task{Task: m.tasks.Task(s.Record().Cluster, s.TaskID(counted.Seq)), Phase: counted.Phase, Due: counted.Due}
	for i := range c.Groups {
		target := explain.Target{Group: &c.Groups[i]}
		for _, x := range s.Targets(t.ID) {
			if x.Group.ARN == target.Group.ARN {
				target.Known, target.Health, target.Since = true, x.Health, x.Since
			}
		}
		t.Targets = append(t.Targets, target)
	}
	if t.LastStatus == ecs.StatusDeactivating {
		t.DrainEnds = m.drainEnds(t.Task)
	}
	return t
}

// missedAfter is the silence after which an agent that is connected is missed: several heartbeats.
const missedAfter = 3 * session.HeartbeatEvery

// addTroubled adds the container instances of a cluster with tasks of a kind whose agents are not heard of, or do not reach their
// container runtime.
func (m *Machine) addTroubled(c *explain.Case, cluster string, of func(*ecs.Task) bool) {
	for _, i := range m.instances.All() {
		heard := max(m.sessions.Heard(i.ID), m.startedAt)
		silent := !i.Connected || c.Now.Sub(heard) >= missedAfter
		if i.Cluster != cluster || i.Status == ecs.InstanceInactive || m.instances.IsLost(i.ID) || !silent && i.Impaired == "" {
			continue
		}
		tasks := 0
		for _, t := range m.tasks.On(cluster, i.ID) {
			if of(t) {
				tasks++
			}
		}
		switch {
		case tasks == 0:
		case silent:
			c.Silent = append(c.Silent, explain.Silent{Instance: i.ID, Tasks: tasks, Heard: heard, LostAt: heard.Add(m.cfg.Policy.InstanceLostAfter)})
		default:
			c.Impaired = append(c.Impaired, explain.Impaired{Instance: i.ID, Tasks: tasks, Why: i.Impaired})
		}
	}
}
