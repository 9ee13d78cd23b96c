package sim

import (
	"time"

	"ballast/internal/agent"
	"ballast/internal/session"
)

// steadyAfter is how long a connection must last for the next one to be tried at once, as in agent's converse.go.
const steadyAfter = 10 * time.Second

// dial opens a session, as agent's converse.go does: its number is higher than those before, also of an agent that had this
// host earlier.
func (h *host) dial() {
	h.session = max(h.session+1, uint64(h.clock.now()))
	h.openedAt = h.w.now
	life, number := h.life, h.session
	h.w.network.dial(h, number, func(c *conn) {
		switch {
		case h.life != life:
			if c != nil {
				h.w.network.hostCloses(c)
			}
		case c == nil:
			h.redial()
		default:
			h.w.note("%s   connected: session %d", h.name, number)
			h.conn = c
			h.take(agent.Connected{Session: number})
		}
	})
}

// redial waits a little longer after every connection that did not last.
func (h *host) redial() {
	if h.w.now.Sub(h.openedAt) >= steadyAfter {
		h.failures = 0
		h.later(0, h.dial)
		return
	}
	h.failures++
	h.later(min(100*time.Millisecond<<min(h.failures-1, 10), 5*time.Second), h.dial)
}

// hangUp ends the host's connection.
func (h *host) hangUp() {
	if c := h.conn; c != nil {
		h.conn = nil
		h.w.network.hostCloses(c)
	}
}

// broke notes that control has ended a connection.
func (h *host) broke(c *conn) {
	c.atHost = false
	if h.conn == c {
		h.conn = nil
		h.take(agent.Disconnected{})
		h.redial()
	}
}

// hear takes a message that has arrived.
func (h *host) hear(m *session.Assignments) { h.take(agent.Assigned{Message: *m}) }
