package scheduler

import "ballast/internal/ecs"

// start plans the starts: older deployments that are sustained come first, because healthy tasks are short, then the newest.
func (d *decision) start() {
	wanted := 0
	for i := range d.view.Deployments {
		wanted += d.need(i)
	}
	d.explainFailed()
	if wanted == 0 {
		return
	}
	v := d.view
	paced := min(v.Debt, wanted)
	b := budget{room: max(0, v.MaxTasks()-d.all.Total()), free: wanted - paced}
	tokens := 0
	if paced > 0 {
		tokens = v.Pace.Tokens(d.now, v.Policy.PacePerMinute, v.Desired)
	}
	b.tokens = tokens
	for i := len(v.Deployments) - 1; i >= 0; i-- {
		d.startDeployment(i, &b)
	}
	if b.paceHeld {
		d.nextToken = v.Pace.When(tokens-b.tokens+1, d.now, v.Policy.PacePerMinute, v.Desired)
	}
}

// budget is what limits the starts of one plan.
type budget struct {
	room     int  // tasks that maximumPercent still allows
	free     int  // starts that take no token
	tokens   int  // starts that the pace allows beyond those
	paceHeld bool // the pace, and nothing before it, held a start back
}

// need is how many tasks deployment i lacks, given what is planned so far. An unhealthy task counts as lacking: it is to be
// replaced.
func (d *decision) need(i int) int {
	newest := &d.view.Deployments[0]
	switch {
	case i == 0 && d.rollout != ecs.RolloutFailed:
		return max(0, d.view.Desired-d.primary.Live()-d.started(newest.ID))
	case i > 0 && d.ownRevision:
		old := &d.view.Deployments[i]
		return max(0, d.goal(i)-old.Counts.Live()-d.started(old.ID))
	}
	return 0
}

// started counts the starts planned for a deployment.
func (d *decision) started(id ecs.DeploymentID) int {
	for i := range d.plan.Starts {
		if d.plan.Starts[i].Deployment == id {
			return d.plan.Starts[i].Count
		}
	}
	return 0
}

// startDeployment plans the starts of one deployment within the budget. A refused start keeps its room and its token, or the
// next in line would be refused as well, and the plan would never come to rest.
func (d *decision) startDeployment(i int, b *budget) {
	v, dep := d.view, &d.view.Deployments[i]
	wanted := d.need(i)
	if why, held := v.hold(d.now); i == 0 && held && wanted > 0 {
		why.Deployment, why.Tasks = dep.ID, wanted
		d.explain(why)
		d.wakeAt(why.Until)
		return
	}
	roomy := min(wanted, b.room)
	free := min(roomy, b.free)
	paced := min(roomy-free, b.tokens)
	allowed := free + paced
	b.room -= roomy
	b.free -= free
	b.tokens -= paced
	b.paceHeld = b.paceHeld || allowed < roomy

	refused := min(dep.Refused, allowed)
	if n := allowed - refused; n > 0 {
		unhealthy := dep.Counts[Unhealthy]
		if i == 0 {
			unhealthy = d.primary[Unhealthy]
		}
		d.plan.Starts = append(d.plan.Starts, Start{Deployment: dep.ID, Count: n, Replaces: min(n, unhealthy),
			Paced: min(n, paced)})
		d.all[Starting] += n
	}
	if n := wanted - roomy; n > 0 {
		d.explain(Explanation{Wait: WaitRoom, Deployment: dep.ID, Tasks: n, Percent: v.MaximumPercent, Limit: v.MaxTasks()})
	}
	if n := roomy - allowed; n > 0 {
		d.explain(Explanation{Wait: WaitPace, Deployment: dep.ID, Tasks: n, Limit: v.Policy.PacePerMinute,
			ShortRun: v.Policy.ShortRun})
	}
	if refused > 0 {
		d.explain(Explanation{Wait: WaitPlacement, Deployment: dep.ID, Tasks: refused})
		d.wakeAt(v.RetryAt)
	}
}

// explainFailed notes the tasks that a failed deployment does not start.
func (d *decision) explainFailed() {
	newest := &d.view.Deployments[0]
	if n := d.view.Desired - d.primary.Live(); d.rollout == ecs.RolloutFailed && n > 0 {
		d.explain(Explanation{Wait: WaitFailed, Deployment: newest.ID, Tasks: n})
	}
}
