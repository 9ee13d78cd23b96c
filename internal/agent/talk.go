package agent

import (
	"slices"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/session"
)

// Bounds of a session.
const (
	// maxReported bounds one report, so that control can commit it as one of many in a batch.
	maxReported = 200
	// maxUnanswered is how many reports may be on their way before the next one waits for an acknowledgement. More than one, so
	// that news does not wait for a commit; few, because each carries again what the ones before it said.
	maxUnanswered = 4
	// answerWithin is how long control may leave reports unanswered before the agent tries another connection: several
	// repetitions, and longer than control needs to load a large state.
	answerWithin = 30 * time.Second
)

// talk is the session with control. Every report carries everything that control has not acknowledged, as far as it fits, the
// latest news first. What was in which report is remembered, so that an acknowledgement is taken for exactly what it covers.
type talk struct {
	session    uint64 // 0 = none
	seq        uint64 // of the newest report sent
	taken      uint64 // Seq of the newest assignments taken
	heard      bool   // control has answered, so it has the Hello
	manifested bool
	ackDue     bool
	spokeAt    ecs.Time
	// waitingSince is since when a report, be it a heartbeat, has not been answered; 0 = none waits.
	waitingSince ecs.Time
	unanswered   []sent
	// news says that there may be a task with news that no report has carried.
	news bool
	// unacked are the tasks with news that control has not acknowledged, in the order in which it came.
	unacked []*task
}

// sent is a report on its way.
type sent struct {
	seq   uint64
	at    ecs.Time
	tasks []told
}

// told is what a report said: a task in a version of its news.
type told struct {
	t       *task
	version uint64
}

// news numbers what there is to say of a task. version grows with every change; told is the newest version that a report has
// carried, in report toldIn; acked is the newest that control has committed.
type news struct {
	version, told, acked uint64
	toldIn               uint64
	queued               bool // in talk.unacked
}

func (k *talk) end() {
	for _, t := range k.unacked {
		t.news.queued = false
	}
	*k = talk{}
}

// next is when the session needs attention again; 0 = not before something happens.
func (k *talk) next() ecs.Time {
	if k.session == 0 || k.spokeAt == 0 {
		return 0
	}
	at := k.spokeAt.Add(session.HeartbeatEvery)
	if len(k.unanswered) > 0 {
		at = min(at, k.unanswered[0].at.Add(session.RepeatAfter))
	}
	if k.waitingSince != 0 {
		at = min(at, k.waitingSince.Add(answerWithin))
	}
	return at
}

// connected opens a session: control may know nothing, so everything is news again.
func (m *Machine) connected(number uint64) {
	m.talk.end()
	m.talk.session = number
	for _, t := range m.all {
		t.news.told, t.news.acked = 0, 0
		m.queue(t)
	}
}

// changed says that there is news of a task.
func (m *Machine) changed(t *task) {
	t.news.version++
	m.queue(t)
}

func (m *Machine) queue(t *task) {
	if m.talk.session == 0 || !t.reportable() {
		return
	}
	m.talk.news = true
	if !t.news.queued {
		t.news.queued = true
		m.talk.unacked = append(m.talk.unacked, t)
	}
}

// reportable says whether control is to hear of a task: it has said what the task is, and wants to hear of it.
func (t *task) reportable() bool { return t.work != nil && !t.forget && !t.dead }

// take notes a message of control and what it acknowledges.
func (k *talk) take(now ecs.Time, msg session.Assignments) {
	k.taken, k.heard = msg.Seq, true
	k.ackDue = k.ackDue || msg.Manifest || len(msg.Tasks) > 0
	covered := 0
	for _, s := range k.unanswered {
		if s.seq > msg.Ack {
			break
		}
		covered++
		if s.seq == msg.Ack {
			for _, x := range s.tasks {
				x.t.news.acked = max(x.t.news.acked, x.version)
			}
		}
	}
	k.retract(covered)
	k.waitingSince = 0
	if len(k.unanswered) > 0 {
		k.waitingSince = now
	}
	k.unacked = slices.DeleteFunc(k.unacked, func(t *task) bool {
		t.news.queued = t.reportable() && t.news.acked < t.news.version
		return !t.news.queued
	})
}

// retract gives up on the oldest n reports on their way: what they said and nothing has acknowledged is news again.
func (k *talk) retract(n int) {
	if n == 0 {
		return
	}
	last := k.unanswered[n-1].seq
	for _, s := range k.unanswered[:n] {
		for _, x := range s.tasks {
			if nw := &x.t.news; nw.toldIn <= last && nw.acked < nw.told {
				nw.told = nw.acked
				k.news = true
			}
		}
	}
	k.unanswered = slices.Delete(k.unanswered, 0, n)
}

// speak sends what there is to say.
func (m *Machine) speak() {
	k := &m.talk
	if k.session == 0 || !m.sight.ready {
		return
	}
	if k.waitingSince != 0 && m.now >= k.waitingSince.Add(answerWithin) {
		m.out.Hangup = true
		k.end()
		return
	}
	if n := len(k.unanswered); n > 0 && m.now >= k.unanswered[0].at.Add(session.RepeatAfter) {
		k.retract(n)
	}
	if !k.heard {
		if len(k.unanswered) == 0 {
			m.report(k.unsaid())
		}
		return
	}
	for k.news && len(k.unanswered) < maxUnanswered {
		tell := k.unsaid()
		if len(tell) == 0 {
			k.news = false
			break
		}
		m.report(tell)
	}
	if k.ackDue || m.now >= k.spokeAt.Add(session.HeartbeatEvery) {
		m.report(k.unsaid())
	}
}

// unsaid gives the tasks, at most maxReported, of which there is news that no report on its way carries.
func (k *talk) unsaid() []*task {
	var tell []*task
	for _, t := range k.unacked {
		if t.reportable() && t.news.told < t.news.version {
			tell = append(tell, t)
			if len(tell) == maxReported {
				break
			}
		}
	}
	return tell
}

// report sends the tasks given and, where there is room, those of which an earlier report has not been acknowledged.
func (m *Machine) report(tell []*task) {
	k := &m.talk
	k.seq++
	for _, t := range tell {
		t.news.toldIn = k.seq
	}
	for _, t := range k.unacked {
		if len(tell) == maxReported {
			break
		}
		if t.news.toldIn != k.seq && t.reportable() && t.news.acked < t.news.version {
			t.news.toldIn = k.seq
			tell = append(tell, t)
		}
	}
	r := session.Report{Instance: m.cfg.Instance, Session: k.session, Seq: k.seq, Ack: k.taken, Impaired: m.sight.impaired}
	if !k.heard {
		hello := m.cfg.Hello
		r.Hello = &hello
	}
	s := sent{seq: k.seq, at: m.now}
	for _, t := range tell {
		t.news.told = t.news.version
		s.tasks = append(s.tasks, told{t, t.news.version})
		r.Tasks = append(r.Tasks, t.report())
	}
	if r.Hello != nil || len(r.Tasks) > 0 {
		k.unanswered = append(k.unanswered, s)
	}
	if k.waitingSince == 0 {
		k.waitingSince = m.now
	}
	k.spokeAt, k.ackDue = m.now, false
	m.out.Reports = append(m.out.Reports, r)
}

// report says what is known of a task.
func (t *task) report() session.TaskReport {
	r := session.TaskReport{
		Task:               t.id,
		Status:             t.status,
		PullStartedAt:      t.pullStartedAt,
		PullStoppedAt:      t.pullStoppedAt,
		StartedAt:          t.startedAt,
		ExecutionStoppedAt: t.executionStoppedAt,
		StoppedAt:          t.stoppedAt,
		Reason:             t.reason,
		Containers:         make([]session.ContainerReport, 0, len(t.containers)),
	}
	for _, c := range t.containers {
		if c.def == nil {
			continue
		}
		r.Containers = append(r.Containers, session.ContainerReport{
			Name:      c.def.Name,
			Status:    c.status(),
			Health:    c.check.verdict,
			ExitCode:  c.exitCode,
			Reason:    c.reason,
			RuntimeID: c.started.RuntimeID,
			Bindings:  c.started.Bindings,
			Address:   c.started.Address, ImageDigest: c.started.ImageDigest,
		})
	}
	return r
}
