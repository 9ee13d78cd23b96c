package sim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"ballast/internal/agent"
	"ballast/internal/driver"
	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
	"ballast/internal/session"
)

// host does for agent.Machine what agent's run.go does in production, with a fake.Model for a driver.
type host struct {
	w      *World
	name   string
	cfg    agent.Config
	link   link
	chance stream
	// body is the clock by which containers live and end, which only ever is wrong; clock is the one that the agent reads.
	body, clock clock

	model *fake.Model
	// conduct scripts a scenario's containers, nil where task definitions say all.
	conduct Conduct
	seed    uint64
	boots   uint64
	looks   *wakeup // at the model

	machine *agent.Machine // nil while the agent is down
	life    int            // grows whenever the agent starts or ends
	inbox   []agent.Input
	busy    bool // a step is on the agenda
	wakeup  *wakeup
	limits  *wakeup // for calls that take too long
	stepped func()  // calls step

	// slowest is how long a call takes at most to get to the driver, and what happens there to get back; 0 = no time at all.
	slowest  time.Duration
	watching bool
	// watchFaults is how many attempts to watch the driver fail; double, how likely the end of a container is told twice.
	watchFaults int
	double      float64
	// targetsCut says that the load balancer does not reach its tasks.
	targetsCut bool
	calls      map[uint64]*callUnderWay
	lastCall   uint64

	conn     *conn
	session  uint64 // the highest number used
	openedAt ecs.Time
	failures int
	hangUps  int // how often the agent has given a connection up
}

// callUnderWay is a driver call that has no result yet. The model knows it by a number that no other call of the host ever has.
type callUnderWay struct {
	driver.Call
	life  int
	limit ecs.Time // when it will have taken too long, 0 = never
	over  bool     // nobody waits for its result any more
}

// addHost gives a world one more host, whose agent has that configuration, and a number for its Instance. The agent is down.
func (w *World) addHost(cfg agent.Config, skew time.Duration) *host {
	n := len(w.hosts) + 1
	h := &host{w: w, name: fmt.Sprintf("host-%d", n), link: goodLink(), chance: newStream(w.seed, fmt.Sprintf("host/%d", n)),
		body: clock{w, skew}, clock: clock{w, skew}, calls: map[uint64]*callUnderWay{},
		slowest: 2 * time.Millisecond}
	h.cfg = cfg
	h.cfg.Instance = ecs.ID{byte(n)}
	h.seed = h.chance.Uint64()
	h.model = fake.NewModel(h.seed)
	h.stepped, h.looks = h.step, newWakeup(w, w.after, h.look)
	w.hosts = append(w.hosts, h)
	return h
}

// later has something happen to this life of the agent.
func (h *host) later(d time.Duration, do func()) {
	h.w.put(d, event{do: do, life: &h.life, born: h.life})
}

// across has something happen when it has come from the agent to its driver, or back.
func (h *host) across(do func()) {
	if h.slowest == 0 {
		do()
		return
	}
	h.later(h.chance.between(0, h.slowest), do)
}

// start starts the agent.
func (h *host) start() {
	if h.machine != nil {
		return
	}
	h.life++
	h.machine = agent.New(h.cfg)
	h.inbox, h.busy, h.watching, h.failures, h.session = nil, false, false, 0, 0
	h.wakeup, h.limits = newWakeup(h.w, h.later, h.stepSoon), newWakeup(h.w, h.later, h.giveUp)
	h.w.note("%s   agent starts", h.name)
	h.stepSoon()
	h.dial()
}

// stop ends the agent; containers and driver calls under way go on.
func (h *host) stop() {
	if h.machine == nil {
		return
	}
	h.w.note("%s   agent ends", h.name)
	h.machine = nil
	h.life++
	h.hangUp()
}

// reboot ends the host: no container survives it, and the driver knows of none.
func (h *host) reboot() {
	h.stop()
	h.w.note("%s   reboots", h.name)
	h.boots++
	h.model = fake.NewModel(h.seed + h.boots)
	clear(h.calls)
	for _, o := range h.w.observers {
		o.Rebooted(h)
	}
}

// forget has the driver lose every container, as if its daemon had been set up anew, under an agent that goes on.
func (h *host) forget() {
	h.boots++
	h.model = fake.NewModel(h.seed + h.boots)
	for _, number := range slices.Sorted(maps.Keys(h.calls)) {
		if c := h.calls[number]; c.life == h.life && !c.over {
			h.take(agent.DriverResult{Result: driver.Result{ID: c.ID, Err: errGone}})
		}
	}
	clear(h.calls)
	for _, o := range h.w.observers {
		o.Rebooted(h)
	}
	h.blind()
}

// take queues an input.
func (h *host) take(in agent.Input) {
	if h.machine == nil {
		return
	}
	h.inbox = append(h.inbox, in)
	h.stepSoon()
}

func (h *host) stepSoon() {
	if !h.busy {
		h.busy = true
		h.later(h.chance.between(0, time.Millisecond), h.stepped)
	}
}

func (h *host) step() {
	h.busy = false
	batch := h.machine.Step(h.clock.now(), h.inbox...)
	clear(h.inbox)
	h.inbox = h.inbox[:0]
	h.act(&batch)
	at := ecs.Time(0)
	if batch.WakeAt != 0 {
		at = h.w.now.Add(max(0, batch.WakeAt.Sub(h.clock.now())))
	}
	if h.machine != nil {
		h.wakeup.at(at)
	}
}

// act does what a batch says.
func (h *host) act(b *agent.Batch) {
	for i := range b.Reports {
		r := &b.Reports[i]
		h.noteReport(r)
		if h.conn != nil {
			h.w.network.up(h.conn, r)
		}
	}
	if b.Hangup {
		h.w.note("%s   hangs up", h.name)
		h.hangUps++
		h.hangUp()
		h.redial()
	}
	for i := range b.Calls {
		h.call(&b.Calls[i])
	}
	for _, id := range b.Cancel {
		for _, c := range h.calls {
			if c.life == h.life && c.ID == id {
				c.over = true
			}
		}
	}
	if b.Watch {
		h.across(func() {
			if h.watchFaults > 0 {
				h.watchFaults--
				h.take(agent.DriverWatched{Err: errBlind})
				return
			}
			h.watching = true
			h.take(agent.DriverWatched{})
		})
	}
	if b.Refused != "" {
		h.w.note("%s   refused: %s", h.name, b.Refused)
		h.stop()
		h.w.after(5*time.Second, h.start)
	}
}

func (h *host) noteReport(r *session.Report) {
	if !h.w.trace.onlyBrief {
		h.w.note("%s   report: session %d seq %d ack %d hello=%v tasks %d", h.name, r.Session, r.Seq, r.Ack, r.Hello != nil,
			len(r.Tasks))
		h.w.trace.value(*r)
	}
}

// noteCall notes a driver call, or its result.
func (h *host) noteCall(c *driver.Call, result *driver.Result) {
	switch {
	case h.w.trace.onlyBrief:
	case result == nil:
		h.w.note("%s   %s %s", h.name, c.Op, keyOf(c.Key))
	default:
		h.w.note("%s   %s %s: %s", h.name, c.Op, keyOf(c.Key), outcome(result))
	}
}

// call makes a driver call, unless the agent ends before.
func (h *host) call(call *driver.Call) {
	c := &callUnderWay{Call: *call, life: h.life}
	h.across(func() {
		h.lastCall++
		h.calls[h.lastCall] = c
		h.noteCall(&c.Call, nil)
		for _, o := range h.w.observers {
			o.Called(h, c.Call)
		}
		call := c.Call
		call.ID = h.lastCall
		h.meet(&call)
		h.model.Do(h.body.now(), call)
		h.ring()
		if c.Limit > 0 {
			c.limit = h.w.now.Add(c.Limit)
			h.limits.at(earliest(h.limits.wanted, c.limit))
		}
	})
}

// giveUp gives up calls that have taken too long, and looks again when the next one will have.
func (h *host) giveUp() {
	var next ecs.Time
	for _, number := range slices.Sorted(maps.Keys(h.calls)) {
		switch c := h.calls[number]; {
		case c.life != h.life || c.over || c.limit == 0:
		case c.limit <= h.w.now:
			c.over = true
			h.take(agent.DriverResult{Result: driver.Result{ID: c.ID, Err: errTooLong, TimedOut: true}})
		default:
			next = earliest(next, c.limit)
		}
	}
	h.limits.at(next)
}

// earliest gives the earlier of two times, 0 being never.
func earliest(a, b ecs.Time) ecs.Time {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

var (
	errTooLong = errors.New("sim: the call took too long")
	errGone    = errors.New("sim: the driver is gone")
	errBlind   = errors.New("sim: the driver cannot be watched")
)

// ring has the model looked at when something happens in it next.
func (h *host) ring() {
	if next, any := h.model.Next(); any {
		h.looks.at(max(next.Add(-h.body.skew), h.w.now))
	}
}

// look passes on what has happened in the model.
func (h *host) look() {
	for _, o := range h.model.Advance(h.body.now()) {
		if o.Event != nil {
			h.ended(o)
			continue
		}
		c := h.calls[o.Result.ID]
		delete(h.calls, o.Result.ID)
		h.noteCall(&c.Call, o.Result)
		for _, obs := range h.w.observers {
			obs.Happened(h, c.Call, o)
		}
		if c.life == h.life && !c.over {
			result := o.Result // which nobody else has any more
			result.ID = c.ID
			h.across(func() { h.take(agent.DriverResult{Result: *result}) })
		}
	}
	h.ring()
}

// ended passes on the end of a container, at least once.
func (h *host) ended(o fake.Outcome) {
	if !h.w.trace.onlyBrief {
		h.w.note("%s   ended %s", h.name, keyOf(o.Event.Key))
	}
	for _, obs := range h.w.observers {
		obs.Happened(h, driver.Call{}, o)
	}
	again := h.chance.chance(h.double)
	if h.machine == nil || !h.watching {
		return
	}
	h.across(func() {
		if h.watching {
			h.take(agent.DriverEvent{Observation: *o.Event})
		}
	})
	if again {
		h.later(h.chance.between(0, 20*time.Millisecond), func() { h.take(agent.DriverEvent{Observation: *o.Event}) })
	}
}

// blind has the driver lose sight of its containers.
func (h *host) blind() {
	if h.machine != nil && h.watching {
		h.w.note("%s   driver loses sight", h.name)
		h.watching = false
		h.take(agent.DriverLost{})
	}
}

func keyOf(k driver.Key) string { return short(k.Task) + "/" + k.Container }

func outcome(r *driver.Result) string {
	if r.Err != nil {
		return r.Err.Error()
	}
	return "done"
}
