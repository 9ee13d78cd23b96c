package explain

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/lb/health"
	"ballast/internal/scheduler"
)

// Group is a target group that the tasks of a service are registered with, or a service registry in which they are found.
type Group struct {
	health.Group
	Container string // whose port is the target; "" for a registry
	Port      int    // of the container; 0 for a registry
	// States says how many tasks are in each state, stopping ones included; those that no load balancer has told of are in none.
	States [health.States]int
}

// Target is how a task stands in one target group of its service.
type Target struct {
	Group  *Group
	Known  bool // a load balancer has told of it; without, the rest says nothing
	Health health.Target
	Since  ecs.Time // when its state was heard of first
}

// TargetGroup is a target group, or a service registry, in counts.
type TargetGroup struct {
	ARN         string `json:"targetGroup"`
	Container   string `json:"container,omitempty"`
	Port        int    `json:"port,omitempty"`
	Healthy     int    `json:"healthy"`
	Initial     int    `json:"initial"`
	Unhealthy   int    `json:"unhealthy"`
	Draining    int    `json:"draining"`
	Unused      int    `json:"unused"`
	Unavailable int    `json:"unavailable"`
}

// TargetState is how one task stands in one target group, in the words of DescribeTargetHealth.
type TargetState struct {
	Task  string `json:"task"`
	Group string `json:"targetGroup"`
	// State is "" for a target that no load balancer has told of.
	State       string    `json:"state,omitempty"`
	Reason      string    `json:"reason,omitempty"`
	Description string    `json:"description,omitempty"`
	Since       time.Time `json:"since,omitzero"`
	// Checks are those in a row, of Threshold, which change the state: failed ones of an initial or healthy target, passed ones of an
	// unhealthy one.
	Checks    int `json:"checks,omitempty"`
	Threshold int `json:"threshold,omitempty"`
	// Until is when a draining target is drained at the latest.
	Until time.Time `json:"until,omitzero"`
}

// unregisteredFor is for how long a RUNNING task may be unknown to load balancers before somebody should look after them.
const unregisteredFor = time.Minute

// groupName takes the name out of the ARN of a target group (arn:...:targetgroup/NAME/ID) or a service registry (arn:...:service/ID).
func groupName(arn string) string {
	if parts := strings.Split(arn, "/"); len(parts) > 1 {
		return parts[1]
	}
	return arn
}

// registry says whether service discovery tells of the tasks, not a load balancer: they are not drained there.
func (g *Group) registry() bool { return g.Container == "" }

func (g *Group) name() string {
	if g.registry() {
		return "service registry " + groupName(g.ARN)
	}
	return "target group " + groupName(g.ARN)
}

// targetGroups counts the targets of the service.
func (b *builder) targetGroups() {
	for i := range b.Groups {
		g := &b.Groups[i]
		n := func(s health.State) int { return g.States[s] }
		b.report.TargetGroups = append(b.report.TargetGroups, TargetGroup{ARN: g.ARN, Container: g.Container, Port: g.Port, Healthy: n(health.Healthy),
			Initial: n(health.Initial), Unhealthy: n(health.Unhealthy), Draining: n(health.Draining), Unused: n(health.Unused),
			Unavailable: n(health.Unavailable)})
	}
}

// String says how many targets a target group has, states that there are none of left out.
func (g *TargetGroup) String() string {
	var parts []string
	for _, c := range []struct {
		n    int
		what health.State
	}{{g.Healthy, health.Healthy}, {g.Initial, health.Initial}, {g.Unhealthy, health.Unhealthy}, {g.Unused, health.Unused},
		{g.Unavailable, health.Unavailable}, {g.Draining, health.Draining}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	if len(parts) == 0 {
		parts = []string{"no targets"}
	}
	if g.Container == "" {
		return fmt.Sprintf("%s, service discovery: %s", groupName(g.ARN), strings.Join(parts, "; "))
	}
	return fmt.Sprintf("%s, port %d of container %s: %s", groupName(g.ARN), g.Port, g.Container, strings.Join(parts, "; "))
}

// targetStates gives how some tasks stand in their target groups.
func targetStates(all []Task) []TargetState {
	var out []TargetState
	for _, t := range all[:min(len(all), maxNamed)] {
		for i := range t.Targets {
			out = append(out, t.Targets[i].state(t.ID))
		}
	}
	return out
}

func (x *Target) state(task ecs.ID) TargetState {
	s := TargetState{Task: task.String(), Group: x.Group.ARN}
	if !x.Known {
		return s
	}
	s.State, s.Reason, s.Description, s.Since = x.Health.State().String(), x.Health.Reason(), x.Health.Description(), moment(x.Since)
	s.Checks, s.Threshold = x.progress()
	if x.Health.State() == health.Draining {
		s.Until = moment(x.drained())
	}
	return s
}

// progress is how many health checks in a row there have been, of how many, towards another state.
func (x *Target) progress() (checks, threshold int) {
	switch x.Health.State() {
	case health.Unhealthy:
		return x.Health.Passes(), x.Group.Limits.Healthy
	case health.Initial, health.Healthy:
		return x.Health.Fails(), x.Group.Limits.Unhealthy
	}
	return 0, 0
}

// drained is when a draining target is drained at the latest.
func (x *Target) drained() ecs.Time { return x.Since.Add(x.Group.Delay) }

// line says all that is known of a target, as a sentence.
func (x *Target) line(now ecs.Time) string {
	name := x.Group.name()
	name = strings.ToUpper(name[:1]) + name[1:]
	if !x.Known {
		return name + ": not registered, as far as anything has been heard of it."
	}
	text := fmt.Sprintf("%s: %s since %s", name, x.Health.State(), Span(now.Sub(x.Since)))
	if reason := x.Health.Reason(); reason != "" {
		text += fmt.Sprintf(" (%s: %s)", reason, x.Health.Description())
	}
	if x.Health.State() == health.Draining {
		text += fmt.Sprintf(", for %s at most", Span(x.Group.Delay))
	}
	checks, threshold := x.progress()
	switch {
	case checks == 0:
	case x.Health.State() == health.Unhealthy:
		text += fmt.Sprintf("; it has passed %d of the %d checks in a row that make it healthy again", checks, threshold)
	default:
		text += fmt.Sprintf("; it has failed %d of the %d checks in a row that make it unhealthy", checks, threshold)
	}
	return text + "."
}

// failing says in which target groups a task counts as unhealthy, and why.
func (t *Task) failing() []string {
	var all []string
	for i := range t.Targets {
		x := &t.Targets[i]
		switch {
		case !x.Known || scheduler.TargetSource(x.Health.State()) != scheduler.SourceUnhealthy:
		case x.Health.State() == health.Unhealthy:
			all = append(all, fmt.Sprintf("the checks of %s fail (%s)", x.Group.name(), x.Health.Description()))
		default:
			all = append(all, fmt.Sprintf("%s says %s (%s)", x.Group.name(), x.Health.State(), x.Health.Description()))
		}
	}
	return all
}

// awaited says what a RUNNING task waits for in its target groups, in words that follow "waits".
func (t *Task) awaited() []string {
	var all, unknown []string
	for i := range t.Targets {
		x := &t.Targets[i]
		name, every := x.Group.name(), Span(x.Group.Interval)
		switch {
		case !x.Known:
			unknown = append(unknown, name)
		case x.Health.State() == health.Initial && x.Health.Fails() > 0:
			all = append(all, fmt.Sprintf("to pass a health check of %s (every %s; %d of the %d failures in a row that make it unhealthy are there)", name,
				every, x.Health.Fails(), x.Group.Limits.Unhealthy))
		case x.Health.State() == health.Initial:
			all = append(all, fmt.Sprintf("to pass its first health check of %s (every %s)", name, every))
		case x.Health.State() == health.Draining:
			all = append(all, "to be registered with "+name+" again, which has been told to deregister it")
		}
	}
	if len(unknown) > 0 {
		all = append(all, "to be registered with "+list(unknown))
	}
	return all
}

// unheard names the target groups of which no load balancer has told of a task though it has been RUNNING for long enough.
func (t *Task) unheard(now ecs.Time) []string {
	var all []string
	for i := range t.Targets {
		if x := &t.Targets[i]; !x.Known && now.Sub(t.StartedAt) >= unregisteredFor {
			all = append(all, x.Group.name())
		}
	}
	return all
}

// deregistering says what a task waits for that is drained before it is told to stop.
func (b *builder) deregistering(t *Task) circumstance {
	var draining, registered []string
	last := ecs.Time(0)
	for i := range t.Targets {
		switch x := &t.Targets[i]; {
		case !x.Known, x.Group.registry():
		case x.Health.State() == health.Draining:
			draining = append(draining, x.Group.name())
			last = max(last, x.drained())
		case x.Health.Registered():
			registered = append(registered, x.Group.name())
		}
	}
	switch {
	case len(registered) > 0:
		return circumstance{text: "is to be deregistered from " + list(registered), then: "is told to stop, though no load balancer has said that it is drained",
			at: t.DrainEnds}
	case last > b.Now:
		return circumstance{text: "is being drained in " + list(draining) + ": open requests are finished, and no new ones come",
			then: "is told to stop (SIGTERM)", at: last}
	}
	return circumstance{text: "has had the time to be drained, and waits for a load balancer to say so", then: "is told to stop all the same", at: t.DrainEnds}
}

// targetAdvices say what to do about targets that fail, by the reason of DescribeTargetHealth; "%container", "%port", "%group" and
// "%timeout" are filled in.
var targetAdvices = []struct{ reason, text string }{
	{"Target.FailedHealthChecks", "See that container %container listens on port %port of every interface, not on 127.0.0.1 alone: %group cannot connect to it."},
	{"Target.Timeout", "See why container %container does not answer within %timeout; where it has too much to do, more tasks share that."},
	{"Target.ResponseCodeMismatch", "See what container %container answers to the check of %group, and why; a check that asks what it depends on fails with that."},
	{"Target.NotInUse", "Have a listener forward to %group."},
}

// advise says what to do about the targets of a task that fail.
func (t *Task) advise() []string {
	var tips []string
	for i := range t.Targets {
		x := &t.Targets[i]
		for _, a := range targetAdvices {
			if x.Known && !x.Group.registry() && x.Health.Reason() == a.reason {
				tips = append(tips, strings.NewReplacer("%container", x.Group.Container, "%port", strconv.Itoa(x.Group.Port), "%group", x.Group.name(),
					"%timeout", Span(x.Group.Timeout)).Replace(a.text))
			}
		}
	}
	return tips
}
