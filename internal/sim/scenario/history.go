package scenario

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"ballast/internal/ecs"
	"ballast/internal/lb/health"
	"ballast/internal/scheduler/policy"
	"ballast/internal/sim"
)

// Bounds of a history.
const (
	longestHistory = 24 * time.Hour // in which things break
	maxHosts       = 50
	maxDeeds       = 20_000
	maxRepairs     = 1000
	maxGroups      = 100
)

// readHistory reads all that happens in a world of package sim from outside, as a history that failed is written.
func (s *Scenario) readHistory(n *yaml.Node) error {
	h := &sim.History{BalancerSlowest: sim.UsualNews}
	if policy := member(n, "policy"); policy != nil { // whose name comes before its numbers
		if err := readPolicy(policy, h); err != nil {
			return err
		}
	}
	if err := readForms(n, "a history", historyForms(h)); err != nil {
		return err
	}
	if h.Until < sim.Settles || h.Until > longestHistory {
		return mistakef(member(n, "until"), "want %v to %v", sim.Settles, longestHistory)
	}
	for i := range h.Hosts {
		if !slices.Contains(clustersOf(h), h.Hosts[i].Cluster) {
			return mistakef(member(n, "hosts").Content[i], "there is no cluster %q; there are %s", h.Hosts[i].Cluster, strings.Join(clustersOf(h), ", "))
		}
	}
	for i := range h.TargetGroups {
		if err := checkGroup(member(n, "targetGroups").Content[i], h.TargetGroups, i); err != nil {
			return err
		}
	}
	for i, d := range h.Deeds {
		of := member(n, "deeds").Content[i]
		switch host := sim.HostOf(d.Act); {
		case d.At <= sim.Settles || d.At > h.Until:
			return mistakef(of, "%v is not between %v, when everything is set up, and the end, %v", d.At, sim.Settles, h.Until)
		case i > 0 && d.At < h.Deeds[i-1].At:
			return mistakef(of, "%v comes before the deed above it", d.At)
		case host != nil && *host > len(h.Hosts):
			return mistakef(of, "there is no host %d", *host)
		}
		if err := checkAct(of, d.Act, h); err != nil {
			return err
		}
	}
	s.History, s.Seed = h, h.Seed
	return nil
}

// clustersOf names the clusters of a history.
func clustersOf(h *sim.History) (names []string) {
	for n := range h.Clusters {
		names = append(names, sim.ClusterName(n+1))
	}
	return names
}

// checkAct refuses what the fields of an act do not say by themselves.
func checkAct(n *yaml.Node, a sim.Act, h *sim.History) error {
	host := sim.HostOf(a)
	switch a := a.(type) {
	case *sim.SetClock: // 0 is control
	case *sim.Kill:
		if (a.Host == 0) == (a.Task == 0) || (a.Task == 0) != (a.Container == "") {
			return mistakef(n, "kill: want a host, or a task and its container")
		}
	case *sim.Create:
		for _, lb := range a.Service.LoadBalancers {
			if !slices.ContainsFunc(h.TargetGroups, func(g health.Group) bool { return g.ARN == lb.TargetGroup }) {
				return mistakef(n, "there is no target group %q in targetGroups", lb.TargetGroup)
			}
		}
		return checkTags(n, a.Service.Tags, h)
	case *sim.Tag:
		return checkTags(n, a.Set, h)
	default:
		if host != nil && *host == 0 {
			return mistakef(n, "want a host from 1 to %d", len(h.Hosts))
		}
	}
	return nil
}

// checkGroup refuses what the fields of a target group do not say by themselves.
func checkGroup(n *yaml.Node, all []health.Group, i int) error {
	g := &all[i]
	switch {
	case !groupPattern.MatchString(g.ARN):
		return mistakef(n, "%q is no ARN of a target group", g.ARN)
	case slices.ContainsFunc(all[:i], func(other health.Group) bool { return other.ARN == g.ARN }):
		return mistakef(n, "target group %s is there twice", g.ARN)
	case g.Timeout >= g.Interval:
		return mistakef(n, "Health check interval must be greater than the timeout.")
	case g.Delay > mostDrain*time.Second:
		return mistakef(n, "deregistrationDelay: want at most an hour, not %v", g.Delay)
	}
	return nil
}

// checkTags refuses tags of which Ballast could make nothing, as the API does.
func checkTags(n *yaml.Node, tags []ecs.Tag, h *sim.History) error {
	if _, err := policy.WithTags(h.Policy, tags); err != nil {
		return mistakef(n, "%v", err)
	}
	return nil
}

func historyForms(h *sim.History) []form {
	return []form{
		must(seedForm(&h.Seed)),
		must(form{name: "policy", read: func(*yaml.Node) error { return nil }, write: func() *yaml.Node { return writePolicy(h) }}),
		must(durationForm("until", &h.Until, -1)),
		must(countForm("clusters", &h.Clusters, 1, sim.MaxClusters, 0)),
		must(durationForm("retention", &h.Retention, -1)),
		must(countForm("retained", &h.MaxRetained, 1, 1<<31-1, 0)),
		partForm("disk", func() bool { return h.Disk != sim.Disk{} }, func() []form {
			return []form{shareForm("full", &h.Disk.Full), shareForm("unknown", &h.Disk.Unknown), shareForm("otherLeader", &h.Disk.Fenced)}
		}),
		linesForm(recordsForm("targetGroups", &h.TargetGroups, maxGroups, health.DefaultGroup(""), groupForms)),
		durationForm("balancer", &h.BalancerSlowest, sim.UsualNews),
		must(linesForm(recordsForm("hosts", &h.Hosts, maxHosts, sim.Usual(""), hostForms))),
		linesForm(listForm("deeds", &h.Deeds, maxDeeds, sim.Deed{}, func(d *sim.Deed) form {
			return form{name: "deed", read: func(n *yaml.Node) (err error) {
				*d, err = readDeed(n)
				return err
			}, write: func() *yaml.Node { return writeDeed(*d) }}
		})),
		linesForm(recordsForm("repairs", &h.Repairs, maxRepairs, sim.Repair{}, func(r *sim.Repair) []form {
			return serviceForms(&r.Cluster, &r.Service)
		})),
		flagForm("halt", &h.Halt, false),
	}
}

// groupForms are a target group with the members that DescribeTargetGroups shows, and an attribute of it.
func groupForms(g *health.Group) []form {
	usual := health.DefaultGroup("")
	return []form{
		must(textForm("TargetGroupArn", &g.ARN)),
		must(secondsForm("HealthCheckIntervalSeconds", &g.Interval, 5, 300)),
		must(secondsForm("HealthCheckTimeoutSeconds", &g.Timeout, 2, 120)),
		countForm("HealthyThresholdCount", &g.Limits.Healthy, 2, 10, usual.Limits.Healthy),
		countForm("UnhealthyThresholdCount", &g.Limits.Unhealthy, 2, 10, usual.Limits.Unhealthy),
		durationForm("deregistrationDelay", &g.Delay, usual.Delay),
	}
}

// linesForm is a list with each element on lines of its own.
func linesForm(f form) form {
	write := f.write
	f.write = func() *yaml.Node {
		n := write()
		if n != nil {
			n.Style = 0
		}
		return n
	}
	return f
}

func seedForm(to *uint64) form {
	seed := 0
	return form{name: "seed", read: func(n *yaml.Node) error {
		err := readCount(&seed, 0, 1<<62)(n)
		*to = uint64(seed)
		return err
	}, write: func() *yaml.Node { return bare(strconv.FormatUint(*to, 10)) }}
}

func hostForms(h *sim.Host) []form {
	usual := sim.Usual("")
	return []form{
		must(nameForm("cluster", &h.Cluster)),
		countForm("cpu", &h.CPU, 1, 1<<20, -1),
		countForm("memory", &h.Memory, 1, 1<<30, -1),
		textForm("zone", &h.Zone),
		durationForm("starts", &h.Starts, 0),
		skewForm("ahead", &h.Skew),
		durationForm("driver", &h.DriverSlowest, usual.DriverSlowest),
		shareForm("endsTwice", &h.EndsTwice),
		durationForm("slowest", &h.Slowest, usual.Slowest),
		flagForm("reorder", &h.Reorder, false),
		shareForm("loss", &h.Loss),
		shareForm("double", &h.Double),
		durationForm("late", &h.Late, 0),
	}
}

// policyForms are a preset and the numbers that histories change; base is the preset.
func policyForms(p, base *policy.Policy) []form {
	return []form{
		must(form{name: "name", read: func(*yaml.Node) error { return nil }, write: func() *yaml.Node { return word(p.Name) }}),
		countForm("pacePerMinute", &p.PacePerMinute, 1, 1_000_000, base.PacePerMinute),
		durationForm("stoppedKeptFor", &p.StoppedKeptFor, base.StoppedKeptFor),
		countForm("stoppedKeptPerService", &p.StoppedKeptPerService, 1, 1_000_000, base.StoppedKeptPerService),
		countForm("stoppedKeptPerCluster", &p.StoppedKeptPerCluster, 1, 1_000_000, base.StoppedKeptPerCluster),
	}
}

func readPolicy(n *yaml.Node, h *sim.History) (err error) {
	name := ""
	if named := member(n, "name"); named != nil {
		if err := readOneOf(&name, policy.Names()...)(named); err != nil {
			return err
		}
		if h.Policy, err = policy.Named(name); err != nil {
			return mistakef(named, "%v", err)
		}
	}
	return readForms(n, "a policy", policyForms(&h.Policy, &policy.Policy{}))
}

func writePolicy(h *sim.History) *yaml.Node {
	base, err := policy.Named(h.Policy.Name)
	if err != nil {
		panic(err) // histories are drawn from presets
	}
	return writeForms(policyForms(&h.Policy, &base))
}

// WriteHistory writes a history as a scenario file, which "ballast simulate" plays: all that happens, and that the checks hold. failure
// says what did not, nil = nothing.
func WriteHistory(h *sim.History, failure *sim.Failure) []byte {
	name, source := fmt.Sprintf("History of seed %d", h.Seed), "a random history of the simulator"
	if failure != nil {
		name += ": " + failure.Property
		source += "; it fails at " + failure.At.Std().Format("15:04:05.000") + ": " + failure.Text
	}
	line := func(text string) string { return strings.Join(strings.Fields(text), " ") }
	expect := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{word("checks hold")}}
	for _, text := range h.Never {
		expect.Content = append(expect.Content, word("never "+strconv.Quote(text)))
	}
	history := writeForms(historyForms(h))
	history.Style = 0
	var b bytes.Buffer
	for i, part := range []*yaml.Node{{Kind: yaml.MappingNode, Content: []*yaml.Node{word("scenario"), word(line(name)), word("source"), word(line(source))}},
		{Kind: yaml.MappingNode, Content: []*yaml.Node{word("history"), history}},
		{Kind: yaml.MappingNode, Content: []*yaml.Node{word("expect"), expect}}} {
		if i > 0 {
			b.WriteByte('\n')
		}
		e := yaml.NewEncoder(&b)
		e.SetIndent(2)
		if err := e.Encode(part); err != nil {
			panic(err) // nodes made here
		}
	}
	return b.Bytes()
}

// checkHistory sees that nothing is said beside a history that it says by itself.
func (s *Scenario) checkHistory(doc *yaml.Node) error {
	for i := 0; i < len(doc.Content); i += 2 {
		if name := doc.Content[i].Value; !slices.Contains([]string{"scenario", "source", "history", "expect"}, name) {
			return mistakef(doc.Content[i], "%q does not go with a history, which says everything by itself", name)
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

// playHistory plays a history. A property that does not hold fails the expectation that names it.
func (s *Scenario) playHistory() *Result {
	var trace bytes.Buffer
	r := sim.Replay(s.History, &trace)
	out := &Result{Scenario: s.Name, File: s.File, Source: s.Source, Policy: s.History.Policy.Name, Seed: s.Seed, Length: Moment(r.Virtual),
		Trace: r.Trace, Passed: r.Failure == nil, Lines: told(trace.String(), r.History.Deeds), Services: []ServiceResult{}}
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
var tellable = regexp.MustCompile(`(?m)^(\d\d:\d\d:\d\d\.\d{3}) (deed +(\d+): .*|fault    .*|control  (?:starts|crashes)|host-\d+ +agent .*|host-\d+ +reboots)$`)

// told gives those lines, with deeds in the words of their file.
func told(trace string, deeds []sim.Deed) []Line {
	var lines []Line
	for _, m := range tellable.FindAllStringSubmatch(trace, -1) {
		at, err := time.Parse("15:04:05.000", m[1])
		if err != nil {
			continue // the pattern leaves hours above 23
		}
		text := strings.Join(strings.Fields(m[2]), " ")
		if n, err := strconv.Atoi(m[3]); err == nil {
			name, members := writeAct(deeds[n-1].Act)
			text = name + " " + brief(oneLine(members))
		}
		since := ecs.Time(at.Sub(at.Truncate(24 * time.Hour)).Milliseconds())
		lines = append(lines, Line{At: Moment(time.Duration(since) * time.Millisecond), Kind: Outside, Text: text})
	}
	return lines
}

// brief cuts a text that is too long for a timeline.
func brief(text string) string {
	if len(text) > widest {
		return text[:widest] + "..."
	}
	return text
}
