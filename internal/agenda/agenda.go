// Package agenda orders what is due by its time: the timers of control, the alarms of agents, what happens in the fake driver and
// in the simulator. It knows no clock and calls nobody: whoever owns an Agenda asks it. Start reading at Agenda.
package agenda

import "ballast/internal/ecs"

// Agenda holds what is due, the earliest first. What is due at the same time comes in the order in which it was added, so that no order
// is an accident. The zero value is empty. It is a heap, written out because container/heap allocates for every entry.
type Agenda[T any] struct {
	heap []entry[T]
	ord  uint64
}

type entry[T any] struct {
	at   ecs.Time
	ord  uint64
	what T
}

func (e *entry[T]) before(other *entry[T]) bool {
	return e.at < other.at || e.at == other.at && e.ord < other.ord
}

// Add puts something down for a time.
func (a *Agenda[T]) Add(at ecs.Time, what T) {
	a.ord++
	next := entry[T]{at, a.ord, what}
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

// Len counts the entries.
func (a *Agenda[T]) Len() int { return len(a.heap) }

// Next is the time of the earliest entry; ok is false when there is none.
func (a *Agenda[T]) Next() (at ecs.Time, ok bool) {
	if len(a.heap) == 0 {
		return 0, false
	}
	return a.heap[0].at, true
}

// Take takes out the earliest entry if it is due by a time.
func (a *Agenda[T]) Take(by ecs.Time) (at ecs.Time, what T, ok bool) {
	if len(a.heap) == 0 || a.heap[0].at > by {
		return 0, what, false
	}
	first := a.heap[0]
	n := len(a.heap) - 1
	last := a.heap[n]
	a.heap[n] = entry[T]{} // lets go of what it points to
	a.heap = a.heap[:n]
	if n > 0 {
		a.sink(last)
	}
	return first.at, first.what, true
}

// sink finds the place of an entry in the heap, whose first place is free.
func (a *Agenda[T]) sink(e entry[T]) {
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
