package agent

import (
	"errors"
	"fmt"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// takeResult takes the outcome of a driver call. Results of calls that were cancelled are not awaited and change nothing.
func (m *Machine) takeResult(r driver.Result) {
	f, awaited := m.calls[r.ID]
	if !awaited {
		return
	}
	delete(m.calls, r.ID)
	switch {
	case f.op == driver.OpList:
		m.listed(r)
	case f.op == driver.OpRemoveLogs:
		m.logsRemoved(f.t, r)
	case f.op == driver.OpExec:
		m.checked(f.t, f.c, r)
	default:
		f.c.call = 0
		m.touch(f.t)
		if f.attempt != f.c.key.Attempt {
			return // an event has told the end of that attempt
		}
		if r.Err != nil {
			m.callFailed(f, r)
		} else {
			m.callDone(f, r)
		}
	}
}

// callDone takes the success of a call for a container. The container may have come further by an event meanwhile.
func (m *Machine) callDone(f flight, r driver.Result) {
	t, c := f.t, f.c
	c.attempts, c.retryAt = 0, 0
	switch f.op {
	case driver.OpPull:
		c.phase = max(c.phase, pulled)
		t.pulled(c, r.Pulled, m.now)
	case driver.OpCreate:
		if c.phase < created {
			c.phase, c.since, c.createdAt = created, m.lastCall, m.now
		}
	case driver.OpStart:
		m.containerStarted(t, c, r.Started)
		if c.unlisted {
			c.unlisted = false
			m.relist()
		}
	case driver.OpStop:
		m.containerStopped(t, c, r.Exit)
	case driver.OpRemove:
		c.kept = false
	}
}

// callFailed takes the failure of a call for a container: one that ECS has a name for is final, any other may pass.
func (m *Machine) callFailed(f flight, r driver.Result) {
	t, c := f.t, f.c
	named, final := driverError(r.Err)
	switch {
	case f.op == driver.OpRemove:
		m.removeFailed(t, c)
	case f.op == driver.OpStop:
		m.stopFailed(t, c, named, r.Err)
	case final:
		if f.op == driver.OpPull {
			t.pulled(c, true, m.now)
		}
		c.unsure = false // such an error says that the container did not start
		if named.Name == driver.ResourceInitializationError {
			m.taskFailed(t, named.Error())
		}
		m.containerFailed(t, c, named.Error())
	case r.TimedOut:
		m.containerFailed(t, c, timeoutReason(f.op))
	case c.attempts+1 >= maxAttempts:
		m.containerFailed(t, c, fmt.Sprintf("%s: %v", failureNames[f.op], r.Err))
	default:
		m.retry(t, c)
	}
}

// failureNames are the names of ECS for calls that failed in a way the driver has no name for.
var failureNames = [...]string{
	driver.OpPull:   driver.CannotPullContainerError,
	driver.OpCreate: driver.CannotCreateContainerError,
	driver.OpStart:  driver.CannotStartContainerError,
	driver.OpStop:   driver.CannotStopContainerError,
}

// timeoutReason is the reason of a container whose call took longer than allowed (amazon-ecs-agent,
// agent/dockerclient/dockerapi/errors.go, DockerTimeoutError).
func timeoutReason(op driver.Op) string {
	goal := [...]string{driver.OpPull: "pulled", driver.OpCreate: "created", driver.OpStart: "started"}[op]
	return fmt.Sprintf("DockerTimeoutError: Could not transition to %s; timed out after waiting %v", goal, callLimits[op])
}

func driverError(err error) (*driver.Error, bool) {
	var named *driver.Error
	ok := errors.As(err, &named)
	return named, ok
}

// containerFailed ends a container that could not be brought to run. If it may run nevertheless, it is stopped first.
func (m *Machine) containerFailed(t *task, c *container, reason string) {
	if c.phase >= started {
		return // an event has told better
	}
	if c.reason == "" {
		c.reason = reason
	}
	if c.unsure {
		c.doomed = true
		return
	}
	m.containerStopped(t, c, driver.Exit{At: m.now})
}

// taskFailed ends a task that lacks what was to be there before its containers: not even those that need it not go on.
func (m *Machine) taskFailed(t *task, reason string) {
	if t.reason == "" {
		t.reason = reason
	}
	for _, c := range t.containers {
		c.doomed = true
	}
	m.changed(t)
}

// stopFailed repeats the stop until it succeeds: a container is never reported as STOPPED while it may run. After some attempts
// the container says why it still runs.
func (m *Machine) stopFailed(t *task, c *container, named *driver.Error, err error) {
	if c.phase == stopped {
		return
	}
	if named != nil && named.Name == driver.ContainerVanishedError {
		c.kept = false
		m.containerStopped(t, c, driver.Exit{At: m.now, Reason: named.Error()})
		return
	}
	m.retry(t, c)
	if c.attempts == maxAttempts && c.reason == "" {
		c.reason = fmt.Sprintf("%s: %v", driver.CannotStopContainerError, err)
		if named != nil {
			c.reason = named.Error()
		}
		m.changed(t)
	}
}

// pulled takes note of an image that was fetched for a container: the task counts from its first pull to its last. Images that
// were there leave no times (amazon-ecs-agent sets them only for a pull that really happened).
func (t *task) pulled(c *container, really bool, now ecs.Time) {
	if !really {
		return
	}
	if t.pullStartedAt == 0 || c.pullAt < t.pullStartedAt {
		t.pullStartedAt = c.pullAt
	}
	t.pullStoppedAt = now
}

// takeEvent takes the end of a container.
func (m *Machine) takeEvent(o driver.Observation) {
	t := m.tasks[o.Key.Task]
	if t == nil {
		m.sight.early(o)
		return
	}
	c := t.container(o.Key.Container)
	if c == nil {
		m.sight.early(o)
		return
	}
	if c.key == o.Key {
		m.observe(t, c, o)
	}
}

// observe takes what the driver says of a container. It only ever moves the container forward.
func (m *Machine) observe(t *task, c *container, o driver.Observation) {
	switch o.State {
	case driver.Created:
		if c.phase < created && c.call == 0 {
			c.phase, c.since = created, m.lastCall
		}
	case driver.Running:
		m.containerStarted(t, c, o.Started)
	case driver.Exited:
		if o.Started.At != 0 || o.Started.RuntimeID != "" {
			m.containerStarted(t, c, o.Started)
		}
		m.containerStopped(t, c, o.Exit)
	}
	c.kept = true
	if t.work == nil {
		t.sumUp(m.now)
	}
	m.touch(t)
}
