package services

import (
	"slices"

	"ballast/internal/ecs"
	"ballast/internal/lb/health"
	"ballast/internal/scheduler"
)

// target is what a load balancer has said of a task in one target group. It is not journalled: load balancers say it again after a
// restart, and until then nothing is known of a target, so that nothing is replaced.
type target struct {
	group  string
	health health.Target
}

// Targeted takes over what a load balancer says of a task, and gives what was known before; known is false where nothing was.
func (b *Book) Targeted(t *ecs.Task, group string, now health.Target) (s *Service, was health.Target, known bool) {
	s = b.numbers[number{t.Cluster, t.ServiceSeq}]
	if s == nil || t.Service == "" {
		return nil, was, false
	}
	if s.targets == nil {
		s.targets = map[ecs.ID][]target{}
	}
	at := slices.IndexFunc(s.targets[t.ID], func(x target) bool { return x.group == group })
	if known = at >= 0; known {
		was = s.targets[t.ID][at].health
		s.targets[t.ID][at].health = now
	} else {
		s.targets[t.ID] = append(s.targets[t.ID], target{group, now})
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

// forgetTargets drops what is known of a task that is forgotten itself.
func (b *Book) forgetTargets(t *ecs.Task) {
	if s := b.numbers[number{t.Cluster, t.ServiceSeq}]; s != nil && t.Service != "" {
		delete(s.targets, t.ID)
	}
}

// Attached says whether a task is a target, or still being drained.
func (s *Service) Attached(task ecs.ID) bool {
	return slices.ContainsFunc(s.targets[task], func(x target) bool {
		return x.health.Registered() || x.health.State() == health.Draining
	})
}

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
			if x.group == s.record.LoadBalancers[i].TargetGroup && scheduler.TargetSource(x.health.State()) == scheduler.SourceUnhealthy {
				return &s.record.LoadBalancers[i], x.health.Description()
			}
		}
	}
	return nil, ""
}

// sources appends what all say of the health of a task: its containers' checks, and every target group that it is to be registered with.
func (s *Service) sources(t *ecs.Task, all []scheduler.Source) []scheduler.Source {
	all = append(all, scheduler.ContainerSource(t.Health, t.Definition.Checked()))
	for i := range s.record.LoadBalancers {
		said := scheduler.SourceWaiting
		for _, x := range s.targets[t.ID] {
			if x.group == s.record.LoadBalancers[i].TargetGroup {
				said = scheduler.TargetSource(x.health.State())
			}
		}
		all = append(all, said)
	}
	return all
}
