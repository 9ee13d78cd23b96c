package control

import (
	"maps"
	"slices"
	"testing"
	"time"

	"ballast/internal/control/journal"
	"ballast/internal/control/sessions"
	"ballast/internal/ecs"
	"ballast/internal/scheduler/policy"
	"ballast/internal/session"
	"ballast/internal/store"
)

// world is a machine with a journal of plain values and agents that do at once what they are told, under a clock of its own.
type world struct {
	t       *testing.T
	m       *Machine
	now     ecs.Time
	seed    Seed
	records map[string][]byte
	deleted int // records that one step deleted, at most
	agents  []*pretender
	ticket  uint64
	policy  policy.Policy
}

// pretender is an agent without a driver: what it is assigned runs, until the test says otherwise.
type pretender struct {
	w        *world
	id       ecs.ID
	cluster  string
	session  uint64
	seq, ack uint64
	taken    uint64
	impaired string
	silent   bool
	// refused is what control has said of why it wants no more of the instance.
	refused string
	// refuse makes the containers of new tasks fail to start.
	refuse bool
	// holds keeps new tasks PENDING.
	holds  bool
	tasks  map[ecs.ID]*session.TaskReport
	starts map[ecs.ID]int
	work   map[ecs.ID]*session.Work
	cpu    int
	memory int
}

func newWorld(t *testing.T, preset string) *world {
	t.Helper()
	p, err := policy.Named(preset)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, now: 1_000_000, records: map[string][]byte{}, policy: p}
	w.m = New(Config{Policy: p})
	w.m.Loaded(w.now)
	w.do(CreateCluster{Name: "default"})
	return w
}

// restart forgets the machine and makes another of what was journalled. Agents connect anew.
func (w *world) restart() {
	w.m = New(Config{Policy: w.policy})
	keys := make([]string, 0, len(w.records))
	for key := range w.records {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if err := w.m.Load(key, w.records[key]); err != nil {
			w.t.Fatal(err)
		}
	}
	w.m.Loaded(w.now)
	w.run() // control decides before any agent has spoken
	for _, a := range w.agents {
		a.connect()
	}
	w.run()
}

// agent adds a container instance with room for a thousand tasks.
func (w *world) agent() *pretender {
	a := &pretender{w: w, id: ecs.ID{byte(len(w.agents) + 1)}, cluster: "default", cpu: 1024 * 1024, memory: 1024 * 1024,
		tasks: map[ecs.ID]*session.TaskReport{}, starts: map[ecs.ID]int{}, work: map[ecs.ID]*session.Work{}}
	w.agents = append(w.agents, a)
	a.connect()
	w.run()
	return a
}

func (a *pretender) connect() {
	a.session++
	a.seq, a.ack, a.taken = 0, 0, 0
	var all []session.TaskReport
	for _, r := range a.tasks {
		all = append(all, *r)
	}
	slices.SortFunc(all, func(x, y session.TaskReport) int { return slices.Compare(x.Task[:], y.Task[:]) })
	a.report(&session.Hello{Cluster: a.cluster, Driver: "pretended",
		Resources: ecs.Resources{CPU: a.cpu, Memory: a.memory}}, all...)
}

func (a *pretender) report(hello *session.Hello, tasks ...session.TaskReport) {
	if a.silent {
		return
	}
	a.seq++
	a.w.m.OfferReport(&session.Report{Instance: a.id, Session: a.session, Seq: a.seq, Ack: a.ack, Hello: hello, Tasks: tasks, Impaired: a.impaired})
}

// take does what control says, and reports it.
func (a *pretender) take(m session.Assignments) {
	if a.silent || m.Session != a.session || m.Seq <= a.taken {
		return
	}
	a.taken, a.ack = m.Seq, m.Seq
	if m.Refused != "" {
		a.refused = m.Refused
		return
	}
	if len(m.Tasks) == 0 && !m.Manifest {
		return
	}
	if m.Manifest {
		maps.DeleteFunc(a.tasks, func(id ecs.ID, _ *session.TaskReport) bool {
			return !slices.ContainsFunc(m.Tasks, func(as session.Assignment) bool { return as.Task == id })
		})
	}
	var news []session.TaskReport
	for _, as := range m.Tasks {
		if r := a.assigned(as); r != nil {
			news = append(news, *r)
		}
	}
	a.report(nil, news...)
}

func (a *pretender) assigned(as session.Assignment) *session.TaskReport {
	if as.Forget {
		delete(a.tasks, as.Task)
		return nil
	}
	r := a.tasks[as.Task]
	a.work[as.Task] = as.Work
	if r == nil {
		r = &session.TaskReport{Task: as.Task, Status: ecs.StatusPending}
		a.tasks[as.Task] = r
		if as.Desired == ecs.StatusStopped || as.Work.Launched || a.refuse {
			a.end(as.Task, nil, "CannotStartContainerError: refused by the test")
			return r
		}
		a.starts[as.Task]++
		if a.holds {
			return r
		}
		r.Status, r.StartedAt = ecs.StatusRunning, a.w.now
		for _, c := range as.Work.Definition.Containers {
			r.Containers = append(r.Containers, session.ContainerReport{Name: c.Name, Status: ecs.StatusRunning, RuntimeID: "1"})
		}
		return r
	}
	if as.Desired == ecs.StatusStopped && r.Status != ecs.StatusStopped {
		a.end(as.Task, code(143), "")
	}
	return r
}

// end stops all containers of a task.
func (a *pretender) end(id ecs.ID, exit *int32, reason string) *session.TaskReport {
	r := a.tasks[id]
	r.Status, r.StoppedAt, r.ExecutionStoppedAt = ecs.StatusStopped, a.w.now, a.w.now
	r.Containers = nil
	for _, c := range a.work[id].Definition.Containers {
		r.Containers = append(r.Containers, session.ContainerReport{Name: c.Name, Status: ecs.StatusStopped, ExitCode: exit, Reason: reason})
	}
	return r
}

// crash ends a task by itself and reports it.
func (a *pretender) crash(id ecs.ID) {
	a.report(nil, *a.end(id, code(1), ""))
}

func code(n int32) *int32 { return &n }

// do submits a command and gives its answer.
func (w *world) do(c Command) any {
	w.t.Helper()
	result, err := w.try(c)
	if err != nil {
		w.t.Fatalf("%T: %v", c, err)
	}
	return result
}

func (w *world) try(c Command) (any, error) {
	w.t.Helper()
	w.ticket++
	w.m.Offer(w.ticket, c)
	for _, a := range w.run() {
		if a.Ticket == w.ticket {
			return a.Result, a.Err
		}
	}
	w.t.Fatalf("%T: no answer", c)
	return nil, nil
}

// run steps until nothing is left to do at this moment.
func (w *world) run() []Answer {
	w.t.Helper()
	var answers []Answer
	for round := range 1000 {
		batch, messages := w.step()
		answers = append(answers, batch.Answers...)
		for _, m := range messages {
			for _, a := range w.agents {
				if a.id == m.Instance {
					a.take(m.Assignments)
				}
			}
		}
		wake := w.m.WakeAt()
		if len(w.m.reports)+len(w.m.commands) == 0 && (wake == 0 || wake > w.now) {
			return answers
		}
		if round == 999 {
			w.t.Fatal("the machine does not come to rest")
		}
	}
	return answers
}

func (w *world) step() (*Batch, []sessions.Message) {
	w.seed[0]++
	if w.seed[0] == 0 {
		w.seed[1]++
	}
	batch := w.m.Step(w.now, w.seed)
	units, err := journal.Encode(batch.Units)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := store.Check(units); err != nil {
		w.t.Fatal(err)
	}
	deleted := 0
	defer func() { w.deleted = max(w.deleted, deleted) }()
	for _, unit := range units {
		for _, r := range unit {
			if r.Value == nil {
				deleted++
				delete(w.records, r.Key)
			} else {
				w.records[r.Key] = r.Value
			}
		}
	}
	return batch, w.m.Committed(batch.Seq)
}

// pass lets time go by, stepping whenever the machine asks to be woken.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	end := w.now.Add(d)
	for heartbeat := w.now; ; {
		next := end
		if wake := w.m.WakeAt(); wake != 0 && wake < next {
			next = max(wake, w.now)
		}
		if beat := heartbeat.Add(session.HeartbeatEvery); beat < next {
			next, heartbeat = beat, beat
			for _, a := range w.agents {
				a.report(nil)
			}
		}
		w.now = next
		w.run()
		if w.now >= end {
			return
		}
	}
}

// define registers a task definition with one container.
func (w *world) define(family string, change ...func(*ecs.TaskDefinition)) *ecs.TaskDefinition {
	d := ecs.TaskDefinition{Family: family, Document: []byte("{}"), Containers: []ecs.ContainerDefinition{
		{Name: "web", Image: "web", Essential: true, Memory: 16}}}
	for _, c := range change {
		c(&d)
	}
	return w.do(RegisterTaskDefinition{Definition: d}).(*ecs.TaskDefinition)
}

// serve creates a service.
func (w *world) serve(name string, d *ecs.TaskDefinition, desired int) *ecs.Service {
	return w.do(CreateService{Service: ecs.Service{Cluster: "default", Name: name, Definition: d, Desired: desired,
		MinimumHealthyPercent: 100, MaximumPercent: 200}}).(*ecs.Service)
}

func (w *world) service(name string) *ecs.Service { return w.m.Root().Service("default", name) }
