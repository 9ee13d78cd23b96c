package control

import (
	"ballast/internal/agenda"
	"ballast/internal/ecs"
)

// timers are moments at which something may be due, one for each thing. A timer is a hint: whoever is called at it looks
// at the state, does nothing if another step has seen to it, and sets it anew if it came too early. So timers are never taken back.
type timers struct {
	agenda  agenda.Agenda[timer]
	pending map[timer]ecs.Time
	ready   []timer // those that fire, empty between calls of due
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
	drainDue                       // a task may have been drained for too long
	historyDue                     // a service deployment may be old enough to be forgotten
	clusterDue                     // an INACTIVE cluster may be old enough to be forgotten
	inactiveDue                    // an INACTIVE container instance may be old enough to be forgotten
)

// timer names what may be due. Which fields count depends on the kind.
type timer struct {
	kind    timerKind
	cluster string
	number  uint64 // of a service
	id      ecs.ID // of a container instance or a task
}

// set has what may be due looked at no later than at.
func (t *timers) set(at ecs.Time, what timer) {
	if earlier := t.pending[what]; earlier != 0 && earlier <= at {
		return
	}
	t.pending[what] = at
	t.agenda.Add(at, what)
}

// at is when something will be looked at; 0 for never.
func (t *timers) at(what timer) ecs.Time { return t.pending[what] }

// next is the earliest moment; 0 when there is none.
func (t *timers) next() ecs.Time {
	at, _ := t.agenda.Next()
	return at
}

// due calls fire for what was due at now when it was called; timers that fire sets wait for the next call.
func (t *timers) due(now ecs.Time, fire func(timer)) {
	for at, what, ok := t.agenda.Take(now); ok; at, what, ok = t.agenda.Take(now) {
		if t.pending[what] == at {
			delete(t.pending, what)
			t.ready = append(t.ready, what)
		}
	}
	for _, what := range t.ready {
		fire(what)
	}
	t.ready = t.ready[:0]
}
