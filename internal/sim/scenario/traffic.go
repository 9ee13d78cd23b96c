package scenario

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"go.yaml.in/yaml/v3"

	"ballast/internal/ecs"
)

// Scaling is a step scaling rule of Application Auto Scaling: where the average utilisation of a service was above a threshold
// in the last full minute, its desired count grows.
type Scaling struct {
	Service  string
	Above    float64 // percent
	Add      int
	Most     int
	Cooldown time.Duration
	line     int
}

// defaultCooldown is how long a rule waits after it acted (Application Auto Scaling, StepScalingPolicyConfiguration).
const defaultCooldown = 5 * time.Minute

func (s *Scenario) readScaling(n *yaml.Node) error {
	return each(n, "scaling", func(n *yaml.Node) error {
		r := Scaling{Add: 1, Most: maxTasks, Cooldown: defaultCooldown, line: n.Line}
		err := readFields(n, "a scaling rule", map[string]field{
			"service":  readText(&r.Service),
			"above":    readNumber(&r.Above),
			"add":      readCount(&r.Add, 1, maxTasks),
			"most":     readCount(&r.Most, 1, maxTasks),
			"cooldown": readDuration(&r.Cooldown),
		})
		if err == nil && (r.Above <= 0 || r.Above >= 100) {
			return mistakef(n, `a scaling rule: want "above", a percentage between 0 and 100`)
		}
		s.Scaling = append(s.Scaling, r)
		return err
	})
}

// rule is a Scaling at work.
type rule struct {
	Scaling
	service string
	since   ecs.Time // what is added up is from then on
	busy    float64  // utilisation times milliseconds since the last full minute
	metered ecs.Time // milliseconds of it in which tasks ran: without any there is nothing to measure
	until   ecs.Time // it waits
}

func newRule(p *player, s Scaling) *rule {
	service, _ := p.s.serviceNamed(s.Service, s.line) // checked when it was read
	return &rule{Scaling: s, service: service, since: p.stage.Now()}
}

// account adds up how busy the tasks have been since the last time. It is called before anything changes that.
func (p *player) account() {
	for _, r := range p.rules {
		routes, load := p.app.load(r.service)
		sum, serving := 0.0, 0
		for _, t := range p.rec.live {
			if t.Service != r.service || !serves(t) {
				continue
			}
			if serving++; routes(t) {
				sum += p.app.utilisation(t, load)
			}
		}
		now := p.stage.Now()
		if serving > 0 {
			r.busy += sum / float64(serving) * float64(now-r.since)
			r.metered += now - r.since
		}
		r.since = now
	}
}

// scale has every rule look at the minute that has just ended.
func (p *player) scale() error {
	p.account()
	for _, r := range p.rules {
		average := r.busy / float64(max(1, r.metered)) * 100
		r.busy, r.metered = 0, 0
		service := p.stage.Root().Service(Cluster, r.service)
		if service == nil || service.Status != ecs.ServiceActive || average <= r.Above || p.stage.Now() < r.until {
			continue
		}
		desired := min(service.Desired+r.Add, max(r.Most, service.Desired))
		if desired == service.Desired {
			continue
		}
		r.until = p.stage.Now().Add(r.Cooldown)
		p.rec.mark("scaling")
		p.rec.say(Outside, fmt.Sprintf("scaling rule: utilisation was %d%% for a minute, above %g%%: desired count %d becomes %d",
			int(math.Round(average)), r.Above, service.Desired, desired))
		if err := p.update(r.service, desired, r.line); err != nil {
			return err
		}
	}
	return nil
}

// update sets the desired count of a service as Application Auto Scaling does.
func (p *player) update(service string, desired, line int) error {
	return p.request("UpdateService", map[string]any{"service": service, "desiredCount": desired}, line)
}

// request sends a request that stands in no file, on account of a line of it.
func (p *player) request(operation string, in map[string]any, line int) error {
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r := Request{Operation: operation, JSON: text, node: &yaml.Node{Kind: yaml.MappingNode, Line: cmp.Or(line, 1)}}
	return p.ask(&r)
}
