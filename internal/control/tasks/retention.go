package tasks

import (
	"cmp"
	"slices"
	"time"

	"ballast/internal/control/journal"
	"ballast/internal/ecs"
)

// Kept says how long and how many stopped tasks remain visible.
type Kept struct {
	For        time.Duration
	PerService int
	PerCluster int
}

// retention is the queue of stopped tasks of a cluster, oldest first. A task that has been dropped for its service's sake stays
// in the cluster's queue as an id that leads nowhere.
type retention struct {
	queue    []ecs.ID
	count    int
	services map[uint64][]ecs.ID // by service; 0 holds standalone tasks and is not bounded by PerService
	changed  []uint64            // services that got longer since the last expire, in order
}

// keptFrom is when the time begins for which a stopped task is kept: not before anyone could know that it has stopped.
func keptFrom(t *ecs.Task) ecs.Time { return max(t.StoppedAt, t.LearnedAt) }

func newRetention() retention { return retention{services: map[uint64][]ecs.ID{}} }

func (r *retention) add(t *ecs.Task) {
	r.queue = append(r.queue, t.ID)
	r.count++
	if t.ServiceSeq != 0 {
		r.services[t.ServiceSeq] = append(r.services[t.ServiceSeq], t.ID)
		r.changed = append(r.changed, t.ServiceSeq)
	}
}

// sort brings tasks that were loaded in the order of creation into the order in which they stopped.
func (r *retention) sort(tasks map[ecs.ID]*ecs.Task) {
	order := func(a, b ecs.ID) int {
		x, y := tasks[a], tasks[b]
		return cmp.Or(cmp.Compare(keptFrom(x), keptFrom(y)), cmp.Compare(x.Seq, y.Seq))
	}
	slices.SortFunc(r.queue, order)
	for _, queue := range r.services {
		slices.SortFunc(queue, order)
	}
}

// Expire forgets stopped tasks that are too old or too many.
func (b *Book) Expire(now ecs.Time, cluster string, kept Kept) {
	s := b.clusters[cluster]
	if s == nil {
		return
	}
	r := &s.stopped
	for _, service := range r.changed {
		for len(r.services[service]) > kept.PerService {
			b.forget(s, r.services[service][0])
		}
	}
	r.changed = r.changed[:0]
	for len(r.queue) > 0 {
		oldest := s.tasks[r.queue[0]]
		if oldest != nil && r.count <= kept.PerCluster && now.Sub(keptFrom(oldest)) < kept.For {
			return
		}
		if oldest != nil {
			b.forget(s, oldest.ID)
		}
		r.queue = r.queue[1:]
	}
}

// ExpiresAt is when the oldest stopped task of a cluster is to be forgotten; 0 when there is none.
func (b *Book) ExpiresAt(cluster string, kept Kept) ecs.Time {
	if s := b.clusters[cluster]; s != nil && len(s.stopped.queue) > 0 {
		if t := s.tasks[s.stopped.queue[0]]; t != nil {
			return keptFrom(t).Add(kept.For)
		}
	}
	return 0
}

// LastStopped gives the tasks of a service that stopped last, the newest first, at most limit.
func (b *Book) LastStopped(cluster string, service uint64, limit int) []*ecs.Task {
	s := b.clusters[cluster]
	if s == nil {
		return nil
	}
	queue := s.stopped.services[service]
	out := make([]*ecs.Task, 0, min(limit, len(queue)))
	for i := len(queue) - 1; i >= 0 && len(out) < limit; i-- {
		out = append(out, s.tasks[queue[i]])
	}
	return out
}

func (b *Book) forget(s *shelf, id ecs.ID) {
	t := s.tasks[id]
	delete(s.tasks, id)
	s.stopped.count--
	if queue := s.stopped.services[t.ServiceSeq]; t.ServiceSeq != 0 {
		if i := slices.Index(queue, id); i == 0 {
			s.stopped.services[t.ServiceSeq] = queue[1:]
		} else if i > 0 {
			s.stopped.services[t.ServiceSeq] = slices.Delete(queue, i, i+1)
		}
		if len(s.stopped.services[t.ServiceSeq]) == 0 {
			delete(s.stopped.services, t.ServiceSeq)
		}
	}
	b.w.Delete(journal.TaskKey(t))
	b.moves = append(b.moves, Move{Old: t})
}
