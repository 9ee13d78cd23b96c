package scheduler

import (
	"testing"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/scheduler/policy"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestThrottleWaits(t *testing.T) {
	tests := []struct {
		policy string
		change func(*policy.Policy)
		want   []time.Duration // in minutes, after 0, 1, 2, ... failed waves
	}{
		{"ecs", nil, []time.Duration{0, 0, 1, 3, 9, 15, 15, 15}},
		{"ecs-2026", nil, []time.Duration{0, 0, 1, 3, 9, 27, 27, 27}},
		{"ecs", func(p *policy.Policy) { p.ThrottleMax = 5 * time.Minute }, []time.Duration{0, 0, 1, 3, 5, 5}},
		{"ecs", func(p *policy.Policy) { p.ThrottleMax = 0 }, []time.Duration{0, 0, 0, 0, 0}},
		{"ecs", func(p *policy.Policy) { p.ThrottleBase = 0 }, []time.Duration{0, 0, 0, 0, 0}},
		{"ecs", func(p *policy.Policy) { p.ThrottleBase = 20 * time.Minute }, []time.Duration{0, 0, 15, 15}},
	}
	for _, test := range tests {
		p := preset(t, test.policy)
		if test.change != nil {
			test.change(&p)
		}
		for failed, want := range test.want {
			if got := throttleWait(&p, failed); got != want*time.Minute {
				t.Errorf("%s, most %s: %s after %d failed waves, want %d min", test.policy, p.ThrottleMax, got, failed, want)
			}
		}
	}
	p := preset(t, "ecs")
	if got := throttleWait(&p, 1_000_000); got != p.ThrottleMax {
		t.Errorf("%s after a million failed waves", got)
	}
}

// alone is a tracker of a service with one deployment under way, of which counts tasks are starting.
func alone(t *testing.T, desired, starting int) *Tracker {
	tracker := NewTracker()
	tracker.SetService(&ecs.Service{Desired: desired, MinimumHealthyPercent: 100, MaximumPercent: 200}, preset(t, "ecs"))
	tracker.SetDeployments([]ecs.Deployment{{ID: newest}})
	for seq := range starting {
		tracker.Update(Task{Seq: uint64(seq), Deployment: newest})
	}
	return tracker
}

// A wave fails once, however many tasks it has, and the next begins with the first task that starts after that.
func TestWaves(t *testing.T) {
	tracker := alone(t, 4, 0)
	start := func(seqs ...uint64) {
		for _, seq := range seqs {
			tracker.Update(Task{Seq: seq, Deployment: newest})
		}
	}
	failed := func(seq uint64, now ecs.Time, want int) {
		t.Helper()
		tracker.FailedToStart(newest, seq, now)
		tracker.Remove(seq)
		if got := tracker.View().Throttle.Failed; got != want {
			t.Fatalf("%d failed waves after task %d, want %d", got, seq, want)
		}
	}
	start(1, 2, 3)
	failed(2, 2_000, 1)
	start(4)
	failed(1, 2_000, 1) // at the same moment
	failed(3, 2_002, 1)
	start(5, 6)
	failed(4, 3_000, 2) // the replacement of the first
	failed(5, 3_001, 2)
	tracker.FailedToStart(older, 99, 4_000)
	start(7, 8, 9)
	failed(6, 5_000, 2)
	failed(7, 64_000, 3)
	tracker.CameUp(older, 65_000)
	if tracker.View().Throttle.Failed != 3 {
		t.Fatal("a task of another deployment ends the throttle")
	}
	tracker.CameUp(newest, 67_000)
	failed(8, 68_000, 0) // older than the task that came up
	start(10)
	failed(10, 69_000, 1)
	start(11)
	tracker.Deployed(false, 70_000)
	if tracker.View().Throttle.Failed != 1 {
		t.Fatal("a deployment of the same task definition ends the throttle")
	}
	tracker.Deployed(true, 70_000)
	failed(11, 71_000, 0)
}

func TestThrottledServiceStartsNothing(t *testing.T) {
	const since ecs.Time = 10_000_000
	held := func(failed int, change ...func(*View)) View {
		v := view(t, 4, 50, 200, Counts{Healthy: 2, Unhealthy: 1})
		v.Steady = false
		v.Throttle = ecs.Backoff{Failed: failed, Since: since, Announced: true}
		for _, c := range change {
			c(&v)
		}
		return v
	}
	minute := ecs.Time(time.Minute / time.Millisecond)
	why := func(tasks, failed int, until ecs.Time) []Explanation {
		return []Explanation{{Wait: WaitThrottle, Deployment: newest, Tasks: tasks, Limit: failed, Until: until}}
	}
	tests := []struct {
		name string
		view View
		now  ecs.Time
		want Plan
	}{
		{"not after one failed wave", held(1), since, Plan{Starts: []Start{{Deployment: newest, Count: 2, Replaces: 1}}}},
		{"after two, up to the last moment", held(2), since + minute - 1,
			Plan{Wake: since + minute, Explanations: why(2, 2, since+minute)}},
		{"after two, a minute later", held(2), since + minute, Plan{Starts: []Start{{Deployment: newest, Count: 2, Replaces: 1}}}},
		{"after five", held(5), since + 15*minute - 1, Plan{Wake: since + 15*minute, Explanations: why(2, 5, since+15*minute)}},
		{"announced with the first wait", held(2, func(v *View) { v.Throttle.Announced = false }), since,
			Plan{Wake: since + minute, Explanations: why(2, 2, since+minute), Events: []Event{{Kind: EventThrottled}}}},
		{"not announced before", held(1, func(v *View) { v.Throttle.Announced = false }), since,
			Plan{Starts: []Start{{Deployment: newest, Count: 2, Replaces: 1}}}},
		{"no unhealthy task makes room for what may not start", held(2, func(v *View) { v.MaximumPercent = 75 }), since,
			Plan{Wake: since + minute, Explanations: why(2, 2, since+minute)}},
		{"surplus stops all the same", held(2, func(v *View) { v.Desired = 1 }), since,
			Plan{Stops: []Stop{stop(newest, Unhealthy, 1), stop(newest, Healthy, 1)}}},
		{"nothing wanted, nothing held", held(2, func(v *View) { v.Desired, v.Deployments[0].Counts = 2, Counts{Healthy: 2} }), since,
			Plan{Steady: true, Events: []Event{{Kind: EventSteadyState}}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Decide(&test.view, test.now), cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestThrottleExplained(t *testing.T) {
	e := Explanation{Wait: WaitThrottle, Tasks: 3, Limit: 4, Until: ecs.Time(1_700_000_000_000)}
	if want := "3 tasks wait until 2023-11-14T22:13:20Z: none of the last 4 waves of tasks came to RUNNING"; e.String() != want {
		t.Errorf("%q, want %q", e, want)
	}
}

// Placement that is refused is a failed wave, unless tasks on their way may still change that.
func TestNoRoomIsAFailedWave(t *testing.T) {
	tracker := alone(t, 4, 0)
	tracker.NoRoom(newest, 1_000)
	tracker.Refuse(newest, 4, 1_000)
	v := tracker.View()
	if v.Throttle.Failed != 1 || v.Deployments[0].Failed != 1 || v.RetryAt != 11_000 {
		t.Fatalf("after the first: %+v", v)
	}
	if p := Decide(v, 1_000); len(p.Starts) != 0 || p.Wake != 11_000 {
		t.Errorf("parked: %+v", p)
	}
	tracker.Promote(10_999)
	if p := Decide(v, 10_999); len(p.Starts) != 0 {
		t.Errorf("early: %+v", p)
	}
	tracker.Promote(11_000)
	if p := Decide(v, 11_000); len(p.Starts) != 1 || p.Starts[0].Count != 4 {
		t.Errorf("tried again: %+v", p)
	}
	tracker.NoRoom(newest, 11_000)
	tracker.Refuse(newest, 4, 11_000)
	if v.Throttle.Failed != 2 || v.RetryAt != 71_000 {
		t.Errorf("after the second: %+v", v)
	}
	tracker.ClearRefused(newest) // room has come free, which changes nothing
	if p := Decide(v, 12_000); len(p.Starts) != 0 || p.Wake != 71_000 {
		t.Errorf("with room: %+v", p)
	}
	tracker.CameUp(newest, 13_000)
	if v.RetryAt != 23_000 {
		t.Errorf("next attempt at %d once a task runs, want 23000", v.RetryAt)
	}

	for _, phase := range []Phase{Starting, Stopping} {
		tracker := alone(t, 4, 0)
		tracker.Update(Task{Seq: 1, Deployment: newest, Phase: phase})
		if tracker.NoRoom(newest, 1_000); tracker.View().Throttle.Failed != 0 || tracker.View().Deployments[0].Failed != 0 {
			t.Errorf("no room while a task is %s is a failed wave", phase)
		}
	}

	// An unhealthy task is stopped to make room for its replacement; that there is none for another task besides is a failure.
	for desired, failed := range map[int]int{1: 0, 2: 1} {
		tracker := alone(t, desired, 0)
		tracker.Update(Task{Seq: 1, Deployment: newest, Phase: Unhealthy})
		tracker.NoRoom(newest, 1_000)
		if v := tracker.View(); v.Throttle.Failed != failed || !v.Deployments[0].NoRoom {
			t.Errorf("no room beside an unhealthy task, %d are desired: %+v", desired, *v)
		}
		if tracker.ClearRefused(newest); tracker.View().Deployments[0].NoRoom {
			t.Error("no room is not forgotten")
		}
	}
}

func TestEventsOfFailures(t *testing.T) {
	tests := map[Event]string{
		{Kind: EventDeploymentFailed, Deployment: 42}: "(service web) (deployment ecs-svc/0000000000000000042) deployment failed:" +
			" tasks failed to start.",
		{Kind: EventRollingBack, Deployment: 42}: "(service web) rolling back to deployment ecs-svc/0000000000000000042.",
		{Kind: EventThrottled}: "(service web) is unable to consistently start tasks successfully. For more information, see the" +
			" Troubleshooting section of the Amazon ECS Developer Guide.",
		{Kind: EventDeadlocked}: "(service web) was unable to stop or start tasks during a deployment because of the service deployment" +
			" configuration. Update the minimumHealthyPercent or maximumPercent value and try again.",
	}
	for event, want := range tests {
		if got := event.Message("web"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got, want := CauseBreaker.RollingBackReason(42), "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/0000000000000000042."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
