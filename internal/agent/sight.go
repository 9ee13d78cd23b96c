package agent

import (
	"cmp"
	"strings"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// sight is what the machine knows of its view on the driver: it subscribes to the ends of containers, then lists them, and
// starts over when the subscription breaks.
type sight struct {
	state    sightState
	attempts int
	retryAt  ecs.Time
	// impaired says why the last attempt failed, at most longestCause bytes; "" after one that did not.
	impaired string
	// ready says that the containers have been listed at least once: before that, nothing can be said to control.
	ready bool
	list  uint64 // the call under way
	// watchedCall is the newest call that had been made when the subscription began: what came of later ones is seen.
	watchedCall uint64
	// heldBack are ends of containers not known, that the list under way may show as running.
	heldBack []driver.Observation
}

type sightState uint8

const (
	blind sightState = iota // no subscription
	subscribing
	subscribed // containers not listed yet
	listing
	seeing
)

// next is when another attempt is due; 0 = none.
func (s *sight) next() ecs.Time {
	if s.state == blind || s.state == subscribed {
		return s.retryAt
	}
	return 0
}

// early keeps the end of an unknown container until the list under way has made it known. Once the list is there, an unknown
// container is one that has been removed.
func (s *sight) early(o driver.Observation) {
	if s.state != seeing {
		s.heldBack = append(s.heldBack, o)
	}
}

// longestCause bounds what reports say of a driver that cannot be seen: a line or two.
const longestCause = 255

// failed notes why the driver cannot be seen, and when to try again. Control hears at once that it cannot.
func (m *Machine) failed(err error) {
	s := &m.sight
	s.attempts++
	s.retryAt = m.now.Add(backoff(s.attempts))
	text := err.Error()
	m.talk.ackDue = m.talk.ackDue || s.impaired == ""
	s.impaired = cmp.Or(strings.ToValidUTF8(text[:min(len(text), longestCause)], ""), "no reason is given")
}

// look takes the next step towards seeing the driver's containers.
func (m *Machine) look() {
	s := &m.sight
	if s.retryAt > m.now {
		return
	}
	switch s.state {
	case blind:
		s.state = subscribing
		m.out.Watch = true
	case subscribed:
		s.state = listing
		s.list = m.call(flight{op: driver.OpList}, driver.Call{})
	}
}

func (m *Machine) watched(err error) {
	s := &m.sight
	if s.state != subscribing {
		return
	}
	if err != nil {
		s.state = blind
		m.failed(err)
		return
	}
	s.state = subscribed
	s.attempts, s.retryAt, s.watchedCall = 0, 0, m.lastCall
}

// lost begins anew. What ends meanwhile is in the next list.
func (m *Machine) lost() {
	s := &m.sight
	if s.state == listing {
		delete(m.calls, s.list)
		m.out.Cancel = append(m.out.Cancel, s.list)
	}
	s.state = blind
}

// listed takes the list of all containers, and then the ends that came while it was under way.
func (m *Machine) listed(r driver.Result) {
	s := &m.sight
	if r.Err != nil {
		s.state = subscribed
		m.failed(r.Err)
		return
	}
	s.state, s.attempts, s.retryAt, s.ready = seeing, 0, 0, true
	m.talk.ackDue = m.talk.ackDue || s.impaired != ""
	s.impaired = ""
	seen := make(map[driver.Key]bool, len(r.List))
	for _, o := range r.List {
		seen[o.Key] = true
		m.found(o)
	}
	for _, t := range m.all {
		if !t.dead {
			m.compare(t, seen, r.ID)
		}
	}
	held := s.heldBack
	s.heldBack = nil
	for _, o := range held {
		m.takeEvent(o)
	}
}

// found takes one container of the list.
func (m *Machine) found(o driver.Observation) {
	t := m.tasks[o.Key.Task]
	if t == nil {
		t = m.add(o.Key.Task)
		// Control has already said what it wants on this container instance, and this is not among it.
		t.forget = m.talk.manifested
	}
	c := t.container(o.Key.Container)
	if c == nil {
		// A start that an earlier agent asked for may still be under way.
		c = &container{key: o.Key, doomed: t.work != nil, unsure: o.State == driver.Created}
		t.containers = append(t.containers, c)
	}
	c.catchUp(o)
	if c.key == o.Key {
		m.observe(t, c, o)
	}
}

// compare has a task notice which of its containers the driver has lost. listID is the call that made the list: what came to be
// after it may be missing.
func (m *Machine) compare(t *task, seen map[driver.Key]bool, listID uint64) {
	for _, c := range t.containers {
		if seen[c.key] {
			continue
		}
		if c.call != 0 || c.since >= listID {
			m.doubt(c)
			continue
		}
		switch {
		case c.phase == stopped:
			c.kept = false
		case c.phase == started || c.unsure:
			c.kept = false
			m.containerStopped(t, c, vanished(m.now))
		case c.phase == created:
			c.phase = pulled // it never started, so it may be created again
		}
		m.touch(t)
	}
}

// doubt has the containers listed again where one that the list lacks was started while nobody watched, which the machine learned
// too late for the list to say anything, or has yet to learn: it may have been lost in between.
func (m *Machine) doubt(c *container) {
	switch {
	case c.startCall == 0 || c.startCall > m.sight.watchedCall:
	case c.call == c.startCall:
		c.unlisted = true
	case c.phase == started:
		m.relist()
	}
}

// relist has the containers listed again.
func (m *Machine) relist() {
	if m.sight.state == seeing {
		m.sight.state = subscribed
	}
}

// vanished is the end of a container that the driver has lost (amazon-ecs-agent, agent/engine/errors.go).
func vanished(now ecs.Time) driver.Exit {
	return driver.Exit{At: now, Reason: driver.ContainerVanishedError + ": No container matching saved ID found"}
}
