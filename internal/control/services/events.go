package services

import "ballast/internal/ecs"

// recent is the events of a service, newest first, in an array that is filled from its end towards its start. Slices of it stay what they
// are, so that records share it and a new event does not copy those before it.
type recent struct {
	all   []*ecs.ServiceEvent
	first int // the place of the newest
}

// spare is the least room for new events in a new array.
const spare = 8

// add gives the events with a new one before them, without those beyond what is kept. The events given are those that the last add gave.
func (r *recent) add(events []*ecs.ServiceEvent, e *ecs.ServiceEvent) []*ecs.ServiceEvent {
	kept := events[:min(len(events), ecs.MaxServiceEvents-1)]
	if r.first == 0 {
		r.first = max(spare, len(kept))
		r.all = make([]*ecs.ServiceEvent, r.first+len(kept))
		copy(r.all[r.first:], kept)
	}
	r.first--
	r.all[r.first] = e
	end := r.first + 1 + len(kept)
	return r.all[r.first:end:end]
}
