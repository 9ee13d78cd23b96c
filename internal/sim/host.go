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
	ringAt  ecs.Time // when the model is looked at next

	machine *agent.Machine // nil while the agent is down
	life    int            // grows whenever the agent starts or ends
	inbox   []agent.Input
	busy    bool // a step is on the agenda
	wakeup  wakeup

	// slowest is how long a call takes at most to get to the driver, and what happens there to get back.
	slowest  time.Duration
	watching bool
	// watchFaults is how many attempts to watch the driver fail; double, how likely the end of a container is told twice.
	watchFaults int
	double      float64
	calls       map[uint64]*callUnderWay
	lastCall    uint64

	conn     *conn
	session  uint64 // the highest number used
	openedAt ecs.Time
	failures int
	hangUps  int // how often the agent has given a connection up
}

// callUnderWay is a driver call that has no result yet. The model knows it by a number that no other call of the host ever has.
type callUnderWay struct {
	driver.Call
	life int
	over bool // nobody waits for its result any more
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
	w.hosts = append(w.hosts, h)
	return h
}

// later has something happen to this life of the agent.
func (h *host) later(d time.Duration, do func()) {
	life := h.life
	h.w.after(d, func() {
		if h.life == life {
			do()
		}
	})
}

// laterAt is later with a time.
func (h *host) laterAt(at ecs.Time, do func()) { h.later(at.Sub(h.w.now), do) }

// start starts the agent.
func (h *host) start() {
	if h.machine != nil {
		return
	}
	h.life++
	h.machine = agent.New(h.cfg)
	h.inbox, h.busy, h.watching, h.failures, h.session = nil, false, false, 0, 0
	h.wakeup = wakeup{}
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
	h.ringAt = 0
	clear(h.calls)
	for _, o := range h.w.observers {
		o.Rebooted(h)
	}
}

// forget has the driver lose every container, as if its daemon had been set up anew, under an agent that goes on.
func (h *host) forget() {
	h.boots++
	h.model = fake.NewModel(h.seed + h.boots)
	h.ringAt = 0
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
		h.later(h.chance.between(0, time.Millisecond), h.step)
	}
}

func (h *host) step() {
	h.busy = false
	inputs := h.inbox
	h.inbox = nil
	batch := h.machine.Step(h.clock.now(), inputs...)
	h.act(batch)
	at := ecs.Time(0)
	if batch.WakeAt != 0 {
		at = h.w.now.Add(max(0, batch.WakeAt.Sub(h.clock.now())))
	}
	h.wakeup.at(h.w, at, h.laterAt, h.stepSoon)
}

// act does what a batch says.
func (h *host) act(b agent.Batch) {
	for _, r := range b.Reports {
		h.noteReport(&r)
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
	for _, call := range b.Calls {
		h.call(call)
	}
	for _, id := range b.Cancel {
		for _, c := range h.calls {
			if c.life == h.life && c.ID == id {
				c.over = true
			}
		}
	}
	if b.Watch {
		h.later(h.chance.between(0, h.slowest), func() {
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
func (h *host) call(call driver.Call) {
	h.later(h.chance.between(0, h.slowest), func() {
		h.lastCall++
		number, c := h.lastCall, &callUnderWay{Call: call, life: h.life}
		h.calls[number] = c
		h.noteCall(&call, nil)
		for _, o := range h.w.observers {
			o.Called(h, call)
		}
		call.ID = number
		h.meet(&call)
		h.model.Do(h.body.now(), call)
		h.ring()
		if call.Limit > 0 {
			h.later(call.Limit, func() {
				if _, open := h.calls[number]; open && !c.over {
					c.over = true
					h.take(agent.DriverResult{Result: driver.Result{ID: c.ID, Err: errTooLong, TimedOut: true}})
				}
			})
		}
	})
}

var (
	errTooLong = errors.New("sim: the call took too long")
	errGone    = errors.New("sim: the driver is gone")
	errBlind   = errors.New("sim: the driver cannot be watched")
)

// ring has the model looked at when something happens in it next.
func (h *host) ring() {
	next, any := h.model.Next()
	if !any {
		return
	}
	at := max(next.Add(-h.body.skew), h.w.now)
	if h.ringAt != 0 && h.ringAt <= at && h.ringAt >= h.w.now {
		return
	}
	h.ringAt = at
	model := h.model
	h.w.agenda.add(at, func() {
		if h.model == model && h.ringAt == at {
			h.ringAt = 0
			h.look()
		}
	})
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
			result := *o.Result
			result.ID = c.ID
			h.later(h.chance.between(0, h.slowest), func() { h.take(agent.DriverResult{Result: result}) })
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
	h.later(h.chance.between(0, h.slowest), func() {
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
