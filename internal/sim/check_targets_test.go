package sim

import (
	"fmt"
	"testing"
	"time"

	"ballast/internal/control"
	"ballast/internal/control/root"
	"ballast/internal/ecs"
	"ballast/internal/lb/health"
	"ballast/internal/scheduler/policy"
)

const anyGroup = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/group/0000000000000001"

// targetOf is a target of a task whose checks ended like that.
func targetOf(g *health.Group, t *ecs.Task, results ...health.Outcome) *target {
	x := &target{group: g, task: t, results: results}
	for _, r := range results {
		x.health = x.health.Probed(health.Result{Outcome: r}, g.Limits)
	}
	return x
}

// serving gives a world's root with a service "web" behind a load balancer, whose number is 1.
func serving(w *World, p *player) *root.Root {
	w.server.start()
	p.insist(control.CreateCluster{Name: "cluster-1"})
	d := p.insist(control.RegisterTaskDefinition{Definition: goodDefinition("web")}).(*ecs.TaskDefinition)
	p.insist(control.CreateService{Service: ecs.Service{Cluster: "cluster-1", Name: "web", Definition: d, MaximumPercent: 200,
		LoadBalancers: []ecs.LoadBalancer{{TargetGroup: anyGroup, Container: "main", Port: 80}}}})
	return w.server.root
}

// TestChecksNoticeTargets breaks one rule at a time.
func TestChecksNoticeTargets(t *testing.T) {
	g := health.DefaultGroup(anyGroup)
	ok, bad := health.Passed, health.Failed
	running, draining := runningTask(), runningTask()
	running.Service, running.ServiceSeq, draining.Service, draining.ServiceSeq = "web", 1, "web", 1
	draining.LastStatus, draining.DesiredStatus = ecs.StatusDeactivating, ecs.StatusStopped
	draining.StopCode, draining.StoppingAt = ecs.ServiceSchedulerInitiated, epoch
	stopping := draining
	stopping.LastStatus = ecs.StatusStopping
	byUser := stopping
	byUser.StopCode = ecs.UserInitiated
	registered, drains, gone := health.Target{}, health.Target{}.Deregister(), health.Target{}.Drained()
	after := func(d time.Duration) ecs.Time { return epoch.Add(d) }
	for name, test := range map[string]struct {
		targets  []*target
		told     *health.Target
		attached bool
		live     *ecs.Task
		change   change
		now      ecs.Time
		property string
	}{
		"as it should be":          {targets: []*target{targetOf(&g, &running, ok), targetOf(&g, &running)}},
		"healthy after one pass":   {targets: []*target{targetOf(&g, &running, bad, ok)}},
		"never checked, unhealthy": {targets: []*target{{group: &g, task: &running, health: targetOf(&g, &running, bad, bad).health}}, property: recounted},
		"never passed, healthy":    {targets: []*target{{group: &g, task: &running, health: targetOf(&g, &running, ok).health}}, property: recounted},
		"failed often, healthy": {targets: []*target{{group: &g, task: &running, health: targetOf(&g, &running, ok).health,
			results: []health.Outcome{ok, bad, bad}}}, property: recounted},
		"passed, initial":             {targets: []*target{{group: &g, task: &running, results: []health.Outcome{ok}}}, property: recounted},
		"fails again while unhealthy": {targets: []*target{targetOf(&g, &running, bad, bad, ok, bad)}},
		"drained, and gets requests":  {targets: []*target{{group: &g, task: &running, drains: 1}}, property: routesTo},
		"told to stop while a target": {told: &registered, attached: true, change: change{&running, &stopping}, property: drainsFirst},
		"stopped by a user":           {told: &registered, attached: true, change: change{&running, &byUser}},
		"told to stop, then a target": {told: &registered, change: change{&running, &stopping}},
		"told to stop, never one":     {change: change{&running, &stopping}},
		"drained halfway":             {told: &drains, attached: true, change: change{&draining, &stopping}, now: after(time.Second), property: drainsFirst},
		"drained":                     {told: &gone, attached: true, change: change{&draining, &stopping}, now: after(time.Second)},
		"given up":                    {told: &drains, attached: true, change: change{&draining, &stopping}, now: after(g.Delay + drainSlack)},
		"given up late":               {told: &drains, attached: true, change: change{&draining, &stopping}, now: after(g.Delay + drainSlack + time.Minute), property: drainingEnd},
		"is being drained":            {told: &drains, attached: true, live: &draining, now: after(time.Minute)},
		"drains for good":             {told: &drains, attached: true, live: &draining, now: after(g.Delay + drainSlack + time.Minute), property: drainingEnd},
		"is drained and goes on":      {attached: true, live: &draining, now: after(time.Second), property: drainingEnd},
		"of whom nobody has heard":    {live: &draining, now: after(time.Minute)},
		"of whom nobody ever hears":   {live: &draining, now: after(7 * time.Minute), property: drainingEnd},
	} {
		w := emptyWorld(t)
		b := newBalancer(w, []health.Group{g}, nil)
		w.balancer, b.targets = b, test.targets
		for _, x := range b.targets {
			x.group = &b.groups[0]
		}
		c := newChecker(w, newPlayer(w))
		c.root, c.now, c.loadedAt = serving(w, c.p), max(test.now, epoch), epoch
		if test.told != nil {
			b.told[targetKey{running.ID, g.ARN}] = *test.told
		}
		if test.attached {
			c.attached[running.ID] = true
		}
		if test.live != nil {
			c.live = []resident{{Task: test.live}}
		}
		if test.change.now != nil {
			c.changes = []change{test.change}
		}
		c.checkTargets()
		if got := property(w); got != test.property {
			t.Errorf("%s: got %q, want %q", name, got, test.property)
		}
	}
}

// balanced is a history of a service with two tasks behind a load balancer, and of another that changes all the time so that control has
// something to do.
func balanced(deeds ...Deed) *History {
	p, err := policy.Named(policy.Default)
	if err != nil {
		panic(err) // the default
	}
	g := health.DefaultGroup(anyGroup)
	g.Interval, g.Delay = 5*second, 20*second
	h := &History{Seed: 1, Policy: p, Until: 14 * time.Minute, Clusters: 1, Retention: time.Hour, MaxRetained: 1000,
		Hosts: []Host{Usual(ClusterName(1))}, TargetGroups: []health.Group{g}, BalancerSlowest: UsualNews}
	web := ecs.Service{Cluster: ClusterName(1), Name: "web", Desired: 2, MinimumHealthyPercent: 50, MaximumPercent: 200,
		LoadBalancers: []ecs.LoadBalancer{{TargetGroup: anyGroup, Container: "main", Port: 80}}}
	other := ecs.Service{Cluster: ClusterName(1), Name: "other", MinimumHealthyPercent: 50, MaximumPercent: 200}
	h.Deeds = append([]Deed{{3 * second, &Create{Service: web, Definition: goodDefinition("web")}},
		{3 * second, &Create{Service: other, Definition: goodDefinition("other")}}}, deeds...)
	for n := range 80 {
		h.Deeds = append(h.Deeds, Deed{20*second + time.Duration(n)*10*second, &Update{Cluster: ClusterName(1), Service: "other", Desired: new(n % 2)}})
	}
	return h
}

// TestDrainingIsGivenUp has the load balancer be away while tasks are to be drained, whether control has heard of the targets or was
// started anew without.
func TestDrainingIsGivenUp(t *testing.T) {
	away := Deed{60 * second, &StopBalancer{12 * time.Minute}}
	stop := Deed{70 * second, &Update{Cluster: ClusterName(1), Service: "web", Desired: new(0)}}
	for name, deeds := range map[string][]Deed{
		"heard of":     {away, stop},
		"started anew": {away, stop, {71 * second, &CrashControl{second}}},
	} {
		r := Replay(balanced(deeds...), nil)
		if r.Failure != nil {
			t.Errorf("%s: %v", name, r.Failure)
		}
	}
}

// TestTargetsOfHistories plays what befalls targets: they are healthy in the end, and are never unhealthy for nothing.
func TestTargetsOfHistories(t *testing.T) {
	for name, deeds := range map[string][]Deed{
		"nothing":          nil,
		"control crashes":  {{60 * second, &CrashControl{5 * second}}},
		"balancer is away": {{60 * second, &StopBalancer{90 * second}}},
		"both":             {{60 * second, &StopBalancer{5 * second}}, {61 * second, &CrashControl{second}}},
		"cut off":          {{60 * second, &CutTargets{1, 8 * second}}},
	} {
		h := balanced(deeds...)
		h.Never = []string{": unhealthy "}
		if r := Replay(h, nil); r.Failure != nil || r.Tasks > 2+40 {
			t.Errorf("%s: %d tasks, %v", name, r.Tasks, r.Failure)
		}
	}
	h := balanced(Deed{60 * second, &CutTargets{1, time.Minute}})
	if r := Replay(h, nil); r.Failure != nil || r.Tasks <= 2+40 {
		t.Errorf("cut off for longer: %d tasks, %v", r.Tasks, r.Failure)
	}
	bad := goodDefinition("web")
	answers(&bad, "200,503@40s")
	h = balanced(Deed{60 * second, &Update{Cluster: ClusterName(1), Service: "web", Definition: &bad}})
	if r := Replay(h, nil); r.Failure != nil || r.Tasks < 2+40+4 {
		t.Errorf("bad answers: %d tasks, %v", r.Tasks, r.Failure)
	}
}

func TestAnswers(t *testing.T) {
	all, err := ParseAnswers("refused,200@8s,503@20s,silent@1m")
	if err != nil {
		t.Fatal(err)
	}
	for age, want := range map[time.Duration]health.Outcome{0: health.Failed, 8 * second: health.Passed, 59 * second: health.Mismatched, time.Hour: health.TimedOut} {
		if got := all.At(age, matches200).Outcome; got != want {
			t.Errorf("at %v: %v, want %v", age, got, want)
		}
	}
	if got := Answers(nil).At(0, matches200).Outcome; got != health.Passed {
		t.Errorf("nothing said: %v", got)
	}
	for _, text := range []string{"", "20", "200@5s", "200,503@5s,200@5s", "200,503@-1s", "200,503@1ns", "loud"} {
		if all, err := ParseAnswers(text); err == nil {
			t.Errorf("%q is read as %v", text, all)
		}
	}
}

// TestBadForItsService has answers matter only behind a load balancer, and late ones only without a grace period.
func TestBadForItsService(t *testing.T) {
	behind := &ecs.Service{LoadBalancers: []ecs.LoadBalancer{{}}}
	patient := &ecs.Service{LoadBalancers: behind.LoadBalancers, GracePeriod: 90}
	for _, test := range []struct {
		answers string
		service *ecs.Service
		want    bool
	}{
		{"503", nil, false}, {"503", &ecs.Service{}, false}, {"503", behind, true}, {"503", patient, true},
		{"503,200@25s", behind, true}, {"503,200@25s", patient, false}, {"503,200@31s", patient, true}, {"200,503@1m", patient, true}, {"200", behind, false},
	} {
		d := goodDefinition("web")
		answers(&d, test.answers)
		if got := isBadFor(test.service, &d); got != test.want {
			t.Errorf("%s: %v", fmt.Sprint(test.answers, test.service), got)
		}
	}
}
