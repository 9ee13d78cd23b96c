package control

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"ballast/internal/control/journal"
	"ballast/internal/control/root"
	"ballast/internal/ecs"
	"ballast/internal/session"
	"ballast/internal/store"
)

// Bounds of the runner. A command that finds its queue full is told to come again; a report that does is dropped, because
// agents repeat what is not acknowledged.
const (
	commandQueue = 1024
	reportQueue  = 1024
	// reportsPerStep keeps a flood of reports from delaying commands.
	reportsPerStep = 256
)

// A commit that failed is repeated after retryMin, then twice that, up to retryMax.
const (
	retryMin = 20 * time.Millisecond
	retryMax = 2 * time.Second
)

// Control runs a Machine: one goroutine steps it, commits its batches and sends what leaves. Everything else asks that
// goroutine, or reads the committed state.
type Control struct {
	cfg   Config
	store store.Store
	fence store.Fence
	now   func() time.Time

	commands chan request
	reports  chan *session.Report
	silences chan silence
	agents   agents

	machine *Machine
	offered int // commands taken for the next step

	// crowd is how many commands there were around the last commit, those that came in the meantime included.
	crowd      int
	lastCommit time.Duration
	pace       pace

	waiting map[uint64]chan<- Answer
	ticket  uint64
	root    atomic.Pointer[root.Root]
	fault   atomic.Pointer[error] // why commits fail at the moment
	lapsed  <-chan struct{}       // closed when the store does not lead any more; nil where it does not say
	behind  atomic.Bool           // the committed state may be old: another may lead
	done    chan struct{}
}

type request struct {
	command Command
	answer  chan<- Answer
}

// Open leads the store, loads what it has and gives a Control that is ready to Run.
func Open(ctx context.Context, cfg Config, s store.Store, now func() time.Time) (*Control, error) {
	if cfg.Restless == nil {
		cfg.Restless = func(cluster, service string) {
			slog.Error("the decisions on a service do not come to rest; it is left alone for a while", "cluster", cluster, "service", service,
				"pause", restlessPause)
		}
	}
	c := &Control{cfg: cfg, store: s, now: now,
		commands: make(chan request, commandQueue),
		reports:  make(chan *session.Report, reportQueue),
		silences: make(chan silence, reportQueue),
		waiting:  map[uint64]chan<- Answer{},
		done:     make(chan struct{}),
	}
	if err := c.load(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// load makes a fresh machine of what the store has.
func (c *Control) load(ctx context.Context) error {
	fence, err := c.store.Lead(ctx)
	if err != nil {
		return fmt.Errorf("lead the store: %w", err)
	}
	var lapsed <-chan struct{}
	if l, ok := c.store.(store.Lapser); ok {
		lapsed = l.Lapsed()
	}
	m := New(c.cfg)
	err = loadInto(ctx, m, c.store)
	if err != nil {
		return fmt.Errorf("load the store: %w", err)
	}
	m.Loaded(ecs.TimeOf(c.now()))
	c.fence, c.machine, c.lapsed = fence, m, lapsed
	c.root.Store(m.Root())
	return nil
}

// Current refuses, with an *ecs.Error, as long as Root may be older than what another server has committed since.
func (c *Control) Current() error {
	if c.behind.Load() || c.hasLapsed() {
		return ecs.Errorf(ecs.ServerException,
			"This server does not lead any more, or cannot reach its store to know, and waits to lead again; ask the one that leads.")
	}
	return nil
}

// hasLapsed says whether another may lead by now, whatever Run is busy with.
func (c *Control) hasLapsed() bool {
	l, shared := c.store.(store.Lapser)
	if !shared {
		return false
	}
	select {
	case <-l.Lapsed():
		return true
	default:
		return false
	}
}

// Root gives the committed state. It never waits.
func (c *Control) Root() *root.Root { return c.root.Load() }

// Submit has a command carried out and gives its answer once that is durable. Its error is an *ecs.Error, or the context's; then
// the command may still be carried out.
func (c *Control) Submit(ctx context.Context, command Command) (any, error) {
	if fault := c.fault.Load(); fault != nil {
		return nil, serverFault(*fault)
	}
	answer := make(chan Answer, 1)
	select {
	case c.commands <- request{command, answer}:
	default:
		return nil, ecs.Errorf(ecs.ThrottlingException, "Rate exceeded")
	}
	select {
	case a := <-answer:
		return a.Result, a.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.done:
		return nil, ecs.Errorf(ecs.ServerException, "Ballast is shutting down.")
	}
}

// lostOutcome is what clients are told whose change may have been committed or not.
func lostOutcome(cause error) error {
	return ecs.Errorf(ecs.ServerException, "It is not known whether the change took effect: %v. Look before you ask for it again.", cause)
}

// serverFault is what clients are told while nothing can be committed.
func serverFault(cause error) error {
	if errors.Is(cause, store.ErrFenced) || errors.Is(cause, store.ErrUnknown) {
		return ecs.Errorf(ecs.ServerException, "The change has no effect: this server has lost its lead (%v). Ask the one that leads, or again later.", cause)
	}
	return ecs.Errorf(ecs.ServerException,
		"The change could not be made durable and has no effect yet: %v. Ballast keeps trying; reads still answer.", cause)
}

// Run owns the machine until ctx is done. It returns nil then, or why it cannot go on.
func (c *Control) Run(ctx context.Context) error {
	defer close(c.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case r := <-c.commands:
			c.offer(r)
		case r := <-c.reports:
			c.machine.OfferReport(r)
		case s := <-c.silences:
			c.machine.OfferSilence(s.instance, s.session)
		case <-timer.C:
		case <-c.lapsed:
			slog.Warn("another server may lead; waiting to lead again")
			if err := c.reload(ctx, store.ErrFenced); ctx.Err() != nil {
				return nil
			} else if err != nil {
				return err
			}
		}
		c.hold(ctx)
		c.drain()
		c.gather(ctx)
		if err := c.step(ctx); ctx.Err() != nil {
			return nil
		} else if err != nil {
			return err
		}
		resetTimer(timer, c.machine.WakeAt(), c.now())
	}
}

// resetTimer has the timer fire at a moment, or far from now when there is none.
func resetTimer(timer *time.Timer, at ecs.Time, now time.Time) {
	wait := time.Hour
	if at != 0 {
		wait = max(0, at.Std().Sub(now))
	}
	timer.Reset(wait)
}

// drain takes what else waits: every command, and reports up to their bound.
func (c *Control) drain() {
	for range commandQueue {
		select {
		case r := <-c.commands:
			c.offer(r)
			continue
		default:
		}
		break
	}
	for range reportsPerStep {
		select {
		case r := <-c.reports:
			c.machine.OfferReport(r)
			continue
		case s := <-c.silences:
			c.machine.OfferSilence(s.instance, s.session)
			continue
		default:
		}
		break
	}
}

func (c *Control) offer(r request) {
	c.offered++
	c.ticket++
	c.waiting[c.ticket] = r.answer
	c.machine.Offer(c.ticket, r.command)
}

// step makes one batch durable, then lets out what waits for it.
func (c *Control) step(ctx context.Context) error {
	var seed Seed
	rand.Read(seed[:])
	batch := c.machine.Step(ecs.TimeOf(c.now()), seed)
	begin := c.now()
	err := c.commit(ctx, batch)
	took := c.now().Sub(begin)
	switch {
	case c.offered > 0:
		c.crowd, c.lastCommit = c.offered+len(c.commands), took
	case len(batch.Units) > 0:
		c.pace.spend(begin.Add(took), took)
	}
	c.offered = 0
	switch {
	case errors.Is(err, store.ErrFenced), errors.Is(err, store.ErrUnknown):
		slog.Warn("the journal must be read again", "cause", err)
		return c.reload(ctx, err)
	case err != nil:
		return err
	}
	messages := c.machine.Committed(batch.Seq)
	if len(batch.Units) > 0 {
		c.root.Store(c.machine.Root())
	}
	for _, a := range batch.Answers {
		c.answer(a)
	}
	for _, m := range messages {
		c.agents.send(m)
	}
	return nil
}

func (c *Control) answer(a Answer) {
	if to := c.waiting[a.Ticket]; to != nil {
		delete(c.waiting, a.Ticket)
		to <- a
	}
}

// commit makes the units of a batch durable, however long the store has a passing fault. The commands that wait for it are told
// at the first one.
func (c *Control) commit(ctx context.Context, batch *Batch) error {
	units, err := journal.Encode(batch.Units)
	if err != nil {
		return err
	}
	if len(units) == 0 {
		return nil
	}
	for wait := retryMin; ; wait = min(2*wait, retryMax) {
		err := c.store.Commit(ctx, c.fence, units)
		if err == nil {
			if c.fault.Swap(nil) != nil {
				slog.Info("commits succeed again")
			}
			return nil
		}
		if errors.Is(err, store.ErrFenced) || errors.Is(err, store.ErrUnknown) || errors.Is(err, store.ErrTooLarge) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err() // told to end, which is no fault of the store
		}
		if c.fault.Swap(&err) == nil {
			slog.Error("commits fail; nothing new is started until they succeed", "cause", err)
		}
		c.refuse(batch, err)
		if err := c.wait(ctx, wait, err); err != nil {
			return err
		}
	}
}

// refuse tells the commands of a batch that cannot be committed now.
func (c *Control) refuse(batch *Batch, cause error) {
	for _, a := range batch.Answers {
		if a.Err == nil {
			a = Answer{Ticket: a.Ticket, Err: serverFault(cause)}
		}
		c.answer(a)
	}
}

// wait passes the time to the next try, refusing the commands that come in.
func (c *Control) wait(ctx context.Context, wait time.Duration, cause error) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return nil
		case r := <-c.commands:
			r.answer <- Answer{Err: serverFault(cause)}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// reload drops the machine after its place in the journal was lost and starts from what the store has. Agents connect anew.
func (c *Control) reload(ctx context.Context, cause error) error {
	c.fault.Store(&cause) // leading again may take as long as another leader lives
	_, shared := c.store.(store.Lapser)
	c.behind.Store(shared || errors.Is(cause, store.ErrFenced)) // an outcome gets lost where others can lead by then
	told := serverFault
	if errors.Is(cause, store.ErrUnknown) {
		told = lostOutcome
	}
	for ticket := range c.waiting {
		c.answer(Answer{Ticket: ticket, Err: told(cause)})
	}
	c.refuseQueued(cause)
	c.agents.closeAll()
	if err := c.load(ctx); err != nil {
		return fmt.Errorf("after %w: %w", cause, err)
	}
	c.refuseQueued(cause) // of those who asked just as the fault began
	c.fault.Store(nil)
	c.behind.Store(false)
	slog.Warn("leads again, and has read the journal")
	return nil
}

// refuseQueued tells the commands that nobody has taken yet: who asked them may have given up long before they could be carried out.
func (c *Control) refuseQueued(cause error) {
	for {
		select {
		case r := <-c.commands:
			r.answer <- Answer{Err: serverFault(cause)}
		default:
			return
		}
	}
}
