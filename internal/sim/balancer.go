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
	heard   ecs.Time // when the last news of control arrives; they never overtake each other
	moves   int      // grows whenever a target has changed, or control knows of it
}

// target is a task in a target group.
type target struct {
	group  *health.Group
	task   *ecs.Task // as control has committed it
	health health.Target
	told   health.Target // what control knows
	known  bool          // control knows of it
	gone   bool          // drained, and control knows
	dirty  bool          // control is to be told
}

var _ Observer = (*balancer)(nil)

func newBalancer(w *World, groups []health.Group, answer func(string, *ecs.Task) health.Result) *balancer {
	return &balancer{w: w, groups: groups, answer: answer, delays: newStream(w.seed, "balancer")}
}

// Loaded implements Observer. Control never starts anew on a Stage.
func (*balancer) Loaded(*control.Machine, *root.Root)       {}
func (*balancer) Called(*host, driver.Call)                 {}
func (*balancer) Happened(*host, driver.Call, fake.Outcome) {}
func (*balancer) Rebooted(*host)                            {}

// Durable implements Observer.
func (b *balancer) Durable(unit journal.Unit, _ store.Unit) {
	for _, change := range unit {
		if t, ok := change.Record.(*ecs.Task); ok && t.Service != "" {
			b.changed = append(b.changed, t)
		}
	}
}

// Committed implements Observer: what has changed is news to the load balancer a moment later.
func (b *balancer) Committed(_ *control.Machine, _ ecs.Time, r *root.Root) {
	for _, t := range b.changed {
		if s := r.Service(t.Cluster, t.Service); s != nil && s.Seq == t.ServiceSeq && s.Outsiders() > 0 {
			wanted := make([]string, s.Outsiders())
			for i := range wanted {
				wanted[i] = s.Outsider(i)
			}
			b.heard = max(b.heard, b.w.now.Add(b.delays.between(0, 2*time.Millisecond)))
			b.w.agenda.Add(b.heard, event{do: func() { b.follow(t, wanted) }})
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
			group := &b.groups[slices.IndexFunc(b.groups, func(g health.Group) bool { return g.ARN == wanted[i] })]
			x = &target{group: group, task: t}
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
	if !x.health.Registered() {
		return
	}
	b.set(x, x.health.Checking())
	result, takes := b.answer(x.group.ARN, x.task), soonest
	if result.Outcome == health.TimedOut {
		takes = x.group.Timeout
	}
	b.w.after(takes, func() { b.set(x, x.health.Probed(result, x.group.Limits)) })
	b.w.after(x.group.Interval, func() { b.check(x) })
}

func (b *balancer) drain(x *target) {
	if !x.health.Registered() {
		return
	}
	b.set(x, x.health.Deregister())
	b.w.after(x.group.Delay, func() { b.set(x, x.health.Drained()) })
}

// set gives a target its health from now on, and has control told of it.
func (b *balancer) set(x *target, now health.Target) {
	if now == x.health && x.known {
		return
	}
	x.health, x.dirty = now, true
	b.moves++
	b.w.note("balancer target %s: %s %s", short(x.task.ID), now.State(), now.Reason())
	if !b.telling {
		b.telling = true
		b.w.after(b.delays.between(0, 2*time.Millisecond), b.tell)
	}
}

// tell has control take what is new.
func (b *balancer) tell() {
	b.w.server.tell(func() control.ReportTargets {
		b.telling = false
		b.moves++
		var r control.ReportTargets
		for _, x := range b.targets {
			if x.dirty {
				x.dirty, x.told, x.known = false, x.health, true
				x.gone = x.health.State() == health.Unused
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
		if x := b.find(t.ID, s.Outsider(i)); x != nil && x.known {
			said = scheduler.TargetSource(x.told.State())
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
