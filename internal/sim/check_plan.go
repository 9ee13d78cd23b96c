package sim

import (
	"reflect"
	"slices"
	"time"

	"ballast/internal/control/services"
	"ballast/internal/ecs"
	"ballast/internal/scheduler"
	"ballast/internal/scheduler/placement"
	"ballast/internal/scheduler/policy"
)

// checkPlans holds every service against design property 1: it has been decided, so deciding it again wants nothing, twice.
// What it does not get it is told why, and truly.
func (c *checker) checkPlans() {
	c.machine.Services(func(s *services.Service) {
		record, view := s.Record(), s.Tracker().View()
		if record.Status == ecs.ServiceInactive {
			return
		}
		if view.NextHealthy != 0 && view.NextHealthy <= c.now {
			c.w.fail("services are woken", "service %s has had a task to call healthy for %d ms", record.Name, c.now-view.NextHealthy)
		}
		first := scheduler.Decide(view, c.now)
		if second := scheduler.Decide(view, c.now); !reflect.DeepEqual(first, second) {
			c.w.fail("deciding twice is the same", "service %s: %+v and %+v", record.Name, first, second)
		}
		if first.Acts() {
			c.w.fail("deciding again wants nothing", "service %s: %+v of %+v", record.Name, first, *view)
		}
		for i := range view.Deployments {
			if d := find(record, view.Deployments[i].ID); d != nil && view.Deployments[i].Refused > 0 && wantsRoom(first, d.ID) {
				c.checkRefused(record, d)
			}
		}
	})
}

// wantsRoom says whether a plan explains that a deployment waits for a container instance with room.
func wantsRoom(p scheduler.Plan, id ecs.DeploymentID) bool {
	return slices.ContainsFunc(p.Explanations, func(e scheduler.Explanation) bool {
		return e.Wait == scheduler.WaitPlacement && e.Deployment == id
	})
}

func find(s *ecs.Service, id ecs.DeploymentID) *ecs.Deployment {
	for i := range s.Deployments {
		if s.Deployments[i].ID == id {
			return &s.Deployments[i]
		}
	}
	return nil
}

// checkRefused sees that no container instance has room for a task that is said to have none.
func (c *checker) checkRefused(s *ecs.Service, d *ecs.Deployment) {
	demand := placement.DemandOf(d.Definition, nil)
	for _, i := range c.instances(s.Cluster) {
		if i.Connected && i.Status == ecs.InstanceActive && c.fits(i, demand) {
			c.w.fail("who waits for room is told when there is some", "service %s waits for %s, and instance %s has %+v", s.Name,
				demand, short(i.ID), i.Remaining)
		}
	}
}

// fits says whether a container instance has room, counting anew.
func (c *checker) fits(i *ecs.ContainerInstance, d placement.Demand) bool {
	u := c.used(i)
	free := func(taken, wanted []uint16) bool {
		return !slices.ContainsFunc(wanted, func(port uint16) bool { return slices.Contains(taken, port) })
	}
	return u.cpu+d.CPU <= i.Registered.CPU && u.memory+d.Memory <= i.Registered.Memory && free(u.tcp, d.Ports) &&
		free(u.udp, d.PortsUDP)
}

// checkTrackers holds the view of every service against one made anew of the committed tasks. decided says that the machine
// has looked at the time since it was loaded.
func (c *checker) checkTrackers(decided bool) {
	c.machine.Services(func(s *services.Service) {
		record := s.Record()
		p := c.policyOf(record)
		anew := scheduler.NewTracker()
		anew.SetService(record, p)
		anew.SetDeployments(record.Deployments)
		for _, t := range c.of(record) {
			facts := factsOf(t.Task, record, &p, c.w.balancer.sources(t.Task, record))
			if facts.Phase == scheduler.Warming && c.proven[t.ID] {
				facts.Phase, facts.Due = scheduler.Healthy, 0
			}
			anew.Update(facts)
		}
		if decided {
			anew.Promote(c.now)
		}
		kept, made := s.Tracker().View(), anew.View()
		agree := kept.NextHealthy == made.NextHealthy && s.Tracker().Len() == anew.Len() &&
			len(kept.Deployments) == len(made.Deployments)
		for _, d := range made.Deployments {
			i := slices.IndexFunc(kept.Deployments, func(k scheduler.Deployment) bool { return k.ID == d.ID })
			agree = agree && i >= 0 && kept.Deployments[i].Counts == d.Counts && kept.Deployments[i].Desired == d.Desired
		}
		if !agree && record.Status != ecs.ServiceInactive {
			c.w.fail("fast and slow agree", "service %s has %+v, made anew %+v", record.Name, *kept, *made)
		}
	})
}

// factsOf says what the scheduler should know of a task of which target groups say that.
func factsOf(t *ecs.Task, s *ecs.Service, p *policy.Policy, targets []scheduler.Source) scheduler.Task {
	facts := scheduler.Task{Seq: t.Seq, Deployment: t.Deployment, Protected: t.ProtectedUntil != 0}
	switch {
	case t.DesiredStatus == ecs.StatusStopped:
		facts.Phase = scheduler.Stopping
	case t.LastStatus != ecs.StatusRunning:
		facts.Phase = scheduler.Starting
	default:
		facts.Phase, facts.Due = scheduler.RunningPhase(t.StartedAt, time.Duration(s.GracePeriod)*time.Second, p,
			append(targets, scheduler.ContainerSource(t.Health, t.Definition.Checked()))...)
	}
	return facts
}
