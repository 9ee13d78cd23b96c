package scheduler

import (
	"slices"
	"testing"
	"time"

	"ballast/internal/ecs"

	"pgregory.net/rapid"
)

// steadyTracker is a service of n healthy tasks with one completed deployment.
func steadyTracker(t testing.TB, n int) *Tracker {
	tracker := NewTracker()
	tracker.SetDeployments([]ecs.Deployment{{ID: newest, Rollout: ecs.RolloutCompleted}})
	tracker.SetService(&ecs.Service{Desired: n, MinimumHealthyPercent: 100, MaximumPercent: 200, Steady: true}, preset(t, "ecs"))
	for seq := range uint64(n) {
		tracker.Update(Task{Seq: seq, Deployment: newest, Phase: Healthy})
	}
	return tracker
}

func TestDecideIdleAllocatesNothing(t *testing.T) {
	tracker := steadyTracker(t, 1_000)
	allocs := testing.AllocsPerRun(100, func() {
		if plan := Decide(tracker.View(), 1_000); plan.Acts() || !plan.Steady {
			t.Fatalf("plan %+v", plan)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkDecideIdle(b *testing.B) {
	tracker := steadyTracker(b, 1_000)
	b.ReportAllocs()
	for b.Loop() {
		if plan := Decide(tracker.View(), 1_000); plan.Acts() {
			b.Fatal("acts")
		}
	}
}

// One task of 1,000 crashes, is replaced and becomes healthy.
func BenchmarkTrackerReplace(b *testing.B) {
	tracker := steadyTracker(b, 1_000)
	now, seq := ecs.Time(0), uint64(1_000)
	b.ReportAllocs()
	for b.Loop() {
		tracker.Update(Task{Seq: seq - 1_000, Deployment: newest, Phase: Stopping})
		tracker.Update(Task{Seq: seq, Deployment: newest, Phase: Starting})
		tracker.Remove(seq - 1_000)
		tracker.Update(Task{Seq: seq, Deployment: newest, Phase: Warming, Due: now + 40_000})
		now += 40_000
		tracker.Promote(now)
		seq++
	}
}

// Tasks come due in the order of time, whatever comes and goes between.
func TestPromoteInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tracker := NewTracker()
		tracker.SetDeployments([]ecs.Deployment{{ID: newest}})
		due := map[uint64]ecs.Time{}
		for seq := range uint64(rapid.IntRange(0, 40).Draw(t, "tasks")) {
			due[seq] = ecs.Time(rapid.IntRange(1, 20).Draw(t, "due"))
			tracker.Update(Task{Seq: seq, Deployment: newest, Phase: Warming, Due: due[seq]})
			if gone := rapid.Uint64Range(0, 60).Draw(t, "gone"); due[gone] != 0 {
				tracker.Remove(gone)
				delete(due, gone)
			}
		}
		for now := ecs.Time(0); now <= 20; now++ {
			tracker.Promote(now)
			healthy := tracker.Tasks(newest, Healthy, nil)
			next := ecs.Time(0)
			for seq, at := range due {
				if slices.Contains(healthy, seq) != (at <= now) {
					t.Fatalf("at %d: task due at %d, healthy %v", now, at, healthy)
				}
				if at > now && (next == 0 || at < next) {
					next = at
				}
			}
			if got := tracker.View().NextHealthy; got != next {
				t.Fatalf("at %d: next healthy %d, want %d", now, got, next)
			}
		}
	})
}

func TestDiedCountsDebtOnce(t *testing.T) {
	tracker := steadyTracker(t, 3)
	if !tracker.Died(0, 59_999*time.Millisecond) {
		t.Error("59.999 s is not short")
	}
	if tracker.Died(1, 60*time.Second) {
		t.Error("60 s is short")
	}
	if tracker.Died(99, 0) {
		t.Error("an unknown task had a short run")
	}
	if got := tracker.View().Debt; got != 1 {
		t.Errorf("debt %d, want 1", got)
	}
	tracker.Placed(Start{Deployment: newest, Count: 2, Paced: 1}, 2, 1_000)
	if got := tracker.View(); got.Debt != 0 || got.Pace.Tokens(1_000, 500, 3) != 2 {
		t.Errorf("debt %d and %d tokens after the replacement, want 0 and 2", got.Debt, got.Pace.Tokens(1_000, 500, 3))
	}
}

// A task of an older deployment that failed before it proved itself is lost, once; that is forgotten when Desired is set anew.
func TestLost(t *testing.T) {
	tracker := NewTracker()
	deployments := []ecs.Deployment{{ID: newest}, {ID: older, Desired: 4}}
	tracker.SetDeployments(deployments)
	tracker.SetService(&ecs.Service{Desired: 4, MaximumPercent: 200}, preset(t, "ecs-2026"))
	tracker.Update(Task{Seq: 1, Deployment: older, Phase: Healthy})
	tracker.Update(Task{Seq: 2, Deployment: older, Phase: Warming, Due: 40_000})
	tracker.Update(Task{Seq: 3, Deployment: older, Phase: Starting})
	tracker.Update(Task{Seq: 4, Deployment: newest, Phase: Starting})
	tracker.Died(1, time.Hour)                                        // proven
	tracker.Update(Task{Seq: 2, Deployment: older, Phase: Unhealthy}) // never healthy
	tracker.Died(2, time.Hour)                                        // the same task
	tracker.Died(3, 0)                                                // never ran
	tracker.Died(4, 0)                                                // not an older deployment
	if v := tracker.View(); v.Deployments[0].Lost != 0 || v.Deployments[1].Lost != 2 {
		t.Errorf("lost %d and %d, want 0 and 2", v.Deployments[0].Lost, v.Deployments[1].Lost)
	}
	tracker.SetDeployments(deployments)
	if got := tracker.View().Deployments[1].Lost; got != 2 {
		t.Errorf("lost %d after nothing changed, want 2", got)
	}
	deployments[1].Desired = 2
	tracker.SetDeployments(deployments)
	if got := tracker.View().Deployments[1].Lost; got != 0 {
		t.Errorf("lost %d after Desired was set, want 0", got)
	}
}

// Tasks of a deployment that is not named, which a damaged journal could hold, are stopped rather than forgotten.
func TestUnnamedDeployment(t *testing.T) {
	tracker := NewTracker()
	tracker.SetDeployments([]ecs.Deployment{{ID: newest}})
	tracker.SetService(&ecs.Service{Desired: 1, MaximumPercent: 200}, preset(t, "ecs"))
	tracker.Update(Task{Seq: 1, Deployment: older, Phase: Healthy})
	tracker.Update(Task{Seq: 2, Deployment: newest, Phase: Healthy})
	tracker.SetDeployments([]ecs.Deployment{{ID: newest}})
	plan := Decide(tracker.View(), 1)
	if want := stop(older, Healthy, 1); len(plan.Stops) != 1 || plan.Stops[0] != want {
		t.Errorf("stops %+v, want %+v", plan.Stops, want)
	}
	if task, known := tracker.Task(1); !known || task.Deployment != older {
		t.Errorf("task %+v, known %v", task, known)
	}
}

// The bucket against one that is filled millisecond by millisecond.
func TestPace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		perMinute, burst := rapid.IntRange(1, 700).Draw(t, "per minute"), rapid.IntRange(0, 5).Draw(t, "burst")
		most := max(1, burst) * tokenUnits
		p, now, level := Pace{}, ecs.Time(1_000_000), most
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			for range rapid.IntRange(0, 300).Draw(t, "wait") {
				now++
				level = min(most, level+perMinute)
			}
			if got := p.Tokens(now, perMinute, burst); got != level/tokenUnits {
				t.Fatalf("%d tokens, want %d", got, level/tokenUnits)
			}
			n := level/tokenUnits + 1
			when := p.When(n, now, perMinute, burst)
			if n > max(1, burst) {
				if when != 0 {
					t.Fatalf("%d tokens at %d, but no more than %d fit", n, when, burst)
				}
			} else if p.Tokens(when, perMinute, burst) != n || p.Tokens(when-1, perMinute, burst) != n-1 {
				t.Fatalf("%d is not the first moment with %d tokens", when, n)
			}
			take := rapid.IntRange(0, level/tokenUnits).Draw(t, "take")
			p, level = p.Take(take, now, perMinute, burst), level-take*tokenUnits
		}
	})
}

// A scale-out counts at once, a scale-in leaves no debt behind.
func TestPaceFollowsTheBurst(t *testing.T) {
	p := Pace{}.Take(10, 1_000, 60, 10)
	if got := p.Tokens(1_000, 60, 15); got != 5 {
		t.Errorf("%d tokens after a scale-out by 5, want 5", got)
	}
	if got := p.Tokens(2_000, 60, 1); got != 1 {
		t.Errorf("%d tokens a second after a scale-in to 1, want 1", got)
	}
	if got := p.When(1, 1_000, 0, 10); got != 0 {
		t.Errorf("a bucket that is not refilled is promised for %d", got)
	}
}
