package services

import (
	"slices"

	"ballast/internal/ecs"
	"ballast/internal/lb/health"
	"ballast/internal/scheduler"
)

// Target is what a load balancer has said of a task in one target group, or service discovery of one in a service registry. It is not
// journalled: they say it again after a restart, and until then nothing is known of a target, so that nothing is replaced.
type Target struct {
	Group  *health.Group
	Health health.Target
	Since  ecs.Time // when its state was heard of first
}

// Targeted takes over what a load balancer says of a task, and gives what was known before; known is false where nothing was. It
// gives no service where the target group is none of the task's. group is nil where the load balancer does not say how that is set.
func (b *Book) Targeted(at ecs.Time, t *ecs.Task, arn string, group *health.Group, now health.Target) (s *Service, was health.Target, known bool) {
	s = b.Numbered(t.Cluster, t.ServiceSeq)
	if s == nil || t.Service == "" || !s.Balanced(arn) && !s.registered(arn) {
		return nil, was, false
	}
	next := Target{Group: s.settings(arn, group), Health: now, Since: at}
	if s.targets == nil {
		s.targets = map[ecs.ID][]Target{}
	}
	i := slices.IndexFunc(s.targets[t.ID], func(x Target) bool { return x.Group.ARN == arn })
	if known = i >= 0; known {
		old := s.targets[t.ID][i]
		if was = old.Health; was.State() == now.State() {
			next.Since = old.Since
		}
		s.targets[t.ID][i] = next
	} else {
		s.targets[t.ID] = append(s.targets[t.ID], next)
	}
	switch {
	case t.Stopped():
		if !s.Attached(t.ID) {
			delete(s.targets, t.ID)
		}
	case !t.Kept:
		s.tracker.Update(s.stillHealthy(t, s.facts(t)))
		b.touch(s)
	}
	b.change(s)
	return s, was, known
}

// Balanced says whether the tasks of the service are to be registered with a target group.
func (s *Service) Balanced(arn string) bool {
	return slices.ContainsFunc(s.record.LoadBalancers, func(lb ecs.LoadBalancer) bool { return lb.TargetGroup == arn })
}

// registered says whether the tasks of the service are to be found in a service registry.
func (s *Service) registered(arn string) bool { return slices.Contains(s.record.Registries, arn) }

// settings gives the settings of a target group, one value for all targets that share them: as said now, as said before, or ELB's
// defaults.
func (s *Service) settings(arn string, said *health.Group) *health.Group {
	known, fresh := s.groups[arn], health.DefaultGroup(arn)
	switch {
	case said != nil && known != nil && *said == *known, said == nil && known != nil:
		return known
	case said != nil:
		fresh = *said
		fresh.ARN = arn
	}
	if s.groups == nil {
		s.groups = map[string]*health.Group{}
	}
	s.groups[arn] = &fresh
	return &fresh
}

// Targets gives what load balancers have said of a task.
func (s *Service) Targets(task ecs.ID) []Target { return s.targets[task] }

// TargetGroup gives the settings of a target group as far as they have been said, and how many tasks it has in each state.
func (s *Service) TargetGroup(arn string) (group *health.Group, states [health.States]int) {
	for _, targets := range s.targets {
		for _, x := range targets {
			if x.Group.ARN == arn {
				states[x.Health.State()]++
			}
		}
	}
	return s.groups[arn], states
}

// DrainedBy is when a task that has been told to stop, at a time since when load balancers could be heard, is drained for sure: the
// longest deregistration delay of its target groups later, or ELB's default one where nothing has been heard of a target.
func (s *Service) DrainedBy(t *ecs.Task, since ecs.Time) ecs.Time {
	last, heard := since, false
	for _, x := range s.targets[t.ID] {
		if !x.attached() || s.registered(x.Group.ARN) {
			continue
		}
		heard = true
		begins := since
		if x.Health.State() == health.Draining {
			begins = max(since, x.Since)
		}
		last = max(last, begins.Add(x.Group.Delay))
	}
	if !heard {
		return since.Add(health.DefaultDelay)
	}
	return last
}

// forgetTargets drops what is known of a task that is forgotten itself.
func (b *Book) forgetTargets(t *ecs.Task) {
	if s := b.Numbered(t.Cluster, t.ServiceSeq); s != nil && t.Service != "" {
		delete(s.targets, t.ID)
	}
}

// Attached says whether a task is a target, or still being drained. What is in a service registry only gets no requests to finish.
func (s *Service) Attached(task ecs.ID) bool {
	return slices.ContainsFunc(s.targets[task], func(x Target) bool { return x.attached() && !s.registered(x.Group.ARN) })
}

func (x Target) attached() bool { return x.Health.Registered() || x.Health.State() == health.Draining }

// FailedTarget gives the load balancer whose health checks a task fails, and why in its words; nil where there is none, or where a
// container check fails too.
func (s *Service) FailedTarget(t *ecs.Task) (*ecs.LoadBalancer, string) {
	if t.Health == ecs.HealthUnhealthy {
		return nil, ""
	}
	for i := range s.record.LoadBalancers {
		if t.Kept {
			return &s.record.LoadBalancers[i], "" // it is no target any more, so it is not known by now which it was
		}
		for _, x := range s.targets[t.ID] {
			if x.Group.ARN == s.record.LoadBalancers[i].TargetGroup && scheduler.TargetSource(x.Health.State()) == scheduler.SourceUnhealthy {
				return &s.record.LoadBalancers[i], x.Health.Description()
			}
		}
	}
	return nil, ""
}

// FailedRegistry gives the service registry whose health checks a task fails, "" where there is none.
func (s *Service) FailedRegistry(t *ecs.Task) string {
	for _, x := range s.targets[t.ID] {
		if s.registered(x.Group.ARN) && scheduler.TargetSource(x.Health.State()) == scheduler.SourceUnhealthy {
			return x.Group.ARN
		}
	}
	return ""
}

// sources appends what all say of the health of a task: its containers' checks, every target group that it is to be registered with,
// and service discovery.
func (s *Service) sources(t *ecs.Task, all []scheduler.Source) []scheduler.Source {
	all = append(all, scheduler.ContainerSource(t.Health, t.Definition.Checked()))
	for i := range s.record.Outsiders() {
		said := scheduler.SourceWaiting
		for _, x := range s.targets[t.ID] {
			if x.Group.ARN == s.record.Outsider(i) {
				said = scheduler.TargetSource(x.Health.State())
			}
		}
		all = append(all, said)
	}
	return all
}
