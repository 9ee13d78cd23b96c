package scenario

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"ballast/internal/ecs"
)

// Expectation is one thing that must be so.
//
//	[since NAME] [until NAME] [in SERVICE], WHAT
//
// where WHAT is one of
//
//	min|max|finally GAUGE [of REVISION] = NUMBER       running, healthy, unhealthy, pending, stopping, tasks, kept, desired, registered, routed
//	COUNT ["TEXT"] [of REVISION] [from before] = NUMBER   started, ran, stopped, cancelled, exited, failed; TEXT is part of the stopped
//	                                                   reason; from before: of tasks that were started before the stretch
//	event "TEXT" = NUMBER | seen | never | after = 1m30s
//	started|ran|stopped ["TEXT"] [of REVISION] at = 0s, 40s, ...   the moments of them, each told once
//	steady after = 1m30s                               since the beginning of the stretch
//	TOTAL = NUMBER                                     restarts, imagePulls, serviceEvents, ... of the whole scenario
//	finally rollout [of REVISION] = COMPLETED
//	finally service deployment = ROLLBACK_SUCCESSFUL   what DescribeServiceDeployments says of the newest one
//	finally waits "TEXT"
//	checks hold                                        all that the simulator checks of a history
//	never "TEXT"                                       no line of its trace holds that
//
// and "=" may be "<=" or ">=" before a number.
type Expectation struct {
	Text string
	Line int

	since, until, service string
	kind                  expectationKind
	how                   string // min, max, finally
	what                  string // gauge, count, total
	text                  string // in quotes
	revision              string
	before                bool
	op                    string
	number                int
	word                  string
	times                 []time.Duration
}

type expectationKind uint8

const (
	ofGauge expectationKind = iota
	ofCount
	ofTotal
	ofMoment  // how long after the beginning of the stretch something is first seen
	ofMoments // when tasks were started, came to RUNNING or were STOPPED
	ofRollout
	ofStatus
	ofWaits
	ofChecks
	ofNever
)

// counters are what happenings are counted by: tasks that were started, came to RUNNING, came to STOPPED, were told to stop before
// they came to RUNNING, lost an essential container, could not be started; and service events.
var counters = []string{"started", "ran", "stopped", "cancelled", "exited", "failed", "event"}

// totals are the counts of the whole scenario.
var totals = map[string]func(Counts) int{
	"restarts":          func(c Counts) int { return c.Restarts },
	"imagePulls":        func(c Counts) int { return c.ImagePulls },
	"networkInterfaces": func(c Counts) int { return c.NetworkInterfaces },
	"logStreams":        func(c Counts) int { return c.LogStreams },
	"serviceEvents":     func(c Counts) int { return c.ServiceEvents },
	"taskStateChanges":  func(c Counts) int { return c.StateChanges },
	"taskMinutes":       func(c Counts) int { return int(c.TaskMinutes) },
}

var (
	scopePattern  = regexp.MustCompile(`^((?:(?:since|until|in) \S+ )*(?:since|until|in) [^\s,]+), (.*)$`)
	gaugePattern  = regexp.MustCompile(`^(min|max|finally) (\w+)(?: of (\S+))? (=|<=|>=) (\d+)$`)
	countPattern  = regexp.MustCompile(`^(\w+)(?: "([^"]*)")?(?: of (\S+))?( from before)? (=|<=|>=) (\d+)$`)
	eventPattern  = regexp.MustCompile(`^event "([^"]*)" (seen|never|after = (\S+))$`)
	steadyPattern = regexp.MustCompile(`^steady after = (\S+)$`)
	timesPattern  = regexp.MustCompile(`^(started|ran|stopped)(?: "([^"]*)")?(?: of (\S+))? at = (.+)$`)
	rolloutWanted = regexp.MustCompile(`^finally rollout(?: of (\S+))? = (IN_PROGRESS|COMPLETED|FAILED)$`)
	statusWanted  = regexp.MustCompile(`^finally service deployment = ([A-Z_]+)$`)
	neverPattern  = regexp.MustCompile(`^never "([^"]+)"$`)
	waitsPattern  = regexp.MustCompile(`^finally waits "([^"]*)"$`)
)

// steadyText is in the event that a service has what it should have.
const steadyText = "has reached a steady state."

func (s *Scenario) readExpectations(n *yaml.Node) error {
	return each(n, "expect", func(n *yaml.Node) error {
		text, err := scalar(n)
		if err != nil {
			return err
		}
		e, err := parseExpectation(text)
		if err != nil {
			return mistakef(n, "%v", err)
		}
		e.Line = n.Line
		s.Expect = append(s.Expect, e)
		return nil
	})
}

func parseExpectation(text string) (Expectation, error) {
	e := Expectation{Text: text}
	if m := scopePattern.FindStringSubmatch(text); m != nil {
		words := strings.Fields(m[1])
		for i := 0; i+1 < len(words); i += 2 {
			*map[string]*string{"since": &e.since, "until": &e.until, "in": &e.service}[words[i]] = words[i+1]
		}
		text = m[2]
	}
	return e, e.parse(text)
}

func (e *Expectation) parse(text string) (err error) {
	switch {
	case e.match(gaugePattern, text, func(m []string) {
		e.kind, e.how, e.what, e.revision, e.op = ofGauge, m[1], m[2], m[3], m[4]
		e.number, err = number(m[5])
	}):
		if err == nil && e.what != "desired" && gauges[e.what] == nil {
			err = fmt.Errorf("there is no %q; there are desired, %s", e.what, names(gauges))
		}
	case e.match(eventPattern, text, func(m []string) {
		e.kind, e.what, e.text = ofCount, "event", m[1]
		switch m[2] {
		case "seen":
			e.op, e.number = ">=", 1
		case "never":
			e.op, e.number = "=", 0
		default:
			e.kind = ofMoment
			e.times, err = durations(m[3])
		}
	}):
	case e.match(steadyPattern, text, func(m []string) {
		e.kind, e.what, e.text = ofMoment, "event", steadyText
		e.times, err = durations(m[1])
	}):
	case e.match(timesPattern, text, func(m []string) {
		e.kind, e.what, e.text, e.revision = ofMoments, m[1], m[2], m[3]
		e.times, err = durations(m[4])
	}):
	case e.match(rolloutWanted, text, func(m []string) { e.kind, e.revision, e.word = ofRollout, m[1], m[2] }):
	case e.match(statusWanted, text, func(m []string) { e.kind, e.word = ofStatus, m[1] }):
		if !knownStatus(e.word) {
			err = fmt.Errorf("service deployments are never %s", e.word)
		}
	case text == "checks hold":
		e.kind = ofChecks
	case e.match(neverPattern, text, func(m []string) { e.kind, e.text = ofNever, m[1] }):
	case e.match(waitsPattern, text, func(m []string) { e.kind, e.text = ofWaits, m[1] }):
	case e.match(countPattern, text, func(m []string) {
		e.kind, e.what, e.text, e.revision, e.before, e.op = ofCount, m[1], m[2], m[3], m[4] != "", m[5]
		e.number, err = number(m[6])
	}):
		if err == nil {
			err = e.checkCount()
		}
	default:
		err = fmt.Errorf("%q is no expectation; see docs/simulate.md", e.Text)
	}
	return err
}

// knownStatus says whether service deployments have a status of that name.
func knownStatus(name string) bool {
	for status := ecs.ServiceDeploymentPending; status <= ecs.ServiceDeploymentRollbackFailed; status++ {
		if status.String() == name {
			return true
		}
	}
	return false
}

func (e *Expectation) match(pattern *regexp.Regexp, text string, take func(m []string)) bool {
	m := pattern.FindStringSubmatch(text)
	if m != nil {
		take(m)
	}
	return m != nil
}

func (e *Expectation) checkCount() error {
	for _, c := range counters {
		if c == e.what {
			if e.what == "event" && (e.revision != "" || e.before) {
				return fmt.Errorf("events are not of a revision, nor of tasks")
			}
			return nil
		}
	}
	if totals[e.what] == nil {
		return fmt.Errorf("there is no %q; there are %s, %s", e.what, strings.Join(counters, ", "), names(totals))
	}
	if e.text+e.revision+e.since+e.until+e.service != "" || e.before {
		return fmt.Errorf("%s is counted over the whole scenario", e.what)
	}
	e.kind = ofTotal
	return nil
}

func number(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("number %s is too large", text)
	}
	return n, nil
}

func durations(list string) ([]time.Duration, error) {
	var all []time.Duration
	for text := range strings.SplitSeq(list, ", ") {
		d, err := parseDuration(text)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// checkExpectation sees that what an expectation names exists.
func (s *Scenario) checkExpectation(e Expectation) error {
	wrong := func(format string, args ...any) error {
		return &Mistake{Line: e.Line, Text: fmt.Sprintf(format, args...)}
	}
	if e.revision != "" && s.definition(e.revision) == nil {
		return wrong("there is no task definition %q; there are %s", e.revision, strings.Join(s.revisions(), ", "))
	}
	for _, name := range []string{e.since, e.until} {
		if name != "" && !s.marks()[name] && !(len(s.Scaling) > 0 && strings.HasPrefix(name, "scaling")) {
			if len(s.Timeline) == 0 {
				return wrong("nothing is called %q: nothing happens in the timeline", name)
			}
			return wrong("nothing is called %q; there are %s", name, names(s.marks()))
		}
	}
	if e.kind == ofChecks || e.kind == ofNever {
		return wrong("%q goes with a history", e.Text)
	}
	if e.kind == ofTotal || e.kind == ofCount && e.service == "" {
		return nil
	}
	_, err := s.serviceNamed(e.service, e.Line)
	return err
}

// marks are the names of events; the second of a name ends in 2.
func (s *Scenario) marks() map[string]bool {
	all := map[string]bool{}
	for _, e := range s.Timeline {
		name := e.Name
		for n := 2; all[name]; n++ {
			name = fmt.Sprint(e.Name, n)
		}
		all[name] = true
	}
	return all
}
