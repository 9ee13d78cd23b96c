package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Parts are what a scenario can be composed of: ECS's own JSON as some ECS endpoint gives it, and words of a scenario.
type Parts struct {
	Name, Source string
	Instances    []Instances
	// Definitions and Services are inputs of RegisterTaskDefinition and CreateService, as JSON.
	Definitions, Services [][]byte
	// Words is YAML with members of a scenario, which win over those before; its taskDefinitions come after Definitions. File is its
	// name, for mistakes. Nil is none.
	Words []byte
	File  string
}

// defaultLength is how long a composed scenario goes on that does not say it.
const defaultLength = "10m"

// Composed is the text of a scenario, and where lines of it come from.
type Composed struct {
	Text []byte

	file  string
	lines map[int]int // line of Text -> line of Parts.Words
}

// Origin gives a mistake in the text as one in the words that it was composed of. One in the other parts is on no line.
func (c *Composed) Origin(m *Mistake) *Mistake {
	if line := c.lines[m.Line]; line != 0 && c.file != "" {
		return &Mistake{File: c.file, Line: line, Text: m.Text}
	}
	return &Mistake{File: m.File, Text: m.Text}
}

// Settle has a result name the words in place of the text, which is in no file: expectations stand in the words only.
func (c *Composed) Settle(r *Result) {
	if c.file == "" {
		return
	}
	r.File = c.file
	for i := range r.Verdicts {
		r.Verdicts[i].Line = c.lines[r.Verdicts[i].Line]
	}
}

// Compose writes the text of a scenario. What is wrong with the words is a *Mistake; whether the whole makes sense is for Parse.
func Compose(p Parts) (*Composed, error) {
	doc := &yaml.Node{Kind: yaml.MappingNode}
	put(doc, "scenario", scalarNode(p.Name))
	put(doc, "source", scalarNode(p.Source))
	put(doc, "until", scalarNode(defaultLength))
	put(doc, "instances", instanceNodes(p.Instances))
	for name, inputs := range map[string][][]byte{"taskDefinitions": p.Definitions, "services": p.Services} {
		list, err := listNode(inputs)
		if err != nil {
			return nil, err
		}
		put(doc, name, list)
	}
	if len(bytes.TrimSpace(p.Words)) > 0 {
		if err := addWords(doc, p); err != nil {
			return nil, err
		}
	}
	sortMembers(doc)
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(doc), e.Close()); err != nil {
		return nil, fmt.Errorf("write scenario %q: %w", p.Name, err)
	}
	var written yaml.Node
	if err := yaml.Unmarshal(b.Bytes(), &written); err != nil {
		return nil, fmt.Errorf("read scenario %q again: %w", p.Name, err)
	}
	c := &Composed{Text: b.Bytes(), file: p.File, lines: map[int]int{}}
	c.trace(doc, written.Content[0])
	return c, nil
}

// trace notes which lines of the words the lines of the text come from; what was made here has no line.
func (c *Composed) trace(made, written *yaml.Node) {
	if made.Line != 0 && c.lines[written.Line] == 0 {
		c.lines[written.Line] = made.Line
	}
	for i := range min(len(made.Content), len(written.Content)) {
		c.trace(made.Content[i], written.Content[i])
	}
}

// addWords adds the members of another document.
func addWords(doc *yaml.Node, p Parts) error {
	words, err := parse(p.Words)
	if err != nil {
		return located(p.File, err)
	}
	if words.Kind != yaml.MappingNode {
		return located(p.File, mistakef(words, "want members of a scenario: behaviour, timeline, expect, ..."))
	}
	for i := 0; i < len(words.Content); i += 2 {
		key, value := words.Content[i], words.Content[i+1]
		switch {
		case !slices.Contains(order, key.Value):
			return located(p.File, mistakef(key, "a scenario has no field %q; it has %s", key.Value, strings.Join(order, ", ")))
		case key.Value == "services":
			return located(p.File, mistakef(key, "the service is the one that is taken over; change it in the timeline with UpdateService"))
		case key.Value == "taskDefinitions" && value.Kind == yaml.SequenceNode:
			list := member(doc, key.Value)
			list.Content = append(list.Content, value.Content...)
			continue
		}
		put(doc, key.Value, value)
	}
	return nil
}

// placeless gives a node and all in it without lines, as those of documents that are no files have none that anybody could look at.
func placeless(n *yaml.Node) *yaml.Node {
	n.Line, n.Column = 0, 0
	for _, inner := range n.Content {
		placeless(inner)
	}
	return n
}

// order is that of the members of a scenario.
var order = []string{"scenario", "source", "policy", "seed", "begin", "until", "instances", "targetGroups", "serviceRegistries", "taskDefinitions", "services", "behaviour",
	"scaling", "timeline", "expect"}

func sortMembers(doc *yaml.Node) {
	sorted := make([]*yaml.Node, 0, len(doc.Content))
	for _, name := range order {
		for i := 0; i < len(doc.Content); i += 2 {
			if doc.Content[i].Value == name {
				sorted = append(sorted, doc.Content[i], doc.Content[i+1])
			}
		}
	}
	doc.Content = sorted
}

// put sets a member of a mapping.
func put(doc *yaml.Node, name string, value *yaml.Node) {
	for i := 0; i < len(doc.Content); i += 2 {
		if doc.Content[i].Value == name {
			doc.Content[i+1] = value
			return
		}
	}
	doc.Content = append(doc.Content, scalarNode(name), value)
}

func scalarNode(value any) *yaml.Node {
	n := &yaml.Node{}
	if err := n.Encode(value); err != nil {
		panic(fmt.Sprintf("scenario: write %v: %v", value, err)) // texts and numbers only
	}
	return placeless(n)
}

func instanceNodes(all []Instances) *yaml.Node {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for _, i := range all {
		n := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
		put(n, "count", scalarNode(i.Count))
		put(n, "cpu", scalarNode(i.CPU))
		put(n, "memory", scalarNode(i.Memory))
		if i.Zone != "" {
			put(n, "zone", scalarNode(i.Zone))
		}
		list.Content = append(list.Content, n)
	}
	return list
}

// listNode gives JSON documents as YAML for people.
func listNode(documents [][]byte) (*yaml.Node, error) {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for _, text := range documents {
		var n yaml.Node
		if err := yaml.Unmarshal(text, &n); err != nil {
			return nil, fmt.Errorf("read %.80s: %w", text, err)
		}
		plainStyle(n.Content[0])
		list.Content = append(list.Content, placeless(n.Content[0]))
	}
	return list, nil
}

func plainStyle(n *yaml.Node) {
	if n.Style = 0; n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		*n = *scalarNode(n.Value) // in quotes where it would be taken for a number
	}
	for _, inner := range n.Content {
		plainStyle(inner)
	}
}
