package scheduler

import (
	"testing"
	"time"

	"ballast/internal/ecs"
)

// The examples of the developer guide, Complete Amazon ECS rolling deployments early with early success criteria.
func TestEnoughHealthy(t *testing.T) {
	for _, test := range []struct{ desired, percent, want int }{
		{2, 50, 1}, {3, 50, 2}, {10, 80, 8}, {100, 90, 90}, {10, 100, 10}, {10, 0, 1}, {1, 1, 1},
	} {
		if got := EnoughHealthy(ecs.EarlySuccess{Percent: test.percent}, test.desired); got != test.want {
			t.Errorf("%d percent of %d are %d, want %d", test.percent, test.desired, got, test.want)
		}
	}
}

// A deployment that has all it needs bakes; what takes that away lets it begin anew.
func TestBaking(t *testing.T) {
	v := rolling(t, 2, 100, 200, Counts{Healthy: 2}, Counts{})
	v.Watched, v.Policy.BakeTime = true, time.Minute
	first := Decide(&v, 1_000)
	if first.BakingSince != 1_000 || first.Wake != 61_000 || len(first.Rollouts) > 0 || first.Acts() && len(first.Remove) == 0 {
		t.Errorf("at first %+v", first)
	}
	v.BakingSince = 1_000
	if plan := Decide(&v, 60_999); plan.BakingSince != 1_000 || len(plan.Rollouts) > 0 {
		t.Errorf("before it is over %+v", plan)
	}
	if plan := Decide(&v, 61_000); len(plan.Rollouts) != 1 || plan.Rollouts[0].State != ecs.RolloutCompleted {
		t.Errorf("when it is over %+v", plan)
	}
	v.Deployments[0].Counts = Counts{Healthy: 1, Warming: 1}
	if plan := Decide(&v, 61_000); plan.BakingSince != 0 || len(plan.Rollouts) > 0 {
		t.Errorf("with one that is not healthy %+v", plan)
	}
	v.Deployments[0].Counts, v.Raised = Counts{Healthy: 2}, true
	if plan := Decide(&v, 61_000); len(plan.Rollouts) != 1 || plan.Rollouts[0].Cause != CauseAlarm || plan.RollBackTo != 0 {
		t.Errorf("with an alarm %+v", plan)
	}
	v.AlarmsRollBack, v.LastCompleted = true, older
	if plan := Decide(&v, 61_000); plan.RollBackTo != older {
		t.Errorf("with an alarm that goes back %+v", plan)
	}
}
