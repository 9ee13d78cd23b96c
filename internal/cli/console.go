package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"ballast/internal/driver"
)

// Console is the terminal that both standard input and standard output are.
type Console struct {
	// Raw has it pass on every key as it is, Ctrl-C too, until restore.
	Raw  func() (restore func(), err error)
	Size func() driver.Size
	// Resized begins to deliver that the size may have changed; stop ends that.
	Resized func() (changes <-chan os.Signal, stop func())
}

// processConsole gives the terminal of this process, nil where there is none.
func processConsole() *Console {
	in, out := int(os.Stdin.Fd()), int(os.Stdout.Fd())
	if !term.IsTerminal(in) || !term.IsTerminal(out) {
		return nil
	}
	return &Console{
		Raw: func() (func(), error) {
			before, err := term.MakeRaw(in)
			return func() { term.Restore(in, before) }, err
		},
		Size: func() driver.Size {
			columns, rows, err := term.GetSize(out)
			if err != nil {
				return driver.Size{}
			}
			return driver.Size{Rows: uint16(rows), Columns: uint16(columns)}
		},
		Resized: func() (<-chan os.Signal, func()) {
			c := make(chan os.Signal, 1) // one more says nothing new
			signal.Notify(c, syscall.SIGWINCH)
			return c, func() { signal.Stop(c) }
		},
	}
}

// watchSize delivers the size of a console, at once and whenever it changes, until ctx is done or stop is called.
func watchSize(ctx context.Context, c *Console) (sizes <-chan driver.Size, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	changes, ignore := c.Resized()
	out := make(chan driver.Size, 1)
	out <- c.Size()
	go func() {
		defer ignore()
		for {
			select {
			case <-changes:
			case <-ctx.Done():
				return
			}
			select {
			case out <- c.Size():
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, cancel
}
