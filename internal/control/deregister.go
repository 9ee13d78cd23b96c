package control

import (
	"ballast/internal/control/catalog"
	"ballast/internal/ecs"
)

// reasonDeregistered is the stopped reason of tasks whose container instance was deregistered with force (developer guide, Stopped
// tasks error codes). Nobody says which stop code goes with it; it was a user's decision.
const reasonDeregistered = "Container instance deregistration forced by user"

// deregistered is what the agent of such a container instance is told.
const deregistered = "it has been deregistered; an agent that is started anew registers it again"

// apply makes the container instance INACTIVE. The text on running tasks is that of real accounts (as moto and many scripts know it); the
// other two are made after those on tasks and clusters.
func (c DeregisterContainerInstance) apply(m *Machine) (any, error) {
	if _, err := m.catalog.Cluster(c.Cluster); err != nil {
		return nil, err
	}
	i := m.instances.Find(c.Instance)
	if i == nil || i.Cluster != c.Cluster {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "The referenced container instance was not found.")
	}
	if i.Status == ecs.InstanceInactive {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "The referenced container instance was inactive.")
	}
	tasks := m.tasks.On(c.Cluster, c.Instance)
	if len(tasks) > 0 && !c.Force {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "Found running tasks on the instance.")
	}
	m.instances.Deregister(m.now, c.Instance)
	m.sessions.End(c.Instance, deregistered)
	m.catalog.Count(c.Cluster, catalog.Counts{Instances: -1})
	m.w.FollowUp() // there may be more tasks than fit into a unit
	for _, t := range tasks {
		m.tasks.Lose(m.now, t, ecs.UserInitiated, reasonDeregistered)
	}
	m.services.Room(c.Cluster) // whoever waited for this instance is told now that there is none
	m.spread()
	m.forgetInstance(c.Instance)
	return m.instances.Find(c.Instance), nil
}

// forgetInstance drops a container instance that has been INACTIVE for as long as stopped tasks are kept, or has itself called again
// then: ECS keeps one discoverable "for a period of time" too.
func (m *Machine) forgetInstance(id ecs.ID) {
	if at := m.instances.Forget(m.now, id, m.cfg.Policy.StoppedKeptFor); at != 0 {
		m.timers.set(at, timer{kind: inactiveDue, id: id})
	}
}
