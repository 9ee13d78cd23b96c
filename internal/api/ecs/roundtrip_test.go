package ecs_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ballast/internal/control"
)

// anyDefinition draws a definition that is valid.
func anyDefinition(t *rapid.T) map[string]any {
	name := rapid.StringMatching(`[a-zA-Z0-9_-]{1,12}`)
	words := rapid.SliceOfN(rapid.StringN(0, 8, 20), 0, 3)
	d := map[string]any{"family": name.Draw(t, "family")}
	may := func(in map[string]any, key string, value any) {
		if rapid.Bool().Draw(t, "give "+key) {
			in[key] = value
		}
	}
	may(d, "cpu", rapid.SampledFrom([]string{"4096", "8 vCPU", "4.5 vcpu"}).Draw(t, "cpu"))
	may(d, "memory", rapid.SampledFrom([]string{"8192", "16GB", "8.5 gb"}).Draw(t, "memory"))
	may(d, "networkMode", "bridge")
	may(d, "requiresCompatibilities", []string{"EC2"})
	may(d, "taskRoleArn", "arn:aws:iam::123456789012:role/r")
	may(d, "volumes", []any{})
	var containers []any
	for i := range rapid.IntRange(1, 4).Draw(t, "containers") {
		c := map[string]any{"name": fmt.Sprintf("c%d", i), "image": rapid.SampledFrom([]string{"i", "r/i:1.2"}).Draw(t, "image"),
			"memory": rapid.IntRange(100, 1000).Draw(t, "memory")}
		may(c, "memoryReservation", rapid.IntRange(4, 100).Draw(t, "reservation"))
		may(c, "cpu", rapid.IntRange(0, 1000).Draw(t, "cpu"))
		may(c, "essential", i == 0 || rapid.Bool().Draw(t, "essential"))
		may(c, "entryPoint", []string{"/bin/sh", "-c"})
		may(c, "workingDirectory", "/srv")
		may(c, "stopTimeout", rapid.IntRange(0, 300).Draw(t, "stopTimeout"))
		may(c, "privileged", false)
		may(c, "mountPoints", []any{})
		if command := words.Draw(t, "command"); !hasNUL(command) {
			may(c, "command", command)
		}
		may(c, "environment", []any{map[string]any{"name": "N", "value": rapid.SampledFrom([]string{"", "v", "\"\n<\u2028"}).Draw(t, "value")}, map[string]any{"name": "M"}})
		may(c, "portMappings", []any{map[string]any{"containerPort": rapid.IntRange(1, 65535).Draw(t, "port")},
			map[string]any{"containerPort": 80, "hostPort": 8000 + i, "protocol": "udp", "name": fmt.Sprintf("p%d", i)}})
		containers = append(containers, c)
	}
	d["containerDefinitions"] = containers
	return d
}

func hasNUL(words []string) bool {
	for _, w := range words {
		for _, r := range w {
			if r == 0 {
				return true
			}
		}
	}
	return false
}

// TestRegisterDescribeRegister checks that Describe shows what Register answered, and that what it shows can be registered
// again and then means the same.
func TestRegisterDescribeRegister(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		call := func(operation string, request any) map[string]any {
			text, err := json.Marshal(request)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := w.call(operation, string(text))
			if err != nil {
				t.Fatalf("%s %s: %v", operation, text, err)
			}
			var out struct{ TaskDefinition map[string]any }
			if err := json.Unmarshal([]byte(answer), &out); err != nil {
				t.Fatal(err)
			}
			return out.TaskDefinition
		}
		definition := anyDefinition(t)
		registered := call("RegisterTaskDefinition", definition)
		first := w.last.(control.RegisterTaskDefinition).Definition
		described := call("DescribeTaskDefinition", map[string]any{"taskDefinition": definition["family"]})
		if diff := cmp.Diff(registered, described); diff != "" {
			t.Fatal("described otherwise than registered:", diff)
		}
		again := maps.Clone(described)
		for _, decided := range []string{"taskDefinitionArn", "revision", "status", "registeredAt", "registeredBy", "compatibilities"} {
			delete(again, decided)
		}
		call("RegisterTaskDefinition", again)
		if diff := cmp.Diff(first, w.last.(control.RegisterTaskDefinition).Definition); diff != "" {
			t.Fatal("registered again it differs:", diff)
		}
	})
}

// FuzzRegister checks that any definition is served or refused, never faults, and if served can be described.
func FuzzRegister(f *testing.F) {
	for _, seed := range []string{web, full, container(`"healthCheck":{}`), definition(`"tags":[{"key":"a"}]`), definition(`"cpu":".5 vCPU"`)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, request string) {
		w := newWorld()
		_, err := w.call("RegisterTaskDefinition", request)
		if refusal(t, err) != "" {
			return
		}
		w.must(t, "DescribeTaskDefinition", `{"taskDefinition":"`+w.last.(control.RegisterTaskDefinition).Definition.Family+`"}`)
	})
}

func BenchmarkRegisterTaskDefinition(b *testing.B) {
	w := newWorld()
	op := w.calls["RegisterTaskDefinition"]
	benchmark(b, op.New, full, func(in any) (any, error) { return op.Handle(b.Context(), in) })
}

func BenchmarkDescribeTaskDefinition(b *testing.B) {
	w := lived(b)
	op := w.calls["DescribeTaskDefinition"]
	benchmark(b, op.New, `{"taskDefinition":"full"}`, func(in any) (any, error) { return op.Handle(b.Context(), in) })
}

func BenchmarkDescribeServices(b *testing.B) {
	w := lived(b)
	s := *w.state.Service("default", "front")
	for range 9 {
		s.Events = append(s.Events, s.Events[:2]...)
	}
	w.put(&s)
	op := w.calls["DescribeServices"]
	benchmark(b, op.New, `{"services":["front"]}`, func(in any) (any, error) { return op.Handle(b.Context(), in) })
}
