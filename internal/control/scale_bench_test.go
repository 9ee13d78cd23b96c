package control

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"ballast/internal/control/journal"
	"ballast/internal/ecs"
	"ballast/internal/scheduler/policy"
	"ballast/internal/session"
	"ballast/internal/store"
	"ballast/internal/store/mem"
	"ballast/test/grown"
)

// fleet is a machine as its runner drives it, records encoded and committed to a mem store, with agents that run at once what they
// are told and remember nothing but numbers.
type fleet struct {
	b     testing.TB
	m     *Machine
	store *mem.Store
	fence store.Fence
	now   ecs.Time
	steps uint64
	stubs map[ecs.ID]*stub
	units int
	// assigned counts the tasks that agents were told to run; last is the newest, on lastOn.
	assigned int
	last     ecs.ID
	lastOn   ecs.ID
}

// stub is an agent of that kind.
type stub struct {
	session, seq, ack uint64
	tasks             int
}

func newFleet(b testing.TB) *fleet {
	p, err := policy.Named("ecs")
	if err != nil {
		b.Fatal(err)
	}
	f := &fleet{b: b, m: New(Config{Policy: p}), store: mem.New(), now: ecs.TimeOf(time.Now()), stubs: map[ecs.ID]*stub{}}
	if f.fence, err = f.store.Lead(context.Background()); err != nil {
		b.Fatal(err)
	}
	return f
}

// grow loads a cluster of that many tasks, half of them STOPPED a while ago, and connects its agents.
func (f *fleet) grow(tasks int) {
	units, err := journal.Encode(grown.Units(tasks, f.now))
	if err != nil {
		f.b.Fatal(err)
	}
	if err := f.store.Commit(context.Background(), f.fence, units); err != nil {
		f.b.Fatal(err)
	}
	if err := f.store.Load(context.Background(), f.m.Load); err != nil {
		f.b.Fatal(err)
	}
	f.m.Loaded(f.now)
	for n := range grown.Hosts {
		f.connect(grown.Instance(n), 1<<20)
	}
	f.settle()
	f.wait()
}

// wait lets a minute pass in which every agent says that it is there.
func (f *fleet) wait() {
	for range int(time.Minute / session.HeartbeatEvery) {
		f.now = f.now.Add(session.HeartbeatEvery)
		for n := range len(f.stubs) {
			f.report(grown.Instance(n), nil)
		}
		f.settle()
	}
}

func (f *fleet) connect(id ecs.ID, size int) {
	f.stubs[id] = &stub{session: 1}
	f.report(id, &session.Hello{Cluster: "default", Driver: "stub", Zone: fmt.Sprint("zone", id[1]%3), Resources: ecs.Resources{CPU: size, Memory: size}})
}

func (f *fleet) report(id ecs.ID, hello *session.Hello, tasks ...session.TaskReport) {
	s := f.stubs[id]
	s.seq++
	f.m.OfferReport(&session.Report{Instance: id, Session: s.session, Seq: s.seq, Ack: s.ack, Hello: hello, Tasks: tasks})
}

// step does what Control.step does.
func (f *fleet) step() {
	f.steps++
	var seed Seed
	binary.LittleEndian.PutUint64(seed[:], f.steps)
	batch := f.m.Step(f.now, seed)
	units, err := journal.Encode(batch.Units)
	if err == nil {
		f.units += len(units)
		err = f.store.Commit(context.Background(), f.fence, units)
	}
	if err != nil {
		f.b.Fatal(err)
	}
	for _, a := range batch.Answers {
		if a.Err != nil {
			f.b.Fatal(a.Err)
		}
	}
	messages := f.m.Committed(batch.Seq)
	f.m.Root()
	for i := range messages {
		f.take(messages[i].Instance, &messages[i].Assignments)
	}
}

// take has an agent run what it is told.
func (f *fleet) take(id ecs.ID, m *session.Assignments) {
	s := f.stubs[id]
	s.ack = m.Seq
	var news []session.TaskReport
	for i := range m.Tasks {
		a := &m.Tasks[i]
		if a.Work == nil || a.Work.Launched || a.Desired == ecs.StatusStopped || a.Forget {
			continue
		}
		f.assigned++
		s.tasks++
		f.last, f.lastOn = a.Task, id
		news = append(news, session.TaskReport{Task: a.Task, Status: ecs.StatusRunning, StartedAt: f.now,
			Containers: []session.ContainerReport{{Name: "web", Status: ecs.StatusRunning, RuntimeID: "1"}}})
	}
	if len(m.Tasks) > 0 || m.Manifest {
		f.report(id, nil, news...)
	}
}

// settle steps until nothing waits and no timer is due, reportsPerStep at a time as the runner does.
func (f *fleet) settle() {
	due := func() bool { return f.m.WakeAt() != 0 && f.m.WakeAt() <= f.now }
	for first := true; first || len(f.m.reports)+len(f.m.commands) > 0 || due(); first = false {
		later := f.m.reports
		f.m.reports = later[:min(len(later), reportsPerStep)]
		later = later[len(f.m.reports):]
		f.step()
		f.m.reports = append(append([]*session.Report{}, later...), f.m.reports...)
	}
}

func (f *fleet) do(c Command) {
	f.m.Offer(0, c)
	f.step()
}

// crash has a task end by itself, and steps once: its replacement is assigned then.
func (f *fleet) crash(task, on ecs.ID) {
	before := f.assigned
	f.report(on, nil, session.TaskReport{Task: task, Status: ecs.StatusStopped, StoppedAt: f.now,
		Containers: []session.ContainerReport{{Name: "web", Status: ecs.StatusStopped, ExitCode: new(int32(1))}}})
	f.step()
	if f.assigned != before+1 {
		f.b.Fatalf("%d tasks assigned after a crash, want 1", f.assigned-before)
	}
}

// cpu is the processor time that the process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCrash is all the work between the report of a crash and the assignment of the replacement, in clusters of several sizes.
func BenchmarkCrash(b *testing.B) {
	for _, tasks := range []int{1_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(tasks), func(b *testing.B) {
			f := newFleet(b)
			f.grow(tasks)
			f.crash(grown.Task(0), grown.Instance(0))
			runtime.GC()
			b.ReportAllocs()
			for b.Loop() {
				task, on := f.last, f.lastOn
				f.crash(task, on)
				b.StopTimer()
				f.settle()
				f.wait() // the replacement runs, and is healthy
				b.StartTimer()
			}
		})
	}
}

// The size of the large cluster.
const (
	largeInstances = 1_000
	largeServices  = 50
	largeTasks     = 100_000
)

// large starts the large cluster from nothing.
func large(b testing.TB) *fleet {
	f := newFleet(b)
	f.m.Loaded(f.now)
	f.do(CreateCluster{Name: "default"})
	for n := range largeInstances {
		f.connect(grown.Instance(n), 1<<20)
	}
	f.settle()
	d := ecs.TaskDefinition{Family: "web", Document: []byte("{}"), Containers: []ecs.ContainerDefinition{{Name: "web", Image: "web", Essential: true, Memory: 16}}}
	f.do(RegisterTaskDefinition{Definition: d})
	definition := f.m.Root().Definition("web", 1)
	for n := range largeServices {
		f.do(CreateService{Service: ecs.Service{Cluster: "default", Name: fmt.Sprint("web", n), Definition: definition, Desired: largeTasks / largeServices,
			MinimumHealthyPercent: 100, MaximumPercent: 200}})
	}
	f.settle()
	if c := f.m.Root().Cluster("default"); c.Running != largeTasks {
		b.Fatalf("%d tasks are RUNNING, want %d", c.Running, largeTasks)
	}
	return f
}

// BenchmarkLarge is 100,000 tasks in 50 services on 1,000 container instances, from nothing to all RUNNING.
func BenchmarkLarge(b *testing.B) {
	for b.Loop() {
		before := cpu()
		f := large(b)
		b.ReportMetric((cpu() - before).Seconds(), "cpu-s/op")
		b.ReportMetric(float64(f.steps), "steps/op")
	}
}

// BenchmarkSteady is a minute of the large cluster in its steady state: agents that say they are there, timers, nothing else.
func BenchmarkSteady(b *testing.B) {
	f := large(b)
	for range 10 {
		f.minute()
	}
	runtime.GC()
	var was, is runtime.MemStats
	runtime.ReadMemStats(&was)
	before := cpu()
	for b.Loop() {
		f.minute()
	}
	b.ReportMetric(float64(cpu()-before)/float64(b.N)/float64(time.Minute)*100, "percent-of-a-core")
	runtime.GC()
	runtime.ReadMemStats(&is)
	b.ReportMetric(float64(is.HeapAlloc)/largeTasks, "heap-B/task")
	b.ReportMetric(float64(int64(is.HeapAlloc)-int64(was.HeapAlloc))/float64(b.N), "heap-growth-B/op")
	runtime.KeepAlive(f)
}

// minute lets a minute pass in which every agent says every now and then that it is there, at a time of its own.
func (f *fleet) minute() {
	const slices = 100 // of the time between two heartbeats
	for at := time.Duration(0); at < time.Minute; at += session.HeartbeatEvery {
		for slice := range slices {
			for n := slice; n < largeInstances; n += slices {
				f.report(grown.Instance(n), nil)
			}
			f.now = f.now.Add(session.HeartbeatEvery / slices)
			f.step()
		}
	}
}
