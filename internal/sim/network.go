package sim

import (
	"time"

	"ballast/internal/session"
)

// network carries sessions between hosts and control. A connection is as good as its link is at that moment; what is under way
// when a connection ends may still arrive, and then must do no harm.
type network struct {
	w      *World
	chance stream
	opened int
}

func newNetwork(w *World) network { return network{w: w, chance: newStream(w.seed, "network")} }

// link is the way between a host and control.
type link struct {
	fastest, slowest time.Duration // one way
	loss, double     float64       // of a message
	late             time.Duration // how much later than the message its double may come
	reorder          bool          // a message may overtake another
	cutUp, cutDown   bool          // nothing gets to control, to the host
	freeUp, freeDown time.Duration // since the epoch: when the message before has arrived
}

func goodLink() link { return link{fastest: 0, slowest: 2 * time.Millisecond} }

// conn is one connection.
type conn struct {
	number  int
	host    *host
	session uint64
	life    int // of the server
	// atHost and atServer say whether that end still has it open.
	atHost, atServer bool
}

// dial opens a connection of a host to control and says how that went.
func (n *network) dial(h *host, session uint64, done func(*conn)) {
	wait := n.chance.between(h.link.fastest, h.link.slowest)
	n.w.after(2*wait, func() {
		s := n.w.server
		if h.link.cutUp || h.link.cutDown || s.machine == nil {
			done(nil)
			return
		}
		n.opened++
		done(&conn{number: n.opened, host: h, session: session, life: s.life, atHost: true, atServer: true})
	})
}

// up carries a report to control.
func (n *network) up(c *conn, r *session.Report) {
	l := &c.host.link
	n.carry(l, &l.cutUp, &l.freeUp, func() { n.w.server.hear(c, r) })
}

// down carries assignments to a host.
func (n *network) down(c *conn, m *session.Assignments) {
	l := &c.host.link
	n.carry(l, &l.cutDown, &l.freeDown, func() { c.host.hear(m) })
}

// carry has a message arrive, or not, or twice. The draws are the same whatever the link is like.
func (n *network) carry(l *link, cut *bool, free *time.Duration, arrive func()) {
	lost, doubled := n.chance.chance(l.loss), n.chance.chance(l.double)
	wait, late := n.chance.between(l.fastest, l.slowest), n.chance.between(0, l.late)
	at := time.Duration(n.w.now-epoch)*time.Millisecond + wait
	if !l.reorder {
		at = max(at, *free)
	}
	if !lost {
		*free = max(*free, at)
		n.arrive(at, cut, arrive)
	}
	if doubled {
		n.arrive(at+late, cut, arrive)
	}
}

func (n *network) arrive(at time.Duration, cut *bool, arrive func()) {
	n.w.agenda.Add(epoch.Add(at), event{do: arrive, cut: cut})
}

// hostCloses ends a connection from the host's side; control notices if the link lets it.
func (n *network) hostCloses(c *conn) {
	if !c.atHost {
		return
	}
	c.atHost = false
	l := &c.host.link
	n.w.after(n.chance.between(l.fastest, l.slowest), func() {
		if !l.cutUp {
			n.w.server.broke(c)
		}
	})
}

// serverCloses ends a connection from control's side; the agent notices if the link lets it.
func (n *network) serverCloses(c *conn) {
	if !c.atServer {
		return
	}
	c.atServer = false
	l := &c.host.link
	n.w.after(n.chance.between(l.fastest, l.slowest), func() {
		if !l.cutDown {
			c.host.broke(c)
		}
	})
}
