package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ballast/internal/ecs"
	"ballast/internal/scheduler"
)

// Service explains a service.
func Service(c *Case) Report {
	r := Report{At: c.Now.Std(), Cluster: c.Service.Cluster, Service: c.Service.Name, Findings: []Finding{}}
	b := &builder{Case: c, report: &r}
	if c.Service.Status != ecs.ServiceActive {
		b.deleted()
		b.tasksOf(scheduler.Stopping)
	} else {
		b.wanted()
		for _, step := range steps {
			step(b)
		}
	}
	b.deployments()
	b.targetGroups()
	b.conclude()
	slices.SortStableFunc(r.Findings, func(x, y Finding) int { return cmp.Compare(ranks[x.Weight], ranks[y.Weight]) })
	return r
}

// ranks order findings; those of one rank stand as the steps find them.
var ranks = map[Weight]int{Broken: 0, Held: 0, Wait: 1, Note: 2, Good: 3}

// steps look for what there is to say, what matters most first.
var steps = []func(*builder){
	(*builder).outcome,
	(*builder).held,
	(*builder).silent,
	(*builder).impaired,
	(*builder).failing,
	(*builder).unhealthy,
	(*builder).alarms,
	(*builder).rolling,
	func(b *builder) { b.tasksOf(scheduler.Graced) },
	func(b *builder) { b.tasksOf(scheduler.Starting) },
	func(b *builder) { b.tasksOf(scheduler.Warming) },
	func(b *builder) { b.tasksOf(scheduler.Stopping) },
	(*builder).counting,
	(*builder).kept,
}

// builder is a report being made.
type builder struct {
	*Case
	report *Report
}

func (b *builder) add(f Finding) { b.report.Findings = append(b.report.Findings, f) }

// waits says whether the last decision wanted something and could not do it for a reason.
func (b *builder) waits(why scheduler.Wait) bool {
	return slices.ContainsFunc(b.Waits, func(e scheduler.Explanation) bool { return e.Wait == why })
}

// revision names what a deployment brings in.
func (b *builder) revision(id ecs.DeploymentID) string {
	for i := range b.Service.Deployments {
		if d := &b.Service.Deployments[i]; d.ID == id {
			return name(d)
		}
	}
	return "deployment " + id.String()
}

func name(d *ecs.Deployment) string { return fmt.Sprintf("%s:%d", d.Family, d.Revision) }

// newest is the PRIMARY deployment; nil once the last one of a deleted service is gone.
func (b *builder) newest() *ecs.Deployment {
	if len(b.Service.Deployments) == 0 {
		return nil
	}
	return &b.Service.Deployments[0]
}

func (b *builder) wanted() {
	s := b.Service
	b.report.Wanted = &Wanted{Tasks: s.Desired, Revision: fmt.Sprintf("%s:%d", s.Family, s.Revision), MinHealthy: b.View.MinHealthy(),
		MaxTasks: b.View.MaxTasks(), MinimumHealthyPercent: s.MinimumHealthyPercent, MaximumPercent: s.MaximumPercent}
}

func (b *builder) deployments() {
	for i := range b.Service.Deployments {
		d := &b.Service.Deployments[i]
		out := Deployment{ID: d.ID.String(), Revision: name(d), Status: "ACTIVE", Rollout: d.Rollout.String(), Reason: d.RolloutReason,
			Failed: d.FailedTasks}
		if i == 0 {
			out.Status = "PRIMARY"
		}
		for j := range b.View.Deployments {
			if v := &b.View.Deployments[j]; v.ID == d.ID {
				out.Healthy, out.Warming, out.Graced = v.Counts[scheduler.Healthy], v.Counts[scheduler.Warming], v.Counts[scheduler.Graced]
				out.Starting, out.Unhealthy, out.Stopping = v.Counts[scheduler.Starting], v.Counts[scheduler.Unhealthy], v.Counts[scheduler.Stopping]
				out.Protected = v.Protected.Live()
			}
		}
		b.report.Deployments = append(b.report.Deployments, out)
	}
}

func (b *builder) deleted() {
	n := b.View.Counts().Total()
	f := Finding{Kind: Deleted, Weight: Note, Count: n, Text: "The service has been deleted."}
	if n > 0 {
		f.Weight, f.Then = Wait, "it is INACTIVE once its last "+tasks(n)+" "+verb(n, "has", "have")+" stopped"
	}
	b.add(f)
}

// states says of a service whose state is that kind what it is.
var states = map[Kind]string{
	Steady: "steady", Stopped: "stopped", Deleted: "deleted", Failed: "left with a failed deployment", RolledBack: "rolling back",
	Parked: "parked", Throttled: "throttled", Braked: "backed off", Deadlocked: "deadlocked", Unplaced: "waiting for room",
	IsStuck: "waiting for a task that is stuck", Protected: "waiting for protected tasks", Full: "waiting for room in maximumPercent",
	Needed: "in a rollout", Paced: "paced", IsSilent: "waiting for an agent", IsImpaired: "waiting for a container runtime", Unhealthy: "replacing unhealthy tasks",
	Graced: "in a grace period", Rolling: "in a rollout", Starting: "starting", Warming: "waiting for health", Stopping: "waiting for tasks to stop",
	Failing: "losing its tasks", Baking: "waiting whether alarms are raised", Unbalanced: "waiting for the registration of tasks", Counting: "in a rollout", Settling: "settling",
}

// conclude names the state, and says it in a sentence.
func (b *builder) conclude() {
	r := b.report
	state, weight := Kind(""), Good
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Weight != Note && (state == "" || ranks[f.Weight] < ranks[weight]) {
			state, weight = f.Kind, f.Weight
		}
	}
	counts := b.View.Counts()
	switch {
	case b.Service.Status != ecs.ServiceActive:
		state = Deleted
	case state != "":
	case b.Service.Desired == 0 && counts.Total() == 0:
		state = Stopped
		b.add(Finding{Kind: Stopped, Weight: Note, Text: "The service should have no tasks: its desired count is 0.",
			Try: []string{b.update("--desired-count 1") + "   # has a task again"}})
	case b.Service.Steady:
		state = Steady
	default:
		state, weight = Settling, Wait
		b.add(Finding{Kind: Settling, Weight: Wait, Text: "Nothing holds the service back; the scheduler has not come to it yet.",
			At: moment(b.Wake), Then: b.ifWoken("it looks again")})
	}
	r.State, r.Weight, r.NextDecision = string(state), weight, moment(b.Wake)
	r.Summary = fmt.Sprintf("Service %s is %s", b.Service.Name, states[state])
	switch healthy := counts[scheduler.Healthy]; {
	case state == Stopped || b.Service.Status != ecs.ServiceActive:
	case healthy > b.Service.Desired:
		r.Summary += fmt.Sprintf(": %s %s healthy, and %d wanted", tasks(healthy), verb(healthy, "is", "are"), b.Service.Desired)
	default:
		r.Summary += fmt.Sprintf(": %d of %s %s healthy", healthy, tasks(b.Service.Desired), verb(b.Service.Desired, "is", "are"))
	}
	r.Summary += "."
}

func (b *builder) ifWoken(text string) string {
	if b.Wake == 0 {
		return ""
	}
	return text
}

// update is a command that changes the service.
func (b *builder) update(flags string) string {
	words := []string{"aws ecs update-service", "--service " + b.Service.Name, flags}
	if b.Service.Cluster != "default" {
		words = []string{words[0], "--cluster " + b.Service.Cluster, words[1], words[2]}
	}
	return strings.Join(words, " ")
}

// ballast is a command line of Ballast about something of the service's cluster.
func ballast(cluster, words string) string {
	if cluster != "default" {
		words += " --cluster " + cluster
	}
	return "ballast " + words
}
