package scheduler

import (
	"testing"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/lb/health"
)

func TestRunningPhase(t *testing.T) {
	const started ecs.Time = 1_000
	p := preset(t, "ecs")
	checks := ContainerSource
	tests := []struct {
		name    string
		grace   time.Duration
		sources []Source
		phase   Phase
		due     ecs.Time
	}{
		{"without any check", 0, nil, Warming, 41_000},
		{"without any container check", 0, []Source{checks(ecs.HealthUnknown, false)}, Warming, 41_000},
		{"a container check that has not spoken", 0, []Source{checks(ecs.HealthUnknown, true)}, Warming, 0},
		{"a container check that passed", 0, []Source{checks(ecs.HealthHealthy, true)}, Healthy, 0},
		{"a container check that failed", 0, []Source{checks(ecs.HealthUnhealthy, true)}, Unhealthy, 0},
		{"in the grace period", 30 * time.Second, []Source{checks(ecs.HealthUnhealthy, true)}, Graced, 31_000},
		{"a target that is new", 0, []Source{SourceNone, TargetSource(health.Initial)}, Warming, 0},
		{"a healthy target", 0, []Source{SourceNone, TargetSource(health.Healthy)}, Healthy, 0},
		{"an unhealthy target", 0, []Source{SourceHealthy, TargetSource(health.Unhealthy)}, Unhealthy, 0},
		{"a target without a listener", 0, []Source{SourceHealthy, TargetSource(health.Unused)}, Unhealthy, 0},
		{"a target that is not checked", 0, []Source{SourceNone, TargetSource(health.Unavailable)}, Warming, 41_000},
		{"a target that drains", 0, []Source{SourceNone, TargetSource(health.Draining)}, Warming, 0},
		{"both must be good", 0, []Source{SourceHealthy, SourceWaiting}, Warming, 0},
		{"whichever is the good one", 0, []Source{SourceWaiting, SourceHealthy}, Warming, 0},
		{"each of several target groups", 0, []Source{SourceNone, SourceHealthy, SourceUnhealthy}, Unhealthy, 0},
		{"a bad target in the grace period", time.Minute, []Source{SourceHealthy, SourceUnhealthy}, Graced, 61_000},
		{"good in the grace period", time.Minute, []Source{SourceHealthy, SourceHealthy}, Healthy, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			phase, due := RunningPhase(started, test.grace, &p, test.sources...)
			if phase != test.phase || due != test.due {
				t.Errorf("%s until %d, want %s until %d", phase, due, test.phase, test.due)
			}
		})
	}
}

// TestFrozenTargets plays "Frozen tasks" of the article from the health of targets: four of eight stop answering.
func TestFrozenTargets(t *testing.T) {
	p := preset(t, "ecs")
	targets := make([]health.Target, 12)
	tracker := alone(t, 8, 0)
	look := func(at ecs.Time) Plan {
		for i := range targets[:8+tracker.View().Deployments[0].Counts[Starting]] {
			phase, due := RunningPhase(0, 0, &p, SourceNone, TargetSource(targets[i].State()))
			tracker.Update(Task{Seq: uint64(i + 1), Deployment: newest, Phase: phase, Due: due})
		}
		return Decide(tracker.View(), at)
	}
	probe := func(from, to int, outcome health.Outcome) {
		for i := from; i < to; i++ {
			targets[i] = targets[i].Probed(health.Result{Outcome: outcome}, health.DefaultThresholds)
		}
	}
	probe(0, 8, health.Passed)
	if p := look(0); !p.Steady {
		t.Fatalf("eight healthy targets: %+v", p)
	}
	probe(0, 4, health.TimedOut)
	if p := look(30_000); len(p.Starts)+len(p.Stops) != 0 {
		t.Fatalf("one failed check each: %+v", p)
	}
	probe(0, 4, health.TimedOut)
	if p := look(60_000); len(p.Stops) != 0 || len(p.Starts) != 1 || p.Starts[0].Count != 4 || p.Starts[0].Replaces != 4 {
		t.Fatalf("two: %+v", p)
	}
	for seq := range 4 {
		tracker.Update(Task{Seq: uint64(9 + seq), Deployment: newest})
	}
	if p := look(90_000); len(p.Starts)+len(p.Stops) != 0 {
		t.Fatalf("the replacements run and wait for their checks: %+v", p)
	}
	probe(8, 12, health.Passed)
	for seq := 8; seq < 12; seq++ {
		tracker.Update(Task{Seq: uint64(seq + 1), Deployment: newest, Phase: Healthy})
	}
	if p := look(91_000); len(p.Stops) != 1 || p.Stops[0].Count != 4 || p.Stops[0].Phase != Unhealthy {
		t.Fatalf("the replacements are healthy: %+v", p)
	}
}
