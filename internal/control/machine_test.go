package control

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/control/root"
	"ballast/internal/ecs"
)

func (w *world) tasks(desired ecs.Status) []*ecs.Task {
	return w.m.Root().Tasks(root.TaskFilter{Cluster: "default", Desired: desired}, 0, 10_000)
}

// running gives the tasks of a service that are RUNNING, as family:revision, sorted.
func (w *world) running(service string) []string {
	var names []string
	for _, t := range w.tasks(ecs.StatusRunning) {
		if t.Service == service && t.LastStatus == ecs.StatusRunning {
			names = append(names, t.Definition.Name())
		}
	}
	slices.Sort(names)
	return names
}

func (w *world) messages(service string) []string {
	var out []string
	for _, e := range w.service(service).Events {
		out = append(out, w.anonymous(e.Message))
	}
	return out
}

// anonymous takes ids out of a text.
func (w *world) anonymous(text string) string {
	for _, t := range append(w.tasks(ecs.StatusRunning), w.tasks(ecs.StatusStopped)...) {
		text = strings.ReplaceAll(text, t.ID.String(), "T")
	}
	for _, s := range []string{"web"} {
		if record := w.service(s); record != nil {
			for i, d := range record.Deployments {
				text = strings.ReplaceAll(text, d.ID.String(), fmt.Sprintf("D%d", i))
			}
		}
	}
	return text
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestServiceComesToItsDesiredCount(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	w.serve("web", w.define("web"), 3)
	equal(t, "running", w.running("web"), []string{"web:1", "web:1", "web:1"})
	s := w.service("web")
	equal(t, "counts", []int{s.Desired, s.Running, s.Pending}, []int{3, 3, 0})
	equal(t, "rollout", s.Deployments[0].Rollout, ecs.RolloutInProgress)
	w.pass(39 * time.Second)
	equal(t, "rollout before 40 s", w.service("web").Deployments[0].Rollout, ecs.RolloutInProgress)
	w.pass(time.Second)
	s = w.service("web")
	equal(t, "rollout", s.Deployments[0].Rollout, ecs.RolloutCompleted)
	equal(t, "events", w.messages("web"), []string{
		"(service web) has reached a steady state.",
		"(service web) (deployment D0) deployment completed.",
		"(service web) has started 3 tasks: (task T) (task T) (task T).",
	})
	task := w.tasks(ecs.StatusRunning)[0]
	equal(t, "version: PROVISIONING, PENDING, ACTIVATING, RUNNING", task.Version, uint32(4))
}

func TestCrashedTaskIsReplacedAtOnce(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	w.serve("web", w.define("web"), 8)
	w.pass(time.Minute)
	for _, task := range w.tasks(ecs.StatusRunning)[:4] {
		a.crash(task.ID)
	}
	before := w.now
	w.run()
	equal(t, "time passed", w.now, before)
	equal(t, "running", len(w.running("web")), 8)
	stopped := w.tasks(ecs.StatusStopped)
	equal(t, "stopped", len(stopped), 4)
	equal(t, "stop code", stopped[0].StopCode, ecs.EssentialContainerExited)
	equal(t, "reason", stopped[0].StoppedReason, "Essential container in task exited")
	equal(t, "exit code", *stopped[0].Containers[0].ExitCode, int32(1))
}

func TestRollingUpdateKeepsMinimumHealthy(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	w.serve("web", w.define("web"), 4)
	w.pass(time.Minute)
	second := w.define("web")
	w.do(UpdateService{Cluster: "default", Name: "web", Definition: second})
	equal(t, "running, new not yet healthy", w.running("web"), slices.Concat(slices.Repeat([]string{"web:1"}, 4),
		slices.Repeat([]string{"web:2"}, 4)))
	equal(t, "deployments", len(w.service("web").Deployments), 2)
	w.pass(40 * time.Second)
	equal(t, "running", w.running("web"), slices.Repeat([]string{"web:2"}, 4))
	s := w.service("web")
	equal(t, "deployments", len(s.Deployments), 1)
	equal(t, "rollout", s.Deployments[0].Rollout, ecs.RolloutCompleted)
	stopped := w.tasks(ecs.StatusStopped)[0]
	equal(t, "stop code", stopped.StopCode, ecs.ServiceSchedulerInitiated)
	equal(t, "what starts no deployment", len(w.do(UpdateService{Cluster: "default", Name: "web",
		Definition: second}).(*ecs.Service).Deployments), 1)
	equal(t, "force", len(w.do(UpdateService{Cluster: "default", Name: "web", Force: true}).(*ecs.Service).Deployments), 2)
}

func TestTaskThatNeverStarts(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	a.refuse = true
	w.serve("web", w.define("web"), 2)
	s := w.service("web")
	if s.Deployments[0].FailedTasks < 2 {
		t.Errorf("failedTasks %d, want at least 2", s.Deployments[0].FailedTasks)
	}
	stopped := w.tasks(ecs.StatusStopped)
	first := stopped[0]
	equal(t, "stop code", first.StopCode, ecs.TaskFailedToStart)
	equal(t, "reason", first.StoppedReason, "Task failed to start")
	equal(t, "never started", first.StartedAt, ecs.Time(0))
	equal(t, "container's reason", first.Containers[0].Reason, "CannotStartContainerError: refused by the test")
	w.pass(time.Minute)
	if n := len(w.tasks(ecs.StatusStopped)); n > 510 {
		t.Errorf("%d tasks failed within a minute; the pace allows 500 and a burst", n)
	}
}

func TestNoRoomIsAnnouncedOnceAndEndsWhenRoomComes(t *testing.T) {
	w := newWorld(t, "ecs")
	w.serve("web", w.define("web"), 2)
	equal(t, "events", w.messages("web"), []string{"(service web) was unable to place a task because no container instance met" +
		" all of its requirements. Reason: No Container Instances were found in your cluster. For more information, see the" +
		" Troubleshooting section of the Amazon ECS Developer Guide."})
	w.pass(time.Hour)
	equal(t, "events", len(w.messages("web")), 2)
	equal(t, "the other", w.messages("web")[0], "(service web) is unable to consistently start tasks successfully. For more"+
		" information, see the Troubleshooting section of the Amazon ECS Developer Guide.")
	w.agent()
	equal(t, "running at once", len(w.running("web")), 0)
	w.pass(15 * time.Minute)
	equal(t, "running", len(w.running("web")), 2)
}

func TestRunAndStopTask(t *testing.T) {
	w := newWorld(t, "ecs")
	d := w.define("job")
	_, err := w.try(RunTask{Cluster: "default", Definition: d, Count: 1})
	equal(t, "without container instance", err.Error(), "InvalidParameterException: No Container Instances were found in your cluster.")
	a := w.agent()
	huge := w.define("huge", func(d *ecs.TaskDefinition) { d.Containers[0].Memory = a.memory + 1 })
	result := w.do(RunTask{Cluster: "default", Definition: huge, Count: 1}).(*RunTaskResult)
	equal(t, "failures", result.Failures, []Failure{{Instance: a.id, Reason: "RESOURCE:MEMORY"}})
	tags := []ecs.Tag{{Key: "team", Value: "blue"}}
	run := RunTask{Cluster: "default", Definition: d, Count: 2, Token: "once", Digest: [16]byte{1}, Tags: tags}
	result = w.do(run).(*RunTaskResult)
	again := w.do(run).(*RunTaskResult)
	equal(t, "the same tasks for the same token", []ecs.ID{again.Tasks[0].ID, again.Tasks[1].ID},
		[]ecs.ID{result.Tasks[0].ID, result.Tasks[1].ID})
	run.Digest[0]++
	_, err = w.try(run)
	var refused *ecs.Error
	if !errors.As(err, &refused) || refused.Code != ecs.ConflictException {
		t.Errorf("other parameters under the same token: %v", err)
	}
	task := w.do(StopTask{Cluster: "default", Task: result.Tasks[0].ID, Reason: "enough"}).(*ecs.Task)
	equal(t, "answer", []string{task.LastStatus.String(), task.DesiredStatus.String(), task.StopCode.String(), task.StoppedReason},
		[]string{"RUNNING", "STOPPED", "UserInitiated", "enough"})
	task = w.m.Root().Task("default", task.ID)
	equal(t, "last status", task.LastStatus.String(), "STOPPED")
	equal(t, "tags of the two tasks", [][]ecs.Tag{task.Tags, w.m.Root().Task("default", result.Tasks[1].ID).Tags}, [][]ecs.Tag{nil, tags})
	equal(t, "exit code", *task.Containers[0].ExitCode, int32(143))
	equal(t, "version: 4 to RUNNING, 4 to STOPPED", task.Version, uint32(8))
}

func TestDeleteServiceDrainsIt(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	w.serve("web", w.define("web"), 2)
	if _, err := w.try(DeleteService{Cluster: "default", Name: "web"}); err == nil {
		t.Error("a service with desired count 2 was deleted without force")
	}
	s := w.do(DeleteService{Cluster: "default", Name: "web", Force: true}).(*ecs.Service)
	equal(t, "answer", s.Status, ecs.ServiceDraining)
	equal(t, "status", w.service("web").Status, ecs.ServiceInactive)
	equal(t, "running", len(w.running("web")), 0)
	w.serve("web", w.define("web"), 1)
	equal(t, "running", w.running("web"), []string{"web:2"})
}

func TestRestartGoesOnWhereItStopped(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	w.serve("web", w.define("web"), 5)
	w.pass(time.Minute)
	before := w.service("web")
	w.restart()
	equal(t, "events", len(w.service("web").Events), len(before.Events))
	equal(t, "running", len(w.running("web")), 5)
	for id, n := range a.starts {
		if n != 1 {
			t.Errorf("task %s started %d times", id, n)
		}
	}
	// One ends while control is away: its end is learned at the next hello.
	gone := w.tasks(ecs.StatusRunning)[0].ID
	a.end(gone, code(7), "")
	w.restart()
	stopped := w.m.Root().Task("default", gone)
	equal(t, "exit code", *stopped.Containers[0].ExitCode, int32(7))
	equal(t, "running", len(w.running("web")), 5)
	equal(t, "deployment", w.service("web").Deployments[0].ID, before.Deployments[0].ID)
}

func TestSilentInstanceIsLost(t *testing.T) {
	w := newWorld(t, "ecs")
	first := w.agent()
	w.serve("web", w.define("web"), 2)
	second := w.agent()
	first.silent = true
	w.pass(59 * time.Second)
	equal(t, "running before the minute is over", len(w.running("web")), 2)
	w.pass(10 * time.Second)
	equal(t, "started elsewhere", len(second.starts), 2)
	equal(t, "stop code", w.tasks(ecs.StatusStopped)[0].StopCode, ecs.InfrastructureHealth)
	first.silent = false
	first.connect()
	w.run()
	equal(t, "tasks left on the instance that came back", len(first.tasks), 0)
	equal(t, "running", len(w.running("web")), 2)
}

func TestHaltStopsTasksAndKeepsServices(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	w.serve("web", w.define("web"), 3)
	w.pass(time.Minute)
	deployment := w.service("web").Deployments[0].ID
	w.do(Halt{})
	w.pass(time.Minute)
	equal(t, "running", len(w.running("web")), 0)
	equal(t, "desired", w.service("web").Desired, 3)
	w.restart()
	equal(t, "running", len(w.running("web")), 3)
	equal(t, "deployment", w.service("web").Deployments[0].ID, deployment)
	for _, message := range w.messages("web") {
		if strings.Contains(message, "unable to place") {
			t.Errorf("the restart is announced as a failure: %s", message)
		}
	}
	equal(t, "failed tasks", w.service("web").Deployments[0].FailedTasks, 0)
}

func TestStoppedTasksAreForgottenAfterAnHour(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	result := w.do(RunTask{Cluster: "default", Definition: w.define("job"), Count: 1}).(*RunTaskResult)
	w.do(StopTask{Cluster: "default", Task: result.Tasks[0].ID})
	w.pass(59 * time.Minute)
	equal(t, "stopped", len(w.tasks(ecs.StatusStopped)), 1)
	w.pass(2 * time.Minute)
	equal(t, "stopped", len(w.tasks(ecs.StatusStopped)), 0)
	for key := range w.records {
		if strings.Contains(key, "/task/") {
			t.Errorf("record %s is still in the journal", key)
		}
	}
}

// TestManyStoppedTasksAreForgottenInTurn has more tasks stop together than one step forgets.
func TestManyStoppedTasksAreForgottenInTurn(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent().refuse = true // they end at once
	d := w.define("job", func(d *ecs.TaskDefinition) { d.Containers[0].Memory = 1 })
	const rounds, each = 52, 10
	for range rounds {
		w.do(RunTask{Cluster: "default", Definition: d, Count: each})
	}
	equal(t, "stopped", len(w.tasks(ecs.StatusStopped)), rounds*each)
	most, left := 0, rounds*each
	for end := w.now.Add(2 * time.Hour); left > 0 && w.now < end; {
		w.pass(time.Second / 2)
		now := len(w.tasks(ecs.StatusStopped))
		most, left = max(most, left-now), now
	}
	equal(t, "left", left, 0)
	if most != rounds*each {
		t.Errorf("%d were forgotten in half a second, want all %d: the rest follows at once", most, rounds*each)
	}
	if w.deleted > 500 {
		t.Errorf("one step deleted %d records, want at most 500 tasks", w.deleted)
	}
}

func TestEventsAreBounded(t *testing.T) {
	w := newWorld(t, "fast")
	w.agent()
	w.serve("web", w.define("web"), 1)
	for n := range 150 {
		desired := n%2 + 1
		w.do(UpdateService{Cluster: "default", Name: "web", Desired: &desired})
	}
	equal(t, "events", len(w.service("web").Events), ecs.MaxServiceEvents)
	kept := 0
	for key := range w.records {
		if strings.Contains(key, "/event/") {
			kept++
		}
	}
	equal(t, "events in the journal", kept, ecs.MaxServiceEvents)
}

func TestInstanceThatDoesNotComeBackIsAnnounced(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	w.serve("web", w.define("web"), 1)
	w.do(Halt{})
	a.silent = true
	w.restart()
	unable := func() (n int) {
		for _, message := range w.messages("web") {
			if strings.Contains(message, "unable to place") {
				n++
			}
		}
		return n
	}
	equal(t, "announced while the instance is awaited", unable(), 0)
	w.pass(61 * time.Second)
	equal(t, "announced when it is lost", unable(), 1)
}

// What ended by itself began to stop when it ended, however late control learns of it; what was told to stop ends no earlier than that.
func TestTimesOfTheEndAreInOrder(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	ids := []ecs.ID{}
	for _, task := range w.do(RunTask{Cluster: "default", Definition: w.define("job"), Count: 2}).(*RunTaskResult).Tasks {
		a.end(task.ID, code(0), "")
		ids = append(ids, task.ID)
	}
	ended := w.now
	w.now = w.now.Add(time.Second)
	a.silent = true
	w.do(StopTask{Cluster: "default", Task: ids[1], Reason: "enough"})
	told := w.now
	w.now = w.now.Add(time.Second)
	a.silent = false
	for _, id := range ids {
		a.report(nil, *a.tasks[id])
	}
	w.run()
	itself, stopped := w.m.Root().Task("default", ids[0]), w.m.Root().Task("default", ids[1])
	equal(t, "by itself", []ecs.Time{itself.ExecutionStoppedAt, itself.StoppingAt, itself.StoppedAt}, []ecs.Time{ended, ended, ended})
	equal(t, "told to stop", []ecs.Time{stopped.ExecutionStoppedAt, stopped.StoppingAt, stopped.StoppedAt}, []ecs.Time{ended, told, told})
}

// A task that ended while nobody could tell control is kept from when control learned of it, over a restart too.
func TestAnEndLearnedLateIsKeptAsLong(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	task := w.do(RunTask{Cluster: "default", Definition: w.define("job"), Count: 1}).(*RunTaskResult).Tasks[0]
	a.end(task.ID, code(0), "")
	ended := w.now
	w.now = w.now.Add(2 * time.Hour)
	w.restart()
	got := w.m.Root().Task("default", task.ID)
	if got == nil {
		t.Fatal("it is forgotten at once")
	}
	equal(t, "stopped at", got.StoppedAt, ended)
	w.pass(30 * time.Minute)
	w.restart()
	w.pass(29 * time.Minute)
	equal(t, "kept for 59 minutes", w.m.Root().Task("default", task.ID) != nil, true)
	w.pass(2 * time.Minute)
	equal(t, "kept for 61 minutes", w.m.Root().Task("default", task.ID) != nil, false)
}
