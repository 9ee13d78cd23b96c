package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ballast/internal/agent"
	"ballast/internal/control"
	"ballast/internal/control/journal"
	"ballast/internal/control/root"
	"ballast/internal/control/services"
	"ballast/internal/driver"
	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
	"ballast/internal/lb/health"
	"ballast/internal/scheduler"
	"ballast/internal/scheduler/explain"
	"ballast/internal/session"
	"ballast/internal/store"
)

// Stage is a World in which nothing happens by chance but delays of milliseconds: who plays on it, a scenario, says what breaks
// and when. Its methods are called one after the other, never from its Audience or Conduct.
type Stage struct {
	w        *World
	audience Audience
	asked    map[string]int // standalone tasks asked for, by startedBy, for the checks
}

// Audience is told what happens on a Stage, and changes nothing there.
type Audience interface {
	// Moved says that a change of a task is durable.
	Moved(now ecs.Time, t *ecs.Task)
	// Changed says that a change of a service is durable.
	Changed(s *ecs.Service)
	// Said says that a service event is durable; service is the number of the service in the cluster.
	Said(now ecs.Time, cluster string, service uint64, e *ecs.ServiceEvent)
	// Committed says that everyone sees what has been told before.
	Committed(now ecs.Time)
	// Called says that the agent of a container instance, counted from 1, calls its driver.
	Called(now ecs.Time, instance int, call driver.Call)
}

// Conduct is what containers and their surroundings do beyond their task definitions. It is asked each time.
type Conduct interface {
	// Script gives what is added to the environment of a container, to script it for the fake driver, when it is created.
	Script(instance int, key driver.Key) []ecs.Variable
	// Ails says whether commands run in a container find it unhealthy whatever it has been scripted to.
	Ails(key driver.Key) bool
	// Missing says whether the registry lacks an image.
	Missing(image string) bool
}

// NewStage gives a stage with a control that runs and no container instance. checked says whether everything is held against the
// checks of histories after every step, which takes several times as long.
func NewStage(seed uint64, cfg control.Config, audience Audience, checked bool) *Stage {
	s := &Stage{w: newWorld(seed, cfg, nil), audience: audience}
	p := newPlayer(s.w)
	s.asked = p.asked
	s.w.trace.onlyBrief, s.w.server.disk.blank = !checked, !checked // nothing restarts control here
	if checked {
		s.w.observers = append(s.w.observers, newChecker(s.w, p))
	}
	s.w.observers = append(s.w.observers, usher{s})
	s.w.server.start()
	return s
}

// Now is the virtual time.
func (s *Stage) Now() ecs.Time { return s.w.now }

// Root is the committed state.
func (s *Stage) Root() *root.Root { return s.w.server.root }

// Trace is a hash of what has happened.
func (s *Stage) Trace() string { return s.w.trace.briefSum() }

// AddInstance adds a container instance, counted from 1, and starts its agent.
func (s *Stage) AddInstance(hello session.Hello, conduct Conduct) int {
	h := s.w.addHost(agent.Config{Hello: hello, StopTimeout: s.w.server.cfg.Policy.DefaultStopTimeout}, 0)
	h.conduct, h.slowest = conduct, 0
	h.start()
	return len(s.w.hosts)
}

// Balance gives the stage a load balancer with target groups, and service discovery with registries, which are such groups too; answer is how a health check of a task ends that is made now. It is
// called once, before there are services.
func (s *Stage) Balance(groups []health.Group, answer func(group string, t *ecs.Task) health.Result) {
	s.w.balancer = newBalancer(s.w, groups, func(group string, t *ecs.Task) health.Result {
		if s.host(int(t.Instance[0])).machine == nil { // the container instance is lost
			return health.Result{Outcome: health.TimedOut}
		}
		return answer(group, t)
	})
	s.w.observers = slices.Insert(s.w.observers, len(s.w.observers)-1, Observer(s.w.balancer)) // the audience learns of it last
}

// TargetSources is what control knows of a task from the target groups and registries of its service, in their order.
func (s *Stage) TargetSources(t *ecs.Task) []scheduler.Source {
	if s.w.balancer == nil {
		return nil
	}
	return s.w.balancer.sources(t, s.Root().Service(t.Cluster, t.Service))
}

// TargetMoves grows whenever a target has changed, and whenever control has been told of that.
func (s *Stage) TargetMoves() int {
	if s.w.balancer == nil {
		return 0
	}
	return s.w.balancer.moves
}

// Routed gives the tasks of a service that get the requests of a target group, and those that are registered with it.
func (s *Stage) Routed(service, group string) (routed, registered []ecs.ID) {
	if s.w.balancer == nil {
		return nil, nil
	}
	return s.w.balancer.routed(service, group)
}

// Lose has a container instance and all that runs on it be gone, as when a machine loses its power.
func (s *Stage) Lose(instance int) { s.host(instance).reboot() }

// Return has a lost container instance start with nothing on it.
func (s *Stage) Return(instance int) { s.host(instance).start() }

// Cut has nothing pass between the agent of a container instance and control, or everything again. Containers go on.
func (s *Stage) Cut(instance int, cut bool) {
	l := &s.host(instance).link
	l.cutUp, l.cutDown = cut, cut
}

// Kill ends a container that runs, as by its own fault.
func (s *Stage) Kill(instance int, key driver.Key, code int32) {
	h := s.host(instance)
	h.model.Kill(h.body.now(), key, code)
	h.ring()
}

func (s *Stage) host(instance int) *host { return s.w.hosts[instance-1] }

// InstanceID is what tasks know a container instance by.
func (s *Stage) InstanceID(instance int) ecs.ID { return s.host(instance).cfg.Instance }

// Advance lets time pass. An error is a mistake in Ballast, not in the scenario.
func (s *Stage) Advance(d time.Duration) (err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("sim: at %s: %v", s.w.now.Std().Format("15:04:05.000"), broken)
		}
	}()
	s.w.advance(d)
	if s.w.failure != nil {
		return s.w.failure
	}
	return nil
}

// answerWithin is how long a command takes at most while nothing is broken; one that takes longer will never be answered.
const answerWithin = 10 * time.Second

// Submit asks control for a change and lets time pass until it is durable: a few milliseconds. With it and Root, a Stage is the
// control that the operations of the API need.
func (s *Stage) Submit(_ context.Context, c control.Command) (any, error) {
	if run, ok := c.(control.RunTask); ok {
		s.asked[run.StartedBy] += run.Count
	}
	var reply *Reply
	s.w.server.submit(c, func(r Reply) { reply = &r })
	for deadline := s.w.now.Add(answerWithin); reply == nil; {
		if err := s.Advance(time.Millisecond); err != nil {
			return nil, err
		}
		if s.w.now > deadline {
			return nil, errors.New("sim: control does not answer")
		}
	}
	return reply.Result, reply.Err
}

// Explanations says what a service wants and does not get, and why.
func (s *Stage) Explanations(cluster, name string) []string {
	var all []string
	s.w.server.machine.Services(func(service *services.Service) {
		if r := service.Record(); r.Cluster == cluster && r.Name == name {
			for _, e := range service.Explanations() {
				all = append(all, e.String())
			}
		}
	})
	return all
}

// Case is what control knows of a service now, to say why it is as it is; nil where there is none.
func (s *Stage) Case(cluster, name string) *explain.Case {
	return s.w.server.machine.Case(s.w.now, cluster, name)
}

// usher is the Observer that tells a Stage's Audience.
type usher struct{ s *Stage }

var _ Observer = usher{}

func (usher) Loaded(*control.Machine, *root.Root)       {}
func (usher) Rebooted(*host)                            {}
func (usher) Happened(*host, driver.Call, fake.Outcome) {}
func (u usher) Committed(*control.Machine, ecs.Time, *root.Root) {
	u.s.audience.Committed(u.s.w.now)
}

func (u usher) Durable(unit journal.Unit, _ store.Unit) {
	now := u.s.w.now
	for _, change := range unit {
		switch record := change.Record.(type) {
		case *ecs.Task:
			u.s.audience.Moved(now, record)
		case *ecs.Service:
			u.s.audience.Changed(record)
		case *ecs.ServiceEvent:
			u.s.audience.Said(now, change.Key.Cluster, change.Key.Seq, record)
		}
	}
}

func (u usher) Called(h *host, call driver.Call) {
	u.s.audience.Called(u.s.w.now, int(h.cfg.Instance[0]), call)
}

// meet has a driver call meet what its host's conduct says.
func (h *host) meet(call *driver.Call) {
	if h.conduct == nil {
		return
	}
	switch call.Op {
	case driver.OpPull:
		h.model.Withdraw(call.Image, h.conduct.Missing(call.Image))
	case driver.OpExec:
		h.model.Ail(call.Key, h.conduct.Ails(call.Key))
	case driver.OpCreate:
		spec := *call.Spec
		spec.Environment = append(append([]ecs.Variable{}, spec.Environment...), h.conduct.Script(int(h.cfg.Instance[0]), call.Key)...)
		call.Spec = &spec
	}
}
