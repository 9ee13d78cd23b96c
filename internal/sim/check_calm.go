package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ballast/internal/control"
	"ballast/internal/control/services"
	"ballast/internal/ecs"
	"ballast/internal/scheduler"
	"ballast/internal/scheduler/placement"
)

const comesToRest = "everything comes to rest when faults have stopped"

const (
	// calmFor is how long everything may take to come to rest when nothing breaks any more. The longest way there is a rollout of
	// ten tasks one by one, each with a slow start, 40 s until it is healthy and a slow stop of the one before.
	calmFor = 40 * time.Minute
	// calmStep is how often the calm is looked at, restedFor how long it must last.
	calmStep  = 5 * second
	restedFor = time.Minute
	// sessionsSettle is how long an agent may take to notice that a connection is of no use, with two tries and late copies.
	sessionsSettle = 3 * time.Minute
	// haltFor is longer than a start that hangs is waited for, and the stop after it.
	haltFor = 10 * time.Minute
)

// calm holds the end of a history against design property 3: every service comes to its desired count, or its explanation says
// why not; then control is started anew, which must disturb nothing.
func (c *checker) calm() {
	c.rest()
	if c.w.failure != nil {
		return
	}
	c.checkJournal()
	c.checkEvents(true)
	c.checkLeft()
	born, unsettled := len(c.born), c.unsettled
	c.w.server.crash()
	c.w.server.start()
	c.w.advance(restedFor)
	if c.w.failure == nil && !unsettled && len(c.born) != born {
		c.w.fail("a restart disturbs nothing", "%d tasks were started", len(c.born)-born)
	}
}

// rest waits until nothing is pending for a while.
func (c *checker) rest() {
	began, rested := c.w.now, c.w.now
	end, hungUp := began.Add(calmFor), -1
	for c.w.failure == nil && c.w.now.Sub(rested) < restedFor {
		c.w.advance(calmStep)
		if c.w.now.Sub(began) >= sessionsSettle && hungUp < 0 {
			hungUp = c.hangUps()
		}
		if hungUp >= 0 && c.hangUps() > hungUp {
			c.w.fail("sessions last where the network is good", "an agent hung up %v after all faults had ended", c.w.now.Sub(began))
		}
		pending := c.pending()
		if len(pending) > 0 {
			rested = c.w.now
		}
		if c.w.now >= end {
			c.w.fail(comesToRest, "after %v there is still:\n  %s", calmFor, strings.Join(pending, "\n  "))
		}
	}
}

// hangUps counts how often agents have given up a connection.
func (c *checker) hangUps() int {
	n := 0
	for _, h := range c.w.hosts {
		n += h.hangUps
	}
	return n
}

// halt has control stop every task, as Ctrl-C does, and start anew: then every service comes back.
func (c *checker) halt() {
	c.halted = true
	c.p.insist(control.Halt{})
	for end := c.w.now.Add(haltFor); c.w.failure == nil && len(c.live) > 0; c.w.advance(calmStep) {
		if c.w.now >= end {
			c.w.fail("halting ends every task", "after %v there is still %s", haltFor, describe(c.live[0].Task))
		}
	}
	if c.w.failure == nil {
		c.w.server.crash()
		c.halted = false
		c.w.server.start()
		c.rest()
	}
}

// pending lists what has not come to rest and has no right not to.
func (c *checker) pending() []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	c.unsettled = false
	for _, cluster := range c.root.Clusters("", 1000) {
		for _, i := range c.instances(cluster.Name) {
			if !i.Connected {
				say("instance %s is not connected", short(i.ID))
			}
		}
	}
	c.machine.Services(func(s *services.Service) {
		if what := c.pendingService(s); what != "" {
			say("service %s of %s: %s", s.Record().Name, s.Record().Cluster, what)
		}
	})
	for _, t := range c.live {
		bad := isBadFor(c.root.Service(t.Cluster, t.Service), t.Definition)
		switch {
		case bad:
		case t.LastStatus != ecs.StatusRunning:
			say("%s", describe(t.Task))
		case !c.runs(t.Task):
			say("%s does not run", describe(t.Task))
		}
		if what := c.ofTwoMinds(t.Task); what != "" {
			say("%s, and its last checks found something else", what)
		}
		c.unsettled = c.unsettled || bad
	}
	for _, what := range c.astray() {
		say("%s", what)
	}
	if orphan := c.orphan(); orphan != "" {
		say("container %s runs for no task", orphan)
	}
	return out
}

// pendingService says what a service lacks without an explanation; "" when nothing.
func (c *checker) pendingService(s *services.Service) string {
	r := s.Record()
	if r.Status == ecs.ServiceDraining {
		return "DRAINING"
	}
	fine := len(r.Deployments) == 1 && r.Deployments[0].Rollout == ecs.RolloutCompleted && r.Running == r.Desired &&
		r.Pending == 0 && r.Steady
	failed := len(r.Deployments) == 1 && r.Deployments[0].Rollout == ecs.RolloutFailed && r.Running == r.Desired && r.Pending == 0
	if r.Status == ecs.ServiceInactive || fine || failed { // which lacks nothing, and is never called steady
		return ""
	}
	c.unsettled = true
	for _, e := range s.Explanations() {
		stuck := s.Tracker().View().MaxTasks() <= s.Tracker().View().MinHealthy()
		if e.Wait == scheduler.WaitPlacement || e.Wait == scheduler.WaitDeadlock || e.Wait == scheduler.WaitRoom && stuck {
			return ""
		}
		if e.Wait == scheduler.WaitFailed || e.Wait == scheduler.WaitParked {
			return "" // until there is another deployment
		}
		if e.Wait == scheduler.WaitThrottle && e.Until > c.now && !c.hasRoom(r) {
			return "" // it is tried again then, and there is no room still
		}
	}
	if (isBadFor(r, r.Definition) || comesAndGoes(r.Definition)) && (len(c.of(r)) > 0 || len(s.Explanations()) > 0) {
		return "" // its tasks end by themselves, and others follow them; or they are never healthy for long
	}
	return fmt.Sprintf("desired %d, running %d, pending %d, steady %v, deployments %+v, explained %v, view %+v", r.Desired, r.Running,
		r.Pending, r.Steady, r.Deployments, s.Explanations(), *s.Tracker().View())
}

// hasRoom says whether a container instance has room for another task of a service.
func (c *checker) hasRoom(s *ecs.Service) bool {
	demand := placement.DemandOf(s.Definition, nil)
	return slices.ContainsFunc(c.instances(s.Cluster), func(i *ecs.ContainerInstance) bool {
		return i.Connected && i.Status == ecs.InstanceActive && c.fits(i, demand)
	})
}
