package agent

import (
	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/session"
)

// phase is how far a container has come. Phases only grow, but for a created container that the driver has lost.
type phase uint8

const (
	absent  phase = iota // the driver has nothing of it
	pulled               // its image is there
	created              // the driver has it
	started              // it runs
	stopped              // it will never run again
)

// status is what the API makes of a phase.
func (p phase) status() ecs.Status {
	switch p {
	case started:
		return ecs.StatusRunning
	case stopped:
		return ecs.StatusStopped
	}
	return ecs.StatusPending
}

// container is one container of a task.
type container struct {
	key driver.Key
	// def is nil while the machine does not know what the task consists of.
	def   *ecs.ContainerDefinition
	phase phase

	// call is the driver call in flight, 0 for none; op the last one made, attempts how often it has failed in a row.
	call     uint64
	op       driver.Op
	attempts int
	retryAt  ecs.Time

	// since is the newest call that had been made when the container came to its phase: a List made later must show it.
	since uint64
	// startCall is the newest call to start the container; unlisted says that a List made meanwhile lacked it, so that another
	// one is to be made when the call is over.
	startCall uint64
	unlisted  bool
	// kept says that the driver may have something of the container that is to be removed.
	kept bool
	// unsure says that the container may run though no start of it has succeeded.
	unsure bool
	// doomed says that the container is to be stopped even if the task goes on.
	doomed bool

	check checkup

	needs    []edge
	neededBy []*container

	pullAt    ecs.Time // when the pull was asked for
	createdAt ecs.Time
	started   driver.Started
	stopAt    ecs.Time
	exitCode  *int32
	reason    string
	// before is how the last attempt ended, nil at the first one.
	before *driver.Exit
}

func (c *container) essential() bool { return c.def != nil && c.def.Essential }

// task is one task on this container instance.
type task struct {
	id ecs.ID
	// work is nil for a task found in the driver of which control has not yet said what it is.
	work       *session.Work
	containers []*container

	desired ecs.Status
	status  ecs.Status
	// forget says that control wants to hear no more of it.
	forget    bool
	keptUntil ecs.Time // kept for its logs until then, 0 = it is not
	dead      bool     // no longer known
	touched   bool
	sweep     sweep

	pullStartedAt, pullStoppedAt             ecs.Time
	startedAt, executionStoppedAt, stoppedAt ecs.Time
	reason                                   string

	news news
}

// down says whether what still runs of the task is to be stopped.
func (t *task) down() bool {
	return t.desired == ecs.StatusStopped || t.forget || t.executionStoppedAt != 0
}

// stopped says whether nothing of the task runs or ever will.
func (t *task) stopped() bool { return t.stoppedAt != 0 }

// container finds a container by name; nil when there is none.
func (t *task) container(name string) *container {
	for _, c := range t.containers {
		if c.key.Container == name {
			return c
		}
	}
	return nil
}

// move is what a container needs next.
type move uint8

const (
	moveNone move = iota
	movePull
	moveCreate
	moveStart
	moveStop
	// moveGiveUp ends a container that certainly does not run, without asking the driver.
	moveGiveUp
)

var moveOps = [...]driver.Op{movePull: driver.OpPull, moveCreate: driver.OpCreate, moveStart: driver.OpStart,
	moveStop: driver.OpStop, moveGiveUp: driver.OpNone}

// next decides what c needs next, whatever is in flight.
func (t *task) next(c *container) move {
	switch {
	case c.phase == stopped:
		return moveNone
	case t.down() || c.doomed:
		switch {
		case c.phase != started && !c.unsure:
			return moveGiveUp
		case c.leads() && !c.doomed:
			return moveNone
		}
		return moveStop
	case t.work == nil || c.phase == started:
		return moveNone
	}
	return [...]move{absent: movePull, pulled: moveCreate, created: moveStart}[c.phase]
}

// advance makes the next moves of a task.
func (m *Machine) advance(t *task) {
	for _, c := range t.containers {
		m.advanceContainer(t, c)
		m.advanceCheck(t, c)
	}
	m.advanceSweep(t)
	if t.stopped() && t.forget {
		m.advanceForgotten(t)
	}
}

func (m *Machine) advanceContainer(t *task, c *container) {
	next := t.next(c)
	if c.call != 0 {
		if next != moveGiveUp || c.op != driver.OpPull {
			return // the result of the call decides
		}
		// A pull may take hours and starts nothing: nobody needs to wait for it.
		delete(m.calls, c.call)
		m.out.Cancel = append(m.out.Cancel, c.call)
		c.call = 0
	}
	if next == movePull && m.awaits(t, c) {
		return
	}
	switch next {
	case moveNone:
	case moveGiveUp:
		m.containerStopped(t, c, m.neverStarted(t, c))
	default:
		m.callContainer(t, c, moveOps[next])
	}
}

// notStartedReason says why a container that never started is over.
func notStartedReason(t *task, c *container) string {
	if c.pullAt == 0 {
		// amazon-ecs-agent, agent/engine/errors.go
		return "TaskStoppedBeforePullBeginError: Task stopped before image pull could begin for task: " + t.id.String()
	}
	return "Container was stopped before it was started"
}

// callContainer makes a driver call for a container, unless it has to wait after failures.
func (m *Machine) callContainer(t *task, c *container, op driver.Op) {
	if c.op != op {
		c.op, c.attempts, c.retryAt = op, 0, 0
	}
	if c.retryAt > m.now {
		return // an alarm is set
	}
	call := driver.Call{Key: c.key}
	switch op {
	case driver.OpPull:
		call.Image, call.Credentials = c.def.Image, c.def.RegistryCredentials
		if c.pullAt == 0 {
			c.pullAt = m.now
		}
	case driver.OpCreate:
		call.Spec = specOf(t, c)
		c.kept = true
	case driver.OpStart:
		c.unsure = true
	case driver.OpStop:
		call.Timeout = m.stopTimeout(c)
	}
	c.call = m.call(flight{t: t, c: c, op: op}, call)
	if op == driver.OpStart {
		c.startCall = c.call
	}
}

// retry has the last call of c repeated after a while.
func (m *Machine) retry(t *task, c *container) {
	c.attempts++
	c.retryAt = m.now.Add(backoff(c.attempts))
	m.alarms.Add(c.retryAt, t)
}

// containerStarted takes the fact that c runs.
func (m *Machine) containerStarted(t *task, c *container, s driver.Started) {
	if c.phase >= started {
		return
	}
	if s.At == 0 {
		s.At = m.now
	}
	c.phase, c.started, c.since = started, s, m.lastCall
	c.kept, c.unsure = true, false
	m.rollUp(t)
}

// containerStopped takes the fact that c is over. What is known of its start has been taken before.
func (m *Machine) containerStopped(t *task, c *container, exit driver.Exit) {
	if c.phase == stopped {
		return
	}
	if exit.At == 0 {
		exit.At = m.now
	}
	if t.restarts(c, exit) {
		m.restart(t, c, exit)
		return
	}
	c.phase, c.since, c.unsure = stopped, m.lastCall, false
	c.stopAt, c.exitCode = max(exit.At, c.started.At), exit.Code
	if c.reason == "" {
		c.reason = exit.Reason
	}
	if c.reason == "" && c.exitCode == nil {
		c.reason = "Container was stopped before it was started"
		if c.started.At != 0 {
			c.reason = "The end of the container was not observed"
		}
	}
	m.rollUp(t)
}

// rollUp brings the task to what its containers say, makes it news, and has it moved on: the end of an essential container
// concerns the others.
func (m *Machine) rollUp(t *task) {
	t.sumUp(m.now)
	m.changed(t)
	m.touch(t)
}

// sumUp brings the task to what its containers say. Of a task of which only the driver knows, whether it is over is all that
// can be said.
func (t *task) sumUp(now ecs.Time) {
	if t.work == nil {
		t.stoppedAt = stoppedAt(t.containers, now)
		return
	}
	if t.startedAt == 0 {
		t.startedAt = startedAt(t.containers)
	}
	if t.executionStoppedAt == 0 {
		t.executionStoppedAt = executionStoppedAt(t.containers)
	}
	if t.stoppedAt == 0 {
		t.stoppedAt = stoppedAt(t.containers, now)
	}
	switch {
	case t.stoppedAt != 0:
		t.status = ecs.StatusStopped
	case t.startedAt != 0:
		t.status = ecs.StatusRunning
	default:
		t.status = ecs.StatusPending
	}
}

// startedAt is when the last container of the task had started: then the task was RUNNING. A container that is not essential
// and never ran does not count. 0 when that moment has not come, or never will because an essential container had stopped
// before (amazon-ecs-agent, agent/api/task/task.go, updateTaskKnownStatus).
func startedAt(containers []*container) ecs.Time {
	var last, firstEnd ecs.Time
	for _, c := range containers {
		switch {
		case c.def == nil:
		case c.started.At != 0:
			last = max(last, c.started.At)
		case c.phase != stopped || c.essential():
			return 0
		}
		if c.essential() && c.phase == stopped && (firstEnd == 0 || c.stopAt < firstEnd) {
			firstEnd = c.stopAt
		}
	}
	if firstEnd != 0 && firstEnd < last {
		return 0
	}
	return last
}

// executionStoppedAt is when the first essential container stopped; 0 while none has.
func executionStoppedAt(containers []*container) ecs.Time {
	var first ecs.Time
	for _, c := range containers {
		if c.essential() && c.phase == stopped && (first == 0 || c.stopAt < first) {
			first = c.stopAt
		}
	}
	return first
}

// stoppedAt is when the last container stopped; 0 while one has not. now is the answer for a task without containers.
func stoppedAt(containers []*container, now ecs.Time) ecs.Time {
	if len(containers) == 0 {
		return now
	}
	var last ecs.Time
	for _, c := range containers {
		if c.phase != stopped {
			return 0
		}
		last = max(last, c.stopAt)
	}
	return last
}
