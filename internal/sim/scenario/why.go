package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ballast/internal/scheduler/explain"
)

// Questions ask why services are as they are at some moments of a scenario.
type Questions struct {
	// At are times of the scenario, each answered after what the timeline has happen then; at most maxQuestions.
	At []time.Duration
	// Services are names; without any, every service is explained that is there.
	Services []string
}

// maxQuestions bounds the moments: each answer is as long as a page.
const maxQuestions = 100

// Explanation is what "ballast why" would say of a service at a moment of a scenario. The moments in the report are those of the
// imagined clocks; Lines has times since the scenario's time 0.
type Explanation struct {
	At     Moment         `json:"at"`
	Report explain.Report `json:"report"`
}

// Lines lays the report out for people.
func (e *Explanation) Lines() []explain.Line {
	zero := e.Report.At.Add(-time.Duration(e.At)).UTC()
	day := zero.Truncate(24 * time.Hour)
	return e.Report.Lines(time.FixedZone("", -int(zero.Sub(day)/time.Second)))
}

// checkQuestions refuses what cannot be answered, and gives the moments in their order.
func (s *Scenario) checkQuestions(q Questions) ([]time.Duration, error) {
	wrong := func(format string, args ...any) ([]time.Duration, error) {
		return nil, &Mistake{File: s.File, Text: fmt.Sprintf(format, args...)}
	}
	if len(q.At) > maxQuestions {
		return wrong("%d moments are more than the %d that can be explained", len(q.At), maxQuestions)
	}
	for _, at := range q.At {
		if at < 0 {
			return wrong("there is nothing to explain %s before the scenario begins", explain.Span(-at))
		}
		if at > s.Length {
			return wrong("there is nothing to explain at %s: the scenario goes from 0s to %s", explain.Span(at), explain.Span(s.Length))
		}
	}
	known := s.serviceNames()
	for _, name := range q.Services {
		if !slices.Contains(known, name) {
			return wrong("there is no service %q to explain; there are %s", name, strings.Join(known, ", "))
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(q.At))), nil
}

// serviceNames gives the services of the scenario, and those that its timeline creates.
func (s *Scenario) serviceNames() []string {
	var names []string
	add := func(r *Request) {
		if name := r.text("serviceName"); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for i := range s.Services {
		add(&s.Services[i])
	}
	for i := range s.Timeline {
		if r, ok := s.Timeline[i].act.(*Request); ok && r.Operation == "CreateService" {
			add(r)
		}
	}
	return names
}

// explainUntil answers what is asked about moments before end, or at it if that is the end of all.
func (p *player) explainUntil(end time.Duration, last bool) error {
	for len(p.moments) > 0 && (p.moments[0] < end || last) {
		at := p.moments[0]
		p.moments = p.moments[1:]
		if err := p.advanceTo(at); err != nil {
			return err
		}
		if err := p.explain(at); err != nil {
			return err
		}
	}
	return nil
}

// explain answers for one moment. It asks as nobody could who is part of the scenario: nothing in it changes.
func (p *player) explain(at time.Duration) error {
	asked := p.questions.Services
	for _, name := range p.s.serviceNames() {
		if len(asked) > 0 && !slices.Contains(asked, name) {
			continue
		}
		known := p.stage.Case(Cluster, name)
		if known == nil {
			if slices.Contains(asked, name) {
				return &Mistake{File: p.s.File, Text: fmt.Sprintf("there is no service %q at %s", name, explain.Span(at))}
			}
			continue
		}
		p.explanations = append(p.explanations, Explanation{At: Moment(at), Report: explain.Service(known)})
	}
	return nil
}
