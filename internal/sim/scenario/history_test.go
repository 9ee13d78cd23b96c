package scenario

import (
	"strings"
	"testing"
	"time"

	"ballast/internal/sim"
)

// TestAFailedHistoryBecomesAScenario breaks a property on purpose, that no service is ever deleted: what is left of the history when it
// has been made shorter, written as a file and read again, still fails in it, and in nothing else.
func TestAFailedHistoryBecomesAScenario(t *testing.T) {
	o := sim.Draw(3, 2*time.Minute)
	for seed := uint64(3); ; seed++ {
		o = sim.Draw(seed, 2*time.Minute)
		o.Never = []string{"control.DeleteService"}
		if sim.Run(o, nil).Failure != nil {
			break
		}
	}
	small, r := sim.Shrink(o)
	if r.Failure == nil || len(small.Only) > 3 || len(small.Faults) > 0 {
		t.Fatalf("left are %v and %v", small.Only, small.Faults)
	}
	text := small.Scenario(r.Failure)
	s, err := Parse("seed.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	played, err := s.Play(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if played.Passed || played.Trace != r.Trace || len(played.Verdicts) != 2 || !played.Verdicts[0].Passed || played.Verdicts[1].Passed {
		t.Errorf("it came to %+v, trace %s, want %s, of\n%s", played.Verdicts, played.Trace, r.Trace, text)
	}
	if n := len(played.Lines); n < 2 || !strings.Contains(played.Lines[n-2].Text, "DeleteService") {
		t.Errorf("it tells %v", played.Lines)
	}
	mended := strings.Replace(text, `  - never "control.DeleteService"`, "", 1)
	if s, err = Parse("seed.yaml", []byte(mended)); err != nil {
		t.Fatal(err)
	}
	if played, err = s.Play(Options{}); err != nil || !played.Passed {
		t.Errorf("error %v, %+v", err, played)
	}
}

func TestMistakesInHistories(t *testing.T) {
	const good = "scenario: a\nhistory:\n  seed: 1\n  longest: 30s\nexpect:\n  - checks hold\n"
	if _, err := Parse("file.yaml", []byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"  seed: 1\n", "", `file.yaml:3: a history: "seed" is missing`},
		{"longest: 30s", "longest: 25h", "file.yaml:3: a history: want a second to 24h0m0s"},
		{"longest: 30s", "lngest: 30s", `file.yaml:4: a history has no field "lngest"`},
		{"longest: 30s", "without: [gravity]", `file.yaml:4: the history of seed 1 has no "gravity"; it has `},
		{"scenario: a", "scenario: a\nuntil: 5m", `file.yaml:2: "until" does not go with a history`},
		{"checks hold", "started = 1", `file.yaml:6: of a history "checks hold" and never "TEXT" may be expected`},
	} {
		if _, err := Parse("file.yaml", []byte(strings.Replace(good, c.old, c.new, 1))); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %s", c.new, err, c.want)
		}
	}
	withChecks := strings.Replace(small, "started = 1", "checks hold", 1)
	if _, err := Parse("file.yaml", []byte(withChecks)); err == nil || !strings.Contains(err.Error(), `file.yaml:17: "checks hold" goes with a history`) {
		t.Errorf("got %v", err)
	}
}
