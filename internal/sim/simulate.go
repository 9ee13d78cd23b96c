package sim

import (
	"fmt"
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
	Failure  *Failure
	Trace    string // the hash of everything that happened
	Events   int
	Steps    int      // commits of control
	Happened []string // the operations and strikes, in Options.Only's words
	Tasks    int      // ever committed
	Virtual  time.Duration
}

// Run plays the history that options describe: things break and users act, then faults stop and everything must come to rest.
// to gets the trace as text, nil = nobody.
func Run(o Options, to io.Writer) (result Result) {
	w := newWorld(o.Seed, control.Config{Policy: o.Policy}, to)
	w.never = o.Never
	h, f := newHistory(w, o), newFaults(w, o)
	c := newChecker(w, h)
	defer func() {
		if broken := recover(); broken != nil {
			w.fail("nothing panics", "%v\n%s", broken, debug.Stack())
		}
		result = Result{Failure: w.failure, Trace: w.trace.sum(), Events: w.events, Steps: c.steps,
			Happened: append(h.done, f.done...), Tasks: len(c.born), Virtual: w.now.Sub(epoch)}
	}()
	w.observers = append(w.observers, c)
	w.server.start()
	for n := range o.Clusters {
		h.insist(control.CreateCluster{Name: h.clusterName(n + 1)})
	}
	addHosts(w, h, o)
	w.advance(second)
	h.begin()
	f.begin()
	w.advance(o.Faulty)
	h.ended = true
	f.end()
	if w.failure == nil {
		h.repair()
	}
	if w.failure == nil {
		c.calm()
	}
	if w.failure == nil && o.Halt {
		c.halt()
	}
	return result
}

// addHosts adds the hosts of all clusters; each cluster has at least one.
func addHosts(w *World, h *history, o Options) {
	s := newStream(o.Seed, "hosts")
	for n := range max(o.Hosts, o.Clusters) {
		hello := session.Hello{
			Cluster:   h.clusterName(1 + n%o.Clusters),
			Resources: ecs.Resources{CPU: o.HostCPU, Memory: o.HostMemory},
			Zone:      fmt.Sprintf("zone-%d", 1+n%o.Zones),
			Driver:    "fake",
		}
		host := w.addHost(agent.Config{Hello: hello, Retention: o.Retention, MaxRetained: o.MaxRetained}, s.between(-o.Skew, o.Skew))
		host.slowest = o.DriverSlowest
		w.after(s.between(0, second), host.start)
	}
}
