package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
	"ballast/internal/sim"
)

// Behaviour is what a container of a task definition revision does.
type Behaviour struct {
	Revision  string // "web:1"
	Container string // "" = the first essential one

	script []ecs.Variable // of the fake driver
	leak   leak
	// fewest and most are the requests a second that a task can serve, drawn for each; 0 = any number.
	fewest, most float64
	needs        []string    // dependencies without which its health checks fail
	answers      sim.Answers // to the health checks of load balancers, by the age of the task
	answerNeeds  []string    // dependencies without which those get 503
	line         int
}

// leak is memory that a container takes without giving it back, until the kernel ends it at its hard limit.
type leak struct{ from, perMinute float64 } // MiB

// codeKilled is the exit code of a container that SIGKILL ended.
const codeKilled = 137

// CheckBehaviour says whether a member of a behaviour, such as "startTime: 2s", makes sense; "" does.
func CheckBehaviour(member string) error {
	n, err := parse([]byte("{" + member + "}"))
	if err == nil {
		var b Behaviour
		err = b.read(n)
	}
	if m := (*Mistake)(nil); errors.As(err, &m) {
		return errors.New(m.Text)
	}
	return err
}

func (s *Scenario) readBehaviours(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return mistakef(n, "behaviour: want revisions (web:1), or containers of them (web:1/app), with what they do")
	}
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		b := Behaviour{line: key.Line}
		b.Revision, b.Container, _ = strings.Cut(key.Value, "/")
		if slices.ContainsFunc(s.Behaviours, func(o Behaviour) bool { return o.Revision == b.Revision && o.Container == b.Container }) {
			return mistakef(key, "%q is there twice", key.Value)
		}
		if err := b.read(n.Content[i+1]); err != nil {
			return err
		}
		s.Behaviours = append(s.Behaviours, b)
	}
	return nil
}

func (b *Behaviour) read(n *yaml.Node) error {
	variable := func(name string) field {
		return func(n *yaml.Node) error {
			value, err := scalar(n)
			if err != nil {
				return err
			}
			b.script = append(b.script, ecs.Variable{Name: name, Value: value})
			return b.try(n)
		}
	}
	return readFields(n, "a behaviour", map[string]field{
		"startTime":      variable(fake.EnvStartDelay),
		"stopTime":       variable(fake.EnvStopDelay),
		"ignoresSIGTERM": variable(fake.EnvIgnoreSIGTERM),
		"exitAfter":      variable(fake.EnvExitAfter),
		"exitCode":       variable(fake.EnvExitCode),
		"cannotStart":    variable(fake.EnvFailStart),
		"health":         variable(fake.EnvHealth),
		"checkTakes":     variable(fake.EnvHealthTakes),
		"capacity":       b.readCapacity,
		"needs":          readTexts(&b.needs),
		"answers":        readAnswers(&b.answers),
		"answerNeeds":    readTexts(&b.answerNeeds),
		"memoryLeak": func(n *yaml.Node) error {
			return readFields(n, "a memory leak", map[string]field{
				"from": readNumber(&b.leak.from), "perMinute": readNumber(&b.leak.perMinute)})
		},
	})
}

// try has the fake driver read the script.
func (b *Behaviour) try(n *yaml.Node) error {
	if err := checkScript(b.script[len(b.script)-1]); err != nil {
		_, text, _ := strings.Cut(err.Error(), "\": ")
		return mistakef(n, "%s, not %q", text, n.Value)
	}
	return nil
}

// readCapacity reads "100", or "90..110" for what differs from task to task.
func (b *Behaviour) readCapacity(n *yaml.Node) error {
	text, err := scalar(n)
	if err != nil {
		return err
	}
	from, to, ranged := strings.Cut(text, "..")
	if !ranged {
		to = from
	}
	var errs [2]error
	b.fewest, errs[0] = strconv.ParseFloat(from, 64)
	b.most, errs[1] = strconv.ParseFloat(to, 64)
	if errs[0] != nil || errs[1] != nil || !(b.fewest > 0) || !(b.most >= b.fewest) || b.most > 1e9 {
		return mistakef(n, "want requests a second such as 100 or 90..110, not %q", text)
	}
	return nil
}

// checkBehaviour sees that what behaves exists.
func (s *Scenario) checkBehaviour(b Behaviour) error {
	d := s.definition(b.Revision)
	if d == nil {
		return &Mistake{Line: b.line, Text: fmt.Sprintf("there is no task definition %q; there are %s", b.Revision,
			strings.Join(s.revisions(), ", "))}
	}
	if b.Container == "" {
		return nil
	}
	for _, c := range member(d.node, "containerDefinitions").Content {
		if (Request{node: c}).text("name") == b.Container {
			return nil
		}
	}
	return &Mistake{Line: b.line, Text: fmt.Sprintf("task definition %s has no container %q", b.Revision, b.Container)}
}

// of says whether the behaviour is that of a container of a task definition.
func (b *Behaviour) of(d *ecs.TaskDefinition, container string) bool {
	if b.Revision != d.Name() {
		return false
	}
	return container == b.Container || b.Container == "" && container == leading(d)
}

// leading is the container that stands for the application: the first essential one.
func leading(d *ecs.TaskDefinition) string {
	for i := range d.Containers {
		if d.Containers[i].Essential {
			return d.Containers[i].Name
		}
	}
	return ""
}

// variables gives the script of a container with that hard limit of memory, in MiB.
func (b *Behaviour) variables(memory int) []ecs.Variable {
	all := slices.Clone(b.script)
	if b.leak.perMinute > 0 && memory > 0 {
		lives := time.Duration(max(0, float64(memory)-b.leak.from) / b.leak.perMinute * float64(time.Minute)).Truncate(time.Millisecond)
		all = append(all, ecs.Variable{Name: fake.EnvExitAfter, Value: lives.String()},
			ecs.Variable{Name: fake.EnvExitCode, Value: strconv.Itoa(codeKilled)})
	}
	return all
}
