package sim

import (
	"time"

	"ballast/internal/ecs"
)

// wakeup has something called at a time that changes often. One that moves to later keeps its place on the agenda and looks again
// when it comes there, so that a step which asks for the same as the one before costs nothing.
type wakeup struct {
	w      *World
	wanted ecs.Time // 0 = never
	set    ecs.Time // the earliest place on the agenda, 0 = none
	later  func(time.Duration, func())
	do     func()
	ring   func()
}

// newWakeup gives a wakeup that calls do; later puts something on the agenda.
func newWakeup(w *World, later func(time.Duration, func()), do func()) *wakeup {
	u := &wakeup{w: w, later: later, do: do}
	u.ring = u.due
	return u
}

// at has do called at a time, and not at the one asked for before; 0 = never.
func (u *wakeup) at(at ecs.Time) {
	u.wanted = at
	if at == 0 || u.set != 0 && u.set <= at {
		return
	}
	u.set = at
	u.later(at.Sub(u.w.now), u.ring)
}

func (u *wakeup) due() {
	if u.set == 0 || u.set > u.w.now {
		return // an earlier one has been set since
	}
	u.set = 0
	switch {
	case u.wanted == 0:
	case u.wanted <= u.w.now:
		u.do()
	default:
		u.at(u.wanted)
	}
}
