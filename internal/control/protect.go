package control

import (
	"time"

	"ballast/internal/ecs"
)

// ProtectTasks protects tasks of services from being stopped by scale-in and deployments for a time, or, with 0, ends that. Answer:
// []Protection, in the order of Tasks.
type ProtectTasks struct {
	Cluster string
	Tasks   []ecs.ID
	For     time.Duration
}

// Protection is what became of one task of ProtectTasks: the task, or Reason, why not (developer guide, API failure reasons).
type Protection struct {
	Task   *ecs.Task
	Reason string
}

// The reasons.
const (
	// ReasonMissing: there is no such task.
	ReasonMissing = "MISSING"
	// ReasonTaskNotValid: the task belongs to no service, or is being stopped.
	ReasonTaskNotValid = "TASK_NOT_VALID"
	// ReasonDeploymentBlocked: a deployment waits for the task, and more tasks would be protected than the service should have.
	ReasonDeploymentBlocked = "DEPLOYMENT_BLOCKED"
)

func (c ProtectTasks) apply(m *Machine) (any, error) {
	if _, err := m.catalog.Cluster(c.Cluster); err != nil {
		return nil, err
	}
	protections := make([]Protection, 0, len(c.Tasks))
	for _, id := range c.Tasks {
		protections = append(protections, m.protect(c, id))
		m.spread() // the next task counts with this one
	}
	return protections, nil
}

// Unprotectable says why a task, nil for none, can have no protection; "" where it can.
func Unprotectable(t *ecs.Task) string {
	switch {
	case t == nil:
		return ReasonMissing
	case t.Service == "" || t.DesiredStatus == ecs.StatusStopped:
		return ReasonTaskNotValid
	}
	return ""
}

func (m *Machine) protect(c ProtectTasks, id ecs.ID) Protection {
	t := m.tasks.Task(c.Cluster, id)
	if reason := Unprotectable(t); reason != "" {
		return Protection{Reason: reason}
	}
	if c.For > 0 && m.services.Blocks(t) {
		return Protection{Reason: ReasonDeploymentBlocked}
	}
	until := ecs.Time(0)
	if c.For > 0 {
		until = m.now.Add(c.For)
		m.timers.set(until, protectionTimer(t))
	}
	return Protection{Task: m.tasks.Protect(t, until)}
}

func protectionTimer(t *ecs.Task) timer {
	return timer{kind: protectionDue, cluster: t.Cluster, id: t.ID}
}

// expose ends the protection of a task whose time is over, or has itself called again then.
func (m *Machine) expose(cluster string, id ecs.ID) {
	t := m.tasks.Task(cluster, id)
	switch {
	case t == nil || t.Stopped() || t.ProtectedUntil == 0:
	case t.ProtectedUntil > m.now:
		m.timers.set(t.ProtectedUntil, protectionTimer(t))
	default:
		m.tasks.Protect(t, 0)
	}
}

// awaitTasks sets the timers of all tasks that are protected or drained, after a load.
func (m *Machine) awaitTasks() {
	m.tasks.Each(func(t *ecs.Task) {
		if t.ProtectedUntil != 0 {
			m.timers.set(t.ProtectedUntil, protectionTimer(t))
		}
		if t.LastStatus == ecs.StatusDeactivating {
			m.timers.set(m.drainEnds(t), drainTimer(t))
		}
	})
}
