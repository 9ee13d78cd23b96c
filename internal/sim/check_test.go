package sim

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ballast/internal/control"
	"ballast/internal/control/journal"
	"ballast/internal/driver"
	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
)

func runningTask() ecs.Task {
	d := goodDefinition("job")
	d.Revision = 1
	return ecs.Task{ID: ecs.ID{1}, Seq: 1, Cluster: "cluster-1", Definition: &d, Instance: ecs.ID{9}, LastStatus: ecs.StatusRunning,
		DesiredStatus: ecs.StatusRunning, Version: 4, CreatedAt: epoch, StartedAt: epoch,
		Containers: []ecs.Container{{Status: ecs.StatusRunning, RuntimeID: "a"}}}
}

func stoppedTask() ecs.Task {
	t := runningTask()
	t.LastStatus, t.DesiredStatus, t.Version = ecs.StatusStopped, ecs.StatusStopped, 8
	t.StopCode, t.StoppedReason = ecs.UserInitiated, "enough"
	t.StoppingAt, t.StoppedAt = epoch+1, epoch+2
	t.Containers = []ecs.Container{{Status: ecs.StatusStopped, RuntimeID: "a"}}
	return t
}

// TestChecksNoticeMoves breaks one rule at a time in a change that is otherwise right.
func TestChecksNoticeMoves(t *testing.T) {
	for name, test := range map[string]struct {
		before, after func() ecs.Task
		breaks        func(*ecs.Task)
		property      string
	}{
		"nothing":          {runningTask, stoppedTask, func(*ecs.Task) {}, ""},
		"status back":      {stoppedTask, runningTask, func(*ecs.Task) {}, forward},
		"desired back":     {stoppedTask, stoppedTask, func(t *ecs.Task) { t.DesiredStatus = ecs.StatusRunning }, forward},
		"version":          {runningTask, stoppedTask, func(t *ecs.Task) { t.Version = 5 }, "every status is a version"},
		"instance":         {runningTask, stoppedTask, func(t *ecs.Task) { t.Instance = ecs.ID{8} }, fixed},
		"time":             {runningTask, stoppedTask, func(t *ecs.Task) { t.StartedAt++ }, fixed},
		"no time":          {runningTask, stoppedTask, func(t *ecs.Task) { t.StoppedAt = 0 }, "every status has its time"},
		"no reason":        {runningTask, stoppedTask, func(t *ecs.Task) { t.StoppedReason = "" }, whyEnded},
		"another reason":   {stoppedTask, stoppedTask, func(t *ecs.Task) { t.StoppedReason = "other" }, whyEnded},
		"container":        {runningTask, stoppedTask, func(t *ecs.Task) { t.Containers[0].Status = ecs.StatusRunning }, forward},
		"container's name": {runningTask, stoppedTask, func(t *ecs.Task) { t.Containers[0].RuntimeID = "b" }, forward},
	} {
		w := emptyWorld(t)
		c := newChecker(w, newPlayer(w))
		before, after := test.before(), test.after()
		test.breaks(&after)
		c.checkMove(change{&before, &after})
		if got := property(w); got != test.property {
			t.Errorf("%s: got %q, want %q", name, got, test.property)
		}
	}
}

func property(w *World) string {
	if w.failure == nil {
		return ""
	}
	return w.failure.Property
}

func TestChecksNoticeWhatDriversAreMadeToDo(t *testing.T) {
	start := func(task byte) driver.Call {
		return driver.Call{Op: driver.OpStart, Key: driver.Key{Task: ecs.ID{task}, Container: "main"}}
	}
	again := start(1)
	again.Key.Attempt = 1
	began := func(runtime string) fake.Outcome {
		return fake.Outcome{Result: &driver.Result{Started: driver.Started{At: epoch, RuntimeID: runtime}}}
	}
	for name, test := range map[string]struct {
		do       func(c *checker, h *host)
		property string
	}{
		"committed":     {func(c *checker, h *host) { c.Called(h, start(1)); c.Happened(h, start(1), began("a")) }, ""},
		"started again": {func(c *checker, h *host) { c.Happened(h, start(1), began("a")); c.Happened(h, start(1), began("a")) }, ""},
		"not committed": {func(c *checker, h *host) { c.Called(h, start(2)) }, "nothing is launched that is not committed"},
		"elsewhere": {func(c *checker, h *host) {
			h.cfg.Instance = ecs.ID{8}
			c.Called(h, start(1))
		}, "a task is on one instance"},
		"twice": {func(c *checker, h *host) { c.Happened(h, start(1), began("a")); c.Happened(h, start(1), began("b")) }, once},
		"after a reboot": {func(c *checker, h *host) {
			c.Happened(h, start(1), began("a"))
			c.Rebooted(h)
			c.Happened(h, start(1), began("a"))
		}, once},
		"again after a reboot of which nobody heard": {func(c *checker, h *host) {
			seen := c.tasks[ecs.ID{1}]
			unseen := *seen
			unseen.StartedAt = 0
			unseen.Definition = &ecs.TaskDefinition{Containers: []ecs.ContainerDefinition{{Name: "main", RestartPolicy: &ecs.RestartPolicy{}}}}
			c.tasks[seen.ID] = &unseen
			c.Happened(h, start(1), began("a"))
			c.boxes[start(1).Key].running = false
			c.Happened(h, again, began("b"))
			c.Rebooted(h)
			c.Happened(h, start(1), began("c"))
			if b := c.latest(seen.ID, "main"); b.runtime != "c" {
				c.w.fail(forward, "the latest is %+v", *b)
			}
			c.boxes[start(1).Key].running = false
			unseen.StartedAt = epoch
			c.Happened(h, again, began("d"))
		}, ""},
	} {
		w := emptyWorld(t)
		h := &host{w: w, name: "host"}
		h.cfg.Instance = ecs.ID{9}
		c := newChecker(w, newPlayer(w))
		task := runningTask()
		c.Durable(journal.Unit{{Key: journal.TaskKey(&task), Record: &task, Durable: true}}, nil)
		test.do(c, h)
		if got := property(w); got != test.property {
			t.Errorf("%s: got %q, want %q", name, got, test.property)
		}
	}
}

// TestShrinkLeavesWhatFails has histories fail that hold two deeds, on a host whose link loses messages, whatever its number.
func TestShrinkLeavesWhatFails(t *testing.T) {
	fails := func(d Deed) bool {
		u, is := d.Act.(*Update)
		return is && (*u.Desired == 7 || *u.Desired == 31)
	}
	play := func(h *History) Result {
		r := Result{History: h}
		needed, lossy := 0, slices.ContainsFunc(h.Hosts, func(host Host) bool { return host.Loss > 0 && host.Cluster == ClusterName(1) })
		for _, d := range h.Deeds {
			if b, is := d.Act.(*Forget); is && (b.Host < 1 || b.Host > len(h.Hosts)) {
				t.Fatalf("%+v of %d hosts", b, len(h.Hosts))
			}
			if fails(d) {
				needed++
			}
		}
		if needed == 2 && lossy {
			r.Failure = &Failure{Property: forward, At: epoch.Add(time.Hour)}
		}
		return r
	}
	h := &History{Clusters: 2, Until: 2 * time.Minute, Halt: true}
	for n := range 4 {
		host := Usual(ClusterName(1 + n%2))
		host.Loss, host.Skew = 0.1, second
		h.Hosts = append(h.Hosts, host)
	}
	for n := range 40 {
		at := Settles + time.Duration(n)*second
		h.Deeds = append(h.Deeds, Deed{at, &Update{Desired: new(n)}}, Deed{at, &Forget{1 + n%4}})
	}
	small, r := shrunk(h, play)
	if r.Failure == nil || len(small.Deeds) != 2 || !fails(small.Deeds[0]) || !fails(small.Deeds[1]) || small.Until > 40*second ||
		small.Clusters != 1 || len(small.Hosts) != 1 || small.Hosts[0].Loss == 0 || small.Hosts[0].Skew != 0 || small.Halt {
		t.Errorf("left are %+v", small)
	}
	h.Deeds = h.Deeds[:20]
	if same, r := shrunk(h, play); r.Failure != nil || same != h {
		t.Errorf("a history that does not fail became %+v", same)
	}
}

// TestLedgerKnowsOfRollbacks has a service go back to an earlier revision by itself, before or after its client is told of the update,
// or change without that.
func TestLedgerKnowsOfRollbacks(t *testing.T) {
	service := func(revision int, current ecs.ServiceDeployment) *ecs.Service {
		return &ecs.Service{Cluster: "cluster-1", Name: "web", Revision: revision, Current: &current}
	}
	update := control.UpdateService{Cluster: "cluster-1", Name: "web", Definition: &ecs.TaskDefinition{Revision: 5}}
	told := Reply{Result: service(5, ecs.ServiceDeployment{ID: "a"})}
	back := service(4, ecs.ServiceDeployment{ID: "a", Rollback: &ecs.Rollback{}})
	for name, test := range map[string]struct {
		do   func(l *ledger)
		want int
	}{
		"no rollback":     {func(l *ledger) { l.rolledBack(service(4, ecs.ServiceDeployment{ID: "a"})); l.take(update, told) }, 5},
		"told, then back": {func(l *ledger) { l.take(update, told); l.rolledBack(back) }, 4},
		"back, then told": {func(l *ledger) { l.rolledBack(back); l.take(update, told) }, 4},
		"back, then again": {func(l *ledger) {
			l.rolledBack(back)
			l.take(update, Reply{Result: service(5, ecs.ServiceDeployment{ID: "b"})})
		}, 5},
		"another went back": {func(l *ledger) {
			l.rolledBack(service(4, ecs.ServiceDeployment{ID: "b", Rollback: &ecs.Rollback{}}))
			l.take(update, told)
		}, 5},
		"back once only": {func(l *ledger) {
			l.take(update, told)
			l.rolledBack(back)
			l.rolledBack(service(3, *back.Current))
		}, 4},
	} {
		l := newLedger()
		test.do(&l)
		if e := l.entry("cluster-1", "web"); !e.revisedOK || e.revision != test.want {
			t.Errorf("%s: got %+v, want revision %d", name, *e, test.want)
		}
	}
}

// TestBadAsScripted: of several scripts of a container the last one holds, as it does for the driver.
func TestBadAsScripted(t *testing.T) {
	d := goodDefinition("web")
	script(&d, fake.EnvExitAfter, "10s")
	d.Containers[0].RestartPolicy = &ecs.RestartPolicy{AttemptPeriod: 5 * time.Second}
	if isBad(&d) || comesAndGoes(&d) {
		t.Error("a task that is restarted in place is bad")
	}
	d.Containers[0].HealthCheck = &ecs.HealthCheck{}
	if !comesAndGoes(&d) {
		t.Error("a task that is restarted in place keeps its health")
	}
	for _, short := range []string{"0s", "4s", "1s..30s"} {
		script(&d, fake.EnvExitAfter, short)
		if !isBad(&d) {
			t.Errorf("a task that may run for too short to be restarted in place is good: %s", short)
		}
	}
}

// TestWavesCountOnlyWhatIsSure has the check know less than the scheduler, which may have counted a wave of tasks that were there before
// the check began: it must never count a wave that the scheduler does not.
func TestWavesCountOnlyWhatIsSure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		newest := rapid.Uint64Range(1, 9).Draw(t, "newest")
		w := waves{newest: newest, unsure: newest}
		truth := waves{newest: rapid.Uint64Range(0, newest).Draw(t, "known")}
		for now := ecs.Time(1); now < 20; now++ {
			newest += rapid.Uint64Range(0, 2).Draw(t, "more")
			seq := rapid.Uint64Range(1, newest).Draw(t, "ended")
			truth.fail(seq, newest, now)
			w.fail(seq, newest, now)
			if w.failed > truth.failed || w.failed == truth.failed && w.failed > 0 && w.since > truth.since {
				t.Fatalf("at %d: %+v, the scheduler has %+v", now, w, truth)
			}
		}
	})
}

// TestTasksThatEndAndGoInOneBatchMayHaveFailed: how they ended is not to be seen, and the circuit breaker may count them.
func TestTasksThatEndAndGoInOneBatchMayHaveFailed(t *testing.T) {
	w := emptyWorld(t)
	c := newChecker(w, newPlayer(w))
	gone := runningTask()
	gone.Service, gone.ServiceSeq, gone.Deployment = "web", 1, 7
	s := &ecs.Service{Cluster: gone.Cluster, Name: "web", Seq: 1, Definition: gone.Definition, Desired: 1,
		Deployments: []ecs.Deployment{{ID: 7, Definition: gone.Definition, FailedTasks: 1}}}
	m := &memory{record: s, rollouts: map[ecs.DeploymentID]ecs.RolloutState{}, trials: map[ecs.DeploymentID]*trial{}}
	c.checkBreaker(s, m)
	if property(w) != breaks {
		t.Fatalf("a task counts as failed, and there was none: %q", property(w))
	}
	w.failure = nil
	c.changes = []change{{old: &gone}}
	if c.checkBreaker(s, m); w.failure != nil {
		t.Error(w.failure)
	}
}
