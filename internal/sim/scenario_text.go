package sim

import (
	"fmt"
	"slices"
	"strings"
)

// Scenario writes a history as a scenario file, which "ballast simulate" plays: what differs from the history of the seed, and that its
// checks hold. failure says what did not, nil = nothing.
func (o Options) Scenario(failure *Failure) string {
	drawn := Draw(o.Seed, o.Longest)
	name, source := fmt.Sprintf("History of seed %d", o.Seed), "a random history of the simulator"
	if failure != nil {
		name += ": " + failure.Property
		source += "; it fails at " + failure.At.Std().Format("15:04:05.000") + ": " + failure.Text
	}
	var b strings.Builder
	fmt.Fprintf(&b, "scenario: %s\nsource: %s\n\nhistory:\n  seed: %d\n  longest: %v\n", quoted(name), quoted(source), o.Seed, o.Longest)
	if o.Faulty != drawn.Faulty {
		fmt.Fprintf(&b, "  faulty: %v\n", o.Faulty)
	}
	for _, count := range []struct {
		name     string
		is, drew int
	}{{"clusters", o.Clusters, drawn.Clusters}, {"hosts", o.Hosts, drawn.Hosts}, {"services", o.Services, drawn.Services}} {
		if count.is != count.drew {
			fmt.Fprintf(&b, "  %s: %d\n", count.name, count.is)
		}
	}
	var without []string
	for _, name := range slices.Concat(drawn.Faults, drawn.Behaviours) {
		if !slices.Contains(o.Faults, name) && !slices.Contains(o.Behaviours, name) {
			without = append(without, name)
		}
	}
	list(&b, "without", without)
	if o.Only != nil {
		list(&b, "only", o.Only)
	}
	b.WriteString("\nexpect:\n  - checks hold\n")
	for _, text := range o.Never {
		fmt.Fprintf(&b, "  - never %q\n", text)
	}
	return b.String()
}

// list writes names, each on its own line; nothing where there is none, but for "only", which then means that nothing happens.
func list(b *strings.Builder, name string, of []string) {
	switch {
	case len(of) > 0:
		fmt.Fprintf(b, "  %s:\n", name)
	case name == "only":
		fmt.Fprintf(b, "  %s: []\n", name)
	}
	for _, element := range of {
		fmt.Fprintf(b, "    - %s\n", quoted(element))
	}
}

// quoted gives a text in the single quotes of YAML, in one line.
func quoted(text string) string {
	return "'" + strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "'", "''") + "'"
}
