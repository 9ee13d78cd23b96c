package twins

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/sim/scenario"
)

// particular is what differs between events of the same kind: what is in parentheses, numbers, and plurals.
var particular = regexp.MustCompile(`\([^)]*\)|\d+|(?:task|deployment) [0-9a-z/-]*[0-9][0-9a-z/-]*`)

// kinds gives the kinds of service events in the order in which they are first said.
func kinds(messages []string) []string {
	var all []string
	for _, m := range messages {
		m, _, _ = strings.Cut(m, ":") // what follows are tasks
		kind := strings.Join(strings.Fields(particular.ReplaceAllString(m, "")), " ")
		if !slices.Contains(all, kind) {
			all = append(all, kind)
		}
	}
	return all
}

// simulated gives the service events that the simulator says.
func simulated(r *scenario.Result) []string {
	var all []string
	for _, l := range r.Lines {
		if l.Kind == scenario.ServiceEvent {
			all = append(all, l.Text)
		}
	}
	return all
}

// said gives the service events that the program says since the scenario began.
func (g *stage) said() []string {
	var all []string
	for _, e := range g.events {
		if g.since(epoch(*e.CreatedAt)) >= 0 {
			all = append(all, *e.Message)
		}
	}
	return all
}

// checkEvents sees that the program begins to say all kinds of events that the simulator says, in the same order.
func (v *twin) checkEvents(t *testing.T, g *stage) {
	r, err := g.s.Play(scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := slices.DeleteFunc(kinds(simulated(r)), func(kind string) bool { return slices.Contains(v.unsaid, kind) })
	var got []string
	for end := time.Now().Add(limit); len(got) < len(want) && time.Now().Before(end); time.Sleep(pause) {
		g.look()
		got = slices.DeleteFunc(kinds(g.said()), func(kind string) bool { return !slices.Contains(want, kind) })
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kinds of service events, as they are said first (-simulator +program):\n%s", diff)
	}
}
