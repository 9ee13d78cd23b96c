package wire

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/smithy-go/document"
	"github.com/google/go-cmp/cmp"
)

// operation is one operation of the ECS API as the SDK's client has it.
type operation struct {
	name    string
	in, out reflect.Type // structs
}

func operations(t testing.TB) []operation {
	t.Helper()
	var all []operation
	c := reflect.TypeFor[*ecs.Client]()
	for m := range c.Methods() {
		if m.Type.NumIn() == 4 && m.Type.NumOut() == 2 {
			all = append(all, operation{m.Name, m.Type.In(2).Elem(), m.Type.Out(0).Elem()})
		}
	}
	if len(all) < 88 {
		t.Fatalf("found %d ECS operations, want at least 88", len(all))
	}
	return all
}

// moduleDir is where the ECS module lies on this machine.
func moduleDir(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2/service/ecs").Output()
	if err != nil {
		t.Fatalf("find the ECS module: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// snapshot gives the body of one of the sample requests and responses that the SDK ships.
func snapshot(t testing.TB, dir, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, path))
	if err != nil {
		t.Fatal(err)
	}
	_, body, ok := bytes.Cut(text, []byte("\n\n{"))
	if !ok {
		return []byte("{}")
	}
	return append([]byte("{"), body...)
}

// parsed is JSON text as encoding/json reads it, for comparing regardless of order and of 1 against 1.0.
func parsed(t testing.TB, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, text)
	}
	return v
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	text, err := AppendJSON(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// samples gives the path of every sample that the SDK ships.
func samples(t testing.TB, dir string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, folder := range []string{"request_snapshot", "response_snapshot"} {
		entries, err := os.ReadDir(filepath.Join(dir, folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			all[folder+"/"+e.Name()] = true
		}
	}
	return all
}

func TestSnapshotsSurvive(t *testing.T) {
	dir := moduleDir(t)
	untried := samples(t, dir)
	for _, op := range operations(t) {
		for _, half := range []struct {
			path string
			typ  reflect.Type
		}{
			{"request_snapshot/" + op.name + ".request.snap", op.in},
			{"response_snapshot/" + op.name + ".response.snap", op.out},
		} {
			delete(untried, half.path)
			body := snapshot(t, dir, half.path)
			v := reflect.New(half.typ).Interface()
			if err := DecodeJSON(body, v); err != nil {
				t.Errorf("%s: %v", half.path, err)
				continue
			}
			if diff := cmp.Diff(parsed(t, body), parsed(t, encode(t, v))); diff != "" {
				t.Errorf("%s: decode, encode changed it (-want +got):\n%s", half.path, diff)
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(untried)) {
		if !strings.HasSuffix(path, ".error.snap") { // those are tried by TestErrorSnapshots
			t.Errorf("%s is of no operation, so nothing was tried with it", path)
		}
	}
}

// TestErrorSnapshots writes every error that the SDK has a sample of. Ballast has nothing to put into the resourceIds of
// ConflictException.
func TestErrorSnapshots(t *testing.T) {
	dir, tried := moduleDir(t), 0
	for path := range samples(t, dir) {
		if !strings.HasSuffix(path, ".error.snap") {
			continue
		}
		tried++
		want := parsed(t, snapshot(t, dir, path)).(map[string]any)
		code, message := want["__type"].(string), want["message"].(string)
		if filepath.Base(path) == "ConflictException.error.snap" {
			delete(want, "resourceIds")
		}
		if diff := cmp.Diff(want, parsed(t, AppendJSONError(nil, code, message))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	if tried < 31 {
		t.Errorf("tried %d errors, want at least 31", tried)
	}
}

// TestEveryFieldHasItsName holds the learnt names against the rule that happens to be true for ECS: the Go name with its
// first letter in lower case.
func TestEveryFieldHasItsName(t *testing.T) {
	seen := map[*shape]bool{}
	var visit func(s *shape)
	visit = func(s *shape) {
		if s == nil || seen[s] {
			return
		}
		seen[s] = true
		if s.kind == kindUnsupported {
			t.Errorf("%s is not supported", s.typ)
		}
		for i, f := range s.fields {
			if want := strings.ToLower(f.goName[:1]) + f.goName[1:]; f.name != want {
				t.Errorf("%s.%s is %q on the wire, want %q", s.typ, f.goName, f.name, want)
			}
			if s.byName[f.name] != i {
				t.Errorf("%s: name %q leads to another field", s.typ, f.name)
			}
			visit(f.shape)
		}
		visit(s.elem)
		for _, m := range s.members {
			visit(m.shape)
		}
	}
	for _, op := range operations(t) {
		visit(shapeOf(op.in))
		visit(shapeOf(op.out))
	}
	if len(seen) < 300 {
		t.Errorf("saw %d types, want at least 300", len(seen))
	}
}

// TestUnionsAreComplete reads the SDK's source for what implements a union's interface.
func TestUnionsAreComplete(t *testing.T) {
	source, err := os.ReadFile(filepath.Join(moduleDir(t), "types", "types.go"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{}
	for _, m := range regexp.MustCompile(`func \(\*(\w+)\) is(\w+)\(\)`).FindAllStringSubmatch(string(source), -1) {
		if m[1] != "UnknownUnionMember" {
			want[m[2]] = append(want[m[2]], m[1])
		}
	}
	got := map[string][]string{}
	for union, members := range unions {
		for _, m := range members {
			got[union.Name()] = append(got[union.Name()], m.Name())
		}
	}
	for _, m := range []map[string][]string{want, got} {
		for _, names := range m {
			slices.Sort(names)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unions (-in the SDK +in the table):\n%s", diff)
	}
	for union, members := range unions {
		if len(members) > 1 {
			t.Errorf("%s has several members: hollow must ask the SDK's validation for each", union)
		}
	}
}

// random fills v, a struct of the SDK, at random: members absent, empty, zero and set.
func random(r *rand.Rand, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if r.IntN(4) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			random(r, v.Elem())
		}
	case reflect.Struct:
		if v.Type() == timeType {
			v.Set(reflect.ValueOf(time.UnixMilli(r.Int64N(4e12) - 1e12).UTC()))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && v.Type().Field(i).Type != metadataType {
				random(r, v.Field(i))
			}
		}
	case reflect.Slice:
		if n := r.IntN(4) - 1; n >= 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				random(r, v.Index(i))
			}
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range r.IntN(5) {
			k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			random(r, k)
			random(r, e)
			v.SetMapIndex(k, e)
		}
	case reflect.String:
		words := []string{"a", "b \"quoted\" \\ / \b\f\n\r\t", "\u00e9\u4e16\U0001F600", "<&>", "\u2028\x00\x7f", "", "x:y", "z!"}
		v.SetString(words[r.IntN(len(words))])
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int32, reflect.Int64:
		v.SetInt(int64(int32(r.Uint32())) * int64(r.IntN(2)))
	case reflect.Float64:
		v.SetFloat([]float64{0, 1, -2.5, 1e21, 0.1, 100, 1e-7}[r.IntN(7)])
	case reflect.Interface:
		if members, ok := unions[v.Type()]; ok {
			p := reflect.New(members[0])
			random(r, p.Elem())
			v.Set(p)
		} else if v.Type() == documentType {
			v.Set(reflect.ValueOf(newDocument(map[string]any{"n": document.Number("1.5"), "l": []any{"x", true, nil}})))
		}
	}
}

// twin is the slow, obvious encoder: what v should be as encoding/json reads it. It knows names by rule only.
func twin(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer:
		return twin(v.Elem())
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			return float64(t.UnixMilli()) / 1000
		}
		m := map[string]any{}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() || f.Type == metadataType {
				continue
			}
			switch fv := v.Field(i); fv.Kind() {
			case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
				if fv.IsNil() {
					continue
				}
			case reflect.String:
				if fv.Len() == 0 {
					continue
				}
			}
			m[strings.ToLower(f.Name[:1])+f.Name[1:]] = twin(v.Field(i))
		}
		return m
	case reflect.Slice:
		l := []any{}
		for i := range v.Len() {
			l = append(l, twin(v.Index(i)))
		}
		return l
	case reflect.Map:
		m := map[string]any{}
		for _, k := range v.MapKeys() {
			m[k.String()] = twin(v.MapIndex(k))
		}
		return m
	case reflect.Interface:
		if v.Type() == documentType {
			return map[string]any{"n": 1.5, "l": []any{"x", true, nil}}
		}
		member := v.Elem().Elem()
		name := member.Type().Name()[len(v.Type().Name())+len("Member"):]
		return map[string]any{strings.ToLower(name[:1]) + name[1:]: twin(member.FieldByName("Value"))}
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Float64:
		return v.Float()
	}
	return float64(v.Int())
}

func TestEncodeAgreesWithTwin(t *testing.T) {
	for _, op := range operations(t) {
		for _, typ := range []reflect.Type{op.in, op.out} {
			for seed := range uint64(8) {
				v := reflect.New(typ)
				random(newRand(seed), v.Elem())
				text := encode(t, v.Interface())
				if diff := cmp.Diff(twin(v), parsed(t, text)); diff != "" {
					t.Fatalf("%s, seed %d (-twin +got):\n%s", typ, seed, diff)
				}
				if again := encode(t, v.Interface()); !bytes.Equal(text, again) {
					t.Fatalf("%s, seed %d: encoded twice, two texts:\n%s\n%s", typ, seed, text, again)
				}
			}
		}
	}
}

func TestDecodeUndoesEncode(t *testing.T) {
	for _, op := range operations(t) {
		for _, typ := range []reflect.Type{op.in, op.out} {
			for seed := range uint64(8) {
				v, back := reflect.New(typ), reflect.New(typ)
				random(newRand(seed+100), v.Elem())
				text := encode(t, v.Interface())
				if err := DecodeJSON(text, back.Interface()); err != nil {
					t.Fatalf("%s, seed %d: %v\n%s", typ, seed, err, text)
				}
				if again := encode(t, back.Interface()); !bytes.Equal(text, again) {
					t.Fatalf("%s, seed %d: encode, decode, encode changed it:\n%s\n%s", typ, seed, text, again)
				}
			}
		}
	}
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
