// Package instances is control's book of container instances: who has registered, who is connected, and what their tasks
// reserve. It places tasks through the placement index; it never decides that a task should start or stop. Start reading at
// Book.
package instances

import (
	"cmp"
	"slices"
	"time"

	"ballast/internal/control/journal"
	"ballast/internal/ecs"
	"ballast/internal/scheduler/placement"
	"ballast/internal/session"
)

// Book holds the container instances of all clusters.
type Book struct {
	w        *journal.Writer
	records  map[ecs.ID]*ecs.ContainerInstance
	seqs     map[string]uint64
	clusters map[string]*placement.Index
	lost     map[ecs.ID]bool
	changed  []ecs.ID // to be shown, in the order of changing
	// drafts are the records made since the last Flush: nobody has seen them, so they may still be changed in place.
	drafts map[ecs.ID]bool
}

// New gives an empty book that writes to w.
func New(w *journal.Writer) *Book {
	return &Book{w: w, records: map[ecs.ID]*ecs.ContainerInstance{}, seqs: map[string]uint64{},
		clusters: map[string]*placement.Index{}, lost: map[ecs.ID]bool{}, drafts: map[ecs.ID]bool{}}
}

func (b *Book) index(cluster string) *placement.Index {
	index := b.clusters[cluster]
	if index == nil {
		index = placement.NewIndex()
		b.clusters[cluster] = index
	}
	return index
}

// Load takes a container instance read from the store. It is not connected before its agent speaks.
func (b *Book) Load(i *ecs.ContainerInstance) {
	b.seqs[i.Cluster] = max(b.seqs[i.Cluster], i.Seq)
	b.replace(i)
	b.offer(i)
}

// replace gives a container instance a new record.
func (b *Book) replace(i *ecs.ContainerInstance) {
	b.records[i.ID] = i
	if !b.drafts[i.ID] {
		b.drafts[i.ID] = true
		b.changed = append(b.changed, i.ID)
	}
}

// draft gives a record of a container instance that may be changed until Flush.
func (b *Book) draft(id ecs.ID) *ecs.ContainerInstance {
	i := b.records[id]
	if !b.drafts[id] {
		n := *i
		i = &n
		b.replace(i)
	}
	return i
}

// Register takes what an agent says of its container instance at the start of a session; a new one is given a record. It says
// whether it is new, which one is too that had been deregistered.
func (b *Book) Register(now ecs.Time, id ecs.ID, hello session.Hello) (isNew bool) {
	i := &ecs.ContainerInstance{ID: id, Cluster: hello.Cluster, RegisteredAt: now}
	old := b.records[id]
	isNew = old == nil || old.Status == ecs.InstanceInactive
	switch {
	case old == nil:
		b.seqs[hello.Cluster]++
		i.Seq = b.seqs[hello.Cluster]
	case isNew:
		i.Seq, i.Version = old.Seq, old.Version
	default:
		n := *old
		i = &n
	}
	i.Registered, i.Attributes, i.AgentVersion, i.Zone, i.Driver = hello.Resources, hello.Attributes, hello.AgentVersion,
		hello.Zone, hello.Driver
	i.Connected = true
	delete(b.lost, id)
	i.Version++
	b.replace(i)
	b.offer(i)
	b.w.Put(journal.InstanceKey(i), i)
	return isNew
}

// Deregister makes a container instance INACTIVE, and gives it as it is then.
func (b *Book) Deregister(now ecs.Time, id ecs.ID) *ecs.ContainerInstance {
	i := *b.records[id]
	i.Status, i.InactiveAt, i.Connected = ecs.InstanceInactive, now, false
	i.Version++
	b.replace(&i)
	b.offer(&i)
	b.w.Put(journal.InstanceKey(&i), &i)
	return &i
}

// Forget drops a container instance that has been INACTIVE for kept, or says when it will have been; 0 when there is nothing to do.
func (b *Book) Forget(now ecs.Time, id ecs.ID, kept time.Duration) (at ecs.Time) {
	i := b.records[id]
	if i == nil || i.Status != ecs.InstanceInactive {
		return 0
	}
	if at = i.InactiveAt.Add(kept); now < at {
		return at
	}
	delete(b.records, id)
	delete(b.lost, id)
	delete(b.drafts, id)
	b.index(i.Cluster).Remove(id)
	b.changed = slices.DeleteFunc(b.changed, func(other ecs.ID) bool { return other == id })
	b.w.Delete(journal.InstanceKey(i))
	return 0
}

// offer brings the placement index up to date with a record.
func (b *Book) offer(i *ecs.ContainerInstance) {
	b.index(i.Cluster).Put(placement.Instance{ID: i.ID, Zone: i.Zone, Resources: i.Registered,
		Available:    i.Connected && i.Status == ecs.InstanceActive,
		Disconnected: !i.Connected && i.Status == ecs.InstanceActive})
}

// Disconnected notes that the agent's connection broke. Its tasks stay; new ones go elsewhere.
func (b *Book) Disconnected(id ecs.ID) {
	if old := b.records[id]; old != nil && old.Connected {
		i := b.draft(id)
		i.Connected = false
		b.offer(i)
	}
}

// Reconnected notes that the agent speaks, and says whether its connection had been taken for broken: after a long silence a
// session may go on.
func (b *Book) Reconnected(id ecs.ID) bool {
	old := b.records[id]
	if old == nil || old.Connected {
		return false
	}
	i := b.draft(id)
	i.Connected = true
	b.offer(i)
	return true
}

// Impaired notes why the agent does not reach its container runtime, "" where it does.
func (b *Book) Impaired(id ecs.ID, why string) {
	if old := b.records[id]; old != nil && old.Impaired != why {
		b.draft(id).Impaired = why
	}
}

// Find gives a container instance; nil when there is none.
func (b *Book) Find(id ecs.ID) *ecs.ContainerInstance { return b.records[id] }

// Tag replaces the tags of a container instance.
func (b *Book) Tag(old *ecs.ContainerInstance, tags []ecs.Tag) {
	i := *old
	i.Tags = tags
	b.replace(&i)
	b.w.Put(journal.InstanceKey(&i), &i)
}

// Zone is the availability zone of a container instance.
func (b *Book) Zone(id ecs.ID) string {
	if i := b.records[id]; i != nil {
		return i.Zone
	}
	return ""
}

// All gives the container instances in the order of registration, cluster by cluster.
func (b *Book) All() []*ecs.ContainerInstance {
	var all []*ecs.ContainerInstance
	for _, i := range b.records {
		all = append(all, i)
	}
	slices.SortFunc(all, func(a, b *ecs.ContainerInstance) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Seq, b.Seq))
	})
	return all
}

// Lost notes that an agent has been silent for so long that nobody waits for it any more.
func (b *Book) Lost(id ecs.ID) { b.lost[id] = true }

// Awaited says whether a container instance of the cluster is expected to come back: it is not connected and not yet lost. So it
// is with all of them right after a restart. As long as one is, that there is no room is not worth an event.
func (b *Book) Awaited(cluster string) bool {
	for id, i := range b.records {
		if i.Cluster == cluster && i.Status == ecs.InstanceActive && !i.Connected && !b.lost[id] {
			return true
		}
	}
	return false
}

// Choose finds a container instance with room for a task of a group, or says why there is none. Nothing is reserved before the
// task exists.
func (b *Book) Choose(cluster string, demand placement.Demand, group string, seed uint64) (ecs.ID, *placement.Refusal) {
	return b.index(cluster).Choose(demand, group, seed)
}

// Fits says whether a container instance has room for a task, nil if it has. Whether it takes new tasks is not looked at.
func (b *Book) Fits(cluster string, id ecs.ID, demand placement.Demand) *placement.Refusal {
	return b.index(cluster).Check(id, demand)
}

// Shortfalls says what the container instances of a cluster lack for a task; see placement.Index.Shortfalls. INACTIVE ones are left
// out.
func (b *Book) Shortfalls(cluster string, demand placement.Demand, limit int) (closest []placement.Shortfall, total int) {
	return b.index(cluster).Shortfalls(demand, limit, func(id ecs.ID) bool {
		i := b.records[id]
		return i != nil && i.Status != ecs.InstanceInactive
	})
}

// IsLost says whether nobody waits for the agent of a container instance any more.
func (b *Book) IsLost(id ecs.ID) bool { return b.lost[id] }

// ZoneOf gives the place of a container instance's zone among those of its cluster, in the order of their names.
func (b *Book) ZoneOf(cluster string, id ecs.ID) int { return b.index(cluster).ZoneOf(id) }

// TaskMoved reserves or releases what a task needs, and counts it.
func (b *Book) TaskMoved(old, t *ecs.Task) {
	if t == nil || old == nil && t.Stopped() {
		return
	}
	switch index := b.index(t.Cluster); {
	case old == nil:
		index.Reserve(t.Instance, placement.DemandOf(t.Definition, t.Overrides), t.GroupName())
	case t.Stopped() && !old.Stopped():
		index.Release(t.Instance, placement.DemandOf(t.Definition, t.Overrides), t.GroupName())
	}
	b.count(old, t)
}

func (b *Book) count(old, t *ecs.Task) {
	running, pending := counts(t)
	if old != nil {
		r, p := counts(old)
		running, pending = running-r, pending-p
	}
	record := b.records[t.Instance]
	if record == nil || running == 0 && pending == 0 && old != nil && old.LastStatus == t.LastStatus {
		return
	}
	i := b.draft(t.Instance)
	i.Running += running
	i.Pending += pending
}

func counts(t *ecs.Task) (running, pending int) {
	switch {
	case t.LastStatus == ecs.StatusRunning:
		return 1, 0
	case t.LastStatus < ecs.StatusRunning:
		return 0, 1
	}
	return 0, 0
}

// Flush shows readers what changed, with what remains free.
func (b *Book) Flush() {
	for _, id := range b.changed {
		i := b.draft(id)
		i.Remaining = b.index(i.Cluster).Remaining(id)
		b.w.Show(journal.InstanceKey(i), i)
	}
	b.changed = b.changed[:0]
	clear(b.drafts)
}
