package project

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"ballast/internal/ecs"
	"ballast/internal/wire"
)

// document gives an SDK type as the JSON that goes over the wire, parsed.
func document(v any) (any, error) {
	text, err := wire.AppendJSON(nil, v)
	if err != nil {
		return nil, err
	}
	var doc any
	err = json.Unmarshal(text, &doc)
	return doc, err
}

// message gives what is wrong without the error code that an API client would switch on.
func message(err error) string {
	var refusal *ecs.Error
	if errors.As(err, &refusal) {
		return refusal.Message
	}
	return err.Error()
}

// keyed is a list that is a set: its elements by the value of the member that tells them apart.
type keyed map[string]any

// A form says how documents of one kind are brought into the one form in which equal meaning is equal value. Paths name
// members of list elements as "containerDefinitions[].cpu".
type form struct {
	// keys are the lists whose order means nothing, with the member that tells their elements apart, or "" for plain strings.
	keys map[string]string
	// defaults are what absence means, where that is not false, 0, "" or an empty list.
	defaults map[string]any
	// ignored are members that are no part of what is compared.
	ignored []string
}

// canonical brings a document into its form: what says no more than its absence is left out, and sets are put in order.
func (f form) canonical(doc any) map[string]any {
	out, _ := f.value("", doc).(map[string]any)
	return out
}

func (f form) value(path string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, inner := range v {
			if p := join(path, name); !slices.Contains(f.ignored, p) {
				if c := f.value(p, inner); c != nil {
					out[name] = c
				}
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []any:
		if len(v) == 0 {
			return nil
		}
		return f.list(path, v)
	}
	if v == f.absence(path, v) {
		return nil
	}
	return v
}

// list keeps elements that say nothing, since their place in the list may.
func (f form) list(path string, v []any) any {
	key, isSet := f.keys[path]
	set, list := keyed{}, make([]any, len(v))
	for i, element := range v {
		c := element
		if _, scalar := element.(string); !scalar {
			c = f.value(path+"[]", element)
		}
		list[i] = c
		set[keyOf(element, key)] = c
	}
	if isSet {
		return set
	}
	return list
}

func keyOf(element any, key string) string {
	if m, ok := element.(map[string]any); ok {
		element = m[key]
	}
	s, _ := element.(string)
	return s
}

// absence is the value, of the same type as v, that leaving the member out stands for.
func (f form) absence(path string, v any) any {
	if d, ok := f.defaults[path]; ok {
		return d
	}
	switch v.(type) {
	case bool:
		return false
	case float64:
		return 0.0
	case string:
		return ""
	}
	return nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Change is one difference: a member, and what it was and is to be as JSON, "" for what is not there.
type Change struct {
	Path string `json:"path"`
	Old  string `json:"old,omitempty"`
	New  string `json:"new,omitempty"`
}

// String gives the change for people.
func (c Change) String() string {
	return c.Path + ": " + clip(cmp.Or(c.Old, "unset")) + " -> " + clip(cmp.Or(c.New, "unset"))
}

// clip shortens what would fill the screen.
func clip(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

// member gives the top-level member that the change is in.
func (c Change) member() string {
	end := strings.IndexAny(c.Path, ".[")
	if end < 0 {
		return c.Path
	}
	return c.Path[:end]
}

// differences compares canonical documents, in the order of paths.
func differences(path string, old, now any) []Change {
	o, n := members(old), members(now)
	if o == nil || n == nil || isKeyed(old) != isKeyed(now) {
		before, after := render(old), render(now)
		if before == after {
			return nil
		}
		return []Change{{path, before, after}}
	}
	names := map[string]bool{}
	for name := range o {
		names[name] = true
	}
	for name := range n {
		names[name] = true
	}
	var out []Change
	for _, name := range sortedKeys(names) {
		inner := join(path, name)
		if isKeyed(now) {
			inner = path + "[" + name + "]"
		}
		out = append(out, differences(inner, o[name], n[name])...)
	}
	return out
}

func members(v any) map[string]any {
	switch v := v.(type) {
	case map[string]any:
		return v
	case keyed:
		return v
	}
	return nil
}

func isKeyed(v any) bool {
	_, ok := v.(keyed)
	return ok
}

// render gives a canonical value as JSON with sorted members; a set comes as the list that it was.
func render(v any) string {
	if v == nil {
		return ""
	}
	text, err := json.Marshal(plain(v))
	if err != nil {
		return strconv.Quote(err.Error())
	}
	return string(text)
}

func plain(v any) any {
	switch v := v.(type) {
	case keyed:
		list := make([]any, 0, len(v))
		for _, key := range sortedKeys(v) {
			list = append(list, plain(v[key]))
		}
		return list
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, inner := range v {
			out[name] = plain(inner)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plain(v[i])
		}
		return out
	}
	return v
}
