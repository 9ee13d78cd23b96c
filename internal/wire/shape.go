package wire

import (
	"fmt"
	"reflect"
	"sync"
	"time"

	smithy "github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

// kind says how a Go type of the SDK appears on the wire.
type kind uint8

const (
	kindUnsupported kind = iota // a type no served operation has; refused by name when a client sends it
	kindString                  // string and every enum
	kindBool
	kindInt
	kindFloat
	kindTime
	kindBlob
	kindList
	kindMap // string keys
	kindStruct
	kindUnion
	kindDocument
)

// shape is what one Go type looks like on the wire. Shapes are immutable once published and may refer to each other in
// cycles.
type shape struct {
	kind    kind
	typ     reflect.Type
	elem    *shape         // of a list or a map: the element
	fields  []field        // of a struct: in the order in which the SDK serializes them
	byName  map[string]int // of a struct: wire name -> index into fields
	members []variant      // of a union
	scalars []scalar       // of a struct: the members that Go holds by value; see scalar.go
}

// field is one member of a struct.
type field struct {
	name   string // as on the wire
	goName string
	index  int // of the Go field
	ptr    bool
	shape  *shape
	schema *smithy.Schema // nil where the module has no schemas (STS)
}

// variant is one member of a union.
type variant struct {
	name   string
	typ    reflect.Type // the struct that implements the union's interface; its field Value holds the member
	shape  *shape
	schema *smithy.Schema
}

// describer is what every struct of a module with schemas has.
type describer interface {
	SerializeMembers(smithy.ShapeSerializer)
}

var (
	timeType     = reflect.TypeFor[time.Time]()
	metadataType = reflect.TypeFor[middleware.Metadata]()
)

// shapes keeps what was learnt. known answers readers without a lock; the rest is the builder's.
var shapes struct {
	known sync.Map // reflect.Type -> *shape, complete ones only
	mu    sync.Mutex
	all   map[reflect.Type]*shape
}

// shapeOf gives the shape of t, which is not a pointer, learning it on the first call.
func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.known.Load(t); ok {
		return s.(*shape)
	}
	shapes.mu.Lock()
	defer shapes.mu.Unlock()
	if shapes.all == nil {
		shapes.all = map[reflect.Type]*shape{}
	}
	complete := false
	defer func() {
		if !complete { // a panic on the way up: forget what is half learnt
			shapes.all = nil
		}
	}()
	s := learn(t)
	learnRoot(s)
	shapes.known.Store(t, s)
	complete = true
	return s
}

// learn gives the shape of t; the caller holds shapes.mu. A type that is being learnt further up is given as it stands.
func learn(t reflect.Type) *shape {
	if s, ok := shapes.all[t]; ok {
		return s
	}
	s := &shape{typ: t, kind: kindOf(t)}
	shapes.all[t] = s
	switch s.kind {
	case kindList, kindMap:
		s.elem = learn(t.Elem())
		if s.elem.kind == kindUnsupported {
			s.kind = kindUnsupported
		}
	case kindStruct:
		learnFields(s)
	case kindUnion:
		for _, v := range unions[t] {
			s.members = append(s.members, learnVariant(v))
		}
	}
	return s
}

func kindOf(t reflect.Type) kind {
	switch t.Kind() {
	case reflect.String:
		return kindString
	case reflect.Bool:
		return kindBool
	case reflect.Int32, reflect.Int64, reflect.Int16, reflect.Int8:
		return kindInt
	case reflect.Float64, reflect.Float32:
		return kindFloat
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return kindBlob
		}
		return kindList
	case reflect.Map:
		if t.Key().Kind() == reflect.String {
			return kindMap
		}
	case reflect.Struct:
		if t == timeType {
			return kindTime
		}
		return kindStruct
	case reflect.Interface:
		if t == documentType {
			return kindDocument
		}
		if _, ok := unions[t]; ok {
			return kindUnion
		}
	}
	return kindUnsupported
}

// learnFields finds the members of the struct s. Where the type describes itself, each field is set alone and the schema
// that the type then writes gives its name; else the wire name is the field's (STS and its like use UpperCamel names).
func learnFields(s *shape) {
	order := map[*smithy.Schema]int{}
	full := reflect.New(s.typ)
	d, described := full.Interface().(describer)
	if described {
		for i := range s.typ.NumField() {
			touch(full.Elem().Field(i))
		}
		members, _ := written(d)
		for i, schema := range members {
			order[schema] = i
		}
		s.fields = make([]field, len(order))
	}
	for i := range s.typ.NumField() {
		sf := s.typ.Field(i)
		if !sf.IsExported() || sf.Type == metadataType {
			continue
		}
		f := field{name: sf.Name, goName: sf.Name, index: i}
		t := sf.Type
		if t.Kind() == reflect.Pointer {
			f.ptr, t = true, t.Elem()
		}
		f.shape = learn(t)
		if !described {
			s.fields = append(s.fields, f)
			continue
		}
		f.schema = schemaOfField(s.typ, i)
		f.name = f.schema.MemberName()
		s.fields[order[f.schema]] = f
	}
	s.byName = make(map[string]int, len(s.fields))
	for i, f := range s.fields {
		s.byName[f.name] = i
		if sc, ok := scalarOf(f); ok {
			s.scalars = append(s.scalars, sc)
		}
	}
}

// schemaOfField sets field i of a fresh struct alone and gives the one schema that the struct then writes with a value.
func schemaOfField(t reflect.Type, i int) *smithy.Schema {
	v := reflect.New(t)
	touch(v.Elem().Field(i))
	_, got := written(v.Interface().(describer))
	if len(got) != 1 {
		panic(fmt.Sprintf("wire: %s.%s is written as %d members, want 1; a union missing in the table of unions is written as none",
			t, t.Field(i).Name, len(got)))
	}
	return got[0]
}

func learnVariant(t reflect.Type) variant {
	v := reflect.New(t)
	value, _ := t.FieldByName("Value")
	r := &recorder{}
	v.Interface().(smithy.Serializable).Serialize(r)
	return variant{name: r.first.MemberName(), typ: t, shape: learn(value.Type), schema: r.first}
}

// touch gives a field the smallest value that the SDK does not leave out. What it cannot set stays as it is.
func touch(v reflect.Value) {
	if !v.CanSet() {
		return
	}
	switch kindOf(v.Type()) {
	case kindString:
		v.SetString("x")
	case kindBool:
		v.SetBool(true)
	case kindInt:
		v.SetInt(1)
	case kindFloat:
		v.SetFloat(1)
	case kindList, kindBlob:
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	case kindMap:
		v.Set(reflect.MakeMap(v.Type()))
	case kindUnion:
		v.Set(reflect.New(unions[v.Type()][0]))
	case kindDocument:
		v.Set(reflect.ValueOf(newDocument(nil)))
	default:
		if v.Kind() == reflect.Pointer {
			v.Set(reflect.New(v.Type().Elem()))
			touch(v.Elem())
		}
	}
}
