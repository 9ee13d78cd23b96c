package scheduler

import (
	"testing"

	"ballast/internal/ecs"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// The examples of the developer guide, and the bounds.
func TestThreshold(t *testing.T) {
	tests := []struct {
		breaker       ecs.Breaker
		desired, want int
	}{
		{ecs.Breaker{}, 0, 3},
		{ecs.Breaker{}, 1, 3},
		{ecs.Breaker{}, 6, 3},
		{ecs.Breaker{}, 7, 4},
		{ecs.Breaker{}, 25, 13},
		{ecs.Breaker{}, 399, 200},
		{ecs.Breaker{}, 400, 200},
		{ecs.Breaker{}, 800, 200},
		{ecs.Breaker{Type: ecs.BoundedPercent, Value: 10}, 50, 5},
		{ecs.Breaker{Type: ecs.BoundedPercent, Value: 10}, 51, 6},
		{ecs.Breaker{Type: ecs.BoundedPercent, Value: 100}, 201, 200},
		{ecs.Breaker{Type: ecs.UnboundedPercent, Value: 50}, 800, 400},
		{ecs.Breaker{Type: ecs.UnboundedPercent, Value: 50}, 3, 2},
		{ecs.Breaker{Type: ecs.UnboundedPercent, Value: 50}, 0, 1},
		{ecs.Breaker{Type: ecs.FailureCount, Value: 1}, 800, 1},
		{ecs.Breaker{Type: ecs.FailureCount, Value: 1000}, 1, 1000},
	}
	for _, test := range tests {
		if got := Threshold(test.breaker, test.desired); got != test.want {
			t.Errorf("threshold of %+v for %d tasks is %d, want %d", test.breaker, test.desired, got, test.want)
		}
	}
}

func TestBreakerTrips(t *testing.T) {
	on := ecs.Breaker{Enabled: true}
	back := ecs.Breaker{Enabled: true, Rollback: true}
	failing := func(failed int, b ecs.Breaker, change ...func(*View)) View {
		v := rolling(t, 4, 100, 200, Counts{Unhealthy: 1}, Counts{Healthy: 4})
		v.Breaker, v.Deployments[0].Failed = b, failed
		for _, c := range change {
			c(&v)
		}
		return v
	}
	failed := []RolloutChange{{Deployment: newest, State: ecs.RolloutFailed,
		Reason: "ECS deployment circuit breaker: tasks failed to start."}}
	went := []Event{{Kind: EventDeploymentFailed, Deployment: newest}}
	sick := []Stop{stop(newest, Unhealthy, 1)}
	tests := []struct {
		name string
		view View
		want Plan
	}{
		{"one below the threshold", failing(2, on), Plan{Stops: sick, Starts: starts(3)}},
		{"at the threshold nothing more starts", failing(3, on), Plan{Stops: sick, Rollouts: failed, Events: went}},
		{"switched off", failing(9, ecs.Breaker{}), Plan{Stops: sick, Starts: starts(3)}},
		{"the threshold follows the desired count", failing(3, on, func(v *View) { v.Desired = 7 }),
			Plan{Stops: sick, Starts: starts(7)}},
		{"back to the last completed", failing(3, back, func(v *View) { v.LastCompleted = older }),
			Plan{Rollouts: failed, RollBackTo: older,
				Events: append(went[:1:1], Event{Kind: EventRollingBack, Deployment: older})}},
		{"nothing to go back to", failing(3, back), Plan{Stops: sick, Rollouts: failed, Events: went}},
		{"not asked to go back", failing(3, on, func(v *View) { v.LastCompleted = older }),
			Plan{Stops: sick, Rollouts: failed, Events: went}},
		{"a completed deployment does not fail any more", failing(9, back, func(v *View) {
			v.Deployments[0].Rollout = ecs.RolloutCompleted
		}), Plan{Starts: []Start{{Deployment: newest, Count: 3, Replaces: 1}}}},
		{"nor does a failed one fail again", failing(9, back, func(v *View) {
			v.Deployments[0].Rollout, v.LastCompleted = ecs.RolloutFailed, older
		}), Plan{Stops: sick}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Decide(&test.view, 0)
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(Plan{}, "Explanations")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A failed deployment that a newer one replaces is not sustained, whatever the policy.
func TestFailedRevisionIsNotSustained(t *testing.T) {
	v := rolling(t, 4, 100, 200, Counts{Warming: 3}, Counts{Healthy: 2, Unhealthy: 1, Starting: 1})
	v.Policy = preset(t, "ecs-2026")
	v.Deployments[1].Rollout, v.Deployments[1].Desired = ecs.RolloutFailed, 4
	want := Plan{Stops: []Stop{stop(older, Unhealthy, 1), stop(older, Starting, 1)}, Starts: starts(1),
		Desired: []DesiredChange{{Deployment: older}}}
	if diff := cmp.Diff(want, Decide(&v, 0), cmpopts.IgnoreFields(Plan{}, "Explanations")); diff != "" {
		t.Error(diff)
	}
}

func TestFailuresThatCount(t *testing.T) {
	fresh := func(exits bool) *Tracker {
		tracker := NewTracker()
		tracker.SetDeployments([]ecs.Deployment{{ID: newest}, {ID: older}})
		p := preset(t, "ecs")
		p.BreakerCountsExits = exits
		tracker.SetService(&ecs.Service{Desired: 4, MaximumPercent: 200}, p)
		return tracker
	}
	run := func(tr *Tracker) { tr.Update(Task{Seq: 1, Deployment: newest, Phase: Warming}) }
	tests := []struct {
		name  string
		after func(*Tracker)
		id    ecs.DeploymentID
		f     Failure
		exits bool
		want  int
	}{
		{"not placed", nil, newest, FailureNotPlaced, false, 1},
		{"not started", nil, newest, FailureNotStarted, false, 1},
		{"not placed, but one runs", run, newest, FailureNotPlaced, false, 0},
		{"not started, but one runs", run, newest, FailureNotStarted, false, 0},
		{"unhealthy", run, newest, FailureUnhealthy, false, 1},
		{"exited", run, newest, FailureExited, false, 0},
		{"exited, and that counts by tag", run, newest, FailureExited, true, 1},
		{"of an older deployment", run, older, FailureUnhealthy, false, 0},
		{"of a completed deployment", func(tr *Tracker) {
			tr.SetDeployments([]ecs.Deployment{{ID: newest, Rollout: ecs.RolloutCompleted}})
		}, newest, FailureUnhealthy, false, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tracker := fresh(test.exits)
			if test.after != nil {
				test.after(tracker)
			}
			tracker.Fail(test.id, test.f)
			if got := tracker.View().Deployments[0].Failed; got != test.want {
				t.Errorf("%d failures, want %d", got, test.want)
			}
		})
	}
}

func TestHealthyTaskResetsFailures(t *testing.T) {
	for _, cumulative := range []bool{false, true} {
		tracker := NewTracker()
		tracker.SetService(&ecs.Service{Desired: 4, Breaker: ecs.Breaker{Enabled: true, Cumulative: cumulative}}, preset(t, "ecs"))
		tracker.SetDeployments([]ecs.Deployment{{ID: newest, FailedTasks: 2}, {ID: older, FailedTasks: 5}})
		tracker.Update(Task{Seq: 1, Deployment: older, Phase: Healthy})
		tracker.Update(Task{Seq: 2, Deployment: newest, Phase: Warming, Due: 1_000})
		if tracker.Promote(999); tracker.View().Deployments[0].Failed != 2 {
			t.Error("a task that only runs resets the count")
		}
		want := 0
		if cumulative {
			want = 2
		}
		if tracker.Promote(1_000); tracker.View().Deployments[0].Failed != want {
			t.Errorf("cumulative %t: %d failures, want %d", cumulative, tracker.View().Deployments[0].Failed, want)
		}
	}
}
