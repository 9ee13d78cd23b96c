package wire

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"ballast/internal/ecs"
)

// MalformedInput is what a Query service answers to a value it cannot read (AWS Query protocol, common errors).
const MalformedInput ecs.Code = "MalformedInput"

// DecodeQuery reads the form of an AWS Query request into in, a pointer to one of the SDK's input types. Structures are
// dotted names, lists are X.member.1, X.member.2 and so on: their numbers need not be dense, only their order counts, and an
// empty X is an empty list. Of repeated names the first counts. Parameters that in does not know, such as Action and
// Version, are ignored. What cannot be read is refused with an [ecs.Error] of code MalformedInput that names the parameter.
func DecodeQuery(form url.Values, in any) error {
	v := reflect.ValueOf(in)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("decode AWS Query into %T: want a pointer to a struct", in)
	}
	root := &parameter{}
	for _, name := range slices.Sorted(maps.Keys(form)) {
		if err := root.add(name, form.Get(name)); err != nil {
			return err
		}
	}
	return root.structure("", shapeOf(v.Type().Elem()), v.Elem())
}

// parameter is the tree of a form's dotted names.
type parameter struct {
	text string
	set  bool // a value was given for this very name
	kids map[string]*parameter
}

func (p *parameter) add(name, text string) error {
	if strings.Count(name, ".") >= maxDepth {
		return ecs.Errorf(MalformedInput, "A parameter's name is nested deeper than %d levels", maxDepth)
	}
	for step := range strings.SplitSeq(name, ".") {
		if p.kids == nil {
			p.kids = map[string]*parameter{}
		}
		if p.kids[step] == nil {
			p.kids[step] = &parameter{}
		}
		p = p.kids[step]
	}
	p.text, p.set = text, true
	return nil
}

func (p *parameter) structure(path string, s *shape, v reflect.Value) error {
	for _, f := range s.fields {
		kid := p.kids[f.name]
		if kid == nil {
			continue
		}
		target := v.Field(f.index)
		if f.ptr {
			target.Set(reflect.New(f.shape.typ))
			target = target.Elem()
		}
		if err := kid.value(dotted(path, f.name), f.shape, target); err != nil {
			return err
		}
	}
	return nil
}

func (p *parameter) value(path string, s *shape, v reflect.Value) error {
	switch s.kind {
	case kindStruct:
		return p.structure(path, s, v)
	case kindList:
		return p.list(path, s, v)
	case kindString, kindBool, kindInt, kindFloat, kindTime, kindBlob:
		if !p.set {
			return ecs.Errorf(MalformedInput, "Parameter %s is not a structure or list", path)
		}
		if !p.scalar(s, v) {
			return ecs.Errorf(MalformedInput, "Value %q of parameter %s is not a valid %s", shorten([]byte(p.text)), path, scalarNames[s.kind])
		}
		return nil
	}
	return fmt.Errorf("decode AWS Query: parameter %s: no way to read a %s", path, s.typ)
}

var scalarNames = map[kind]string{
	kindBool: "boolean", kindInt: "integer", kindFloat: "number", kindTime: "timestamp", kindBlob: "base64 string", kindString: "string",
}

func (p *parameter) list(path string, s *shape, v reflect.Value) error {
	v.Set(reflect.MakeSlice(s.typ, 0, 0))
	members := p.kids["member"]
	if members == nil {
		if p.set && p.text == "" {
			return nil
		}
		return ecs.Errorf(MalformedInput, "Parameter %s is a list: name its elements %s.member.1 and so on", path, path)
	}
	numbers := make([]int, 0, len(members.kids))
	for text := range members.kids {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || strconv.Itoa(n) != text {
			return ecs.Errorf(MalformedInput, "Parameter %s.member.%s: list elements are numbered from 1", path, shorten([]byte(text)))
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	v.Set(reflect.MakeSlice(s.typ, len(numbers), len(numbers)))
	for i, n := range numbers {
		text := strconv.Itoa(n)
		if err := members.kids[text].value(path+".member."+text, s.elem, v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

// scalar reads the text into v and tells whether it could.
func (p *parameter) scalar(s *shape, v reflect.Value) bool {
	switch s.kind {
	case kindString:
		v.SetString(p.text)
		return true
	case kindBool:
		v.SetBool(p.text == "true")
		return p.text == "true" || p.text == "false"
	case kindInt:
		n, err := strconv.ParseInt(p.text, 10, v.Type().Bits())
		v.SetInt(n)
		return err == nil
	case kindFloat:
		f, err := strconv.ParseFloat(p.text, v.Type().Bits())
		v.SetFloat(f)
		return err == nil
	case kindTime:
		t, err := time.Parse(time.RFC3339, p.text)
		v.Set(reflect.ValueOf(t))
		return err == nil
	default:
		raw, err := base64.StdEncoding.DecodeString(p.text)
		v.SetBytes(raw)
		return err == nil
	}
}

func dotted(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
