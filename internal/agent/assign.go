package agent

import (
	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/session"
)

// takeAssignments takes a message from control, if it is the next one of this session. Older ones are copies; a gap means that
// one was lost, and as what it said is not known, a new session brings the manifest.
func (m *Machine) takeAssignments(msg session.Assignments) {
	k := &m.talk
	if k.session == 0 || msg.Session != k.session || msg.Seq <= k.taken || !m.sight.ready {
		return
	}
	if msg.Refused != "" {
		m.out.Refused, m.out.Deregistered = msg.Refused, msg.Deregistered
		k.end()
		return
	}
	if msg.Seq != k.taken+1 {
		m.out.Hangup = true
		k.end()
		return
	}
	k.take(m.now, msg)
	if msg.Manifest {
		k.manifested = true
		m.keepOnly(msg.Tasks)
	}
	for i := range msg.Tasks {
		m.assign(&msg.Tasks[i])
	}
}

// keepOnly forgets every task that is not listed.
func (m *Machine) keepOnly(listed []session.Assignment) {
	wanted := make(map[ecs.ID]bool, len(listed))
	for i := range listed {
		wanted[listed[i].Task] = true
	}
	for _, t := range m.all {
		if !t.dead && !wanted[t.id] {
			m.forget(t)
		}
	}
}

// forget has what is left of a task stopped and, in time, removed.
func (m *Machine) forget(t *task) {
	if !t.forget {
		t.forget = true
		m.touch(t)
	}
}

func (m *Machine) assign(a *session.Assignment) {
	t := m.tasks[a.Task]
	switch {
	case a.Forget:
		if t != nil {
			m.forget(t)
		}
		return
	case t == nil:
		if a.Work == nil {
			return // there is nothing to run, and nothing to say of it
		}
		t = m.add(a.Task)
	}
	t.desired = max(t.desired, a.Desired)
	if t.work == nil && a.Work != nil {
		m.explain(t, a.Work)
	}
	m.remember(t)
	m.touch(t)
}

// explain says what a task consists of. Containers that the driver has of it are picked up where they are; those that are missing of
// what control has seen run are over, and are not started again.
func (m *Machine) explain(t *task, w *session.Work) {
	t.work = w
	t.stoppedAt = 0 // was said of the containers found; there may be others yet to start
	found := t.containers
	t.containers = make([]*container, 0, len(w.Definition.Containers))
	for i := range w.Definition.Containers {
		def := &w.Definition.Containers[i]
		c := takeOut(&found, def.Name)
		if c == nil {
			c = &container{key: driver.Key{Task: t.id, Container: def.Name}}
		}
		c.def = def
		if c.phase == started && i < len(w.Health) {
			c.check.recall(w.Health[i])
		}
		t.containers = append(t.containers, c)
	}
	for _, c := range found { // of no definition: nothing but to get rid of them
		c.doomed = true
		t.containers = append(t.containers, c)
	}
	if !arrange(t.containers) {
		// amazon-ecs-agent, agent/engine/errors.go
		t.reason = "TaskDependencyError: Task dependencies cannot be resolved, taskArn: " + t.id.String()
		for _, c := range t.containers {
			c.doomed = true
		}
	}
	if len(t.containers) == 0 {
		t.reason = "Task definition " + w.Definition.Name() + " has no containers"
	}
	for _, c := range t.containers {
		m.resume(t, c)
	}
	fresh := true
	for i, c := range t.containers {
		if c.phase == absent {
			m.miss(t, c, heardOf(w, i))
		}
		fresh = fresh && c.phase == absent
	}
	if fresh && len(t.containers) > 0 {
		m.begin(t)
	} else {
		m.rollUp(t)
	}
}

// heardOf gives what control has heard of a container of a task's definition.
func heardOf(w *session.Work, i int) session.Heard {
	h := session.Heard{Status: ecs.StatusPending}
	if i < len(w.Heard) && i < len(w.Definition.Containers) {
		h = w.Heard[i]
	}
	if w.Launched {
		h.Status = max(h.Status, ecs.StatusRunning)
	}
	return h
}

// miss has a container of which nothing is there be over if control has heard of it.
func (m *Machine) miss(t *task, c *container, heard session.Heard) {
	switch {
	case heard.Status >= ecs.StatusStopped:
		c.phase, c.since, c.stopAt, c.exitCode, c.reason = stopped, m.lastCall, m.now, heard.ExitCode, heard.Reason
		if heard.ExitCode != nil {
			c.started.At = m.now // it ran, nobody here knows when
		}
		m.rollUp(t)
	case heard.Status >= ecs.StatusRunning:
		m.containerStopped(t, c, vanished(m.now))
	}
}

// begin takes note of a task of which nothing is there yet. That is what control thinks anyway, so it is no news in this
// session.
func (m *Machine) begin(t *task) {
	t.sumUp(m.now)
	t.news = news{version: 1, told: 1, acked: 1}
}

// takeOut takes the container of that name out of found; nil when it is not there.
func takeOut(found *[]*container, name string) *container {
	for i, c := range *found {
		if c.key.Container == name {
			*found = append((*found)[:i:i], (*found)[i+1:]...)
			return c
		}
	}
	return nil
}

// remember takes back that control wants to hear no more of a task: it has been assigned again. What is over stays over.
func (m *Machine) remember(t *task) {
	if !t.forget {
		return
	}
	t.forget = false
	m.release(t)
	m.changed(t)
}
