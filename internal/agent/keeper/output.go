package keeper

import (
	"os"
	"sync"
	"time"

	"ballast/internal/driver"
)

// outputFor is how long the end of a command waits for the last of its output: a process that it left behind may hold it.
const outputFor = 100 * time.Millisecond

// output is what a command writes that nobody is attached to: the beginning is kept, and the rest is read, so that the command never
// waits.
type output struct {
	r        *os.File
	timeout  time.Duration
	deadline time.Time // timeout after the command's beginning
	n        int
	kept     *[driver.MaxOutput]byte
}

// Most commands write little or nothing, and there may be a thousand a second.
var keeps = sync.Pool{New: func() any { return new([driver.MaxOutput]byte) }}

// openOutput makes the output of a command that may take that long. The command's side is to be closed once it has it.
func openOutput(timeout time.Duration) (o *output, child *os.File, err error) {
	r, child, err := outputPipe()
	if err != nil {
		return nil, nil, err
	}
	return &output{r: r, timeout: timeout, kept: keeps.Get().(*[driver.MaxOutput]byte)}, child, nil
}

// begin is for the command's beginning.
func (o *output) begin() {
	o.deadline = time.Now().Add(o.timeout)
	o.r.SetReadDeadline(o.deadline)
}

// read takes what comes until all who could write are gone, or the deadline.
func (o *output) read() {
	for o.n < len(o.kept) {
		n, err := o.r.Read(o.kept[o.n:])
		o.n += n
		if err != nil {
			return
		}
	}
	rest := keeps.Get().(*[driver.MaxOutput]byte)
	defer keeps.Put(rest)
	for {
		if _, err := o.r.Read(rest[:]); err != nil {
			return
		}
	}
}

// hasten is for the command's end.
func (o *output) hasten() { o.r.SetReadDeadline(time.Now().Add(outputFor)) }

func (o *output) text() string { return string(o.kept[:o.n]) }

func (o *output) close() {
	o.r.Close()
	keeps.Put(o.kept)
}
