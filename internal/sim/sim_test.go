package sim

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	seeds   = flag.Int("seeds", 50, "how many random histories to play")
	lowest  = flag.Uint64("first", 1, "the seed of the first of them")
	oneSeed = flag.Uint64("seed", 0, "play the history of this seed only")
	longest = flag.Duration("longest", 0, "how long things may break at most, in virtual time; 0 = 12m, under -race 2m")
	only    = flag.String("only", "", "let only these operations and strikes happen, as a failure lists them")
	without = flag.String("without", "", "let these faults and behaviours not occur, as a failure lists them")
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

// TestSeeds plays random histories, each twice: the second must give the same bytes with another GOMAXPROCS.
func TestSeeds(t *testing.T) {
	from, n := *lowest, *seeds
	if *oneSeed != 0 {
		from, n = *oneSeed, 1
	}
	for seed := from; seed < from+uint64(n); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { play(t, flagged(Draw(seed, longestFaulty()))) })
	}
}

// flagged gives options as the flags change them.
func flagged(o Options) Options {
	for name := range strings.SplitSeq(*without, ",") {
		o = o.Without(name)
	}
	if *only != "" {
		o.Only = strings.Split(*only, ",")
	}
	return o
}

func play(t *testing.T, o Options) {
	var to io.Writer
	if *print {
		to = os.Stdout
	}
	r := Run(o, to)
	if r.Failure != nil {
		t.Fatalf("seed %d: %v\n%s", o.Seed, r.Failure, advice(o))
	}
	procs := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(procs%2 + 1)
	again := Run(o, nil)
	runtime.GOMAXPROCS(procs)
	if again.Trace != r.Trace {
		t.Fatalf("seed %d: the same seed gave %s after %d events, then %s after %d", o.Seed, r.Trace, r.Events, again.Trace,
			again.Events)
	}
	t.Logf("%v: %d events, %d commits, %d tasks, %d operations and strikes, trace %s", r.Virtual.Round(time.Second), r.Events,
		r.Steps, r.Tasks, len(r.Happened), r.Trace[:16])
}

// advice says how to play a failed history again, and a shorter one.
func advice(o Options) string {
	replay := func(o Options) string {
		return fmt.Sprintf("go test ./internal/sim -run TestSeeds -count=1 -v -args -print -seed=%d -longest=%v", o.Seed, longestFaulty())
	}
	text := "again: " + replay(o)
	if !*shrink {
		return text
	}
	small, r := Shrink(o)
	var left []string
	for _, name := range append(o.Faults, o.Behaviours...) {
		if !slices.Contains(small.Faults, name) && !slices.Contains(small.Behaviours, name) {
			left = append(left, name)
		}
	}
	file := filepath.Join(os.TempDir(), fmt.Sprintf("ballast-seed-%d.yaml", o.Seed))
	if err := os.WriteFile(file, []byte(small.Scenario(r.Failure)), 0o644); err == nil {
		text += "\nfor ballast simulate: " + file
	}
	return fmt.Sprintf("%s\nshorter: %s -without='%s' -only='%s'\n%v", text, replay(small), strings.Join(left, ","),
		strings.Join(small.Only, ","), r.Failure)
}
