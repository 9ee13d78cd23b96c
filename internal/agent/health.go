package agent

import (
	"time"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// checkup is what the health check of one container has come to. It runs as Docker has it (moby, daemon/health.go): one command
// at a time, the first an interval after the container's start, each further one an interval after the end of the one before.
type checkup struct {
	verdict  ecs.Health
	failures int // in a row, as far as they count
	// proven says that the container has been healthy, after which its start period is over.
	proven bool
	// call is the command in flight, 0 for none; began is when it was asked for.
	call  uint64
	began ecs.Time
	dueAt ecs.Time // of the next command; 0 = not decided
	// since is when the verdict came; code and output are those of the last command.
	since  ecs.Time
	code   int
	output string
}

// maxCheckOutput is what containers are shown of their last check (amazon-ecs-agent, MaxHealthCheckOutputLength).
const maxCheckOutput = 1024

// advanceCheck runs the health check of a container when it is due. Of a task that is to be stopped the last verdict stays.
func (m *Machine) advanceCheck(t *task, c *container) {
	if c.def == nil || c.def.HealthCheck == nil {
		return
	}
	h := &c.check
	if c.phase != started || t.down() || c.doomed {
		m.giveUpCheck(c)
		return
	}
	if h.call != 0 {
		return
	}
	if h.dueAt == 0 {
		h.dueAt = firstCheck(c.started.At, m.now, c.def.HealthCheck.Interval)
		m.alarms.Add(h.dueAt, t)
	}
	if h.dueAt > m.now {
		return // an alarm is set
	}
	h.began = m.now
	h.call = m.call(flight{t: t, c: c, op: driver.OpExec}, driver.Call{Key: c.key, Command: checkCommand(c.def.HealthCheck.Command),
		Timeout: c.def.HealthCheck.Timeout})
}

// firstCheck is an interval after the start, or, for a container found long after that, the next multiple: containers that were
// not checked together before are not checked together after an agent has started anew.
func firstCheck(started, now ecs.Time, interval time.Duration) ecs.Time {
	past := max(0, now.Sub(started)) / interval
	return started.Add((past + 1) * interval)
}

// giveUpCheck forgets a command in flight: its outcome no longer matters.
func (m *Machine) giveUpCheck(c *container) {
	if h := &c.check; h.call != 0 {
		delete(m.calls, h.call)
		m.out.Cancel = append(m.out.Cancel, h.call)
		h.call, h.dueAt = 0, 0
	}
}

// checked takes the outcome of a command. What the driver could not do says nothing of the container.
func (m *Machine) checked(t *task, c *container, r driver.Result) {
	h := &c.check
	h.call = 0
	h.dueAt = m.now.Add(c.def.HealthCheck.Interval)
	m.alarms.Add(h.dueAt, t)
	m.touch(t)
	if r.Err != nil {
		return
	}
	before := h.verdict
	h.take(r.Code, c.def.HealthCheck, h.began.Sub(c.started.At))
	h.code, h.output = r.Code, r.Output[:min(len(r.Output), maxCheckOutput)]
	if h.verdict != before {
		h.since = m.now
		m.changed(t)
	}
}

// take counts one outcome of a command that began at that age of the container.
func (h *checkup) take(code int, def *ecs.HealthCheck, age time.Duration) {
	switch {
	case code == 0:
		h.verdict, h.failures, h.proven = ecs.HealthHealthy, 0, true
	case h.proven || age >= def.StartPeriod:
		h.failures++
		if h.failures >= def.Retries {
			h.verdict, h.proven = ecs.HealthUnhealthy, true
		}
	}
}

// recall continues with the verdict that control has, for a container that an earlier agent checked.
func (h *checkup) recall(verdict ecs.Health) {
	h.verdict, h.proven = verdict, verdict != ecs.HealthUnknown
}

// checkCommand is what a health check runs. Without CMD or CMD-SHELL in front, all of it is the command (API_HealthCheck).
func checkCommand(command []string) []string {
	switch command[0] {
	case "CMD":
		return command[1:]
	case "CMD-SHELL":
		return append([]string{"/bin/sh", "-c"}, command[1:]...)
	}
	return command
}
