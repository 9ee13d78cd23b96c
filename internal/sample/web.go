package sample

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// Web is the sample application and its configuration; a command line fills it by the tags. What is said here about times
// counts from the start of the process; a nil time means never.
type Web struct {
	Host    string `help:"Address to listen on." env:"SAMPLE_HOST,HOST" default:"127.0.0.1"`
	Port    int    `help:"Port to listen on; 0 takes a free one." env:"SAMPLE_PORT,PORT" default:"8080"`
	Message string `help:"First word of every answer; a version, for instance." env:"SAMPLE_MESSAGE" default:"hello"`
	Task    string `help:"Name of the task in every answer. Default: the name of the host." env:"SAMPLE_TASK,ECS_TASK"`

	StartDelay     time.Duration  `help:"Listen only after this time." env:"SAMPLE_START_DELAY" default:"0s"`
	CrashAfter     *time.Duration `help:"Crash after this time, leaving requests unanswered." env:"SAMPLE_CRASH_AFTER"`
	CrashCode      int            `help:"Exit code of that crash." env:"SAMPLE_CRASH_CODE" default:"1"`
	ExitAfter      *time.Duration `help:"Exit after this time, when requests under way are answered." env:"SAMPLE_EXIT_AFTER"`
	ExitCode       int            `help:"Exit code of that exit." env:"SAMPLE_EXIT_CODE" default:"0"`
	FreezeAfter    *time.Duration `help:"After this time accept connections, but answer and log nothing." env:"SAMPLE_FREEZE_AFTER"`
	UnhealthyAfter *time.Duration `help:"After this time answer /health with 503." env:"SAMPLE_UNHEALTHY_AFTER"`
	UnhealthyFor   time.Duration  `help:"Recover after this time of 503; 0s means not by itself." env:"SAMPLE_UNHEALTHY_FOR" default:"0s"`
	LeakMiB        int            `name:"leak-mib" help:"Leak so many MiB of memory per second." env:"SAMPLE_LEAK_MIB" default:"0"`
	Capacity       int            `help:"Answer only after 10s when more requests come per second, on average over 4s; 0 is any number." env:"SAMPLE_CAPACITY" default:"0"`
	Needs          []string       `placeholder:"URL" help:"Answer /health with 503 while this URL does not answer with status 2xx. Several are separated by commas." env:"SAMPLE_NEEDS"`
	StopDelay      time.Duration  `help:"On SIGTERM and SIGINT go on for so long before stopping." env:"SAMPLE_STOP_DELAY" default:"0s"`
	IgnoreTerm     bool           `help:"Ignore SIGTERM." env:"SAMPLE_IGNORE_TERM"`
}

// Help is shown with the flags.
func (w *Web) Help() string {
	return `One copy can be told the same while it runs: GET / lists how.

On SIGTERM and SIGINT it stops listening, answers the requests under way and exits with 0. A second signal, or ` + grace.String() + `, cuts them short. Frozen, it exits at once.`
}

// Run serves until ctx is over, a signal comes or the application is told to end. The error is nil for exit code 0, an
// ExitError for another one that was asked for, and anything else if w makes no sense or the address cannot be listened on.
func (w *Web) Run(ctx context.Context, stdout io.Writer) error {
	orders, err := w.orders()
	if err != nil {
		return err
	}
	name := w.Task
	if name == "" {
		host, err := os.Hostname()
		name = cmp.Or(host, "unnamed")
		if err != nil {
			name = "unnamed"
		}
	}
	signals := make(chan os.Signal, maxSignals)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	defer signal.Stop(signals)

	greeting := fmt.Sprintf("%s from %s (pid %d)", w.Message, name, os.Getpid())
	a := newApp(greeting, stdout)
	a.needs = w.Needs
	r := runner{app: a, stopDelay: w.StopDelay, address: net.JoinHostPort(w.Host, strconv.Itoa(w.Port)), signals: signals}
	return r.run(ctx, orders)
}

// orders says in orders what w asks for.
func (w *Web) orders() ([]order, error) {
	if w.Port < 0 || w.Port > 65535 {
		return nil, fmt.Errorf("port %d: want 0 to 65535", w.Port)
	}
	if w.StopDelay < 0 || w.StopDelay > maxAfter {
		return nil, fmt.Errorf("stop after %v: want 0s to %v", w.StopDelay, maxAfter)
	}
	list := []order{{verb: listen, after: w.StartDelay}}
	add := func(at *time.Duration, o order) {
		if at != nil {
			o.after = *at
			list = append(list, o)
		}
	}
	atOnce := new(time.Duration)
	add(w.CrashAfter, order{verb: crash, code: w.CrashCode})
	add(w.ExitAfter, order{verb: exit, code: w.ExitCode})
	add(w.FreezeAfter, order{verb: freeze})
	add(w.UnhealthyAfter, order{verb: unhealthy, lasts: w.UnhealthyFor})
	if w.LeakMiB != 0 {
		add(atOnce, order{verb: leak, mibPerSec: w.LeakMiB})
	}
	if w.Capacity != 0 {
		add(atOnce, order{verb: capacity, perSec: w.Capacity})
	}
	if w.IgnoreTerm {
		add(atOnce, order{verb: ignoreTerm, on: true})
	}
	var errs []error
	for _, o := range list {
		errs = append(errs, o.check())
	}
	return list, errors.Join(errs...)
}
