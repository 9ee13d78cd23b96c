// Package keeper is the parent of the processes of one container instance: a process of its own, the same binary in a session of
// its own, so that a container never notices when the server ends, by whatever means. It starts containers, waits for them, keeps
// how they ended and owns their logs. It decides nothing: it never starts a container twice and never restarts one.
//
// What must outlive the keeper is under its directory, written before the move it speaks of:
//
//	keeper.lock, keeper.sock         one keeper per directory, and how to reach it
//	containers/<task>.<name>.<n>.*   the record of a container, begun before the fork
//	logs/<task>/<name>.*             see package logfile
//
// A container's environment is never written. It holds its output pipes open for reading as well: when the keeper is killed it
// meets no broken pipe, and at worst waits, once 64 KiB are unread, until the next keeper reads on. That one finds containers by
// their record, a marker in their environment, and pid + start time + boot id.
//
// Start reading at Run (the keeper), Spawn and Dial (its client).
package keeper

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"ballast/internal/driver"
	"ballast/internal/logfile"
)

// Bounds of a keeper.
const (
	// IdleAfter is how long a keeper without containers and clients stays, so that a server that restarts finds it.
	IdleAfter = time.Minute
	// maxConns bounds the clients: one server, its successor, and people who look.
	maxConns = 32
	// maxCalls bounds the calls under way per client: stops of every container of a large machine at once.
	maxCalls = 4096
	// maxQueue bounds the messages that wait for a slow client before it is cut off.
	maxQueue = 4096
	// drainFor is how long the end of a container waits for its last output once nothing of it runs.
	drainFor = time.Second
)

// Config says how a keeper runs.
type Config struct {
	Dir       string         // the data directory of the container instance's keeper
	IdleAfter time.Duration  // 0 means IdleAfter
	Logs      logfile.Limits // zero means logfile.DefaultLimits
	NoCgroups bool           // find the processes of a container by their marker even where control groups are to be had
}

// keeper is the state of a running keeper.
type keeper struct {
	dir      string
	logs     *logs
	cgroup   string // directory of the keeper's control group, "" where there is none
	controls controls
	forks    chan struct{} // holds the starts under way
	limits   chan struct{} // holds the processes that set limits to themselves
	starts   *forker       // of containers
	commands *forker       // of what is run in containers
	null     *os.File      // what commands read to whom nobody is attached
	scans    scanner
	idle     time.Duration

	mu         sync.Mutex
	containers map[driver.Key]*container
	seq        uint64
	mains      map[int]*container // first processes that are children of this keeper, by pid
	execs      map[int]*execution // commands run in containers, by pid
	births     births             // of children that are in neither
	conns      map[*conn]bool
	attached   int
	timer      *time.Timer
	overseeing bool
	leaving    bool // asked to end as soon as nothing runs
	over       chan struct{}
	ended      bool

	nesting sync.Mutex // held while groups of tasks are made and left

	counting   sync.Mutex // guards the following
	lastCensus census
}

// Run is the life of a keeper. It returns nil when the keeper is no longer needed or another one serves the directory. When ctx
// ends it returns and leaves its containers to the next keeper. It handles the signals of its process itself.
func Run(ctx context.Context, cfg Config) error {
	ready := takeReady()
	err := run(ctx, cfg, ready)
	ready.say(err)
	return err
}

func run(ctx context.Context, cfg Config, ready *ready) error {
	if err := secureDir(cfg.Dir); err != nil {
		return err
	}
	if err := os.MkdirAll(containersPath(cfg.Dir), 0o700); err != nil {
		return fmt.Errorf("make the keeper's directory: %w", err)
	}
	lock, err := lockDir(ctx, cfg.Dir)
	if errors.Is(err, errServed) {
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	// Handled, not ignored: an ignored signal would be ignored by the containers too.
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGPIPE)
	defer signal.Stop(signals)
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	defer signal.Stop(children)
	if err := becomeSubreaper(); err != nil {
		return fmt.Errorf("adopt orphans: %w", err)
	}
	k := open(cfg)
	defer leaveGroups(k.cgroup, []string{k.controls.memory1, k.controls.cpu1}) // they stay if containers do
	if err := k.openForkers(); err != nil {
		return err
	}
	defer k.starts.close()
	defer k.commands.close()
	if err := k.load(); err != nil {
		return err
	}
	listener, err := listen(cfg.Dir)
	if err != nil {
		return err
	}
	defer os.Remove(socketPath(cfg.Dir))
	defer listener.Close()
	go k.accept(listener)
	k.mu.Lock()
	k.rest()
	k.mu.Unlock()
	ready.say(nil)
	debug.FreeOSMemory()
	k.loop(ctx, signals, children)
	return nil
}

func open(cfg Config) *keeper {
	if cfg.IdleAfter == 0 {
		cfg.IdleAfter = IdleAfter
	}
	if cfg.Logs == (logfile.Limits{}) {
		cfg.Logs = logfile.DefaultLimits
	}
	cgroup, controls := "", controls{}
	if !cfg.NoCgroups {
		cgroup, controls = makeCgroups(cfg.Dir)
	}
	return &keeper{
		dir: cfg.Dir, idle: cfg.IdleAfter,
		logs:       &logs{dir: cfg.Dir, limits: cfg.Logs, open: map[logKey]*openLog{}},
		cgroup:     cgroup,
		controls:   controls,
		forks:      make(chan struct{}, 2*runtime.NumCPU()),
		limits:     make(chan struct{}, 2*runtime.NumCPU()),
		containers: map[driver.Key]*container{},
		mains:      map[int]*container{},
		execs:      map[int]*execution{},
		conns:      map[*conn]bool{},
		over:       make(chan struct{}),
	}
}

// openForkers begins what makes processes, while the keeper has few descriptors. Its lock is one of them: a child between fork and
// exec has to hold it, see lockDir.
func (k *keeper) openForkers() (err error) {
	if k.null, err = os.Open(os.DevNull); err != nil {
		return fmt.Errorf("open what commands read: %w", err)
	}
	if k.starts, err = newForker(nil); err != nil {
		return err
	}
	k.commands, err = newForker(func() { k.reap(thisThread) })
	return err
}

func (k *keeper) loop(ctx context.Context, signals, children <-chan os.Signal) {
	round := time.NewTimer(0)
	defer round.Stop()
	var next time.Time // of the next round
	ends, heard := children, time.NewTimer(0)
	defer heard.Stop()
	for {
		select {
		case <-ends:
			k.commands.call()
			round.Reset(time.Until(next))
			ends = nil
			heard.Reset(endsRest)
		case <-heard.C:
			ends = children
		case <-round.C:
			began := time.Now()
			k.reap(wholeKeeper)
			next = time.Now().Add(restAfter(time.Since(began)))
		case s := <-signals:
			if s == syscall.SIGTERM { // the machine goes down: containers are told by whoever told us
				k.leave()
			}
		case <-k.over:
			return
		case <-ctx.Done():
			return
		}
	}
}

// leave ends the keeper as soon as no container runs.
func (k *keeper) leave() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.leaving = true
	k.rest()
}

// rest looks, with mu held, whether the keeper is still needed, and ends it when it is not for long enough.
func (k *keeper) rest() {
	if k.timer != nil {
		k.timer.Stop()
		k.timer = nil
	}
	if !k.leaving && len(k.conns) > 0 {
		return // without a look at all containers, for this is asked often
	}
	running, waiting := k.counts()
	switch {
	case k.ended || running > 0 || k.births.underWay() > 0:
	case k.leaving:
		k.ended = true
		close(k.over)
	case waiting == 0 && len(k.conns) == 0:
		k.timer = time.AfterFunc(k.idle, k.leaveIfIdle)
	}
}

func (k *keeper) leaveIfIdle() {
	k.mu.Lock()
	defer k.mu.Unlock()
	running, waiting := k.counts()
	if running+waiting+k.births.underWay()+len(k.conns) == 0 && !k.ended {
		k.ended = true
		close(k.over)
	}
}

// counts says, with mu held, how many containers run and how many wait to be started.
func (k *keeper) counts() (running, waiting int) {
	for _, c := range k.containers {
		switch c.state {
		case driver.Running:
			running++
		case driver.Created:
			waiting++
		}
	}
	return running, waiting
}

// errServed says that another keeper serves the directory.
var errServed = errors.New("another keeper serves this directory")

// lockDir takes the directory's lock. It waits for a keeper that is ending: a child between fork and exec holds the lock, too, so
// with the lock held every child that a killed keeper forked carries its marker.
func lockDir(ctx context.Context, dir string) (*os.File, error) {
	f, err := os.OpenFile(lockPath(dir), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the keeper's lock: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, lockFor)
	defer cancel()
	for {
		err := flock(f)
		if err == nil {
			return f, nil
		}
		if c, err := dial(ctx, dir); err == nil {
			c.Close()
			f.Close()
			return nil, errServed
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("lock the keeper's directory: %w", err)
		case <-time.After(lockEvery):
		}
	}
}

// lockFor bounds the wait for another keeper's end, lockEvery is the pause between two looks.
const (
	lockFor   = 5 * time.Second
	lockEvery = 5 * time.Millisecond
)

// accept serves clients until the listener is closed.
func (k *keeper) accept(l net.Listener) {
	for {
		nc, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of descriptors: let some connection end
			time.Sleep(lockEvery)
			continue
		}
		k.serve(nc)
	}
}
