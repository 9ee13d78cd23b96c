package scenario

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"ballast/internal/ecs"
	"ballast/internal/lb/health"
	"ballast/internal/sim"
)

// TargetGroup is a target group of a load balancer that sends requests to it, as DescribeTargetGroups shows it, with the attribute of
// it that matters here.
type TargetGroup struct {
	health.Group
	matcher health.Matcher
	line    int
}

// mostDrain is the longest deregistration delay, in seconds (Elastic Load Balancing user guides: target group attributes).
const mostDrain = 3600

var groupPattern = regexp.MustCompile(`^arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:targetgroup/[A-Za-z0-9-]{1,32}/[0-9a-f]{16}$`)

func (s *Scenario) readTargetGroups(n *yaml.Node) error {
	return each(n, "targetGroups", func(n *yaml.Node) error {
		g := TargetGroup{Group: health.DefaultGroup(""), line: n.Line}
		interval, timeout, drain := int(g.Interval/time.Second), int(g.Timeout/time.Second), int(g.Delay/time.Second)
		codes := "200"
		err := readFields(n, "a target group", map[string]field{
			"TargetGroupArn":             readText(&g.ARN),
			"HealthCheckIntervalSeconds": readCount(&interval, 5, 300),
			"HealthCheckTimeoutSeconds":  readCount(&timeout, 2, 120),
			"HealthyThresholdCount":      readCount(&g.Limits.Healthy, 2, 10),
			"UnhealthyThresholdCount":    readCount(&g.Limits.Unhealthy, 2, 10),
			"Matcher": func(n *yaml.Node) error {
				return readFields(n, "a matcher", map[string]field{"HttpCode": readText(&codes)})
			},
			"deregistration_delay.timeout_seconds": readCount(&drain, 0, mostDrain),
		})
		switch {
		case err != nil:
			return err
		case !groupPattern.MatchString(g.ARN):
			return mistakef(n, "TargetGroupArn: want an ARN such as arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/web/"+
				"0123456789abcdef, not %q", g.ARN)
		case s.targetGroup(g.ARN) != nil:
			return mistakef(n, "target group %s is there twice", g.ARN)
		case timeout >= interval:
			return mistakef(n, "Health check interval must be greater than the timeout.")
		}
		if g.matcher, err = health.ParseMatcher(codes, health.ApplicationHTTP); err != nil {
			return mistakef(n, "%v", err)
		}
		seconds := func(n int) time.Duration { return time.Duration(n) * time.Second }
		g.Interval, g.Timeout, g.Delay = seconds(interval), seconds(timeout), seconds(drain)
		s.TargetGroups = append(s.TargetGroups, g)
		return nil
	})
}

// targetGroup gives the target group of an ARN, nil where there is none.
func (s *Scenario) targetGroup(arn string) *TargetGroup {
	for i := range s.TargetGroups {
		if s.TargetGroups[i].ARN == arn {
			return &s.TargetGroups[i]
		}
	}
	return nil
}

// balancer gives the first load balancer of a service: that by which its requests come; "" where they reach every task that runs.
func (s *Scenario) balancer(service string) (group, container string) {
	for i := range s.Services {
		if list := member(s.Services[i].node, "loadBalancers"); list != nil && s.Services[i].text("serviceName") == service && len(list.Content) > 0 {
			lb := Request{node: list.Content[0]}
			return lb.text("targetGroupArn"), lb.text("containerName")
		}
	}
	return "", ""
}

// behind gives the container of a service that is behind one of its target groups.
func (s *Scenario) behind(service, group string) string {
	for i := range s.Services {
		list := member(s.Services[i].node, "loadBalancers")
		if list == nil || s.Services[i].text("serviceName") != service {
			continue
		}
		for _, n := range list.Content {
			if lb := (Request{node: n}); lb.text("targetGroupArn") == group {
				return lb.text("containerName")
			}
		}
	}
	return ""
}

// balance gives the stage the load balancer, where there are target groups, and service discovery, where there are registries.
func (p *player) balance() {
	if len(p.s.TargetGroups)+len(p.s.Registries) == 0 {
		return
	}
	var groups []health.Group
	for _, g := range slices.Concat(p.s.TargetGroups, p.s.Registries) {
		groups = append(groups, g.Group)
	}
	p.stage.Balance(groups, p.app.answer)
}

// readAnswers reads words with the time after the task's start from which each holds: "refused,200@30s".
func readAnswers(to *sim.Answers) field {
	return func(n *yaml.Node) error {
		text, err := scalar(n)
		if err != nil {
			return err
		}
		if *to, err = sim.ParseAnswers(text); err != nil {
			return mistakef(n, "%v", err)
		}
		return nil
	}
}

// answer is how a health check of a target ends.
func (a *application) answer(group string, t *ecs.Task) health.Result {
	of, container := a.p.s.targetGroup(group), a.p.s.behind(t.Service, group)
	if of == nil {
		of, container = a.p.s.registry(group), leading(t.Definition)
	}
	matcher, b := of.matcher, a.behaviour(t.Definition, container)
	switch {
	case a.apart[int(t.Instance[0])] || a.frozen[t.ID]:
		return health.Result{Outcome: health.TimedOut}
	case b == nil:
		return matcher.Answered(200)
	case b.most > 0 && a.requests(t) > a.capacity(b, t):
		return health.Result{Outcome: health.TimedOut}
	}
	for _, name := range b.answerNeeds {
		if a.down[name] {
			return matcher.Answered(503)
		}
	}
	return b.answers.At(a.p.stage.Now().Sub(t.StartedAt), matcher)
}

// routes says which tasks get the requests of a service: those that its load balancer routes to, else all that run.
func (a *application) routes(service string) func(t *ecs.Task) bool {
	group, _ := a.p.s.balancer(service)
	if group == "" {
		return serves
	}
	routed, _ := a.p.stage.Routed(service, group)
	to := map[ecs.ID]bool{}
	for _, id := range routed {
		to[id] = true
	}
	return func(t *ecs.Task) bool { return to[t.ID] && serves(t) }
}

// targets counts the tasks of a part that are registered with the target group of their service, and those that get requests.
func (r *recorder) targets(part *Part, st *standing, id ecs.DeploymentID, group string) {
	if group == "" {
		return
	}
	routed, registered := r.p.stage.Routed(st.record.Name, group)
	of := map[ecs.ID]bool{}
	for _, t := range st.live {
		of[t.ID] = t.Deployment == id
	}
	count := func(ids []ecs.ID) (n int) {
		for _, id := range ids {
			if of[id] {
				n++
			}
		}
		return n
	}
	part.Registered, part.Routed = count(registered), count(routed)
}

// unknownGroup says that a service names a target group that the scenario lacks; the API would say so only when it is played.
func (s *Scenario) unknownGroup() error {
	for i := range s.Services {
		list := member(s.Services[i].node, "loadBalancers")
		if list == nil {
			continue
		}
		for _, n := range list.Content {
			if arn := (Request{node: n}).text("targetGroupArn"); s.targetGroup(arn) == nil {
				return &Mistake{Line: n.Line, Text: fmt.Sprintf("there is no target group %q in targetGroups", arn)}
			}
		}
	}
	return nil
}
