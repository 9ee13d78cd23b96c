package sim

import (
	"time"

	"ballast/internal/control"
	"ballast/internal/ecs"
)

// Create registers a task definition and creates a service of it. Of Service, what a client says of one counts.
type Create struct {
	Service    ecs.Service
	Definition ecs.TaskDefinition
	Token      string // with one, the request is sent twice
}

// Update changes a service; what is nil or false stays. A task definition is registered first.
type Update struct {
	Cluster, Service                               string
	Definition                                     *ecs.TaskDefinition
	Desired, MinimumHealthyPercent, MaximumPercent *int
	Breaker                                        *ecs.Breaker
	GracePeriod                                    *int // seconds
	Force                                          bool
}

// Delete deletes a service.
type Delete struct {
	Cluster, Service string
	Force            bool
}

// Tag changes the tags of a service, or of its cluster where Service is "".
type Tag struct {
	Cluster, Service string
	Set              []ecs.Tag
	Remove           []string
}

// Protect has tasks protect themselves for a while, or give that up where For is 0. Tasks are numbered from 1 as they are created, those of
// all clusters together.
type Protect struct {
	Cluster string
	Tasks   []int
	For     time.Duration
}

// RunTasks registers a task definition and starts standalone tasks of it. StartedBy tells them from all others.
type RunTasks struct {
	Cluster, StartedBy, Token string
	Count                     int
	Overrides                 *ecs.Overrides
	Definition                ecs.TaskDefinition
}

// Repeat sends a RunTasks with that token again, once it has been answered, as clients do that have waited for an answer in vain.
type Repeat struct{ Token string }

// Stop stops a task; 0 is one that never was.
type Stop struct {
	Cluster string
	Task    int
}

// register makes a task definition revision and goes on with it.
func (p *player) register(d ecs.TaskDefinition, then func(*ecs.TaskDefinition)) {
	d.Document = document
	p.submit(control.RegisterTaskDefinition{Definition: d}, func(result any) { then(result.(*ecs.TaskDefinition)) })
}

func (a *Create) perform(p *player) {
	p.register(a.Definition, func(d *ecs.TaskDefinition) {
		s := a.Service
		s.Definition, s.Network = d, networkOf(d)
		c := control.CreateService{Service: s, Token: a.Token}
		p.submit(c, nil)
		if a.Token != "" {
			p.submit(c, nil)
		}
	})
}

func (a *Update) perform(p *player) {
	c := control.UpdateService{Cluster: a.Cluster, Name: a.Service, Desired: a.Desired, MinimumHealthyPercent: a.MinimumHealthyPercent,
		MaximumPercent: a.MaximumPercent, Breaker: a.Breaker, GracePeriod: a.GracePeriod, Force: a.Force}
	if a.Definition == nil {
		p.submit(c, nil)
		return
	}
	p.register(*a.Definition, func(d *ecs.TaskDefinition) {
		c.Definition, c.Network = d, networkOf(d)
		p.submit(c, nil)
	})
}

func (a *Delete) perform(p *player) {
	p.submit(control.DeleteService{Cluster: a.Cluster, Name: a.Service, Force: a.Force}, nil)
}

func (a *Tag) perform(p *player) {
	p.submit(control.TagResource{Resource: control.Resource{Cluster: a.Cluster, Service: a.Service}, Set: a.Set, Remove: a.Remove}, nil)
}

func (a *Protect) perform(p *player) {
	c := control.ProtectTasks{Cluster: a.Cluster, For: a.For}
	for _, n := range a.Tasks {
		c.Tasks = append(c.Tasks, p.census.id(n))
	}
	p.submit(c, nil)
}

func (a *RunTasks) perform(p *player) {
	p.asked[a.StartedBy] += a.Count
	p.register(a.Definition, func(d *ecs.TaskDefinition) {
		c := control.RunTask{Cluster: a.Cluster, Count: a.Count, StartedBy: a.StartedBy, Token: a.Token, Overrides: a.Overrides,
			Definition: d, Network: networkOf(d)}
		p.submit(c, nil)
		if c.Token != "" {
			p.tokens = append(p.tokens, c)
		}
	})
}

func (a *Repeat) perform(p *player) {
	for _, c := range p.tokens {
		if c.Token == a.Token {
			p.submit(c, nil)
			return
		}
	}
}

func (a *Stop) perform(p *player) {
	p.submit(control.StopTask{Cluster: a.Cluster, Task: p.census.id(a.Task), Reason: ecs.ReasonStoppedByUser}, nil)
}

// networkOf gives the network that a service needs with a task definition.
func networkOf(d *ecs.TaskDefinition) *ecs.Network {
	if d.NetworkMode != ecs.NetworkAwsvpc {
		return nil
	}
	return &ecs.Network{Subnets: []string{"subnet-1"}}
}
