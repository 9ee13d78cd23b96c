package explain

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ballast/internal/ecs"
	"ballast/internal/lb/health"
	"ballast/internal/scheduler"
	"ballast/internal/scheduler/policy"
)

// drawn is a scene that makes sense to the scheduler, whatever it has come from.
func drawn(t *rapid.T) *scene {
	s := newScene(rapid.IntRange(0, 6).Draw(t, "desired"), checked(1))
	s.policy, _ = policy.Named(rapid.SampledFrom(policy.Names()).Draw(t, "policy"))
	s.policy.Brake = policy.LoopBrake(rapid.IntRange(0, 2).Draw(t, "brake"))
	s.service.MaximumPercent = rapid.SampledFrom([]int{100, 134, 200}).Draw(t, "maximum")
	s.service.MinimumHealthyPercent = rapid.SampledFrom([]int{0, 50, 100}).Draw(t, "minimum")
	s.service.Breaker = ecs.Breaker{Enabled: rapid.Bool().Draw(t, "breaker"), Rollback: rapid.Bool().Draw(t, "rollback")}
	rollouts := []ecs.RolloutState{ecs.RolloutInProgress, ecs.RolloutCompleted, ecs.RolloutFailed}
	s.service.Deployments[0].Rollout = rapid.SampledFrom(rollouts).Draw(t, "rollout")
	for range rapid.IntRange(0, 2).Draw(t, "deployments") {
		s.deploy(checked(len(s.service.Deployments) + 1)).Rollout = rapid.SampledFrom(rollouts).Draw(t, "rollout")
	}
	s.tracker.Restore(&ecs.Service{
		Throttle: ecs.Backoff{Failed: rapid.IntRange(0, 5).Draw(t, "throttle"), Since: noon.Add(-time.Second)},
		Brake:    ecs.Backoff{Failed: rapid.IntRange(0, 12).Draw(t, "waves"), Since: noon.Add(-time.Second)}})
	s.balance([]string{"web", "admin"}[:rapid.IntRange(0, 2).Draw(t, "groups")]...)
	for range rapid.IntRange(0, 8).Draw(t, "tasks") {
		i := rapid.IntRange(0, len(s.service.Deployments)-1).Draw(t, "of")
		s.add(i, scheduler.Phase(rapid.IntRange(0, int(scheduler.Stopping)).Draw(t, "phase")), func(k *Task) {
			if rapid.Bool().Draw(t, "due") {
				k.Due = noon.Add(time.Minute)
			}
			var said []health.Target
			for range rapid.IntRange(0, len(s.c.Groups)).Draw(t, "known") {
				said = append(said, rapid.SampledFrom([]health.Target{fresh, passing, failing, sick, late, passing.Deregister(), fresh.NotInUse()}).Draw(t, "target"))
			}
			s.targets(time.Duration(rapid.IntRange(0, 100).Draw(t, "since"))*time.Second, said...)(k)
			if k.Phase == scheduler.Stopping && len(said) > 0 {
				deactivating(time.Second, time.Minute)(k)
			}
			if rapid.Bool().Draw(t, "protected") && k.Phase == scheduler.Healthy {
				k.ProtectedUntil = noon.Add(time.Hour)
			}
		})
	}
	for range rapid.IntRange(0, 3).Draw(t, "stopped") {
		s.ended(time.Second, ecs.StopCode(rapid.IntRange(1, 7).Draw(t, "code")), "Essential container in task exited",
			exited(int32(rapid.IntRange(0, 255).Draw(t, "exit"))))
	}
	s.sync()
	return s
}

// TestAlwaysSays wants something said of whatever is not steady, sentences that are whole, and what holds back before the rest.
func TestAlwaysSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawn(t).decided()
		r := Service(c)
		if r.State == "" || r.Summary == "" {
			t.Fatalf("nothing is said: %+v", r)
		}
		restless := !c.Service.Steady && r.State != string(Stopped)
		if told := len(r.Findings) > 0 && r.Findings[0].Weight != Note; restless && !told {
			t.Fatalf("the service is not steady, and nobody says why:\n%s", text(r))
		}
		last := 0
		for _, f := range r.Findings {
			if !strings.HasSuffix(f.Text, ".") || strings.Contains(f.Text, "  ") || f.Kind == "" || marks[f.Weight] == "" {
				t.Fatalf("this is no sentence: %+v", f)
			}
			if ranks[f.Weight] < last {
				t.Fatalf("%q matters more than what stands before it:\n%s", f.Text, text(r))
			}
			last = ranks[f.Weight]
			if f.At.Before(r.At) && !f.At.IsZero() && f.Kind != Warming && f.Kind != Graced {
				t.Fatalf("%q happens next in the past:\n%s", f.Then, text(r))
			}
		}
		for _, task := range c.Tasks {
			if one := OneTask(c, task.Task); one.Summary == "" || len(one.Findings) == 0 {
				t.Fatalf("nothing is said of task %s, %s: %+v", task.ID, task.Phase, one)
			}
		}
	})
}
