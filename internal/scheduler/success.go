package scheduler

import "ballast/internal/ecs"

// succeeds says whether the newest deployment, under way, is complete: with all of its tasks healthy and no others left, or as
// soon as the early success criteria say so; and then, where alarms are watched, after a while in which none was raised
// (developer guide, Complete Amazon ECS rolling deployments early with early success criteria).
func (d *decision) succeeds(settled bool, others int) bool {
	met, alone := settled && others == 0, others == 0
	if early := d.view.Early; early != nil && d.view.Desired > 0 && d.primary[Healthy] >= EnoughHealthy(*early, d.view.Desired) {
		met, alone = true, alone || early.Deferred
	}
	if !met {
		return false
	}
	if !d.view.Watched {
		return alone
	}
	d.plan.BakingSince = d.view.BakingSince
	if d.plan.BakingSince == 0 {
		d.plan.BakingSince = d.now
	}
	until := d.plan.BakingSince.Add(d.view.Policy.BakeTime)
	if d.now < until {
		d.explain(Explanation{Wait: WaitBake, Deployment: d.view.Deployments[0].ID, Until: until})
		d.wakeAt(until)
		return false
	}
	return alone
}

// EnoughHealthy is how many tasks of a deployment have to be healthy for early success: the percentage of the desired count, rounded
// up, and one at least (developer guide, the same page).
func EnoughHealthy(early ecs.EarlySuccess, desired int) int {
	return max(1, (desired*early.Percent+99)/100)
}
