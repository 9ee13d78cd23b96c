package sim

import (
	"fmt"
	"math"
	"slices"
	"time"

	"ballast/internal/driver"
)

// maxSetBack bounds by how much a clock is ever wrong because it was set back.
const maxSetBack = 40 * time.Second

// faultKind is one way in which the world breaks. Some last, others strike again and again; every strike has a stream of its own.
type faultKind struct {
	name   string
	lasts  func(h *History, s stream)
	strike func(a *author, s stream) Act
	rare   float64 // how many times rarer than others
}

// faultKinds are all that a history may draw from.
var faultKinds = []faultKind{
	{name: "latency", lasts: func(h *History, s stream) {
		h.links(s, func(l *Host) { l.Slowest = s.between(20*time.Millisecond, 3*second) })
	}},
	{name: "reordering", lasts: func(h *History, s stream) {
		h.links(s, func(l *Host) { l.Reorder, l.Slowest = true, max(l.Slowest, 20*time.Millisecond) })
	}},
	{name: "loss", lasts: func(h *History, s stream) { h.links(s, func(l *Host) { l.Loss = s.share(0.2) }) }},
	{name: "doubling", lasts: func(h *History, s stream) {
		h.links(s, func(l *Host) { l.Double, l.Late = s.share(0.3), pick(s, 0, 2*second, 90*second) })
		for i := range h.Hosts {
			h.Hosts[i].EndsTwice = 0.2
		}
	}},
	{name: "partition", strike: (*author).partition},
	{name: "container", strike: (*author).kill},
	{name: "driver", strike: func(a *author, s stream) Act { return &FailDriver{a.host(s), 1 + s.upTo(5)} }},
	{name: "sight", strike: func(a *author, s stream) Act { return &Blind{a.host(s), s.upTo(3)} }},
	{name: "amnesia", strike: func(a *author, s stream) Act { return &Forget{a.host(s)} }, rare: 3},
	{name: "agent", strike: func(a *author, s stream) Act { return &StopAgent{a.host(s), s.between(0, 10*second)} }},
	{name: "reboot", strike: func(a *author, s stream) Act { return &Reboot{a.host(s), s.between(0, 90*second)} }, rare: 3},
	{name: "lost host", strike: (*author).loseHost, rare: 3},
	{name: "control", strike: func(_ *author, s stream) Act { return &CrashControl{s.between(0, pick(s, second, 20*second))} }},
	{name: "full disk", lasts: func(h *History, s stream) { h.Disk.Full = s.share(0.1) }},
	{name: "unknown commit", lasts: func(h *History, s stream) { h.Disk.Unknown = s.share(0.05) }},
	{name: "other leader", lasts: func(h *History, s stream) { h.Disk.Fenced = s.share(0.02) }},
	{name: "target network", strike: func(a *author, s stream) Act {
		return a.balanced(&CutTargets{a.host(s), s.between(second, pick(s, 10*second, 90*second))})
	}},
	{name: "load balancer", strike: func(a *author, s stream) Act {
		return a.balanced(&StopBalancer{s.between(0, pick(s, 5*second, 60*second, 8*time.Minute))})
	}},
	{name: "clock", strike: (*author).setClock, rare: 2},
}

// share draws a probability below a bound, in thousandths.
func (s stream) share(below float64) float64 { return math.Round(s.Float64()*below*1000) / 1000 }

// links changes some of the links, and at least one.
func (h *History) links(s stream, change func(*Host)) {
	all := s.chance(0.5)
	one := s.IntN(len(h.Hosts))
	for i := range h.Hosts {
		if all || i == one {
			change(&h.Hosts[i])
		}
	}
}

// faults gives the kinds of faults that a history has, each with its stream of chance.
func (o Options) faults(each func(kind *faultKind, s stream)) {
	for i := range faultKinds {
		if kind := &faultKinds[i]; slices.Contains(o.Faults, kind.name) {
			each(kind, newStream(o.Seed, "fault/"+kind.name))
		}
	}
}

// beginBreaks lets things break from now on.
func (a *author) beginBreaks() {
	a.o.faults(func(kind *faultKind, pace stream) {
		if kind.strike != nil {
			a.nextBreak(kind, pace, 1)
		}
	})
}

// nextBreak has the n-th strike of a kind happen in a while, and the ones after it.
func (a *author) nextBreak(kind *faultKind, pace stream, n int) {
	every := time.Duration(float64(a.o.FaultEvery) * max(1, kind.rare))
	a.p.w.deed(pace.about(every), func() {
		if a.p.ended {
			return
		}
		a.hand(kind.strike(a, newStream(a.o.Seed, fmt.Sprintf("fault/%s/%d", kind.name, n))))
		a.nextBreak(kind, pace, n+1)
	})
}

// balanced gives a deed that needs a load balancer, nil where there is none.
func (a *author) balanced(act Act) Act {
	if len(a.o.TargetGroups) == 0 {
		return nil
	}
	return act
}

// host draws a host by its number.
func (a *author) host(s stream) int { return 1 + s.IntN(len(a.p.w.hosts)) }

// partition cuts a link for a while, in one direction or both.
func (a *author) partition(s stream) Act {
	host, direction := a.host(s), s.IntN(3)
	return &Cut{Host: host, Up: direction != 1, Down: direction != 0, For: s.between(time.Second, pick(s, 10*second, 90*second))}
}

// kill ends containers that run, one or all of a host.
func (a *author) kill(s stream) Act {
	n, all := a.host(s), s.chance(0.2)
	var running []driver.Key
	for _, o := range a.p.host(n).model.Containers() {
		if o.State == driver.Running {
			running = append(running, o.Key)
		}
	}
	if len(running) == 0 {
		return nil
	}
	if one := pick(s, running...); !all {
		return &Kill{Task: a.p.census.numbers[one.Task], Container: one.Container}
	}
	return &Kill{Host: n}
}

// loseHost takes an agent away for longer than control waits for it. Its containers go on.
func (a *author) loseHost(s stream) Act {
	return &StopAgent{a.host(s), a.p.w.server.cfg.Policy.InstanceLostAfter + s.between(0, 120*second)}
}

// setClock sets a clock back, or forward to what is right again.
func (a *author) setClock(s stream) Act {
	c := &SetClock{Skew: a.p.w.server.clock.skew}
	if s.chance(0.5) {
		c.Host = a.host(s)
		c.Skew = a.p.host(c.Host).clock.skew
	}
	c.Skew -= s.between(time.Millisecond, pick(s, second, 30*second))
	if c.Skew < -maxSetBack {
		c.Skew = 0
	}
	return c
}
