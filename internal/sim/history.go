package sim

import (
	"fmt"
	"slices"
	"time"

	"ballast/internal/control"
	"ballast/internal/control/root"
	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
)

// history is what users do to a world, and what they have been told.
type history struct {
	w      *World
	o      Options
	chance stream // of the operation under way
	pace   stream // of the time between operations
	ended  bool
	count  int      // operations so far, left out ones included
	done   []string // names of those that happened
	ledger ledger
	asked  map[string]int    // tasks that may run for each startedBy
	tokens []control.RunTask // requests with a token, to be repeated
}

func newHistory(w *World, o Options) *history {
	return &history{w: w, o: o, pace: newStream(w.seed, "history"), ledger: newLedger(),
		asked: map[string]int{}}
}

func (h *history) clusterName(n int) string { return fmt.Sprintf("cluster-%d", n) }

// begin has users act from now on.
func (h *history) begin() {
	h.w.after(h.pace.about(h.o.Every), func() {
		if h.ended {
			return
		}
		h.count++
		if name := fmt.Sprintf("operation/%d", h.count); h.o.happens(name) {
			h.done = append(h.done, name)
			h.w.note("history  %s", name)
			h.chance = newStream(h.w.seed, name)
			h.act()
		}
		h.begin()
	})
}

// operations are what users do, as often as they stand here.
var operations = []func(*history, string){
	(*history).create, (*history).create, (*history).create,
	(*history).deploy, (*history).deploy, (*history).deploy, (*history).deploy,
	(*history).scale, (*history).scale, (*history).scale,
	(*history).percents, (*history).force, (*history).remove, (*history).settings, (*history).tag,
	(*history).protect, (*history).protect,
	(*history).run, (*history).run, (*history).repeat, (*history).stop, (*history).stop,
	(*history).burst, (*history).confuse,
}

func (h *history) act() {
	pick(h.chance, operations...)(h, h.clusterName(1+h.chance.upTo(h.o.Clusters-1)))
}

// submit sends a command and takes its reply into the ledger.
func (h *history) submit(c control.Command, then func(any)) {
	h.w.server.submit(c, func(r Reply) {
		h.ledger.take(c, r)
		if r.Err != nil || r.Unknown {
			return
		}
		if lost := unseen(h.w.server.root, c, r.Result); lost != "" {
			h.w.fail(acknowledged, "%T: %s", c, lost)
		}
		if then != nil {
			then(r.Result)
		}
	})
}

// service draws a service that users see in a cluster; nil when there is none.
func (h *history) service(cluster string) *ecs.Service {
	if h.w.server.root == nil {
		return nil
	}
	all := h.w.server.root.Services(cluster, "", 1000, func(s *ecs.Service) bool { return s.Status == ecs.ServiceActive })
	if len(all) == 0 {
		return nil
	}
	return pick(h.chance, all...)
}

// register makes a task definition revision and goes on with it.
func (h *history) register(d ecs.TaskDefinition, then func(*ecs.TaskDefinition)) {
	h.submit(control.RegisterTaskDefinition{Definition: d}, func(result any) { then(result.(*ecs.TaskDefinition)) })
}

func (h *history) create(cluster string) {
	n := 1 + h.chance.upTo(h.o.Services-1)
	s := ecs.Service{Cluster: cluster, Name: fmt.Sprintf("service-%d", n), Desired: h.chance.upTo(h.o.MaxDesired)}
	s.MinimumHealthyPercent, s.MaximumPercent = h.drawPercents()
	s.Tags, s.Breaker, s.GracePeriod = h.drawTags(), h.drawBreaker(), h.drawGrace()
	s.PropagateTags, s.EnableECSManagedTags = uint8(h.chance.upTo(2)), h.chance.chance(0.5)
	token := ""
	if h.chance.chance(0.3) {
		token = fmt.Sprintf("create-%d", h.count)
	}
	h.register(define(h.chance, s.Name, h.o.Behaviours), func(d *ecs.TaskDefinition) {
		s.Definition, s.Network = d, networkOf(d)
		c := control.CreateService{Service: s, Token: token}
		h.submit(c, nil)
		if token != "" {
			h.submit(c, nil)
		}
	})
}

// drawTags draws tags of a service, no key twice.
func (h *history) drawTags() []ecs.Tag {
	var tags []ecs.Tag
	for _, tag := range h.o.Tags {
		if h.chance.chance(0.5) && !slices.ContainsFunc(tags, func(t ecs.Tag) bool { return t.Key == tag.Key }) {
			tags = append(tags, tag)
		}
	}
	return tags
}

func (h *history) drawBreaker() ecs.Breaker {
	if h.chance.chance(0.6) {
		return ecs.Breaker{}
	}
	return ecs.Breaker{Enabled: true, Rollback: h.chance.chance(0.5), Cumulative: h.chance.chance(0.3),
		Type: pick(h.chance, ecs.BoundedPercent, ecs.UnboundedPercent, ecs.FailureCount), Value: pick(h.chance, 1, 2, 5, 50)}
}

// drawGrace draws a grace period, in seconds.
func (h *history) drawGrace() int { return pick(h.chance, 0, 0, 20, 90) }

// networkOf gives the network that a service needs with a task definition.
func networkOf(d *ecs.TaskDefinition) *ecs.Network {
	if d.NetworkMode != ecs.NetworkAwsvpc {
		return nil
	}
	return &ecs.Network{Subnets: []string{"subnet-1"}}
}

// drawPercents draws a window in which something can move; the API refuses 100 and 100.
func (h *history) drawPercents() (minimum, maximum int) {
	minimum, maximum = pick(h.chance, 0, 25, 50, 75, 100), pick(h.chance, 100, 125, 150, 200)
	if minimum == 100 && maximum == 100 {
		maximum = 200
	}
	return minimum, maximum
}

func (h *history) deploy(cluster string) {
	s := h.service(cluster)
	if s == nil {
		return
	}
	h.register(define(h.chance, s.Name, h.o.Behaviours), func(d *ecs.TaskDefinition) {
		h.submit(control.UpdateService{Cluster: cluster, Name: s.Name, Definition: d, Network: networkOf(d)}, nil)
	})
}

func (h *history) scale(cluster string) {
	if s := h.service(cluster); s != nil {
		desired := h.chance.upTo(h.o.MaxDesired)
		h.submit(control.UpdateService{Cluster: cluster, Name: s.Name, Desired: &desired}, nil)
	}
}

func (h *history) percents(cluster string) {
	if s := h.service(cluster); s != nil {
		minimum, maximum := h.drawPercents()
		h.submit(control.UpdateService{Cluster: cluster, Name: s.Name, MinimumHealthyPercent: &minimum,
			MaximumPercent: &maximum}, nil)
	}
}

// settings changes what guards the deployments of a service.
func (h *history) settings(cluster string) {
	if s := h.service(cluster); s != nil {
		breaker, grace := h.drawBreaker(), h.drawGrace()
		h.submit(control.UpdateService{Cluster: cluster, Name: s.Name, Breaker: &breaker, GracePeriod: &grace}, nil)
	}
}

// tag changes the tags of a service or, now and then, of the cluster.
func (h *history) tag(cluster string) {
	s := h.service(cluster)
	if s == nil || len(h.o.Tags) == 0 {
		return
	}
	c := control.TagResource{Resource: control.Resource{Cluster: cluster, Service: s.Name}, Set: h.drawTags()}
	if h.chance.chance(0.2) {
		c.Resource.Service = ""
	}
	for _, tag := range h.o.Tags {
		if h.chance.chance(0.3) && !slices.Contains(c.Set, tag) {
			c.Remove = append(c.Remove, tag.Key)
		}
	}
	h.submit(c, nil)
}

// protect has some tasks protect themselves, or give that up.
func (h *history) protect(cluster string) {
	if h.w.server.root == nil {
		return
	}
	c := control.ProtectTasks{Cluster: cluster, For: pick(h.chance, 0, time.Minute, time.Minute, 4*time.Minute)}
	for _, t := range h.w.server.root.Tasks(root.TaskFilter{Cluster: cluster, Desired: ecs.StatusRunning}, 0, 1000) {
		if h.chance.chance(0.5) {
			c.Tasks = append(c.Tasks, t.ID)
		}
	}
	if len(c.Tasks) > 0 {
		h.submit(c, nil)
	}
}

func (h *history) force(cluster string) {
	if s := h.service(cluster); s != nil {
		h.submit(control.UpdateService{Cluster: cluster, Name: s.Name, Force: true}, nil)
	}
}

func (h *history) remove(cluster string) {
	if s := h.service(cluster); s != nil {
		h.submit(control.DeleteService{Cluster: cluster, Name: s.Name, Force: true}, nil)
	}
}

// burst has several things come to one service at once.
func (h *history) burst(cluster string) {
	for range 2 + h.chance.upTo(3) {
		pick(h.chance, (*history).scale, (*history).force, (*history).percents, (*history).deploy)(h, cluster)
	}
}

// confuse asks for what may not be there or not be allowed.
func (h *history) confuse(cluster string) {
	name := fmt.Sprintf("service-%d", 1+h.chance.upTo(h.o.Services))
	one := 1
	h.submit(pick(h.chance, []control.Command{
		control.DeleteService{Cluster: cluster, Name: name},
		control.UpdateService{Cluster: cluster, Name: name, Desired: &one},
		control.UpdateService{Cluster: "no-such-cluster", Name: name, Force: true},
		control.StopTask{Cluster: cluster, Task: ecs.ID{0xff}},
	}...), nil)
}

// run starts standalone tasks. Their startedBy tells them from all others.
func (h *history) run(cluster string) {
	job := fmt.Sprintf("job-%d", h.count)
	c := control.RunTask{Cluster: cluster, Count: 1 + h.chance.upTo(2), StartedBy: job}
	if h.chance.chance(0.5) {
		c.Token = job
	}
	h.asked[job] = c.Count
	d := define(h.chance, "job", h.o.Behaviours)
	if h.chance.chance(0.5) {
		c.Overrides = &ecs.Overrides{CPU: pick(h.chance, 0, 128), Memory: pick(h.chance, 0, 32), Containers: []ecs.ContainerOverride{
			{Name: "main", Environment: []ecs.Variable{{Name: fake.EnvExitAfter, Value: "1s..60s"}}}}}
	}
	h.register(d, func(d *ecs.TaskDefinition) {
		c.Definition, c.Network = d, networkOf(d)
		h.submit(c, nil)
		if c.Token != "" {
			h.tokens = append(h.tokens, c)
		}
	})
}

// repeat sends a request with a token again, as clients do that have waited for an answer in vain.
func (h *history) repeat(string) {
	if len(h.tokens) > 0 {
		h.submit(pick(h.chance, h.tokens...), nil)
	}
}

// stop stops a task.
func (h *history) stop(cluster string) {
	if h.w.server.root == nil {
		return
	}
	tasks := h.w.server.root.Tasks(root.TaskFilter{Cluster: cluster, Desired: ecs.StatusRunning}, 0, 1000)
	if len(tasks) > 0 {
		h.submit(control.StopTask{Cluster: cluster, Task: pick(h.chance, tasks...).ID, Reason: ecs.ReasonStoppedByUser}, nil)
	}
}

// insist sends a command until it is answered, and gives the answer.
func (h *history) insist(c control.Command) any {
	for range 1000 {
		var reply *Reply
		h.w.server.submit(c, func(r Reply) {
			h.ledger.take(c, r)
			reply = &r
		})
		for range 1000 {
			if reply != nil || h.w.failure != nil {
				break
			}
			h.w.advance(second / 10)
		}
		switch {
		case h.w.failure != nil:
			return nil
		case reply != nil && reply.Err == nil && !reply.Unknown:
			return reply.Result
		case reply != nil && !slices.Contains([]error{errDown, errFailing}, reply.Err) && !reply.Unknown:
			h.w.fail("commands are answered", "%T: %v", c, reply.Err)
			return nil
		}
	}
	h.w.fail("commands are answered", "%T: no answer", c)
	return nil
}
