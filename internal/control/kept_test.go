package control

import (
	"strings"
	"testing"
	"time"

	"ballast/internal/ecs"
)

// TestUnhealthyTasksAreKept has a service whose tasks fail their checks keep the first of them for somebody to look into.
func TestUnhealthyTasksAreKept(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	d := w.define("web", checked)
	keep := func(n string) []ecs.Tag { return []ecs.Tag{{Key: "ballast:debug-keep", Value: n}} }
	w.do(CreateService{Service: ecs.Service{Cluster: "default", Name: "web", Desired: 1, Definition: d, Family: d.Family,
		Revision: d.Revision, MinimumHealthyPercent: 100, MaximumPercent: 200, Tags: keep("1")}})
	current := func() *ecs.Task {
		t.Helper()
		for _, task := range w.tasks(ecs.StatusRunning) {
			if !task.Kept && task.Health != ecs.HealthUnhealthy {
				return task
			}
		}
		t.Fatal("no task is well")
		return nil
	}
	replace := func() ecs.ID {
		t.Helper()
		id := current().ID
		a.find(id, ecs.HealthUnhealthy)
		a.find(current().ID, ecs.HealthHealthy)
		return id
	}
	a.find(current().ID, ecs.HealthHealthy)

	first := replace()
	task := w.m.Root().Task("default", first)
	equal(t, "the first is kept", []string{task.LastStatus.String(), task.DesiredStatus.String()}, []string{"RUNNING", "RUNNING"})
	equal(t, "and does not count", []int{w.service("web").Running, len(w.tasks(ecs.StatusRunning))}, []int{1, 2})
	equal(t, "said", w.said("web", "(task "+first.String()+") failed container health checks. It keeps running outside of the"+
		" service (ballast:debug-keep) until it is stopped."), 1)
	equal(t, "nothing was stopped", w.said("web", "has stopped"), 0)

	w.restart()
	second := replace()
	equal(t, "the second is not", w.m.Root().Task("default", second).DesiredStatus, ecs.StatusStopped)
	equal(t, "the first still is", w.m.Root().Task("default", first).DesiredStatus, ecs.StatusRunning)

	w.do(StopTask{Cluster: "default", Task: first, Reason: "seen"})
	w.pass(time.Minute)
	equal(t, "stopped by its user", w.m.Root().Task("default", first).StoppedReason, "seen")
	equal(t, "nothing takes its place", len(w.tasks(ecs.StatusRunning)), 1)
	third := replace()
	equal(t, "there is room for the third", w.m.Root().Task("default", third).DesiredStatus, ecs.StatusRunning)

	w.do(UpdateService{Cluster: "default", Name: "web", Desired: new(0)})
	equal(t, "the end of a service that should have none", len(w.tasks(ecs.StatusRunning)), 0)
	gone := w.m.Root().Task("default", third)
	equal(t, "reason", gone.StopCode.String()+": "+gone.StoppedReason, "ServiceSchedulerInitiated: Task failed container health checks")
}

// TestKeptTasksGoWithTheirTag ends them when the service may keep none any more, and when it is deleted.
func TestKeptTasksGoWithTheirTag(t *testing.T) {
	for _, end := range []string{"tag", "delete"} {
		w := newWorld(t, "ecs")
		a := w.agent()
		d := w.define("web", checked)
		w.do(CreateService{Service: ecs.Service{Cluster: "default", Name: "web", Desired: 1, Definition: d, Family: d.Family,
			Revision: d.Revision, MinimumHealthyPercent: 100, MaximumPercent: 200, Tags: []ecs.Tag{{Key: "ballast:debug-keep", Value: "1"}}}})
		first := w.tasks(ecs.StatusRunning)[0].ID
		a.find(first, ecs.HealthUnhealthy)
		for _, task := range w.tasks(ecs.StatusRunning) {
			if task.ID != first {
				a.find(task.ID, ecs.HealthHealthy)
			}
		}
		equal(t, "kept", w.m.Root().Task("default", first).Kept, true)
		if end == "tag" {
			w.do(TagResource{Resource: Resource{Cluster: "default", Service: "web"}, Remove: []string{"ballast:debug-keep"}})
		} else {
			w.do(DeleteService{Cluster: "default", Name: "web", Force: true})
		}
		equal(t, "kept after the end by "+end, w.m.Root().Task("default", first).DesiredStatus, ecs.StatusStopped)
		if status := w.service("web").Status; strings.HasPrefix(end, "d") != (status != ecs.ServiceActive) {
			t.Errorf("service is %s", status)
		}
	}
}
