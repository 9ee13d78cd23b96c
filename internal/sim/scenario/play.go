package scenario

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	apiecs "ballast/internal/api/ecs"
	"ballast/internal/arn"
	"ballast/internal/control"
	"ballast/internal/ecs"
	"ballast/internal/httpd"
	"ballast/internal/scheduler/policy"
	"ballast/internal/session"
	"ballast/internal/sim"
)

// Cluster is the cluster that everything of a scenario is in: the one that requests mean which name none.
const Cluster = "default"

// steadyWithin is how long services may take to be steady for the first time.
const steadyWithin = time.Hour

// GCPercent is for programs that do nothing but play scenarios (debug.SetGCPercent): the heap may grow to several times what is in use, a
// few tens of megabytes as a rule, before garbage is collected. What lives is little, and what is thrown away is much.
const GCPercent = 400

// Options change how a scenario is played; zero values leave it as its file says.
type Options struct {
	Seed   *uint64
	Policy string
	// Checked holds all that happens against the checks of package sim as well, which takes several times as long.
	Checked bool
	// Why asks for explanations.
	Why Questions
}

// player is a scenario being played.
type player struct {
	s      *Scenario
	policy policy.Policy
	seed   uint64
	stage  *sim.Stage
	ops    map[string]httpd.Operation
	rec    *recorder
	app    *application
	zero   ecs.Time // time 0 of the scenario
	rules  []*rule

	questions    Questions
	moments      []time.Duration // of the questions that wait, in order
	explanations []Explanation
}

// Play plays a scenario to its end and measures what it expects. An error is a *Mistake of the file, or a mistake in Ballast.
func (s *Scenario) Play(o Options) (*Result, error) {
	if s.History != nil {
		switch {
		case o.Seed != nil || o.Policy != "":
			return nil, &Mistake{File: s.File, Text: "a history has its own seed and policy"}
		case len(o.Why.At) > 0:
			return nil, &Mistake{File: s.File, Text: "a history is not explained"}
		}
		return s.playHistory(), nil
	}
	moments, err := s.checkQuestions(o.Why)
	if err != nil {
		return nil, err
	}
	p := &player{s: s, seed: s.Seed, questions: o.Why, moments: moments}
	if o.Seed != nil {
		p.seed = *o.Seed
	}
	name := s.Policy
	if o.Policy != "" {
		name = o.Policy
	}
	if p.policy, err = policy.Named(name); err != nil {
		return nil, err
	}
	p.rec = newRecorder(p)
	p.app = newApplication(p)
	p.stage = sim.NewStage(p.seed, control.Config{Policy: p.policy}, p.rec, o.Checked)
	p.balance()
	p.ops = operations(p)
	if err := p.play(); err != nil {
		return nil, located(s.File, err)
	}
	return p.rec.result(), nil
}

// naming is how the API names things in a scenario.
var naming = arn.Namer{Region: "us-east-1", Account: "000000000000"}

// operations are those of the API over the stage's control.
func operations(p *player) map[string]httpd.Operation {
	m := map[string]httpd.Operation{}
	for _, op := range apiecs.Operations(apiecs.Config{
		Names:   naming,
		Control: p.stage,
		Alarms:  true,

		TargetGroup: func(arn string) bool { return p.s.targetGroup(arn) != nil },
		Registry:    func(arn string) bool { return p.s.registry(arn) != nil },
		CheckTags: func(tags []ecs.Tag) error {
			if _, err := policy.WithTags(p.policy, tags); err != nil {
				return ecs.Errorf(ecs.InvalidParameterException, "%v", err)
			}
			return nil
		},
	}) {
		m[op.Name] = op
	}
	return m
}

func (p *player) play() error {
	if err := p.prepare(); err != nil {
		return err
	}
	if err := p.begin(); err != nil {
		return err
	}
	for _, rule := range p.s.Scaling {
		p.rules = append(p.rules, newRule(p, rule))
	}
	for i := range p.s.Timeline {
		e := &p.s.Timeline[i]
		if err := p.explainUntil(e.At, false); err != nil {
			return err
		}
		if err := p.advanceTo(e.At); err != nil {
			return err
		}
		p.rec.mark(e.Name)
		line := p.rec.say(Outside, "")
		text, err := e.act.perform(p)
		if err != nil {
			return p.refused(e.Line, err)
		}
		p.rec.lines[line].Text = text
	}
	if err := p.explainUntil(p.s.Length, true); err != nil {
		return err
	}
	if err := p.advanceTo(p.s.Length); err != nil {
		return err
	}
	p.rec.end()
	return nil
}

// prepare builds the cluster.
func (p *player) prepare() error {
	if _, err := p.stage.Submit(context.Background(), control.CreateCluster{Name: Cluster}); err != nil {
		return err
	}
	for _, kind := range p.s.Instances {
		for range kind.Count {
			p.stage.AddInstance(session.Hello{Cluster: Cluster, Zone: kind.Zone, Driver: "fake",
				Resources: ecs.Resources{CPU: kind.CPU, Memory: kind.Memory}}, p.app)
		}
	}
	for i := range p.s.Definitions {
		if err := p.ask(&p.s.Definitions[i]); err != nil {
			return err
		}
	}
	return p.stage.Advance(time.Second) // agents register
}

// begin creates the services, and waits for them where the scenario begins with steady ones.
func (p *player) begin() error {
	p.setZero()
	for i := range p.s.Services {
		if err := p.ask(&p.s.Services[i]); err != nil {
			return err
		}
	}
	if p.s.FromCreation {
		p.rec.say(Outside, "services are created")
		return nil
	}
	for !p.steady() {
		if p.stage.Now().Sub(p.zero) > steadyWithin {
			return &Mistake{Text: fmt.Sprintf("the services are not steady within %v%s; with \"begin: creation\" they need not be", steadyWithin,
				p.unsteady())}
		}
		if err := p.stage.Advance(time.Second); err != nil {
			return err
		}
	}
	p.setZero()
	p.rec.say(Outside, "services are steady")
	return nil
}

// unsteady says what the scheduler says of the services that are not steady, "" for nothing.
func (p *player) unsteady() string {
	var all []string
	for _, service := range p.s.Services {
		name := service.text("serviceName")
		for _, said := range p.waits(name) {
			all = append(all, name+": "+said)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return " (" + strings.Join(all, "; ") + ")"
}

// waits are what the scheduler says of a service, with times as the timeline has them.
func (p *player) waits(service string) []string {
	all := p.stage.Explanations(Cluster, service)
	for i := range all {
		all[i] = moments.ReplaceAllStringFunc(all[i], func(text string) string {
			at, err := time.Parse(time.RFC3339, text)
			if err != nil {
				return text
			}
			return Clock(Moment(whole(at.Sub(p.zero.Std())))) // it is told in whole seconds
		})
	}
	return all
}

// moments finds the times in what the scheduler says.
var moments = regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// setZero makes now the time 0 of all that is recorded.
func (p *player) setZero() {
	p.zero = p.stage.Now()
	p.rec.begin(p.zero)
}

func (p *player) steady() bool {
	return !slices.ContainsFunc(p.s.Services, func(r Request) bool {
		s := p.stage.Root().Service(Cluster, r.text("serviceName"))
		return s == nil || !s.Steady
	})
}

// advanceTo lets time pass up to a time of the scenario; scaling rules look at every full minute of it.
func (p *player) advanceTo(at time.Duration) error {
	for {
		now := p.stage.Now().Sub(p.zero)
		next := at
		if minute := (now/time.Minute + 1) * time.Minute; len(p.rules) > 0 && minute < at {
			next = minute
		}
		if next > now {
			if err := p.stage.Advance(next - now); err != nil {
				return err
			}
		}
		if next%time.Minute == 0 && next > 0 && next > now {
			if err := p.scale(); err != nil {
				return err
			}
		}
		if next == at {
			return nil
		}
	}
}

// ask sends a request that the scenario makes.
func (p *player) ask(r *Request) error {
	in, err := r.input()
	if err != nil {
		return err
	}
	if _, err := p.call(r.Operation, in); err != nil {
		return p.refused(r.node.Line, err)
	}
	return nil
}

func (p *player) call(operation string, in any) (any, error) {
	return p.ops[operation].Handle(context.Background(), in)
}

// refused makes a mistake of the file of what ECS refuses; anything else is none of the file's.
func (p *player) refused(line int, err error) error {
	if refusal := (*ecs.Error)(nil); errors.As(err, &refusal) {
		return &Mistake{Line: line, Text: fmt.Sprintf("%s: %s", refusal.Code, refusal.Message)}
	}
	return err
}

// perform implements action: any operation of the API.
func (r *Request) perform(p *player) (string, error) {
	if err := p.ask(r); err != nil {
		return "", err
	}
	return r.Operation + " " + r.summary(), nil
}
