package sim

import (
	"fmt"
	"io"
	"strings"
	"time"

	"ballast/internal/agenda"
	"ballast/internal/control"
	"ballast/internal/control/journal"
	"ballast/internal/control/root"
	"ballast/internal/driver"
	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
	"ballast/internal/store"
)

// epoch is when every world begins: 2026-01-01 00:00 UTC.
const epoch ecs.Time = 1_767_225_600_000

// Epoch is when every world begins.
const Epoch = epoch

// maxBurst bounds the events of one millisecond: beyond it something calls itself again without time passing.
const maxBurst = 20_000

// World holds what exists under one virtual time: one control with its disk, hosts with an agent and containers each, and the
// network between them. Things happen only in Advance, one after the other.
type World struct {
	seed      uint64
	now       ecs.Time
	agenda    agenda.Agenda[event]
	deeds     agenda.Agenda[event] // which come before whatever else is due in the same millisecond
	trace     *trace
	network   network
	server    *server
	hosts     []*host
	balancer  *balancer // nil where there is none
	observers []Observer
	failure   *Failure
	events    int
	burst     int
	never     []string // what no line of the trace may hold
	clocksSet bool     // a clock has been set while things were under way
}

// Observer is told what happens in a World, and changes nothing in it.
type Observer interface {
	// Loaded says that control has a new machine, made of what its disk has.
	Loaded(m *control.Machine, r *root.Root)
	// Durable says that a unit is on the disk, once for each.
	Durable(unit journal.Unit, records store.Unit)
	// Committed says that a batch has been published and answered; now is the time of its step as control has it.
	Committed(m *control.Machine, now ecs.Time, r *root.Root)
	// Called says that an agent calls its driver.
	Called(h *host, call driver.Call)
	// Happened says what happened in a driver; call is zero when nobody asked for it.
	Happened(h *host, call driver.Call, outcome fake.Outcome)
	// Rebooted says that everything a host's driver had is gone.
	Rebooted(h *host)
}

// Failure is the first thing found wrong in a world.
type Failure struct {
	At       ecs.Time
	Event    int    // how many events had happened
	Property string // what should hold, in a few words
	Text     string
	Last     []string // lines of the trace before it
}

// Error gives all of it.
func (f *Failure) Error() string {
	text := fmt.Sprintf("%s: %s\nat event %d, %s\nthe last events:\n", f.Property, f.Text, f.Event,
		f.At.Std().Format("15:04:05.000"))
	for _, line := range f.Last {
		text += "  " + line
	}
	return text
}

// newWorld gives a world with control and nothing else; to gets the lines of its trace.
func newWorld(seed uint64, cfg control.Config, to io.Writer) *World {
	w := &World{seed: seed, now: epoch, trace: newTrace(to)}
	w.network = newNetwork(w)
	w.server = newServer(w, cfg)
	return w
}

// event is something that will happen, unless it is void by then.
type event struct {
	do func()
	// life, where it is not nil, is what grows whenever whoever is meant ends or starts; it must still be born.
	life *int
	born int
	// cut, where it is not nil, is whether the way is cut on which the event comes.
	cut *bool
}

func (e *event) void() bool { return e.life != nil && *e.life != e.born || e.cut != nil && *e.cut }

// after has something happen later.
func (w *World) after(d time.Duration, do func()) { w.put(d, event{do: do}) }

// deed has something come from outside later.
func (w *World) deed(d time.Duration, do func()) { w.deeds.Add(w.now.Add(d), event{do: do}) }

// take takes what comes next if it is due by a time.
func (w *World) take(by ecs.Time) (ecs.Time, event, bool) {
	first, any := w.deeds.Next()
	if next, more := w.agenda.Next(); any && (!more || first <= next) {
		return w.deeds.Take(by)
	}
	return w.agenda.Take(by)
}

func (w *World) put(d time.Duration, e event) { w.agenda.Add(w.now.Add(max(0, d)), e) }

// note writes a line of the trace.
func (w *World) note(format string, args ...any) {
	w.trace.line(w.now, format, args...)
	for _, text := range w.never {
		if strings.Contains(fmt.Sprintf(format, args...), text) {
			w.fail("never "+text, "here it is")
		}
	}
}

// fail ends the world; the first failure counts.
func (w *World) fail(property, format string, args ...any) {
	if w.failure == nil {
		w.failure = &Failure{At: w.now, Event: w.events, Property: property, Text: fmt.Sprintf(format, args...),
			Last: w.trace.last()}
	}
}

// advance has everything happen that is due by then, or until something fails.
func (w *World) advance(d time.Duration) {
	by := w.now.Add(d)
	for w.failure == nil {
		at, e, ok := w.take(by)
		if !ok {
			w.now = by
			return
		}
		if at > w.now {
			w.now, w.burst = at, 0
			w.trace.number(uint64(at))
		}
		w.events++
		if w.burst++; w.burst > maxBurst {
			w.fail("time passes", "%d events at one moment", w.burst)
			return
		}
		if !e.void() {
			e.do()
		}
	}
}

// clock is a wall clock: it runs as time does and may be wrong.
type clock struct {
	w    *World
	skew time.Duration
}

func (c *clock) now() ecs.Time { return c.w.now.Add(c.skew) }
