package scheduler

import "ballast/internal/ecs"

// Cause says what fails a deployment.
type Cause uint8

// The causes.
const (
	// CauseBreaker: the circuit breaker has counted enough failures.
	CauseBreaker Cause = iota
	// CauseAlarm: an alarm is raised (API_DeploymentAlarms).
	CauseAlarm
	// CauseRecall: somebody has asked for the rollback (API_StopServiceDeployment).
	CauseRecall
)

// Reason is the rolloutStateReason of a deployment that failed by the cause. That of the circuit breaker is ECS's own; the others
// are not documented and follow its form.
func (c Cause) Reason() string {
	switch c {
	case CauseAlarm:
		return "ECS deployment alarm: alarm detected."
	case CauseRecall:
		return "ECS deployment stopped: rollback requested."
	}
	return ReasonTasksFailedToStart
}

// RollingBackReason is the rolloutStateReason of the deployment that brings a completed one back after a failure by the cause.
func (c Cause) RollingBackReason(to ecs.DeploymentID) string {
	what := "circuit breaker"
	switch c {
	case CauseAlarm:
		what = "alarm"
	case CauseRecall:
		what = "stopped"
	}
	return "ECS deployment " + what + ": rolling back to deploymentId " + to.String() + "."
}

// said is the end of the event that a deployment has failed; "alarm detected." is ECS's own, too (events of a real account).
func (c Cause) said() string {
	switch c {
	case CauseAlarm:
		return "alarm detected."
	case CauseRecall:
		return "rollback requested."
	}
	return "tasks failed to start."
}

// failure says whether the newest deployment fails now, and by what. A complete one does not fail any more, nor a failed one again.
func (v *View) failure() (Cause, bool) {
	if v.Deployments[0].Rollout != ecs.RolloutInProgress {
		return 0, false
	}
	switch {
	case v.Recalled:
		return CauseRecall, true
	case v.trips():
		return CauseBreaker, true
	case v.Watched && v.Raised:
		return CauseAlarm, true
	}
	return 0, false
}

// rollsBack says whether a failure by the cause asks for a rollback: that is up to what detected it ("the rollback option of the
// method that was triggered"), and a user who stops a deployment needs no such option (API_StopServiceDeployment).
func (v *View) rollsBack(c Cause) bool {
	switch c {
	case CauseAlarm:
		return v.AlarmsRollBack
	case CauseRecall:
		return true
	}
	return v.Breaker.Rollback
}

// fail plans that the newest deployment has failed, and whether the service goes back to the last completed one. A rollback
// leaves none to go back to until it is complete itself, so that one which fails is the end of it.
func (d *decision) fail(c Cause) {
	newest := &d.view.Deployments[0]
	d.rollout = ecs.RolloutFailed
	d.plan.Rollouts = append(d.plan.Rollouts, RolloutChange{Deployment: newest.ID, State: ecs.RolloutFailed,
		Reason: c.Reason(), Cause: c})
	d.plan.Events = append(d.plan.Events, Event{Kind: EventDeploymentFailed, Deployment: newest.ID, Cause: c})
	if d.view.rollsBack(c) && d.view.LastCompleted != 0 {
		d.plan.RollBackTo = d.view.LastCompleted
		d.plan.Events = append(d.plan.Events, Event{Kind: EventRollingBack, Deployment: d.view.LastCompleted})
	}
}
