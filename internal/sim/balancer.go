package sim

import (
	"slices"
	"time"

	"ballast/internal/control"
	"ballast/internal/control/journal"
	"ballast/internal/control/root"
	"ballast/internal/driver"
	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
	"ballast/internal/lb/health"
	"ballast/internal/scheduler"
	"ballast/internal/store"
)

// balancer is a load balancer, and service discovery as well: tasks of services with target groups or service registries are targets from
// when they are RUNNING, are checked, and are drained when they are to stop. What becomes of a target is decided by package lb/health, as in production; here are only time
// and messages. It follows what control has committed, and tells control how its targets are.
type balancer struct {
	w      *World
	groups []health.Group
	// answer is how a health check of a task ends that is made now.
	answer  func(group string, t *ecs.Task) health.Result
	targets []*target // in the order of registration
	changed []*ecs.Task
	telling bool
	delays  stream
	slowest time.Duration // how long news take at most between control and here
	away    bool          // it is ended; nobody is checked, and nobody is told of anything
	life    int           // grows whenever it starts; what was put down by an earlier one is void
	heard   ecs.Time      // when the last news of control arrives; they never overtake each other
	// told is what control knows, which outlasts the load balancer.
	told  map[targetKey]health.Target
	moves int // grows whenever a target has changed, or control knows of it
}

// keptResults is how many results of a target are kept: as many as any threshold counts.
const keptResults = 10

// targetKey names a task in a target group.
type targetKey struct {
	task  ecs.ID
	group string
}

// target is a task in a target group.
type target struct {
	group  *health.Group
	task   *ecs.Task // as control has committed it
	health health.Target
	known  bool // control knows of it
	gone   bool // drained, and control knows; or forgotten with its balancer
	dirty  bool // control is to be told
	// results are those of its last health checks, for the checks of histories.
	results []health.Outcome
	drains  ecs.Time // when its draining is over, 0 = it has not begun
}

var _ Observer = (*balancer)(nil)

func newBalancer(w *World, groups []health.Group, answer func(string, *ecs.Task) health.Result) *balancer {
	return &balancer{w: w, groups: groups, answer: answer, delays: newStream(w.seed, "balancer"),
		slowest: UsualNews, told: map[targetKey]health.Target{}}
}

// UsualNews is how long news take at most between control and a load balancer while nothing is amiss.
const UsualNews = 2 * time.Millisecond

// Loaded implements Observer: control knows of no target any more, so it is told of all of them, and what has changed is heard anew. (On
// a Stage, control never starts again.)
func (b *balancer) Loaded(_ *control.Machine, r *root.Root) {
	b.changed, b.telling = nil, false
	clear(b.told)
	for _, x := range b.targets {
		x.known, x.dirty = false, true
	}
	if !b.away {
		b.catchUp(r)
	}
}

// end has the load balancer be gone, with all that it knows.
func (b *balancer) end() {
	if b.away {
		return
	}
	b.w.note("balancer ends")
	b.away, b.telling, b.changed = true, false, nil
	b.life++
	for _, x := range b.targets {
		x.gone = true
	}
	b.targets = nil
	b.moves++
}

// start has it begin anew, with no target until it has heard of some.
func (b *balancer) start() {
	if !b.away {
		return
	}
	b.w.note("balancer starts")
	b.away = false
	if b.w.server.machine != nil { // else it hears of everything when there is control again
		b.catchUp(b.w.server.root)
	}
}

// later has something happen in this life of the load balancer.
func (b *balancer) later(d time.Duration, do func()) {
	b.w.put(d, event{do: do, life: &b.life, born: b.life})
}

// hear has news of control arrive in a moment, after those before.
func (b *balancer) hear(do func()) {
	b.heard = max(b.heard, b.w.now.Add(b.delays.between(0, b.slowest)))
	b.later(b.heard.Sub(b.w.now), do)
}

// catchUp has it hear of all tasks as they are now. A task that is to be drained and is no target has been, or never was one.
func (b *balancer) catchUp(r *root.Root) {
	b.hear(func() {
		there := map[ecs.ID]bool{}
		for _, cluster := range r.Clusters("", 1000) {
			for _, s := range r.Services(cluster.Name, "", 1000, func(s *ecs.Service) bool { return s.Outsiders() > 0 }) {
				wanted := outsiders(s)
				for _, t := range tasksOf(r, s) {
					there[t.ID] = true
					b.follow(t, wanted)
					b.deny(t, wanted)
				}
			}
		}
		for _, x := range b.targets {
			if !there[x.task.ID] {
				b.drain(x)
			}
		}
		b.tellSoon()
	})
}

// outsiders names the target groups and registries of a service.
func outsiders(s *ecs.Service) []string {
	all := make([]string, s.Outsiders())
	for i := range all {
		all[i] = s.Outsider(i)
	}
	return all
}

// tasksOf gives the tasks of a service that are not STOPPED.
func tasksOf(r *root.Root, s *ecs.Service) (all []*ecs.Task) {
	for _, desired := range []ecs.Status{ecs.StatusRunning, ecs.StatusStopped} {
		for _, t := range r.Tasks(root.TaskFilter{Cluster: s.Cluster, Service: s.Name, Desired: desired}, 0, 100_000) {
			if t.ServiceSeq == s.Seq && !t.Stopped() {
				all = append(all, t)
			}
		}
	}
	return all
}

// deny tells control that a task which is to be drained is no target.
func (b *balancer) deny(t *ecs.Task, wanted []string) {
	for i := range wanted {
		if t.LastStatus == ecs.StatusDeactivating && b.find(t.ID, wanted[i]) == nil {
			x := &target{group: b.group(wanted[i]), task: t}
			b.targets = append(b.targets, x)
			b.set(x, x.health.Deregister().Drained())
		}
	}
}

func (b *balancer) group(arn string) *health.Group {
	return &b.groups[slices.IndexFunc(b.groups, func(g health.Group) bool { return g.ARN == arn })]
}

func (*balancer) Called(*host, driver.Call)                 {}
func (*balancer) Happened(*host, driver.Call, fake.Outcome) {}
func (*balancer) Rebooted(*host)                            {}

// Durable implements Observer.
func (b *balancer) Durable(unit journal.Unit, _ store.Unit) {
	for _, change := range unit {
		if t, ok := change.Record.(*ecs.Task); ok && t.Service != "" {
			b.changed = append(b.changed, t)
		}
		if change.Key.Kind == journal.KindTask && change.Record == nil && !b.away {
			b.later(max(0, b.heard.Sub(b.w.now)), func() { b.forget(change.Key) })
		}
	}
}

// forget deregisters a task that is forgotten, which may have come to its end in the same batch. It is heard of after all that was before.
func (b *balancer) forget(key journal.Key) {
	for _, x := range b.targets {
		if journal.TaskKey(x.task) == key {
			b.drain(x)
		}
	}
}

// Committed implements Observer: what has changed is news to the load balancer a moment later.
func (b *balancer) Committed(_ *control.Machine, _ ecs.Time, r *root.Root) {
	if b.away {
		b.changed = nil
	}
	for _, t := range b.changed {
		if s := r.Service(t.Cluster, t.Service); s != nil && s.Seq == t.ServiceSeq && s.Outsiders() > 0 {
			wanted := outsiders(s)
			b.hear(func() { b.follow(t, wanted) })
		}
	}
	b.changed = nil
}

// follow registers a task that is RUNNING, and deregisters one that is to stop, or that is out of its service.
func (b *balancer) follow(t *ecs.Task, wanted []string) {
	for i := range wanted {
		x := b.find(t.ID, wanted[i])
		serves := t.LastStatus == ecs.StatusRunning && t.DesiredStatus == ecs.StatusRunning && !t.Kept
		switch {
		case x == nil && serves:
			x = &target{group: b.group(wanted[i]), task: t}
			b.targets = append(b.targets, x)
			b.set(x, x.health)
			b.check(x)
		case x == nil:
		case serves:
			x.task = t
		default:
			x.task = t
			b.drain(x)
		}
	}
}

func (b *balancer) find(task ecs.ID, group string) *target {
	for _, x := range b.targets {
		if x.task.ID == task && x.group.ARN == group {
			return x
		}
	}
	return nil
}

// soonest is how long an answer takes that comes at once.
const soonest = time.Millisecond

// check makes a health check, and another one when it is time.
func (b *balancer) check(x *target) {
	if x.gone || !x.health.Registered() {
		return
	}
	b.set(x, x.health.Checking())
	result, takes := b.answer(x.group.ARN, x.task), soonest
	if result.Outcome == health.TimedOut {
		takes = x.group.Timeout
	}
	b.later(takes, func() {
		if x.health.Registered() {
			x.results = append(x.results[max(0, len(x.results)-keptResults+1):], result.Outcome)
		}
		b.set(x, x.health.Probed(result, x.group.Limits))
	})
	b.later(x.group.Interval, func() { b.check(x) })
}

func (b *balancer) drain(x *target) {
	if !x.health.Registered() {
		return
	}
	b.set(x, x.health.Deregister())
	x.drains = b.w.now.Add(x.group.Delay)
	b.later(x.group.Delay, func() { b.set(x, x.health.Drained()) })
}

// set gives a target its health from now on, and has control told of it.
func (b *balancer) set(x *target, now health.Target) {
	if x.gone || now == x.health && x.known {
		return
	}
	x.health, x.dirty = now, true
	b.moves++
	b.w.note("balancer target %s: %s %s", short(x.task.ID), now.State(), now.Reason())
	b.tellSoon()
}

func (b *balancer) tellSoon() {
	if !b.telling {
		b.telling = true
		b.later(b.delays.between(0, b.slowest), b.tell)
	}
}

// tell has control take what is new. Where control is down it hears of everything when it is loaded; where this is gone by then, of nothing.
func (b *balancer) tell() {
	if b.w.server.machine == nil {
		return
	}
	life := b.life
	b.w.server.tell(func() control.ReportTargets {
		if b.life != life {
			return control.ReportTargets{}
		}
		b.telling = false
		b.moves++
		var r control.ReportTargets
		for _, x := range b.targets {
			if x.dirty {
				x.dirty, x.known = false, true
				b.told[targetKey{x.task.ID, x.group.ARN}] = x.health
				if x.gone = x.health.State() == health.Unused; x.gone {
					delete(b.told, targetKey{x.task.ID, x.group.ARN})
				}
				r.Targets = append(r.Targets, control.TargetReport{Cluster: x.task.Cluster, Task: x.task.ID, Group: x.group.ARN, Health: x.health, Settings: x.group})
			}
		}
		b.targets = slices.DeleteFunc(b.targets, func(x *target) bool { return x.gone })
		return r
	})
}

// tell takes what a load balancer says when the next step begins, so that it is as things are then.
func (s *server) tell(what func() control.ReportTargets) {
	s.take(func(m *control.Machine) {
		s.ticket++
		report := what()
		s.w.note("balancer %d: %d targets", s.ticket, len(report.Targets))
		m.Offer(s.ticket, report)
	})
}

// sources is what control has been told of a task by the target groups and registries of its service; nothing where there is none.
func (b *balancer) sources(t *ecs.Task, s *ecs.Service) []scheduler.Source {
	if b == nil || s == nil {
		return nil
	}
	var all []scheduler.Source
	for i := range s.Outsiders() {
		said := scheduler.SourceWaiting
		if told, known := b.told[targetKey{t.ID, s.Outsider(i)}]; known {
			said = scheduler.TargetSource(told.State())
		}
		all = append(all, said)
	}
	return all
}

// routed gives the tasks of a service that get requests of a target group, and those that are registered.
func (b *balancer) routed(service, group string) (routed, registered []ecs.ID) {
	var list []*target
	var healths []health.Target
	for _, x := range b.targets {
		if x.task.Service == service && x.group.ARN == group {
			list, healths = append(list, x), append(healths, x.health)
			if x.health.Registered() {
				registered = append(registered, x.task.ID)
			}
		}
	}
	for _, i := range health.Routable(healths, health.Minimum{}, nil) {
		routed = append(routed, list[i].task.ID)
	}
	return routed, registered
}
