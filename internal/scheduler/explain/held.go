package explain

import (
	"fmt"
	"slices"

	"ballast/internal/ecs"
	"ballast/internal/scheduler"
)

// outcome tells of a deployment that has failed.
func (b *builder) outcome() {
	newest := b.newest()
	if newest == nil {
		return
	}
	if newest.Rollout == ecs.RolloutFailed {
		b.add(Finding{Kind: Failed, Weight: Broken, Deployment: newest.ID.String(), Count: newest.FailedTasks, Reason: newest.RolloutReason,
			Text: "The deployment of " + name(newest) + " has failed: " + why(newest) + ".",
			Then: "no more tasks of it are started; those of older deployments stay", Try: b.another(newest)})
		return
	}
	for i := range b.Service.Deployments[1:] {
		if failed := &b.Service.Deployments[i+1]; failed.Rollout == ecs.RolloutFailed {
			b.add(Finding{Kind: RolledBack, Weight: Wait, Deployment: failed.ID.String(), Count: failed.FailedTasks, Reason: failed.RolloutReason,
				Text: fmt.Sprintf("The deployment of %s has failed: %s. One of %s takes its place.", name(failed), why(failed), name(newest))})
		}
	}
}

// why says what failed a deployment, in words that follow a colon.
func why(d *ecs.Deployment) string {
	switch d.RolloutReason {
	case scheduler.CauseBreaker.Reason():
		return "the circuit breaker has counted " + count(d.FailedTasks, "failed task")
	case scheduler.CauseRecall.Reason():
		return "somebody asked to stop it and to roll it back"
	case scheduler.CauseAlarm.Reason():
		return "an alarm was raised"
	case "":
		return count(d.FailedTasks, "failed task")
	}
	return oneLine(d.RolloutReason)
}

// another says how the service gets away from a deployment.
func (b *builder) another(d *ecs.Deployment) []string {
	tips := []string{"Deploy a revision that works."}
	if d.Revision > 1 {
		tips = append(tips, ballast(b.report.Cluster, "rollback "+b.Service.Name)+"   # the revision before")
	}
	return tips
}

// held tells what keeps starts and stops from being made that only a time or somebody ends.
func (b *builder) held() {
	for _, h := range holds {
		for _, e := range b.Waits {
			if e.Wait == h.wait {
				b.add(h.tell(b, e))
			}
		}
	}
	b.crowded()
}

// crowded tells of a lack of room that the throttle hides: it does not even try.
func (b *builder) crowded() {
	i := slices.IndexFunc(b.Waits, func(e scheduler.Explanation) bool { return e.Wait == scheduler.WaitThrottle })
	if i < 0 || b.waits(scheduler.WaitPlacement) {
		return
	}
	for j := range b.Rooms {
		room := &b.Rooms[j]
		if room.Deployment != b.Waits[i].Deployment || len(room.Closest) > 0 && room.Closest[0].Fits() {
			continue
		}
		f := b.unplaced(scheduler.Explanation{Deployment: room.Deployment, Tasks: b.Waits[i].Tasks})
		f.Then, f.At = "", moment(0)
		b.add(f)
	}
}

// holds are in the order in which they are told.
var holds = []struct {
	wait scheduler.Wait
	tell func(*builder, scheduler.Explanation) Finding
}{
	{scheduler.WaitParked, (*builder).parked},
	{scheduler.WaitThrottle, (*builder).throttled},
	{scheduler.WaitBrake, (*builder).braked},
	{scheduler.WaitDeadlock, (*builder).deadlocked},
	{scheduler.WaitPlacement, (*builder).unplaced},
	{scheduler.WaitStuck, (*builder).stuck},
	{scheduler.WaitProtected, (*builder).protected},
}

func waiting(n int) string { return tasks(n) + " " + verb(n, "waits", "wait") }

func (b *builder) parked(e scheduler.Explanation) Finding {
	return Finding{Kind: Parked, Weight: Broken, Deployment: e.Deployment.String(), Count: e.Tasks, Limit: e.Limit,
		Text: fmt.Sprintf("The last %d waves of tasks stopped soon after they had started, so that no more are started (ballast:loop-brake=park).",
			e.Limit),
		Then: "nothing, until there is a new deployment or another value of the tag",
		Try:  []string{b.update("--force-new-deployment") + "   # once the cause is gone"}}
}

func (b *builder) throttled(e scheduler.Explanation) Finding {
	next := "the next wave is started"
	if wait := b.View.ThrottleWait(e.Limit + 1); wait > 0 {
		next += "; if that fails too, the one after it waits " + Span(wait)
	}
	return Finding{Kind: Throttled, Weight: Broken, Deployment: e.Deployment.String(), Count: e.Tasks, Limit: e.Limit,
		Text: fmt.Sprintf("%s: none of the last %d waves of tasks came to RUNNING.", waiting(e.Tasks), e.Limit),
		Then: next, At: moment(e.Until),
		Try: []string{"Deploy another revision, which starts at once; the same one with --force-new-deployment does not."}}
}

func (b *builder) braked(e scheduler.Explanation) Finding {
	return Finding{Kind: Braked, Weight: Broken, Deployment: e.Deployment.String(), Count: e.Tasks, Limit: e.Limit,
		Text: fmt.Sprintf("%s: the last %s of tasks stopped soon after %s had started (ballast:loop-brake=backoff).", waiting(e.Tasks),
			verb(e.Limit, "wave", fmt.Sprintf("%d waves", e.Limit)), verb(e.Limit, "it", "they")),
		Then: "the next wave is started; if that stops as soon, the one after it waits " + Span(b.View.BrakeWait(e.Limit+1)), At: moment(e.Until),
		Try: []string{b.update("--force-new-deployment") + "   # starts tasks at once"}}
}

func (b *builder) deadlocked(e scheduler.Explanation) Finding {
	v := &b.View
	return Finding{Kind: Deadlocked, Weight: Broken, Deployment: e.Deployment.String(), Count: e.Tasks,
		Text: fmt.Sprintf("The deployment of %s can neither start nor stop a task: maximumPercent %d of %d allows %s, which there are, and"+
			" minimumHealthyPercent %d asks for %d healthy ones.", b.revision(e.Deployment), v.MaximumPercent, v.Desired, tasks(v.MaxTasks()),
			v.MinimumHealthyPercent, v.MinHealthy()),
		Then: "nothing, until one of the two is changed",
		Try: []string{b.update("--deployment-configuration maximumPercent=200,minimumHealthyPercent=100") + "   # room to start first",
			b.update("--deployment-configuration maximumPercent=100,minimumHealthyPercent=0") + "   # leave to stop first"}}
}

func (b *builder) stuck(e scheduler.Explanation) Finding {
	f := Finding{Kind: IsStuck, Deployment: e.Deployment.String(), Count: 1, Tasks: []string{e.Task.String()}, Container: e.Container,
		Text: fmt.Sprintf("Task %s does not come to RUNNING: %s.", short(e.Task), waitsInVain(e.Container, e.Dependency))}
	t := &ecs.Task{ID: e.Task, Cluster: b.report.Cluster, Definition: &ecs.TaskDefinition{}}
	if i := slices.IndexFunc(b.Tasks, func(x Task) bool { return x.ID == e.Task }); i >= 0 {
		t = b.Tasks[i].Task
	}
	f.Weight, f.Then, f.Try = whileStuck(t, e.Dependency, ", or the service the tag ballast:stuck-after")
	after := b.View.Policy.StuckAfter
	i := slices.IndexFunc(b.Stuck, func(k scheduler.Stuck) bool { return k.Task == e.Task })
	if after > 0 && i >= 0 {
		f.Weight, f.Then, f.At = Held, "the task is ended as one that failed to start (ballast:stuck-after)", moment(b.Stuck[i].Since.Add(after))
	}
	return f
}

func waitsInVain(container, on string) string {
	return fmt.Sprintf("container %s waits for container %s to be HEALTHY, which is UNHEALTHY", container, on)
}

// whileStuck says what becomes of a task that waits for a container which is UNHEALTHY, and what to do; or is what may be done instead
// of giving that container a startTimeout.
func whileStuck(t *ecs.Task, on, or string) (w Weight, then string, try []string) {
	try = []string{ballast(t.Cluster, "logs "+short(t.ID)+" --container "+on)}
	for i := range t.Definition.Containers {
		if c := &t.Definition.Containers[i]; c.Name == on && c.StartTimeout > 0 {
			return Held, fmt.Sprintf("the task fails to start, unless it becomes healthy within its startTimeout of %s", Span(c.StartTimeout)), try
		}
	}
	return Broken, "nothing, unless it becomes healthy: ECS waits for ever", append(try, "Give container "+on+" a startTimeout"+or+
		", to have such tasks end.")
}

func (b *builder) protected(e scheduler.Explanation) Finding {
	f := Finding{Kind: Protected, Weight: Held, Deployment: e.Deployment.String(), Count: e.Tasks,
		Text: fmt.Sprintf("%s of %s should stop and %s protected.", tasks(e.Tasks), b.revision(e.Deployment), verb(e.Tasks, "is", "are"))}
	var first *Task
	for i := range b.Tasks {
		t := &b.Tasks[i]
		if t.ProtectedUntil == 0 || t.Deployment != e.Deployment || t.Phase == scheduler.Stopping {
			continue
		}
		if len(f.Tasks) < maxNamed {
			f.Tasks = append(f.Tasks, t.ID.String())
		}
		if first == nil || t.ProtectedUntil < first.ProtectedUntil {
			first = t
		}
	}
	if first != nil {
		f.Then, f.At = "the protection of task "+short(first.ID)+" ends, and so does the task", moment(first.ProtectedUntil)
		cluster := ""
		if b.report.Cluster != "default" {
			cluster = " --cluster " + b.report.Cluster
		}
		f.Try = []string{"aws ecs update-task-protection" + cluster + " --no-protection-enabled --tasks " + first.ID.String() + "   # ends it now"}
	}
	return f
}

// silent tells of tasks whose container instances are not heard of.
func (b *builder) silent() {
	for _, s := range b.Silent {
		b.add(Finding{Kind: IsSilent, Weight: Held, Count: s.Tasks, Instances: []Lack{{Instance: s.Instance.String(), Disconnected: true}},
			Text: fmt.Sprintf("The agent of container instance %s has not been heard of for %s; how %s %s there is not known.", short(s.Instance),
				Span(b.Now.Sub(s.Heard)), tasks(s.Tasks), verb(s.Tasks, "fares", "fare")),
			Then: verb(s.Tasks, "it is", "they are") + " given up and replaced, unless the agent is heard of before", At: moment(s.LostAt)})
	}
}

// impaired tells of tasks on container instances whose runtime does not answer.
func (b *builder) impaired() {
	for _, i := range b.Impaired {
		b.add(Finding{Kind: IsImpaired, Weight: Held, Count: i.Tasks, Instances: []Lack{{Instance: i.Instance.String()}},
			Text: fmt.Sprintf("The container runtime of container instance %s does not answer its agent (%s): %s there %s neither started nor stopped, "+
				"and nobody sees how %s.", short(i.Instance), i.Why, tasks(i.Tasks), verb(i.Tasks, "is", "are"), verb(i.Tasks, "it fares", "they fare")),
			Then: "the agent goes on as soon as it answers"})
	}
}

// window tells what the healthy-percent window and the pace of replacements keep from being done for the moment.
func (b *builder) window() {
	if b.waits(scheduler.WaitDeadlock) {
		return // which says the same
	}
	for _, e := range b.Waits {
		f := Finding{Weight: Wait, Deployment: e.Deployment.String(), Count: e.Tasks, Limit: e.Limit}
		switch e.Wait {
		case scheduler.WaitRoom:
			f.Kind = Full
			f.Text = fmt.Sprintf("%s of %s %s: maximumPercent %d of %d allows %s at a time.", tasks(e.Tasks), b.revision(e.Deployment),
				verb(e.Tasks, "waits", "wait"), e.Percent, b.Service.Desired, tasks(e.Limit))
			f.Then = verb(e.Tasks, "it is started when another has stopped", "they are started as others stop")
		case scheduler.WaitHealthy:
			f.Kind = Needed
			f.Text = fmt.Sprintf("%s of %s %s for now: minimumHealthyPercent %d asks for %d healthy %s.", tasks(e.Tasks), b.revision(e.Deployment),
				verb(e.Tasks, "stays", "stay"), e.Percent, e.Limit, verb(e.Limit, "task", "tasks"))
			f.Then = verb(e.Tasks, "it stops when a newer one has become healthy", "they stop as newer ones become healthy")
		case scheduler.WaitPace:
			f.Kind = Paced
			f.Text = fmt.Sprintf("%s: replacements of tasks that ran less than %s are paced to %d a minute.", waiting(e.Tasks), Span(e.ShortRun),
				e.Limit)
			f.Then, f.At = b.ifWoken("the next one is started"), moment(b.Wake)
		default:
			continue
		}
		b.add(f)
	}
}
