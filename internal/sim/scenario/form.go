package scenario

import (
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"ballast/internal/arn"
	"ballast/internal/scheduler/explain"
)

// form is one member of a mapping that is read and written: one table says both, so that what is written can be read.
type form struct {
	name  string
	read  field
	write func() *yaml.Node // nil where the member is left out
	must  bool              // it may not be left out
}

func must(f form) form {
	f.must = true
	return f
}

// readForms reads a mapping of them.
func readForms(n *yaml.Node, what string, forms []form) error {
	known := map[string]field{}
	for _, f := range forms {
		known[f.name] = f.read
	}
	if err := readFields(n, what, known); err != nil {
		return err
	}
	for _, f := range forms {
		if f.must && member(n, f.name) == nil {
			return mistakef(n, "%s: %q is missing", what, f.name)
		}
	}
	return nil
}

// writeForms gives the mapping, in one line.
func writeForms(forms []form) *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: yaml.FlowStyle}
	for _, f := range forms {
		if value := f.write(); value != nil {
			m.Content = append(m.Content, word(f.name), value)
		}
	}
	return m
}

// word gives a text as a node, with quotes where it needs them.
func word(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
}

// bare gives a number, or a word that stands for one.
func bare(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }

// unless leaves a value out where it is the usual one.
func unless(usual bool, value *yaml.Node) *yaml.Node {
	if usual {
		return nil
	}
	return value
}

func countForm(name string, to *int, least, most, usual int) form {
	return form{name: name, read: readCount(to, least, most), write: func() *yaml.Node { return unless(*to == usual, bare(strconv.Itoa(*to))) }}
}

// maybeForm is a count that may be missing.
func maybeForm(name string, to **int, least, most int) form {
	read := func(n *yaml.Node) error {
		*to = new(int)
		return readCount(*to, least, most)(n)
	}
	return form{name: name, read: read, write: func() *yaml.Node {
		if *to == nil {
			return nil
		}
		return bare(strconv.Itoa(**to))
	}}
}

func durationForm(name string, to *time.Duration, usual time.Duration) form {
	return form{name: name, read: readDuration(to), write: func() *yaml.Node { return unless(*to == usual, bare(explain.Spell(*to))) }}
}

// skewForm is a duration of either sign.
func skewForm(name string, to *time.Duration) form {
	read := func(n *yaml.Node) error {
		text, err := scalar(n)
		if err != nil {
			return err
		}
		amount, back := strings.CutPrefix(text, "-")
		if *to, err = parseDuration(amount); err != nil || *to > time.Hour {
			return mistakef(n, "want a duration up to an hour such as 3s or -3s, not %q", text)
		}
		if back {
			*to = -*to
		}
		return nil
	}
	return form{name: name, read: read, write: func() *yaml.Node { return unless(*to == 0, bare(explain.Spell(*to))) }}
}

// secondsForm is a duration that ECS gives in seconds.
func secondsForm(name string, to *time.Duration, least, most int) form {
	read := func(n *yaml.Node) error {
		var seconds int
		err := readCount(&seconds, least, most)(n)
		*to = time.Duration(seconds) * time.Second
		return err
	}
	return form{name: name, read: read, write: func() *yaml.Node { return unless(*to == 0, bare(strconv.Itoa(int(*to/time.Second)))) }}
}

// shareForm is a probability.
func shareForm(name string, to *float64) form {
	read := func(n *yaml.Node) error {
		if err := readNumber(to)(n); err != nil || *to > 1 {
			return mistakef(n, "want a number from 0 to 1, not %q", n.Value)
		}
		return nil
	}
	return form{name: name, read: read, write: func() *yaml.Node {
		return unless(*to == 0, bare(strconv.FormatFloat(*to, 'g', -1, 64)))
	}}
}

func flagForm(name string, to *bool, usual bool) form {
	read := func(n *yaml.Node) error {
		var text string
		err := readOneOf(&text, "true", "false")(n)
		*to = text == "true"
		return err
	}
	return form{name: name, read: read, write: func() *yaml.Node { return unless(*to == usual, bare(strconv.FormatBool(*to))) }}
}

func textForm(name string, to *string) form {
	return form{name: name, read: readText(to), write: func() *yaml.Node { return unless(*to == "", word(*to)) }}
}

// nameForm is a text that ECS takes for a name.
func nameForm(name string, to *string) form {
	read := func(n *yaml.Node) error {
		if err := readText(to)(n); err != nil {
			return err
		}
		if len(*to) > arn.MaxName || !arn.ValidName(*to) {
			return mistakef(n, "%s: %q is no name", name, *to)
		}
		return nil
	}
	return form{name: name, read: read, write: func() *yaml.Node { return unless(*to == "", word(*to)) }}
}

// wordForm is one of the words that a type has for its values; the first is the usual one.
func wordForm[T ~uint8](name string, to *T, words ...string) form {
	read := func(n *yaml.Node) error {
		var text string
		err := readOneOf(&text, words...)(n)
		for i, w := range words {
			if w == text {
				*to = T(i)
			}
		}
		return err
	}
	return form{name: name, read: read, write: func() *yaml.Node { return unless(*to == 0, word(words[*to])) }}
}

// partForm is a mapping within the mapping; has says whether there is one, and forms are asked for when it is.
func partForm(name string, has func() bool, forms func() []form) form {
	return form{name: name, read: func(n *yaml.Node) error { return readForms(n, name, forms()) }, write: func() *yaml.Node {
		if !has() {
			return nil
		}
		return writeForms(forms())
	}}
}

// pointerForm is a mapping that may be missing; usual is what is not said of it.
func pointerForm[T any](name string, to **T, usual T, forms func(*T) []form) form {
	return form{name: name, read: func(n *yaml.Node) error {
		value := usual
		*to = &value
		return readForms(n, name, forms(&value))
	}, write: func() *yaml.Node {
		if *to == nil {
			return nil
		}
		return writeForms(forms(*to))
	}}
}

// listForm is a list of at most that many elements, left out where it is empty; usual is what is not said of one.
func listForm[T any](name string, to *[]T, most int, usual T, one func(*T) form) form {
	read := func(n *yaml.Node) error {
		*to = nil
		if len(n.Content) > most {
			return mistakef(n, "%s has %d elements, at most %d are possible", name, len(n.Content), most)
		}
		return each(n, name, func(n *yaml.Node) error {
			element := usual
			if err := one(&element).read(n); err != nil {
				return err
			}
			*to = append(*to, element)
			return nil
		})
	}
	return form{name: name, read: read, write: func() *yaml.Node {
		if len(*to) == 0 {
			return nil
		}
		list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle}
		for i := range *to {
			list.Content = append(list.Content, one(&(*to)[i]).write())
		}
		return list
	}}
}

// recordsForm is a list of mappings.
func recordsForm[T any](name string, to *[]T, most int, usual T, forms func(*T) []form) form {
	return listForm(name, to, most, usual, func(t *T) form {
		return partForm("an element of "+name, func() bool { return true }, func() []form { return forms(t) })
	})
}
