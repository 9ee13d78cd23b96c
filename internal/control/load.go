package control

import (
	"cmp"
	"slices"

	"ballast/internal/control/catalog"
	"ballast/internal/control/journal"
	"ballast/internal/control/services"
	"ballast/internal/control/sessions"
	"ballast/internal/ecs"
	"ballast/internal/session"
)

// loading holds what the store gave before its place is known: events and service deployments come before their service.
type loading struct {
	events  map[journal.Key][]numbered
	history map[journal.Key][]*ecs.ServiceDeployment
}

// numbered is a service event under its number.
type numbered struct {
	number uint64
	event  *ecs.ServiceEvent
}

// shown gives the events that a service has, newest first. Those that a commit left behind which only got half-way are not
// among them: newer ones are said again under the same number, older ones had been dropped and are to be once more.
func (m *Machine) shown(of journal.Key, newest uint64) []*ecs.ServiceEvent {
	var events []*ecs.ServiceEvent
	for _, e := range m.loading.events[of] {
		switch {
		case e.number > newest:
		case newest-e.number < ecs.MaxServiceEvents:
			events = append(events, e.event)
		default:
			m.leftovers = append(m.leftovers, eventKey(of, e.number))
		}
	}
	delete(m.loading.events, of)
	slices.Reverse(events)
	return events
}

func eventKey(service journal.Key, n uint64) journal.Key {
	return journal.Key{Kind: journal.KindServiceEvent, Cluster: service.Cluster, Seq: service.Seq, Event: n}
}

// leaveGone takes the events and service deployments for leftovers whose service is gone.
func (m *Machine) leaveGone() {
	for gone, events := range m.loading.events {
		for _, e := range events {
			m.leftovers = append(m.leftovers, eventKey(gone, e.number))
		}
	}
	for gone, history := range m.loading.history {
		for _, d := range history {
			m.leftovers = append(m.leftovers, journal.Key{Kind: journal.KindDeployment, Cluster: gone.Cluster, Seq: gone.Seq, Event: d.Number})
		}
	}
	slices.SortFunc(m.leftovers, func(a, b journal.Key) int { return cmp.Compare(a.String(), b.String()) })
}

// dropLeftovers removes what commits that only got half-way left behind.
func (m *Machine) dropLeftovers() {
	if len(m.leftovers) == 0 {
		return
	}
	m.w.FollowUp()
	for _, key := range m.leftovers {
		m.w.Delete(key)
	}
	m.leftovers = nil
}

// Load takes one record of the store. Records come in the order of their keys.
func (m *Machine) Load(name string, value []byte) error {
	stored, err := journal.Parse(name, value)
	if err != nil {
		return err
	}
	return m.load(stored)
}

// load takes one record that has been read.
func (m *Machine) load(stored journal.Stored) error {
	key := stored.Key
	record, err := stored.Record(m.catalog.Definition)
	if err != nil {
		return err
	}
	switch r := record.(type) {
	case *ecs.ContainerInstance:
		m.instances.Load(r)
	case *ecs.ServiceEvent:
		of := journal.Key{Kind: journal.KindService, Cluster: key.Cluster, Seq: key.Seq}
		m.loading.events[of] = append(m.loading.events[of], numbered{key.Event, r})
	case *ecs.ServiceDeployment:
		of := journal.Key{Kind: journal.KindService, Cluster: key.Cluster, Seq: key.Seq}
		m.loading.history[of] = append(m.loading.history[of], r)
	case *ecs.Service:
		m.services.Load(r, m.shown(key, r.LastEvent), m.loading.history[key])
		delete(m.loading.history, key)
		if r.Status == ecs.ServiceActive {
			m.catalog.Count(r.Cluster, catalog.Counts{Services: 1})
		}
	case *ecs.Task:
		m.tasks.Load(r)
		m.visible.LoadTask(r)
		return nil
	case *ecs.Cluster:
		m.catalog.Load(key, r)
		m.services.SetDefaults(r.Name, r.Tags, m.tasks.Task)
	default:
		m.catalog.Load(key, record)
	}
	m.visible.Apply(journal.Unit{{Key: key, Record: record}})
	return nil
}

// Loaded ends the load. Until an agent has reported, its tasks stand as journalled; its silence is counted from now on.
func (m *Machine) Loaded(now ecs.Time) {
	m.now, m.startedAt = now, now
	m.visible.Loaded()
	m.catalog.Loaded()
	m.tasks.Loaded()
	m.spread()
	m.leaveGone()
	m.loading = nil
	for _, i := range m.instances.All() {
		if i.Status == ecs.InstanceInactive {
			m.forgetInstance(i.ID)
			continue
		}
		m.catalog.Count(i.Cluster, catalog.Counts{Instances: 1})
		m.watch(i.ID)
	}
	m.awaitTasks()
	for _, cluster := range m.catalog.Inactive() {
		m.forgetCluster(cluster)
	}
	m.removeLater()
	m.instances.Flush()
	m.catalog.Flush()
	m.services.Flush()
	for _, unit := range m.w.Take() {
		m.visible.Apply(unit)
	}
}

// assignments tells agents of tasks as they are committed.
type assignments struct{ m *Machine }

// Assignment gives a task as the agent of that instance should have it: one that is over, or another instance's, is to be
// forgotten.
func (a assignments) Assignment(cluster string, instance, task ecs.ID) session.Assignment {
	t := a.m.tasks.Task(cluster, task)
	if t == nil || t.Instance != instance || t.Stopped() {
		return session.Assignment{Task: task, Desired: ecs.StatusStopped, Forget: true}
	}
	return assignment(t)
}

// Manifest gives every task that the instance should have.
func (a assignments) Manifest(cluster string, instance ecs.ID) []session.Assignment {
	var out []session.Assignment
	for _, t := range a.m.tasks.On(cluster, instance) {
		out = append(out, assignment(t))
	}
	return out
}

var _ sessions.Source = assignments{}

func assignment(t *ecs.Task) session.Assignment {
	desired := ecs.StatusRunning
	if t.LastStatus >= ecs.StatusStopping {
		desired = ecs.StatusStopped // not before: what comes ahead of STOPPING is control's to finish
	}
	health, heard := make([]ecs.Health, len(t.Containers)), make([]session.Heard, len(t.Containers))
	for i := range t.Containers {
		c := &t.Containers[i]
		health[i], heard[i] = c.Health, session.Heard{Status: c.Status, ExitCode: c.ExitCode, Reason: c.Reason}
	}
	return session.Assignment{Task: t.ID, Desired: desired, Work: &session.Work{Cluster: t.Cluster, Service: t.Service,
		Definition: t.Definition, Overrides: t.Overrides, Launched: t.StartedAt != 0,
		Health: health, Heard: heard}}
}

var _ services.Chance = (*ids)(nil)
