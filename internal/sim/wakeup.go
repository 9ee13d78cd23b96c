package sim

import "ballast/internal/ecs"

// wakeup has something called at a time that changes often. One that moves to later keeps its place on the agenda and looks again
// when it comes there, so that a step which asks for the same as the one before costs nothing.
type wakeup struct {
	wanted ecs.Time // 0 = never
	set    ecs.Time // the earliest place on the agenda, 0 = none
}

// at has do called at a time, and not at the one asked for before. later puts something on the agenda.
func (u *wakeup) at(w *World, at ecs.Time, later func(at ecs.Time, do func()), do func()) {
	u.wanted = at
	if at == 0 || u.set != 0 && u.set <= at {
		return
	}
	u.set = at
	later(at, func() {
		if u.set != at {
			return // an earlier one has been set since
		}
		u.set = 0
		switch {
		case u.wanted == 0:
		case u.wanted <= w.now:
			do()
		default:
			u.at(w, u.wanted, later, do)
		}
	})
}
