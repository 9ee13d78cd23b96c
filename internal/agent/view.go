package agent

import (
	"context"
	"fmt"
	"slices"

	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/session"
)

// TaskView is what the container instance knows of a task at one moment. It shares nothing that changes with the machine.
type TaskView struct {
	Task ecs.ID
	Work *session.Work
	// Desired is RUNNING or STOPPED.
	Desired ecs.Status
	// Known is the agent's own status, that of the container that has come the least far: NONE, PULLED, CREATED, RUNNING or STOPPED
	// (amazon-ecs-agent, ecs-agent/api/task/status).
	Known                                            string
	PullStartedAt, PullStoppedAt, ExecutionStoppedAt ecs.Time
	Containers                                       []ContainerView // in the order of the definition
}

// ContainerView is one container of a TaskView.
type ContainerView struct {
	Key        driver.Key
	Definition *ecs.ContainerDefinition
	// Spec has the overrides of the task applied; it lacks what the Environment adds.
	Spec      *driver.Spec
	Known     string   // as TaskView.Known
	CreatedAt ecs.Time // 0 when an earlier agent created it
	Started   driver.Started
	StoppedAt ecs.Time
	ExitCode  *int32
	Health    ecs.Health
	// HealthSince is when the verdict came, CheckCode and CheckOutput what the last check gave; 0 before the first one.
	HealthSince ecs.Time
	CheckCode   int
	CheckOutput string
}

var phaseNames = [...]string{absent: "NONE", pulled: "PULLED", created: "CREATED", started: "RUNNING", stopped: "STOPPED"}

type (
	// Ask has the machine show a task; Batch.Views answers in the same step.
	Ask struct {
		Request uint64
		Task    ecs.ID
	}
	// View answers an Ask. Task is nil for one that the machine does not know, or of which it does not know what it is.
	View struct {
		Request uint64
		Task    *TaskView
	}
)

func (Ask) input() {}

// view shows a task as it is now.
func (m *Machine) view(id ecs.ID) *TaskView {
	t := m.tasks[id]
	if t == nil || t.work == nil {
		return nil
	}
	v := &TaskView{Task: id, Work: t.work, Desired: ecs.StatusRunning, PullStartedAt: t.pullStartedAt, PullStoppedAt: t.pullStoppedAt,
		ExecutionStoppedAt: t.executionStoppedAt}
	if t.down() {
		v.Desired = ecs.StatusStopped
	}
	least := stopped
	for _, c := range t.containers {
		if c.def == nil {
			continue
		}
		least = min(least, c.phase)
		v.Containers = append(v.Containers, ContainerView{Key: c.key, Definition: c.def, Spec: specOf(t, c), Known: phaseNames[c.phase],
			CreatedAt: c.createdAt, Started: c.started, StoppedAt: c.stopAt, ExitCode: c.exitCode, Health: c.check.verdict,
			HealthSince: c.check.since, CheckCode: c.check.code, CheckOutput: c.check.output})
	}
	v.Containers = inOrderOf(t.work.Definition.Containers, v.Containers)
	v.Known = phaseNames[least]
	return v
}

// inOrderOf brings views into the order of the definitions: the machine has them in that of starting.
func inOrderOf(definitions []ecs.ContainerDefinition, views []ContainerView) []ContainerView {
	place := func(v ContainerView) int {
		return slices.IndexFunc(definitions, func(d ecs.ContainerDefinition) bool { return d.Name == v.Key.Container })
	}
	slices.SortStableFunc(views, func(a, b ContainerView) int { return place(a) - place(b) })
	return views
}

// View shows a task, nil for one that the agent does not know. It waits until the agent gets to it.
func (a *Agent) View(ctx context.Context, task ecs.ID) (*TaskView, error) {
	reply := make(chan *TaskView, 1)
	a.post(ctx, envelope{input: Ask{Request: a.requests.Add(1), Task: task}, reply: reply})
	select {
	case v := <-reply:
		return v, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("ask the agent for task %s: %w", task, ctx.Err())
	}
}
