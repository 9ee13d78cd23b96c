package agent

import (
	"container/heap"
	"time"

	"ballast/internal/ecs"
)

// alarm has a task looked at again at a time. One that is no longer needed does no harm: the task finds nothing to do.
type alarm struct {
	at ecs.Time
	// ord is the order of setting, so that alarms at equal times ring in an order.
	ord uint64
	t   *task
}

// alarms is a heap of alarms, the next one first.
type alarms struct {
	heap alarmHeap
	ord  uint64
}

func (a *alarms) push(at ecs.Time, t *task) {
	a.ord++
	heap.Push(&a.heap, alarm{at, a.ord, t})
}

// pop takes the next alarm that is due.
func (a *alarms) pop(now ecs.Time) (*task, bool) {
	if len(a.heap) == 0 || a.heap[0].at > now {
		return nil, false
	}
	return heap.Pop(&a.heap).(alarm).t, true
}

// next is when the next alarm rings; 0 = never.
func (a *alarms) next() ecs.Time {
	if len(a.heap) == 0 {
		return 0
	}
	return a.heap[0].at
}

type alarmHeap []alarm

func (h alarmHeap) Len() int      { return len(h) }
func (h alarmHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h alarmHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].ord < h[j].ord
}
func (h *alarmHeap) Push(x any) { *h = append(*h, x.(alarm)) }
func (h *alarmHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	(*h)[last] = alarm{}
	*h = (*h)[:last]
	return x
}

// How passing faults of the driver are met: repeated after 100 ms, then twice as long each time up to 5 s. Eight attempts take
// about 16 s, longer than a keeper or a container daemon needs to restart.
const (
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 5 * time.Second
	maxAttempts  = 8
)

// backoff is the wait after that many failed attempts.
func backoff(attempts int) time.Duration {
	if attempts > 6 { // 100 ms << 6 is beyond the maximum
		return maxBackoff
	}
	return min(firstBackoff<<(attempts-1), maxBackoff)
}
