package control

import (
	"strings"
	"testing"
	"time"

	"ballast/internal/control/services"
	"ballast/internal/ecs"
	"ballast/internal/scheduler"
	"ballast/internal/session"
)

// behind makes a task definition of db, which is checked, and app, which waits for it to be HEALTHY.
func behind(d *ecs.TaskDefinition) {
	db, app := d.Containers[0], d.Containers[0]
	db.Name, app.Name = "db", "app"
	db.HealthCheck = &ecs.HealthCheck{Command: []string{"CMD", "true"}, Interval: 5 * time.Second, Timeout: 5 * time.Second, Retries: 3}
	app.DependsOn = []ecs.Dependency{{Container: "db", Condition: ecs.DependHealthy}}
	d.Containers = []ecs.ContainerDefinition{db, app}
}

// wait takes the task back to where its second container has not started, and the first has that health.
func (a *pretender) wait(id ecs.ID, health ecs.Health) {
	r := a.tasks[id]
	r.Status, r.StartedAt = ecs.StatusPending, 0
	r.Containers = []session.ContainerReport{{Name: "db", Status: ecs.StatusRunning, Health: health}, {Name: "app", Status: ecs.StatusPending}}
	a.report(nil, *r)
	a.w.run()
}

// stuckWorld has a service of two tasks which stay PENDING.
func stuckWorld(t *testing.T, tags ...ecs.Tag) (*world, *pretender) {
	w := newWorld(t, "ecs")
	a := w.agent()
	a.holds = true
	w.do(CreateService{Service: ecs.Service{Cluster: "default", Name: "web", Definition: w.define("web", behind), Desired: 2,
		MinimumHealthyPercent: 100, MaximumPercent: 200, Tags: tags}})
	for _, task := range w.tasks(ecs.StatusRunning) {
		equal(t, "status", task.LastStatus.String(), "PENDING")
		a.wait(task.ID, ecs.HealthUnhealthy)
	}
	return w, a
}

func stuckEvents(w *world) (events []string) {
	for _, message := range w.messages("web") {
		if strings.Contains(message, "stuck") {
			events = append(events, message)
		}
	}
	return events
}

func (w *world) explanations() (all []scheduler.Explanation) {
	w.m.services.Each(func(s *services.Service) { all = append(all, s.Explanations()...) })
	return all
}

func TestStuckTasksAreToldOfOnce(t *testing.T) {
	w, a := stuckWorld(t)
	told := []string{"(service web) (task T) is stuck before RUNNING: container app waits for container db to be HEALTHY, which is UNHEALTHY."}
	equal(t, "events", stuckEvents(w), told)
	w.pass(3 * time.Hour)
	w.restart()
	w.pass(time.Minute)
	equal(t, "events after three hours and a restart", stuckEvents(w), told)
	equal(t, "tasks are left alone", len(w.tasks(ecs.StatusStopped)), 0)
	equal(t, "explanations", len(w.explanations()), 2)
	for _, task := range w.tasks(ecs.StatusRunning) {
		a.wait(task.ID, ecs.HealthHealthy)
	}
	equal(t, "explanations when the dependency is healthy", len(w.explanations()), 0)
}

func TestStuckTasksAreReplacedWhereATagSaysWhen(t *testing.T) {
	w, _ := stuckWorld(t, ecs.Tag{Key: "ballast:stuck-after", Value: "5m"})
	w.pass(5*time.Minute - time.Second)
	equal(t, "stopped before the time", len(w.tasks(ecs.StatusStopped)), 0)
	w.pass(2 * time.Second)
	stopped := w.tasks(ecs.StatusStopped)
	equal(t, "stopped after it", len(stopped), 2)
	for _, task := range stopped {
		equal(t, "code", task.StopCode, ecs.TaskFailedToStart)
		equal(t, "reason", task.StoppedReason, "Task failed to start: for 5m0s (ballast:stuck-after) container app has waited for container db"+
			" to be HEALTHY, which is UNHEALTHY")
	}
	equal(t, "replacements", len(w.tasks(ecs.StatusRunning)), 2)
	equal(t, "failed tasks", w.service("web").Deployments[0].FailedTasks, 2)
}
