package wire

import (
	"maps"
	"reflect"
	"sync/atomic"

	smithy "github.com/aws/smithy-go"
)

// scalar is a number or boolean member that Go holds by value. The SDK's serializer leaves it out when it is zero, although
// ECS always sends it and clients rely on it (a boto3 user writes service["runningCount"]); the encoder writes it instead.
type scalar struct {
	schema *smithy.Schema
	zero   string
}

// scalarsBySchema gives, for the schema with which a struct is opened, the struct's scalars in the order in which the SDK
// serializes them. Structs without any are absent. The map is replaced, never changed, when another operation is learnt.
var scalarsBySchema atomic.Pointer[map[*smithy.Schema][]scalar]

func init() { scalarsBySchema.Store(&map[*smithy.Schema][]scalar{}) }

func scalarOf(f field) (scalar, bool) {
	if f.ptr || f.schema == nil {
		return scalar{}, false
	}
	switch f.shape.kind {
	case kindInt:
		return scalar{f.schema, "0"}, true
	case kindFloat:
		return scalar{f.schema, "0.0"}, true
	case kindBool:
		return scalar{f.schema, "false"}, true
	}
	return scalar{}, false
}

// pass notes that the scalar s is about to be written and first writes the zero ones that stand before it.
func (e *encoder) pass(s *smithy.Schema) {
	f := e.top()
	for i := range f.scalars {
		if f.scalars[i].schema != s {
			continue
		}
		before := f.scalars[:i]
		f.scalars = f.scalars[i+1:]
		for _, sc := range before {
			e.zero(sc)
		}
		return
	}
}

func (e *encoder) zero(sc scalar) {
	e.begin(sc.schema)
	e.buf = append(e.buf, sc.zero...)
}

// learnRoot makes the scalars of s and of all it holds known to encoders, where s is an operation's input or output (or
// another type that describes itself). The caller holds shapes.mu.
func learnRoot(s *shape) {
	d, ok := reflect.New(s.typ).Interface().(smithy.Serializable)
	if !ok {
		return
	}
	r := &recorder{}
	d.Serialize(r)
	all := maps.Clone(*scalarsBySchema.Load())
	collectScalars(r.first, s, all, map[*smithy.Schema]bool{})
	scalarsBySchema.Store(&all)
}

func collectScalars(schema *smithy.Schema, s *shape, all map[*smithy.Schema][]scalar, seen map[*smithy.Schema]bool) {
	if schema == nil || seen[schema] {
		return
	}
	seen[schema] = true
	switch s.kind {
	case kindStruct:
		if len(s.scalars) > 0 {
			all[schema] = s.scalars
		}
		for _, f := range s.fields {
			collectScalars(f.schema, f.shape, all, seen)
		}
	case kindList:
		collectScalars(schema.ListMember(), s.elem, all, seen)
	case kindMap:
		collectScalars(schema.MapValue(), s.elem, all, seen)
	case kindUnion:
		for _, v := range s.members {
			collectScalars(v.schema, v.shape, all, seen)
		}
	}
}
