// Package fake runs containers that are only imagined: Model is their behaviour as a plain value under whatever clock its
// caller has, and Driver a thin shell that gives it the real clock and the blocking calls of driver.Driver.
//
// What a container does is scripted by its environment (script.go) and what a pull does by the name of the image. A model is
// deterministic: the same calls at the same times give the same outcomes, and chance comes from the seed and the container's
// key alone. It starts no process, opens no port and costs nothing while nothing happens. Start reading at Model.Do.
package fake

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"ballast/internal/agenda"
	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// Outcome is something that happened in a Model: the result of a call or the end of a container, whichever is not nil.
type Outcome struct {
	At     ecs.Time
	Result *driver.Result
	Event  *driver.Observation
}

// Model is one host with its containers. It is not safe for concurrent use.
type Model struct {
	seed   uint64
	now    ecs.Time
	ord    uint64
	boxes  map[driver.Key]*box
	images map[string]int // how often an image has been pulled
	ports  ports
	logs   map[ecs.ID]map[string]*lines
	due    agenda.Agenda[cue]
	// faults is how many calls fail from now on with a passing fault.
	faults int
	gone   map[string]bool // images that were there
}

// cue is something put off to a time: an outcome, or something that happens to a container unless a newer cue has replaced it.
type cue struct {
	outcome Outcome
	box     *box
	number  uint64
}

// box is one container.
type box struct {
	ord   uint64
	spec  driver.Spec
	does  script
	obs   driver.Observation
	start uint64 // the Start in flight, 0 for none
	stops []uint64
	ails  bool
	// cues counts what has been put off, so that what a newer one replaces is recognised.
	cues   uint64
	killAt ecs.Time // when SIGKILL comes, 0 if it does not
}

// NewModel gives a host without containers. seed decides wherever a script leaves something to chance.
func NewModel(seed uint64) *Model {
	return &Model{seed: seed, boxes: map[driver.Key]*box{}, images: map[string]int{}, logs: map[ecs.ID]map[string]*lines{},
		ports: newPorts()}
}

// Fault has the next n calls fail with a passing fault, as if the driver's daemon were away.
func (m *Model) Fault(n int) { m.faults = n }

// Kill has a running container end at now with an exit code, as if by its own fault. Nothing happens where none runs.
func (m *Model) Kill(now ecs.Time, key driver.Key, code int32) {
	m.now = max(m.now, now)
	if b := m.boxes[key]; b != nil && b.obs.State == driver.Running {
		m.end(b, driver.Exit{At: m.now, Code: &code})
	}
}

// Next is when Advance has something to give; ok is false when nothing is under way.
func (m *Model) Next() (at ecs.Time, ok bool) { return m.due.Next() }

// Advance gives what has happened up to now, in order.
func (m *Model) Advance(now ecs.Time) []Outcome {
	var out []Outcome
	for {
		at, d, any := m.due.Take(now)
		if !any {
			m.now = max(m.now, now)
			return out
		}
		m.now = max(m.now, at)
		if d.box == nil {
			out = append(out, d.outcome)
			continue
		}
		if d.number == d.box.cues {
			m.play(d.box)
		}
	}
}

// Do takes a call. Its result comes out of Advance, at the earliest with the same now.
func (m *Model) Do(now ecs.Time, call driver.Call) {
	m.now = max(m.now, now)
	if m.faults > 0 {
		m.faults--
		m.answer(driver.Result{ID: call.ID, Err: errAway})
		return
	}
	switch call.Op {
	case driver.OpList:
		m.answer(driver.Result{ID: call.ID, List: m.Containers()})
	case driver.OpPull:
		m.pull(call)
	case driver.OpCreate:
		m.answer(driver.Result{ID: call.ID, Err: m.create(call)})
	case driver.OpStart:
		m.start(call)
	case driver.OpStop:
		m.stop(call)
	case driver.OpRemove:
		m.answer(driver.Result{ID: call.ID, Err: m.remove(call.Key)})
	case driver.OpExec:
		m.exec(call)
	case driver.OpRemoveLogs:
		m.removeLogs(call.Key.Task)
		m.answer(driver.Result{ID: call.ID})
	default:
		m.answer(driver.Result{ID: call.ID, Err: fmt.Errorf("fake: no operation %d", call.Op)})
	}
}

// errAway is the passing fault that Fault and scripts make.
var errAway = errors.New("fake: the driver is away")

func (m *Model) answer(r driver.Result) { m.answerAt(m.now, r) }

func (m *Model) answerAt(at ecs.Time, r driver.Result) {
	m.due.Add(at, cue{outcome: Outcome{At: at, Result: &r}})
}

// Containers gives every container that has not been removed, in the order of creation.
func (m *Model) Containers() []driver.Observation {
	boxes := make([]*box, 0, len(m.boxes))
	for _, b := range m.boxes {
		boxes = append(boxes, b)
	}
	slices.SortFunc(boxes, func(a, b *box) int { return cmp.Compare(a.ord, b.ord) })
	all := make([]driver.Observation, len(boxes))
	for i, b := range boxes {
		all[i] = b.obs
	}
	return all
}

func (m *Model) pull(call driver.Call) {
	p, err := parseImage(call.Image)
	switch {
	case err != nil:
		m.answer(driver.Result{ID: call.ID, Err: failure(driver.CannotPullContainerError, "%v", err)})
		return
	case p.missing, m.gone[call.Image]:
		m.answer(driver.Result{ID: call.ID, Err: failure(driver.CannotPullContainerError,
			"API error (404): repository %s not found", call.Image)})
		return
	}
	m.images[call.Image]++
	switch n := m.images[call.Image]; {
	case n <= p.faults:
		m.answer(driver.Result{ID: call.ID, Err: errAway})
	case p.takes > 0 && n == p.faults+1:
		m.answerAt(m.now.Add(p.takes), driver.Result{ID: call.ID, Pulled: true})
	default:
		m.answer(driver.Result{ID: call.ID})
	}
}

func (m *Model) create(call driver.Call) error {
	if m.boxes[call.Key] != nil {
		return nil
	}
	does, err := parseScript(call.Spec.Environment)
	if err != nil {
		return failure(driver.CannotCreateContainerError, "%v", err)
	}
	if does.failCreate != "" {
		return failure(driver.CannotCreateContainerError, "%s", does.failCreate)
	}
	if b := m.boxes[before(call.Key)]; b != nil && b.obs.State == driver.Running {
		return failure(driver.CannotCreateContainerError, "container %v still runs", before(call.Key))
	}
	m.ord++
	m.boxes[call.Key] = &box{ord: m.ord, spec: *call.Spec, does: does, obs: driver.Observation{Key: call.Key}}
	return nil
}

func (m *Model) start(call driver.Call) {
	b := m.boxes[call.Key]
	switch {
	case b == nil:
		m.answer(driver.Result{ID: call.ID, Err: errUnknown(call.Key)})
	case b.obs.Started.At != 0:
		m.answer(driver.Result{ID: call.ID, Started: b.obs.Started})
	case b.obs.State == driver.Exited:
		m.answer(driver.Result{ID: call.ID, Err: failure(driver.CannotStartContainerError, "the container has been stopped")})
	case b.busy():
		m.answer(driver.Result{ID: call.ID, Err: errBusy(call.Key)})
	case b.does.faultStart > 0:
		b.does.faultStart--
		m.answer(driver.Result{ID: call.ID, Err: errAway})
	default:
		b.start = call.ID
		m.cue(b, m.now.Add(m.draw(b, "start delay", b.does.startDelay)))
	}
}

// begin starts a container whose time has come.
func (m *Model) begin(b *box) {
	r := driver.Result{ID: b.start}
	b.start = 0
	if b.does.failStart != "" {
		r.Err = failure(driver.CannotStartContainerError, "%s", b.does.failStart)
		m.answer(r)
		return
	}
	bindings, err := m.ports.bind(b.spec.NetworkMode, b.spec.Ports)
	if err != nil {
		r.Err = failure(driver.CannotStartContainerError, "%v", err)
		m.answer(r)
		return
	}
	m.forgetBefore(b.obs.Key)
	b.obs.State = driver.Running
	b.obs.Started = driver.Started{At: m.now, RuntimeID: fmt.Sprintf("fake-%d", b.ord), Bindings: bindings}
	r.Started = b.obs.Started
	m.answer(r)
	m.write(b, b.does.stdout, false)
	m.write(b, b.does.stderr, true)
	if b.does.exits {
		m.cue(b, m.now.Add(m.draw(b, "exit", b.does.exitAfter)))
	}
}

func (m *Model) stop(call driver.Call) {
	b := m.boxes[call.Key]
	switch {
	case b == nil:
		m.answer(driver.Result{ID: call.ID, Err: errUnknown(call.Key)})
	case b.obs.State == driver.Exited:
		m.answer(driver.Result{ID: call.ID, Exit: b.obs.Exit})
	case b.busy():
		m.answer(driver.Result{ID: call.ID, Err: errBusy(call.Key)})
	case b.obs.State == driver.Created:
		b.stops = append(b.stops, call.ID)
		m.end(b, driver.Exit{At: m.now, Reason: "the container never started"})
	default:
		m.terminate(b, call)
	}
}

// terminate sends SIGTERM. A container that ends by itself before it answers does that.
func (m *Model) terminate(b *box, call driver.Call) {
	b.stops = append(b.stops, call.ID)
	b.killAt = m.now.Add(call.Timeout)
	exit := b.killAt
	code := int32(codeSIGKILL)
	if answer := m.now.Add(m.draw(b, "stop delay", b.does.stopDelay)); !b.does.ignoreTERM && answer <= b.killAt &&
		call.Timeout > 0 {
		exit, code = answer, b.does.termCode
	}
	if b.does.exits {
		if own := b.obs.Started.At.Add(m.draw(b, "exit", b.does.exitAfter)); own <= exit {
			exit, code = own, b.does.exitCode
		}
	}
	b.does.exits, b.does.exitCode = true, code
	m.cue(b, exit)
}

func (b *box) busy() bool { return b.start != 0 || len(b.stops) > 0 }

// cue has the next thing happen to a container at that time, in place of what would have happened.
func (m *Model) cue(b *box, at ecs.Time) {
	b.cues++
	m.due.Add(at, cue{box: b, number: b.cues})
}

// play has happen to a container what was put off.
func (m *Model) play(b *box) {
	if b.start != 0 {
		m.begin(b)
		return
	}
	code := b.does.exitCode
	m.end(b, driver.Exit{At: m.now, Code: &code})
}

// end ends a container and answers the calls that wait for it.
func (m *Model) end(b *box, exit driver.Exit) {
	b.obs.State, b.obs.Exit = driver.Exited, exit
	b.cues++ // nothing more happens to it
	m.ports.release(b.obs.Started.Bindings, b.spec.NetworkMode)
	obs := b.obs
	m.due.Add(m.now, cue{outcome: Outcome{At: m.now, Event: &obs}})
	for _, id := range b.stops {
		m.answer(driver.Result{ID: id, Exit: exit})
	}
	b.stops = nil
}

func (m *Model) remove(key driver.Key) error {
	b := m.boxes[key]
	switch {
	case b == nil:
	case b.obs.State == driver.Running || b.busy():
		return fmt.Errorf("fake: remove container %v: it is running", key)
	}
	delete(m.boxes, key)
	m.forgetBefore(key)
	return nil
}

// before is the attempt before one; the first has none that exists.
func before(key driver.Key) driver.Key {
	key.Attempt--
	return key
}

// forgetBefore drops the earlier attempts of a container.
func (m *Model) forgetBefore(key driver.Key) {
	for key = before(key); m.boxes[key] != nil; key = before(key) {
		delete(m.boxes, key)
	}
}

func failure(name, format string, args ...any) error {
	return &driver.Error{Name: name, Text: fmt.Sprintf(format, args...)}
}

func errUnknown(key driver.Key) error {
	return failure(driver.ContainerVanishedError, "No container matching saved ID found: %v", key)
}

func errBusy(key driver.Key) error {
	return fmt.Errorf("fake: container %v: another call for it is in flight", key)
}

// draw gives a duration of the script: fixed, or by chance within its range but always the same for a container.
func (m *Model) draw(b *box, what string, s span) time.Duration {
	if s.to <= s.from {
		return s.from
	}
	return s.from + time.Duration(chance(m.seed, b.obs.Key, what)%uint64(s.to-s.from+1))
}
