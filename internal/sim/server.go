package sim

import (
	"context"
	"encoding/binary"
	"time"

	"ballast/internal/control"
	"ballast/internal/control/root"
	"ballast/internal/control/sessions"
	"ballast/internal/ecs"
	"ballast/internal/session"
	"ballast/internal/store"
	"ballast/internal/store/mem"
)

// server does for control.Machine what control's run.go does in production: it steps it, commits its batches and lets out what
// leaves, but on a disk and under a clock that fail as they are told.
type server struct {
	w      *World
	cfg    control.Config
	clock  clock
	seeds  stream // of the steps
	delays stream
	disk   disk

	machine *control.Machine // nil while control is down
	now     ecs.Time         // as the machine has it
	root    *root.Root       // what readers see
	keeps   bool             // somebody keeps roots for longer than until the next commit
	fence   store.Fence
	life    int // grows with every machine; what was put down for an older one is void

	inbox   []func(*control.Machine)
	busy    bool // a step is on the agenda, or its commit under way
	commit  *commit
	failing bool // commits meet a passing fault
	wakeup  *wakeup
	stepped func() // calls step

	ticket  uint64
	waiting map[uint64]*request
	conns   map[ecs.ID]*conn

	started ecs.Time            // when this machine was loaded
	heard   map[ecs.ID]ecs.Time // when anything of a container instance arrived last, in the world's time
}

// request is a command on its way.
type request struct {
	command control.Command
	done    func(Reply)
}

// Reply is what a client learns about its command. Unknown says that it may or may not have been carried out.
type Reply struct {
	Result  any
	Err     error
	Unknown bool
}

func newServer(w *World, cfg control.Config) *server {
	s := &server{w: w, cfg: cfg, clock: clock{w: w}, seeds: newStream(w.seed, "control"),
		delays: newStream(w.seed, "control/delay"), disk: disk{store: mem.New(), chance: newStream(w.seed, "disk")},
		waiting: map[uint64]*request{}, conns: map[ecs.ID]*conn{}, heard: map[ecs.ID]ecs.Time{}}
	s.stepped = s.step
	return s
}

// later has something happen to this life of control.
func (s *server) later(d time.Duration, do func()) {
	s.w.put(d, event{do: do, life: &s.life, born: s.life})
}

// start makes a machine of what the disk has.
func (s *server) start() {
	s.life++
	s.disk.store = s.disk.store.Reopen()
	fence, err := s.disk.store.Lead(context.Background())
	if err != nil {
		s.w.fail("control starts", "lead: %v", err)
		return
	}
	m := control.New(s.cfg)
	if err := s.disk.store.Load(context.Background(), m.Load); err != nil {
		s.w.fail("control starts", "load: %v", err)
		return
	}
	s.now = s.clock.now()
	m.Loaded(s.now)
	s.machine, s.fence, s.root = m, fence, s.show(m)
	s.busy, s.commit, s.failing, s.started = false, nil, false, s.w.now
	s.wakeup = newWakeup(s.w, s.later, s.stepSoon)
	s.w.note("control  starts")
	for _, o := range s.w.observers {
		o.Loaded(m, s.root)
	}
	s.stepSoon()
}

// crash ends control in the midst of whatever it does; a commit under way may get as far as it likes.
func (s *server) crash() {
	if s.machine == nil {
		return
	}
	s.w.note("control  crashes")
	if s.commit != nil {
		s.commit.crash()
	}
	s.inbox = nil
	s.drop()
	s.machine = nil
	s.life++
}

// reload drops the machine after its place in the journal was lost, and starts from what the disk has. What waits in the inbox
// is for the next machine.
func (s *server) reload() {
	s.w.note("control  reloads")
	s.drop()
	s.start()
}

// drop tells everyone who waits for control that they wait in vain.
func (s *server) drop() {
	for ticket := uint64(1); ticket <= s.ticket; ticket++ {
		s.answer(control.Answer{Ticket: ticket}, true)
	}
	for _, h := range s.w.hosts {
		if c := s.conns[h.cfg.Instance]; c != nil {
			s.w.network.serverCloses(c)
		}
	}
	clear(s.conns)
}

// submit sends a command; done is called once.
func (s *server) submit(command control.Command, done func(Reply)) {
	s.w.after(s.delays.between(0, 3*time.Millisecond), func() {
		switch {
		case s.machine == nil:
			done(Reply{Err: errDown})
		case s.failing:
			done(Reply{Err: errFailing})
		default:
			s.take(func(m *control.Machine) {
				s.ticket++
				s.waiting[s.ticket] = &request{command, done}
				s.w.note("client   %d: %T", s.ticket, command)
				s.w.trace.value(command)
				m.Offer(s.ticket, command)
			})
		}
	})
}

var (
	errDown    = ecs.Errorf(ecs.ServerException, "control is down")
	errFailing = ecs.Errorf(ecs.ServerException, "commits fail")
)

func (s *server) answer(a control.Answer, unknown bool) {
	r := s.waiting[a.Ticket]
	if r == nil {
		return
	}
	delete(s.waiting, a.Ticket)
	s.w.note("client   %d: answered unknown=%v err=%v", a.Ticket, unknown, a.Err)
	r.done(Reply{Result: a.Result, Err: a.Err, Unknown: unknown})
}

// hear takes a report that has arrived.
func (s *server) hear(c *conn, r *session.Report) {
	if s.machine == nil {
		return
	}
	s.heard[r.Instance] = s.w.now
	if old := s.conns[r.Instance]; c.atServer && c.life == s.life && (old == nil || old.number < c.number) {
		if old != nil {
			s.w.network.serverCloses(old)
		}
		s.conns[r.Instance] = c
	}
	s.take(func(m *control.Machine) { m.OfferReport(r) })
}

// broke notes that a connection has ended.
func (s *server) broke(c *conn) {
	c.atServer = false
	if id := c.host.cfg.Instance; s.conns[id] == c {
		delete(s.conns, id)
		s.take(func(m *control.Machine) { m.OfferSilence(id, c.session) })
	}
}

func (s *server) take(input func(*control.Machine)) {
	s.inbox = append(s.inbox, input)
	s.stepSoon()
}

func (s *server) stepSoon() {
	if !s.busy {
		s.busy = true
		s.later(s.delays.between(0, 2*time.Millisecond), s.stepped)
	}
}

// step has the machine take what waits and commits what comes of it.
func (s *server) step() {
	for _, input := range s.inbox {
		input(s.machine)
	}
	clear(s.inbox)
	s.inbox = s.inbox[:0]
	var seed control.Seed
	for i := 0; i < len(seed); i += 8 {
		binary.LittleEndian.PutUint64(seed[i:], s.seeds.Uint64())
	}
	s.now = max(s.now, s.clock.now())
	batch := s.machine.Step(s.clock.now(), seed)
	c, err := newCommit(s, batch)
	if err != nil {
		s.w.fail("batches can be encoded", "%v", err)
		return
	}
	s.commit = c
	c.begin()
}

// committed lets out what waited for a commit.
func (s *server) committed(batch *control.Batch) {
	s.commit, s.failing = nil, false
	messages := s.machine.Committed(batch.Seq)
	s.root = s.show(s.machine)
	for _, a := range batch.Answers {
		s.answer(a, false)
	}
	for i := range messages {
		m := &messages[i]
		s.noteMessage(m)
		if c := s.conns[m.Instance]; c != nil {
			s.w.network.down(c, &m.Assignments)
		}
	}
	for _, o := range s.w.observers {
		o.Committed(s.machine, s.now, s.root)
	}
	s.busy = false
	if len(s.inbox) > 0 {
		s.stepSoon()
		return
	}
	s.sleep()
}

func (s *server) noteMessage(m *sessions.Message) {
	if !s.w.trace.onlyBrief {
		s.w.note("control  to %s: session %d seq %d ack %d manifest=%v tasks %d %s", short(m.Instance), m.Session, m.Seq, m.Ack,
			m.Manifest, len(m.Tasks), m.Refused)
		s.w.trace.value(m.Assignments)
	}
}

// show gives what readers see now. As long as nobody keeps it, nothing need be copied.
func (s *server) show(m *control.Machine) *root.Root {
	if s.keeps {
		return m.Root()
	}
	return m.Present()
}

// sleep has the machine woken when it asks to be. The wait is measured when it begins: setting the clock later does not change
// it, as with timers of the operating system.
func (s *server) sleep() {
	at := s.machine.WakeAt()
	if at != 0 {
		at = s.w.now.Add(max(0, at.Sub(s.clock.now())))
	}
	s.wakeup.at(at)
}

func short(id ecs.ID) string { return id.String()[:6] }
