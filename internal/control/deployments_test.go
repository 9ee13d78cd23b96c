package control

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"ballast/internal/ecs"

	"github.com/google/go-cmp/cmp"
)

// history gives the service deployments of a service as "number status reason", the newest first.
func (w *world) history(name string) (lines []string) {
	r := w.m.Root()
	for _, d := range r.ServiceDeployments(r.Service("default", name), 0, 10_000, func(*ecs.ServiceDeployment) bool { return true }) {
		line := fmt.Sprintf("%d %s", d.Number, d.Status)
		if d.StatusReason != "" {
			line += ": " + d.StatusReason
		}
		lines = append(lines, line)
	}
	return lines
}

// settled makes a service that is complete with its first revision.
func settled(w *world, desired int) *ecs.Service {
	w.serve("web", w.define("web"), desired)
	w.pass(time.Minute)
	return w.service("web")
}

func (w *world) update(u UpdateService) *ecs.Service {
	w.t.Helper()
	u.Cluster, u.Name = "default", "web"
	return w.do(u).(*ecs.Service)
}

func TestServiceDeploymentsOfAService(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	w.serve("web", w.define("web"), 2)
	equal(t, "at first", w.history("web"), []string{"1 IN_PROGRESS"})
	first := *w.service("web").Current
	equal(t, "length of the id", len(first.ID), ecs.ServiceDeploymentIDLen)
	equal(t, "target", first.Target.ID, w.service("web").Deployments[0].ID)
	equal(t, "started", first.StartedAt, w.now)
	w.pass(time.Minute)
	equal(t, "complete", w.history("web"), []string{"1 SUCCESSFUL"})
	done := w.service("web").Current
	equal(t, "counts of the end", done.Last.Tasks, []ecs.RevisionTasks{{Revision: first.Target.ID, Requested: 2, Running: 2}})
	equal(t, "finished", done.FinishedAt, first.CreatedAt.Add(40*time.Second))

	w.update(UpdateService{Desired: new(3)})
	equal(t, "a count is no deployment", w.history("web"), []string{"1 SUCCESSFUL"})
	second := w.update(UpdateService{Definition: w.define("web")}).Current
	equal(t, "sources", second.Sources, []ecs.DeploymentID{first.Target.ID})
	w.update(UpdateService{Force: true})
	want := []string{"3 IN_PROGRESS", "2 STOPPED: Service deployment stopped because another service deployment began.", "1 SUCCESSFUL"}
	equal(t, "superseded", w.history("web"), want)
	stopped := w.m.Root().ServiceDeployment(w.service("web"), second.ID)
	equal(t, "stopped", []ecs.Time{stopped.StoppedAt, stopped.FinishedAt}, []ecs.Time{w.now, w.now})
	equal(t, "its counts", stopped.Last.Tasks, []ecs.RevisionTasks{{Revision: second.Target.ID, Requested: 3, Running: 3},
		{Revision: first.Target.ID, Requested: 2, Running: 2}})

	before := w.service("web").Current
	w.restart()
	equal(t, "after a restart", w.history("web"), want)
	if diff := cmp.Diff(before, w.service("web").Current); diff != "" {
		t.Error("the current one after a restart:", diff)
	}
	again := w.m.Root().ServiceDeployment(w.service("web"), second.ID)
	if diff := cmp.Diff(stopped, again); diff != "" {
		t.Error("the stopped one after a restart:", diff)
	}
	w.pass(2 * time.Minute)
	equal(t, "in the end", w.history("web")[0], "3 SUCCESSFUL")
	w.do(DeleteService{Cluster: "default", Name: "web", Force: true})
	equal(t, "of a deleted service", len(w.history("web")), 0)
	for key := range w.records {
		if slices.Contains([]string{"c/default/deployment/0000000001/0000000001", "c/default/deployment/0000000001/0000000002"}, key) {
			t.Errorf("%s is kept", key)
		}
	}
}

// stop asks for a rollback of the current service deployment.
func (w *world) stopDeployment() error {
	_, err := w.try(StopServiceDeployment{Cluster: "default", Service: "web", ID: w.service("web").Current.ID})
	return err
}

// TestStopServiceDeployment is the one way to a rollback that needs no option (API_StopServiceDeployment).
func TestStopServiceDeployment(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	good := settled(w, 2).Deployments[0]
	bad := w.update(UpdateService{Definition: w.define("web")}).Deployments[0]
	w.pass(10 * time.Second)
	if err := w.stopDeployment(); err != nil {
		t.Fatal(err)
	}
	s := w.service("web")
	equal(t, "going back", w.history("web")[0], "2 ROLLBACK_IN_PROGRESS: Service deployment rolled back because its rollback was requested.")
	equal(t, "rollback", *s.Current.Rollback, ecs.Rollback{Reason: s.Current.StatusReason, StartedAt: w.now, Revision: good.ID})
	equal(t, "the newest brings the first back", []string{s.Deployments[0].Definition.Name(), s.Deployments[0].ServiceRevision().ID.String(),
		s.Deployments[0].RolloutReason},
		[]string{"web:1", good.ID.String(), "ECS deployment stopped: rolling back to deploymentId " + good.ID.String() + "."})
	equal(t, "the failed one has no task left", s.Deployments[1].ID, good.ID)
	for _, text := range []string{"(service web) (deployment " + bad.ID.String() + ") deployment failed: rollback requested.",
		"(service web) rolling back to deployment " + good.ID.String() + "."} {
		equal(t, text, w.said("web", text), 1)
	}
	equal(t, "again is no error", w.stopDeployment(), nil)
	w.restart()
	w.pass(2 * time.Minute)
	equal(t, "gone back", w.history("web"), []string{
		"2 ROLLBACK_SUCCESSFUL: Service deployment rolled back because its rollback was requested.", "1 SUCCESSFUL"})
	equal(t, "running", w.running("web"), []string{"web:1", "web:1"})
	s = w.service("web")
	equal(t, "counts", s.Current.Last.Tasks[0], ecs.RevisionTasks{Revision: good.ID, Requested: 2, Running: 2})
	refused := func(what string, err error, want string) {
		t.Helper()
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", what, err, want)
		}
	}
	refused("one that is over", w.stopDeployment(), "ConflictException: The service deployment is ROLLBACK_SUCCESSFUL and cannot be stopped.")
	first := w.m.Root().ServiceDeployments(s, 2, 1, func(*ecs.ServiceDeployment) bool { return true })[0]
	_, err := w.try(StopServiceDeployment{Cluster: "default", Service: "web", ID: first.ID})
	refused("one that is past", err, "ConflictException: The service deployment is SUCCESSFUL and cannot be stopped.")
	_, err = w.try(StopServiceDeployment{Cluster: "default", Service: "web", ID: "x"})
	refused("one that is not", err, "ServiceDeploymentNotFoundException: Service deployment not found.")
	_, err = w.try(StopServiceDeployment{Cluster: "default", Service: "x", ID: first.ID})
	refused("no service", err, "ServiceDeploymentNotFoundException: Service deployment not found.")

	// The revision that is back is the one to go back to from now on.
	w.update(UpdateService{Definition: w.define("web")})
	w.pass(time.Second)
	if err := w.stopDeployment(); err != nil {
		t.Fatal(err)
	}
	equal(t, "the same revision again", w.service("web").Current.Rollback.Revision, good.ID)
}

// TestStopFirstServiceDeployment has nothing to go back to: the deployment fails and starts nothing more.
func TestStopFirstServiceDeployment(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	a.holds = true
	w.serve("web", w.define("web"), 2)
	if err := w.stopDeployment(); err != nil {
		t.Fatal(err)
	}
	equal(t, "stopped", w.history("web"), []string{"1 STOPPED: Service deployment stopped because its rollback was requested."})
	equal(t, "rollout", w.service("web").Deployments[0].Rollout, ecs.RolloutFailed)
	equal(t, "why", w.service("web").Deployments[0].RolloutReason, "ECS deployment stopped: rollback requested.")
	if back := w.service("web").Current.Rollback; back != nil {
		t.Errorf("goes back to %s", back.Revision)
	}
}

// TestBreakerInServiceDeployments has the circuit breaker end service deployments, with and without a rollback.
func TestBreakerInServiceDeployments(t *testing.T) {
	const tripped = " because the circuit breaker threshold was exceeded."
	w := newWorld(t, "ecs")
	a := w.agent()
	guarded(w, 2, ecs.Breaker{Enabled: true, Rollback: true})
	good := w.service("web").Deployments[0].ID
	a.refuse = true
	w.update(UpdateService{Definition: w.define("web")})
	s := w.service("web")
	equal(t, "going back", w.history("web")[0], "2 ROLLBACK_IN_PROGRESS: Service deployment rolled back"+tripped)
	equal(t, "watch", *s.Current.Watch, ecs.Watch{Failed: 4, Threshold: 3, Tripped: true})
	equal(t, "to", s.Current.Rollback.Revision, good)
	w.pass(5 * time.Minute)
	equal(t, "that fails as well", w.history("web")[0], "2 ROLLBACK_FAILED: Service deployment rollback failed"+tripped)
	a.refuse = false
	w.update(UpdateService{Definition: w.define("web"), Breaker: &ecs.Breaker{Enabled: true}})
	w.pass(time.Minute)
	a.refuse = true
	w.update(UpdateService{Definition: w.define("web")})
	w.pass(10 * time.Minute)
	equal(t, "without a rollback", w.history("web")[:2], []string{"4 STOPPED: Service deployment stopped" + tripped, "3 SUCCESSFUL"})
}

// TestServiceDeploymentsAreBounded has many deployments, and then 90 days without any.
func TestServiceDeploymentsAreBounded(t *testing.T) {
	w := newWorld(t, "ecs")
	w.serve("web", w.define("web"), 0)
	for range 950 {
		w.update(UpdateService{Force: true})
	}
	kept := func() (n int) {
		for key := range w.records {
			if len(key) > 20 && key[:21] == "c/default/deployment/" {
				n++
			}
		}
		return n
	}
	equal(t, "kept and the current one", len(w.history("web")), 901)
	equal(t, "records", kept(), 900)
	w.now = w.now.Add(24 * time.Hour)
	w.update(UpdateService{Force: true})
	w.restart()
	w.now = w.now.Add(89*24*time.Hour - time.Millisecond)
	w.run()
	equal(t, "before they are too old", len(w.history("web")), 901)
	w.now = w.now.Add(time.Millisecond)
	w.run()
	equal(t, "the old ones are forgotten", w.history("web"), []string{"952 SUCCESSFUL"})
	equal(t, "records", kept(), 0)
}

// TestEarlySuccess has one of two healthy tasks be enough, with and without waiting for the old ones.
func TestEarlySuccess(t *testing.T) {
	for _, deferred := range []bool{false, true} {
		w := newWorld(t, "ecs")
		a := w.agent()
		d := w.define("web", checked)
		w.serve("web", d, 2)
		for _, task := range w.tasks(ecs.StatusRunning) {
			a.find(task.ID, ecs.HealthHealthy)
		}
		early := &ecs.EarlySuccess{Enabled: true, Percent: 50, Deferred: deferred}
		if _, err := w.try(UpdateService{Cluster: "default", Name: "web", Early: early}); err == nil {
			t.Error("50 percent are fewer than minimumHealthyPercent")
		}
		w.update(UpdateService{Definition: w.define("web", checked), Early: early, MinimumHealthyPercent: new(50)})
		equal(t, "first", w.history("web")[0], "2 IN_PROGRESS")
		old := w.tasks(ecs.StatusRunning)[0]
		equal(t, "the old one", old.Definition.Revision, 1)
		w.do(ProtectTasks{Cluster: "default", Tasks: []ecs.ID{old.ID}, For: time.Hour})
		for _, task := range w.tasks(ecs.StatusRunning) {
			if task.Definition.Revision == 2 {
				a.find(task.ID, ecs.HealthHealthy)
				break
			}
		}
		want := map[bool]string{false: "2 IN_PROGRESS", true: "2 SUCCESSFUL"}[deferred]
		equal(t, "one is healthy, and an old one protected", w.history("web")[0], want)
		equal(t, "the old one stays", len(w.service("web").Deployments), 2)
		w.do(ProtectTasks{Cluster: "default", Tasks: []ecs.ID{old.ID}})
		equal(t, "without the old ones", w.history("web")[0], "2 SUCCESSFUL")
		equal(t, "not steady yet", w.service("web").Steady, false)
	}
}

// TestAlarmsFailDeployments has alarms fail a deployment while it bakes, and not the rollback that begins while they are raised.
func TestAlarmsFailDeployments(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	good := settled(w, 1).Deployments[0].ID
	alarms := &ecs.DeploymentAlarms{Enabled: true, Rollback: true, Names: []string{"errors", "slow"}}
	w.update(UpdateService{Definition: w.define("web"), Alarms: alarms})
	w.pass(time.Minute)
	equal(t, "it bakes", w.history("web")[0], "2 IN_PROGRESS")
	equal(t, "with its own task only", w.running("web"), []string{"web:2"})
	w.restart()
	w.do(SetAlarm{Name: "others", Raised: true})
	w.pass(4 * time.Minute)
	equal(t, "it still bakes", w.history("web")[0], "2 IN_PROGRESS")
	w.pass(time.Minute)
	equal(t, "it is done", w.history("web")[0], "2 SUCCESSFUL")
	second := w.service("web").Deployments[0].ID

	w.update(UpdateService{Definition: w.define("web")})
	failed := w.service("web").Deployments[0].ID
	w.do(SetAlarm{Name: "slow", Raised: true})
	equal(t, "rolled back", w.history("web")[0], "3 ROLLBACK_IN_PROGRESS: Service deployment rolled back because an alarm was raised.")
	s := w.service("web")
	equal(t, "by which", s.Current.Watch.Raised, []string{"slow"})
	equal(t, "why", s.Deployments[0].RolloutReason, "ECS deployment alarm: rolling back to deploymentId "+second.String()+".")
	equal(t, "said", w.said("web", "(service web) (deployment "+failed.String()+") deployment failed: alarm detected."), 1)
	w.pass(time.Minute)
	equal(t, "the rollback looks at no alarm", w.history("web")[0],
		"3 ROLLBACK_SUCCESSFUL: Service deployment rolled back because an alarm was raised.")
	if good == second {
		t.Error("the second deployment is the first")
	}
}
