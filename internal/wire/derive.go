package wire

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithy "github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

// maxLevels bounds how far down required members are looked for. The deepest ECS input has 9 levels.
const maxLevels = 16

// deriveRequirement asks the SDK's validation what an input must have. It offers inputs whose structures exist down to
// level 0, 1, 2 ... and hold nothing else: what the validation then misses is required.
func deriveRequirement(t reflect.Type) *requirement {
	root := &requirement{shape: shapeOf(t)}
	paths := map[string]bool{}
	for level, deeper := 0, true; deeper && level < maxLevels; level++ {
		probe := reflect.New(t)
		deeper = hollow(root.shape, probe.Elem(), level)
		for _, path := range complaints(probe.Interface()) {
			paths[path] = true
		}
	}
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		root.add(path)
	}
	root.sort()
	return root
}

// hollow fills v with structures that hold nothing but structures, down to the given level, and tells whether there would
// be more below. Of a union the first member is taken; a test sees to it that no other has requirements.
func hollow(s *shape, v reflect.Value, level int) (deeper bool) {
	switch s.kind {
	case kindStruct:
		for _, f := range s.fields {
			if !holdsStruct(f.shape) {
				continue
			}
			if level == 0 {
				return true
			}
			target := v.Field(f.index)
			if f.ptr {
				target.Set(reflect.New(f.shape.typ))
				target = target.Elem()
			}
			deeper = hollow(f.shape, target, level-1) || deeper
		}
	case kindList:
		v.Set(reflect.MakeSlice(s.typ, 1, 1))
		return hollow(s.elem, v.Index(0), level)
	case kindUnion:
		p := reflect.New(s.members[0].typ)
		v.Set(p)
		return hollow(s.members[0].shape, p.Elem().FieldByName("Value"), level)
	}
	return deeper
}

func holdsStruct(s *shape) bool {
	return s.kind == kindStruct || s.kind == kindUnion || s.kind == kindList && holdsStruct(s.elem)
}

// add notes one path as the SDK's validation names it, in Go names: "RunTaskInput.Overrides.ContainerOverrides[0].Name",
// with a union's member in brackets too.
func (r *requirement) add(path string) {
	_, path, _ = strings.Cut(path, ".")
	steps := strings.FieldsFunc(path, func(c rune) bool { return c == '.' || c == '[' || c == ']' })
	for _, step := range steps[:len(steps)-1] {
		r = r.child(step)
	}
	r.required = append(r.required, r.fieldIndex(steps[len(steps)-1]))
}

func (r *requirement) child(step string) *requirement {
	switch r.shape.kind {
	case kindStruct:
		i := r.fieldIndex(step)
		if r.members == nil {
			r.members = map[int]*requirement{}
		}
		if r.members[i] == nil {
			r.members[i] = &requirement{shape: r.shape.fields[i].shape}
		}
		return r.members[i]
	case kindList:
		if r.elem == nil {
			r.elem = &requirement{shape: r.shape.elem}
		}
		return r.elem
	case kindUnion:
		if r.variants == nil {
			r.variants = make([]*requirement, len(r.shape.members))
		}
		for i, m := range r.shape.members {
			if m.name != step {
				continue
			}
			if r.variants[i] == nil {
				r.variants[i] = &requirement{shape: m.shape}
			}
			return r.variants[i]
		}
	}
	panic(fmt.Sprintf("wire: the SDK's validation names step %q in a %s", step, r.shape.typ))
}

func (r *requirement) fieldIndex(goName string) int {
	i := slices.IndexFunc(r.shape.fields, func(f field) bool { return f.goName == goName })
	if i < 0 {
		panic(fmt.Sprintf("wire: the SDK's validation names member %q in a %s", goName, r.shape.typ))
	}
	return i
}

func (r *requirement) sort() {
	slices.Sort(r.required)
	r.order = slices.Sorted(maps.Keys(r.members))
	for _, m := range r.members {
		m.sort()
	}
	if r.elem != nil {
		r.elem.sort()
	}
	for _, v := range r.variants {
		if v != nil {
			v.sort()
		}
	}
}

var errValidated = errors.New("the input is valid")

// validators are SDK clients that validate an input and send nothing, by the import path of their input types.
var validators = sync.OnceValue(func() map[string]reflect.Value {
	options := []func(*middleware.Stack) error{onlyValidate}
	return map[string]reflect.Value{
		reflect.TypeFor[ecs.Client]().PkgPath():            reflect.ValueOf(ecs.New(ecs.Options{Region: "local", APIOptions: options})),
		reflect.TypeFor[sts.Client]().PkgPath():            reflect.ValueOf(sts.New(sts.Options{Region: "local", APIOptions: options})),
		reflect.TypeFor[cloudwatchlogs.Client]().PkgPath(): reflect.ValueOf(cloudwatchlogs.New(cloudwatchlogs.Options{Region: "local", APIOptions: options})),
	}
})

// onlyValidate leaves of a client's stack the first step, which validates, and ends every call after it.
func onlyValidate(stack *middleware.Stack) error {
	stack.Serialize.Clear()
	stack.Build.Clear()
	stack.Finalize.Clear()
	stack.Deserialize.Clear()
	return stack.Serialize.Add(middleware.SerializeMiddlewareFunc("EndAfterValidation",
		func(context.Context, middleware.SerializeInput, middleware.SerializeHandler) (
			out middleware.SerializeOutput, metadata middleware.Metadata, err error,
		) {
			return out, metadata, errValidated
		}), middleware.Before)
}

// complaints gives the paths of what the SDK's validation misses in a. Inputs of a module without a validator have none.
func complaints(in any) []string {
	t := reflect.TypeOf(in).Elem()
	client, ok := validators()[t.PkgPath()]
	if !ok {
		return nil
	}
	call := client.MethodByName(strings.TrimSuffix(t.Name(), "Input"))
	if !call.IsValid() {
		return nil
	}
	results := call.Call([]reflect.Value{reflect.ValueOf(context.Background()), reflect.ValueOf(in)})
	err, _ := results[1].Interface().(error)
	invalid, ok := errors.AsType[smithy.InvalidParamsError](err)
	if !ok {
		if !errors.Is(err, errValidated) {
			panic(fmt.Sprintf("wire: the SDK's validation of %s ended with: %v", t, err))
		}
		return nil
	}
	var paths []string
	for _, e := range invalid.Errs() {
		if required, ok := errors.AsType[*smithy.ParamRequiredError](e); ok {
			paths = append(paths, required.Field())
		}
	}
	return paths
}
