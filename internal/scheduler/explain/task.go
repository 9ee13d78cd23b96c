package explain

import (
	"cmp"
	"fmt"
	"slices"

	"ballast/internal/ecs"
	"ballast/internal/scheduler"
)

// OneTask explains a task: what it waits for, or why it stopped. c is the case of its service, of which the task is one of the
// Tasks unless it is STOPPED or kept; a standalone task has none, and then only Now of c is looked at.
func OneTask(c *Case, t *ecs.Task) Report {
	r := Report{At: c.Now.Std(), Cluster: t.Cluster, Service: t.Service, Task: t.ID.String(), State: t.LastStatus.String(), Findings: []Finding{}}
	b := &builder{Case: c, report: &r}
	switch {
	case t.DesiredStatus == ecs.StatusStopped:
		b.ended(t)
		if !t.Stopped() {
			b.tasksLike(t)
		}
	case t.Kept:
		b.Case = &Case{Now: c.Now, Service: c.Service, Kept: []*ecs.Task{t}}
		b.kept()
	default:
		b.tasksLike(t)
	}
	b.targetsOf(t)
	r.Weight = Good
	if len(r.Findings) > 0 {
		r.Weight = r.Findings[0].Weight
	}
	r.Summary = fmt.Sprintf("Task %s (%s%s) is %s", short(t.ID), t.Definition.Name(), of(t), t.LastStatus)
	if t.DesiredStatus == ecs.StatusStopped && !t.Stopped() {
		r.Summary += " on its way to STOPPED"
	}
	if started := t.StartedAt; started != 0 && !t.Stopped() {
		r.Summary += ", and started " + ago(c.Now.Sub(started))
	}
	r.Summary += "."
	return r
}

// targetsOf adds how a task stands in its target groups to what is told of it first.
func (b *builder) targetsOf(t *ecs.Task) {
	i := slices.IndexFunc(b.Tasks, func(x Task) bool { return x.ID == t.ID })
	if i < 0 || t.Stopped() || len(b.report.Findings) == 0 {
		return
	}
	f := &b.report.Findings[0]
	f.Targets = targetStates(b.Tasks[i : i+1])
	for j := range b.Tasks[i].Targets {
		f.Details = append(f.Details, b.Tasks[i].Targets[j].line(b.Now))
	}
}

func of(t *ecs.Task) string {
	if t.Service != "" {
		return " of service " + t.Service
	}
	return ", standalone"
}

// tasksLike tells of a task what would be told of its service if that had no other.
func (b *builder) tasksLike(t *ecs.Task) {
	if k := slices.IndexFunc(b.Waits, func(e scheduler.Explanation) bool { return e.Wait == scheduler.WaitStuck && e.Task == t.ID }); k >= 0 {
		b.add(b.stuck(b.Waits[k]))
		return
	}
	one := *b.Case
	one.Tasks = []Task{{Task: t, Phase: standalonePhase(t)}}
	i := slices.IndexFunc(b.Tasks, func(x Task) bool { return x.ID == t.ID })
	switch {
	case i >= 0:
		one.Tasks[0] = b.Tasks[i]
	case t.Service != "":
		one.Tasks[0].Phase = max(one.Tasks[0].Phase, scheduler.Healthy)
	}
	b.Case = &one
	switch phase := one.Tasks[0].Phase; {
	case phase == scheduler.Unhealthy && t.Service != "":
		b.unhealthy()
	case phase == scheduler.Unhealthy:
		b.add(Finding{Kind: Unhealthy, Weight: Held, Text: "It is unhealthy: " + failedChecks(&one.Tasks[0]) + ".",
			Then: "nothing: only services replace tasks", Try: []string{ballast(t.Cluster, "logs "+short(t.ID))}})
	case phase == scheduler.Healthy && t.Service != "":
		b.add(Finding{Kind: Steady, Weight: Good, Text: "It runs and counts as healthy."})
	case phase == scheduler.Healthy:
		b.add(Finding{Kind: Steady, Weight: Good, Text: "It runs."})
	default:
		b.tasksOf(phase)
	}
}

// standalonePhase is the phase of a task that no scheduler counts.
func standalonePhase(t *ecs.Task) scheduler.Phase {
	switch {
	case t.DesiredStatus == ecs.StatusStopped:
		return scheduler.Stopping
	case t.LastStatus < ecs.StatusRunning:
		return scheduler.Starting
	case t.Health == ecs.HealthUnhealthy:
		return scheduler.Unhealthy
	}
	return scheduler.Healthy
}

// ended tells why a task stopped, or is to stop.
func (b *builder) ended(t *ecs.Task) {
	f := Finding{Kind: Ended, Weight: Note, StopCode: t.StopCode.String(), Reason: t.StoppedReason}
	fail, failed := failureOf(t)
	switch {
	case failed:
		f.Weight, f.Container, f.Reason = Broken, fail.container, fail.reason
		f.Text = "It " + fail.what(fail.ran) + "."
		f.Try = fail.advice()
		if fail.exited {
			f.ExitCode = &fail.exit
		}
		if t.Service == "" && fail.exited && fail.exit == 0 {
			f.Weight = Note // which is how a standalone task should end
		}
		if t.Service != "" {
			f.Then = "its service replaces it, unless something holds that back"
			f.Try = append(f.Try, ballast(t.Cluster, "why "+t.Service))
		}
	case t.StopCode == ecs.UserInitiated:
		f.Text = "Somebody stopped it: " + oneLine(t.StoppedReason) + "."
	case t.StoppedReason == ecs.ReasonServiceDeleted:
		f.Text = "Its service was deleted."
	case t.StopCode == ecs.ServiceSchedulerInitiated:
		f.Text = fmt.Sprintf("Its service stopped it as deployment %s should have fewer tasks: after a change of the desired count, or because newer ones"+
			" take their place.", t.Deployment)
	default:
		f.Text = "It was stopped: " + oneLine(cmp.Or(t.StoppedReason, t.StopCode.String())) + "."
	}
	for i := range t.Containers {
		f.Details = append(f.Details, container(&t.Definition.Containers[i], &t.Containers[i]))
	}
	b.add(f)
}

// container says how a container is, or how it ended.
func container(d *ecs.ContainerDefinition, c *ecs.Container) string {
	text := "Container " + d.Name
	if !d.Essential {
		text += " (not essential)"
	}
	text += " is " + c.Status.String()
	if c.ExitCode != nil {
		text += fmt.Sprintf(", exit code %d", *c.ExitCode)
	}
	if c.Reason != "" {
		text += ", " + oneLine(c.Reason)
	}
	return text + "."
}
