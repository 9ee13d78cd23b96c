package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Event is something that happens from outside at a time.
type Event struct {
	At   time.Duration
	Name string // what expectations call it
	Line int
	act  action
}

// action is what an Event does.
type action interface {
	// perform does it. The text says in a few words what it came to.
	perform(p *player) (text string, err error)
}

// readTimeline reads the events. One without a name is called by what it does.
func (s *Scenario) readTimeline(n *yaml.Node) error {
	return each(n, "timeline", func(n *yaml.Node) error {
		e := Event{Line: n.Line}
		timed := false
		known := map[string]field{
			"at": func(n *yaml.Node) error {
				timed = true
				return readDuration(&e.At)(n)
			},
			"name": readText(&e.Name),
		}
		kind := ""
		for name, read := range s.actions(&e) {
			known[name] = func(n *yaml.Node) error {
				if kind != "" {
					return mistakef(n, "want one thing to happen, not both %s and %s", kind, name)
				}
				kind = name
				return read(n)
			}
		}
		if err := readFields(n, "an event", known); err != nil {
			return err
		}
		switch {
		case !timed:
			return mistakef(n, `"at" is missing`)
		case kind == "":
			return mistakef(n, "nothing happens: want one of %s", names(s.actions(&e)))
		}
		if e.Name == "" {
			e.Name = kind
		}
		if strings.ContainsAny(e.Name, " :\t") {
			return mistakef(n, "name %q: want one word", e.Name)
		}
		s.Timeline = append(s.Timeline, e)
		return nil
	})
}

// actions are all that can happen, by name.
func (s *Scenario) actions(e *Event) map[string]field {
	known := map[string]field{
		"crash": func(n *yaml.Node) error {
			a := &crash{pickTasks: pickTasks{line: n.Line}, code: 1}
			e.act = a
			return a.read(n, "crash", map[string]field{"exitCode": readCount(&a.code, 0, 255)})
		},
		"freeze": func(n *yaml.Node) error {
			a := &freeze{pickTasks: pickTasks{line: n.Line}}
			e.act = a
			return a.read(n, "freeze", nil)
		},
		"stopTasks": func(n *yaml.Node) error {
			a := &stopTasks{pickTasks: pickTasks{line: n.Line}}
			e.act = a
			return a.read(n, "stopTasks", map[string]field{"reason": readText(&a.reason)})
		},
		"protect": func(n *yaml.Node) error {
			a := &protect{pickTasks: pickTasks{line: n.Line}, minutes: 120}
			e.act = a
			return a.read(n, "protect", map[string]field{"minutes": readCount(&a.minutes, 1, 2880)})
		},
		"traffic": func(n *yaml.Node) error {
			a := &traffic{line: n.Line}
			e.act = a
			return readFields(n, "traffic", map[string]field{"service": readText(&a.service), "rate": readNumber(&a.rate)})
		},
		"stopDeployment": func(n *yaml.Node) error {
			a := &stopDeployment{line: n.Line}
			e.act = a
			return readFields(n, "stopDeployment", map[string]field{"service": readText(&a.service), "stopType": readText(&a.how)})
		},
	}
	for _, name := range []string{"loseInstances", "returnInstances", "cutInstances", "mendInstances", "fillDisk", "freeDisk", "cutTargets",
		"mendTargets"} {
		known[name] = func(n *yaml.Node) error {
			a := &onInstances{kind: name, line: n.Line}
			e.act = a
			return a.read(n)
		}
	}
	for _, name := range []string{"imageMissing", "imageBack", "dependencyDown", "dependencyUp", "raiseAlarm", "clearAlarm"} {
		known[name] = func(n *yaml.Node) error {
			a := &outside{kind: name, line: n.Line}
			e.act = a
			return readText(&a.what)(n)
		}
	}
	for operation := range served {
		known[operation] = func(n *yaml.Node) error {
			r, err := readRequest(operation, n)
			e.act = &r
			return err
		}
	}
	return known
}

// pickTasks is a number of tasks, chosen at random among those that run.
type pickTasks struct {
	service, revision string
	count             int // 0 = all
	line              int
}

func (p *pickTasks) read(n *yaml.Node, what string, more map[string]field) error {
	known := map[string]field{"tasks": func(n *yaml.Node) error {
		if n.Value == "all" {
			return nil
		}
		return readCount(&p.count, 1, maxTasks)(n)
	}, "service": readText(&p.service), "of": readText(&p.revision)}
	for name, read := range more {
		known[name] = read
	}
	if err := readFields(n, what, known); err != nil {
		return err
	}
	if member(n, "tasks") == nil {
		return mistakef(n, `%s: "tasks" is missing: how many, or all`, what)
	}
	return nil
}

// read reads which container instances, by number or by zone.
func (a *onInstances) read(n *yaml.Node) error {
	err := readFields(n, a.kind, map[string]field{
		"zone": readText(&a.zone),
		"numbers": func(n *yaml.Node) error {
			return each(n, "numbers", func(n *yaml.Node) error {
				var number int
				err := readCount(&number, 1, maxInstances)(n)
				a.numbers = append(a.numbers, number)
				return err
			})
		},
	})
	if err == nil && (a.zone == "") == (len(a.numbers) == 0) {
		return mistakef(n, `%s: want "numbers", counted from 1 as "instances" lists them, or a "zone"`, a.kind)
	}
	return err
}

// checkEvent sees that what an event names exists.
func (s *Scenario) checkEvent(e Event) error {
	wrong := func(format string, args ...any) error {
		return &Mistake{Line: e.Line, Text: fmt.Sprintf(format, args...)}
	}
	switch a := e.act.(type) {
	case interface{ tasks() *pickTasks }:
		p := a.tasks()
		if p.revision != "" && s.definition(p.revision) == nil {
			return wrong("there is no task definition %q; there are %s", p.revision, strings.Join(s.revisions(), ", "))
		}
		_, err := s.serviceNamed(p.service, p.line)
		return err
	case *traffic:
		_, err := s.serviceNamed(a.service, a.line)
		return err
	case *stopDeployment:
		_, err := s.serviceNamed(a.service, a.line)
		return err
	case *onInstances:
		if n := len(s.chosen(a)); n == 0 || n < len(a.numbers) {
			return wrong("%s: there is no such instance", a.kind)
		}
	case *outside:
		if text := s.checkOutside(a); text != "" {
			return wrong("%s", text)
		}
	}
	return nil
}

// checkOutside says what is wrong with the name of something outside: nothing here has to do with it. "" is nothing.
func (s *Scenario) checkOutside(a *outside) string {
	switch a.kind {
	case "dependencyDown", "dependencyUp":
		if !slices.ContainsFunc(s.Behaviours, func(b Behaviour) bool {
			return slices.Contains(b.needs, a.what) || slices.Contains(b.answerNeeds, a.what)
		}) {
			return fmt.Sprintf("no behaviour needs %q", a.what)
		}
	case "imageMissing", "imageBack":
		if !s.asked(s.Definitions, "image", a.what) {
			return fmt.Sprintf("no container has the image %q", a.what)
		}
	case "raiseAlarm", "clearAlarm":
		if !s.asked(s.Services, "alarmNames", a.what) {
			return fmt.Sprintf("no service names the alarm %q", a.what)
		}
	}
	return ""
}

// asked says whether a member of that name of one of the requests, or of one in the timeline, is or holds the text.
func (s *Scenario) asked(requests []Request, name, text string) bool {
	for _, r := range requests {
		if holds(r.node, name, text) {
			return true
		}
	}
	return slices.ContainsFunc(s.Timeline, func(e Event) bool {
		r, ok := e.act.(*Request)
		return ok && holds(r.node, name, text)
	})
}

func holds(n *yaml.Node, name, text string) bool {
	for i, inner := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i-1].Value == name &&
			(inner.Value == text || slices.ContainsFunc(inner.Content, func(element *yaml.Node) bool { return element.Value == text })) {
			return true
		}
		if holds(inner, name, text) {
			return true
		}
	}
	return false
}

// chosen gives the numbers of the instances that an action is about.
func (s *Scenario) chosen(a *onInstances) []int {
	var all []int
	number := 0
	for _, kind := range s.Instances {
		for range kind.Count {
			number++
			if a.zone != "" && kind.Zone == a.zone || slices.Contains(a.numbers, number) {
				all = append(all, number)
			}
		}
	}
	return all
}
