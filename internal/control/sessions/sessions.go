// Package sessions is control's book of conversations with agents: which report is new, what each agent has still to be told,
// and when to repeat it. Nothing here is journalled: what an agent must know is a function of committed tasks. Start reading
// at Book.
package sessions

import (
	"slices"

	"ballast/internal/ecs"
	"ballast/internal/session"
)

// maxAssignments bounds one message; what is left follows when that one has been acknowledged.
const maxAssignments = 500

// Book holds one session for each container instance that has ever spoken since control started.
type Book struct {
	sessions map[ecs.ID]*talk
	touched  []*talk // sessions with something to send, in the order in which they got it
	refused  []Message
}

// talk is one session.
type talk struct {
	instance ecs.ID
	cluster  string
	number   uint64
	taken    uint64 // Seq of the newest report taken
	acked    uint64 // Seq of the newest report whose acknowledgement has been sent
	sent     uint64 // Seq of the newest assignments sent
	heard    ecs.Time
	repeatAt ecs.Time // 0 = nothing waits for an acknowledgement
	// manifest is the Seq of the message that carried the manifest last; manifestDue until the agent has acknowledged one.
	manifest    uint64
	manifestDue bool
	open        bool
	touched     bool

	// pending are the tasks that the agent has to be told about, in order; told is the Seq of the message that last did, 0 if
	// none has.
	pending []ecs.ID
	told    map[ecs.ID]uint64
}

// New gives a book without sessions.
func New() *Book { return &Book{sessions: map[ecs.ID]*talk{}} }

// Accept says whether a report is news and, if so, takes note of it. opened is true for the first report of a session.
func (b *Book) Accept(now ecs.Time, r *session.Report) (accepted, opened bool) {
	t := b.sessions[r.Instance]
	if r.Hello != nil && (t == nil || r.Session > t.number) {
		t = &talk{instance: r.Instance, cluster: r.Hello.Cluster, number: r.Session, told: map[ecs.ID]uint64{}, open: true,
			manifestDue: true}
		b.sessions[r.Instance] = t
		opened = true
	}
	if t == nil || r.Session != t.number || r.Seq <= t.taken {
		return false, false
	}
	t.taken, t.heard, t.open = r.Seq, now, true
	t.acknowledge(r.Ack)
	b.touch(t)
	return true, opened
}

// acknowledge drops what the agent has been told by message ack or before.
func (t *talk) acknowledge(ack uint64) {
	if ack > t.sent {
		return
	}
	if t.manifest != 0 && ack >= t.manifest {
		t.manifest, t.manifestDue = 0, false
	}
	t.pending = slices.DeleteFunc(t.pending, func(id ecs.ID) bool {
		seq := t.told[id]
		if seq == 0 || seq > ack {
			return false
		}
		delete(t.told, id)
		return true
	})
	if len(t.pending) == 0 && !t.manifestDue {
		t.repeatAt = 0
	}
}

// Refuse ends the session that a report opens; why says what to do about it.
func (b *Book) Refuse(r *session.Report, why string) {
	b.refused = append(b.refused, Message{r.Instance, session.Assignments{Session: r.Session, Seq: 1, Refused: why}})
}

// End ends the session of a container instance, if it has one, and forgets it; why says what that means. Whatever its agent still says
// in the session is no news.
func (b *Book) End(instance ecs.ID, why string) {
	t := b.sessions[instance]
	if t == nil {
		return
	}
	delete(b.sessions, instance)
	b.touched = slices.DeleteFunc(b.touched, func(other *talk) bool { return other == t })
	b.refused = append(b.refused, Message{instance, session.Assignments{Session: t.number, Seq: t.sent + 1, Refused: why, Deregistered: true}})
}

// Silence notes that the connection of a session broke, and says whether it was the instance's newest. The agent is expected
// to open another one.
func (b *Book) Silence(instance ecs.ID, number uint64) (newest bool) {
	t := b.sessions[instance]
	if t == nil || t.number != number {
		return false
	}
	t.open, t.repeatAt = false, 0
	return true
}

// Number is the number of the instance's newest session, 0 when it has none.
func (b *Book) Number(instance ecs.ID) uint64 {
	if t := b.sessions[instance]; t != nil {
		return t.number
	}
	return 0
}

// Heard is when the instance's agent spoke last; 0 when it has not since control started.
func (b *Book) Heard(instance ecs.ID) ecs.Time {
	if t := b.sessions[instance]; t != nil {
		return t.heard
	}
	return 0
}

// Tell notes that the agent must be told about a task as it is now.
func (b *Book) Tell(instance, task ecs.ID) {
	t := b.sessions[instance]
	if t == nil {
		return
	}
	if _, known := t.told[task]; !known {
		t.pending = append(t.pending, task)
	}
	t.told[task] = 0
	b.touch(t)
}

func (b *Book) touch(t *talk) {
	if !t.touched {
		t.touched = true
		b.touched = append(b.touched, t)
	}
}

// Message is what to send to one agent.
type Message struct {
	Instance ecs.ID
	session.Assignments
}

// Source knows committed tasks.
type Source interface {
	// Assignment gives a task as the agent of that instance should have it.
	Assignment(cluster string, instance, task ecs.ID) session.Assignment
	// Manifest gives every task that the instance should have.
	Manifest(cluster string, instance ecs.ID) []session.Assignment
}

// Messages gives what is to be sent now, after a commit. wake is told when to call Due for a session.
func (b *Book) Messages(now ecs.Time, from Source, wake func(at ecs.Time, instance ecs.ID)) []Message {
	out := b.refused
	b.refused = nil
	for _, t := range b.touched {
		t.touched = false
		if m, any := t.message(now, from); any {
			out = append(out, m)
			if t.repeatAt != 0 {
				wake(t.repeatAt, t.instance)
			}
		}
	}
	b.touched = b.touched[:0]
	return out
}

// message gives the next message of a session: the manifest, or tasks not yet told, or those told too long ago. A manifest
// that may be lost is repeated as one, because only a manifest says what the agent should not have.
func (t *talk) message(now ecs.Time, from Source) (Message, bool) {
	if !t.open {
		return Message{}, false
	}
	repeat := t.repeatAt != 0 && now >= t.repeatAt
	manifest := t.manifestDue && (t.manifest == 0 || repeat)
	tell := t.untold(repeat)
	if len(tell) == 0 && t.acked == t.taken && !manifest {
		return Message{}, false
	}
	t.sent++
	t.acked = t.taken
	m := Message{t.instance, session.Assignments{Session: t.number, Seq: t.sent, Ack: t.taken, Manifest: manifest}}
	if manifest {
		t.manifest = t.sent
		m.Tasks = from.Manifest(t.cluster, t.instance)
		for _, a := range m.Tasks {
			t.note(a.Task)
		}
	}
	for _, id := range tell {
		if t.told[id] != t.sent {
			t.told[id] = t.sent
			m.Tasks = append(m.Tasks, from.Assignment(t.cluster, t.instance, id))
		}
	}
	if len(m.Tasks) > 0 || manifest {
		t.repeatAt = now.Add(session.RepeatAfter)
	}
	return m, true
}

func (t *talk) untold(repeat bool) []ecs.ID {
	var tell []ecs.ID
	for _, id := range t.pending {
		if (repeat || t.told[id] == 0) && len(tell) < maxAssignments {
			tell = append(tell, id)
		}
	}
	return tell
}

func (t *talk) note(task ecs.ID) {
	if _, known := t.told[task]; !known {
		t.pending = append(t.pending, task)
	}
	t.told[task] = t.sent
}

// Due has a session repeat what has not been acknowledged, if that is due, and gives the moment when it may be if it is not yet; 0 where
// nothing waits for an acknowledgement.
func (b *Book) Due(now ecs.Time, instance ecs.ID) (again ecs.Time) {
	t := b.sessions[instance]
	switch {
	case t == nil || !t.open || t.repeatAt == 0:
		return 0
	case now < t.repeatAt:
		return t.repeatAt
	}
	b.touch(t)
	return 0
}
