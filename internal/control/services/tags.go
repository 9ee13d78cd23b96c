package services

import (
	"cmp"
	"maps"
	"slices"

	"ballast/internal/ecs"
	"ballast/internal/scheduler"
	"ballast/internal/scheduler/policy"
)

// findTask is how the book asks for a task.
type findTask func(cluster string, id ecs.ID) *ecs.Task

// Tag replaces the tags of a service. What they change of the policy holds at once, for tasks that run already, too; one that
// has been counted healthy stays so.
func (b *Book) Tag(old *ecs.Service, tags []ecs.Tag, task findTask) *ecs.Service {
	s := b.Numbered(old.Cluster, old.Seq)
	record := *old
	record.Tags = tags
	b.save(s, &record)
	b.reconsider(s, task)
	return &record
}

// SetDefaults takes over the tags of a cluster, which are the defaults of its services.
func (b *Book) SetDefaults(cluster string, tags []ecs.Tag, task findTask) {
	if slices.Equal(b.defaults[cluster], tags) {
		return
	}
	b.defaults[cluster] = tags
	order := func(x, y number) int { return cmp.Compare(x.seq, y.seq) }
	for _, n := range slices.SortedFunc(maps.Keys(b.numbers), order) {
		if n.cluster == cluster {
			b.reconsider(b.numbers[n], task)
		}
	}
}

// Reconsider has a service decided under another grace period.
func (b *Book) Reconsider(record *ecs.Service, task findTask) {
	b.reconsider(b.Numbered(record.Cluster, record.Seq), task)
}

// reconsider has a service decided under the policy that its tags now make.
func (b *Book) reconsider(s *Service, task findTask) {
	b.track(s)
	for _, seq := range slices.Sorted(maps.Keys(s.ids)) {
		t := task(s.record.Cluster, s.ids[seq])
		known, ok := s.tracker.Task(seq)
		if t == nil || !ok || known.Phase == scheduler.Healthy {
			continue
		}
		if now := s.facts(t); now != known {
			s.tracker.Update(now)
		}
	}
	b.touch(s)
}

// policyOf gives the policy of a service: the server's, changed by the tags of its cluster and then by its own. Tags have been
// checked when they were set; a later version may know fewer.
func (b *Book) policyOf(s *Service) policy.Policy {
	p := b.policy
	for _, tags := range [][]ecs.Tag{b.defaults[s.record.Cluster], s.record.Tags} {
		if changed, err := policy.WithTags(p, tags); err == nil {
			p = changed
		}
	}
	return p
}
