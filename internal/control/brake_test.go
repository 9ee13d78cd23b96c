package control

import (
	"testing"
	"time"

	"ballast/internal/ecs"
)

// looping makes a service of one with tags, and returns what crashes its task and counts those that ever ran.
func looping(w *world, tags ...ecs.Tag) (crash func(), ran func() int) {
	a := w.agent()
	d := w.define("web")
	w.do(CreateService{Service: ecs.Service{Cluster: "default", Name: "web", Desired: 1, Definition: d, Family: d.Family,
		Revision: d.Revision, MinimumHealthyPercent: 100, MaximumPercent: 200, Tags: tags}})
	crash = func() {
		for _, task := range w.tasks(ecs.StatusRunning) {
			a.crash(task.ID)
		}
		w.run()
	}
	return crash, func() int { return len(w.tasks(ecs.StatusRunning)) + len(w.tasks(ecs.StatusStopped)) }
}

func TestLoopIsBackedOff(t *testing.T) {
	w := newWorld(t, "ecs")
	crash, ran := looping(w, ecs.Tag{Key: "ballast:loop-brake", Value: "backoff"})
	crash()
	equal(t, "tasks", ran(), 1)
	w.pass(9999 * time.Millisecond)
	equal(t, "tasks, a moment early", ran(), 1)
	w.pass(time.Millisecond)
	equal(t, "tasks after ten seconds", ran(), 2)
	crash()
	w.restart()
	w.pass(19 * time.Second)
	equal(t, "tasks in the second wait", ran(), 2)
	w.pass(time.Second)
	equal(t, "tasks after it", ran(), 3)
	equal(t, "announced", w.said("web", "Their replacements wait longer each time"), 1)
	w.pass(time.Minute) // which is no short run
	crash()
	w.pass(time.Second)
	equal(t, "tasks after a long run", ran(), 4)
	equal(t, "throttled as ECS does", w.said("web", "unable to consistently start"), 0)
}

func TestLoopIsParked(t *testing.T) {
	w := newWorld(t, "ecs")
	crash, ran := looping(w, ecs.Tag{Key: "ballast:loop-brake", Value: "park"}, ecs.Tag{Key: "ballast:loop-brake-after", Value: "3"})
	for n := 1; n <= 3; n++ {
		equal(t, "tasks", ran(), n)
		crash()
		w.pass(time.Second)
	}
	w.restart()
	w.pass(50 * time.Minute)
	equal(t, "tasks once it is parked", ran(), 3)
	equal(t, "announced", w.said("web", "is parked: the last 3 waves of tasks stopped soon after they started"), 1)
	w.do(UpdateService{Cluster: "default", Name: "web", Force: true})
	equal(t, "running after a deployment", w.running("web"), []string{"web:1"})
}
