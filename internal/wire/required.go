package wire

import (
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/ecs"

	words "ballast/internal/ecs"
)

// Missing tells which required member of in, a pointer to one of the SDK's input types, is absent: the path of the first one
// in wire names, such as "containerDefinitions[0].healthCheck.command", and whether there is one. Members count as the SDK's
// own validation counts them: an absent list, structure, enum or string is missing, an empty one is not, and a number or
// boolean that Go holds by value cannot be told from zero.
func Missing(in any) (path string, missing bool) {
	v := reflect.ValueOf(in)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return "", false
	}
	r := requirementOf(v.Elem().Type())
	return r.missing(v.Elem())
}

// Required is Missing as the error that the client gets. AWS SDKs check before they send, so only clients that build their
// own requests ever read it; RegisterTaskDefinition answers ClientException, as it does for every fault of a definition,
// and the others InvalidParameterException (ECS API reference, errors per operation).
func Required(in any) error {
	path, missing := Missing(in)
	if !missing {
		return nil
	}
	if _, ok := in.(*ecs.RegisterTaskDefinitionInput); ok {
		return words.Errorf(words.ClientException, "%s should not be null or empty.", path)
	}
	return words.Errorf(words.InvalidParameterException, "%s can not be blank.", path)
}

// requirement is what a value must have: which members of a struct are required, and what their values must have in turn.
// Parts without any requirement are absent, so checking walks only where something can be missing.
type requirement struct {
	shape    *shape
	required []int                // of a struct: indexes into shape.fields
	members  map[int]*requirement // of a struct: by index into shape.fields
	order    []int                // the keys of members in order
	elem     *requirement         // of a list
	variants []*requirement       // of a union: beside shape.members, nil where nothing is required
}

var requirements sync.Map // reflect.Type of an input -> *requirement

func requirementOf(t reflect.Type) *requirement {
	if r, ok := requirements.Load(t); ok {
		return r.(*requirement)
	}
	r, _ := requirements.LoadOrStore(t, deriveRequirement(t))
	return r.(*requirement)
}

// missing finds the first absent member of v, the outer ones first.
func (r *requirement) missing(v reflect.Value) (string, bool) {
	switch r.shape.kind {
	case kindStruct:
		for _, i := range r.required {
			if f := &r.shape.fields[i]; absent(v.Field(f.index)) {
				return f.name, true
			}
		}
		for _, i := range r.order {
			f := &r.shape.fields[i]
			target := v.Field(f.index)
			if absent(target) {
				continue
			}
			if f.ptr {
				target = target.Elem()
			}
			if path, missing := r.members[i].missing(target); missing {
				return join(f.name, path), true
			}
		}
	case kindList:
		for i := range v.Len() {
			if path, missing := r.elem.missing(v.Index(i)); missing {
				return join("["+strconv.Itoa(i)+"]", path), true
			}
		}
	case kindUnion:
		for i, m := range r.shape.members {
			if value := v.Elem().Elem(); value.Type() == m.typ && r.variants[i] != nil {
				path, missing := r.variants[i].missing(value.FieldByName("Value"))
				return join(m.name, path), missing
			}
		}
	}
	return "", false
}

func absent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return v.IsNil()
	case reflect.String:
		return v.Len() == 0
	}
	return false
}

func join(step, path string) string {
	if strings.HasPrefix(path, "[") {
		return step + path
	}
	return step + "." + path
}
