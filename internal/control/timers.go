package control

import (
	"container/heap"

	"ballast/internal/ecs"
)

// timers is a heap of moments at which something may be due. A timer is a hint: whoever is called at it looks at the state and
// does nothing if another step has seen to it. So timers are never taken back.
type timers struct{ heap timerHeap }

type timerKind uint8

const (
	serviceDue    timerKind = iota // a service asked to be decided again
	repeatDue                      // an agent may have missed a message
	instanceDue                    // an agent may have been silent for too long
	expiryDue                      // a stopped task may be old enough to be forgotten
	removalDue                     // deleted task definitions may be free to go
	protectionDue                  // the protection of a task may be over
	historyDue                     // a service deployment may be old enough to be forgotten
	clusterDue                     // an INACTIVE cluster may be old enough to be forgotten
	inactiveDue                    // an INACTIVE container instance may be old enough to be forgotten
)

type timer struct {
	kind     timerKind
	cluster  string
	service  uint64
	instance ecs.ID
	task     ecs.ID
}

type timed struct {
	at    ecs.Time
	order uint64
	timer
}

func (t *timers) set(at ecs.Time, what timer) {
	t.heap.order++
	heap.Push(&t.heap, timed{at, t.heap.order, what})
}

// next is the earliest moment; 0 when there is none.
func (t *timers) next() ecs.Time {
	if len(t.heap.all) == 0 {
		return 0
	}
	return t.heap.all[0].at
}

// due calls fire for what was due at now when it was called; timers that fire sets wait for the next call.
func (t *timers) due(now ecs.Time, fire func(timer)) {
	var ready []timer
	for len(t.heap.all) > 0 && t.heap.all[0].at <= now {
		ready = append(ready, heap.Pop(&t.heap).(timed).timer)
	}
	for _, what := range ready {
		fire(what)
	}
}

type timerHeap struct {
	all   []timed
	order uint64
}

func (h *timerHeap) Len() int { return len(h.all) }
func (h *timerHeap) Less(i, j int) bool {
	a, b := h.all[i], h.all[j]
	return a.at < b.at || a.at == b.at && a.order < b.order
}
func (h *timerHeap) Swap(i, j int) { h.all[i], h.all[j] = h.all[j], h.all[i] }
func (h *timerHeap) Push(x any)    { h.all = append(h.all, x.(timed)) }
func (h *timerHeap) Pop() any {
	last := h.all[len(h.all)-1]
	h.all = h.all[:len(h.all)-1]
	return last
}
