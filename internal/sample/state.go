package sample

import (
	"errors"
	"slices"
	"time"
)

// maxWaiting bounds the orders that wait for their time; nobody needs more, and anybody may call.
const maxWaiting = 100

var errTooManyOrders = errors.New("too many orders are waiting for their time")

// state is what the application has been told, and what has become of it. It is moved by take and advance alone and knows
// the time only from them.
type state struct {
	waiting    []waitingOrder // by time, then as taken
	frozen     bool
	ignoreTerm bool
	sick       bool
	sickUntil  time.Time // zero: until told
	leaking    int       // MiB per second
	leakSince  time.Time
	leaked     int // MiB since leakSince
	load       load
}

type waitingOrder struct {
	at time.Time
	order
}

// effects is what must be done after advance.
type effects struct {
	listen  bool
	leakMiB int
	end     *ending
}

// and joins the effects of two moves, the earlier first.
func (e effects) and(later effects) effects {
	e.listen = e.listen || later.listen
	e.leakMiB += later.leakMiB
	if e.end == nil {
		e.end = later.end
	}
	return e
}

// ending is how the process ends: with a code, and abruptly or when the requests under way are answered.
type ending struct {
	code   int
	abrupt bool
}

// take notes an order; advance carries it out.
func (s *state) take(o order, now time.Time) error {
	if len(s.waiting) >= maxWaiting {
		return errTooManyOrders
	}
	at := now.Add(o.after)
	i, _ := slices.BinarySearchFunc(s.waiting, at, func(w waitingOrder, at time.Time) int {
		if w.at.After(at) {
			return 1
		}
		return -1
	})
	s.waiting = slices.Insert(s.waiting, i, waitingOrder{at, o})
	return nil
}

// advance carries out what is due at now. After an ending nothing more is.
func (s *state) advance(now time.Time) effects {
	var e effects
	for e.end == nil && len(s.waiting) > 0 && !s.waiting[0].at.After(now) {
		s.carryOut(s.waiting[0], &e)
		s.waiting = s.waiting[1:]
	}
	if due := s.leakDue(now); due > s.leaked {
		e.leakMiB += due - s.leaked
		s.leaked = due
	}
	return e
}

func (s *state) carryOut(w waitingOrder, e *effects) {
	switch w.verb {
	case listen:
		e.listen = true
	case crash:
		e.end = &ending{code: w.code, abrupt: true}
	case exit:
		e.end = &ending{code: w.code}
	case freeze:
		s.frozen = true
	case unhealthy:
		s.sick, s.sickUntil = true, time.Time{}
		if w.lasts > 0 {
			s.sickUntil = w.at.Add(w.lasts)
		}
	case healthy:
		s.sick = false
	case leak:
		e.leakMiB += max(0, s.leakDue(w.at)-s.leaked)
		s.leaking, s.leakSince, s.leaked = w.mibPerSec, w.at, 0
	case capacity:
		s.load = newLoad(w.perSec)
	case ignoreTerm:
		s.ignoreTerm = w.on
	}
}

// leakDue returns how many MiB should have leaked since leakSince.
func (s *state) leakDue(now time.Time) int {
	return int(now.Sub(s.leakSince).Milliseconds() * int64(s.leaking) / 1000)
}

// healthyAt tells what /health answers.
func (s *state) healthyAt(now time.Time) bool {
	return !s.sick || !s.sickUntil.IsZero() && !now.Before(s.sickUntil)
}

// next returns when advance must be called next; ok is false if no time is set.
func (s *state) next() (at time.Time, ok bool) {
	if len(s.waiting) > 0 {
		at, ok = s.waiting[0].at, true
	}
	if s.leaking > 0 {
		mib := int64(s.leaked + 1)
		due := s.leakSince.Add(time.Duration((mib*1000+int64(s.leaking)-1)/int64(s.leaking)) * time.Millisecond)
		if !ok || due.Before(at) {
			at, ok = due, true
		}
	}
	return at, ok
}
