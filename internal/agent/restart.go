package agent

import (
	"slices"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// A container with a restart policy is started again in place: control hears nothing of its end, and the task goes on
// (API_ContainerRestartPolicy). Each start is an attempt of its own for the driver. Whether an end is followed by another attempt is
// a function of that end alone, so an agent that starts anew decides as the one before it would have.

// restarts says whether a container is started again after such an end: its task goes on, the end was seen, its code is not one to
// be ignored, and it has run for long enough since it was started or restarted (amazon-ecs-agent, api/container/restart).
func (t *task) restarts(c *container, exit driver.Exit) bool {
	if t.work == nil || t.down() || c.doomed || c.def == nil || c.def.RestartPolicy == nil || c.started.At == 0 || exit.Code == nil {
		return false
	}
	p := c.def.RestartPolicy
	return !slices.Contains(p.IgnoredExitCodes, *exit.Code) && exit.At.Sub(c.started.At) >= p.AttemptPeriod
}

// restart turns to the next attempt of a container that has ended. Its image is there; its health is unknown again.
func (m *Machine) restart(t *task, c *container, exit driver.Exit) {
	m.giveUpCheck(c)
	next := c.key
	next.Attempt++
	c.turnTo(next, exit)
	c.since = m.lastCall
	m.changed(t)
	m.touch(t)
}

// turnTo makes c the attempt of that key, after one that ended so.
func (c *container) turnTo(key driver.Key, before driver.Exit) {
	c.key, c.before = key, &before
	c.phase, c.unsure = pulled, false
	c.op, c.attempts, c.retryAt, c.startCall, c.unlisted = driver.OpNone, 0, 0, 0, false
	c.check = checkup{}
	c.stopAt, c.exitCode, c.reason = 0, nil, ""
}

// resume has a container that ended before its task was explained go on, if its policy says so.
func (m *Machine) resume(t *task, c *container) {
	exit := driver.Exit{At: c.stopAt, Code: c.exitCode, Reason: c.reason}
	if c.phase == stopped && t.restarts(c, exit) {
		m.restart(t, c, exit)
	}
}

// catchUp has a container that was found as one attempt be a later one, which was found, too.
func (c *container) catchUp(o driver.Observation) {
	if o.Key.Attempt > c.key.Attempt {
		c.turnTo(o.Key, driver.Exit{At: c.stopAt, Code: c.exitCode, Reason: c.reason})
		c.unsure = o.State == driver.Created
	}
}

// status is what control is told of a container: one that waits for its next attempt has been RUNNING.
func (c *container) status() ecs.Status {
	if c.before != nil && c.phase < started {
		return ecs.StatusRunning
	}
	return c.phase.status()
}

// neverStarted is the end of a container that certainly does not run: that of its last attempt, if it has had one.
func (m *Machine) neverStarted(t *task, c *container) driver.Exit {
	if c.before != nil {
		return *c.before
	}
	return driver.Exit{At: m.now, Reason: notStartedReason(t, c)}
}

// boundPorts gives the ports of a container with the host ports that its last attempt had, so that whoever knows them finds it.
func boundPorts(ports []ecs.PortMapping, bindings []ecs.Binding) []ecs.PortMapping {
	bound := slices.Clone(ports)
	for i := range bound {
		p := &bound[i]
		for _, b := range bindings {
			if p.HostPort == 0 && b.ContainerPort == p.ContainerPort && b.UDP == p.UDP {
				p.HostPort = b.HostPort
			}
		}
	}
	return bound
}
