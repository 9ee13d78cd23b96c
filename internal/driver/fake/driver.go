package fake

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// Driver is a Model under the clock of the process (or of a testing/synctest bubble) with the blocking calls of driver.Driver.
// It needs no closing: while nothing is under way, it has neither goroutine nor timer.
type Driver struct {
	mu      sync.Mutex
	model   *Model
	last    uint64
	waiting map[uint64]chan<- driver.Result
	watches []*watch
	timer   *time.Timer
}

// watch is a subscription to ends of containers. Its channel is unbounded inside, because the model must not wait for readers.
type watch struct {
	queue []driver.Observation
	more  chan struct{} // of capacity 1: there is something in the queue, or lost is set
	lost  bool
}

// New gives a driver without containers; for seed see NewModel.
func New(seed uint64) *Driver {
	return &Driver{model: NewModel(seed), waiting: map[uint64]chan<- driver.Result{}}
}

var _ driver.Driver = (*Driver)(nil)

// Name is "fake".
func (d *Driver) Name() string { return "fake" }

// Pull takes the time that the image's name says.
func (d *Driver) Pull(ctx context.Context, image string, _ *driver.Login) (bool, error) {
	r := d.do(ctx, driver.Call{Op: driver.OpPull, Image: image})
	return r.Pulled, r.Err
}

// Create reads the container's script; one that cannot be read is a CannotCreateContainerError.
func (d *Driver) Create(ctx context.Context, key driver.Key, spec driver.Spec) error {
	return d.do(ctx, driver.Call{Op: driver.OpCreate, Key: key, Spec: &spec}).Err
}

// Start takes the time that the script says.
func (d *Driver) Start(ctx context.Context, key driver.Key) (driver.Started, error) {
	r := d.do(ctx, driver.Call{Op: driver.OpStart, Key: key})
	return r.Started, r.Err
}

// Stop waits for the imagined container.
func (d *Driver) Stop(ctx context.Context, key driver.Key, timeout time.Duration) (driver.Exit, error) {
	r := d.do(ctx, driver.Call{Op: driver.OpStop, Key: key, Timeout: timeout})
	return r.Exit, r.Err
}

// Exec takes the time that the script says, and gives what it says of the container's health.
func (d *Driver) Exec(ctx context.Context, key driver.Key, command []string, timeout time.Duration) (int, string, error) {
	r := d.do(ctx, driver.Call{Op: driver.OpExec, Key: key, Command: command, Timeout: timeout})
	return r.Code, r.Output, r.Err
}

// Remove forgets a container that does not run.
func (d *Driver) Remove(ctx context.Context, key driver.Key) error {
	return d.do(ctx, driver.Call{Op: driver.OpRemove, Key: key}).Err
}

// List gives every container in the order of creation.
func (d *Driver) List(ctx context.Context) ([]driver.Observation, error) {
	r := d.do(ctx, driver.Call{Op: driver.OpList})
	return r.List, r.Err
}

// RemoveLogs deletes the logs of a task.
func (d *Driver) RemoveLogs(ctx context.Context, task ecs.ID) error {
	return d.do(ctx, driver.Call{Op: driver.OpRemoveLogs, Key: driver.Key{Task: task}}).Err
}

// Logs gives what a script had a container write.
func (d *Driver) Logs(_ context.Context, task ecs.ID, container string, position int64, limit driver.LogLimit) ([]driver.LogLine, int64,
	error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	lines, next := d.model.Logs(task, container, position, limit)
	return lines, next, nil
}

// Fault has the next n calls fail with a passing fault.
func (d *Driver) Fault(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.model.Fault(n)
}

// Lose has the driver lose sight of its containers: every subscription to Events ends.
func (d *Driver) Lose() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, w := range d.watches {
		w.lost = true
		w.wake()
	}
	d.watches = nil
}

// Events delivers the ends of containers until ctx is done or Lose is called.
func (d *Driver) Events(ctx context.Context) (<-chan driver.Observation, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w := &watch{more: make(chan struct{}, 1)}
	d.mu.Lock()
	d.watches = append(d.watches, w)
	d.mu.Unlock()
	out := make(chan driver.Observation)
	go d.feed(ctx, w, out)
	return out, nil
}

func (d *Driver) feed(ctx context.Context, w *watch, out chan<- driver.Observation) {
	defer close(out)
	defer d.forget(w)
	for {
		select {
		case <-w.more:
		case <-ctx.Done():
			return
		}
		d.mu.Lock()
		queue, lost := w.queue, w.lost
		w.queue = nil
		d.mu.Unlock()
		for _, o := range queue {
			select {
			case out <- o:
			case <-ctx.Done():
				return
			}
		}
		if lost {
			return
		}
	}
}

func (d *Driver) forget(w *watch) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.watches = slices.DeleteFunc(d.watches, func(other *watch) bool { return other == w })
}

func (w *watch) wake() {
	select {
	case w.more <- struct{}{}:
	default:
	}
}

// do makes a call and waits for its result.
func (d *Driver) do(ctx context.Context, call driver.Call) driver.Result {
	if err := ctx.Err(); err != nil {
		return driver.Result{Err: err}
	}
	answer := make(chan driver.Result, 1)
	d.mu.Lock()
	d.last++
	call.ID = d.last
	d.waiting[call.ID] = answer
	d.model.Do(ecs.TimeOf(time.Now()), call)
	d.advance()
	d.mu.Unlock()
	select {
	case r := <-answer:
		return r
	case <-ctx.Done():
		d.mu.Lock()
		delete(d.waiting, call.ID)
		d.mu.Unlock()
		return driver.Result{Err: errors.Join(ctx.Err(), errGivenUp)}
	}
}

var errGivenUp = errors.New("fake: the call was given up")

// advance hands out what has happened in the model, and has itself called again when more is due. d.mu is held.
func (d *Driver) advance() {
	for _, o := range d.model.Advance(ecs.TimeOf(time.Now())) {
		if o.Result != nil {
			if answer := d.waiting[o.Result.ID]; answer != nil {
				delete(d.waiting, o.Result.ID)
				answer <- *o.Result
			}
		}
		if o.Event != nil {
			for _, w := range d.watches {
				w.queue = append(w.queue, *o.Event)
				w.wake()
			}
		}
	}
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	if at, ok := d.model.Next(); ok {
		d.timer = time.AfterFunc(time.Until(at.Std()), d.ring)
	}
}

func (d *Driver) ring() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.advance()
}
