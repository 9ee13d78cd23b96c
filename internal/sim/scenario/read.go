package scenario

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"ballast/internal/scheduler/policy"
	"ballast/internal/sim"
)

// Scenario is what a file says.
type Scenario struct {
	File   string
	Name   string // scenario
	Source string // where it is written that it goes so
	Policy string // a preset of package policy
	Seed   uint64
	// FromCreation says that time 0 is the creation of the services; else it is when all of them are steady for the first time.
	FromCreation bool
	Length       time.Duration // until

	Instances    []Instances
	TargetGroups []TargetGroup
	Registries   []TargetGroup // service registries
	Definitions  []Request     // RegisterTaskDefinition
	Services     []Request     // CreateService
	Behaviours   []Behaviour
	Scaling      []Scaling
	Timeline     []Event // in the order of time
	Expect       []Expectation

	// History is all that happens in a world of its own, in place of all of them, nil for none.
	History *sim.History
}

// Instances are container instances of one kind.
type Instances struct {
	Count, CPU, Memory int
	Zone               string
}

// Bounds of a file.
const (
	maxFileSize  = 1 << 20
	maxFiles     = 1000
	maxInstances = 200 // an instance has one byte for its number
	maxTasks     = 5000
)

// Extension is how the names of scenario files end.
const Extension = ".yaml"

// Find gives the scenario files that a path names: the file, or those of the folder by name.
func Find(path string) ([]string, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: no such file or folder", path)
	case err != nil:
		return nil, err
	case !info.IsDir():
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && strings.HasSuffix(e.Name(), Extension) {
			files = append(files, filepath.Join(path, e.Name()))
		}
	}
	switch {
	case len(files) == 0:
		return nil, fmt.Errorf("%s holds no scenario (*%s)", path, Extension)
	case len(files) > maxFiles:
		return nil, fmt.Errorf("%s holds %d scenarios, more than %d", path, len(files), maxFiles)
	}
	return files, nil
}

// Read reads a file. What is wrong with it is a *Mistake.
func Read(file string) (*Scenario, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFileSize {
		return nil, &Mistake{File: file, Text: fmt.Sprintf("the file has more than %d bytes", maxFileSize)}
	}
	body, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return Parse(file, body)
}

// Parse reads what a file holds; its name is for mistakes.
func Parse(file string, body []byte) (*Scenario, error) {
	s := &Scenario{File: file, Policy: policy.Default, Seed: 1}
	doc, err := parse(body)
	if err == nil {
		err = s.read(doc)
	}
	if err != nil {
		return nil, located(file, err)
	}
	return s, nil
}

// located gives a mistake with its file.
func located(file string, err error) error {
	if m := (*Mistake)(nil); errors.As(err, &m) {
		return &Mistake{File: file, Line: m.Line, Text: m.Text}
	}
	return fmt.Errorf("%s: %w", file, err)
}

func (s *Scenario) read(doc *yaml.Node) error {
	var begin, seed = "steady", 1
	err := readFields(doc, "a scenario", map[string]field{
		"scenario":        readText(&s.Name),
		"source":          readText(&s.Source),
		"policy":          readOneOf(&s.Policy, policy.Names()...),
		"history":         s.readHistory,
		"seed":            readCount(&seed, 0, 1<<31-1),
		"begin":           readOneOf(&begin, "steady", "creation"),
		"until":           readDuration(&s.Length),
		"instances":       s.readInstances,
		"targetGroups":    s.readTargetGroups,
		"taskDefinitions": s.readRequests("RegisterTaskDefinition", &s.Definitions),
		"services":        s.readRequests("CreateService", &s.Services),
		"behaviour":       s.readBehaviours,

		"serviceRegistries": s.readRegistries,
		"scaling":           s.readScaling,
		"timeline":          s.readTimeline,
		"expect":            s.readExpectations,
	})
	if err != nil {
		return err
	}
	if s.History != nil {
		return s.checkHistory(doc)
	}
	s.Seed, s.FromCreation = uint64(seed), begin == "creation"
	return s.check(doc)
}

// check looks at the parts together.
func (s *Scenario) check(doc *yaml.Node) error {
	total := 0
	for _, i := range s.Instances {
		total += i.Count
	}
	switch {
	case s.Name == "":
		return mistakef(doc, `"scenario" is missing: what it is called`)
	case s.Length == 0:
		return mistakef(doc, `"until" is missing: how long it goes on`)
	case total == 0:
		return mistakef(doc, `"instances" is missing`)
	case total > maxInstances:
		return mistakef(doc, "there are %d instances, at most %d are possible", total, maxInstances)
	case len(s.Definitions) == 0:
		return mistakef(doc, `"taskDefinitions" is missing`)
	case len(s.Services) == 0:
		return mistakef(doc, `"services" is missing`)
	}
	if err := s.unknownGroup(); err != nil {
		return err
	}
	if err := s.unknownRegistry(); err != nil {
		return err
	}
	slices.SortStableFunc(s.Timeline, func(a, b Event) int { return int(a.At - b.At) })
	if n := len(s.Timeline); n > 0 && s.Timeline[n-1].At >= s.Length {
		return &Mistake{Line: s.Timeline[n-1].Line, Text: fmt.Sprintf("%v is not before the end, %v", s.Timeline[n-1].At, s.Length)}
	}
	for _, b := range s.Behaviours {
		if err := s.checkBehaviour(b); err != nil {
			return err
		}
	}
	for _, e := range s.Timeline {
		if err := s.checkEvent(e); err != nil {
			return err
		}
	}
	for i := range s.Scaling {
		if _, err := s.serviceNamed(s.Scaling[i].Service, s.Scaling[i].line); err != nil {
			return err
		}
	}
	for _, e := range s.Expect {
		if err := s.checkExpectation(e); err != nil {
			return err
		}
	}
	return nil
}

func (s *Scenario) readInstances(n *yaml.Node) error {
	return each(n, "instances", func(n *yaml.Node) error {
		i := Instances{Count: 1, CPU: 4096, Memory: 16384}
		err := readFields(n, "an instance", map[string]field{
			"count":  readCount(&i.Count, 1, maxInstances),
			"cpu":    readCount(&i.CPU, 1, 1<<20),
			"memory": readCount(&i.Memory, 1, 1<<30),
			"zone":   readText(&i.Zone),
		})
		s.Instances = append(s.Instances, i)
		return err
	})
}

func (s *Scenario) readRequests(operation string, to *[]Request) field {
	return func(n *yaml.Node) error {
		return each(n, operation, func(n *yaml.Node) error {
			r, err := readRequest(operation, n)
			*to = append(*to, r)
			return err
		})
	}
}

// revisions gives "family:revision" of every task definition, in the order of registration.
func (s *Scenario) revisions() []string {
	count := map[string]int{}
	var all []string
	for _, d := range s.Definitions {
		family := d.text("family")
		count[family]++
		all = append(all, fmt.Sprintf("%s:%d", family, count[family]))
	}
	return all
}

// definition gives the task definition of a revision, nil where there is none.
func (s *Scenario) definition(revision string) *Request {
	if i := slices.Index(s.revisions(), revision); i >= 0 {
		return &s.Definitions[i]
	}
	return nil
}

// serviceNamed checks the name of a service; "" is the only one.
func (s *Scenario) serviceNamed(name string, line int) (string, error) {
	if name == "" && len(s.Services) == 1 {
		return s.Services[0].text("serviceName"), nil
	}
	var all []string
	for _, service := range s.Services {
		all = append(all, service.text("serviceName"))
	}
	if !slices.Contains(all, name) {
		return "", &Mistake{Line: line, Text: fmt.Sprintf("service %q: want one of %s", name, strings.Join(all, ", "))}
	}
	return name, nil
}
