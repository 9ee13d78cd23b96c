package fake

import (
	"container/heap"

	"ballast/internal/ecs"
)

// cue is something put off to a time: an outcome, or something that happens to a container.
type cue struct {
	at      ecs.Time
	ord     uint64 // order among equal times
	outcome Outcome
	box     *box
	cue     uint64
}

// due is a heap of cues, the next one first.
type due struct {
	heap cueHeap
	ord  uint64
}

func (d *due) push(c cue) {
	d.ord++
	c.ord = d.ord
	heap.Push(&d.heap, c)
}

func (d *due) pop() cue { return heap.Pop(&d.heap).(cue) }

func (d *due) next() (ecs.Time, bool) {
	if len(d.heap) == 0 {
		return 0, false
	}
	return d.heap[0].at, true
}

type cueHeap []cue

func (h cueHeap) Len() int      { return len(h) }
func (h cueHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h cueHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].ord < h[j].ord
}
func (h *cueHeap) Push(x any) { *h = append(*h, x.(cue)) }
func (h *cueHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	(*h)[last] = cue{}
	*h = (*h)[:last]
	return x
}
