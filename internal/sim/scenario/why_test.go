package scenario

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ballast/internal/sim"
)

// explained plays a file of scenarios/ with questions, and gives the answers as text, each after its time.
func explained(t *testing.T, name string, q Questions) (*Result, string) {
	t.Helper()
	s, err := Read(filepath.Join(folder, name+Extension))
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Play(Options{Why: q})
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for i := range r.Explanations {
		e := &r.Explanations[i]
		text += Clock(e.At) + "\n"
		for _, line := range e.Lines() {
			text += line.Text + "\n"
		}
	}
	return r, text
}

// TestWhy explains a service at some moments, and changes nothing by that.
func TestWhy(t *testing.T) {
	r, text := explained(t, "target-dependency", Questions{At: []time.Duration{105 * time.Second, 0, 80 * time.Second, 0, 20 * time.Minute}})
	rest := text
	for _, part := range []string{
		"0:00.0\nService web is steady: 4 of 4 tasks are healthy.", "targets  web, port 80 of container app: 4 healthy\n",
		"1:20.0\nService web is replacing unhealthy tasks", "4 tasks are unhealthy: the checks of target group web fail (Health checks failed with these codes: [503])",
		"their replacements have been started",
		"1:45.0\n", "4 unhealthy; 4 draining", "4 tasks are being drained in target group web", "next: in 16s (00:02:01) the first of them is told to stop",
		"20:00.0\nService web is steady",
	} {
		_, after, found := strings.Cut(rest, part)
		if !found {
			t.Fatalf("nothing says %q here:\n%s\nin\n%s", part, rest, text)
		}
		rest = after
	}
	plain, err := r.played(t).Play(Options{})
	if err != nil || plain.Trace != r.Trace || plain.Explanations != nil {
		t.Errorf("without questions: error %v, trace %s; with them %s", err, plain.Trace, r.Trace)
	}
	r.Explanations = nil
	if !bytes.Equal(asJSON(t, plain), asJSON(t, r)) {
		t.Error("questions change what happens")
	}
}

// played reads the file of a result again.
func (r *Result) played(t *testing.T) *Scenario {
	t.Helper()
	s, err := Read(r.File)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestWhyOfSomeServices explains all services, or those named.
func TestWhyOfSomeServices(t *testing.T) {
	at := []time.Duration{time.Minute}
	for _, c := range []struct {
		services []string
		want     string
	}{
		{nil, "neither period grace both"},
		{[]string{"both", "period"}, "period both"},
	} {
		r, _ := explained(t, "slow-start-balanced", Questions{At: at, Services: c.services})
		var names []string
		for _, e := range r.Explanations {
			names = append(names, e.Report.Service)
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%v: explained %s, want %s", c.services, got, c.want)
		}
	}
}

// TestWhyAfterWhatHappens has the timeline's doings at a moment be over when that is explained, and of a service that they create nothing
// be known before.
func TestWhyAfterWhatHappens(t *testing.T) {
	text := strings.Replace(small, "crash: {tasks: 1}", `CreateService: {serviceName: late, taskDefinition: "web:1", desiredCount: 1}`, 1)
	s, err := Parse("late.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Play(Options{Why: Questions{At: []time.Duration{time.Minute - time.Second, time.Minute}}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range r.Explanations {
		got = append(got, Clock(e.At)+" "+e.Report.Service+" "+e.Report.State)
	}
	if got, want := strings.Join(got, ", "), "0:59.0 web steady, 1:00.0 web steady, 1:00.0 late rolling"; got != want {
		t.Errorf("explained %s, want %s", got, want)
	}
	_, err = s.Play(Options{Why: Questions{At: []time.Duration{59 * time.Second}, Services: []string{"late"}}})
	if want := `late.yaml: there is no service "late" at 59s`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestWhyRefuses(t *testing.T) {
	history := &Scenario{File: "file.yaml", History: &sim.History{}}
	if _, err := history.Play(Options{Why: Questions{At: []time.Duration{0}}}); err == nil || err.Error() != "file.yaml: a history is not explained" {
		t.Errorf("a history: error %v", err)
	}
	s, err := Read(filepath.Join(folder, "frozen"+Extension))
	if err != nil {
		t.Fatal(err)
	}
	for want, q := range map[string]Questions{
		"there is nothing to explain at 5m1s: the scenario goes from 0s to 5m": {At: []time.Duration{5*time.Minute + time.Second}},
		"there is nothing to explain 1s before the scenario begins":            {At: []time.Duration{-time.Second}},
		`there is no service "api" to explain; there are web`:                  {At: []time.Duration{0}, Services: []string{"web", "api"}},
		"101 moments are more than the 100":                                    {At: make([]time.Duration, 101)},
	} {
		_, err := s.Play(Options{Why: q})
		if mistake := (*Mistake)(nil); !errors.As(err, &mistake) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
