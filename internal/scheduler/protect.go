package scheduler

import "ballast/internal/ecs"

// Tasks that protect themselves are not stopped by scale-in and deployments (developer guide, Protect your Amazon ECS tasks from being
// terminated by scale-in events); a task that fails a health check is, and so is every task of a deleted service.

// free counts the tasks of deployment i in a phase that may be stopped because there are too many.
func (d *decision) free(i int, phase Phase) int {
	dep := &d.view.Deployments[i]
	return dep.Counts[phase] - dep.Protected[phase]
}

// left is what the stops planned so far leave of deployment i.
func (d *decision) left(i int) Counts {
	dep := &d.view.Deployments[i]
	left := dep.Counts
	for _, stop := range d.plan.Stops {
		if stop.Deployment == dep.ID {
			left[stop.Phase] -= stop.Count
		}
	}
	return left
}

// explainOld says why tasks of older deployments are left, once all stops are planned: they are protected, or they are needed until
// the newest deployment has healthy ones. Where that has failed, they stay, and that is told anyway (WaitFailed).
func (d *decision) explainOld() {
	for i := len(d.view.Deployments) - 1; i > 0; i-- {
		left := d.left(i)
		if d.ownRevision {
			d.explainProtected(i, min(left[Starting], left.Live()-d.goal(i)))
			continue
		}
		shielded := left[Starting] + min(left[Graced], max(0, d.all[Graced]+d.all[Warming]+d.all[Healthy]-d.keep)) +
			min(left[Warming], max(0, d.all[Warming]+d.all[Healthy]-d.keep)) + min(left[Healthy], max(0, d.all[Healthy]-d.keep))
		if needed := left.Live() - shielded; needed > 0 && d.rollout != ecs.RolloutFailed {
			d.explain(Explanation{Wait: WaitHealthy, Deployment: d.view.Deployments[i].ID, Tasks: needed,
				Percent: d.view.MinimumHealthyPercent, Limit: d.keep})
		}
		d.explainProtected(i, shielded)
	}
}

// explainProtected notes that n tasks of deployment i would be stopped were they not protected, and announces it when the number is
// another one than was announced.
func (d *decision) explainProtected(i, n int) {
	if n <= 0 {
		return
	}
	d.shielded += n
	dep := &d.view.Deployments[i]
	d.explain(Explanation{Wait: WaitProtected, Deployment: dep.ID, Tasks: n})
	if dep.Announced != n {
		d.plan.Events = append(d.plan.Events, Event{Kind: EventProtected, Deployment: dep.ID, Tasks: n})
	}
}

// Candidates appends the seqs of the tasks that a stop may be about, in ascending order: the protected ones are among them only where
// protection does not count.
func (t *Tracker) Candidates(stop Stop, seqs []uint64) []uint64 {
	if stop.Phase == Unhealthy || t.view.Draining {
		return t.Tasks(stop.Deployment, stop.Phase, seqs)
	}
	from := len(seqs)
	seqs = t.Tasks(stop.Deployment, stop.Phase, seqs)
	kept := seqs[:from]
	for _, seq := range seqs[from:] {
		if !t.tasks[t.slots[seq]].task.Protected {
			kept = append(kept, seq)
		}
	}
	return kept
}

// Protected counts the tasks of all deployments that are protected from being stopped.
func (v *View) Protected() int {
	n := 0
	for i := range v.Deployments {
		n += v.Deployments[i].Protected.Live()
	}
	return n
}

// protects counts a task in or out of those that are protected. An unhealthy task is not, whatever it has asked for.
func (t *Tracker) protects(at int32, by int) {
	entry := &t.tasks[at]
	if !entry.task.Protected || entry.task.Phase > Healthy {
		return
	}
	d := &t.view.Deployments[indexOf(t.view.Deployments, entry.task.Deployment)]
	d.Protected[entry.task.Phase] += by
	if d.Protected.Live() == 0 {
		d.Announced = 0 // the next time is news again
	}
}
