package agent

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ballast/internal/driver"
	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
	"ballast/internal/session"
)

// world is a Machine with a model of its driver, under virtual time. It writes down everything that happens.
type world struct {
	m     *Machine
	model *fake.Model
	now   ecs.Time
	wake  ecs.Time
	log   strings.Builder

	boots    uint64           // agents so far; it tells their calls apart in the model
	pending  []Input          // for the machine, at once
	calls    []driver.Call    // made, without a result
	blind    bool             // ends of containers are not passed on
	reports  []session.Report // sent, not yet taken by the test
	hungUp   bool
	onCall   func(driver.Call)
	onResult func(driver.Result)
}

const began = ecs.Time(1_000_000)

func newWorld() *world {
	w := &world{model: fake.NewModel(7), now: began, blind: true}
	w.boot()
	return w
}

// boot starts a new agent: the driver lives on, the machine knows nothing.
func (w *world) boot() {
	w.m = New(Config{Instance: ecs.ID{0xee}, Hello: session.Hello{Cluster: "default"}})
	w.pending, w.calls, w.blind = nil, nil, true
	w.boots++
	w.step()
}

// give hands inputs to the machine and plays what follows at once.
func (w *world) give(inputs ...Input) {
	w.pending = append(w.pending, inputs...)
	w.settle()
}

// settle steps the machine until nothing more happens at this time.
func (w *world) settle() {
	for {
		w.outcomes()
		if len(w.pending) == 0 && (w.wake == 0 || w.wake > w.now) {
			return
		}
		w.step()
	}
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	until := w.now.Add(d)
	for {
		w.settle()
		next, any := w.model.Next()
		if w.wake != 0 && (!any || w.wake < next) {
			next, any = w.wake, true
		}
		if !any || next > until {
			w.now = until
			return
		}
		w.now = max(w.now, next)
	}
}

// outcomes takes what has happened in the model.
func (w *world) outcomes() {
	for _, o := range w.model.Advance(w.now) {
		switch {
		case o.Event != nil && !w.blind:
			w.logf("event %s", sayObservation(*o.Event))
			w.pending = append(w.pending, DriverEvent{*o.Event})
		case o.Result != nil:
			o.Result.ID -= w.boots << 32
			i := slices.IndexFunc(w.calls, func(c driver.Call) bool { return c.ID == o.Result.ID })
			if i < 0 {
				continue // of an agent that is gone, or cancelled
			}
			w.logf("result %d %s", o.Result.ID, sayResult(w.calls[i].Op, *o.Result))
			w.calls = slices.Delete(w.calls, i, i+1)
			if w.onResult != nil {
				w.onResult(*o.Result)
			}
			w.pending = append(w.pending, DriverResult{*o.Result})
		}
	}
}

func (w *world) step() {
	inputs := w.pending
	w.pending = nil
	b := w.m.Step(w.now, inputs...)
	w.wake = b.WakeAt
	if b.Watch {
		w.logf("watch")
		w.blind = false
		w.pending = append(w.pending, DriverWatched{})
	}
	for _, id := range b.Cancel {
		w.logf("cancel %d", id)
		w.calls = slices.DeleteFunc(w.calls, func(c driver.Call) bool { return c.ID == id })
	}
	for _, c := range b.Calls {
		w.logf("call %d %s", c.ID, sayCall(c))
		if w.onCall != nil {
			w.onCall(c)
		}
		w.calls = append(w.calls, c)
		c.ID += w.boots << 32
		w.model.Do(w.now, c)
	}
	for _, r := range b.Reports {
		w.logf("report %s", sayReport(r))
		w.reports = append(w.reports, r)
	}
	if b.Hangup {
		w.hungUp = true
		w.logf("hangup")
	}
	if b.Refused != "" {
		w.logf("refused %q", b.Refused)
	}
}

func (w *world) logf(format string, args ...any) {
	fmt.Fprintf(&w.log, "%9.3f  "+format+"\n", append([]any{w.now.Sub(began).Seconds()}, args...)...)
}

// say notes what the test does.
func (w *world) say(format string, args ...any) { fmt.Fprintf(&w.log, "-- "+format+"\n", args...) }

func sayID(id ecs.ID) string { return fmt.Sprintf("t%d", id[15]) }

func sayKey(k driver.Key) string {
	name := sayID(k.Task) + "/" + k.Container
	if k.Attempt > 0 {
		name += fmt.Sprintf("/%d", k.Attempt)
	}
	return name
}

func sayCall(c driver.Call) string {
	switch c.Op {
	case driver.OpList:
		return "list"
	case driver.OpPull:
		return "pull " + sayKey(c.Key) + " " + c.Image
	case driver.OpStop:
		return fmt.Sprintf("stop %s within %v", sayKey(c.Key), c.Timeout)
	case driver.OpRemoveLogs:
		return "remove-logs " + sayID(c.Key.Task)
	}
	return c.Op.String() + " " + sayKey(c.Key)
}

func sayResult(op driver.Op, r driver.Result) string {
	switch {
	case r.Err != nil:
		return "error " + r.Err.Error()
	case op == driver.OpStart:
		return "started " + r.Started.RuntimeID
	case op == driver.OpExec:
		return fmt.Sprintf("code %d", r.Code)
	case op == driver.OpStop:
		return "ended " + sayExit(r.Exit)
	case op == driver.OpList:
		var all []string
		for _, o := range r.List {
			all = append(all, sayObservation(o))
		}
		return "list [" + strings.Join(all, ", ") + "]"
	case r.Pulled:
		return "pulled"
	}
	return "ok"
}

func sayExit(e driver.Exit) string {
	code := "without code"
	if e.Code != nil {
		code = fmt.Sprintf("code %d", *e.Code)
	}
	if e.Reason != "" {
		code += fmt.Sprintf(" %q", e.Reason)
	}
	return code
}

func sayObservation(o driver.Observation) string {
	state := [...]string{"created", "running", "exited"}[o.State]
	if o.State == driver.Exited {
		state += " " + sayExit(o.Exit)
	}
	return sayKey(o.Key) + " " + state
}

func sayReport(r session.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#%d ack %d", r.Seq, r.Ack)
	if r.Hello != nil {
		b.WriteString(" hello")
	}
	for _, t := range r.Tasks {
		fmt.Fprintf(&b, "\n%13s%s %s%s", "", sayID(t.Task), t.Status, sayTimes(t))
		if t.Reason != "" {
			fmt.Fprintf(&b, " %q", t.Reason)
		}
		for _, c := range t.Containers {
			fmt.Fprintf(&b, "\n%15s%s %s", "", c.Name, c.Status)
			if c.Health != ecs.HealthUnknown {
				fmt.Fprintf(&b, " %s", c.Health)
			}
			if c.RuntimeID != "" {
				fmt.Fprintf(&b, " %s", c.RuntimeID)
			}
			for _, p := range c.Bindings {
				fmt.Fprintf(&b, " %d->%d", p.HostPort, p.ContainerPort)
			}
			if c.ExitCode != nil {
				fmt.Fprintf(&b, " code %d", *c.ExitCode)
			}
			if c.Reason != "" {
				fmt.Fprintf(&b, " %q", c.Reason)
			}
		}
	}
	return b.String()
}

func sayTimes(t session.TaskReport) string {
	var b strings.Builder
	for _, x := range []struct {
		name string
		at   ecs.Time
	}{{"pull", t.PullStartedAt}, {"pulled", t.PullStoppedAt}, {"started", t.StartedAt},
		{"execution-stopped", t.ExecutionStoppedAt}, {"stopped", t.StoppedAt}} {
		if x.at != 0 {
			fmt.Fprintf(&b, " %s %.3f", x.name, x.at.Sub(began).Seconds())
		}
	}
	return b.String()
}

// box is a container definition for tests.
func box(name string, env ...string) ecs.ContainerDefinition {
	d := ecs.ContainerDefinition{Name: name, Image: "app", Essential: true}
	for i := 0; i < len(env); i += 2 {
		if env[i] == "image" {
			d.Image = env[i+1]
			continue
		}
		d.Environment = append(d.Environment, ecs.Variable{Name: env[i], Value: env[i+1]})
	}
	return d
}

// checkedBox is a container with a health check, every 5 s and at most 3 s long, two failures of which count.
func checkedBox(name string, env ...string) ecs.ContainerDefinition {
	d := box(name, env...)
	d.HealthCheck = &ecs.HealthCheck{Command: []string{"CMD", "check"}, Interval: 5 * time.Second, Timeout: 3 * time.Second, Retries: 2}
	return d
}

// again gives a container a restart policy.
func again(d ecs.ContainerDefinition, period time.Duration, ignored ...int32) ecs.ContainerDefinition {
	d.RestartPolicy = &ecs.RestartPolicy{AttemptPeriod: period, IgnoredExitCodes: ignored}
	return d
}

func optional(d ecs.ContainerDefinition) ecs.ContainerDefinition {
	d.Essential = false
	return d
}

func work(boxes ...ecs.ContainerDefinition) *session.Work {
	return &session.Work{Cluster: "default", Definition: &ecs.TaskDefinition{Family: "web", Revision: 3, Containers: boxes}}
}

func taskID(n int) ecs.ID { return ecs.ID{15: byte(n)} }

func run(n int, w *session.Work) session.Assignment {
	return session.Assignment{Task: taskID(n), Desired: ecs.StatusRunning, Work: w}
}

func stop(n int, w *session.Work) session.Assignment {
	return session.Assignment{Task: taskID(n), Desired: ecs.StatusStopped, Work: w}
}

func forget(n int) session.Assignment {
	return session.Assignment{Task: taskID(n), Desired: ecs.StatusStopped, Forget: true}
}
