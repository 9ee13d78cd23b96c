package control

import (
	"strings"
	"testing"
	"time"

	"ballast/internal/ecs"
)

// guarded makes a service with a circuit breaker that is complete with its first revision.
func guarded(w *world, desired int, b ecs.Breaker) {
	d := w.define("web")
	w.do(CreateService{Service: ecs.Service{Cluster: "default", Name: "web", Desired: desired, Definition: d, Family: d.Family,
		Revision: d.Revision, MinimumHealthyPercent: 100, MaximumPercent: 200, Breaker: b}})
	w.pass(time.Minute)
	equal(w.t, "rollout", w.service("web").Deployments[0].Rollout, ecs.RolloutCompleted)
}

// said counts the events of a service with a text.
func (w *world) said(name, text string) (n int) {
	for _, event := range w.service(name).Events {
		if strings.Contains(event.Message, text) {
			n++
		}
	}
	return n
}

// never gives the tasks of a service that ended without having run.
func (w *world) never() (n int) {
	for _, t := range w.tasks(ecs.StatusStopped) {
		if t.StartedAt == 0 {
			n++
		}
	}
	return n
}

// TestBreakerRollsBack has a revision that never starts: a wave of two, another wave at once, and the third failure is enough.
func TestBreakerRollsBack(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	guarded(w, 2, ecs.Breaker{Enabled: true, Rollback: true})
	good := w.service("web").Deployments[0].ID
	a.refuse = true
	bad := w.do(UpdateService{Cluster: "default", Name: "web", Definition: w.define("web")}).(*ecs.Service).Deployments[0].ID
	equal(t, "never ran", w.never(), 4)
	s := w.service("web")
	back := s.Deployments[0].ID
	equal(t, "the newest is like the first", []string{s.Definition.Name(), s.Deployments[0].Definition.Name()},
		[]string{"web:1", "web:1"})
	equal(t, "why", s.Deployments[0].RolloutReason, "ECS deployment circuit breaker: rolling back to deploymentId "+good.String()+".")
	equal(t, "running all the time", w.running("web"), []string{"web:1", "web:1"})

	// The agent still refuses. The rollback fails as well, at its third wave, and there is nothing to go back to.
	w.pass(time.Minute)
	equal(t, "two waves, one task each as the pace allows", w.never(), 6)
	w.pass(time.Second)
	s = w.service("web")
	equal(t, "the rollback", []string{s.Deployments[0].ID.String(), s.Deployments[0].Rollout.String(), s.Deployments[0].RolloutReason},
		[]string{back.String(), "FAILED", "ECS deployment circuit breaker: tasks failed to start."})
	equal(t, "the third wave", w.never(), 8)
	w.pass(30 * time.Minute)
	equal(t, "nothing more is started", w.never(), 8)
	equal(t, "still running", w.running("web"), []string{"web:1", "web:1"})
	for text, want := range map[string]int{
		"(service web) (deployment " + bad.String() + ") deployment failed: tasks failed to start.":  1,
		"(service web) rolling back to deployment " + good.String() + ".":                            1,
		"(service web) (deployment " + back.String() + ") deployment failed: tasks failed to start.": 1,
		"rolling back": 1,
	} {
		equal(t, text, w.said("web", text), want)
	}
	a.refuse = false
	w.do(UpdateService{Cluster: "default", Name: "web", Definition: w.define("web")})
	w.pass(time.Minute)
	equal(t, "the next deployment", w.running("web"), []string{"web:3", "web:3"})
	equal(t, "is complete", w.service("web").Deployments[0].Rollout, ecs.RolloutCompleted)
	equal(t, "and alone", len(w.service("web").Deployments), 1)
}

// TestBreakerSurvivesRestart has the count of failures, the revision to go back to and the throttle outlive the machine.
func TestBreakerSurvivesRestart(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	guarded(w, 1, ecs.Breaker{Enabled: true, Rollback: true})
	good := w.service("web").Deployments[0].ID
	a.refuse = true
	w.do(UpdateService{Cluster: "default", Name: "web", Definition: w.define("web")})
	equal(t, "failures", w.service("web").Deployments[0].FailedTasks, 2)
	equal(t, "never ran", w.never(), 2)
	w.restart()
	equal(t, "failures after the restart", w.service("web").Deployments[0].FailedTasks, 2)
	w.pass(59 * time.Second)
	equal(t, "throttled for a minute", w.never(), 2)
	equal(t, "announced", w.said("web", "is unable to consistently start tasks successfully."), 1)
	a.refuse = false
	w.pass(time.Second)
	equal(t, "tried again", w.running("web"), []string{"web:1", "web:2"})
	a.refuse = true
	a.crash(w.tasks(ecs.StatusRunning)[1].ID)
	w.restart()
	equal(t, "the third failure", w.never(), 3)
	s := w.service("web")
	equal(t, "rolled back", s.Deployments[0].RolloutReason, "ECS deployment circuit breaker: rolling back to deploymentId "+good.String()+".")
}

func TestBreakerWithoutRollback(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	a.refuse = true
	d := w.define("web")
	w.do(CreateService{Service: ecs.Service{Cluster: "default", Name: "web", Desired: 8, Definition: d, Family: d.Family,
		Revision: d.Revision, MinimumHealthyPercent: 100, MaximumPercent: 200, Breaker: ecs.Breaker{Enabled: true, Rollback: true}}})
	s := w.service("web")
	equal(t, "first deployment", []string{s.Deployments[0].Rollout.String(), s.Deployments[0].RolloutReason},
		[]string{"FAILED", "ECS deployment circuit breaker: tasks failed to start."})
	equal(t, "failed tasks", s.Deployments[0].FailedTasks, 8)
	equal(t, "no event of a rollback", w.said("web", "rolling back"), 0)
	w.pass(30 * time.Minute)
	equal(t, "never ran", w.never(), 8)
	equal(t, "never again", w.said("web", "has started"), 1)
}

// TestUnhealthyTasksTripTheBreaker is its second stage: tasks that run and fail their checks.
func TestUnhealthyTasksTripTheBreaker(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	d := w.define("web", checked)
	w.do(CreateService{Service: ecs.Service{Cluster: "default", Name: "web", Desired: 2, Definition: d, Family: d.Family,
		Revision: d.Revision, MinimumHealthyPercent: 100, MaximumPercent: 200,
		Breaker: ecs.Breaker{Enabled: true, Rollback: true, Type: ecs.FailureCount, Value: 3}}})
	for _, task := range w.tasks(ecs.StatusRunning) {
		a.find(task.ID, ecs.HealthHealthy)
	}
	good := w.service("web").Deployments[0].ID
	w.do(UpdateService{Cluster: "default", Name: "web", Definition: w.define("web", checked)})
	for failed := 1; failed <= 3; failed++ {
		equal(t, "deployments", len(w.service("web").Deployments), 2)
		equal(t, "failed before", w.service("web").Deployments[0].FailedTasks, failed-1)
		for _, task := range w.tasks(ecs.StatusRunning) {
			if task.Definition.Revision == 2 {
				a.find(task.ID, ecs.HealthUnhealthy)
				break
			}
		}
	}
	s := w.service("web")
	equal(t, "rolled back", s.Deployments[0].RolloutReason, "ECS deployment circuit breaker: rolling back to deploymentId "+good.String()+".")
	equal(t, "throttled", w.said("web", "is unable to consistently start"), 0)
}

// TestExitsTripTheBreakerByTag has tasks that run and exit: they are the loop that ECS never ends.
func TestExitsTripTheBreakerByTag(t *testing.T) {
	for _, tag := range []string{"false", "true"} {
		w := newWorld(t, "ecs")
		a := w.agent()
		d := w.define("web")
		w.do(CreateService{Service: ecs.Service{Cluster: "default", Name: "web", Desired: 1, Definition: d, Family: d.Family,
			Revision: d.Revision, MinimumHealthyPercent: 100, MaximumPercent: 200, Breaker: ecs.Breaker{Enabled: true},
			Tags: []ecs.Tag{{Key: "ballast:breaker-counts-exits", Value: tag}}}})
		for range 3 {
			a.crash(w.tasks(ecs.StatusRunning)[0].ID)
			w.pass(time.Second)
		}
		want := map[string]string{"false": "IN_PROGRESS", "true": "FAILED"}[tag]
		equal(t, "rollout with tag "+tag, w.service("web").Deployments[0].Rollout.String(), want)
		equal(t, "throttled", w.said("web", "is unable to consistently start"), 0)
	}
}

// TestBreakerTellsWhatCouldNotBeLaunched has room for one of the two tasks that a deployment starts beside the two of before.
func TestBreakerTellsWhatCouldNotBeLaunched(t *testing.T) {
	for _, enabled := range []bool{true, false} {
		w := newWorld(t, "ecs")
		a := w.agent()
		third := func(d *ecs.TaskDefinition) { d.Containers[0].Memory = a.memory / 3 }
		d := w.define("web", third)
		w.do(CreateService{Service: ecs.Service{Cluster: "default", Name: "web", Desired: 2, Definition: d, Family: d.Family,
			Revision: d.Revision, MinimumHealthyPercent: 100, MaximumPercent: 200, Breaker: ecs.Breaker{Enabled: enabled}}})
		w.pass(time.Minute)
		next := w.do(UpdateService{Cluster: "default", Name: "web", Definition: w.define("web", third)}).(*ecs.Service).Deployments[0].ID
		w.pass(5 * time.Minute)
		want := 0
		if enabled {
			want = 1
		}
		equal(t, "unplaced", w.said("web", "was unable to place a task"), 1)
		equal(t, "told", w.said("web", "(service web) could not launch 1 tasks for deployment "+next.String()+"."), want)
		equal(t, "running at the end", w.running("web"), []string{"web:2", "web:2"})
	}
}
