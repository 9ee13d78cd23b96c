package tasks

import (
	"cmp"
	"slices"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/scheduler/lifecycle"
	"ballast/internal/session"
)

// Report takes what the agent of a container instance says of a task. known is false when the agent should forget the task:
// because it is none of that instance's, or because it is over. Only what makes an event is a new version of the task: health and
// restarts in place are none (Amazon ECS task state change events; amazon-ecs-agent, api/container/restart).
func (b *Book) Report(now ecs.Time, cluster string, instance ecs.ID, r *session.TaskReport) (known bool) {
	t := b.Task(cluster, r.Task)
	if t == nil || t.Instance != instance || t.Stopped() {
		return false
	}
	n := *t
	newer := mergeTimes(&n, r)
	containers, what := mergeContainers(t, r.Containers)
	if what != same {
		n.Containers = containers
		n.Health = healthOf(t.Definition, containers)
	}
	move(&n, now, r)
	if n.LastStatus == t.LastStatus && n.DesiredStatus == t.DesiredStatus {
		switch {
		case newer || what == moved:
			n.Version++
		case what == same:
			return true
		}
	}
	b.put(t, &n)
	return true
}

// learnedLate is how long after the end of a task control learns of it at most where nothing is amiss: what an agent's report takes,
// with some repetitions.
const learnedLate = time.Minute

// move brings the statuses of a task to where its containers are. An end that is reported late is dated back, as is the decision to
// stop what has ended by itself; no task stops before it was told to.
func move(t *ecs.Task, now ecs.Time, r *session.TaskReport) {
	ended := endOf(r, now)
	if r.StartedAt != 0 && t.LastStatus < ecs.StatusRunning {
		t.StartedAt = r.StartedAt
		advance(t, ecs.StatusRunning, now)
	}
	if lifecycle.EssentialStopped(t.Definition.Containers, t.Containers) || r.Reason != "" || r.Status == ecs.StatusStopped {
		code, reason := lifecycle.StopCode(t.StartedAt != 0)
		if r.Reason != "" {
			reason = r.Reason
		}
		if t.DesiredStatus != ecs.StatusStopped {
			wantStopped(t, cmp.Or(ended, now), code, reason)
		}
		advance(t, ecs.StatusStopping, now)
	}
	if ended != 0 {
		advance(t, ecs.StatusStopped, max(ended, t.StoppingAt))
		if now.Sub(ended) > learnedLate {
			t.LearnedAt = now
		}
	}
}

// endOf is when a task ended, 0 if it has not.
func endOf(r *session.TaskReport, now ecs.Time) ecs.Time {
	if r.Status != ecs.StatusStopped {
		return 0
	}
	return min(cmp.Or(r.StoppedAt, now), now)
}

func mergeTimes(t *ecs.Task, r *session.TaskReport) (changed bool) {
	set := func(to *ecs.Time, from ecs.Time) {
		if *to == 0 && from != 0 {
			*to, changed = from, true
		}
	}
	set(&t.PullStartedAt, r.PullStartedAt)
	set(&t.PullStoppedAt, r.PullStoppedAt)
	set(&t.ExecutionStoppedAt, r.ExecutionStoppedAt)
	return changed
}

// healthOf is the health of a task: that of its essential containers with a health check.
func healthOf(d *ecs.TaskDefinition, containers []ecs.Container) ecs.Health {
	var checked []ecs.Health
	for i := range containers {
		if d.Containers[i].Essential && d.Containers[i].HealthCheck != nil {
			checked = append(checked, containers[i].Health)
		}
	}
	return lifecycle.Health(checked)
}

// difference is what a report changes of containers.
type difference uint8

const (
	same  difference = iota
	quiet            // what makes no event: health, and a restart in place
	moved            // what makes one
)

// mergeContainers gives the containers of t with what is new in the reports. Statuses only grow; an exit code, once known, stays.
func mergeContainers(t *ecs.Task, reports []session.ContainerReport) ([]ecs.Container, difference) {
	containers := slices.Clone(t.Containers)
	all := same
	for _, r := range reports {
		i := slices.IndexFunc(t.Definition.Containers, func(d ecs.ContainerDefinition) bool { return d.Name == r.Name })
		if i >= 0 {
			all = max(all, mergeContainer(&containers[i], r))
		}
	}
	return containers, all
}

func mergeContainer(c *ecs.Container, r session.ContainerReport) difference {
	old := *c
	c.Status = max(c.Status, r.Status)
	c.Health = r.Health
	if c.ExitCode == nil {
		c.ExitCode = r.ExitCode
	}
	if c.Reason == "" {
		c.Reason = r.Reason
	}
	if r.RuntimeID != "" && c.RuntimeID != r.RuntimeID { // for the first time, or restarted in place
		c.RuntimeID, c.Bindings = r.RuntimeID, r.Bindings
	}
	if len(r.Bindings) > 0 {
		c.Bindings = r.Bindings
	}
	if c.Address == "" {
		c.Address = r.Address
	}
	if c.ImageDigest == "" {
		c.ImageDigest = r.ImageDigest
	}
	ran := c.RuntimeID != old.RuntimeID || !slices.Equal(c.Bindings, old.Bindings)
	switch {
	case c.Status != old.Status, c.ExitCode != old.ExitCode, c.Reason != old.Reason, c.Address != old.Address,
		c.ImageDigest != old.ImageDigest, ran && old.RuntimeID == "":
		return moved
	case c.Health != old.Health, ran:
		return quiet
	}
	return same
}
