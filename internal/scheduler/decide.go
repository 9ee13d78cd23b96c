package scheduler

import (
	"ballast/internal/ecs"
	"ballast/internal/scheduler/policy"
)

// Decide says what the service needs at now. Tasks due to be healthy by now have to be promoted before (Tracker.Promote). It
// does not change the view, costs O(deployments + actions), and gives the same plan for the same arguments; once a plan has been
// applied, or its starts have been refused and noted as such, deciding again wants nothing.
func Decide(v *View, now ecs.Time) Plan {
	if v.Draining {
		return drain(v)
	}
	if len(v.Deployments) == 0 {
		return Plan{Steady: v.Steady}
	}
	d := newDecision(v, now)
	if cause, failed := v.failure(); failed {
		d.fail(cause)
		if d.plan.RollBackTo != 0 {
			return d.plan
		}
	}
	d.trimPrimary()
	for i := len(v.Deployments) - 1; i > 0; i-- {
		if d.ownRevision {
			d.sustain(i)
		} else {
			d.retire(i)
		}
	}
	d.explainOld()
	d.start()
	d.makeRoom()
	d.explainDeadlock()
	d.announceThrottle()
	d.announceBrake()
	d.finish()
	return d.plan
}

// drain stops every task of a deleted service.
func drain(v *View) Plan {
	p := Plan{Inactive: v.Counts().Total() == 0}
	for i := range v.Deployments {
		for phase := Starting; phase < Stopping; phase++ {
			if n := v.Deployments[i].Counts[phase]; n > 0 {
				p.Stops = append(p.Stops, Stop{Deployment: v.Deployments[i].ID, Phase: phase, Count: n,
					Code: ecs.ServiceSchedulerInitiated, Reason: ecs.ReasonServiceDeleted})
			}
		}
	}
	return p
}

// decision is a plan being made. Its counts follow the plan, as if each action were applied when it is planned.
type decision struct {
	view *View
	now  ecs.Time
	plan Plan

	primary Counts
	rollout ecs.RolloutState // of the newest deployment
	all     Counts           // of all deployments
	keep    int              // healthy tasks that stopping older ones must leave
	moving  int              // tasks that were starting, graced, warming or stopping at the outset

	// rolling means that older deployments still have tasks; ownRevision that those which fail are replaced by their own
	// revision for now.
	rolling     bool
	ownRevision bool

	shielded int // tasks that would be stopped were they not protected

	nextToken ecs.Time // when the pace allows one more start, 0 if it holds nothing back
}

func newDecision(v *View, now ecs.Time) decision {
	d := decision{view: v, now: now, primary: v.Deployments[0].Counts, all: v.Counts(), keep: v.MinHealthy(),
		rollout: v.Deployments[0].Rollout}
	if _, failed := v.failure(); failed {
		d.rollout = ecs.RolloutFailed
	}
	if d.rollout == ecs.RolloutFailed {
		// The newest deployment will not fill the gap, so the older ones keep what the service should have.
		d.keep = v.Desired
	}
	d.moving = d.all[Starting] + d.all[Graced] + d.all[Warming] + d.all[Stopping]
	d.rolling = d.all.Total() > d.primary.Total()
	// While there are enough healthy tasks an old one that fails is not missed: it would have been stopped next.
	d.ownRevision = v.Policy.OldTasks == policy.ByOwnRevision && d.all[Healthy] < d.keep
	return d
}

// trimPrimary stops what the newest deployment has too much of.
func (d *decision) trimPrimary() {
	surplusUnhealthy := d.primary[Healthy] + d.primary[Unhealthy] - d.view.Desired
	switch {
	case d.stopsUnhealthyFirst():
		surplusUnhealthy = d.primary[Unhealthy]
	case d.rollout == ecs.RolloutFailed:
		surplusUnhealthy = d.all[Healthy] + d.all[Unhealthy] - d.view.Desired // older ones serve as well
	}
	d.stop(0, Unhealthy, min(d.primary[Unhealthy], surplusUnhealthy))

	surplus := d.primary.Live() - d.view.Desired
	for phase := Starting; phase <= Healthy; phase++ {
		n := min(d.free(0, phase), max(0, surplus))
		if phase == Healthy {
			// Where protected tasks that are not healthy yet are part of the surplus, healthy ones do not make up for them.
			n = min(n, max(0, d.all[Healthy]-d.keep))
		}
		d.stop(0, phase, n)
		surplus -= n
	}
	d.explainProtected(0, surplus)
}

// stopsUnhealthyFirst says whether an unhealthy task of the newest deployment is stopped before its replacement is healthy:
// always before October 2023, and under the 2023 rules while a rollout is under way ("Because there's an active rolling deployment
// occurring, Amazon ECS resorts to terminating unhealthy tasks immediately"). One that has failed starts nothing in their place.
func (d *decision) stopsUnhealthyFirst() bool {
	return d.view.Policy.Unhealthy == policy.StopFirst ||
		d.rolling && d.rollout == ecs.RolloutInProgress && d.view.Policy.OldTasks == policy.ByNewest
}

// retire stops the tasks of an older deployment as far as the healthy-percent window allows; nothing replaces them but the
// newest deployment, and where that has failed unhealthy ones are kept, for they may recover.
func (d *decision) retire(i int) {
	unhealthy := d.view.Deployments[i].Counts[Unhealthy]
	if d.rollout == ecs.RolloutFailed && d.view.Policy.Unhealthy == policy.ReplacementFirst {
		unhealthy = min(unhealthy, d.all[Healthy]+d.all[Unhealthy]-d.view.Desired)
	}
	d.stop(i, Starting, d.free(i, Starting))
	d.stop(i, Unhealthy, unhealthy)
	graced := min(d.free(i, Graced), max(0, d.all[Graced]+d.all[Warming]+d.all[Healthy]-d.keep))
	d.stop(i, Graced, graced)
	warming := min(d.free(i, Warming), max(0, d.all[Warming]+d.all[Healthy]-d.keep))
	d.stop(i, Warming, warming)
	healthy := min(d.free(i, Healthy), max(0, d.all[Healthy]-d.keep))
	d.stop(i, Healthy, healthy)
	left := d.left(i)
	d.setDesired(i, left.Live()+left[Unhealthy])
}

// sustain keeps an older deployment at its desired count while healthy tasks are short: what fails is replaced by its own
// revision, save tasks that never proved themselves.
func (d *decision) sustain(i int) {
	old := &d.view.Deployments[i]
	goal := d.goal(i)
	d.stop(i, Unhealthy, min(old.Counts[Unhealthy], old.Counts[Healthy]+old.Counts[Unhealthy]-goal))
	d.stop(i, Starting, min(d.free(i, Starting), old.Counts.Live()-goal))
	d.setDesired(i, goal)
}

// goal is how many tasks an older deployment should have while it is sustained; one that has failed starts none.
func (d *decision) goal(i int) int {
	if d.view.Deployments[i].Rollout == ecs.RolloutFailed {
		return 0
	}
	return max(0, d.view.Deployments[i].Desired-d.view.Deployments[i].Lost)
}

// stop plans to stop n tasks of deployment i in a phase; nothing if n is not positive.
func (d *decision) stop(i int, phase Phase, n int) {
	if n <= 0 {
		return
	}
	id := d.view.Deployments[i].ID
	reason := ReasonFailedContainerChecks
	if phase != Unhealthy {
		// The deployment named is the one whose count shrinks, so it is the task's own.
		reason = ecs.ReasonScaling(id)
	}
	d.plan.Stops = append(d.plan.Stops, Stop{Deployment: id, Phase: phase, Count: n,
		Code: ecs.ServiceSchedulerInitiated, Reason: reason})
	d.all[phase] -= n
	d.all[Stopping] += n
	if i == 0 {
		d.primary[phase] -= n
		d.primary[Stopping] += n
	}
}

func (d *decision) setDesired(i, desired int) {
	if old := &d.view.Deployments[i]; old.Desired != desired {
		d.plan.Desired = append(d.plan.Desired, DesiredChange{Deployment: old.ID, Desired: desired})
	}
}

func (d *decision) explain(e Explanation) { d.plan.Explanations = append(d.plan.Explanations, e) }

// makeRoom stops one unhealthy task where its replacement cannot start beside it for want of room ("Limited maximum percent"), be it
// that of maximumPercent or that of the cluster: replacements come first "as long as cluster resources for starting replacement tasks
// are available" (API_DeploymentConfiguration). Only one at a time, and the next only when nothing is on its way any more.
func (d *decision) makeRoom() {
	if len(d.plan.Starts)+len(d.plan.Stops)+d.moving > 0 || d.all[Unhealthy] == 0 {
		return
	}
	limited := d.all.Total() >= d.view.MaxTasks()
	_, held := d.view.hold(d.now)
	for i := len(d.view.Deployments) - 1; i >= 0; i-- {
		if i == 0 && held {
			return // nothing would take its place
		}
		dep := &d.view.Deployments[i]
		if need := d.need(i); need > 0 && dep.Counts[Unhealthy] > 0 && (limited || dep.crowdedOut(need)) {
			d.stop(i, Unhealthy, 1)
			return
		}
	}
}

// crowdedOut says whether no container instance has room for any of the starts that a deployment needs, while each of them would replace
// an unhealthy task: one that is stopped gives its room to its replacement. Where a task is missing besides, that one comes first.
func (d *Deployment) crowdedOut(need int) bool {
	return d.NoRoom && d.Refused > 0 && need <= d.Counts[Unhealthy]
}

// explainDeadlock notes a rollout in which nothing can move.
func (d *decision) explainDeadlock() {
	stuck := d.rolling && d.need(0) > 0 && d.all.Total() >= d.view.MaxTasks()
	if stuck && d.shielded == 0 && len(d.plan.Starts)+len(d.plan.Stops)+d.moving == 0 {
		d.explain(Explanation{Wait: WaitDeadlock, Deployment: d.view.Deployments[0].ID, Tasks: d.need(0)})
		d.plan.Deadlocked = true
		if !d.view.Deadlocked {
			d.plan.Events = append(d.plan.Events, Event{Kind: EventDeadlocked})
		}
	}
}

// finish removes empty deployments, completes the newest one and announces the steady state, all as things will be once the
// plan is applied.
func (d *decision) finish() {
	others := 0
	for i := len(d.view.Deployments) - 1; i > 0; i-- {
		old := &d.view.Deployments[i]
		if old.Counts.Total() == 0 && !(d.ownRevision && d.goal(i) > 0) {
			d.plan.Remove = append(d.plan.Remove, old.ID)
		} else {
			others++
		}
	}
	newest := &d.view.Deployments[0]
	complete := d.rollout == ecs.RolloutCompleted
	settled := d.primary[Healthy] == d.view.Desired && d.primary.Live() == d.view.Desired && d.primary[Unhealthy] == 0
	if d.rollout == ecs.RolloutInProgress && d.succeeds(settled, others) {
		complete = true
		d.plan.Rollouts = append(d.plan.Rollouts, RolloutChange{Deployment: newest.ID, State: ecs.RolloutCompleted,
			Reason: CompletedReason(newest.ID)})
		d.plan.Events = append(d.plan.Events, Event{Kind: EventDeploymentCompleted, Deployment: newest.ID})
	}
	d.plan.Steady = complete && settled && others == 0 && d.primary[Stopping] == 0
	if d.plan.Steady && !d.view.Steady {
		d.plan.Events = append(d.plan.Events, Event{Kind: EventSteadyState})
	}
	d.wakeAt(d.view.NextHealthy)
	d.wakeAt(d.nextToken)
}

// wakeAt has the service decided again at a moment, unless it is before; 0 is never.
func (d *decision) wakeAt(at ecs.Time) {
	if at != 0 && (d.plan.Wake == 0 || at < d.plan.Wake) {
		d.plan.Wake = at
	}
}
