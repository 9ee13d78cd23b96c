package agent

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/session"
)

// inboxSize is how many inputs may wait for the machine, and how many it takes in one step; whoever has another waits.
const inboxSize = 256

// Agent runs one container instance: it owns a Machine, makes its driver calls and keeps its session with control.
type Agent struct {
	machine *Machine
	driver  driver.Driver
	connect Connect
	// environment is nil where containers get nothing but what their definitions say.
	environment Environment

	inbox chan envelope
	lanes map[driver.Op]*lane
	// Only the goroutine of Run uses these.
	link    *link
	cancels map[uint64]context.CancelFunc
	asked   map[uint64]chan<- *TaskView

	// ending holds the ids of the tasks whose end the driver is hearing of, or is about to: reports are repeated.
	ending     sync.Map
	requests   atomic.Uint64 // made by View so far
	background sync.WaitGroup
}

// envelope is an input and, for Connected, the connection that the session runs over, for Ask, who waits.
type envelope struct {
	input Input
	link  *link
	reply chan<- *TaskView
}

// RefusedError says that control wants no more of this container instance.
type RefusedError struct {
	Reason string
	// Deregistered says that somebody took the container instance out of its cluster.
	Deregistered bool
}

// Error gives control's reason.
func (e *RefusedError) Error() string { return "control refused this container instance: " + e.Reason }

// NewAgent gives an agent that Run sets to work.
func NewAgent(cfg Config, d driver.Driver, connect Connect) *Agent {
	starts, pulls, stops := &lane{limit: maxStarts}, &lane{limit: maxPulls}, &lane{limit: maxStops}
	checks := &lane{limit: maxChecks}
	return &Agent{
		machine: New(cfg),
		driver:  d,
		connect: connect,

		environment: cfg.Environment,

		inbox: make(chan envelope, inboxSize),
		lanes: map[driver.Op]*lane{driver.OpPull: pulls, driver.OpStop: stops, driver.OpCreate: starts, driver.OpStart: starts,
			driver.OpList: starts, driver.OpRemove: starts, driver.OpRemoveLogs: starts,
			driver.OpExec: checks},
		cancels: map[uint64]context.CancelFunc{},
		asked:   map[uint64]chan<- *TaskView{},
	}
}

// Run works until ctx is done, and then gives nil, or until control refuses the container instance, and then gives a
// *RefusedError. Containers go on either way. It returns when everything that it started has ended; it is called once.
func (a *Agent) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer a.background.Wait()
	defer cancel()
	a.background.Go(func() { a.converse(ctx) })

	wake := time.NewTimer(0)
	defer wake.Stop()
	for {
		inputs, ok := a.await(ctx, wake.C)
		if !ok {
			return nil
		}
		batch := a.machine.Step(ecs.TimeOf(time.Now()), inputs...)
		a.act(ctx, batch)
		if batch.Refused != "" {
			return &RefusedError{batch.Refused, batch.Deregistered}
		}
		if batch.WakeAt == 0 {
			wake.Stop()
		} else {
			wake.Reset(time.Until(batch.WakeAt.Std()))
		}
	}
}

// Logs reads the log of a container as driver.Driver.Logs does.
func (a *Agent) Logs(ctx context.Context, task ecs.ID, container string, position int64, limit driver.LogLimit) ([]driver.LogLine, int64,
	error) {
	return a.driver.Logs(ctx, task, container, position, limit)
}

// await waits for something to happen and takes all that has; ok is false when ctx is done.
func (a *Agent) await(ctx context.Context, wake <-chan time.Time) (inputs []Input, ok bool) {
	select {
	case e := <-a.inbox:
		inputs = append(inputs, a.open(e))
	case <-wake:
	case <-ctx.Done():
		return nil, false
	}
	for len(inputs) < inboxSize {
		select {
		case e := <-a.inbox:
			inputs = append(inputs, a.open(e))
			continue
		default:
		}
		break
	}
	return inputs, true
}

// open takes from an envelope what concerns the runner itself.
func (a *Agent) open(e envelope) Input {
	switch in := e.input.(type) {
	case Connected:
		a.link = e.link
	case Disconnected:
		a.link = nil
	case Ask:
		a.asked[in.Request] = e.reply
	case DriverResult:
		if cancel := a.cancels[in.Result.ID]; cancel != nil {
			cancel()
			delete(a.cancels, in.Result.ID)
		}
	}
	return e.input
}

// post gives the machine an input.
func (a *Agent) post(ctx context.Context, e envelope) {
	select {
	case a.inbox <- e:
	case <-ctx.Done():
	}
}

// endFor bounds what a driver does at the end of a task, for which the end of the agent waits.
const endFor = 10 * time.Second

// end lets a driver that wants to know hear of tasks that are over. What fails is left until the task's containers are removed.
func (a *Agent) end(ctx context.Context, r session.Report) {
	ender, ok := a.driver.(driver.Ender)
	if !ok {
		return
	}
	for _, t := range r.Tasks {
		if t.Status != ecs.StatusStopped {
			continue
		}
		if _, told := a.ending.LoadOrStore(t.Task, true); told {
			continue
		}
		a.lanes[driver.OpRemove].submit(&a.background, func() {
			defer a.ending.Delete(t.Task)
			// Who ends the agent right after its tasks wants nothing of them left.
			limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), endFor)
			defer cancel()
			if err := ender.End(limited, t.Task); err != nil {
				slog.Warn("a task is over, but not all that its containers shared could be let go", "task", t.Task, "cause", err)
			}
		})
	}
}

// act does what a batch says. It never waits.
func (a *Agent) act(ctx context.Context, b Batch) {
	for _, r := range b.Reports {
		if a.link != nil {
			a.link.send(r)
		}
		a.end(ctx, r)
	}
	if b.Hangup || b.Refused != "" {
		if a.link != nil {
			a.link.conn.Close()
		}
	}
	for _, call := range b.Calls {
		a.make(ctx, call)
	}
	for _, v := range b.Views {
		a.asked[v.Request] <- v.Task // has room for one
		delete(a.asked, v.Request)
	}
	for _, id := range b.Cancel {
		if cancel := a.cancels[id]; cancel != nil {
			cancel()
		}
	}
	if b.Watch {
		a.background.Go(func() { a.watch(ctx) })
	}
}

// make has a call made on its lane.
func (a *Agent) make(ctx context.Context, call driver.Call) {
	callCtx := ctx
	if call.Op == driver.OpPull || call.Op == driver.OpList || call.Op == driver.OpExec {
		var cancel context.CancelFunc
		callCtx, cancel = context.WithCancel(ctx)
		a.cancels[call.ID] = cancel
	}
	a.lanes[call.Op].submit(&a.background, func() {
		result := a.do(callCtx, call)
		if result.Err != nil && callCtx.Err() == nil && !errors.As(result.Err, new(*driver.Error)) {
			slog.Warn("a driver call failed and may be repeated", "driver", a.driver.Name(), "call", call.String(),
				"cause", result.Err)
		}
		if call.Op == driver.OpExec && result.Err == nil && result.Code != 0 {
			slog.Debug("a health check failed", "container", call.Key.String(), "code", result.Code, "output", result.Output)
		}
		a.post(ctx, envelope{input: DriverResult{result}})
	})
}

// do makes a call with what the container instance adds to it.
func (a *Agent) do(ctx context.Context, call driver.Call) driver.Result {
	prepared, err := a.prepare(ctx, call)
	if err != nil {
		return driver.Result{ID: call.ID, Err: err}
	}
	return prepared.Do(ctx, a.driver)
}

// watch passes on the ends of containers until the driver loses sight of them.
func (a *Agent) watch(ctx context.Context) {
	events, err := a.driver.Events(ctx)
	if err != nil && ctx.Err() == nil {
		slog.Warn("the driver cannot be watched; trying again", "driver", a.driver.Name(), "cause", err)
	}
	a.post(ctx, envelope{input: DriverWatched{err}})
	if err != nil {
		return
	}
	for o := range events {
		a.post(ctx, envelope{input: DriverEvent{o}})
	}
	a.post(ctx, envelope{input: DriverLost{}})
}
