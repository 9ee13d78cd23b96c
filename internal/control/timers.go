package control

import (
	"container/heap"

	"ballast/internal/ecs"
)

// timers is a heap of moments at which something may be due, one for each thing. A timer is a hint: whoever is called at it looks
// at the state, does nothing if another step has seen to it, and sets it anew if it came too early. So timers are never taken back.
type timers struct {
	heap    timerHeap
	pending map[timer]ecs.Time
}

func newTimers() timers { return timers{pending: map[timer]ecs.Time{}} }

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

// timer names what may be due. Which fields count depends on the kind.
type timer struct {
	kind    timerKind
	cluster string
	number  uint64 // of a service; of repeatDue the moment, so that each message to an agent has its own
	id      ecs.ID // of a container instance or a task
}

type timed struct {
	at    ecs.Time
	order uint64
	timer
}

// set has what may be due looked at no later than at.
func (t *timers) set(at ecs.Time, what timer) {
	if earlier := t.pending[what]; earlier != 0 && earlier <= at {
		return
	}
	t.pending[what] = at
	t.heap.order++
	heap.Push(&t.heap, timed{at, t.heap.order, what})
}

// at is when something will be looked at; 0 for never.
func (t *timers) at(what timer) ecs.Time { return t.pending[what] }

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
		next := heap.Pop(&t.heap).(timed)
		if t.pending[next.timer] == next.at {
			delete(t.pending, next.timer)
			ready = append(ready, next.timer)
		}
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
