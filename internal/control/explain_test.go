package control

import (
	"errors"
	"strings"
	"testing"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/lb/health"
	"ballast/internal/scheduler/explain"
)

// why is the explanation of service web, as text.
func (w *world) why() (explain.Report, string) {
	w.t.Helper()
	report := explain.Service(w.do(Explain{Cluster: "default", Service: "web"}).(Explained).Case)
	return report, told(report)
}

func told(r explain.Report) string {
	text := ""
	for _, line := range r.Lines(time.UTC) {
		text += line.Text + "\n"
	}
	return text
}

// says fails unless the explanation has every one of parts.
func (w *world) says(state explain.Kind, parts ...string) {
	w.t.Helper()
	report, text := w.why()
	if report.State != string(state) {
		w.t.Errorf("state %q, want %q:\n%s", report.State, state, text)
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			w.t.Errorf("nothing says %q:\n%s", part, text)
		}
	}
}

// TestExplainFollowsAService goes with one through good and bad times.
func TestExplainFollowsAService(t *testing.T) {
	w := newWorld(t, "ecs")
	w.serve("web", w.define("web"), 2)
	w.says(explain.Unplaced, "2 tasks wait: cluster default has no container instance.")
	a := w.agent()
	w.says(explain.Rolling, "2 tasks run without health checks", "next: in 40s")
	w.pass(40 * time.Second)
	w.says(explain.Steady, "2 of 2 tasks are healthy")

	a.crash(w.tasks(ecs.StatusRunning)[0].ID)
	w.run()
	w.says(explain.Warming, "The last task to fail ended with exit code 1 after about 40s; that was just now.")
	w.pass(10 * time.Minute)
	report, _ := w.why()
	equal(t, "what is known of it later", []any{report.State, report.Findings[0].Count, *report.Findings[0].ExitCode, len(report.Findings[0].Tasks)},
		[]any{"steady", 1, int32(1), 1})

	a.impaired = "the engine is down"
	a.report(nil)
	w.run()
	w.says(explain.IsImpaired, "does not answer its agent (the engine is down): 2 tasks there are neither started nor stopped")
	equal(t, "what is shown of it", w.instance(a).Impaired, "the engine is down")
	a.impaired = ""
	a.report(nil)
	w.run()
	w.says(explain.Steady)

	a.silent = true
	w.pass(35 * time.Second)
	w.says(explain.IsSilent, "has not been heard of for", "how 2 tasks fare there is not known", "they are given up and replaced")
	w.pass(time.Minute)
	w.says(explain.Throttled, "takes no tasks: its agent is not connected", "ended as a container instance was lost")
	a.silent = false
	a.report(nil)
	w.do(UpdateService{Cluster: "default", Name: "web", Desired: new(0)})
	w.says(explain.Stopped, "its desired count is 0")
	w.do(DeleteService{Cluster: "default", Name: "web"})
	w.says(explain.Deleted)
}

// TestExplainThrottle has the throttle hide neither why tasks fail nor that there is no room.
func TestExplainThrottle(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	a.refuse = true
	w.serve("web", w.define("web"), 2)
	w.pass(5 * time.Second)
	w.says(explain.Throttled, "none of the last 2 waves of tasks came to RUNNING", "next: in 55s", "the one after it waits 3m",
		"4 tasks to fail did not start: CannotStartContainerError: refused by the test")

	big := newWorld(t, "ecs")
	big.agent()
	big.serve("web", big.define("web", func(d *ecs.TaskDefinition) { d.Containers[0].Memory = 2 << 20 }), 1)
	big.says(explain.Unplaced, "1 task waits for room: each needs 2097152 MiB of memory.", "has 1048576 of 2097152 MiB free", "next: in 10s")
	big.pass(30 * time.Second)
	big.says(explain.Throttled, "has 1048576 of 2097152 MiB free")
}

// TestExplainTargets follows the target of a task from its registration to the end of its draining.
func TestExplainTargets(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	w.balanced(w.define("web"), 1)
	id := w.tasks(ecs.StatusRunning)[0].ID
	group := health.DefaultGroup(targetGroup)
	group.Delay, group.Limits = 30*time.Second, health.Thresholds{Healthy: 3, Unhealthy: 2}
	report := func(x health.Target, results ...health.Result) health.Target {
		t.Helper()
		for _, r := range results {
			x = x.Probed(r, group.Limits)
		}
		w.do(ReportTargets{Targets: []TargetReport{{Cluster: "default", Task: id, Group: targetGroup, Health: x, Settings: &group}}})
		return x
	}
	one := func(part string) {
		t.Helper()
		known := w.do(Explain{Cluster: "default", Task: id}).(Explained)
		if text := told(explain.OneTask(known.Case, known.Task)); !strings.Contains(text, part) {
			t.Errorf("nothing says %q of the task:\n%s", part, text)
		}
	}
	w.says(explain.Rolling, "targets  web, port 80 of container web: no targets", "waits to be registered with target group web")
	w.pass(time.Minute)
	w.says(explain.Unbalanced, "See whether anything serves target group web")
	x := report(health.Target{})
	w.says(explain.Rolling, "web: 1 initial", "waits to pass its first health check of target group web (every 30s)")
	x = report(x, fails)
	w.says(explain.Rolling, "1 of the 2 failures in a row")
	x = report(x, passes)
	w.says(explain.Steady, "web: 1 healthy")
	w.pass(20 * time.Second)
	x = report(x, fails)
	one("Target group web: healthy since 20s; it has failed 1 of the 2 checks in a row that make it unhealthy.")
	x = report(x, fails)
	w.says(explain.Unhealthy, "the checks of target group web fail (Health checks failed with these codes: [503])", "its replacement has been started")
	x = report(x, passes, passes)
	one("it has passed 2 of the 3 checks in a row that make it healthy again")
	x = report(x, passes)

	w.do(UpdateService{Cluster: "default", Name: "web", Desired: new(0)})
	w.says(explain.Stopping, "is to be deregistered from target group web", "next: in 1m30s", "it is told to stop, though no load balancer has said that it is drained")
	w.pass(10 * time.Second)
	report(x.Deregister())
	w.pass(10 * time.Second)
	w.says(explain.Stopping, "web: 1 draining", "is being drained in target group web", "next: in 20s", "it is told to stop (SIGTERM)")
	one("Target group web: draining since 10s")
	w.pass(30 * time.Second)
	w.says(explain.Stopping, "has had the time to be drained", "next: in 50s", "it is told to stop all the same")
}

// TestExplainTask explains tasks of a service and others.
func TestExplainTask(t *testing.T) {
	w, _ := stuckWorld(t)
	w.says(explain.IsStuck, "container app waits for container db to be HEALTHY, which is UNHEALTHY")
	one := func(id ecs.ID) string {
		t.Helper()
		known := w.do(Explain{Cluster: "default", Task: id}).(Explained)
		return told(explain.OneTask(known.Case, known.Task))
	}
	if text := one(w.tasks(ecs.StatusRunning)[0].ID); !strings.Contains(text, "container app waits for container db") {
		t.Error(text)
	}
	alone := w.do(RunTask{Cluster: "default", Definition: w.define("job"), Count: 1}).(*RunTaskResult).Tasks[0].ID
	if text := one(alone); !strings.Contains(text, "job:1, standalone) is PENDING") {
		t.Error(text)
	}
	w.do(StopTask{Cluster: "default", Task: alone, Reason: "enough"})
	if text := one(alone); !strings.Contains(text, "Somebody stopped it: enough.") {
		t.Error(text)
	}
	for _, c := range []struct {
		ask  Explain
		code ecs.Code
	}{
		{Explain{Cluster: "nosuch", Service: "web"}, ecs.ClusterNotFoundException},
		{Explain{Cluster: "default", Service: "nosuch"}, ecs.ServiceNotFoundException},
		{Explain{Cluster: "default", Task: ecs.ID{9}}, ecs.InvalidParameterException},
	} {
		_, err := w.try(c.ask)
		if refusal := (*ecs.Error)(nil); !errors.As(err, &refusal) || refusal.Code != c.code {
			t.Errorf("%+v: %v, want %s", c.ask, err, c.code)
		}
	}
}

// TestExplainChangesNothing: asking is no step further.
func TestExplainChangesNothing(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	w.serve("web", w.define("web"), 2)
	w.ticket++
	w.m.Offer(w.ticket, Explain{Cluster: "default", Service: "web"})
	batch, messages := w.step()
	equal(t, "what it writes and sends", []int{len(batch.Units), len(messages)}, []int{0, 0})
}
