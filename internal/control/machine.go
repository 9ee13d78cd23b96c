package control

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"ballast/internal/control/catalog"
	"ballast/internal/control/instances"
	"ballast/internal/control/journal"
	"ballast/internal/control/root"
	"ballast/internal/control/services"
	"ballast/internal/control/sessions"
	"ballast/internal/control/tasks"
	"ballast/internal/ecs"
	"ballast/internal/scheduler/policy"
	"ballast/internal/session"
)

// Seed is the chance of one step: ids and choices "at random" are functions of it and of their ordinal in the step.
type Seed [32]byte

// Config is what a machine needs to know before it starts.
type Config struct {
	Policy policy.Policy
	// Restless is told of a service whose decisions do not come to rest within a step, which is a fault of the scheduler; nil panics.
	Restless func(cluster, service string)
}

// Machine is the only writer of cluster state: a synchronous state machine without clock, chance, goroutines or I/O. Inputs
// are offered; Step takes those that wait, and gives a Batch to commit; Committed makes it visible and gives what may now leave.
// There is one batch in flight: after a Step that gives one, Committed comes before the next Step.
type Machine struct {
	cfg  Config
	w    *journal.Writer
	now  ecs.Time
	ids  ids
	seq  uint64
	halt bool

	startedAt ecs.Time
	// stale are the clusters with stopped tasks that may have to be forgotten.
	stale []string
	// leftovers are to be removed from the journal in the next step.
	leftovers []journal.Key

	catalog   *catalog.Book
	tasks     *tasks.Book
	instances *instances.Book
	services  *services.Book
	sessions  *sessions.Book
	timers    timers

	commands []ticket
	reports  []*session.Report
	silences []silence

	inFlight *Batch
	visible  *root.Builder
	loading  *loading
}

type ticket struct {
	number  uint64
	command Command
}

type silence struct {
	instance ecs.ID
	session  uint64
}

// Batch is the outcome of a step: units to commit in order, and the answers that leave when they have been.
type Batch struct {
	Seq     uint64
	Units   []journal.Unit
	Answers []Answer
}

// Answer is what a command comes to. Err is an *ecs.Error for a refusal.
type Answer struct {
	Ticket uint64
	Result any
	Err    error
}

// New gives a machine that knows nothing. Load what the store has, then call Loaded, before the first Step.
func New(cfg Config) *Machine {
	m := &Machine{cfg: cfg, w: &journal.Writer{}, visible: root.NewBuilder(), sessions: sessions.New(),
		timers: newTimers(), loading: &loading{events: map[journal.Key][]numbered{}, history: map[journal.Key][]*ecs.ServiceDeployment{}}}
	m.catalog = catalog.New(m.w)
	m.tasks = tasks.New(m.w)
	m.instances = instances.New(m.w)
	m.services = services.New(m.w, cfg.Policy, m.catalog.Use)
	return m
}

// Offer queues a command; its Answer carries the ticket.
func (m *Machine) Offer(number uint64, c Command) {
	m.commands = append(m.commands, ticket{number, c})
}

// OfferReport queues what an agent says.
func (m *Machine) OfferReport(r *session.Report) { m.reports = append(m.reports, r) }

// OfferSilence queues the news that the connection of a session broke.
func (m *Machine) OfferSilence(instance ecs.ID, session uint64) {
	m.silences = append(m.silences, silence{instance, session})
}

// Step takes all inputs that wait and what is due at now, and decides every service that this touches. A clock that was set
// back stands still for the machine.
func (m *Machine) Step(now ecs.Time, seed Seed) *Batch {
	if m.inFlight != nil {
		panic("control: Step before Committed")
	}
	m.now = max(m.now, now)
	m.ids.reset(seed)
	m.dropLeftovers()
	batch := &Batch{}
	for _, t := range m.commands {
		batch.Answers = append(batch.Answers, m.command(t))
	}
	m.w.FollowUp()
	for _, r := range m.reports {
		m.report(r)
	}
	for _, s := range m.silences {
		if m.sessions.Silence(s.instance, s.session) {
			m.instances.Disconnected(s.instance)
		}
	}
	m.commands, m.reports, m.silences = nil, nil, nil
	m.timers.due(m.now, m.timer)
	m.settle()
	m.seq++
	batch.Seq, batch.Units = m.seq, m.w.Take()
	m.inFlight = batch
	return batch
}

// command applies one command in a unit of its own. What it sets in motion is follow-up work, settled at the end of the step.
func (m *Machine) command(t ticket) Answer {
	m.w.Begin()
	result, err := t.command.apply(m)
	if err != nil {
		return Answer{Ticket: t.number, Err: err}
	}
	m.spread()
	return Answer{Ticket: t.number, Result: result}
}

// spread tells the other books and the agents what has happened to tasks.
func (m *Machine) spread() {
	for _, move := range m.tasks.Moves() {
		m.catalog.Count(clusterOf(move), count(move))
		m.use(move)
		m.services.TaskMoved(m.now, move.Old, move.New)
		m.instances.TaskMoved(move.Old, move.New)
		if t := move.New; t != nil && t.Stopped() {
			m.markStale(t.Cluster)
			m.services.Room(t.Cluster)
		}
		m.tell(move)
	}
}

// tell has the agent of a task told what the move means for it: a new task, one to stop, one to forget.
func (m *Machine) tell(move tasks.Move) {
	old, t := move.Old, move.New
	switch {
	case m.loading != nil || t == nil:
		return
	case old == nil, old.LastStatus < ecs.StatusStopping && t.LastStatus >= ecs.StatusStopping, t.Stopped():
		m.sessions.Tell(t.Instance, t.ID)
	}
}

// settle decides every touched service, once, and brings what readers see up to date.
func (m *Machine) settle() {
	m.spread()
	for s := m.services.NextTouched(); s != nil; s = m.services.NextTouched() {
		if m.mayDecide(s) {
			m.decide(s)
		}
		m.services.PassOn(s)
		m.spread()
	}
	m.expire()
	m.spread()
	m.removeLater()
	m.instances.Flush()
	m.catalog.Flush()
	m.services.Flush()
}

// maxRounds bounds how often a service is decided in one step. A few times is normal: placement refuses, another service leaves room.
// A service that comes so far is left alone for restlessPause, so that the others and the clients go on.
const (
	maxRounds     = 1000
	restlessPause = time.Minute
)

// mayDecide says whether a service is to be decided once more in this step.
func (m *Machine) mayDecide(s *services.Service) bool {
	rounds := s.Round(m.seq)
	if rounds < maxRounds {
		return true
	}
	record := s.Record()
	if m.cfg.Restless == nil {
		panic("control: the decisions on service " + record.Name + " of cluster " + record.Cluster + " do not come to rest")
	}
	if rounds == maxRounds {
		m.cfg.Restless(record.Cluster, record.Name)
		m.wake(s, m.now.Add(restlessPause))
	}
	return false
}

// Committed says that the batch in flight is durable. It publishes the batch to readers and gives what agents are to be told.
func (m *Machine) Committed(seq uint64) []sessions.Message {
	if m.inFlight == nil || m.inFlight.Seq != seq {
		panic("control: Committed without its Step")
	}
	for _, unit := range m.inFlight.Units {
		m.visible.Apply(unit)
	}
	m.inFlight = nil
	return m.sessions.Messages(m.now, assignments{m}, m.repeatAt)
}

// repeatAt has it looked at whether a message to an agent is to be repeated; at 0, never. One timer is enough for all of its messages.
func (m *Machine) repeatAt(at ecs.Time, instance ecs.ID) {
	if at != 0 {
		m.timers.set(at, timer{kind: repeatDue, id: instance})
	}
}

// Root gives the committed state.
func (m *Machine) Root() *root.Root { return m.visible.Publish() }

// WakeAt is when the next Step is due although nothing has been offered; 0 = never.
func (m *Machine) WakeAt() ecs.Time { return m.timers.next() }

// ids makes identifiers from the seed of a step. Most steps need none, so the seed is not looked at before the first.
type ids struct {
	chance *rand.ChaCha8
	seed   Seed
	fresh  bool // chance does not have the seed yet
}

func (i *ids) reset(seed Seed) { i.seed, i.fresh = seed, true }

func (i *ids) draw() uint64 {
	switch {
	case i.chance == nil:
		i.chance = rand.NewChaCha8(i.seed)
	case i.fresh:
		i.chance.Seed(i.seed)
	}
	i.fresh = false
	return i.chance.Uint64()
}

// ID draws an identifier.
func (i *ids) ID() ecs.ID {
	var id ecs.ID
	binary.BigEndian.PutUint64(id[:8], i.draw())
	binary.BigEndian.PutUint64(id[8:], i.draw())
	return id
}

// Deployment draws the number of a deployment: up to 19 digits.
func (i *ids) Deployment() ecs.DeploymentID {
	const nineteenDigits = 9_200_000_000_000_000_000
	return ecs.DeploymentID(i.draw()%nineteenDigits + 1)
}

// Seed draws a number for a choice "at random".
func (i *ids) Seed() uint64 { return i.draw() }
