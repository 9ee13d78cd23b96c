package sim_test

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"ballast/internal/sim"
	"ballast/internal/sim/scenario"
)

var (
	seeds   = flag.Int("seeds", 50, "how many random histories to play")
	lowest  = flag.Uint64("first", 1, "the seed of the first of them")
	oneSeed = flag.Uint64("seed", 0, "play the history of this seed only")
	longest = flag.Duration("longest", 0, "how long things may break at most, in virtual time; 0 = 12m, under -race 2m")
	print   = flag.Bool("print", false, "print the trace")
	shrink  = flag.Bool("shrink", true, "look for a shorter history that fails as well")
)

func longestFaulty() time.Duration {
	switch {
	case *longest != 0:
		return *longest
	case underRace: // ten times slower, and there is one goroutine only
		return 2 * time.Minute
	}
	return 12 * time.Minute
}

// TestSeeds plays random histories, each twice: the second is read from the file to which the first was written, and must give the same
// bytes with another GOMAXPROCS.
func TestSeeds(t *testing.T) {
	from, n := *lowest, *seeds
	if *oneSeed != 0 {
		from, n = *oneSeed, 1
	}
	for seed := from; seed < from+uint64(n); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { play(t, sim.Draw(seed, longestFaulty())) })
	}
}

func play(t *testing.T, o sim.Options) {
	var to io.Writer
	if *print {
		to = os.Stdout
	}
	r := sim.Run(o, to)
	if r.Failure != nil {
		t.Fatalf("seed %d: %v\n%s", o.Seed, r.Failure, advice(r))
	}
	text := scenario.WriteHistory(r.History, nil)
	written, err := scenario.Parse("history.yaml", text)
	if err != nil {
		t.Fatalf("seed %d: %v in\n%s", o.Seed, err, text)
	}
	procs := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(procs%2 + 1)
	again := sim.Replay(written.History, nil)
	runtime.GOMAXPROCS(procs)
	if again.Trace != r.Trace {
		t.Fatalf("seed %d: the history gave %s after %d events, and read from its file %s after %d", o.Seed, r.Trace, r.Events, again.Trace,
			again.Events)
	}
	t.Logf("%v: %d events, %d commits, %d tasks, %d deeds, trace %s", r.Virtual.Round(time.Second), r.Events,
		r.Steps, r.Tasks, len(r.History.Deeds), r.Trace[:16])
}

// advice says how to play a failed history again, and a shorter one.
func advice(r sim.Result) string {
	h := r.History
	again := fmt.Sprintf("again: go test ./internal/sim -run TestSeeds -count=1 -v -args -print -seed=%d -longest=%v", h.Seed, longestFaulty())
	if *shrink {
		h, r = sim.Shrink(h)
	}
	file := filepath.Join(os.TempDir(), fmt.Sprintf("ballast-seed-%d.yaml", h.Seed))
	if err := os.WriteFile(file, scenario.WriteHistory(h, r.Failure), 0o644); err != nil {
		return again
	}
	return fmt.Sprintf("%s\nof it, %d deeds fail as well: ballast simulate %s\n%v", again, len(h.Deeds), file, r.Failure)
}
