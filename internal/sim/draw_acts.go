package sim

import (
	"fmt"
	"slices"
	"time"

	"ballast/internal/control/root"
	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
)

// author makes a history up as it goes: each deed is drawn from a stream of its own and from what users and the world's saboteur see at that
// moment, and handed to the player. It changes nothing itself.
type author struct {
	p      *player
	o      Options
	chance stream // of the operation under way
	pace   stream // of the time between operations
	count  int    // operations so far
}

func newAuthor(p *player, o Options) *author {
	return &author{p: p, o: o, pace: newStream(o.Seed, "history")}
}

// begin has users act and things break from now on.
func (a *author) begin() {
	a.next()
	a.beginBreaks()
}

// next has users do something in a while, and so on.
func (a *author) next() {
	a.p.w.deed(a.pace.about(a.o.Every), func() {
		if a.p.ended {
			return
		}
		a.count++
		a.chance = newStream(a.o.Seed, fmt.Sprintf("operation/%d", a.count))
		a.hand(pick(a.chance, operations...)(a, ClusterName(1+a.chance.upTo(a.o.Clusters-1))))
		a.next()
	})
}

// hand gives a deed to the player; nil is none.
func (a *author) hand(act Act) {
	switch act := act.(type) {
	case nil:
	case several:
		for _, one := range act {
			a.p.do(one)
		}
	default:
		a.p.do(act)
	}
}

// several are deeds that come at once.
type several []Act

func (several) perform(*player) { panic("sim: several deeds are done one by one") }

// operations are what users do, as often as they stand here.
var operations = []func(*author, string) Act{
	(*author).create, (*author).create, (*author).create,
	(*author).deploy, (*author).deploy, (*author).deploy, (*author).deploy,
	(*author).scale, (*author).scale, (*author).scale,
	(*author).percents, (*author).force, (*author).remove, (*author).settings, (*author).tag,
	(*author).protect, (*author).protect,
	(*author).run, (*author).run, (*author).repeat, (*author).stop, (*author).stop,
	(*author).burst, (*author).confuse,
}

// service draws a service that users see in a cluster, by its name; "" when there is none.
func (a *author) service(cluster string) string {
	seen := a.p.w.server.root
	if seen == nil {
		return ""
	}
	all := seen.Services(cluster, "", 1000, func(s *ecs.Service) bool { return s.Status == ecs.ServiceActive })
	if len(all) == 0 {
		return ""
	}
	return pick(a.chance, all...).Name
}

// tasks gives the tasks that users see running in a cluster, or on their way to it.
func (a *author) tasks(cluster string) []*ecs.Task {
	if a.p.w.server.root == nil {
		return nil
	}
	return a.p.w.server.root.Tasks(root.TaskFilter{Cluster: cluster, Desired: ecs.StatusRunning}, 0, 1000)
}

func (a *author) create(cluster string) Act {
	n := 1 + a.chance.upTo(a.o.Services-1)
	s := ecs.Service{Cluster: cluster, Name: fmt.Sprintf("service-%d", n), Desired: a.chance.upTo(a.o.MaxDesired)}
	s.MinimumHealthyPercent, s.MaximumPercent = a.drawPercents()
	s.Tags, s.Breaker, s.GracePeriod = a.drawTags(), a.drawBreaker(), a.drawGrace()
	s.PropagateTags, s.EnableECSManagedTags = uint8(a.chance.upTo(2)), a.chance.chance(0.5)
	c := &Create{Service: s}
	if a.chance.chance(0.3) {
		c.Token = fmt.Sprintf("create-%d", a.count)
	}
	c.Definition = define(a.chance, s.Name, a.o.Behaviours)
	if a.chance.chance(a.o.Balanced) {
		c.Service.LoadBalancers = a.drawBalancers()
	}
	return c
}

// drawBalancers draws target groups for a service: one, or all of two.
func (a *author) drawBalancers() (all []ecs.LoadBalancer) {
	for i := range a.o.TargetGroups {
		all = append(all, ecs.LoadBalancer{TargetGroup: a.o.TargetGroups[i].ARN, Container: "main", Port: 80})
	}
	if a.chance.chance(0.7) {
		all = all[a.chance.IntN(len(all)):][:1]
	}
	return all
}

// drawTags draws tags of a service, no key twice.
func (a *author) drawTags() []ecs.Tag {
	var tags []ecs.Tag
	for _, tag := range a.o.Tags {
		if a.chance.chance(0.5) && !slices.ContainsFunc(tags, func(t ecs.Tag) bool { return t.Key == tag.Key }) {
			tags = append(tags, tag)
		}
	}
	return tags
}

func (a *author) drawBreaker() ecs.Breaker {
	if a.chance.chance(0.6) {
		return ecs.Breaker{}
	}
	return ecs.Breaker{Enabled: true, Rollback: a.chance.chance(0.5), Cumulative: a.chance.chance(0.3),
		Type: pick(a.chance, ecs.BoundedPercent, ecs.UnboundedPercent, ecs.FailureCount), Value: pick(a.chance, 1, 2, 5, 50)}
}

// drawGrace draws a grace period, in seconds.
func (a *author) drawGrace() int { return pick(a.chance, 0, 0, 20, 90) }

// drawPercents draws a window in which something can move; the API refuses 100 and 100.
func (a *author) drawPercents() (minimum, maximum int) {
	minimum, maximum = pick(a.chance, 0, 25, 50, 75, 100), pick(a.chance, 100, 125, 150, 200)
	if minimum == 100 && maximum == 100 {
		maximum = 200
	}
	return minimum, maximum
}

// update gives an update of a service that users see, changed; nil where there is none.
func (a *author) update(cluster string, change func(*Update)) Act {
	name := a.service(cluster)
	if name == "" {
		return nil
	}
	u := &Update{Cluster: cluster, Service: name}
	change(u)
	return u
}

func (a *author) deploy(cluster string) Act {
	return a.update(cluster, func(u *Update) {
		d := define(a.chance, u.Service, a.o.Behaviours)
		u.Definition = &d
	})
}

func (a *author) scale(cluster string) Act {
	return a.update(cluster, func(u *Update) { u.Desired = new(a.chance.upTo(a.o.MaxDesired)) })
}

func (a *author) percents(cluster string) Act {
	return a.update(cluster, func(u *Update) {
		minimum, maximum := a.drawPercents()
		u.MinimumHealthyPercent, u.MaximumPercent = &minimum, &maximum
	})
}

// settings changes what guards the deployments of a service.
func (a *author) settings(cluster string) Act {
	return a.update(cluster, func(u *Update) { u.Breaker, u.GracePeriod = new(a.drawBreaker()), new(a.drawGrace()) })
}

func (a *author) force(cluster string) Act {
	return a.update(cluster, func(u *Update) { u.Force = true })
}

// tag changes the tags of a service or, now and then, of the cluster.
func (a *author) tag(cluster string) Act {
	name := a.service(cluster)
	if name == "" || len(a.o.Tags) == 0 {
		return nil
	}
	t := &Tag{Cluster: cluster, Service: name, Set: a.drawTags()}
	if a.chance.chance(0.2) {
		t.Service = ""
	}
	for _, tag := range a.o.Tags {
		if a.chance.chance(0.3) && !slices.Contains(t.Set, tag) {
			t.Remove = append(t.Remove, tag.Key)
		}
	}
	return t
}

// protect has some tasks protect themselves, or give that up.
func (a *author) protect(cluster string) Act {
	if a.p.w.server.root == nil {
		return nil
	}
	p := &Protect{Cluster: cluster, For: pick(a.chance, 0, time.Minute, time.Minute, 4*time.Minute)}
	for _, t := range a.tasks(cluster) {
		if a.chance.chance(0.5) {
			p.Tasks = append(p.Tasks, a.p.census.numbers[t.ID])
		}
	}
	if len(p.Tasks) == 0 {
		return nil
	}
	return p
}

func (a *author) remove(cluster string) Act {
	if name := a.service(cluster); name != "" {
		return &Delete{Cluster: cluster, Service: name, Force: true}
	}
	return nil
}

// burst has several things come to one service at once.
func (a *author) burst(cluster string) Act {
	var all several
	for range 2 + a.chance.upTo(3) {
		one := pick(a.chance, (*author).scale, (*author).force, (*author).percents, (*author).deploy)(a, cluster)
		if one != nil {
			all = append(all, one)
		}
	}
	return all
}

// confuse asks for what may not be there or not be allowed.
func (a *author) confuse(cluster string) Act {
	name := fmt.Sprintf("service-%d", 1+a.chance.upTo(a.o.Services))
	return pick(a.chance, []Act{
		&Delete{Cluster: cluster, Service: name},
		&Update{Cluster: cluster, Service: name, Desired: new(1)},
		&Update{Cluster: "no-such-cluster", Service: name, Force: true},
		&Stop{Cluster: cluster},
	}...)
}

// run starts standalone tasks.
func (a *author) run(cluster string) Act {
	job := fmt.Sprintf("job-%d", a.count)
	r := &RunTasks{Cluster: cluster, Count: 1 + a.chance.upTo(2), StartedBy: job}
	if a.chance.chance(0.5) {
		r.Token = job
	}
	r.Definition = define(a.chance, "job", a.o.Behaviours)
	if a.chance.chance(0.5) {
		r.Overrides = &ecs.Overrides{CPU: pick(a.chance, 0, 128), Memory: pick(a.chance, 0, 32), Containers: []ecs.ContainerOverride{
			{Name: "main", Environment: []ecs.Variable{{Name: fake.EnvExitAfter, Value: "1s..60s"}}}}}
	}
	return r
}

func (a *author) repeat(string) Act {
	if len(a.p.tokens) == 0 {
		return nil
	}
	return &Repeat{Token: pick(a.chance, a.p.tokens...).Token}
}

// stop stops a task.
func (a *author) stop(cluster string) Act {
	tasks := a.tasks(cluster)
	if len(tasks) == 0 {
		return nil
	}
	return &Stop{Cluster: cluster, Task: a.p.census.numbers[pick(a.chance, tasks...).ID]}
}

// repairs draws which of the services that cannot become steady get a good task definition before the calm.
func (a *author) repairs() []Repair {
	s := newStream(a.o.Seed, "repair")
	var all []Repair
	for n := range a.o.Clusters {
		for _, service := range a.p.w.server.root.Services(ClusterName(n+1), "", 1000, func(s *ecs.Service) bool { return s.Status == ecs.ServiceActive }) {
			if isBadFor(service, service.Definition) && s.chance(a.o.Repair) {
				all = append(all, Repair{Cluster: service.Cluster, Service: service.Name})
			}
		}
	}
	return all
}
