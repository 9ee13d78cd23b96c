package scheduler

import (
	"testing"
	"time"

	"ballast/internal/ecs"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// A task in its grace period is not unhealthy for the scheduler, and not healthy either (API_CreateService,
// healthCheckGracePeriodSeconds).
func TestGracePeriod(t *testing.T) {
	running := func(v View) View {
		v.Steady, v.Deployments[0].Rollout = false, ecs.RolloutInProgress
		return v
	}
	tests := []struct {
		name string
		view View
		want Plan
	}{
		{"not replaced", running(view(t, 4, 100, 200, Counts{Healthy: 3, Graced: 1})), Plan{}},
		{"not healthy: the deployment goes on", running(view(t, 1, 100, 200, Counts{Graced: 1})), Plan{}},
		{"not stopped to make room", running(view(t, 2, 50, 100, Counts{Graced: 2})), Plan{}},
		{"does not hasten the end of an unhealthy one", running(view(t, 1, 100, 200, Counts{Unhealthy: 1, Graced: 1})), Plan{}},
		{"more run than desired: chosen before healthy ones", view(t, 4, 100, 200, Counts{Healthy: 4, Graced: 1}),
			Plan{Stops: []Stop{stop(newest, Graced, 1)}}},
		{"and after unhealthy ones", view(t, 4, 100, 200, Counts{Healthy: 4, Graced: 2, Unhealthy: 1}),
			Plan{Stops: []Stop{stop(newest, Unhealthy, 1), stop(newest, Graced, 2)}}},
		{"and after those that do not run yet", view(t, 4, 100, 200, Counts{Healthy: 3, Starting: 1, Graced: 1}),
			Plan{Stops: []Stop{stop(newest, Starting, 1)}}},
		{"an older one may go while enough others are healthy",
			rolling(t, 4, 50, 200, Counts{Healthy: 4}, Counts{Graced: 2, Healthy: 1}),
			Plan{Stops: []Stop{stop(older, Graced, 2), stop(older, Healthy, 1)},
				Desired: []DesiredChange{{Deployment: older}}}},
		{"an older one is kept while too few are", rolling(t, 4, 100, 200, Counts{Starting: 4}, Counts{Graced: 4}), Plan{}},
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

func TestGracePeriodEnds(t *testing.T) {
	tracker := alone(t, 1, 0)
	tracker.Update(Task{Seq: 1, Deployment: newest, Phase: Graced, Due: 30_000})
	v := tracker.View()
	tracker.Promote(29_999)
	if p := Decide(v, 29_999); p.Acts() || p.Wake != 30_000 {
		t.Errorf("in its grace period: %+v", p)
	}
	if n := tracker.Promote(30_000); n != 1 || v.Deployments[0].Counts != (Counts{Unhealthy: 1}) {
		t.Fatalf("%d due; %v", n, v.Deployments[0].Counts)
	}
	if p := Decide(v, 30_000); len(p.Starts) != 1 || p.Starts[0] != (Start{Deployment: newest, Count: 1, Replaces: 1}) {
		t.Errorf("after it: %+v", p)
	}
	tracker.Update(Task{Seq: 2, Deployment: newest, Phase: Graced, Due: ecs.Time(time.Hour / time.Millisecond)})
	tracker.Update(Task{Seq: 2, Deployment: newest, Phase: Healthy})
	if v.NextHealthy != 0 {
		t.Errorf("wakes at %d for a task that has recovered", v.NextHealthy)
	}
}
