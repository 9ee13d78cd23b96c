package scheduler

import (
	"testing"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/scheduler/policy"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const (
	older  ecs.DeploymentID = 1
	newest ecs.DeploymentID = 2
)

func preset(t testing.TB, name string) policy.Policy {
	p, err := policy.Named(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// view gives a service with one completed deployment in the steady state.
func view(t testing.TB, desired, minimum, maximum int, counts Counts) View {
	return View{Desired: desired, MinimumHealthyPercent: minimum, MaximumPercent: maximum, Steady: true,
		Policy: preset(t, "ecs"), Deployments: []Deployment{{ID: newest, Rollout: ecs.RolloutCompleted, Counts: counts}}}
}

// rolling gives a service in the middle of a rollout.
func rolling(t testing.TB, desired, minimum, maximum int, fresh, old Counts) View {
	v := view(t, desired, minimum, maximum, fresh)
	v.Steady = false
	v.Deployments[0].Rollout = ecs.RolloutInProgress
	v.Deployments = append(v.Deployments, Deployment{ID: older, Rollout: ecs.RolloutCompleted, Counts: old, Desired: old.Running()})
	return v
}

func with(v View, change func(*View)) View {
	change(&v)
	return v
}

// crowded gives a service n of whose starts found no room in the cluster.
func crowded(v View, n int) View {
	return with(v, func(v *View) { v.Deployments[0].Refused, v.Deployments[0].NoRoom = n, true })
}

func starts(n int) []Start { return []Start{{Deployment: newest, Count: n}} }

func replacing(n int) []Start { return []Start{{Deployment: newest, Count: n, Replaces: n}} }

func stop(d ecs.DeploymentID, phase Phase, n int) Stop {
	reason := "Scaling activity initiated by (deployment " + d.String() + ")"
	if phase == Unhealthy {
		reason = "Task failed container health checks"
	}
	return Stop{Deployment: d, Phase: phase, Count: n, Code: ecs.ServiceSchedulerInitiated, Reason: reason}
}

// Protected tasks are not stopped because there are too many, and the plan says so once (developer guide, Protect your Amazon ECS tasks
// from being terminated by scale-in events).
func TestProtectedTasks(t *testing.T) {
	guarded := func(v View, deployment int, protected Counts, announced int) View {
		v.Deployments[deployment].Protected, v.Deployments[deployment].Announced = protected, announced
		return v
	}
	said := func(d ecs.DeploymentID, n int) []Event {
		return []Event{{Kind: EventProtected, Deployment: d, Tasks: n}}
	}
	tests := []struct {
		name string
		view View
		want Plan
		wait Explanation
	}{
		{"scale-in takes the others", guarded(view(t, 2, 100, 200, Counts{Healthy: 4}), 0, Counts{Healthy: 2}, 0),
			Plan{Stops: []Stop{stop(newest, Healthy, 2)}}, Explanation{}},
		{"scale-in waits", guarded(view(t, 1, 100, 200, Counts{Healthy: 4}), 0, Counts{Healthy: 3}, 0),
			Plan{Stops: []Stop{stop(newest, Healthy, 1)}, Events: said(newest, 2)}, Explanation{Wait: WaitProtected, Deployment: newest, Tasks: 2}},
		{"and says so once", guarded(view(t, 1, 100, 200, Counts{Healthy: 3}), 0, Counts{Healthy: 3}, 2), Plan{},
			Explanation{Wait: WaitProtected, Deployment: newest, Tasks: 2}},
		{"a healthy task does not make up for one that starts", guarded(view(t, 2, 100, 200, Counts{Healthy: 2, Starting: 1}), 0, Counts{Starting: 1}, 1),
			Plan{}, Explanation{Wait: WaitProtected, Deployment: newest, Tasks: 1}},
		{"an unhealthy task is stopped", guarded(view(t, 1, 100, 200, Counts{Healthy: 1, Unhealthy: 1}), 0, Counts{}, 0),
			Plan{Stops: []Stop{stop(newest, Unhealthy, 1)}}, Explanation{}},
		{"a deployment waits", guarded(rolling(t, 2, 100, 200, Counts{Healthy: 2}, Counts{Healthy: 2}), 1, Counts{Healthy: 1}, 1),
			Plan{Stops: []Stop{stop(older, Healthy, 1)}, Desired: []DesiredChange{{older, 1}}}, Explanation{Wait: WaitProtected, Deployment: older, Tasks: 1}},
		{"that is no deadlock", guarded(rolling(t, 2, 50, 100, Counts{Healthy: 1}, Counts{Healthy: 1}), 1, Counts{Healthy: 1}, 1),
			Plan{}, Explanation{Wait: WaitProtected, Deployment: older, Tasks: 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Decide(&test.view, 1_000)
			waits := Explanation{}
			for _, e := range got.Explanations {
				if e.Wait == WaitProtected {
					waits = e
				}
			}
			got.Explanations = nil
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" || waits != test.wait {
				t.Errorf("explains %+v, want %+v (-want +got):\n%s", waits, test.wait, diff)
			}
		})
	}
}

// The scenarios of "A deep dive into Amazon ECS task health and task replacement" (2023), step by step.
func TestArticleTaskHealth(t *testing.T) {
	tests := []struct {
		name string
		view View
		want Plan
	}{
		{"crashing: replaced as quickly as possible",
			view(t, 8, 100, 200, Counts{Healthy: 4, Stopping: 4}), Plan{Starts: starts(4)}},
		{"frozen: replacements first",
			view(t, 8, 100, 200, Counts{Healthy: 4, Unhealthy: 4}), Plan{Starts: replacing(4)}},
		{"frozen: nothing stops before a replacement is healthy",
			view(t, 8, 100, 200, Counts{Healthy: 4, Unhealthy: 4, Warming: 4}), Plan{}},
		{"frozen: one replacement is healthy",
			view(t, 8, 100, 200, Counts{Healthy: 5, Unhealthy: 4, Warming: 3}), Plan{Stops: []Stop{stop(newest, Unhealthy, 1)}}},
		{"frozen: all replacements are healthy",
			view(t, 8, 100, 200, Counts{Healthy: 8, Unhealthy: 4}), Plan{Stops: []Stop{stop(newest, Unhealthy, 4)}}},
		{"overburdened: as many as maximumPercent allows",
			view(t, 8, 100, 150, Counts{Unhealthy: 8}), Plan{Starts: replacing(4)}},
		{"overburdened: all recover and auto scaling asks for ten",
			view(t, 10, 100, 150, Counts{Healthy: 12}), Plan{Stops: []Stop{stop(newest, Healthy, 2)}}},
		{"limited maximum: stopped first",
			view(t, 8, 50, 100, Counts{Healthy: 7, Unhealthy: 1}), Plan{Stops: []Stop{stop(newest, Unhealthy, 1)}}},
		{"limited maximum: one at a time",
			view(t, 8, 50, 100, Counts{Healthy: 5, Unhealthy: 2, Stopping: 1}), Plan{}},
		{"limited maximum: then replaced",
			view(t, 8, 50, 100, Counts{Healthy: 5, Unhealthy: 2}), Plan{Starts: []Start{{Deployment: newest, Count: 1, Replaces: 1}}}},
		{"limited maximum: the next waits for the replacement",
			view(t, 8, 50, 100, Counts{Healthy: 5, Unhealthy: 2, Warming: 1}), Plan{}},
		{"limited maximum: the next waits for a replacement in its grace period",
			view(t, 8, 50, 100, Counts{Healthy: 5, Unhealthy: 2, Graced: 1}), Plan{}},
		{"limited maximum: or for one that starts",
			view(t, 8, 50, 100, Counts{Healthy: 5, Unhealthy: 2, Starting: 1}), Plan{}},
		{"no room in the cluster: stopped first, one at a time",
			crowded(view(t, 8, 50, 200, Counts{Healthy: 6, Unhealthy: 2}), 2), Plan{Stops: []Stop{stop(newest, Unhealthy, 1)}}},
		{"no room in the cluster: the next waits for the replacement",
			crowded(view(t, 8, 50, 200, Counts{Healthy: 6, Unhealthy: 1, Warming: 1}), 1), Plan{}},
		{"no room in the cluster: not while a task is missing besides",
			crowded(view(t, 8, 50, 200, Counts{Healthy: 6, Unhealthy: 1}), 2), Plan{}},
		{"no room in the cluster: not when only some were refused",
			with(view(t, 8, 50, 200, Counts{Healthy: 6, Unhealthy: 2}), func(v *View) { v.Deployments[0].Refused = 2 }), Plan{}},
		{"no room in the cluster, 2026: an old task makes room for one of its revision",
			with(rolling(t, 4, 100, 200, Counts{}, Counts{Healthy: 3, Unhealthy: 1}), func(v *View) {
				v.Policy, v.Deployments[1].Desired = preset(t, "ecs-2026"), 4
				v.Deployments[0].Refused, v.Deployments[1].Refused, v.Deployments[1].NoRoom = 4, 1, true
			}), Plan{Stops: []Stop{stop(older, Unhealthy, 1)}}},
		{"limited maximum: nothing is stopped while there is room",
			view(t, 8, 50, 125, Counts{Healthy: 6, Unhealthy: 2}), Plan{Starts: replacing(2)}},
		{"a rollout of which no old task is left is none",
			with(rolling(t, 8, 50, 150, Counts{Healthy: 7, Unhealthy: 1}, Counts{}), func(v *View) { v.Deployments[0].Rollout = ecs.RolloutFailed }),
			Plan{Remove: []ecs.DeploymentID{older}}},
		{"fails during a rollout: stopped at once, room goes to the newest deployment",
			rolling(t, 8, 50, 150, Counts{Starting: 4}, Counts{Healthy: 4, Unhealthy: 4}), Plan{
				Stops: []Stop{stop(older, Unhealthy, 4)}, Desired: []DesiredChange{{older, 4}}}},
		{"external failure: more unhealthy ones than desired",
			view(t, 8, 100, 150, Counts{Unhealthy: 12}), Plan{Stops: []Stop{stop(newest, Unhealthy, 4)}}},
		{"external failure: and again",
			view(t, 8, 100, 150, Counts{Unhealthy: 8}), Plan{Starts: replacing(4)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Decide(&test.view, 1_000)
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(Plan{}, "Explanations", "Steady")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestRollout(t *testing.T) {
	tests := []struct {
		name string
		view View
		want Plan
	}{
		{"start and stop interleave",
			rolling(t, 4, 50, 150, Counts{}, Counts{Healthy: 4}), Plan{Starts: starts(2), Stops: []Stop{stop(older, Healthy, 2)},
				Desired: []DesiredChange{{older, 2}}}},
		{"minimum rounds up, maximum rounds down",
			rolling(t, 3, 50, 150, Counts{}, Counts{Healthy: 3}), Plan{Starts: starts(1), Stops: []Stop{stop(older, Healthy, 1)},
				Desired: []DesiredChange{{older, 2}}}},
		{"what stops still counts against the maximum",
			rolling(t, 4, 0, 100, Counts{}, Counts{Stopping: 3}), Plan{Starts: starts(1)}},
		{"tasks that have not started stop at once",
			rolling(t, 4, 100, 200, Counts{Starting: 4}, Counts{Starting: 2, Healthy: 2}), Plan{
				Stops: []Stop{stop(older, Starting, 2)}}},
		{"warming tasks stop while enough are running",
			rolling(t, 4, 100, 200, Counts{Warming: 3}, Counts{Warming: 4}), Plan{Starts: starts(1),
				Stops: []Stop{stop(older, Warming, 3)}, Desired: []DesiredChange{{older, 1}}}},
		{"healthy ones only while enough are healthy",
			rolling(t, 4, 100, 200, Counts{Warming: 3, Healthy: 1}, Counts{Healthy: 4}), Plan{
				Stops: []Stop{stop(older, Healthy, 1)}, Desired: []DesiredChange{{older, 3}}}},
		{"old tasks that still stop hold the completion up",
			rolling(t, 2, 100, 200, Counts{Healthy: 2}, Counts{Stopping: 1}), Plan{}},
		{"complete",
			rolling(t, 2, 100, 200, Counts{Healthy: 2}, Counts{}), Plan{Steady: true, Remove: []ecs.DeploymentID{older},
				Rollouts: []RolloutChange{{newest, ecs.RolloutCompleted, "ECS deployment ecs-svc/0000000000000000002 completed.", 0}},
				Events:   []Event{{Kind: EventDeploymentCompleted, Deployment: newest}, {Kind: EventSteadyState}}}},
		{"desired 0 completes at once",
			rolling(t, 0, 100, 200, Counts{}, Counts{}), Plan{Steady: true, Remove: []ecs.DeploymentID{older},
				Rollouts: []RolloutChange{{newest, ecs.RolloutCompleted, "ECS deployment ecs-svc/0000000000000000002 completed.", 0}},
				Events:   []Event{{Kind: EventDeploymentCompleted, Deployment: newest}, {Kind: EventSteadyState}}}},
		{"a failed deployment starts nothing and leaves the old tasks",
			with(rolling(t, 4, 0, 200, Counts{Healthy: 1}, Counts{Healthy: 3}), func(v *View) {
				v.Deployments[0].Rollout = ecs.RolloutFailed
			}), Plan{}},
		{"2026: a dead old task is replaced by its own revision first",
			with(rolling(t, 8, 100, 150, Counts{Warming: 4}, Counts{Healthy: 7}), func(v *View) {
				v.Policy, v.Deployments[1].Desired = preset(t, "ecs-2026"), 8
			}), Plan{Starts: []Start{{Deployment: older, Count: 1}}}},
		{"2026: but not one that never proved itself",
			with(rolling(t, 8, 100, 150, Counts{Warming: 4}, Counts{Healthy: 7}), func(v *View) {
				v.Policy, v.Deployments[1].Desired, v.Deployments[1].Lost = preset(t, "ecs-2026"), 8, 1
			}), Plan{Starts: starts(1), Desired: []DesiredChange{{older, 7}}}},
		{"2026: an unhealthy old task stops first only without room",
			with(rolling(t, 4, 100, 100, Counts{}, Counts{Healthy: 3, Unhealthy: 1}), func(v *View) {
				v.Policy = preset(t, "ecs-2026")
			}), Plan{Stops: []Stop{stop(older, Unhealthy, 1)}}},
		{"2026: an unhealthy old task runs on until its replacement is healthy",
			with(rolling(t, 4, 100, 200, Counts{}, Counts{Healthy: 3, Unhealthy: 1, Warming: 1}), func(v *View) {
				v.Policy, v.Deployments[1].Desired = preset(t, "ecs-2026"), 4
			}), Plan{Starts: starts(3)}},
		{"2026: and is stopped then",
			with(rolling(t, 4, 100, 200, Counts{Starting: 3}, Counts{Healthy: 3, Unhealthy: 2}), func(v *View) {
				v.Policy, v.Deployments[1].Desired = preset(t, "ecs-2026"), 4
			}), Plan{Stops: []Stop{stop(older, Unhealthy, 1)}}},
		{"2026: an older deployment all of whose tasks died stays until they are replaced",
			with(rolling(t, 4, 100, 200, Counts{Starting: 2}, Counts{}), func(v *View) {
				v.Policy, v.Deployments[1].Desired = preset(t, "ecs-2026"), 4
			}), Plan{Starts: []Start{{Deployment: older, Count: 4}, {Deployment: newest, Count: 2}}}},
		{"a failed deployment replaces nothing, so unhealthy old tasks are kept",
			with(rolling(t, 4, 0, 200, Counts{}, Counts{Unhealthy: 3, Healthy: 1}), func(v *View) {
				v.Deployments[0].Rollout = ecs.RolloutFailed
			}), Plan{}},
		{"but its own, which nobody needs",
			with(rolling(t, 4, 0, 200, Counts{Unhealthy: 3}, Counts{Unhealthy: 2, Healthy: 2}), func(v *View) {
				v.Deployments[0].Rollout = ecs.RolloutFailed
			}), Plan{Stops: []Stop{stop(newest, Unhealthy, 3)}}},
		{"and what is more than the service should have",
			with(rolling(t, 4, 0, 200, Counts{Healthy: 2}, Counts{Unhealthy: 3}), func(v *View) {
				v.Deployments[0].Rollout = ecs.RolloutFailed
			}), Plan{Stops: []Stop{stop(older, Unhealthy, 1)}, Desired: []DesiredChange{{older, 2}}}},
		{"an early success is no rollout under way: its tasks are replaced first",
			with(rolling(t, 4, 50, 200, Counts{Healthy: 3, Unhealthy: 1}, Counts{Healthy: 1}), func(v *View) {
				v.Deployments[0].Rollout, v.Deployments[1].Protected = ecs.RolloutCompleted, Counts{Healthy: 1}
				v.Deployments[1].Announced = 1
			}), Plan{Starts: replacing(1)}},
		{"a failed deployment that leaves the old tasks is not deadlocked",
			with(rolling(t, 4, 50, 100, Counts{}, Counts{Healthy: 4}), func(v *View) { v.Deployments[0].Rollout = ecs.RolloutFailed }), Plan{}},
		{"2022: unhealthy ones are stopped first",
			with(view(t, 8, 100, 200, Counts{Healthy: 4, Unhealthy: 4}), func(v *View) { v.Policy = preset(t, "ecs-2022") }),
			Plan{Stops: []Stop{stop(newest, Unhealthy, 4)}, Starts: starts(4)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Decide(&test.view, 1_000)
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(Plan{}, "Explanations")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestSteadyAndScale(t *testing.T) {
	steady := []Event{{Kind: EventSteadyState}}
	tests := []struct {
		name string
		view View
		want Plan
	}{
		{"nothing to do", view(t, 4, 100, 200, Counts{Healthy: 4}), Plan{Steady: true}},
		{"a disturbance ends the steady state", view(t, 4, 100, 200, Counts{Healthy: 3, Warming: 1}), Plan{}},
		{"and is over", with(view(t, 4, 100, 200, Counts{Healthy: 4}), func(v *View) { v.Steady = false }),
			Plan{Steady: true, Events: steady}},
		{"not while a task stops", with(view(t, 4, 100, 200, Counts{Healthy: 4, Stopping: 1}), func(v *View) { v.Steady = false }),
			Plan{}},
		{"scale-in takes the least useful first", view(t, 2, 100, 200, Counts{Starting: 1, Unhealthy: 1, Warming: 1, Healthy: 3}),
			Plan{Stops: []Stop{stop(newest, Unhealthy, 1), stop(newest, Starting, 1), stop(newest, Warming, 1), stop(newest, Healthy, 1)}}},
		{"scale-out", view(t, 6, 100, 200, Counts{Healthy: 4}), Plan{Starts: starts(2)}},
		{"deleted", with(view(t, 2, 100, 200, Counts{Healthy: 2, Starting: 1}), func(v *View) { v.Draining = true }),
			Plan{Stops: []Stop{
				{Deployment: newest, Phase: Starting, Count: 1, Code: ecs.ServiceSchedulerInitiated, Reason: "Service was deleted"},
				{Deployment: newest, Phase: Healthy, Count: 2, Code: ecs.ServiceSchedulerInitiated, Reason: "Service was deleted"}}}},
		{"deleted and stopping", with(view(t, 2, 100, 200, Counts{Stopping: 1}), func(v *View) { v.Draining = true }), Plan{}},
		{"deleted and gone", with(view(t, 2, 100, 200, Counts{}), func(v *View) { v.Draining = true }), Plan{Inactive: true}},
		{"wakes when a task becomes healthy", with(view(t, 1, 100, 200, Counts{Warming: 1}), func(v *View) { v.NextHealthy = 41_000 }),
			Plan{Wake: 41_000}},
		{"no deployment, nothing to do", View{Desired: 3, MaximumPercent: 200}, Plan{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Decide(&test.view, 1_000)
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(Plan{}, "Explanations")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Replacements of short runs take tokens, other starts do not.
func TestPacedStarts(t *testing.T) {
	const now = ecs.Time(1_000_000)
	v := view(t, 10, 100, 200, Counts{Healthy: 2})
	v.Debt = 5
	v.Pace = v.Pace.Take(8, now, v.Policy.PacePerMinute, v.Desired) // 2 are left
	want := Plan{Starts: []Start{{Deployment: newest, Count: 5, Paced: 2}}, Wake: now + 120, Explanations: []Explanation{
		{Wait: WaitPace, Deployment: newest, Tasks: 3, Limit: 500, ShortRun: time.Minute}}}
	if diff := cmp.Diff(want, Decide(&v, now)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := want.Starts[0].TokensFor(4); got != 1 {
		t.Errorf("%d tokens for 4 placed of 5, want 1: the free ones come first", got)
	}
}

func TestExplanations(t *testing.T) {
	refused := func(n int) func(*View) { return func(v *View) { v.Deployments[0].Refused = n } }
	tests := []struct {
		name string
		view View
		want []string
	}{
		{"nothing is wanted", view(t, 4, 100, 200, Counts{Healthy: 4}), nil},
		{"no room", view(t, 4, 100, 100, Counts{Stopping: 3, Healthy: 1}),
			[]string{"3 tasks wait: maximumPercent 100 leaves no room (at most 4)"}},
		{"refused", with(view(t, 4, 100, 200, Counts{Healthy: 3}), refused(1)),
			[]string{"1 task waits: no container instance met all requirements"}},
		{"kept", rolling(t, 4, 100, 200, Counts{Warming: 4}, Counts{Healthy: 4}),
			[]string{"4 old tasks keep running: minimumHealthyPercent 100 asks for 4 healthy tasks"}},
		{"failed", with(view(t, 4, 100, 200, Counts{Healthy: 3}), func(v *View) { v.Deployments[0].Rollout = ecs.RolloutFailed }),
			[]string{"1 task waits: deployment ecs-svc/0000000000000000002 has failed"}},
		{"failed with older ones, which stay",
			with(rolling(t, 4, 50, 200, Counts{}, Counts{Healthy: 4}), func(v *View) { v.Deployments[0].Rollout = ecs.RolloutFailed }),
			[]string{"4 tasks wait: deployment ecs-svc/0000000000000000002 has failed"}},
		{"deadlocked (developer guide, Service event messages: desired 3, maximum 125)",
			rolling(t, 3, 100, 125, Counts{}, Counts{Healthy: 3}), []string{
				"3 old tasks keep running: minimumHealthyPercent 100 asks for 3 healthy tasks",
				"3 tasks wait: maximumPercent 125 leaves no room (at most 3)",
				"was unable to stop or start tasks during a deployment because of the service deployment configuration. " +
					"Update the minimumHealthyPercent or maximumPercent value and try again."}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, e := range Decide(&test.view, 1_000).Explanations {
				got = append(got, e.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	pace := Explanation{Wait: WaitPace, Tasks: 3, Limit: 500, ShortRun: time.Minute}
	if got, want := pace.String(), "3 tasks wait: replacements of tasks that ran less than 1m0s are paced to 500 a minute"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
