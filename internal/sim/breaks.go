package sim

import (
	"time"

	"ballast/internal/driver"
)

// Cut has nothing pass on the way from a host to control (Up), to the host (Down), or both. Hosts are numbered from 1.
type Cut struct {
	Host     int
	Up, Down bool
	For      time.Duration
}

// Kill ends a container of a task that runs, or all that run on a host where Task is 0.
type Kill struct {
	Host, Task int
	Container  string
}

// FailDriver has the next calls of a driver fail.
type FailDriver struct{ Host, Calls int }

// Blind has a driver lose sight of its containers, and fail to be watched again a number of times.
type Blind struct{ Host, Tries int }

// Forget has a driver lose every container.
type Forget struct{ Host int }

// StopAgent ends an agent for a while; containers go on.
type StopAgent struct {
	Host int
	For  time.Duration
}

// Reboot ends a host for a while, with all that runs on it.
type Reboot struct {
	Host int
	For  time.Duration
}

// CrashControl ends control for a while.
type CrashControl struct{ For time.Duration }

// SetClock sets the clock of a host's agent, or that of control where Host is 0, to be ahead by that much.
type SetClock struct {
	Host int
	Skew time.Duration
}

// CutTargets has the load balancer reach none of the tasks on a host for a while.
type CutTargets struct {
	Host int
	For  time.Duration
}

// StopBalancer ends the load balancer for a while. It knows of no target when it starts again.
type StopBalancer struct{ For time.Duration }

// codeFault is the exit code of a container that dies of its own fault.
const codeFault = 139

func (p *player) host(n int) *host { return p.w.hosts[n-1] }

// until has something end after a while, unless all faults have ended before.
func (p *player) until(d time.Duration, mend func()) {
	p.w.after(d, func() {
		if !p.ended {
			mend()
		}
	})
}

func (a *Cut) perform(p *player) {
	l := &p.host(a.Host).link
	l.cutUp, l.cutDown = l.cutUp || a.Up, l.cutDown || a.Down
	p.until(a.For, func() { l.cutUp, l.cutDown = false, false })
}

func (a *Kill) perform(p *player) {
	for i, h := range p.w.hosts {
		any := false
		for _, o := range h.model.Containers() {
			all := a.Task == 0 && a.Host == i+1
			one := a.Task != 0 && o.Key.Task == p.census.id(a.Task) && o.Key.Container == a.Container
			if o.State == driver.Running && (all || one) {
				h.model.Kill(h.body.now(), o.Key, codeFault)
				any = true
			}
		}
		if any {
			h.ring()
		}
	}
}

func (a *FailDriver) perform(p *player) { p.host(a.Host).model.Fault(a.Calls) }

func (a *Blind) perform(p *player) {
	h := p.host(a.Host)
	h.watchFaults = a.Tries
	h.blind()
}

func (a *Forget) perform(p *player) { p.host(a.Host).forget() }

func (a *StopAgent) perform(p *player) {
	h := p.host(a.Host)
	h.stop()
	p.until(a.For, h.start)
}

func (a *Reboot) perform(p *player) {
	h := p.host(a.Host)
	h.reboot()
	p.until(a.For, h.start)
}

func (a *CrashControl) perform(p *player) {
	s := p.w.server
	s.crash()
	p.until(a.For, func() {
		if s.machine == nil {
			s.start()
		}
	})
}

func (a *SetClock) perform(p *player) {
	c := &p.w.server.clock
	if a.Host != 0 {
		c = &p.host(a.Host).clock
	}
	c.skew = a.Skew
	p.w.clocksSet = true
}

func (a *CutTargets) perform(p *player) {
	h := p.host(a.Host)
	h.targetsCut = true
	p.until(a.For, func() { h.targetsCut = false })
}

func (a *StopBalancer) perform(p *player) {
	if b := p.w.balancer; b != nil {
		b.end()
		p.until(a.For, b.start)
	}
}
