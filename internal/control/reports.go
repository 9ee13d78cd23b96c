package control

import (
	"fmt"

	"ballast/internal/control/catalog"
	"ballast/internal/ecs"
	"ballast/internal/session"
)

// report takes what an agent says: who it is, and how its tasks are.
func (m *Machine) report(r *session.Report) {
	if why := m.unwelcome(r); why != "" {
		m.sessions.Refuse(r, why)
		return
	}
	accepted, opened := m.sessions.Accept(m.now, r)
	if !accepted {
		return
	}
	if opened {
		if m.instances.Register(m.now, r.Instance, *r.Hello) {
			m.catalog.Count(r.Hello.Cluster, catalog.Counts{Instances: 1})
		}
		m.services.Room(r.Hello.Cluster)
	}
	instance := m.instances.Find(r.Instance)
	if m.instances.Reconnected(r.Instance) {
		m.services.Room(instance.Cluster)
	}
	m.instances.Impaired(r.Instance, r.Impaired)
	for i := range r.Tasks {
		if !m.tasks.Report(m.now, instance.Cluster, r.Instance, &r.Tasks[i]) {
			m.sessions.Tell(r.Instance, r.Tasks[i].Task)
		}
		m.spread()
	}
	m.watch(r.Instance)
}

// unwelcome says why an agent cannot open a session, "" where it can. A container instance belongs to one cluster for good.
func (m *Machine) unwelcome(r *session.Report) string {
	if r.Hello == nil {
		return ""
	}
	if _, err := m.catalog.Cluster(r.Hello.Cluster); err != nil {
		return fmt.Sprintf("cluster %q does not exist; create it first", r.Hello.Cluster)
	}
	if known := m.instances.Find(r.Instance); known != nil && known.Cluster != r.Hello.Cluster {
		return fmt.Sprintf("container instance %s belongs to cluster %q, not %q", r.Instance, known.Cluster, r.Hello.Cluster)
	}
	return ""
}

// watch sets the timer by which a silent agent is noticed.
func (m *Machine) watch(instance ecs.ID) {
	m.timers.set(m.now.Add(m.cfg.Policy.InstanceLostAfter), timer{kind: instanceDue, id: instance})
}

// timer sees to what may be due.
func (m *Machine) timer(t timer) {
	switch t.kind {
	case serviceDue:
		m.services.Woken(t.cluster, t.number)
	case repeatDue:
		m.repeatAt(m.sessions.Due(m.now, t.id), t.id)
	case instanceDue:
		m.silent(t.id)
	case removalDue:
		m.catalog.RemoveUnused()
	case protectionDue:
		m.expose(t.cluster, t.id)
	case drainDue:
		m.giveUp(t.cluster, t.id)
	case historyDue:
		if s := m.services.Numbered(t.cluster, t.number); s != nil {
			m.services.ForgetOld(m.now, s)
			m.awaitHistory(s)
		}
	case clusterDue:
		m.forgetCluster(t.cluster)
	case inactiveDue:
		m.forgetInstance(t.id)
	case expiryDue:
		m.markStale(t.cluster)
	}
}

// silent replaces the tasks of a container instance whose agent has said nothing for too long. When it comes back, its
// manifest tells it to stop them.
func (m *Machine) silent(id ecs.ID) {
	instance := m.instances.Find(id)
	if instance == nil || instance.Status == ecs.InstanceInactive {
		return
	}
	heard := max(m.sessions.Heard(id), m.startedAt)
	if lost := heard.Add(m.cfg.Policy.InstanceLostAfter); m.now < lost {
		m.timers.set(lost, timer{kind: instanceDue, id: id})
		return
	}
	m.sessions.Silence(id, m.sessions.Number(id))
	m.instances.Disconnected(id)
	reason := fmt.Sprintf("Container instance %s lost: its agent has been silent for %s", id, m.cfg.Policy.InstanceLostAfter)
	for _, t := range m.tasks.On(instance.Cluster, id) {
		m.tasks.Lose(m.now, t, ecs.InfrastructureHealth, reason)
	}
	m.instances.Lost(id)
	m.services.Room(instance.Cluster) // whoever waited for this instance is told now that there is none
	m.spread()
}
