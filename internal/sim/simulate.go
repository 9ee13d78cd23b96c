package sim

import (
	"io"
	"runtime/debug"
	"time"

	"ballast/internal/agent"
	"ballast/internal/control"
	"ballast/internal/ecs"
	"ballast/internal/session"
)

// Result is what became of a history.
type Result struct {
	Failure *Failure
	Trace   string // the hash of everything that happened
	Events  int
	Steps   int // commits of control
	Tasks   int // ever committed
	Virtual time.Duration
	// History is what was played, as data.
	History *History
}

// Run makes up the history that options describe and plays it: things break and users act, then faults stop and everything must come
// to rest. to gets the trace as text, nil = nobody.
func Run(o Options, to io.Writer) Result {
	h := o.history()
	return play(h, to, func(p *player) func() []Repair {
		a := newAuthor(p, o)
		a.begin()
		return a.repairs
	})
}

// Replay plays a history as it is. One that Run has made up comes to the same, to the byte.
func Replay(h *History, to io.Writer) Result {
	return play(h, to, func(p *player) func() []Repair {
		for _, d := range h.Deeds {
			p.w.deed(d.At-p.w.now.Sub(epoch), func() { p.do(d.Act) })
		}
		return func() []Repair { return h.Repairs }
	})
}

// play plays a history whose deeds begin puts on the agenda; what that gives is asked for repairs when the faults have stopped.
func play(h *History, to io.Writer, begin func(*player) func() []Repair) (result Result) {
	w := newWorld(h.Seed, control.Config{Policy: h.Policy}, to)
	w.never = h.Never
	p := newPlayer(w)
	c := newChecker(w, p)
	played := *h
	defer func() {
		if broken := recover(); broken != nil {
			w.fail("nothing panics", "%v\n%s", broken, debug.Stack())
		}
		played.Deeds = p.done
		result = Result{Failure: w.failure, Trace: w.trace.sum(), Events: w.events, Steps: c.steps, Tasks: len(c.born),
			Virtual: w.now.Sub(epoch), History: &played}
	}()
	w.observers = append(w.observers, &p.census)
	if len(h.TargetGroups) > 0 {
		w.balancer = newBalancer(w, h.TargetGroups, p.answer)
		w.observers = append(w.observers, w.balancer) // before the checks, which ask it what control knows
	}
	w.observers = append(w.observers, c)
	w.server.start()
	for n := range h.Clusters {
		p.insist(control.CreateCluster{Name: ClusterName(n + 1)})
	}
	w.addHosts(h)
	w.advance(Settles - w.now.Sub(epoch))
	p.begin(h)
	repairs := begin(p)
	w.advance(h.Until - Settles)
	p.end()
	if w.failure == nil {
		played.Repairs = repairs()
	}
	for _, r := range played.Repairs {
		p.repair(r)
	}
	if w.failure == nil {
		c.calm()
	}
	if w.failure == nil && h.Halt {
		c.halt()
	}
	return result
}

// addHosts adds the hosts of a history, with nothing amiss yet.
func (w *World) addHosts(h *History) {
	for i := range h.Hosts {
		of := &h.Hosts[i]
		hello := session.Hello{Cluster: of.Cluster, Resources: ecs.Resources{CPU: of.CPU, Memory: of.Memory}, Zone: of.Zone, Driver: "fake"}
		host := w.addHost(agent.Config{Hello: hello, Retention: h.Retention, MaxRetained: h.MaxRetained}, of.Skew)
		host.slowest = of.DriverSlowest
		w.after(of.Starts, host.start)
	}
}
