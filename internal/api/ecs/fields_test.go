package ecs

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"ballast/internal/httpd"
	"ballast/internal/wire"
)

// path leads to a member of an input: its names on the wire and its fields in Go.
type path struct {
	name  string // as in the table: containerDefinitions[].name
	steps []step
	typ   reflect.Type // of the member
}

type step struct {
	name  string
	index int
	list  bool
}

// walk visits every member of a struct that the table looks at: those listed, and those beside them, which are refused.
func walk(t reflect.Type, allowed table, above path, visit func(p path, listed bool)) {
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		elem, list := element(f.Type)
		p := path{above.name + wireName(f.Name), append(slices.Clone(above.steps), step{wireName(f.Name), i, list}), f.Type}
		key := p.name
		if list {
			key += "[]"
		}
		if elem.Kind() == reflect.Struct && allowed.within(key) {
			p.name = key + "."
			walk(elem, allowed, p, visit)
			continue
		}
		_, listed := allowed[key]
		if listed {
			p.name = key
		}
		visit(p, listed)
	}
}

func each(t *testing.T, do func(t *testing.T, operation string, in reflect.Type)) {
	for _, op := range Operations(Config{}) {
		if op.Service != httpd.ECS {
			t.Errorf("%s belongs to %s", op.Name, op.Service)
		}
		do(t, op.Name, reflect.TypeOf(op.New()).Elem())
	}
}

// TestTableFits checks that every line of the table is about a member that exists, of an operation that is served.
func TestTableFits(t *testing.T) {
	unused := map[string]bool{}
	for operation, allowed := range served {
		for name := range allowed {
			unused[operation+" "+name] = true
		}
	}
	each(t, func(t *testing.T, operation string, in reflect.Type) {
		if served[operation] == nil {
			t.Errorf("%s has no table", operation)
		}
		walk(in, served[operation], path{}, func(p path, listed bool) {
			if listed {
				delete(unused, operation+" "+p.name)
			}
		})
	})
	for _, line := range slices.Sorted(maps.Keys(unused)) {
		t.Errorf("%s: no such member, or it is a structure, whose members are to be listed", line)
	}
}

// TestNames checks that every name in a refusal, and in the table, is the one on the wire: a request with it sets the member.
func TestNames(t *testing.T) {
	each(t, func(t *testing.T, operation string, in reflect.Type) {
		walk(in, served[operation], path{}, func(p path, _ bool) {
			sample, known := sampleOf(p.typ)
			if !known {
				return // unions have no smallest value
			}
			v := reflect.New(in)
			if err := wire.DecodeJSON([]byte(request(p.steps, sample)), v.Interface()); err != nil {
				t.Errorf("%s %s: %v", operation, p.name, err)
				return
			}
			at := v.Elem()
			for _, s := range p.steps {
				if at.Kind() == reflect.Pointer {
					at = at.Elem()
				}
				if at.Kind() == reflect.Slice {
					at = at.Index(0)
				}
				at = at.Field(s.index)
			}
			if at.IsZero() {
				t.Errorf("%s %s is not the name on the wire", operation, p.name)
			}
		})
	})
}

func request(steps []step, sample string) string {
	s := steps[0]
	inner := sample
	if len(steps) > 1 {
		inner = request(steps[1:], sample)
		if s.list {
			inner = "[" + inner + "]"
		}
	}
	return fmt.Sprintf("{%q:%s}", s.name, inner)
}

// sampleOf gives a small value of a type in JSON.
func sampleOf(t reflect.Type) (string, bool) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[time.Time]() {
		return "1", true
	}
	switch t.Kind() {
	case reflect.String:
		return `"x"`, true
	case reflect.Bool:
		return "true", true
	case reflect.Int32, reflect.Int64, reflect.Float64:
		return "1", true
	case reflect.Slice:
		return "[]", true
	case reflect.Struct, reflect.Map:
		return "{}", true
	}
	return "", false
}

// TestRefusedMembers checks for every member of every input that is not in the table that setting it is refused by its name.
func TestRefusedMembers(t *testing.T) {
	refused := 0
	each(t, func(t *testing.T, operation string, in reflect.Type) {
		walk(in, served[operation], path{}, func(p path, listed bool) {
			if listed {
				return
			}
			v := reflect.New(in)
			at := v.Elem()
			for _, s := range p.steps {
				at = into(at).Field(s.index)
			}
			if !fill(at) {
				t.Errorf("%s %s: cannot be set by this test", operation, p.name)
				return
			}
			refused++
			want := strings.ReplaceAll(p.name, "[]", "[0]") + " is not supported"
			if err := check(v.Interface()); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s %s: %v", operation, p.name, err)
			}
		})
	})
	if refused < 70 {
		t.Errorf("only %d members are refused; the walk has lost some", refused)
	}
}

// into makes room in a pointer or list and gives the struct there.
func into(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return v.Elem()
	case reflect.Slice:
		if v.Len() == 0 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		}
		return v.Index(0)
	}
	return v
}

// fill sets a value to something that is not its default.
func fill(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem())
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && fill(v.Field(i)) {
				return true
			}
		}
		return false
	default:
		return false
	}
	return true
}
