package agent

import (
	"testing"
	"time"

	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
	"ballast/internal/session"
)

// An agent that starts anew finds of a task only what the driver had made so far. That this is over says nothing of the rest.
func TestTaskOfWhichOnlyAnEndedContainerIsFoundGoesOn(t *testing.T) {
	wk := work(box("main", "image", fake.ImagePull+"30s"), optional(box("init", fake.EnvExitAfter, "1s")))
	w := newWorld()
	connect := func(number uint64) {
		w.give(Connected{number})
		w.give(Assigned{session.Assignments{Session: number, Seq: 1, Ack: 1, Manifest: true, Tasks: []session.Assignment{run(1, wk)}}})
	}
	connect(1)
	w.pass(10 * time.Second)
	w.boot()
	w.settle()
	connect(2)
	w.pass(time.Minute)
	for _, r := range w.reports {
		for _, task := range r.Tasks {
			if task.Status == ecs.StatusStopped || task.StoppedAt != 0 {
				t.Fatalf("reported %s with stoppedAt %d:\n%s", task.Status, task.StoppedAt, w.log.String())
			}
		}
	}
	if got := w.m.tasks[taskID(1)].status; got != ecs.StatusRunning {
		t.Errorf("the task is %s:\n%s", got, w.log.String())
	}
}
