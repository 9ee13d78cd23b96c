package scheduler

import (
	"slices"
	"testing"
	"time"

	"ballast/internal/ecs"
)

// TestLostIsCounted has the tasks of an older deployment count that failed before they proved themselves or after a short run, once each.
func TestLostIsCounted(t *testing.T) {
	const short, long = time.Second, time.Hour
	for name, test := range map[string]struct {
		do   func(tracker *Tracker)
		want int
	}{
		"unproven, after a short run": {func(tr *Tracker) { tr.Died(1, short) }, 1},
		"unproven, after a long one":  {func(tr *Tracker) { tr.Died(1, long) }, 1},
		"proven, after a short run": {func(tr *Tracker) {
			tr.Update(Task{Seq: 1, Deployment: older, Phase: Healthy})
			tr.Died(1, short)
		}, 1},
		"proven, after a long one": {func(tr *Tracker) {
			tr.Update(Task{Seq: 1, Deployment: older, Phase: Healthy})
			tr.Died(1, long)
		}, 0},
		"unhealthy before it was healthy": {func(tr *Tracker) { tr.Update(Task{Seq: 1, Deployment: older, Phase: Unhealthy}) }, 1},
		"unhealthy, and then dead": {func(tr *Tracker) {
			tr.Update(Task{Seq: 1, Deployment: older, Phase: Unhealthy})
			tr.Died(1, short)
		}, 1},
		"unhealthy after it was healthy": {func(tr *Tracker) {
			tr.Update(Task{Seq: 1, Deployment: older, Phase: Healthy})
			tr.Update(Task{Seq: 1, Deployment: older, Phase: Unhealthy})
		}, 0},
		"unhealthy when first seen, after a restart": {func(tr *Tracker) {
			tr.Update(Task{Seq: 2, Deployment: older, Phase: Unhealthy})
			tr.Died(2, long)
		}, 0},
	} {
		tracker := alone(t, 4, 0)
		tracker.SetDeployments([]ecs.Deployment{{ID: newest}, {ID: older, Desired: 4}})
		tracker.Update(Task{Seq: 1, Deployment: older, Phase: Warming})
		test.do(tracker)
		if got := tracker.View().Deployments[1].Lost; got != test.want {
			t.Errorf("%s: %d are lost, want %d", name, got, test.want)
		}
	}
}

// TestDebt has what is owed never be more than the service should have, and be paid by the starts that take tokens.
func TestDebt(t *testing.T) {
	tracker := alone(t, 2, 3)
	for seq := range uint64(3) {
		tracker.Died(seq, time.Second)
	}
	if got := tracker.View().Debt; got != 2 {
		t.Errorf("after three short runs of a service of two %d are owed", got)
	}
	tracker.SetService(&ecs.Service{Desired: 1, MinimumHealthyPercent: 100, MaximumPercent: 200}, preset(t, "ecs"))
	if got := tracker.View().Debt; got != 1 {
		t.Errorf("of a service of one %d are owed", got)
	}
	tracker = alone(t, 10, 10)
	for seq := range uint64(5) {
		tracker.Died(seq, time.Second)
	}
	tracker.Placed(Start{Deployment: newest, Count: 5, Paced: 2}, 4, 1_000)
	if got := tracker.View().Debt; got != 4 {
		t.Errorf("after one of four starts took a token %d are owed, want 4", got)
	}
}

// TestOnlyHealthThatIsNewForgives has a healthy task that is told of again set no count of failures back.
func TestOnlyHealthThatIsNewForgives(t *testing.T) {
	tracker := alone(t, 4, 0)
	tracker.Update(Task{Seq: 1, Deployment: newest, Phase: Healthy})
	tracker.Fail(newest, FailureUnhealthy)
	tracker.Update(Task{Seq: 1, Deployment: newest, Phase: Healthy, Protected: true})
	if got := tracker.View().Deployments[0].Failed; got != 1 {
		t.Errorf("%d failures after a healthy task was protected", got)
	}
	tracker.Update(Task{Seq: 2, Deployment: newest, Phase: Healthy})
	if got := tracker.View().Deployments[0].Failed; got != 0 {
		t.Errorf("%d failures after another task became healthy", got)
	}
}

// TestCandidates has protected tasks be spared by what there is too much of, and by nothing else.
func TestCandidates(t *testing.T) {
	tracker := alone(t, 4, 0)
	for seq := range uint64(4) {
		phase := Healthy
		if seq >= 2 {
			phase = Unhealthy
		}
		tracker.Update(Task{Seq: seq, Deployment: newest, Phase: phase, Protected: seq%2 == 0})
	}
	check := func(name string, phase Phase, want ...uint64) {
		t.Helper()
		if got := tracker.Candidates(Stop{Deployment: newest, Phase: phase}, []uint64{9}); !slices.Equal(got, append([]uint64{9}, want...)) {
			t.Errorf("%s: %v, want %v after what was there", name, got, want)
		}
	}
	check("healthy", Healthy, 1)
	check("unhealthy", Unhealthy, 2, 3)
	tracker.SetService(&ecs.Service{Status: ecs.ServiceDraining}, preset(t, "ecs"))
	check("of a deleted service", Healthy, 0, 1)
}

// TestProtectionIsNewsAgain has it be announced anew that tasks are protected once none was.
func TestProtectionIsNewsAgain(t *testing.T) {
	tracker := alone(t, 1, 0)
	tracker.Update(Task{Seq: 1, Deployment: newest, Phase: Healthy, Protected: true})
	tracker.Update(Task{Seq: 2, Deployment: newest, Phase: Healthy, Protected: true})
	tracker.Said(Event{Kind: EventProtected, Deployment: newest, Tasks: 1})
	tracker.Update(Task{Seq: 1, Deployment: newest, Phase: Healthy})
	if got := tracker.View().Deployments[0].Announced; got != 1 {
		t.Errorf("announced are %d while one is protected", got)
	}
	tracker.Update(Task{Seq: 2, Deployment: newest, Phase: Healthy})
	if got := tracker.View().Deployments[0].Announced; got != 0 {
		t.Errorf("announced are %d while none is", got)
	}
}

// TestWhatServicesDoNotSay has an unnamed deployment be wanted no longer, and early success that is switched off be none.
func TestWhatServicesDoNotSay(t *testing.T) {
	tracker := alone(t, 4, 0)
	tracker.SetDeployments([]ecs.Deployment{{ID: newest}, {ID: older, Desired: 4}})
	tracker.Update(Task{Seq: 1, Deployment: older, Phase: Healthy})
	tracker.SetDeployments([]ecs.Deployment{{ID: newest}})
	if d := tracker.View().Deployments; len(d) != 2 || d[1].ID != older || d[1].Desired != 0 {
		t.Errorf("%+v", d)
	}
	s := &ecs.Service{Desired: 4, MaximumPercent: 200, Early: &ecs.EarlySuccess{Percent: 50}}
	if tracker.SetService(s, preset(t, "ecs")); tracker.View().Early != nil {
		t.Error("early success is switched off, and there")
	}
}

// TestPaceAtItsEdges has a bucket that is never refilled give what it has, and a clock that was set back take nothing away.
func TestPaceAtItsEdges(t *testing.T) {
	if got := (Pace{}).When(2, 1_000, 0, 2); got != 1_000 {
		t.Errorf("two tokens of a full bucket come at %d", got)
	}
	taken := Pace{}.Take(1, 1_000_000, 60, 4)
	if got := taken.Tokens(0, 60, 4); got != 3 {
		t.Errorf("%d tokens before the last was taken, want 3", got)
	}
}
