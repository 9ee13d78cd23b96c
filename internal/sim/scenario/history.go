package scenario

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"ballast/internal/ecs"
	"ballast/internal/sim"
)

// longestHistory bounds the time in which things break in a random history.
const longestHistory = 24 * time.Hour

// readHistory reads a random history of package sim, as a failed one is written. What it says wins over what its seed draws.
func (s *Scenario) readHistory(n *yaml.Node) error {
	var seed, clusters, hosts, services int
	var faulty time.Duration
	var without, only []string
	longest := 12 * time.Minute
	err := readFields(n, "a history", map[string]field{
		"seed":     readCount(&seed, 0, 1<<31-1),
		"longest":  readDuration(&longest),
		"faulty":   readDuration(&faulty),
		"clusters": readCount(&clusters, 1, 9),
		"hosts":    readCount(&hosts, 1, 50),
		"services": readCount(&services, 1, 50),
		"without":  readTexts(&without),
		"only":     readTexts(&only),
	})
	switch {
	case err != nil:
		return err
	case member(n, "seed") == nil:
		return mistakef(n, `a history: "seed" is missing`)
	case longest < time.Second || max(longest, faulty) > longestHistory:
		return mistakef(n, "a history: want a second to %v", longestHistory)
	}
	o := sim.Draw(uint64(seed), longest)
	for _, name := range without {
		if !slices.Contains(o.Faults, name) && !slices.Contains(o.Behaviours, name) {
			return mistakef(member(n, "without"), "the history of seed %d has no %q; it has %s", seed, name,
				strings.Join(slices.Concat(o.Faults, o.Behaviours), ", "))
		}
		o = o.Without(name)
	}
	if len(o.Behaviours) == 0 {
		return mistakef(member(n, "without"), "no behaviour is left")
	}
	for _, number := range []struct {
		to *int
		n  int
	}{{&o.Clusters, clusters}, {&o.Hosts, hosts}, {&o.Services, services}} {
		if number.n != 0 {
			*number.to = number.n
		}
	}
	if faulty != 0 {
		o.Faulty = faulty
	}
	if member(n, "only") != nil {
		o.Only = append([]string{}, only...)
	}
	s.History, s.Seed = &o, o.Seed
	return nil
}

// checkHistory sees that nothing else is said of what a history draws by itself.
func (s *Scenario) checkHistory(doc *yaml.Node) error {
	for i := 0; i < len(doc.Content); i += 2 {
		if name := doc.Content[i].Value; !slices.Contains([]string{"scenario", "source", "history", "expect"}, name) {
			return mistakef(doc.Content[i], "%q does not go with a history, which draws everything from its seed", name)
		}
	}
	for _, e := range s.Expect {
		switch e.kind {
		case ofNever:
			s.History.Never = append(s.History.Never, e.text)
		case ofChecks:
		default:
			return &Mistake{Line: e.Line, Text: `of a history "checks hold" and never "TEXT" may be expected`}
		}
	}
	return nil
}

// playHistory plays a random history. A property that does not hold fails the expectation that names it.
func (s *Scenario) playHistory() *Result {
	var trace bytes.Buffer
	r := sim.Run(*s.History, &trace)
	out := &Result{Scenario: s.Name, File: s.File, Source: s.Source, Policy: s.History.Policy.Name, Seed: s.Seed, Length: Moment(r.Virtual),
		Trace: r.Trace, Passed: r.Failure == nil, Lines: told(trace.String())}
	out.Counts.Started = r.Tasks
	for _, e := range s.Expect {
		v := Verdict{Text: e.Text, Line: e.Line, Passed: true, Seen: fmt.Sprintf("%d steps of control", r.Steps)}
		if f := r.Failure; f != nil && strings.HasPrefix(f.Property, "never ") == (e.kind == ofNever) &&
			(e.kind == ofChecks || f.Property == "never "+e.text) {
			v.Passed, v.Seen = false, fmt.Sprintf("%s: %s, at %s", f.Property, f.Text, Clock(Moment(f.At.Sub(sim.Epoch))))
		}
		out.Verdicts = append(out.Verdicts, v)
	}
	return out
}

// tellable are the lines of a trace that say what users do and what breaks.
var tellable = regexp.MustCompile(`(?m)^(\d\d:\d\d:\d\d\.\d{3}) (client   \d+: control\..*|fault    .*|control  (?:starts|crashes)|host-\d+ +agent .*|host-\d+ +reboots)$`)

func told(trace string) []Line {
	var lines []Line
	for _, m := range tellable.FindAllStringSubmatch(trace, -1) {
		at, err := time.Parse("15:04:05.000", m[1])
		if err != nil {
			continue // the pattern leaves hours above 23
		}
		since := ecs.Time(at.Sub(at.Truncate(24 * time.Hour)).Milliseconds())
		lines = append(lines, Line{At: Moment(time.Duration(since) * time.Millisecond), Kind: Outside, Text: strings.Join(strings.Fields(m[2]), " ")})
	}
	return lines
}
