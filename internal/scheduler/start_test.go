package scheduler

import (
	"testing"

	"ballast/internal/ecs"
	"ballast/internal/scheduler/policy"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// sustained is a rollout in which the older deployment is to have as many tasks as the service, and lacks some.
func sustained(t *testing.T, maximum int, fresh, old Counts, change ...func(*View)) View {
	t.Helper()
	v := rolling(t, 4, 100, maximum, fresh, old)
	v.Policy, v.Deployments[1].Desired = preset(t, "ecs-2026"), 4
	for _, c := range change {
		c(&v)
	}
	return v
}

// TestStartsOfTwoDeployments has an older deployment come first, and keep its room and its time whatever holds it back; what holds the
// newest one back is none of its business.
func TestStartsOfTwoDeployments(t *testing.T) {
	const now = ecs.Time(1_000_000)
	paced := func(debt int) func(*View) {
		return func(v *View) {
			v.Debt, v.Pace = debt, v.Pace.Take(100, now, v.Policy.PacePerMinute, v.Desired)
		}
	}
	refused := func(v *View) { v.Deployments[1].Refused, v.RetryAt = 3, now+10_000 }
	throttled := func(v *View) { v.Throttle = ecs.Backoff{Failed: 4, Since: now} }
	parked := func(v *View) {
		v.Policy.Brake = policy.BrakePark
		v.Brake = ecs.Backoff{Failed: v.Policy.BrakeAfter, Since: now, Announced: true}
	}
	tests := []struct {
		name string
		view View
		want Plan
	}{
		{"the older one first", sustained(t, 125, Counts{}, Counts{Healthy: 1}),
			Plan{Starts: []Start{{Deployment: older, Count: 3}, {Deployment: newest, Count: 1}}}},
		{"the pace holds the older one, and wakes it", sustained(t, 200, Counts{Starting: 4}, Counts{Healthy: 1}, paced(3)), Plan{Wake: now + 120}},
		{"its room is kept when placement refused it", sustained(t, 100, Counts{}, Counts{Healthy: 1}, refused), Plan{Wake: now + 10_000}},
		{"the throttle holds the newest one only",
			sustained(t, 200, Counts{}, Counts{Healthy: 3}, throttled, func(v *View) { v.Throttle.Announced = true }),
			Plan{Starts: []Start{{Deployment: older, Count: 1}}, Wake: now + 9*60_000}},
		{"a refusal is tried again although the newest one is parked", sustained(t, 200, Counts{}, Counts{Healthy: 1}, refused, parked),
			Plan{Wake: now + 10_000}},
		{"a debt larger than what is wanted takes no more tokens than that",
			with(view(t, 10, 100, 200, Counts{Healthy: 8}), func(v *View) {
				v.Debt, v.Pace = 5, v.Pace.Take(8, now, v.Policy.PacePerMinute, v.Desired) // 2 are left
			}), Plan{Starts: []Start{{Deployment: newest, Count: 2, Paced: 2}}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Decide(&test.view, now)
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(Plan{}, "Explanations")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestEveryWaitIsToldOnce has three tasks wait, of which the pace holds two and placement has refused one.
func TestEveryWaitIsToldOnce(t *testing.T) {
	const now = ecs.Time(1_000_000)
	v := view(t, 4, 100, 200, Counts{Healthy: 1})
	v.Debt, v.Deployments[0].Refused = 3, 3
	v.Pace = v.Pace.Take(3, now, v.Policy.PacePerMinute, v.Desired)
	told := map[Wait]int{}
	for _, e := range Decide(&v, now).Explanations {
		told[e.Wait] += e.Tasks
	}
	if diff := cmp.Diff(map[Wait]int{WaitPace: 2, WaitPlacement: 1}, told); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestEarlySuccessWantsTasks has a service that should have none not be complete early for a protected task that is left.
func TestEarlySuccessWantsTasks(t *testing.T) {
	v := rolling(t, 0, 100, 200, Counts{Healthy: 1}, Counts{})
	v.Early = &ecs.EarlySuccess{Enabled: true, Percent: 50}
	v.Deployments[0].Protected, v.Deployments[0].Announced = Counts{Healthy: 1}, 1
	if p := Decide(&v, 1_000); len(p.Rollouts) != 0 {
		t.Errorf("%+v", p.Rollouts)
	}
}
