package sim

import "ballast/internal/ecs"

// agenda is what will happen: a heap of events, the next one first. Events at the same time happen in the order in which they
// were put down, so that the order is never an accident. It is written out, because container/heap allocates for every event.
type agenda struct {
	heap []event
	ord  uint64
}

type event struct {
	at  ecs.Time
	ord uint64
	do  func()
}

func (e *event) before(other *event) bool {
	return e.at < other.at || e.at == other.at && e.ord < other.ord
}

func (a *agenda) add(at ecs.Time, do func()) {
	a.ord++
	next := event{at, a.ord, do}
	a.heap = append(a.heap, next)
	i := len(a.heap) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !next.before(&a.heap[parent]) {
			break
		}
		a.heap[i] = a.heap[parent]
		i = parent
	}
	a.heap[i] = next
}

// take gives the next event that is due by a time.
func (a *agenda) take(by ecs.Time) (event, bool) {
	if len(a.heap) == 0 || a.heap[0].at > by {
		return event{}, false
	}
	first := a.heap[0]
	n := len(a.heap) - 1
	last := a.heap[n]
	a.heap[n] = event{}
	a.heap = a.heap[:n]
	if n > 0 {
		a.sink(last)
	}
	return first, true
}

// sink finds the place of an event in the heap, whose first place is free.
func (a *agenda) sink(e event) {
	i := 0
	for {
		child := 2*i + 1
		if child >= len(a.heap) {
			break
		}
		if right := child + 1; right < len(a.heap) && a.heap[right].before(&a.heap[child]) {
			child = right
		}
		if e.before(&a.heap[child]) {
			break
		}
		a.heap[i] = a.heap[child]
		i = child
	}
	a.heap[i] = e
}
