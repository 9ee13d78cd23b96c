package control

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ballast/internal/ecs"
)

func (w *world) protect(minutes int, tasks ...ecs.ID) []Protection {
	return w.do(ProtectTasks{Cluster: "default", Tasks: tasks, For: time.Duration(minutes) * time.Minute}).([]Protection)
}

// up gives the tasks of the service that run.
func (w *world) up() []*ecs.Task {
	return slices.DeleteFunc(w.tasks(ecs.StatusRunning), func(t *ecs.Task) bool {
		return t.Service != "web" || t.LastStatus != ecs.StatusRunning
	})
}

// Scale-in spares protected tasks until their time is over, across a restart too, and says what it waits for.
func TestScaleInSparesProtectedTasks(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	w.serve("web", w.define("web"), 4)
	w.pass(time.Minute)
	running := w.up()
	protected := w.protect(10, running[0].ID, running[2].ID)
	equal(t, "until", protected[0].Task.ProtectedUntil, w.now.Add(10*time.Minute))
	w.do(UpdateService{Cluster: "default", Name: "web", Desired: new(1)})
	w.pass(time.Minute)
	left := w.up()
	equal(t, "left", len(left), 2)
	for _, task := range left {
		equal(t, "protected", task.ProtectedUntil != 0, true)
	}
	equal(t, "said", strings.HasSuffix(w.messages("web")[0], "was unable to scale in due to (reason 1 tasks under protection)"), true)
	said := len(w.messages("web"))
	w.restart()
	w.pass(8*time.Minute - time.Second)
	equal(t, "left before the end", len(w.up()), 2)
	equal(t, "said again at most once, after the restart", len(w.messages("web")) <= said+1, true)
	w.pass(2 * time.Minute)
	equal(t, "left after the end", len(w.up()), 1)
	equal(t, "steady", w.service("web").Steady, true)
}

// A deployment waits for the protected tasks of the one before, while its own run.
func TestDeploymentsWaitForProtectedTasks(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	w.serve("web", w.define("web"), 2)
	w.pass(time.Minute)
	old := w.up()
	w.protect(60, old[0].ID)
	w.do(UpdateService{Cluster: "default", Name: "web", Definition: w.define("web")})
	w.pass(10 * time.Minute)
	equal(t, "running", len(w.up()), 3)
	equal(t, "deployments", len(w.service("web").Deployments), 2)
	equal(t, "rollout", w.service("web").Deployments[0].Rollout, ecs.RolloutInProgress)
	w.protect(0, old[0].ID)
	w.pass(time.Minute)
	equal(t, "running without protection", len(w.up()), 2)
	equal(t, "rollout", w.service("web").Deployments[0].Rollout, ecs.RolloutCompleted)
}

// StopTask and the end of the service stop protected tasks (developer guide: protection is from scale-in events only).
func TestProtectionIsFromScaleInOnly(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	w.serve("web", w.define("web"), 2)
	w.pass(time.Minute)
	running := w.up()
	w.protect(60, running[0].ID, running[1].ID)
	w.do(StopTask{Cluster: "default", Task: running[0].ID})
	w.pass(time.Minute)
	equal(t, "stopped by its user", w.m.Root().Task("default", running[0].ID).LastStatus, ecs.StatusStopped)
	equal(t, "that of a stopped task", w.protect(60, running[0].ID)[0].Reason, ReasonTaskNotValid)
	w.do(DeleteService{Cluster: "default", Name: "web", Force: true})
	w.pass(time.Minute)
	equal(t, "left of a deleted service", len(w.up()), 0)
}

func TestProtectionRefused(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	d := w.define("web")
	w.serve("web", d, 1)
	alone := w.do(RunTask{Cluster: "default", Definition: d, Count: 1}).(*RunTaskResult).Tasks[0]
	w.pass(time.Minute)
	first := w.up()[0]
	answers := w.protect(60, first.ID, alone.ID, ecs.ID{1})
	equal(t, "task", answers[0].Task.ID, first.ID)
	equal(t, "a standalone task", answers[1].Reason, ReasonTaskNotValid)
	equal(t, "no task", answers[2].Reason, ReasonMissing)

	w.do(UpdateService{Cluster: "default", Name: "web", Definition: w.define("web")})
	w.pass(time.Minute)
	var second *ecs.Task
	for _, task := range w.up() {
		if task.ID != first.ID {
			second = task
		}
	}
	equal(t, "the new one", w.protect(60, second.ID)[0].Reason, "")
	equal(t, "the old one again", w.protect(60, first.ID)[0].Reason, ReasonDeploymentBlocked)
	equal(t, "no longer", w.protect(0, first.ID)[0].Reason, "")
}

// A task whose protection is renewed over and over has one timer, and is protected until the last renewal ends.
func TestRenewedProtectionHasOneTimer(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	w.serve("web", w.define("web"), 1)
	w.pass(time.Minute)
	task := w.up()[0].ID
	before := w.m.timers.agenda.Len()
	for range 20 {
		w.protect(30, task)
		w.protect(0, task)
		w.protect(60, task)
		w.pass(time.Second)
	}
	if n := w.m.timers.agenda.Len() - before; n > 2 {
		t.Errorf("%d timers", n)
	}
	w.pass(time.Hour - 2*time.Second)
	equal(t, "protected", w.up()[0].ProtectedUntil != 0, true)
	w.pass(2 * time.Second)
	equal(t, "protected after the end", w.up()[0].ProtectedUntil != 0, false)
}
