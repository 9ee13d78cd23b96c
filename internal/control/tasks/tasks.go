// Package tasks is control's book of tasks: it creates them, moves them through their statuses as agents report and others
// ask, and forgets them when they have been stopped for long enough. It never decides that a task should start or stop. Every
// change leaves a Move, by which the other books learn of it. Start reading at Book.
package tasks

import (
	"cmp"
	"maps"
	"slices"

	"ballast/internal/control/journal"
	"ballast/internal/ecs"
	"ballast/internal/scheduler/lifecycle"
)

// Book holds the tasks of all clusters. Its records are immutable; it replaces them.
type Book struct {
	w        *journal.Writer
	clusters map[string]*shelf
	moves    []Move
}

// Move is a task before and after a change: Old is nil for a new task, New is nil for one that is forgotten.
type Move struct{ Old, New *ecs.Task }

// shelf holds the tasks of one cluster.
type shelf struct {
	tasks map[ecs.ID]*ecs.Task
	seq   uint64
	// placed are the tasks not yet STOPPED, by container instance.
	placed  map[ecs.ID]map[ecs.ID]bool
	stopped retention
}

// New gives an empty book that writes to w.
func New(w *journal.Writer) *Book { return &Book{w: w, clusters: map[string]*shelf{}} }

func (b *Book) shelf(cluster string) *shelf {
	s := b.clusters[cluster]
	if s == nil {
		s = &shelf{tasks: map[ecs.ID]*ecs.Task{}, placed: map[ecs.ID]map[ecs.ID]bool{}, stopped: newRetention()}
		b.clusters[cluster] = s
	}
	return s
}

// Load takes a task read from the store. Its Move tells the other books.
func (b *Book) Load(t *ecs.Task) {
	s := b.shelf(t.Cluster)
	s.seq = max(s.seq, t.Seq)
	s.put(nil, t)
	b.moves = append(b.moves, Move{New: t})
}

// Loaded says that every task has been loaded.
func (b *Book) Loaded() {
	for _, s := range b.clusters {
		s.stopped.sort(s.tasks)
	}
}

// Moves gives what has changed since the last call.
func (b *Book) Moves() []Move {
	moves := b.moves
	b.moves = nil
	return moves
}

// Task finds a task; nil when there is none.
func (b *Book) Task(cluster string, id ecs.ID) *ecs.Task {
	if s := b.clusters[cluster]; s != nil {
		return s.tasks[id]
	}
	return nil
}

// Live counts the tasks of a cluster that are not STOPPED.
func (b *Book) Live(cluster string) int {
	n := 0
	if s := b.clusters[cluster]; s != nil {
		for _, placed := range s.placed {
			n += len(placed)
		}
	}
	return n
}

// Tag replaces the tags of a task.
func (b *Book) Tag(t *ecs.Task, tags []ecs.Tag) {
	n := *t
	n.Tags = tags
	b.put(t, &n)
}

// Protect sets until when a task is protected, 0 for not at all, and gives the task as it is then. That is no state change: it has no
// event and no version.
func (b *Book) Protect(t *ecs.Task, until ecs.Time) *ecs.Task {
	n := *t
	n.ProtectedUntil = until
	b.put(t, &n)
	return &n
}

// Keep takes a task out of its service without stopping it. That is no state change: it has no event and no version.
func (b *Book) Keep(t *ecs.Task) {
	n := *t
	n.Kept = true
	b.put(t, &n)
}

// On gives the tasks of a container instance that are not STOPPED, in the order of creation.
func (b *Book) On(cluster string, instance ecs.ID) []*ecs.Task {
	s := b.clusters[cluster]
	if s == nil {
		return nil
	}
	var out []*ecs.Task
	for id := range s.placed[instance] {
		out = append(out, s.tasks[id])
	}
	slices.SortFunc(out, bySeq)
	return out
}

// Each calls do for every task that is not STOPPED, cluster by cluster, in the order of creation.
func (b *Book) Each(do func(*ecs.Task)) {
	for _, cluster := range slices.Sorted(maps.Keys(b.clusters)) {
		s := b.clusters[cluster]
		var live []*ecs.Task
		for _, placed := range s.placed {
			for id := range placed {
				live = append(live, s.tasks[id])
			}
		}
		slices.SortFunc(live, bySeq)
		for _, t := range live {
			do(t)
		}
	}
}

func bySeq(a, b *ecs.Task) int { return cmp.Compare(a.Seq, b.Seq) }

// Create makes a task of a template that has its id, its container instance and the ids of its containers. Nothing has to be
// provisioned for it, so it is PENDING at once. It gives the task as the answer to a request shows it: one with a network
// interface is still PROVISIONING there, as in ECS.
func (b *Book) Create(now ecs.Time, t ecs.Task) *ecs.Task {
	s := b.shelf(t.Cluster)
	s.seq++
	t.Seq = s.seq
	t.CreatedAt, t.ConnectivityAt = now, now
	t.DesiredStatus = ecs.StatusRunning
	for i := range t.Containers {
		t.Containers[i].Status = ecs.StatusPending
	}
	advance(&t, ecs.StatusProvisioning, now)
	noted := t
	advance(&t, ecs.StatusPending, now)
	b.put(nil, &t)
	if t.Interface == nil {
		return &t
	}
	return &noted
}

// Stop asks for the end of a task, for a reason that is kept if it is the first. It is STOPPING at once. It gives the task as it is when the request has been noted, before it moves on: that is what the
// answer to StopTask shows.
func (b *Book) Stop(now ecs.Time, t *ecs.Task, code ecs.StopCode, reason string) *ecs.Task {
	if t.DesiredStatus == ecs.StatusStopped {
		return t
	}
	noted := *t
	wantStopped(&noted, now, code, reason)
	moved := noted
	advance(&moved, ecs.StatusStopping, now)
	b.put(t, &moved)
	return &noted
}

// Deactivate asks for the end of a task that is a target of load balancers: its containers run on until it is Drained.
func (b *Book) Deactivate(now ecs.Time, t *ecs.Task, code ecs.StopCode, reason string) {
	if t.DesiredStatus == ecs.StatusStopped {
		return
	}
	n := *t
	wantStopped(&n, now, code, reason)
	advance(&n, ecs.StatusDeactivating, now)
	b.put(t, &n)
}

// Drained has a task that is DEACTIVATING go on to STOPPING.
func (b *Book) Drained(now ecs.Time, t *ecs.Task) {
	n := *t
	advance(&n, ecs.StatusStopping, now)
	b.put(t, &n)
}

// Lose ends a task whose container instance is gone.
func (b *Book) Lose(now ecs.Time, t *ecs.Task, code ecs.StopCode, reason string) {
	n := *t
	n.Containers = slices.Clone(t.Containers)
	for i := range n.Containers {
		n.Containers[i].Status = ecs.StatusStopped
	}
	wantStopped(&n, now, code, reason)
	advance(&n, ecs.StatusStopped, now)
	b.put(t, &n)
}

func wantStopped(t *ecs.Task, now ecs.Time, code ecs.StopCode, reason string) {
	if t.DesiredStatus == ecs.StatusStopped {
		return
	}
	t.DesiredStatus = ecs.StatusStopped
	t.StopCode, t.StoppedReason, t.StoppingAt = code, reason, now
}

// advance moves a task forward, through every status on the way; each is a version of its own, as each is an event of its own.
// A task that is already there, or further, stays.
func advance(t *ecs.Task, to ecs.Status, now ecs.Time) {
	for _, status := range lifecycle.Path(t.LastStatus, to) {
		t.LastStatus = status
		t.Version++
		switch {
		case status == ecs.StatusRunning && t.StartedAt == 0:
			t.StartedAt = now
		case status == ecs.StatusStopped:
			t.StoppedAt = now
		}
	}
}

func (b *Book) put(old, t *ecs.Task) {
	b.shelf(t.Cluster).put(old, t)
	b.w.Put(journal.TaskKey(t), t)
	b.moves = append(b.moves, Move{old, t})
}

func (s *shelf) put(old, t *ecs.Task) {
	s.tasks[t.ID] = t
	switch {
	case t.Stopped():
		if placed := s.placed[t.Instance]; placed != nil {
			if delete(placed, t.ID); len(placed) == 0 {
				delete(s.placed, t.Instance)
			}
		}
		if old == nil || !old.Stopped() {
			s.stopped.add(t)
		}
	case old == nil:
		placed := s.placed[t.Instance]
		if placed == nil {
			placed = map[ecs.ID]bool{}
			s.placed[t.Instance] = placed
		}
		placed[t.ID] = true
	}
}
