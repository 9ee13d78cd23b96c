package scenario

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	apiecs "ballast/internal/api/ecs"
	"ballast/internal/cli/project"
	"ballast/internal/httpd"
)

// Request is something asked of ECS: an operation with its plain JSON.
type Request struct {
	Operation string
	JSON      []byte
	node      *yaml.Node
}

// served are the operations that scenarios may use, with their inputs.
var served = func() map[string]httpd.Operation {
	m := map[string]httpd.Operation{}
	for _, op := range apiecs.Operations(apiecs.Config{}) {
		if op.Access == httpd.Admin {
			m[op.Name] = op
		}
	}
	return m
}()

// readRequest reads the input of an operation as strictly as "ballast deploy" reads a file.
func readRequest(operation string, n *yaml.Node) (Request, error) {
	r := Request{Operation: operation, node: n}
	var b bytes.Buffer
	if err := writeJSON(&b, n); err != nil {
		return r, err
	}
	r.JSON = b.Bytes()
	if _, err := r.input(); err != nil {
		return r, err
	}
	return r, nil
}

// input gives what the operation's handler takes.
func (r Request) input() (any, error) {
	in := served[r.Operation].New()
	if path, err := project.Decode(r.JSON, in); err != nil {
		return nil, mistakef(find(r.node, path), "%s: %v", r.Operation, err)
	}
	return in, nil
}

// writeJSON writes YAML as the JSON that it stands for.
func writeJSON(b *bytes.Buffer, n *yaml.Node) error {
	switch n.Kind {
	case yaml.MappingNode:
		return writeObject(b, n)
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, element := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeJSON(b, element); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	}
	switch n.Tag {
	case "!!null":
		b.WriteString("null")
		return nil
	case "!!bool", "!!int", "!!float":
		var value any
		if err := n.Decode(&value); err != nil {
			return mistakef(n, "%v", err)
		}
		text, err := json.Marshal(value)
		if err != nil {
			return mistakef(n, "%q is no number in JSON", n.Value)
		}
		b.Write(text)
		return nil
	}
	text, err := json.Marshal(n.Value)
	b.Write(text)
	return err
}

func writeObject(b *bytes.Buffer, n *yaml.Node) error {
	seen := map[string]bool{}
	b.WriteByte('{')
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		if seen[key.Value] {
			return mistakef(key, "%q is there twice", key.Value)
		}
		seen[key.Value] = true
		if i > 0 {
			b.WriteByte(',')
		}
		text, err := json.Marshal(key.Value)
		if err != nil {
			return mistakef(key, "%v", err)
		}
		b.Write(text)
		b.WriteByte(':')
		if err := writeJSON(b, n.Content[i+1]); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

// find gives the part of a document that a path such as "containerDefinitions[0].cpu" leads to, as far as it exists.
func find(n *yaml.Node, path string) *yaml.Node {
	path = strings.ReplaceAll(path, "[", ".[")
	for step := range strings.SplitSeq(path, ".") {
		next := member(n, step)
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

func member(n *yaml.Node, step string) *yaml.Node {
	if index, ok := strings.CutPrefix(step, "["); ok && n.Kind == yaml.SequenceNode {
		i, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
		if err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i]
		}
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == step {
			return n.Content[i+1]
		}
	}
	return nil
}

// text gives the value of a member of the request, "" where there is none.
func (r Request) text(name string) string {
	if n := member(r.node, name); n != nil && n.Kind == yaml.ScalarNode {
		return n.Value
	}
	return ""
}

func sortedNames[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

// noAliases refuses what would make one part of a file stand for another: a file is read as it is seen.
func noAliases(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return mistakef(n, "anchors and aliases are not taken")
	}
	for _, inner := range n.Content {
		if err := noAliases(inner); err != nil {
			return err
		}
	}
	return nil
}

// parse gives the document of a file.
func parse(body []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(body))
	var doc, more yaml.Node
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, &Mistake{Text: "it is empty"}
	} else if err != nil {
		return nil, yamlMistake(err)
	}
	if decoder.Decode(&more) == nil {
		return nil, mistakef(&more, "want one document in a file")
	}
	if err := noAliases(&doc); err != nil {
		return nil, err
	}
	return doc.Content[0], nil
}

// yamlMistake takes the line out of what the parser says: "yaml: line 3: ...".
func yamlMistake(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if number, said, ok := strings.Cut(rest, ": "); ok {
			if n, err := strconv.Atoi(number); err == nil {
				line, text = n, said
			}
		}
	}
	return &Mistake{Line: line, Text: fmt.Sprintf("not YAML: %s", text)}
}
