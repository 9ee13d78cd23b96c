package agent

import (
	"slices"
	"sort"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// sweep is the removal of what a driver has of a task that is over. The logs go first: as long as the driver has the
// containers, an agent that starts anew finds the task there and sweeps it again.
type sweep struct {
	state    sweepState
	call     bool // the removal of the logs is in flight
	attempts int
	retryAt  ecs.Time
}

type sweepState uint8

const (
	unswept sweepState = iota
	sweepingLogs
	sweepingContainers
	swept
)

// advanceForgotten keeps a stopped task that control has forgotten until its logs have been kept long enough, and then removes
// it. The ended containers stay in the driver until then, so that an agent that starts anew finds them there with the times of
// their ends, and needs no list of its own.
func (m *Machine) advanceForgotten(t *task) {
	if t.sweep.state == unswept {
		m.retain(t)
	}
	if t.sweep.state == swept {
		m.drop(t)
	}
}

func (m *Machine) retain(t *task) {
	until := t.stoppedAt.Add(m.cfg.Retention)
	switch {
	case !t.anyKept():
		m.release(t)
		t.sweep.state = swept
	case until <= m.now:
		m.startSweep(t)
	case t.keptUntil == 0:
		t.keptUntil = until
		at := sort.Search(len(m.retained), func(i int) bool { return m.retained[i].keptUntil > until })
		m.retained = slices.Insert(m.retained, at, t)
		if len(m.retained) > m.cfg.MaxRetained {
			m.startSweep(m.retained[0])
		}
	}
}

// ringRetained touches the tasks that have been kept long enough. They have no alarms: those would keep for an hour in memory what
// goes early because there is too much of it.
func (m *Machine) ringRetained() {
	for len(m.retained) > 0 && m.retained[0].keptUntil <= m.now {
		t := m.retained[0]
		m.release(t)
		m.touch(t)
	}
}

// sweptTogether: a task is kept longer by this part of its time, so that many of those that stopped one after the other go at once.
const sweptTogether = 60

// nextRetained is when the first of them has been, and others as well; 0 = never.
func (m *Machine) nextRetained() ecs.Time {
	if len(m.retained) == 0 {
		return 0
	}
	return m.retained[0].keptUntil.Add(m.cfg.Retention / sweptTogether)
}

func (t *task) anyKept() bool {
	return slices.ContainsFunc(t.containers, func(c *container) bool { return c.kept })
}

// release takes a task out of those kept for their logs.
func (m *Machine) release(t *task) {
	if t.keptUntil != 0 {
		t.keptUntil = 0
		if m.retained[0] == t { // as a rule: nothing has to move up
			m.retained[0], m.retained = nil, m.retained[1:]
			return
		}
		i := slices.Index(m.retained, t)
		m.retained = slices.Delete(m.retained, i, i+1)
	}
}

func (m *Machine) startSweep(t *task) {
	m.release(t)
	t.sweep.state = sweepingLogs
	m.advanceSweep(t)
}

// advanceSweep makes the next calls of a removal that has begun. It goes on even if control assigns the task once more: the
// facts remain, the logs do not.
func (m *Machine) advanceSweep(t *task) {
	switch t.sweep.state {
	case sweepingLogs:
		if !t.sweep.call && t.sweep.retryAt <= m.now {
			t.sweep.call = true
			m.call(flight{t: t, op: driver.OpRemoveLogs}, driver.Call{Key: driver.Key{Task: t.id}})
		}
	case sweepingContainers:
		for _, c := range t.containers {
			if c.kept && c.call == 0 {
				m.callContainer(t, c, driver.OpRemove)
			}
		}
		if !t.anyKept() {
			t.sweep.state = swept
			m.touch(t)
		}
	}
}

// logsRemoved takes the outcome of the removal of logs. After too many failures the task is left alone: the driver still has
// it, and an agent that starts anew tries again.
func (m *Machine) logsRemoved(t *task, r driver.Result) {
	s := &t.sweep
	s.call = false
	m.touch(t)
	switch {
	case r.Err == nil:
		s.state = sweepingContainers
	case s.attempts+1 >= maxAttempts:
		s.state = swept
	default:
		s.attempts++
		s.retryAt = m.now.Add(backoff(s.attempts))
		m.alarms.Add(s.retryAt, t)
	}
}

// removeFailed has the removal of a container repeated, and after too many failures left alone as above.
func (m *Machine) removeFailed(t *task, c *container) {
	if c.attempts+1 >= maxAttempts {
		c.kept = false
		return
	}
	m.retry(t, c)
}
