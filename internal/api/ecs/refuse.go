package ecs

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"

	"ballast/internal/ecs"
)

// compatibility is where a refusal sends its reader.
const compatibility = "See docs/compatibility.md."

// check refuses what a request sets beyond the table of its operation, and values that no version of the API knows; the latter is a
// ClientException where task definitions are registered.
func check(in any) error {
	code := ecs.InvalidParameterException
	if _, registers := in.(*awsecs.RegisterTaskDefinitionInput); registers {
		code = ecs.ClientException
	}
	v := reflect.ValueOf(in).Elem()
	c := checkerOf(v.Type())
	fault := c.struct_(v)
	switch {
	case fault == nil:
		return nil
	case fault.enum != nil:
		return ecs.Errorf(code, "%s %s should be one of [%s]", fault.path, fault.value, strings.Join(fault.enum, ","))
	case fault.only != nil:
		return ecs.Errorf(ecs.InvalidParameterException, "%s %s is not supported by this version of Ballast yet; use %s. %s",
			fault.path, fault.value, strings.Join(fault.only, " or "), compatibility)
	}
	return notYet(fault.path)
}

// notYet is the refusal of a member that Ballast does not act on.
func notYet(path string) error {
	return ecs.Errorf(ecs.InvalidParameterException, "%s is not supported by this version of Ballast yet; remove it. %s", path,
		compatibility)
}

// fault is one member that may not be as it is.
type fault struct {
	path  string
	value string
	only  []string // the values that would do, when others exist that the API knows
	enum  []string // the values that the API knows, when value is none of them
}

// under gives the fault as seen from one level up.
func (f *fault) under(name string) *fault {
	if f != nil {
		f.path = name + f.path
	}
	return f
}

// checker is what must be looked at in a value of one struct type; members that may be anything are not in it.
type checker struct{ members []member }

type member struct {
	index  int
	name   string
	refuse bool
	only   []string
	enum   []string
	inner  *checker // of a struct, or of the elements of a list
}

func (c *checker) struct_(v reflect.Value) *fault {
	for i := range c.members {
		m := &c.members[i]
		field := v.Field(m.index)
		if field.IsZero() {
			continue
		}
		if f := m.check(field); f != nil {
			return f
		}
	}
	return nil
}

func (m *member) check(v reflect.Value) *fault {
	if m.refuse {
		if isDefault(v) {
			return nil
		}
		return &fault{path: m.name}
	}
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			if f := m.one(v.Index(i)); f != nil {
				f.path = "[" + strconv.Itoa(i) + "]" + f.path
				return f.under(m.name)
			}
		}
		return nil
	}
	return m.one(v).under(m.name)
}

// one checks a single value; the path of its fault begins behind the member's name.
func (m *member) one(v reflect.Value) *fault {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if m.inner != nil {
		return m.inner.struct_(v).under(".")
	}
	s := v.String()
	switch {
	case s == "":
		return nil
	case m.enum != nil && !slices.Contains(m.enum, s):
		return &fault{value: s, enum: m.enum}
	case m.only != nil && !slices.Contains(m.only, s):
		return &fault{value: s, only: m.only}
	}
	return nil
}

// isDefault says whether a value says no more than leaving it out would: zero, false, empty, or a structure of such.
func isDefault(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return v.IsNil() || isDefault(v.Elem())
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && !isDefault(v.Field(i)) {
				return false
			}
		}
		return true
	}
	return v.IsZero()
}

var checkers sync.Map // reflect.Type of an input -> *checker

func checkerOf(t reflect.Type) *checker {
	if c, ok := checkers.Load(t); ok {
		return c.(*checker)
	}
	operation := strings.TrimSuffix(t.Name(), "Input")
	c, _ := checkers.LoadOrStore(t, compile(t, served[operation], ""))
	return c.(*checker)
}

// compile turns the table of an operation into a checker for the struct type t, whose members' paths begin with prefix.
func compile(t reflect.Type, allowed table, prefix string) *checker {
	c := &checker{}
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		m := member{index: i, name: wireName(f.Name)}
		elem, list := element(f.Type)
		path := prefix + m.name
		if list {
			path += "[]"
		}
		r, listed := allowed[path]
		switch {
		case elem.Kind() == reflect.Struct && allowed.within(path):
			m.inner = compile(elem, allowed, path+".")
		case !listed:
			m.refuse = true
		default:
			if m.only = r.only; !r.itself {
				m.enum = enumOf(elem)
			}
		}
		if m.refuse || m.only != nil || m.enum != nil || m.inner != nil && len(m.inner.members) > 0 {
			c.members = append(c.members, m)
		}
	}
	return c
}

// element gives what a member consists of, and whether it is a list of that.
func element(t reflect.Type) (elem reflect.Type, list bool) {
	if t.Kind() == reflect.Pointer {
		return t.Elem(), false
	}
	if t.Kind() == reflect.Slice {
		return t.Elem(), true
	}
	return t, false
}

// enumOf gives the values of an enum of the SDK, nil for any other type.
func enumOf(t reflect.Type) []string {
	values, ok := t.MethodByName("Values")
	if t.Kind() != reflect.String || !ok {
		return nil
	}
	all := values.Func.Call([]reflect.Value{reflect.Zero(t)})[0]
	out := make([]string, all.Len())
	for i := range out {
		out[i] = all.Index(i).String()
	}
	return out
}

// wireName gives the name on the wire of a member of an ECS input: the field's, beginning in lower case. A test compares it
// with the SDK's schemas for every member of every table.
func wireName(field string) string {
	return string(unicode.ToLower(rune(field[0]))) + field[1:]
}
