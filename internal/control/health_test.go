package control

import (
	"testing"
	"time"

	"ballast/internal/ecs"
)

// checked gives the container of a task definition a health check.
func checked(d *ecs.TaskDefinition) {
	d.Containers[0].HealthCheck = &ecs.HealthCheck{Command: []string{"CMD", "true"}, Interval: 5 * time.Second,
		Timeout: 5 * time.Second, Retries: 3}
}

// find reports what a health check of a task has found.
func (a *pretender) find(id ecs.ID, health ecs.Health) {
	r := a.tasks[id]
	for i := range r.Containers {
		r.Containers[i].Health = health
	}
	a.report(nil, *r)
	a.w.run()
}

// TestHealthDecides has a service wait for its health checks, however long that takes, and be done as soon as they are passed.
func TestHealthDecides(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	w.serve("web", w.define("web", checked), 2)
	w.pass(10 * time.Minute)
	equal(t, "rollout before the checks", w.service("web").Deployments[0].Rollout, ecs.RolloutInProgress)
	for _, task := range w.tasks(ecs.StatusRunning) {
		a.find(task.ID, ecs.HealthHealthy)
	}
	equal(t, "rollout after them", w.service("web").Deployments[0].Rollout, ecs.RolloutCompleted)
	for _, task := range w.tasks(ecs.StatusRunning) {
		equal(t, "health", task.Health, ecs.HealthHealthy)
	}
}

// TestUnhealthyIsReplaced has an unhealthy task be stopped once its replacement is healthy, and not before.
func TestUnhealthyIsReplaced(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	w.serve("web", w.define("web", checked), 1)
	first := w.tasks(ecs.StatusRunning)[0]
	a.find(first.ID, ecs.HealthHealthy)
	a.find(first.ID, ecs.HealthUnhealthy)
	both := w.tasks(ecs.StatusRunning)
	if len(both) != 2 || w.m.Root().Task("default", first.ID).DesiredStatus != ecs.StatusRunning {
		t.Fatalf("%d tasks run beside the unhealthy one, which should stay for now", len(both)-1)
	}
	for _, task := range both {
		if task.ID != first.ID {
			a.find(task.ID, ecs.HealthHealthy)
		}
	}
	gone := w.m.Root().Task("default", first.ID)
	equal(t, "what became of it", []string{gone.LastStatus.String(), gone.StopCode.String(), gone.StoppedReason},
		[]string{"STOPPED", "ServiceSchedulerInitiated", "Task failed container health checks"})
	equal(t, "events", w.messages("web")[1:4], []string{
		"(service web) has stopped 1 running tasks: (task T).",
		"(service web) (task T) failed container health checks.",
		"(service web) has started 1 tasks: (task T). Amazon ECS replaced 1 tasks due to an unhealthy status.",
	})
}

// TestQuietChanges has a task keep its version where there is no event: when its health changes, and when a container is restarted in place.
func TestQuietChanges(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	id := w.do(RunTask{Cluster: "default", Definition: w.define("job", checked), Count: 1}).(*RunTaskResult).Tasks[0].ID
	before := w.m.Root().Task("default", id).Version
	a.find(id, ecs.HealthHealthy)
	a.find(id, ecs.HealthUnhealthy)
	c := &a.tasks[id].Containers[0]
	c.RuntimeID, c.Health = "2", ecs.HealthUnknown
	a.report(nil, *a.tasks[id])
	w.run()
	task := w.m.Root().Task("default", id)
	equal(t, "container", []string{task.Containers[0].RuntimeID, task.Containers[0].Health.String()}, []string{"2", "UNKNOWN"})
	equal(t, "version", task.Version, before)
	c.ImageDigest = "sha256:1"
	a.report(nil, *a.tasks[id])
	w.run()
	equal(t, "version with a digest", w.m.Root().Task("default", id).Version, before+1)
}

// TestHealthCounts rolls containers up to their task: only essential ones with a check count.
func TestHealthCounts(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	d := w.define("web", checked, func(d *ecs.TaskDefinition) {
		side := d.Containers[0]
		side.Name, side.Essential = "side", false
		plain := ecs.ContainerDefinition{Name: "plain", Image: "i", Essential: true, Memory: 16}
		d.Containers = append(d.Containers, side, plain)
	})
	w.serve("web", d, 1)
	id := w.tasks(ecs.StatusRunning)[0].ID
	for _, c := range []struct {
		web, side, want ecs.Health
	}{
		{ecs.HealthUnknown, ecs.HealthUnhealthy, ecs.HealthUnknown},
		{ecs.HealthHealthy, ecs.HealthUnhealthy, ecs.HealthHealthy},
		{ecs.HealthUnknown, ecs.HealthHealthy, ecs.HealthUnknown},
	} {
		r := a.tasks[id]
		r.Containers[0].Health, r.Containers[1].Health = c.web, c.side
		a.report(nil, *r)
		w.run()
		equal(t, "health of the task", w.m.Root().Task("default", id).Health, c.want)
	}
}

// TestGracePeriod has a failing task left alone for the grace period of its service, which may change while it runs.
func TestGracePeriod(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	d := w.define("web", checked)
	w.do(CreateService{Service: ecs.Service{Cluster: "default", Name: "web", Desired: 1, Definition: d, Family: d.Family,
		Revision: d.Revision, MinimumHealthyPercent: 100, MaximumPercent: 200, GracePeriod: 60}})
	first := w.tasks(ecs.StatusRunning)[0]
	a.find(first.ID, ecs.HealthUnhealthy)
	w.pass(59 * time.Second)
	equal(t, "tasks in the grace period", len(w.tasks(ecs.StatusRunning)), 1)
	equal(t, "health that is shown", w.m.Root().Task("default", first.ID).Health, ecs.HealthUnhealthy)
	equal(t, "running", w.service("web").Running, 1)

	w.do(UpdateService{Cluster: "default", Name: "web", GracePeriod: new(120)})
	equal(t, "deployments", len(w.service("web").Deployments), 1)
	w.pass(time.Second)
	equal(t, "tasks in the longer one", len(w.tasks(ecs.StatusRunning)), 1)
	w.restart()
	w.pass(59 * time.Second)
	equal(t, "tasks after a restart", len(w.tasks(ecs.StatusRunning)), 1)
	w.pass(time.Second)
	equal(t, "tasks after it", len(w.tasks(ecs.StatusRunning)), 2)
	equal(t, "failed tasks while it stands", w.service("web").Deployments[0].FailedTasks, 0)

	for _, task := range w.tasks(ecs.StatusRunning) {
		if task.ID != first.ID {
			a.find(task.ID, ecs.HealthHealthy)
		}
	}
	equal(t, "stop of the first", w.m.Root().Task("default", first.ID).StoppedReason, "Task failed container health checks")
}
