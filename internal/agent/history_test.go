package agent

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ballast/internal/driver"
	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
	"ballast/internal/session"
)

// desk is a small control: it wants tasks, tells the agent by the rules of the session, and keeps what it is told.
type desk struct {
	tasks   []*wish
	session uint64
	taken   uint64 // newest report taken
	sent    uint64 // newest assignments sent
	ackDue  bool
	fresh   bool // the manifest has not been acknowledged
	repeat  ecs.Time
}

// wish is a task as control has it.
type wish struct {
	id        ecs.ID
	work      *session.Work
	desired   ecs.Status
	last      session.TaskReport
	forgotten bool   // the agent has acknowledged that the task is to be forgotten
	told      uint64 // Seq of the message that told of the newest change; 0 = not told
	known     bool   // and it has been acknowledged
}

func (d *desk) take(r session.Report) {
	if r.Hello != nil && r.Session > d.session {
		*d = desk{tasks: d.tasks, session: r.Session, fresh: true}
		for _, t := range d.tasks {
			t.told, t.known = 0, false
		}
	}
	if r.Session != d.session || r.Seq <= d.taken {
		return
	}
	d.taken, d.ackDue = r.Seq, true
	for _, t := range d.tasks {
		if t.told != 0 && t.told <= r.Ack {
			t.known, d.fresh = true, false
			t.forgotten = t.forgotten || t.last.Status == ecs.StatusStopped
		}
	}
	if d.sent > 0 && r.Ack > 0 {
		d.fresh = false
	}
	for _, x := range r.Tasks {
		for _, t := range d.tasks {
			if t.id == x.Task && x.Status > t.last.Status {
				t.last = x
				t.told, t.known = 0, false
			}
		}
	}
}

// next gives the message that is due, if any.
func (d *desk) next(now ecs.Time) (session.Assignments, bool) {
	if d.session == 0 {
		return session.Assignments{}, false
	}
	again := now >= d.repeat
	m := session.Assignments{Session: d.session, Seq: d.sent + 1, Ack: d.taken, Manifest: d.fresh && (again || d.sent == 0)}
	for _, t := range d.tasks {
		if t.forgotten || !m.Manifest && (t.known || t.told != 0 && !again) {
			continue
		}
		if m.Manifest && t.last.Status == ecs.StatusStopped {
			continue
		}
		m.Tasks = append(m.Tasks, t.assignment())
		t.told = m.Seq
	}
	if !d.ackDue && !m.Manifest && len(m.Tasks) == 0 {
		return m, false
	}
	if m.Manifest || len(m.Tasks) > 0 {
		d.repeat = now.Add(session.RepeatAfter)
	}
	d.sent, d.ackDue = m.Seq, false
	return m, true
}

// waits says whether the desk has something to repeat.
func (d *desk) waits() bool {
	return d.session != 0 && (d.fresh || slices.ContainsFunc(d.tasks, func(t *wish) bool { return !t.known && !t.forgotten }))
}

func (t *wish) assignment() session.Assignment {
	if t.last.Status == ecs.StatusStopped {
		return session.Assignment{Task: t.id, Desired: ecs.StatusStopped, Forget: true}
	}
	w := *t.work
	w.Launched = t.last.Status == ecs.StatusRunning
	return session.Assignment{Task: t.id, Desired: t.desired, Work: &w}
}

// history is an agent and a control with a network between them that loses, doubles and delays.
type history struct {
	*world
	desk    desk
	t       *rapid.T
	number  uint64
	bad     bool // the network is
	toAgent []session.Assignments
	toDesk  []session.Report
	old     []session.Assignments // copies that may come again

	inFlight map[driver.Key]uint64
	ran      map[driver.Key]string
	statuses map[ecs.ID]ecs.Status
}

func newHistory(t *rapid.T) *history {
	h := &history{world: &world{model: fake.NewModel(7), now: began, blind: true}, t: t, ran: map[driver.Key]string{}}
	h.onCall, h.onResult = h.checkCall, h.checkResult
	h.restart()
	return h
}

func (h *history) restart() {
	h.inFlight, h.statuses = map[driver.Key]uint64{}, map[ecs.ID]ecs.Status{}
	h.boot()
	h.settle()
	h.reconnect()
}

func (h *history) reconnect() {
	h.number++
	h.give(Disconnected{}, Connected{h.number})
}

func (h *history) checkCall(c driver.Call) {
	if c.Op == driver.OpList || c.Op == driver.OpPull || c.Op == driver.OpRemoveLogs {
		return
	}
	if c.Op == driver.OpExec {
		c.Key.Container += " (check)" // runs beside other calls, but alone among its kind
	}
	if other := h.inFlight[c.Key]; other != 0 {
		h.t.Fatalf("call %d for %s while call %d is in flight", c.ID, sayKey(c.Key), other)
	}
	h.inFlight[c.Key] = c.ID
	if t := h.wish(c.Key.Task); c.Op == driver.OpStart && t != nil && t.last.Status == ecs.StatusStopped {
		h.t.Fatalf("start of %s, which control has as STOPPED", sayKey(c.Key))
	}
}

func (h *history) checkResult(r driver.Result) {
	for key, id := range h.inFlight {
		if id == r.ID {
			delete(h.inFlight, key)
		}
	}
}

func (h *history) wish(id ecs.ID) *wish {
	i := slices.IndexFunc(h.desk.tasks, func(t *wish) bool { return t.id == id })
	if i < 0 {
		return nil
	}
	return h.desk.tasks[i]
}

// checkReport looks at a report as it leaves the agent.
func (h *history) checkReport(r session.Report) {
	if len(r.Tasks) > maxReported {
		h.t.Fatalf("report of %d tasks", len(r.Tasks))
	}
	for _, x := range r.Tasks {
		if x.Status < h.statuses[x.Task] {
			h.t.Fatalf("%s goes back from %s to %s", sayID(x.Task), h.statuses[x.Task], x.Status)
		}
		h.statuses[x.Task] = x.Status
		if x.Status == ecs.StatusStopped && (x.StoppedAt == 0 || x.ExecutionStoppedAt == 0) {
			h.t.Fatalf("%s is STOPPED without times", sayID(x.Task))
		}
		for _, c := range x.Containers {
			if c.Status == ecs.StatusStopped && c.ExitCode == nil && c.Reason == "" {
				h.t.Fatalf("%s/%s is STOPPED without exit code and reason", sayID(x.Task), c.Name)
			}
			if c.Status < x.Status {
				h.t.Fatalf("%s is %s, its container %s only %s", sayID(x.Task), x.Status, c.Name, c.Status)
			}
		}
	}
}

// checkDriver looks at what the driver has: nothing runs a second time, and nothing runs of a task reported as STOPPED.
func (h *history) checkDriver() {
	running := map[driver.Key]bool{}
	for _, o := range h.model.Containers() {
		if o.State == driver.Created {
			continue
		}
		place := driver.Key{Task: o.Key.Task, Container: o.Key.Container}
		if running[place] {
			h.t.Fatalf("%s runs beside another attempt", sayObservation(o))
		}
		running[place] = o.State == driver.Running
		id := fmt.Sprintf("%s at %d", o.Started.RuntimeID, o.Started.At)
		if first, again := h.ran[o.Key]; again && first != id {
			h.t.Fatalf("%s ran as %s and again as %s", sayKey(o.Key), first, id)
		}
		h.ran[o.Key] = id
		if o.State == driver.Running && h.statuses[o.Key.Task] == ecs.StatusStopped {
			h.t.Fatalf("%s runs, its task has been reported as STOPPED", sayKey(o.Key))
		}
	}
}

// carry moves messages between agent and control.
func (h *history) carry() {
	for range 1000 {
		h.settle()
		for _, r := range h.reports {
			h.checkReport(r)
			h.toDesk = append(h.toDesk, damaged(h, r)...)
		}
		h.reports = nil
		h.checkDriver()
		reports := h.toDesk
		h.toDesk = nil
		for _, r := range reports {
			h.desk.take(r)
		}
		if m, any := h.desk.next(h.now); any {
			h.toAgent = append(h.toAgent, damaged(h, m)...)
			h.old = append(h.old, m)
		}
		if len(h.toAgent) == 0 && len(reports) == 0 {
			return
		}
		messages := h.toAgent
		h.toAgent = nil
		for _, m := range messages {
			h.give(Assigned{m})
		}
	}
	h.t.Fatal("agent and control talk without end")
}

// damaged is what a bad network makes of a message: nothing, one, or two of it.
func damaged[M any](h *history, m M) []M {
	if !h.bad {
		return []M{m}
	}
	return slices.Repeat([]M{m}, rapid.SampledFrom([]int{1, 1, 1, 0, 2}).Draw(h.t, "copies"))
}

// live lets time pass, with messages carried as they come. An agent that hangs up connects again.
func (h *history) live(d time.Duration) {
	for until := h.now.Add(d); ; {
		h.carry()
		if h.hungUp {
			h.hungUp = false
			h.reconnect()
			continue
		}
		if h.now >= until {
			return
		}
		next := until
		if h.desk.waits() {
			next = min(next, max(h.desk.repeat, h.now+1))
		}
		if at, any := h.model.Next(); any {
			next = min(next, max(at, h.now+1))
		}
		if h.wake != 0 {
			next = min(next, max(h.wake, h.now+1))
		}
		h.pass(next.Sub(h.now))
	}
}

// kinds are the tasks of histories; those that can run for ever do.
var kinds = []struct {
	work *session.Work
	runs bool
}{
	{work(box("web")), true},
	{work(box("web", fake.EnvStartDelay, "0s..3s", fake.EnvStopDelay, "0s..2s"), box("db", "image", "fake/pull:2s")), true},
	{work(box("web"), optional(box("init", fake.EnvExitAfter, "1s")), optional(box("bad", fake.EnvFailStart, "no"))), true},
	{work(box("web", fake.EnvIgnoreSIGTERM, "true"), box("side", fake.EnvFaultStart, "2")), true},
	{work(checkedBox("web", fake.EnvHealth, "healthy,hangs@20s,unhealthy@40s,healthy@60s", fake.EnvHealthTakes, "0s..2s")), true},
	{work(after(after(box("web"), "db", ecs.DependHealthy), "init", ecs.DependSuccess), checkedBox("db"),
		optional(box("init", fake.EnvExitAfter, "0s..3s"))), true},
	{work(again(box("web", fake.EnvExitAfter, "2s..5s", fake.EnvStartDelay, "0s..1s"), 2*time.Second), optional(again(checkedBox("side", fake.EnvExitAfter, "7s"), time.Second))), true},
	{work(again(box("web", fake.EnvExitAfter, "1s..5s", fake.EnvIgnoreSIGTERM, "true"), 2*time.Second), box("side")), false},
	{work(after(box("web"), "init", ecs.DependSuccess), optional(box("init", fake.EnvExitAfter, "1s", fake.EnvExitCode, "2"))), false},
	{work(box("web", fake.EnvExitAfter, "0s..4s", fake.EnvExitCode, "1"), optional(box("side"))), false},
	{work(box("web", fake.EnvExitAfter, "0s")), false},
	{work(box("web", fake.EnvFailStart, "exec"), box("db", fake.EnvStartDelay, "1s")), false},
	{work(box("web", "image", "fake/missing:web"), box("db")), false},
	{work(box("web", fake.EnvFailCreate, "disk")), false},
}

// TestHistories plays random histories and checks on the way that nothing runs twice, no status goes back and nothing runs that
// was reported as STOPPED; and at the end, when faults have stopped, that agent, driver and control agree.
func TestHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(t)
		runs := map[ecs.ID]bool{}
		t.Repeat(map[string]func(*rapid.T){
			"": func(*rapid.T) { h.carry() },
			"new task": func(t *rapid.T) {
				kind := kinds[rapid.IntRange(0, len(kinds)-1).Draw(t, "kind")]
				id := taskID(len(h.desk.tasks) + 1)
				h.desk.tasks = append(h.desk.tasks, &wish{id: id, work: kind.work, desired: ecs.StatusRunning})
				runs[id] = kind.runs
			},
			"stop task": func(t *rapid.T) {
				if len(h.desk.tasks) == 0 {
					t.Skip("no tasks")
				}
				w := rapid.SampledFrom(h.desk.tasks).Draw(t, "task")
				w.desired, w.told, w.known = ecs.StatusStopped, 0, false
			},
			"time":      func(t *rapid.T) { h.live(time.Duration(rapid.IntRange(1, 4000).Draw(t, "ms")) * time.Millisecond) },
			"network":   func(*rapid.T) { h.bad = !h.bad },
			"reconnect": func(*rapid.T) { h.reconnect() },
			"restart":   func(*rapid.T) { h.restart() },
			"faults":    func(t *rapid.T) { h.model.Fault(rapid.IntRange(1, 4).Draw(t, "faults")) },
			"blind":     func(*rapid.T) { h.blind = true },
			"lost": func(*rapid.T) {
				h.blind = true
				h.give(DriverLost{})
			},
			"old copy": func(t *rapid.T) {
				if len(h.old) > 0 {
					h.give(Assigned{rapid.SampledFrom(h.old).Draw(t, "message")})
				}
			},
		})
		h.calm(runs)
	})
}

// calm ends the faults and checks what it comes to.
func (h *history) calm(runs map[ecs.ID]bool) {
	h.bad = false
	h.model.Fault(0)
	h.blind = true
	h.give(DriverLost{})
	h.live(3 * time.Minute)
	var want []driver.Key
	for _, w := range h.desk.tasks {
		switch {
		case w.last.Status == ecs.StatusStopped && runs[w.id] && w.desired == ecs.StatusRunning && !blamesDriver(w.last):
			h.t.Fatalf("%s should run, and is %+v", sayID(w.id), w.last)
		case w.last.Status != ecs.StatusStopped && (!runs[w.id] || w.desired == ecs.StatusStopped):
			h.t.Fatalf("%s should be STOPPED, and is %+v", sayID(w.id), w.last)
		case w.last.Status == ecs.StatusRunning:
			want = append(want, driver.Key{Task: w.id, Container: "web"})
		case w.last.Status != ecs.StatusStopped:
			h.t.Fatalf("%s is %s", sayID(w.id), w.last.Status)
		}
	}
	h.live(DefaultRetention)
	unrest := h.unrest(want)
	for range 20 { // a container that is restarted in place is away for a while
		if unrest == "" {
			return
		}
		h.live(300 * time.Millisecond)
		unrest = h.unrest(want)
	}
	h.t.Fatal("not at rest: " + unrest)
}

// unrest says what is not as it should be when all is over but the containers that should run; "" when nothing is.
func (h *history) unrest(want []driver.Key) string {
	away := slices.Clone(want)
	for _, o := range h.model.Containers() {
		if w := h.wish(o.Key.Task); w.last.Status != ecs.StatusRunning {
			return sayObservation(o) + " is left over"
		}
		if o.State == driver.Running {
			away = slices.DeleteFunc(away, func(k driver.Key) bool { return k.Task == o.Key.Task && k.Container == o.Key.Container })
		}
	}
	calls := 0
	for _, f := range h.m.calls {
		if f.op != driver.OpExec { // checks never rest
			calls++
		}
	}
	if len(away) > 0 || calls > 0 || len(h.m.retained) > 0 || len(h.m.talk.unacked) > 0 {
		return fmt.Sprintf("%v should run, %d calls, %d retained, %d not acknowledged", away, calls, len(h.m.retained), len(h.m.talk.unacked))
	}
	return ""
}

// blamesDriver says whether a task failed because the driver was away for too long.
func blamesDriver(r session.TaskReport) bool {
	return slices.ContainsFunc(r.Containers, func(c session.ContainerReport) bool {
		return strings.Contains(c.Reason, "fake: the driver is away") || strings.Contains(c.Reason, "in flight")
	})
}
