package scheduler

import (
	"strconv"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/scheduler/policy"
)

// The brake ends a loop that ECS lets run for ever: tasks that come to RUNNING and end by themselves soon after. It is off unless
// a tag asks for it, and it counts waves as the throttle does.

// brakeFactor is by how much a wait under BrakeBackoff grows with each wave.
const brakeFactor = 2

// Exited notes that a task ended by itself at now after it had been RUNNING for ran.
func (t *Tracker) Exited(id ecs.DeploymentID, seq uint64, ran time.Duration, now ecs.Time) {
	t.Fail(id, FailureExited)
	p := &t.view.Policy
	if p.Brake == policy.BrakeOff || indexOf(t.view.Deployments, id) != 0 {
		return
	}
	switch {
	case ran >= p.ShortRun:
		t.view.Brake = ecs.Backoff{Since: now, Newest: t.newest}
	case seq > t.view.Brake.Newest:
		t.waveFailed(&t.view.Brake, now)
	}
}

// braked is when the newest deployment may replace short runs again, 0 for at any time; parked says that it may not at all until
// there is another deployment.
func (v *View) braked() (until ecs.Time, parked bool) {
	p := &v.Policy
	switch {
	case p.Brake == policy.BrakePark && v.Brake.Failed >= p.BrakeAfter:
		return 0, true
	case p.Brake == policy.BrakeBackoff && v.Brake.Failed > 0:
		return v.Brake.Since.Add(v.BrakeWait(v.Brake.Failed)), false
	}
	return 0, false
}

// BrakeWait is how long policy.BrakeBackoff waits once that many waves in a row, at least one, stopped soon after they started.
func (v *View) BrakeWait(failed int) time.Duration {
	return growing(v.Policy.BrakeBase, brakeFactor, failed-1, v.Policy.BrakeMax)
}

// announceBrake says that the brake holds a service back, once until a task runs for longer or there is another deployment.
func (d *decision) announceBrake() {
	until, parked := d.view.braked()
	switch {
	case d.view.Brake.Announced:
	case parked:
		d.plan.Events = append(d.plan.Events, Event{Kind: EventParked, Tasks: d.view.Brake.Failed})
	case until > d.now:
		d.plan.Events = append(d.plan.Events, Event{Kind: EventBraked})
	}
}

// BrakedEvent says that replacements wait longer and longer.
func BrakedEvent(service string) string {
	return prefix(service) + " has tasks that stop soon after they started. Their replacements wait longer each time" +
		" (ballast:loop-brake=backoff); a new deployment starts tasks at once."
}

// ParkedEvent says that a service starts nothing any more, after that many waves, and how it goes on.
func ParkedEvent(service string, waves int) string {
	return prefix(service) + " is parked: the last " + strconv.Itoa(waves) + " waves of tasks stopped soon after they started" +
		" (ballast:loop-brake=park). It starts no tasks until there is a new deployment, or another value of the tag."
}
