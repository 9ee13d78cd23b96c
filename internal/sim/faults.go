package sim

import (
	"fmt"
	"slices"
	"time"

	"ballast/internal/driver"
)

const second = time.Second

// maxSetBack bounds by how much a clock is ever wrong because it was set back.
const maxSetBack = 40 * time.Second

// faultKind is one way in which the world breaks. Some are set up once and last, others strike again and again; every strike
// has a stream of its own.
type faultKind struct {
	name   string
	setUp  func(f *faults, s stream)
	strike func(f *faults, s stream)
	rare   float64 // how many times rarer than others
}

// faultKinds are all that a history may draw from.
var faultKinds = []faultKind{
	{name: "latency", setUp: func(f *faults, s stream) {
		f.links(s, func(l *link) { l.slowest = s.between(20*time.Millisecond, 3*second) })
	}},
	{name: "reordering", setUp: func(f *faults, s stream) {
		f.links(s, func(l *link) { l.reorder, l.slowest = true, max(l.slowest, 20*time.Millisecond) })
	}},
	{name: "loss", setUp: func(f *faults, s stream) { f.links(s, func(l *link) { l.loss = s.Float64() * 0.2 }) }},
	{name: "doubling", setUp: func(f *faults, s stream) {
		f.links(s, func(l *link) { l.double, l.late = s.Float64()*0.3, pick(s, 0, 2*second, 90*second) })
		for _, h := range f.w.hosts {
			h.double = 0.2
		}
	}},
	{name: "partition", strike: (*faults).partition},
	{name: "container", strike: (*faults).kill},
	{name: "driver", strike: func(f *faults, s stream) { f.host(s).model.Fault(1 + s.upTo(5)) }},
	{name: "sight", strike: func(f *faults, s stream) {
		h := f.host(s)
		h.watchFaults = s.upTo(3)
		h.blind()
	}},
	{name: "amnesia", strike: func(f *faults, s stream) { f.host(s).forget() }, rare: 3},
	{name: "agent", strike: (*faults).restartAgent},
	{name: "reboot", strike: (*faults).reboot, rare: 3},
	{name: "lost host", strike: (*faults).loseHost, rare: 3},
	{name: "control", strike: (*faults).restartControl},
	{name: "full disk", setUp: func(f *faults, s stream) { f.w.server.disk.passing = s.Float64() * 0.1 }},
	{name: "unknown commit", setUp: func(f *faults, s stream) { f.w.server.disk.unknown = s.Float64() * 0.05 }},
	{name: "other leader", setUp: func(f *faults, s stream) { f.w.server.disk.fenced = s.Float64() * 0.02 }},
	{name: "clock", strike: (*faults).setClock, rare: 2},
}

// faults break a world as its options say.
type faults struct {
	w     *World
	o     Options
	ended bool
	done  []string // names of the strikes that happened
}

func newFaults(w *World, o Options) *faults { return &faults{w: w, o: o} }

// begin lets things break from now on.
func (f *faults) begin() {
	for i := range faultKinds {
		kind := &faultKinds[i]
		if !slices.Contains(f.o.Faults, kind.name) {
			continue
		}
		pace := newStream(f.w.seed, "fault/"+kind.name)
		if kind.setUp != nil {
			kind.setUp(f, pace)
		}
		if kind.strike != nil {
			f.next(kind, pace, 1)
		}
	}
}

// next has the n-th strike of a kind happen in a while, and the ones after it.
func (f *faults) next(kind *faultKind, pace stream, n int) {
	every := time.Duration(float64(f.o.FaultEvery) * max(1, kind.rare))
	f.w.after(pace.about(every), func() {
		if f.ended {
			return
		}
		if name := fmt.Sprintf("%s/%d", kind.name, n); f.o.happens(name) {
			f.done = append(f.done, name)
			f.w.note("fault    %s", name)
			kind.strike(f, newStream(f.w.seed, "fault/"+name))
		}
		f.next(kind, pace, n+1)
	})
}

// end stops all faults and mends what is broken.
func (f *faults) end() {
	f.ended = true
	f.w.note("fault    no more")
	f.w.server.disk.passing, f.w.server.disk.unknown, f.w.server.disk.fenced = 0, 0, 0
	if f.w.server.machine == nil {
		f.w.server.start()
	}
	for _, h := range f.w.hosts {
		free := h.link
		h.link = goodLink()
		h.link.freeUp, h.link.freeDown = free.freeUp, free.freeDown
		h.double = 0
		h.watchFaults = 0
		h.model.Fault(0)
		h.start()
	}
}

// links changes some of the links, and at least one.
func (f *faults) links(s stream, change func(*link)) {
	all := s.chance(0.5)
	one := s.IntN(len(f.w.hosts))
	for i, h := range f.w.hosts {
		if all || i == one {
			change(&h.link)
		}
	}
}

func (f *faults) host(s stream) *host { return pick(s, f.w.hosts...) }

// until has something end after a while, unless all faults have ended before.
func (f *faults) until(d time.Duration, mend func()) {
	f.w.after(d, func() {
		if !f.ended {
			mend()
		}
	})
}

// partition cuts a link for a while, in one direction or both.
func (f *faults) partition(s stream) {
	h, direction := f.host(s), s.IntN(3)
	h.link.cutUp = h.link.cutUp || direction != 1
	h.link.cutDown = h.link.cutDown || direction != 0
	f.until(s.between(time.Second, pick(s, 10*second, 90*second)), func() { h.link.cutUp, h.link.cutDown = false, false })
}

// kill ends containers that run, one or all of a host.
func (f *faults) kill(s stream) {
	h, all := f.host(s), s.chance(0.2)
	var running []driver.Key
	for _, o := range h.model.Containers() {
		if o.State == driver.Running {
			running = append(running, o.Key)
		}
	}
	if len(running) == 0 {
		return
	}
	one := s.IntN(len(running))
	for i, key := range running {
		if all || i == one {
			h.model.Kill(h.body.now(), key, 139)
		}
	}
	h.ring()
}

func (f *faults) restartAgent(s stream) {
	h := f.host(s)
	h.stop()
	f.until(s.between(0, 10*second), h.start)
}

func (f *faults) reboot(s stream) {
	h := f.host(s)
	h.reboot()
	f.until(s.between(0, 90*second), h.start)
}

// loseHost takes an agent away for longer than control waits for it. Its containers go on.
func (f *faults) loseHost(s stream) {
	h := f.host(s)
	h.stop()
	f.until(f.o.Policy.InstanceLostAfter+s.between(0, 120*second), h.start)
}

func (f *faults) restartControl(s stream) {
	f.w.server.crash()
	f.until(s.between(0, pick(s, second, 20*second)), func() {
		if f.w.server.machine == nil {
			f.w.server.start()
		}
	})
}

// setClock sets a clock back, or forward to what is right again.
func (f *faults) setClock(s stream) {
	c := &f.w.server.clock
	if s.chance(0.5) {
		c = &f.host(s).clock
	}
	by := s.between(time.Millisecond, pick(s, second, 30*second))
	if c.skew-by < -maxSetBack {
		c.skew = 0
	} else {
		c.skew -= by
	}
	f.w.note("fault    clock is off by %v", c.skew)
}
