// Package twins plays scenarios with the real program: files of scenarios/, which the simulator plays in virtual time, against
// `ballast up` with processes that really crash, freeze and have too much to do. What a file expects of the simulator is expected
// of the program, in the same words; where time makes a difference, because checks come every five seconds at most and nobody wants
// to wait for hours, the table below says what is expected instead.
//
// So the simulator, which is fast enough for all that people think of, is held against what it stands for. Start reading at twins.
package twins

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ballast/internal/sim/scenario"
	"ballast/test/harness"
)

// folder has the scenarios.
const folder = "../../scenarios"

// twin says how the real program plays a scenario.
type twin struct {
	file string // of scenarios/
	// before says what must be seen before an event of the timeline happens, or scaling; events that are not named happen at once.
	before map[string][]string
	// held says which tasks that begin after an event are not healthy, and get no traffic, until something is seen: so that what
	// happens before they are does not depend on how fast a machine is.
	held map[string]hold
	// live has the expectations of the file for which others are to hold, "" for those that are about the scenario's own times.
	live map[string]string
	// also has what is expected besides.
	also []string
	// unsaid are the kinds of service events that the simulator alone has, for its containers take longer to start.
	unsaid []string

	hurry   float64     // how many times as fast as in the scenario containers exit, stop and leak; 0 is 10
	tags    [][2]string // of the service
	weak    int         // how many tasks can serve the least that the scenario says
	waves   []time.Duration
	wavesOf string // revision: the waves of its starts have these times between them, at least
}

// hold holds back the tasks of a revision until expectations hold.
type hold struct {
	of    string
	until []string
}

// faster is how many times as fast as in the scenario containers do what they do.
func (v *twin) faster() float64 {
	if v.hurry == 0 {
		return 10
	}
	return v.hurry
}

// exe is the built program, which is the server and, as the sample, the application.
var exe string

// together is how many twins are played at the same time: they wait most of the time.
const together = "10"

// urgent is the priority (setpriority(2)) of twins, where this may be had: other packages' tests run beside them, and only here do so many
// things have to happen at their time.
const urgent = -10

// hurry gives every thread of this process, and what they start, that priority. Who is not root goes without.
func hurry() {
	threads, _ := filepath.Glob("/proc/self/task/*")
	for _, thread := range threads {
		if id, err := strconv.Atoi(filepath.Base(thread)); err == nil {
			_ = unix.Setpriority(unix.PRIO_PROCESS, id, urgent)
		}
	}
}

func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", together)
	hurry()
	dir, err := os.MkdirTemp("", "ballast-twins-")
	if err != nil {
		panic(err)
	}
	code := 1
	if exe, err = harness.Build(dir); err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// calm is what holds of a service that nothing is going on in.
var calm = []string{"finally pending = 0", "finally stopping = 0", "finally unhealthy = 0"}

func TestTwins(t *testing.T) {
	for _, v := range twins {
		t.Run(v.file, func(t *testing.T) {
			t.Parallel()
			v.play(t)
		})
	}
}

// play plays a scenario to its end.
func (v *twin) play(t *testing.T) {
	g := newStage(t, v)
	if !g.s.FromCreation {
		g.await("the service is steady", append([]string{`event "has reached a steady state" seen`}, calm...))
		g.zero = time.Now()
	}
	for i := range g.s.Timeline {
		e := &g.s.Timeline[i]
		g.await(e.Name, v.before[e.Name])
		g.perform(e)
	}
	if len(g.s.Scaling) > 0 {
		g.await(scaling, v.before[scaling])
		g.scale()
	}
	g.await("what is expected", v.expected(g.s))
	v.checkWaves(t, g)
	v.checkEvents(t, g)
}

// expected lists what the twin expects, in the words of the scenario.
func (v *twin) expected(s *scenario.Scenario) []string {
	var all []string
	for _, e := range s.Expect {
		text, changed := v.live[e.Text]
		if !changed {
			text = e.Text
		}
		if text != "" {
			all = append(all, text)
		}
	}
	return append(all, v.also...)
}

// slack is how much later than it may a wave may come.
const slack = 5 * time.Second

// checkWaves looks at the times between the waves in which tasks were started.
func (v *twin) checkWaves(t *testing.T, g *stage) {
	var starts []time.Duration
	for _, h := range g.happens() {
		if h.Kind == "started" && h.Revision == v.wavesOf {
			starts = append(starts, time.Duration(h.At))
		}
	}
	const together = 500 * time.Millisecond // the tasks of a wave are started in one step
	var waits []time.Duration
	for i := 1; i < len(starts); i++ {
		if wait := starts[i] - starts[i-1]; wait > together {
			waits = append(waits, wait)
		}
	}
	if len(waits) < len(v.waves) {
		t.Errorf("between waves are %v, want %v", waits, v.waves)
		return
	}
	for i, want := range v.waves {
		if waits[i] < want || waits[i] > want+slack {
			t.Errorf("between waves are %v, want %v", waits, v.waves)
			return
		}
	}
}

// TestTable sees that the table says nothing of what a file does not have.
func TestTable(t *testing.T) {
	for _, v := range twins {
		s, err := scenario.Read(filepath.Join(folder, v.file+scenario.Extension))
		if err != nil {
			t.Error(err)
			continue
		}
		names, texts := map[string]bool{scaling: len(s.Scaling) > 0}, map[string]bool{}
		for _, e := range s.Timeline {
			names[e.Name] = true
		}
		for _, e := range s.Expect {
			texts[e.Text] = true
		}
		for _, name := range slices.Concat(slices.Collect(maps.Keys(v.before)), slices.Collect(maps.Keys(v.held))) {
			if !names[name] {
				t.Errorf("%s: nothing is called %q", v.file, name)
			}
		}
		for text := range v.live {
			if !texts[text] {
				t.Errorf("%s does not expect %q", v.file, text)
			}
		}
	}
}
