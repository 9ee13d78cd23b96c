// Package agent runs the tasks of one container instance: it takes assignments from control, has a driver do the work, and
// reports what became of it.
//
// Machine decides and Agent acts. Machine is a plain value that turns inputs (messages, results of driver calls, ends of
// containers, the time) into outputs (driver calls, reports, the time to be woken); it has no goroutine, clock, chance or I/O,
// so that the simulator drives the same code as production. Agent (run.go) owns one Machine, makes its calls on goroutines and
// keeps its session with control.
//
// The package never decides what should run where, never starts a container a second time, and never reports a container as
// STOPPED that may still run. Start reading at Machine.Step, then task.go for what happens to one container.
package agent

import (
	"time"

	"ballast/internal/agenda"
	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/session"
)

// Defaults of Config.
const (
	// DefaultStopTimeout is the time between SIGTERM and SIGKILL where the task definition names none (developer guide,
	// Container agent configuration, ECS_CONTAINER_STOP_TIMEOUT).
	DefaultStopTimeout = 30 * time.Second
	// DefaultRetention is how long what is left of a stopped task, its logs above all, stays readable. ECS shows a stopped task
	// for one hour (developer guide, Stopped tasks error codes).
	DefaultRetention = time.Hour
	// DefaultMaxRetained bounds the stopped tasks kept for their logs: at a few KiB of bookkeeping each it is a few MiB, and a
	// service that crashes all the time cannot fill the disk of its container instance.
	DefaultMaxRetained = 1000
)

// Config describes the container instance to its Machine. Zero durations and counts mean the defaults above.
type Config struct {
	Instance ecs.ID
	Hello    session.Hello
	// StopTimeout is used for containers whose definition names none.
	StopTimeout time.Duration
	// Retention is how long a stopped task that control has forgotten keeps its logs.
	Retention time.Duration
	// MaxRetained is how many such tasks are kept; above it the oldest goes first.
	MaxRetained int
	// Environment is what the runner completes containers with, nil for nothing. The Machine does not use it.
	Environment Environment
}

func (c Config) withDefaults() Config {
	if c.StopTimeout == 0 {
		c.StopTimeout = DefaultStopTimeout
	}
	if c.Retention == 0 {
		c.Retention = DefaultRetention
	}
	if c.MaxRetained == 0 {
		c.MaxRetained = DefaultMaxRetained
	}
	return c
}

// Input is something that happened: one of the types below.
type Input interface{ input() }

type (
	// Assigned is a message from control.
	Assigned struct{ Message session.Assignments }
	// DriverResult is the outcome of a driver.Call that a Batch asked for.
	DriverResult struct{ Result driver.Result }
	// DriverEvent is the end of a container.
	DriverEvent struct{ Observation driver.Observation }
	// DriverWatched answers Batch.Watch: from now on ends of containers arrive, or Err says why not.
	DriverWatched struct{ Err error }
	// DriverLost says that ends of containers no longer arrive.
	DriverLost struct{}
	// Connected opens a session with control. Sessions have ever higher numbers.
	Connected struct{ Session uint64 }
	// Disconnected ends the session.
	Disconnected struct{}
)

func (Assigned) input()      {}
func (DriverResult) input()  {}
func (DriverEvent) input()   {}
func (DriverWatched) input() {}
func (DriverLost) input()    {}
func (Connected) input()     {}
func (Disconnected) input()  {}

// Batch is what is to be done after a step. Its parts do not depend on each other, so they may be done in any order.
type Batch struct {
	// Watch asks for a subscription to the ends of containers; DriverWatched answers it.
	Watch bool
	// Calls are to be made, side by side; DriverResult answers each. There is never more than one for a container at a time, and one Exec.
	Calls []driver.Call
	// Cancel names calls whose result no longer matters.
	Cancel []uint64
	// Reports go to control in this order, or are lost.
	Reports []session.Report
	// Views answer every Ask.
	Views []View
	// Hangup asks for another connection: control does not answer on this one. The session is over already.
	Hangup bool
	// Refused is not empty when control wants no more of this container instance, and says why. The session is over already.
	Refused string
	// Deregistered says, with Refused, that the container instance was taken out of its cluster.
	Deregistered bool
	// WakeAt is when Step must be called even if nothing happens; 0 = never.
	WakeAt ecs.Time
}

// Machine is the state of one container instance. It is not safe for concurrent use.
type Machine struct {
	cfg Config
	now ecs.Time

	tasks map[ecs.ID]*task
	// all holds the tasks in the order in which they became known, with gaps (dead tasks) that are closed now and then.
	all  []*task
	gone int

	touched  []*task              // to be moved on in this step
	alarms   agenda.Agenda[*task] // when to look at a task again; one that finds nothing to do is no harm
	retained []*task              // forgotten by control, kept for their logs, the first to have stopped first

	lastCall uint64
	calls    map[uint64]flight
	sight    sight
	talk     talk

	out Batch
}

// flight is a driver call whose result is awaited. c is nil for calls about the whole task.
type flight struct {
	t       *task
	c       *container
	op      driver.Op
	attempt int // of c
}

// New gives the machine of a container instance that knows nothing yet: its first batch asks to watch the driver.
func New(cfg Config) *Machine {
	return &Machine{cfg: cfg.withDefaults(), tasks: map[ecs.ID]*task{}, calls: map[uint64]flight{}}
}

// Step takes what happened, in order, and says what to do. Without inputs it only looks at the time. now must not be before 1;
// a clock that was set back is held at the latest time seen. The same inputs at the same times give the same batches.
func (m *Machine) Step(now ecs.Time, inputs ...Input) Batch {
	m.now = max(m.now, now)
	m.ring()
	for _, in := range inputs {
		m.take(in)
	}
	m.look()
	m.moveTouched()
	m.speak()
	m.out.WakeAt = m.wakeAt()
	out := m.out
	m.out = Batch{}
	return out
}

func (m *Machine) take(in Input) {
	switch in := in.(type) {
	case Assigned:
		m.takeAssignments(in.Message)
	case DriverResult:
		m.takeResult(in.Result)
	case DriverEvent:
		m.takeEvent(in.Observation)
	case DriverWatched:
		m.watched(in.Err)
	case DriverLost:
		m.lost()
	case Ask:
		m.out.Views = append(m.out.Views, View{in.Request, m.view(in.Task)})
	case Connected:
		m.connected(in.Session)
	case Disconnected:
		m.talk.end()
	}
}

// ring touches the tasks whose alarm is due.
func (m *Machine) ring() {
	for {
		_, t, due := m.alarms.Take(m.now)
		if !due {
			break
		}
		m.touch(t)
	}
	m.ringRetained()
}

// touch has t moved on at the end of this step.
func (m *Machine) touch(t *task) {
	if !t.touched && !t.dead {
		t.touched = true
		m.touched = append(m.touched, t)
	}
}

// moveTouched moves on every task that something happened to. Moving one may touch others.
func (m *Machine) moveTouched() {
	for i := 0; i < len(m.touched); i++ {
		t := m.touched[i]
		t.touched = false
		if !t.dead {
			m.advance(t)
		}
	}
	clear(m.touched)
	m.touched = m.touched[:0]
}

// call emits a driver call.
func (m *Machine) call(f flight, call driver.Call) uint64 {
	m.lastCall++
	call.ID, call.Op = m.lastCall, f.op
	call.Limit = callLimits[f.op] + call.Timeout
	if f.c != nil {
		f.attempt = f.c.key.Attempt
	}
	m.calls[call.ID] = f
	m.out.Calls = append(m.out.Calls, call)
	return call.ID
}

// callLimits are how long a call may take, Stop and Exec beyond their timeout (amazon-ecs-agent, agent/dockerclient/timeout.go). Those
// that the agent of ECS does not bound, or that only concern our own files, get a minute.
var callLimits = [...]time.Duration{
	driver.OpList:       time.Minute,
	driver.OpPull:       2 * time.Hour,
	driver.OpCreate:     4 * time.Minute,
	driver.OpStart:      3 * time.Minute,
	driver.OpStop:       2 * time.Minute,
	driver.OpRemove:     5 * time.Minute,
	driver.OpRemoveLogs: time.Minute,
	driver.OpExec:       10 * time.Second,
}

// add makes a task known.
func (m *Machine) add(id ecs.ID) *task {
	t := &task{id: id, desired: ecs.StatusRunning}
	m.tasks[id] = t
	m.all = append(m.all, t)
	return t
}

// drop forgets a task for good.
func (m *Machine) drop(t *task) {
	t.dead = true
	delete(m.tasks, t.id)
	m.gone++
	if m.gone > len(m.all)/2 {
		m.all = compact(m.all)
		m.gone = 0
	}
}

// compact gives the living tasks in order, in a new slice: whoever ranges over the old one is not disturbed.
func compact(all []*task) []*task {
	living := make([]*task, 0, len(all)/2)
	for _, t := range all {
		if !t.dead {
			living = append(living, t)
		}
	}
	return living
}

func (m *Machine) wakeAt() ecs.Time {
	at, _ := m.alarms.Next()
	for _, next := range [...]ecs.Time{m.sight.next(), m.talk.next(), m.nextRetained()} {
		if next != 0 && (at == 0 || next < at) {
			at = next
		}
	}
	return at
}
