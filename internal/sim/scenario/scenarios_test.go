package scenario

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const folder = "../../../scenarios"

type one struct {
	scenario *Scenario
	result   *Result
}

// played gives every file of scenarios/ with what it came to. They are played once for all tests.
var played = sync.OnceValues(func() ([]one, error) {
	files, err := Find(folder)
	if err != nil {
		return nil, err
	}
	var all []one
	for _, file := range files {
		s, err := Read(file)
		if err != nil {
			return nil, err
		}
		r, err := s.Play(Options{Checked: true})
		if err != nil {
			return nil, err
		}
		all = append(all, one{s, r})
	}
	return all, nil
})

func forEach(t *testing.T, do func(t *testing.T, s *Scenario, r *Result)) {
	t.Helper()
	all, err := played()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		t.Run(strings.TrimSuffix(filepath.Base(p.scenario.File), Extension), func(t *testing.T) { do(t, p.scenario, p.result) })
	}
}

// TestScenarios plays every file of scenarios/.
func TestScenarios(t *testing.T) {
	forEach(t, func(t *testing.T, s *Scenario, r *Result) {
		for _, v := range r.Verdicts {
			if !v.Passed {
				t.Errorf("%s:%d: %s: seen %s", filepath.Base(r.File), v.Line, v.Text, v.Seen)
			}
		}
		if len(r.Verdicts) == 0 || s.Source == "" {
			t.Errorf("%s: expects nothing, or does not say where it is written", r.File)
		}
		if t.Failed() {
			for _, l := range r.Lines[:min(len(r.Lines), 40)] {
				t.Logf("%s %s %s", Clock(l.At), l.Kind, l.Text)
			}
		}
	})
}

// numbers are those of an expectation, but for those in names: of revisions, and of events in "since" and "until".
var numbers = regexp.MustCompile(`(of \S+:\d+|(?:since|until) \S+|\d+)`)

// words are what an expectation may end in other than a number, each with another that must not hold as well.
var words = [][2]string{{" seen", " never"}, {" never", " seen"}, {"COMPLETED", "FAILED"}, {" FAILED", " IN_PROGRESS"}, {"IN_PROGRESS", "COMPLETED"},
	{" ROLLBACK_SUCCESSFUL", " ROLLBACK_FAILED"}, {" STOPPED", " ROLLBACK_SUCCESSFUL"}, {" SUCCESSFUL", " STOPPED"}}

// mutations gives an expectation with each of its numbers one more, and one less, or with another word at its end.
func mutations(text string) []string {
	var all []string
	for _, w := range words {
		if begin, ok := strings.CutSuffix(text, w[0]); ok {
			all = append(all, begin+w[1])
		}
	}
	for _, at := range numbers.FindAllStringIndex(text, -1) {
		n, err := strconv.Atoi(text[at[0]:at[1]])
		if err != nil {
			continue // a name
		}
		for _, by := range []int{-1, 1} {
			if n+by >= 0 {
				all = append(all, text[:at[0]]+strconv.Itoa(n+by)+text[at[1]:])
			}
		}
	}
	return all
}

func TestMutations(t *testing.T) {
	got := strings.Join(mutations(`since crash2, event "has started 4 tasks" after = 1m0s`), "; ")
	want := `since crash2, event "has started 3 tasks" after = 1m0s; since crash2, event "has started 5 tasks" after = 1m0s; ` +
		`since crash2, event "has started 4 tasks" after = 0m0s; since crash2, event "has started 4 tasks" after = 2m0s; ` +
		`since crash2, event "has started 4 tasks" after = 1m1s`
	if got != want {
		t.Errorf("got %s", got)
	}
	got = strings.Join(append(mutations(`event "x" never`), mutations("in web, finally rollout of web:2 = FAILED")...), "; ")
	if want := `event "x" seen; in web, finally rollout of web:2 = IN_PROGRESS`; got != want {
		t.Errorf("got %s", got)
	}
}

// TestScenariosAreTight changes every number that the files expect by one, in both directions, and every word that stands in place of
// one: each change must fail. An expectation in which nothing can be changed is of what the scheduler says at the end.
func TestScenariosAreTight(t *testing.T) {
	changes := 0
	forEach(t, func(t *testing.T, s *Scenario, r *Result) {
		for _, e := range s.Expect {
			changed := mutations(e.Text)
			if len(changed) == 0 && e.kind != ofWaits && e.kind != ofChecks && e.kind != ofNever {
				t.Errorf("line %d: %q has nothing that can be changed", e.Line, e.Text)
			}
			for _, text := range changed {
				changed, err := parseExpectation(text)
				if err != nil {
					t.Errorf("%s: %v", text, err)
					continue
				}
				if v := changed.measure(r); v.Passed {
					t.Errorf("line %d: %q holds as well as %q: seen %s", e.Line, text, e.Text, v.Seen)
				}
				changes++
			}
		}
	})
	if changes < 100 {
		t.Errorf("only %d changes were tried", changes)
	}
}

// TestSameSeedSameBytes plays every file again, with another GOMAXPROCS.
func TestSameSeedSameBytes(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.GOMAXPROCS(0)%2 + 1))
	forEach(t, func(t *testing.T, s *Scenario, r *Result) {
		again, err := s.Play(Options{})
		if err != nil {
			t.Fatal(err)
		}
		first, second := asJSON(t, r), asJSON(t, again)
		if !bytes.Equal(first, second) {
			t.Errorf("the second time differs: trace %s, then %s", r.Trace, again.Trace)
		}
	})
}

// TestAnotherSeed sees that the seed means something.
func TestAnotherSeed(t *testing.T) {
	s, err := Read(filepath.Join(folder, "crashing"+Extension))
	if err != nil {
		t.Fatal(err)
	}
	traces := map[string]bool{}
	for seed := range uint64(3) {
		r, err := s.Play(Options{Seed: &seed})
		if err != nil {
			t.Fatal(err)
		}
		if r.Seed != seed || !r.Passed {
			t.Errorf("seed %d: %s", seed, fmt.Sprint(r.Verdicts))
		}
		traces[r.Trace] = true
	}
	if len(traces) != 3 {
		t.Errorf("three seeds give %d traces", len(traces))
	}
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
