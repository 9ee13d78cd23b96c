package daemon

import (
	"os"
	"runtime"
	"runtime/debug"
)

const (
	// gcPercent trades processor time, of which an idle server needs hardly any, for memory, of which it should need little.
	gcPercent = 50
	// headroom is what may be allocated from one collection of garbage to the next where little is alive. With gcPercent alone a
	// server with few tasks would collect a dozen times a second under load, and requests wait while it does.
	headroom = 16 << 20
	// spareProcs is how many goroutines may run beyond one for each processor. One that waits for the disk keeps its place among
	// those that run until the runtime takes it away, after 20 us to 10 ms (runtime/proc.go, sysmon), and another goes to the
	// collector of garbage; with two processors that would leave nothing for requests. The kernel shares out the processors.
	spareProcs = 2
)

// ballast counts as alive when the collector decides when to begin. Nothing is ever written to it, so it occupies address space only.
var ballast []byte

// Tune sets up the Go runtime of this process for one that serves. GOMAXPROCS in the environment goes first.
func Tune() {
	debug.SetGCPercent(gcPercent)
	if ballast == nil {
		ballast = make([]byte, headroom*100/gcPercent)
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.SetDefaultGOMAXPROCS()
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + spareProcs)
	}
}
