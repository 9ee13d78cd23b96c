package scenario

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Mistake is something wrong in a scenario file.
type Mistake struct {
	File string
	Line int // 0 where it is the file as a whole
	Text string
}

// Error gives "file:line: text".
func (m *Mistake) Error() string {
	if m.Line == 0 {
		return m.File + ": " + m.Text
	}
	return fmt.Sprintf("%s:%d: %s", m.File, m.Line, m.Text)
}

func mistakef(n *yaml.Node, format string, args ...any) error {
	return &Mistake{Line: n.Line, Text: fmt.Sprintf(format, args...)}
}

// field reads one member of a mapping.
type field func(*yaml.Node) error

// readFields reads a mapping whose members are all known.
func readFields(n *yaml.Node, what string, known map[string]field) error {
	if n.Kind != yaml.MappingNode {
		return mistakef(n, "%s: want names with values", what)
	}
	seen := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		read, ok := known[key.Value]
		switch {
		case !ok:
			return mistakef(key, "%s has no field %q; it has %s", what, key.Value, names(known))
		case seen[key.Value]:
			return mistakef(key, "%s: %q is there twice", what, key.Value)
		}
		seen[key.Value] = true
		if err := read(value); err != nil {
			return err
		}
	}
	return nil
}

func names[T any](known map[string]T) string { return strings.Join(sortedNames(known), ", ") }

// each reads every element of a list.
func each(n *yaml.Node, what string, read field) error {
	if n.Kind != yaml.SequenceNode {
		return mistakef(n, "%s: want a list", what)
	}
	for _, element := range n.Content {
		if err := read(element); err != nil {
			return err
		}
	}
	return nil
}

func scalar(n *yaml.Node) (string, error) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return "", mistakef(n, "want a single value")
	}
	return n.Value, nil
}

func readText(to *string) field {
	return func(n *yaml.Node) (err error) {
		*to, err = scalar(n)
		if err == nil && strings.TrimSpace(*to) == "" {
			return mistakef(n, "want a text")
		}
		return err
	}
}

// readCount reads a whole number within bounds.
func readCount(to *int, least, most int) field {
	return func(n *yaml.Node) error {
		text, err := scalar(n)
		if err != nil {
			return err
		}
		number, err := strconv.Atoi(text)
		if err != nil || number < least || number > most {
			return mistakef(n, "want a whole number from %d to %d, not %q", least, most, text)
		}
		*to = number
		return nil
	}
}

func readNumber(to *float64) field {
	return func(n *yaml.Node) error {
		text, err := scalar(n)
		if err != nil {
			return err
		}
		number, err := strconv.ParseFloat(text, 64)
		if err != nil || number < 0 || math.IsInf(number, 0) || math.IsNaN(number) || number > 1e9 {
			return mistakef(n, "want a number from 0 to 1e9, not %q", text)
		}
		*to = number
		return nil
	}
}

// longest bounds every duration of a scenario, and its length: 31 days.
const longest = 31 * 24 * time.Hour

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d%time.Millisecond != 0 {
		return 0, fmt.Errorf("want a duration such as 90s or 2m30s, not %q", text)
	}
	if d > longest {
		return 0, fmt.Errorf("%s is more than %d days", text, longest/(24*time.Hour))
	}
	return d, nil
}

func readDuration(to *time.Duration) field {
	return func(n *yaml.Node) error {
		text, err := scalar(n)
		if err != nil {
			return err
		}
		if *to, err = parseDuration(text); err != nil {
			return mistakef(n, "%v", err)
		}
		return nil
	}
}

func readTexts(to *[]string) field {
	return func(n *yaml.Node) error {
		return each(n, "the list", func(n *yaml.Node) error {
			var text string
			err := readText(&text)(n)
			*to = append(*to, text)
			return err
		})
	}
}

// readOneOf reads one of the words given.
func readOneOf(to *string, words ...string) field {
	return func(n *yaml.Node) error {
		text, err := scalar(n)
		if err != nil {
			return err
		}
		for _, w := range words {
			if w == text {
				*to = text
				return nil
			}
		}
		return mistakef(n, "want %s, not %q", strings.Join(words, " or "), text)
	}
}
