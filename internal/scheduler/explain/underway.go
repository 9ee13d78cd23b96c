package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/scheduler"
	"ballast/internal/scheduler/lifecycle"
)

// rolling tells how far a rollout is, and what the window says to it.
func (b *builder) rolling() {
	newest := b.newest()
	if newest == nil {
		return
	}
	left, old := 0, []string{}
	healthy := 0
	for i := range b.View.Deployments {
		d := &b.View.Deployments[i]
		if d.ID == newest.ID {
			healthy = d.Counts[scheduler.Healthy]
		} else if n := d.Counts.Total(); n > 0 {
			left += n
			old = append(old, fmt.Sprintf("%d of %s", n, b.revision(d.ID)))
		}
	}
	if newest.Rollout == ecs.RolloutInProgress {
		f := Finding{Kind: Rolling, Weight: Wait, Deployment: newest.ID.String(), Count: healthy, Limit: b.Service.Desired,
			Text: fmt.Sprintf("A deployment brings in %s: %d of %s %s healthy", name(newest), healthy, tasks(b.Service.Desired),
				verb(b.Service.Desired, "is", "are")),
			Then: "it is completed when all are healthy"}
		if left > 0 {
			f.Text += ", and " + list(old) + " " + verb(left, "is", "are") + " left"
			f.Then += " and no older one is left"
		}
		f.Text += "."
		if b.waits(scheduler.WaitBake) {
			f.Then = "" // which alarms says
		}
		b.add(f)
	}
	b.window()
}

// in gives the tasks in a phase.
func (b *builder) in(phase scheduler.Phase) []Task {
	var out []Task
	for _, t := range b.Tasks {
		if t.Phase == phase {
			out = append(out, t)
		}
	}
	return out
}

// circumstance is what a task in a phase waits for. Tasks that wait for the same are told of together.
type circumstance struct {
	text, then string
	many       string // what follows for the first of several, "" for then
	at         ecs.Time
	container  string

	// kind and weight are "" where the circumstance is one of those that the phase is made of.
	kind   Kind
	weight Weight
	try    []string
}

// tasksOf tells what the tasks in a phase wait for.
func (b *builder) tasksOf(phase scheduler.Phase) {
	var order []string
	groups := map[string][]Task{}
	first := map[string]circumstance{}
	for _, t := range b.in(phase) {
		if slices.ContainsFunc(b.Stuck, func(k scheduler.Stuck) bool { return k.Task == t.ID }) {
			continue // which has been told
		}
		c := b.circumstance(&t)
		if known, ok := first[c.text]; !ok {
			order = append(order, c.text)
			first[c.text] = c
		} else if c.at != 0 && (known.at == 0 || c.at < known.at) {
			first[c.text] = c
		}
		groups[c.text] = append(groups[c.text], t)
	}
	for _, text := range order {
		n, c := len(groups[text]), first[text]
		if n > 1 && c.many != "" {
			c.then = c.many
		}
		b.add(Finding{Kind: cmp.Or(c.kind, phaseKinds[phase]), Weight: cmp.Or(c.weight, Wait), Count: n, Tasks: ids(groups[text]),
			Container: c.container, Text: b.subject(n) + " " + strings.Replace(plural(n, text), agents, agentsOf(groups[text]), 1) + ".", Then: c.then, At: moment(c.at), Try: c.try,
			Targets: targetStates(groups[text])})
	}
}

// subject is what a sentence about n tasks is about, of which no more than MaxTasks are looked at.
func (b *builder) subject(n int) string {
	switch {
	case b.report.Task != "":
		return "It"
	case n >= MaxTasks:
		return "At least " + tasks(n)
	}
	return tasks(n)
}

var phaseKinds = [...]Kind{scheduler.Starting: Starting, scheduler.Graced: Graced, scheduler.Warming: Warming, scheduler.Healthy: Steady,
	scheduler.Unhealthy: Unhealthy, scheduler.Stopping: Stopping}

// plural fits a text that begins with a verb for one task to n of them: "waits" becomes "wait".
func plural(n int, text string) string {
	if n == 1 {
		return text
	}
	first, rest, _ := strings.Cut(text, " ")
	switch first {
	case "is":
		first = "are"
	case "has":
		first = "have"
	case "waits,":
		first = "wait,"
	default:
		first = strings.TrimSuffix(first, "s")
	}
	return first + strings.NewReplacer(" its ", " their ", "and counts", "and count", "and waits", "and wait").Replace(" "+rest)
}

// circumstance says what one task waits for, in words that follow "1 task".
func (b *builder) circumstance(t *Task) circumstance {
	switch t.Phase {
	case scheduler.Starting:
		return b.starting(t)
	case scheduler.Graced:
		return circumstance{text: fmt.Sprintf("is within its grace period of %s, and %s", Span(time.Duration(b.Service.GracePeriod)*time.Second),
			failedChecks(t)), then: "it counts as unhealthy and is replaced, unless the check is passed before", at: t.Due}
	case scheduler.Warming:
		return b.warming(t)
	case scheduler.Stopping:
		return b.stopping(t)
	}
	return circumstance{text: "is " + t.Phase.String()}
}

// agents stands in the text of a circumstance for the agents of the tasks that it is told of.
const agents = "%agents"

// agentsOf names the agent that some tasks have, or counts them.
func agentsOf(all []Task) string {
	known := map[ecs.ID]bool{}
	for i := range all {
		known[all[i].Instance] = true
	}
	if len(known) == 1 {
		return "the agent of container instance " + short(all[0].Instance)
	}
	return "the agents of " + count(len(known), "container instance")
}

// starting says what a task that is not RUNNING yet waits for, as far as control is told.
func (b *builder) starting(t *Task) circumstance {
	for _, s := range b.Silent {
		if s.Instance == t.Instance {
			return circumstance{text: "waits for " + agents + ", of which nothing is heard"}
		}
	}
	for _, i := range b.Impaired {
		if i.Instance == t.Instance {
			return circumstance{text: "waits for " + agents + ", whose container runtime does not answer"}
		}
	}
	if waits, on, is := lifecycle.Stuck(t.Definition.Containers, t.Containers); is {
		c := circumstance{container: waits, kind: IsStuck, text: "is stuck before RUNNING: " + waitsInVain(waits, on)}
		c.weight, c.then, c.try = whileStuck(t.Task, on, "")
		return c
	}
	if c := waitsForContainer(t.Task); c.text != "" {
		return c
	}
	switch {
	case t.LastStatus == ecs.StatusProvisioning:
		return circumstance{text: "is being provisioned"}
	case t.PullStartedAt == 0:
		return circumstance{text: "is on its way to " + agents}
	case t.PullStoppedAt == 0:
		return circumstance{text: "pulls its images, since " + Span(b.Now.Sub(t.PullStartedAt))}
	}
	return circumstance{text: "has its images, and its containers are being started"}
}

// waitsForContainer finds a container that has not started because another has not come so far yet.
func waitsForContainer(t *ecs.Task) circumstance {
	for i := range t.Containers {
		if t.Containers[i].Status >= ecs.StatusRunning {
			continue
		}
		for _, dep := range t.Definition.Containers[i].DependsOn {
			for j := range t.Containers {
				d, on := &t.Definition.Containers[j], &t.Containers[j]
				if d.Name != dep.Container || met(dep.Condition, on) || on.Status < ecs.StatusRunning {
					continue
				}
				return circumstance{container: t.Definition.Containers[i].Name,
					text: fmt.Sprintf("waits, as container %s starts only when container %s %s", t.Definition.Containers[i].Name, d.Name, unmet[dep.Condition])}
			}
		}
	}
	return circumstance{}
}

var unmet = [...]string{ecs.DependStart: "has started", ecs.DependComplete: "has ended",
	ecs.DependSuccess: "has ended with exit code 0", ecs.DependHealthy: "is HEALTHY"}

func met(c ecs.Condition, on *ecs.Container) bool {
	switch c {
	case ecs.DependHealthy:
		return on.Health == ecs.HealthHealthy
	case ecs.DependStart:
		return on.Status >= ecs.StatusRunning
	case ecs.DependSuccess:
		return on.ExitCode != nil && *on.ExitCode == 0
	}
	return on.Status == ecs.StatusStopped
}

// warming says what a RUNNING task waits for to count as healthy.
func (b *builder) warming(t *Task) circumstance {
	if t.Due != 0 {
		return circumstance{text: fmt.Sprintf("runs without health checks and counts as healthy %s after its start", Span(b.View.Policy.HealthyAfter)),
			then: "it counts as healthy", many: "the next one counts as healthy", at: t.Due}
	}
	var awaited []string
	c := circumstance{}
	for i := range t.Containers {
		d := &t.Definition.Containers[i]
		if d.Essential && d.HealthCheck != nil && t.Containers[i].Health == ecs.HealthUnknown {
			c.container = d.Name
			awaited = append(awaited, fmt.Sprintf("for the check of container %s to be passed (%s, every %s)", d.Name,
				strings.Join(d.HealthCheck.Command, " "), Span(d.HealthCheck.Interval)))
			break
		}
	}
	awaited = append(awaited, t.awaited()...)
	c.text = "runs and waits for its health checks"
	if len(awaited) > 0 {
		c.text = "runs and waits " + list(awaited)
	}
	if ends := t.StartedAt.Add(time.Duration(b.Service.GracePeriod) * time.Second); ends > b.Now {
		c.then, c.at = "the grace period ends, in which failed checks do not count", ends
	}
	if groups := t.unheard(b.Now); len(groups) > 0 {
		c.kind, c.weight = Unbalanced, Held
		c.try = []string{"See whether anything serves " + list(groups) + ": nothing has been heard of such a task for " + Span(unregisteredFor) + "."}
	}
	return c
}

// stopping says how long a task may take to stop.
func (b *builder) stopping(t *Task) circumstance {
	if t.LastStatus == ecs.StatusDeactivating {
		c := b.deregistering(t)
		c.then, c.many = "it "+c.then, "the first of them "+c.then
		return c
	}
	timeout := time.Duration(0)
	for i := range t.Definition.Containers {
		own := t.Definition.Containers[i].StopTimeout
		if own == 0 {
			own = b.View.Policy.DefaultStopTimeout
		}
		timeout = max(timeout, own)
	}
	c := circumstance{text: fmt.Sprintf("is stopping, for which its containers have %s after SIGTERM", Span(timeout))}
	if kill := t.StoppingAt.Add(timeout); kill > b.Now {
		c.then, c.at = "what has not ended is killed", kill
	}
	return c
}

// alarms tells of alarms that may fail the deployment under way, or that may not.
func (b *builder) alarms() {
	newest := b.newest()
	if newest == nil || b.Service.Alarms == nil || !b.Service.Alarms.Enabled || newest.Rollout != ecs.RolloutInProgress {
		return
	}
	names := list(b.Service.Alarms.Names)
	if newest.Unwatched {
		f := Finding{Kind: Unwatched, Weight: Note, Deployment: newest.ID.String(),
			Text: fmt.Sprintf("An alarm was raised when the deployment of %s began, so that none (%s) fails it.", name(newest), names)}
		b.add(f)
		return
	}
	for _, e := range b.Waits {
		if e.Wait == scheduler.WaitBake {
			b.add(Finding{Kind: Baking, Weight: Wait, Deployment: e.Deployment.String(),
				Text: fmt.Sprintf("The deployment of %s has all that it needs, and fails if an alarm is raised before it is completed (%s).", name(newest), names),
				Then: "it is completed", At: moment(e.Until)})
		}
	}
}

// counting tells what the circuit breaker has counted so far.
func (b *builder) counting() {
	newest := b.newest()
	if newest == nil || !b.Service.Breaker.Enabled || newest.Rollout != ecs.RolloutInProgress || newest.FailedTasks == 0 {
		return
	}
	threshold := scheduler.Threshold(b.Service.Breaker, b.Service.Desired)
	f := Finding{Kind: Counting, Weight: Note, Deployment: newest.ID.String(), Count: newest.FailedTasks, Limit: threshold,
		Text: fmt.Sprintf("The circuit breaker has counted %s of the deployment of %s; %d fail it.", count(newest.FailedTasks, "failed task"),
			name(newest), threshold),
		Then: "when it fails, no more tasks of it are started"}
	if last := b.Service.LastCompleted; b.Service.Breaker.Rollback && last != nil {
		f.Then = "when it fails, the service goes back to " + name(last)
	}
	b.add(f)
}

// kept tells of tasks that are kept to be looked into.
func (b *builder) kept() {
	n := len(b.Kept)
	if n == 0 {
		return
	}
	f := Finding{Kind: Kept, Weight: Note, Count: n,
		Text: fmt.Sprintf("%s failed health checks and %s kept running, outside of the service (ballast:debug-keep).", b.subject(n), verb(n, "is", "are")),
		Try: []string{ballast(b.report.Cluster, "exec "+short(b.Kept[0].ID)) + "   # look into it",
			ballast(b.report.Cluster, "stop "+short(b.Kept[0].ID)) + "   # when you have"}}
	for _, t := range b.Kept[:min(n, maxNamed)] {
		f.Tasks = append(f.Tasks, t.ID.String())
	}
	b.add(f)
}
