package sim

import (
	"slices"
	"time"

	"ballast/internal/control"
	"ballast/internal/control/journal"
	"ballast/internal/control/root"
	"ballast/internal/driver"
	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
	"ballast/internal/lb/health"
	"ballast/internal/store"
)

// player carries out the deeds of a history in a world, drawn a moment ago or read from a file, and knows what users have been told.
type player struct {
	w      *World
	done   []Deed
	ended  bool
	ledger ledger
	asked  map[string]int    // tasks that may run for each startedBy
	tokens []control.RunTask // requests with a token that were made, to be repeated
	census census
}

func newPlayer(w *World) *player {
	return &player{w: w, ledger: newLedger(), asked: map[string]int{}, census: census{numbers: map[ecs.ID]int{}}}
}

// do carries out a deed, now.
func (p *player) do(a Act) {
	if p.ended {
		return
	}
	p.done = append(p.done, Deed{At: p.w.now.Sub(epoch), Act: a})
	p.w.note("deed     %d: %T", len(p.done), a)
	a.perform(p)
}

// EnvAnswers is the variable of a task's first container that says what its target answers to load balancers, see ParseAnswers.
const EnvAnswers = "SIM_ANSWERS"

// answer is how a health check of a task ends: as it is scripted to answer, while its first container runs.
func (p *player) answer(_ string, t *ecs.Task) health.Result {
	h, first := p.host(int(t.Instance[0])), &t.Definition.Containers[0]
	if h.targetsCut {
		return health.Result{Outcome: health.TimedOut}
	}
	for _, o := range h.model.Containers() {
		if o.State == driver.Running && o.Key.Task == t.ID && o.Key.Container == first.Name {
			return answersOf(t.Definition).At(p.w.now.Sub(t.StartedAt), matches200)
		}
	}
	return health.Result{Outcome: health.Failed}
}

// matches200 is the matcher of every target group here.
var matches200 = func() health.Matcher {
	m, err := health.ParseMatcher("200", health.ApplicationHTTP)
	if err != nil {
		panic(err) // a literal
	}
	return m
}()

// begin lets what lasts be amiss from now on.
func (p *player) begin(h *History) {
	if p.w.balancer != nil {
		p.w.balancer.slowest = h.BalancerSlowest
	}
	d := &p.w.server.disk
	d.passing, d.unknown, d.fenced = h.Disk.Full, h.Disk.Unknown, h.Disk.Fenced
	for i, host := range p.w.hosts {
		amiss := &h.Hosts[i]
		l := &host.link
		l.slowest, l.reorder, l.loss, l.double, l.late = amiss.Slowest, amiss.Reorder, amiss.Loss, amiss.Double, amiss.Late
		host.double = amiss.EndsTwice
	}
}

// end stops all faults and mends what is broken.
func (p *player) end() {
	p.ended = true
	p.w.note("fault    no more")
	s := p.w.server
	s.disk.passing, s.disk.unknown, s.disk.fenced = 0, 0, 0
	if s.machine == nil {
		s.start()
	}
	for _, h := range p.w.hosts {
		free := h.link
		h.link = goodLink()
		h.link.freeUp, h.link.freeDown = free.freeUp, free.freeDown
		h.double, h.watchFaults, h.targetsCut = 0, 0, false
		h.model.Fault(0)
		h.start()
	}
	if b := p.w.balancer; b != nil {
		b.slowest = UsualNews
		b.start()
	}
}

// repair gives a service that is still there a task definition that just runs.
func (p *player) repair(r Repair) {
	there := func() bool {
		s := p.w.server.root.Service(r.Cluster, r.Service)
		return p.w.failure == nil && s != nil && s.Status == ecs.ServiceActive
	}
	if !there() {
		return
	}
	d := p.insist(control.RegisterTaskDefinition{Definition: goodDefinition(r.Service)})
	if there() {
		p.insist(control.UpdateService{Cluster: r.Cluster, Name: r.Service, Definition: d.(*ecs.TaskDefinition)})
	}
}

// submit sends a command and takes its reply into the ledger.
func (p *player) submit(c control.Command, then func(any)) {
	p.w.server.submit(c, func(r Reply) {
		p.ledger.take(c, r)
		if r.Err != nil || r.Unknown {
			return
		}
		if lost := unseen(p.w.server.root, c, r.Result); lost != "" {
			p.w.fail(acknowledged, "%T: %s", c, lost)
		}
		if then != nil {
			then(r.Result)
		}
	})
}

// insist sends a command until it is answered, and gives the answer.
func (p *player) insist(c control.Command) any {
	for range 1000 {
		var reply *Reply
		p.w.server.submit(c, func(r Reply) {
			p.ledger.take(c, r)
			reply = &r
		})
		for range 1000 {
			if reply != nil || p.w.failure != nil {
				break
			}
			p.w.advance(second / 10)
		}
		switch {
		case p.w.failure != nil:
			return nil
		case reply != nil && reply.Err == nil && !reply.Unknown:
			return reply.Result
		case reply != nil && !slices.Contains([]error{errDown, errFailing}, reply.Err) && !reply.Unknown:
			p.w.fail("commands are answered", "%T: %v", c, reply.Err)
			return nil
		}
	}
	p.w.fail("commands are answered", "%T: no answer", c)
	return nil
}

// census numbers the tasks from 1, as they are committed.
type census struct {
	numbers map[ecs.ID]int
	ids     []ecs.ID
}

var _ Observer = (*census)(nil)

// id gives the task of a number; 0, and a number that no task has yet, give one that never was.
func (c *census) id(n int) ecs.ID {
	if n < 1 || n > len(c.ids) {
		return ecs.ID{0xff}
	}
	return c.ids[n-1]
}

// Durable implements Observer.
func (c *census) Durable(unit journal.Unit, _ store.Unit) {
	for _, ch := range unit {
		t, is := ch.Record.(*ecs.Task)
		if !is || t == nil || c.numbers[t.ID] != 0 {
			continue
		}
		c.ids = append(c.ids, t.ID)
		c.numbers[t.ID] = len(c.ids)
	}
}

func (*census) Loaded(*control.Machine, *root.Root)              {}
func (*census) Committed(*control.Machine, ecs.Time, *root.Root) {}
func (*census) Called(*host, driver.Call)                        {}
func (*census) Happened(*host, driver.Call, fake.Outcome)        {}
func (*census) Rebooted(*host)                                   {}

const second = time.Second
