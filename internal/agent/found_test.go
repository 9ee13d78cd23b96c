package agent

import (
	"testing"
	"time"

	"ballast/internal/driver"
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

// A container that is lost while nobody watches the driver is noticed although the news of its start comes late: while the list that
// lacks it is being made, or after that.
func TestContainersLostBeforeTheirStartWasHeardOfAreNoticed(t *testing.T) {
	for name, late := range map[string]func(list, start Input) [][]Input{
		"before the list":                  func(list, start Input) [][]Input { return [][]Input{{start}, {list}} },
		"after the list":                   func(list, start Input) [][]Input { return [][]Input{{list}, {start}} },
		"after the list, in the same step": func(list, start Input) [][]Input { return [][]Input{{list, start}} },
	} {
		m, calls := New(Config{Instance: ecs.ID{0xee}}), map[driver.Op]uint64{}
		now := began
		step := func(inputs ...Input) (b Batch) {
			now++
			b = m.Step(now, inputs...)
			for _, c := range b.Calls {
				calls[c.Op] = c.ID
			}
			return b
		}
		done := func(op driver.Op, r driver.Result) Input {
			r.ID = calls[op]
			return DriverResult{r}
		}
		step()
		step(DriverWatched{})
		step(done(driver.OpList, driver.Result{}), Connected{1})
		step(Assigned{session.Assignments{Session: 1, Seq: 1, Ack: 1, Manifest: true,
			Tasks: []session.Assignment{run(1, work(box("main", "image", "app")))}}})
		step(done(driver.OpPull, driver.Result{}))
		step(done(driver.OpCreate, driver.Result{}))
		began := done(driver.OpStart, driver.Result{Started: driver.Started{At: now, RuntimeID: "a"}})
		step(DriverLost{})
		step(DriverWatched{})
		for _, inputs := range late(done(driver.OpList, driver.Result{}), began) {
			step(inputs...)
		}
		step(done(driver.OpList, driver.Result{}))
		if got := m.tasks[taskID(1)].status; got != ecs.StatusStopped {
			t.Errorf("%s: the task is %s", name, got)
		}
	}
}
