package sim

import (
	"slices"
	"time"

	"ballast/internal/driver"
	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
)

// box is a container as its driver had it.
type box struct {
	host    *host
	runtime string // the container that was started for the key, "" = none
	started bool
	running bool
	exit    *driver.Exit
	exitAt  ecs.Time // in the world's time

	// What has ever been, whatever became of the container since: it ran, it ended and with which code, a check was passed.
	ever, ended, passed bool
	code                *int32
	row, worst          int // failed checks in a row, now and at most
}

const once = "a container is started once"

func (c *checker) box(h *host, key driver.Key) *box {
	if c.boxes[key] == nil {
		c.boxes[key] = &box{host: h}
	}
	return c.boxes[key]
}

// Called implements Observer: whatever an agent has its driver make must have been committed before.
func (c *checker) Called(h *host, call driver.Call) {
	t := c.tasks[call.Key.Task]
	switch {
	case call.Op == driver.OpPull && t != nil:
		c.checkStart(h, call.Key, t)
	case call.Op == driver.OpStop && t != nil:
		c.checkStop(h, call.Key, t)
	}
	if call.Op != driver.OpPull && call.Op != driver.OpCreate && call.Op != driver.OpStart {
		return
	}
	b, known := c.born[call.Key.Task]
	switch {
	case !known:
		c.w.fail("nothing is launched that is not committed", "%s: %s", h.name, call)
	case b.instance != h.cfg.Instance:
		c.w.fail("a task is on one instance", "%s: %s, which was placed on %s", h.name, call, short(b.instance))
	}
}

// Happened implements Observer.
func (c *checker) Happened(h *host, call driver.Call, o fake.Outcome) {
	switch {
	case o.Event != nil:
		b := c.box(h, o.Event.Key)
		b.running, b.exit, b.exitAt, b.ended, b.code = false, &o.Event.Exit, c.w.now, true, o.Event.Exit.Code
	case (call.Op == driver.OpRemove || call.Op == driver.OpRemoveLogs) && o.Result.Err != nil:
		c.unremoved[call.Key.Task]++
	case call.Op == driver.OpExec && o.Result.Err == nil:
		c.checkedBox(h, call.Key, o.Result.Code)
	case call.Op == driver.OpStart && o.Result.Err == nil:
		c.startedBox(h, call.Key, o.Result.Started)
	}
}

// startedBox notes that a container runs, or ran already.
func (c *checker) startedBox(h *host, key driver.Key, s driver.Started) {
	b := c.box(h, key)
	if b.started && b.host == h && b.runtime == s.RuntimeID {
		return
	}
	c.startedAgain(key)
	task := c.tasks[key.Task]
	switch {
	case b.started:
		c.w.fail(once, "%s on %s as %s, before as %s on %s", keyOf(key), h.name, s.RuntimeID, b.runtime, b.host.name)
	case c.places[key.Task] != nil && c.places[key.Task] != h:
		c.w.fail("a task is on one instance", "%s on %s, before on %s", keyOf(key), h.name, c.places[key.Task].name)
	case b.runtime != "" && task != nil && task.StartedAt != 0:
		c.w.fail(once, "%s again after its host lost it, though control had seen it run", keyOf(key))
	}
	for later := key; later.Attempt < c.attempts[first(key)]; { // of before its host lost all of them
		later.Attempt++
		if b := c.boxes[later]; b != nil {
			b.runtime = ""
		}
	}
	c.places[key.Task] = h
	b.host, b.started, b.running, b.runtime, b.ever = h, true, b.exit == nil, s.RuntimeID, true
}

// startedAgain sees that a container that is restarted in place may be, and has ended.
func (c *checker) startedAgain(key driver.Key) {
	c.attempts[first(key)] = max(c.attempts[first(key)], key.Attempt)
	if key.Attempt == 0 {
		return
	}
	before := key
	before.Attempt--
	if b := c.boxes[before]; b == nil || b.running {
		c.w.fail(once, "%s is started for attempt %d, and the one before has not ended", keyOf(key), key.Attempt)
	}
	if t := c.tasks[key.Task]; t != nil {
		i := slices.IndexFunc(t.Definition.Containers, func(d ecs.ContainerDefinition) bool { return d.Name == key.Container })
		// Only agents tell exit codes; what is STOPPED without one may be on a host of which control hears nothing.
		if t.Definition.Containers[i].RestartPolicy == nil || t.Containers[i].ExitCode != nil {
			c.w.fail(once, "%s is restarted in place, which nothing allows", keyOf(key))
		}
	}
}

// first is the key of the first attempt of a container.
func first(key driver.Key) driver.Key {
	key.Attempt = 0
	return key
}

// latest gives the last attempt of a container that was started and that its host has not lost since, else the first; nil if none
// was started.
func (c *checker) latest(task ecs.ID, container string) *box {
	key := driver.Key{Task: task, Container: container}
	for key.Attempt = c.attempts[key]; key.Attempt > 0 && !c.boxes[key].started; {
		key.Attempt--
	}
	return c.boxes[key]
}

// Rebooted implements Observer: what has not been seen to run may be started once more.
func (c *checker) Rebooted(h *host) {
	for _, b := range c.boxes {
		if b.host == h {
			b.ended = b.ended || b.started
			b.started, b.running, b.exit = false, false, nil
		}
	}
}

// checkEnds sees that tasks that an agent has reported as STOPPED do not run, and that exit codes are the containers' own. Those
// of a lost container instance may go on until it comes back.
func (c *checker) checkEnds() {
	for _, ch := range c.changes {
		t := ch.now
		if t == nil {
			t = ch.old // stopped and forgotten at once, or earlier
		}
		if t == nil || ch.now != nil && !t.Stopped() || ch.old != nil && ch.old.Stopped() {
			continue
		}
		if i := c.root.Instance(t.Cluster, t.Instance); i == nil || !i.Connected {
			continue
		}
		for n, d := range t.Definition.Containers {
			b := c.latest(t.ID, d.Name)
			if b == nil {
				continue
			}
			if b.running {
				c.w.fail("what is STOPPED does not run", "container %s of %s", d.Name, describe(t))
			}
			if code := t.Containers[n].ExitCode; code != nil && b.exit != nil && *code != *b.exit.Code {
				c.w.fail("exit codes are the containers' own", "%s of %s: %d, was %d", d.Name, describe(t), *code, *b.exit.Code)
			}
		}
	}
	for job, n := range c.jobs {
		if asked := c.p.asked[job]; n > asked {
			c.w.fail("a token runs tasks once", "%s: %d tasks, %d were asked for", job, n, asked)
		}
	}
}

// orphans names a container that runs for no task; "" when there is none.
func (c *checker) orphan() string {
	for _, h := range c.w.hosts {
		for _, o := range h.model.Containers() {
			if t := c.tasks[o.Key.Task]; o.State == driver.Running && (t == nil || t.Stopped()) {
				return keyOf(o.Key) + " on " + h.name
			}
		}
	}
	return ""
}

const (
	// leftFor is longer than any agent is away, and than a failed removal is repeated.
	leftFor = 5 * time.Minute
	// givenUp is how many failures make an agent leave what is left of a task to the agent that comes after it.
	givenUp = 8
)

// checkLeft sees that agents have removed what is left of tasks that ended long ago.
func (c *checker) checkLeft() {
	for _, h := range c.w.hosts {
		for _, o := range h.model.Containers() {
			if b := c.born[o.Key.Task]; b.ended != 0 && c.unremoved[o.Key.Task] < givenUp && c.w.now.Sub(b.ended) > h.cfg.Retention+leftFor {
				c.w.fail("what is left of tasks is removed", "%s is on %s, its task ended %v ago", keyOf(o.Key), h.name,
					c.w.now.Sub(b.ended))
			}
		}
	}
}

// restartsWithin is longer than it takes to start a container again in place.
const restartsWithin = restedFor / 2

// runs says whether all containers of a task run that should, or are about to be started again in place.
func (c *checker) runs(t *ecs.Task) bool {
	for _, d := range t.Definition.Containers {
		b := c.latest(t.ID, d.Name)
		again := b != nil && d.RestartPolicy != nil && b.exit != nil && c.w.now.Sub(b.exitAt) < restartsWithin
		if d.Essential && !again && (b == nil || !b.running) {
			return false
		}
	}
	return true
}
