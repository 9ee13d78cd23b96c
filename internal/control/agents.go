package control

import (
	"sync"

	"ballast/internal/control/sessions"
	"ballast/internal/ecs"
	"ballast/internal/session"
)

// agents are the open connections by container instance.
type agents struct {
	mu   sync.Mutex
	open map[ecs.ID]*connection
}

// connection is a peer that can be told from others.
type connection struct{ session.Peer }

// Serve passes on what an agent says until its connection ends.
func (c *Control) Serve(peer session.Peer) {
	conn := &connection{peer}
	defer conn.Close()
	var last *session.Report
	for {
		r, err := conn.Recv()
		if err != nil {
			break
		}
		if last == nil {
			c.agents.enter(r.Instance, conn)
		}
		last = &r
		select {
		case c.reports <- &r:
		default: // the agent repeats it
		}
	}
	if last != nil && c.agents.leave(last.Instance, conn) {
		select {
		case c.silences <- silence{last.Instance, last.Session}:
		case <-c.done:
		}
	}
}

// enter makes conn the connection of an instance; an older one is closed.
func (a *agents) enter(instance ecs.ID, conn *connection) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if old := a.open[instance]; old != nil && old != conn {
		old.Close()
	}
	if a.open == nil {
		a.open = map[ecs.ID]*connection{}
	}
	a.open[instance] = conn
}

// leave forgets conn, and says whether it was the instance's newest.
func (a *agents) leave(instance ecs.ID, conn *connection) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open[instance] != conn {
		return false
	}
	delete(a.open, instance)
	return true
}

func (a *agents) send(m sessions.Message) {
	a.mu.Lock()
	conn := a.open[m.Instance]
	a.mu.Unlock()
	if conn != nil && conn.Send(m.Assignments) != nil {
		conn.Close()
	}
}

func (a *agents) closeAll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, conn := range a.open {
		conn.Close()
	}
}
