package scheduler

import (
	"testing"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/scheduler/policy"

	"github.com/google/go-cmp/cmp"
)

// braked is a service of four, all of which are gone, under a brake.
func brakedView(t *testing.T, brake policy.LoopBrake, failed int) View {
	v := view(t, 4, 50, 200, Counts{})
	v.Steady = false
	v.Policy.Brake = brake
	v.Brake = ecs.Backoff{Failed: failed, Since: 1_000_000}
	return v
}

func TestBrake(t *testing.T) {
	all := starts(4)
	announced := func(v View) View { v.Brake.Announced = true; return v }
	waiting := func(failed int, until ecs.Time) Plan {
		return Plan{Wake: until, Explanations: []Explanation{
			{Wait: WaitBrake, Deployment: newest, Tasks: 4, Limit: failed, Until: until}}}
	}
	tests := []struct {
		name string
		view View
		now  ecs.Time
		want Plan
	}{
		{"ECS never waits", brakedView(t, policy.BrakeOff, 99), 1_000_000, Plan{Starts: all}},
		{"before the first wave", brakedView(t, policy.BrakeBackoff, 0), 1_000_000, Plan{Starts: all}},
		{"after one wave ten seconds", announced(brakedView(t, policy.BrakeBackoff, 1)), 1_009_999, waiting(1, 1_010_000)},
		{"and no more", announced(brakedView(t, policy.BrakeBackoff, 1)), 1_010_000, Plan{Starts: all}},
		{"twice that after two", announced(brakedView(t, policy.BrakeBackoff, 2)), 1_019_999, waiting(2, 1_020_000)},
		{"after five", announced(brakedView(t, policy.BrakeBackoff, 5)), 1_159_999, waiting(5, 1_160_000)},
		{"five minutes at most", announced(brakedView(t, policy.BrakeBackoff, 60)), 1_299_999, waiting(60, 1_300_000)},
		{"nine waves may fail before it is parked", brakedView(t, policy.BrakePark, 9), 1_000_000, Plan{Starts: all}},
		{"parked after the tenth", announced(brakedView(t, policy.BrakePark, 10)), 1 << 50, Plan{Explanations: []Explanation{
			{Wait: WaitParked, Deployment: newest, Tasks: 4, Limit: 10}}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Decide(&test.view, test.now)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBrakeIsAnnounced(t *testing.T) {
	tests := []struct {
		view View
		want string
	}{
		{brakedView(t, policy.BrakeBackoff, 1), "(service web) has tasks that stop soon after they started. Their replacements wait" +
			" longer each time (ballast:loop-brake=backoff); a new deployment starts tasks at once."},
		{brakedView(t, policy.BrakePark, 10), "(service web) is parked: the last 10 waves of tasks stopped soon after they started" +
			" (ballast:loop-brake=park). It starts no tasks until there is a new deployment, or another value of the tag."},
	}
	for _, test := range tests {
		p := Decide(&test.view, 1_000_000)
		if len(p.Events) != 1 || p.Events[0].Message("web") != test.want {
			t.Errorf("events %+v, want %s", p.Events, test.want)
		}
	}
	over := brakedView(t, policy.BrakeBackoff, 1)
	if p := Decide(&over, 1_010_000); len(p.Events) != 0 || len(p.Starts) == 0 {
		t.Errorf("when the wait is over: %+v", p)
	}
	explained := map[string]Explanation{
		"1 task waits until 1970-01-01T00:16:50Z: the last 3 waves of tasks stopped soon after they started": {Wait: WaitBrake, Tasks: 1,
			Limit: 3, Until: 1_010_000},
		"2 tasks wait for a new deployment: the last 10 waves of tasks stopped soon after they started": {Wait: WaitParked, Tasks: 2,
			Limit: 10},
	}
	for want, e := range explained {
		if e.String() != want {
			t.Errorf("%q, want %q", e, want)
		}
	}
}

func TestBrakeCounts(t *testing.T) {
	tracker := alone(t, 2, 0)
	tracker.view.Policy.Brake = policy.BrakeBackoff
	exit := func(seq uint64, ran time.Duration, want int) {
		t.Helper()
		tracker.Update(Task{Seq: seq, Deployment: newest, Phase: Warming})
		tracker.Exited(newest, seq, ran, ecs.Time(seq)*1_000)
		tracker.Remove(seq)
		if got := tracker.View().Brake.Failed; got != want {
			t.Fatalf("%d waves after task %d, want %d", got, seq, want)
		}
	}
	tracker.Update(Task{Seq: 2, Deployment: newest})
	exit(1, time.Second, 1)
	exit(2, 59*time.Second, 1) // of the same wave
	exit(3, 0, 2)
	tracker.Exited(older, 99, 0, 4_000)
	exit(4, 59_999*time.Millisecond, 3)
	exit(5, time.Minute, 0) // that was no short run
	exit(6, time.Second, 1)
	tracker.Deployed(false, 7_000)
	if got := tracker.View().Brake.Failed; got != 0 {
		t.Errorf("%d waves after a new deployment", got)
	}
	tracker.view.Policy.Brake = policy.BrakeOff
	exit(8, time.Second, 0)
}
