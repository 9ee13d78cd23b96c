package keeper

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// container is one container that the keeper knows.
type container struct {
	key     driver.Key
	seq     uint64
	payload json.RawMessage // what its creator wants back, until it is started
	path    string          // the beginning of the paths of its files

	// op is held while the container is started, removed, or stopped before its start.
	op sync.Mutex

	// The following are guarded by keeper.mu.
	state   driver.State
	ran     bool // it was started, or may have been
	started driver.Started
	exit    driver.Exit

	pid     int
	startID uint64 // start time of pid in clock ticks, 0 if unknown
	token   string
	cgroup  string
	adopted bool // its first process is not a child of this keeper
	stdio   *stdio
	env     []string // as given to its process; nil for one that an earlier keeper started
	dir     string
	confine Confinement
	groups  []string // control groups of version 1
	polled  bool     // the keeper sees to its limit of memory
	// taskPolled says that the keeper sees to that of its task.
	taskPolled bool
	oomed      bool  // the keeper has ended it because of that
	usage      usage // the most that was measured of it

	resources Resources
	ending    bool           // its first process has ended
	killed    map[int]uint64 // its processes that were last killed: start times by pid; replaced, never changed
	execs     map[*execution]bool
	done      chan struct{} // closed when it has ended
}

func newContainer(key driver.Key, seq uint64, path string) *container {
	return &container{key: key, seq: seq, path: path, done: make(chan struct{})}
}

// takeOver notes, with the keeper's mu held, what its start record says.
func (c *container) takeOver(rec startRecord) {
	c.ran, c.token, c.cgroup, c.groups = true, rec.Token, rec.Cgroup, rec.Groups
	c.confine, c.resources, c.polled, c.taskPolled = rec.Confinement, rec.Resources, rec.Polled, rec.TaskPolled
}

func (c *container) observation() driver.Observation {
	return driver.Observation{Key: c.key, State: c.state, Started: c.started, Exit: c.exit}
}

// firstRecord is the beginning of the first line of the container's record.
func (c *container) firstRecord() record {
	w := toWireKey(c.key)
	return record{Key: &w, Seq: c.seq}
}

func vanished(key driver.Key) error {
	return &driver.Error{Name: driver.ContainerVanishedError, Text: fmt.Sprintf("there is no container %v", key)}
}

// create makes a container known, for it to be started; a container that is known stays as it is.
func (k *keeper) create(key driver.Key, payload json.RawMessage) error {
	if err := CheckName(key.Container); err != nil {
		return &driver.Error{Name: driver.CannotCreateContainerError, Text: err.Error()}
	}
	if key.Attempt < 0 {
		return &driver.Error{Name: driver.CannotCreateContainerError, Text: fmt.Sprintf("attempt %d is negative", key.Attempt)}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.containers[key] != nil {
		return nil
	}
	k.seq++
	c := newContainer(key, k.seq, containerPath(k.dir, key))
	c.payload = payload
	k.containers[key] = c
	k.rest()
	return nil
}

func (k *keeper) find(key driver.Key) (*container, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := k.containers[key]
	if c == nil {
		return nil, vanished(key)
	}
	return c, nil
}

// payload gives what a container was created with; nil once it has been started.
func (k *keeper) payload(key driver.Key) (json.RawMessage, error) {
	c, err := k.find(key)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return c.payload, nil
}

// list gives every container in the order of creation.
func (k *keeper) list() []wireObserved {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := make([]*container, 0, len(k.containers))
	for _, c := range k.containers {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *container) int { return cmp.Compare(a.seq, b.seq) })
	list := make([]wireObserved, len(all))
	for i, c := range all {
		list[i] = toWire(c.observation())
	}
	return list
}

// stop ends a container and waits until it has ended. It is carried through even if its client goes away.
func (k *keeper) stop(key driver.Key, timeout time.Duration) (driver.Exit, error) {
	c, err := k.find(key)
	if err != nil {
		return driver.Exit{}, err
	}
	if err := k.stopUnstarted(c); err != nil {
		return driver.Exit{}, err
	}
	if timeout > 0 && k.signalGroup(c, sigterm) {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		select {
		case <-c.done:
		case <-timer.C:
		}
	}
	select {
	case <-c.done:
	default:
		k.kill(c)
		<-c.done
	}
	return k.exitOf(c), nil
}

func (k *keeper) exitOf(c *container) driver.Exit {
	k.mu.Lock()
	defer k.mu.Unlock()
	return c.exit
}

// stopUnstarted ends a container that has not been started, for good.
func (k *keeper) stopUnstarted(c *container) error {
	c.op.Lock()
	defer c.op.Unlock()
	k.mu.Lock()
	unstarted := c.state == driver.Created
	k.mu.Unlock()
	if !unstarted {
		return nil
	}
	e := driver.Exit{At: now(), Reason: "it was stopped before it started"}
	first := c.firstRecord()
	first.Exit = &exitRecord{At: e.At, Reason: e.Reason}
	f, err := createRecord(c.path, first)
	if err != nil {
		return fmt.Errorf("stop container %v: %w", c.key, err)
	}
	f.Close()
	k.settle(c, e)
	return nil
}

// settle makes an end known.
func (k *keeper) settle(c *container, e driver.Exit) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c.state, c.exit, c.payload, c.stdio, c.env = driver.Exited, e, nil, nil, nil
	close(c.done)
	k.tell(c.observation())
	k.rest()
}

// remove forgets a container that does not run.
func (k *keeper) remove(key driver.Key) error {
	k.removeBefore(key)
	c, err := k.find(key)
	if err != nil {
		return nil
	}
	c.op.Lock()
	defer c.op.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.containers[key] != c {
		return nil
	}
	if c.state == driver.Running {
		return fmt.Errorf("remove container %v: it is running", key)
	}
	if err := removeFiles(c.path); err != nil {
		return fmt.Errorf("remove container %v: %w", key, err)
	}
	delete(k.containers, key)
	k.rest()
	return nil
}

// removeBefore forgets the earlier attempts of a container. One whose files cannot be deleted now goes with the next attempt.
func (k *keeper) removeBefore(key driver.Key) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for key.Attempt--; key.Attempt >= 0; key.Attempt-- {
		c := k.containers[key]
		if c == nil || c.state == driver.Running || removeFiles(c.path) != nil {
			return
		}
		delete(k.containers, key)
	}
}

// removeLogs deletes the logs of a task of which nothing runs.
func (k *keeper) removeLogs(task ecs.ID) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for key, c := range k.containers {
		if key.Task == task && c.state == driver.Running {
			return fmt.Errorf("remove logs of task %v: container %s is running", task, key.Container)
		}
	}
	return k.logs.remove(task)
}

// now is the keeper's clock.
func now() ecs.Time { return ecs.TimeOf(time.Now()) }
