package sim

import (
	"container/heap"

	"ballast/internal/ecs"
)

// agenda is what will happen: a heap of events, the next one first. Events at the same time happen in the order in which they
// were put down, so that the order is never an accident.
type agenda struct {
	heap eventHeap
	ord  uint64
}

type event struct {
	at  ecs.Time
	ord uint64
	do  func()
}

func (a *agenda) add(at ecs.Time, do func()) {
	a.ord++
	heap.Push(&a.heap, event{at, a.ord, do})
}

// take gives the next event that is due by a time.
func (a *agenda) take(by ecs.Time) (event, bool) {
	if len(a.heap) == 0 || a.heap[0].at > by {
		return event{}, false
	}
	return heap.Pop(&a.heap).(event), true
}

type eventHeap []event

func (h eventHeap) Len() int      { return len(h) }
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h eventHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].ord < h[j].ord
}
func (h *eventHeap) Push(x any) { *h = append(*h, x.(event)) }
func (h *eventHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	(*h)[last] = event{}
	*h = (*h)[:last]
	return x
}
