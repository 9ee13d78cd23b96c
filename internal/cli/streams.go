package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"
)

// Streams is the surroundings of a verb as a value, so that tests can give it others.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// Console is nil unless In and Out are a terminal.
	Console *Console
	// OutColor and ErrColor say whether colours are welcome there, and ErrLive whether lines may be written over.
	OutColor, ErrColor, ErrLive bool
	// Width gives the columns of the terminal behind Err.
	Width  func() int
	Getenv func(string) string
	Now    func() time.Time
	// Signals begins to deliver Ctrl-C, SIGTERM and SIGHUP; stop ends that.
	Signals func() (signals <-chan os.Signal, stop func())
}

// Process gives the streams of this process. Colours are off where NO_COLOR is set (no-color.org) or no terminal is.
func Process() *Streams {
	color := os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	errTerminal := term.IsTerminal(int(os.Stderr.Fd()))
	return &Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Console: processConsole(),
		OutColor: color && term.IsTerminal(int(os.Stdout.Fd())),
		ErrColor: color && errTerminal,
		ErrLive:  errTerminal && os.Getenv("TERM") != "dumb",
		Width:    terminalWidth, Getenv: os.Getenv, Now: time.Now, Signals: processSignals,
	}
}

// narrow is the width that is assumed where none can be had.
const narrow = 80

func terminalWidth() int {
	width, _, err := term.GetSize(int(os.Stderr.Fd()))
	if err != nil || width <= 0 {
		return narrow
	}
	return width
}

// processSignals leaves SIGHUP alone where the process was started to ignore it (nohup).
func processSignals() (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 4) // Ctrl-C is told apart from a second one, more say nothing new
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	signal.Notify(c, signals...)
	return c, func() { signal.Stop(c) }
}

// interruptible gives a context that ends with the first signal.
func (s *Streams) interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	signals, stop := s.Signals()
	go func() {
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
		}
		stop()
	}()
	return ctx, cancel
}

// say writes a line of talk.
func (s *Streams) say(format string, args ...any) { fmt.Fprintf(s.Err, format+"\n", args...) }

// The colours, by what they mean.
const (
	plain  = ""
	good   = "32" // green
	warn   = "33" // yellow
	bad    = "31" // red
	dimmed = "2"
)

// paint colours text for a terminal.
func paint(color bool, with, text string) string {
	if !color || with == plain || text == "" {
		return text
	}
	return "\x1b[" + with + "m" + text + "\x1b[0m"
}
