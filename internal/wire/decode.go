package wire

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"

	"github.com/aws/smithy-go/document"
)

// DecodeJSON reads an AWS JSON request body into in, a pointer to one of the SDK's input types. An empty body is an empty
// input. Members that in does not know are ignored and null stands for absence, as in AWS; names are matched exactly.
//
// A body that is not JSON, is nested too deep, has a list too long or more after its end, or holds a value of the wrong type is
// refused with an [ecs.Error] of code SerializationException that names the member. Enums are taken as they come; validating
// them is not this package's work. Values in in never share memory with body.
func DecodeJSON(body []byte, in any) error {
	v := reflect.ValueOf(in)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("decode AWS JSON into %T: want a pointer to a struct", in)
	}
	d := decoder{scanner{data: body}}
	if d.peek(); d.pos == len(body) {
		return nil
	}
	if err := d.value(shapeOf(v.Type().Elem()), v.Elem()); err != nil {
		return asRefusal(err)
	}
	if d.peek(); d.pos < len(body) {
		return d.malformed("something follows the end of the request")
	}
	return nil
}

// decoder fills Go values from JSON by their shapes.
type decoder struct{ scanner }

// misfit is a value of the wrong type, with the path to it, which grows from the inside out.
type misfit struct {
	message string
	path    string
}

func (m *misfit) Error() string { return m.message + " (at " + m.path + ")" }

func asRefusal(err error) error {
	if m, ok := errors.AsType[*misfit](err); ok {
		if m.path == "" {
			return refuse("%s", m.message)
		}
		return refuse("%s", m.Error())
	}
	return err
}

// within adds the step by which a failed value was reached.
func within(err error, step string) error {
	m, ok := err.(*misfit)
	switch {
	case !ok:
		return err
	case m.path == "" || m.path[0] == '[':
		m.path = step + m.path
	default:
		m.path = step + "." + m.path
	}
	return m
}

// expected are the words with which AWS names what a value could not be converted to.
var expected = map[kind]string{
	kindString: "a String", kindBool: "a Boolean", kindInt: "an Integer", kindFloat: "a Double",
	kindTime: "milliseconds since epoch", kindBlob: "a Blob",
}

// unfit says that the value at the current place does not belong there, in the words of AWS's own parser. It first makes
// sure that the value is JSON at all.
func (d *decoder) unfit(want kind) error {
	var got string
	switch c := d.peek(); c {
	case '{':
		return &misfit{message: "Start of structure or map found where not expected"}
	case '[':
		return &misfit{message: "Start of list found where not expected"}
	case '"':
		got = "STRING_VALUE"
	case 't':
		got = "TRUE_VALUE"
	case 'f':
		got = "FALSE_VALUE"
	case 'n':
		got = "NULL_VALUE"
	default:
		got = "NUMBER_VALUE"
	}
	if err := d.ignore(); err != nil {
		return err
	}
	switch want {
	case kindList:
		return &misfit{message: "Expected list or null, found " + got}
	case kindStruct, kindMap, kindUnion:
		return &misfit{message: "Expected structure, map or null, found " + got}
	}
	return &misfit{message: got + " can not be converted to " + expected[want]}
}

// value reads the next value into v, which is settable and of shape s.
func (d *decoder) value(s *shape, v reflect.Value) error {
	c := d.peek()
	switch s.kind {
	case kindStruct:
		if c == '{' {
			return d.structure(s, v)
		}
	case kindString:
		if c == '"' {
			text, err := d.str()
			v.SetString(string(text))
			return err
		}
	case kindList:
		if c == '[' {
			return d.list(s, v)
		}
	case kindMap:
		if c == '{' {
			return d.dictionary(s, v)
		}
	case kindBool:
		if c == 't' || c == 'f' {
			v.SetBool(c == 't')
			return d.word(strconv.FormatBool(c == 't'))
		}
	case kindInt, kindFloat, kindTime:
		if c == '-' || c >= '0' && c <= '9' {
			return d.numeric(s, v)
		}
	case kindBlob:
		if c == '"' {
			return d.blob(v)
		}
	case kindUnion:
		if c == '{' {
			return d.union(s, v)
		}
	case kindDocument:
		content, err := d.content()
		v.Set(reflect.ValueOf(newDocument(content)))
		return err
	default:
		return fmt.Errorf("decode AWS JSON: no way to decode a %s", s.typ)
	}
	return d.unfit(s.kind)
}

// structure reads an object into a struct.
func (d *decoder) structure(s *shape, v reflect.Value) error {
	if err := d.enter(); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := d.more(first, '}')
		if !more || err != nil {
			return err
		}
		key, err := d.key()
		if err != nil {
			return err
		}
		i, known := s.byName[string(key)]
		if !known {
			err = d.ignore()
		} else if d.peek() == 'n' {
			err = d.word("null")
		} else if err = d.member(&s.fields[i], v); err != nil {
			return within(err, s.fields[i].name)
		}
		if err != nil {
			return err
		}
	}
}

func (d *decoder) member(f *field, v reflect.Value) error {
	target := v.Field(f.index)
	if !f.ptr {
		return d.value(f.shape, target)
	}
	p := reflect.New(f.shape.typ)
	target.Set(p)
	return d.value(f.shape, p.Elem())
}

// maxElements bounds a list: no operation served takes more than a few hundred elements. An empty container definition has 3 bytes in a
// body, and 640 in memory.
const maxElements = 10_000

func (d *decoder) list(s *shape, v reflect.Value) error {
	v.Set(reflect.MakeSlice(s.typ, 0, 0))
	if err := d.enter(); err != nil {
		return err
	}
	for n := 0; ; n++ {
		more, err := d.more(n == 0, ']')
		if !more || err != nil {
			return err
		}
		if n == maxElements {
			return &misfit{message: fmt.Sprintf("A list has more than %d elements", maxElements)}
		}
		if v.Cap() == n {
			v.Grow(max(n, 2))
		}
		v.SetLen(n + 1)
		if err := d.element(s.elem, v.Index(n)); err != nil {
			return within(err, "["+strconv.Itoa(n)+"]")
		}
	}
}

// element reads a value of a list or map, where null has no meaning.
func (d *decoder) element(s *shape, v reflect.Value) error {
	if d.peek() == 'n' {
		if err := d.word("null"); err != nil {
			return err
		}
		return &misfit{message: "NULL_VALUE found in a list or map that holds no nulls"}
	}
	return d.value(s, v)
}

func (d *decoder) dictionary(s *shape, v reflect.Value) error {
	m := reflect.MakeMap(s.typ)
	v.Set(m)
	elem := reflect.New(s.elem.typ).Elem()
	return d.each(func(key []byte) error {
		name := string(key)
		elem.SetZero()
		if err := d.element(s.elem, elem); err != nil {
			return within(err, name)
		}
		m.SetMapIndex(reflect.ValueOf(name).Convert(s.typ.Key()), elem)
		return nil
	})
}

func (d *decoder) numeric(s *shape, v reflect.Value) error {
	text, whole, err := d.number()
	if err != nil {
		return err
	}
	switch s.kind {
	case kindInt:
		n, ok := integer(text, whole, v.Type().Bits())
		if !ok {
			return &misfit{message: fmt.Sprintf("NUMBER_VALUE %s can not be converted to an Integer of %d bits", shorten(text), v.Type().Bits())}
		}
		v.SetInt(n)
	case kindFloat:
		f, err := strconv.ParseFloat(string(text), v.Type().Bits())
		if err != nil {
			return &misfit{message: "NUMBER_VALUE " + shorten(text) + " can not be converted to a Double"}
		}
		v.SetFloat(f)
	case kindTime:
		t, ok := epoch(text)
		if !ok {
			return &misfit{message: "NUMBER_VALUE " + shorten(text) + " can not be converted to milliseconds since epoch"}
		}
		v.Set(reflect.ValueOf(t))
	}
	return nil
}

// epoch reads seconds since 1970 to the millisecond, within the years 1 to 9999.
func epoch(text []byte) (time.Time, bool) {
	const first, last = -62135596800, 253402300799
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || f < first || f > last {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(math.Round(f * 1000))).UTC(), true
}

// shorten keeps a client's text readable in a message.
func shorten(text []byte) string {
	const most = 40
	if len(text) > most {
		return string(text[:most]) + "..."
	}
	return string(text)
}

func (d *decoder) blob(v reflect.Value) error {
	text, err := d.str()
	if err != nil {
		return err
	}
	raw, err := base64.StdEncoding.AppendDecode([]byte{}, text)
	if err != nil {
		return &misfit{message: "STRING_VALUE can not be decoded as base64"}
	}
	v.SetBytes(raw)
	return nil
}

// union reads an object of which exactly one known member is set.
func (d *decoder) union(s *shape, v reflect.Value) error {
	return d.each(func(key []byte) error {
		i := 0
		for i < len(s.members) && s.members[i].name != string(key) {
			i++
		}
		if i == len(s.members) {
			return d.ignore()
		}
		if d.peek() == 'n' {
			return d.word("null")
		}
		m := s.members[i]
		if !v.IsNil() {
			return &misfit{message: "More than one member of a union is set", path: m.name}
		}
		p := reflect.New(m.typ)
		v.Set(p)
		if err := d.value(m.shape, p.Elem().FieldByName("Value")); err != nil {
			return within(err, m.name)
		}
		return nil
	})
}

// content reads open content: nil, bool, string, document.Number, []any or map[string]any.
func (d *decoder) content() (any, error) {
	switch d.peek() {
	case '{':
		m := map[string]any{}
		err := d.each(func(key []byte) (err error) {
			name := string(key)
			m[name], err = d.content()
			return err
		})
		return m, err
	case '[':
		l := []any{}
		err := d.each(func([]byte) error {
			v, err := d.content()
			l = append(l, v)
			return err
		})
		return l, err
	case '"':
		text, err := d.str()
		return string(text), err
	case 't':
		return true, d.word("true")
	case 'f':
		return false, d.word("false")
	case 'n':
		return nil, d.word("null")
	}
	text, _, err := d.number()
	return document.Number(text), err
}
