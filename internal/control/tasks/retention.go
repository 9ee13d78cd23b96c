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

// expiredTogether bounds the tasks that are forgotten by one Expire for their age, which may be those of a whole cluster: some milliseconds of
// work, and a commit of some 20 kB.
const expiredTogether = 500

// Expire forgets stopped tasks that are too old or too many. more says that it is to be called again at once: others are too old.
func (b *Book) Expire(now ecs.Time, cluster string, kept Kept) (more bool) {
	s := b.clusters[cluster]
	if s == nil {
		return false
	}
	r := &s.stopped
	for _, service := range r.changed {
		for len(r.services[service]) > kept.PerService {
			b.forget(s, r.services[service][0])
		}
	}
	r.changed = r.changed[:0]
	for expired := 0; len(r.queue) > 0; r.queue = r.queue[1:] {
		oldest := s.tasks[r.queue[0]]
		if oldest == nil {
			continue
		}
		if r.count <= kept.PerCluster {
			if now.Sub(keptFrom(oldest)) < kept.For {
				return false
			}
			if expired == expiredTogether {
				return true
			}
			expired++
		}
		b.forget(s, oldest.ID)
	}
	return false
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
