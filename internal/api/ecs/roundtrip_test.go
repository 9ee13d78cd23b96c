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
	may(d, "pidMode", rapid.SampledFrom([]string{"host", "task"}).Draw(t, "pidMode"))
	may(d, "ipcMode", rapid.SampledFrom([]string{"task", "none", ""}).Draw(t, "ipcMode"))
	may(d, "runtimePlatform", map[string]any{"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"})
	d["executionRoleArn"] = "arn:aws:iam::123456789012:role/x"
	d["volumes"] = []any{map[string]any{"name": "made"}, map[string]any{"name": "own", "host": map[string]any{"sourcePath": "/srv"}},
		map[string]any{"name": "kept", "dockerVolumeConfiguration": rapid.SampledFrom([]any{
			map[string]any{}, map[string]any{"scope": "task", "driver": "local", "driverOpts": map[string]any{"b": "2", "a": "1"}},
			map[string]any{"scope": "shared", "autoprovision": true, "labels": map[string]any{"x": ""}}}).Draw(t, "volume")}}
	may(d, "requiresCompatibilities", []string{"EC2"})
	may(d, "taskRoleArn", "arn:aws:iam::123456789012:role/r")
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
		anyParts(t, c, i, may)
		if command := words.Draw(t, "command"); !hasNUL(command) {
			may(c, "command", command)
		}
		may(c, "environment", []any{map[string]any{"name": "N", "value": rapid.SampledFrom([]string{"", "v", "\"\n<\u2028"}).Draw(t, "value")}, map[string]any{"name": "M"}})
		may(c, "portMappings", []any{map[string]any{"containerPort": rapid.IntRange(1, 999).Draw(t, "port"), "appProtocol": "http2"},
			map[string]any{"containerPortRange": "1000-1010"},
			map[string]any{"containerPort": 80, "hostPort": 8000 + i, "protocol": "udp", "name": fmt.Sprintf("p%d", i)}})
		containers = append(containers, c)
	}
	d["containerDefinitions"] = containers
	return d
}

// anyParts gives the i-th container parts that are valid.
func anyParts(t *rapid.T, c map[string]any, i int, may func(map[string]any, string, any)) {
	m := func(pairs ...any) map[string]any {
		out := map[string]any{}
		for n := 0; n < len(pairs); n += 2 {
			out[pairs[n].(string)] = pairs[n+1]
		}
		return out
	}
	flag := rapid.Bool().Draw(t, "flag")
	for _, name := range []string{"privileged", "readonlyRootFilesystem", "interactive", "pseudoTerminal", "disableNetworking"} {
		may(c, name, flag)
	}
	may(c, "user", rapid.SampledFrom([]string{"", "1000:1000"}).Draw(t, "user"))
	may(c, "hostname", "h")
	may(c, "dnsServers", []string{"10.0.0.2"})
	may(c, "dnsSearchDomains", []string{"example.com"})
	may(c, "extraHosts", []any{m("hostname", "db", "ipAddress", "10.0.0.3")})
	may(c, "dockerSecurityOptions", []string{"no-new-privileges"})
	may(c, "dockerLabels", m("b", "2", "a", ""))
	may(c, "systemControls", []any{m("namespace", "net.core.somaxconn", "value", "1024")})
	may(c, "ulimits", []any{m("name", "nofile", "softLimit", rapid.IntRange(0, 10).Draw(t, "soft"), "hardLimit", -1)})
	may(c, "versionConsistency", "disabled")
	linux := m()
	may(linux, "capabilities", m("add", []string{"SYS_PTRACE"}, "drop", []string{"ALL"}))
	may(linux, "devices", []any{m("hostPath", "/dev/fuse", "permissions", []string{"write", "read"})})
	may(linux, "initProcessEnabled", flag)
	may(linux, "maxSwap", rapid.IntRange(0, 2).Draw(t, "maxSwap"))
	may(linux, "swappiness", rapid.IntRange(0, 100).Draw(t, "swappiness"))
	may(linux, "sharedMemorySize", rapid.IntRange(0, 2).Draw(t, "sharedMemory"))
	may(linux, "tmpfs", []any{m("containerPath", "/run", "size", 1, "mountOptions", []string{"noexec", "mode=1777"})})
	may(c, "linuxParameters", linux)
	may(c, "mountPoints", []any{m("sourceVolume", "own", "containerPath", "/own", "readOnly", flag), m("sourceVolume", "kept", "containerPath", "/kept")})
	if i > 0 {
		may(c, "links", []string{fmt.Sprintf("c%d:first", i-1)})
		may(c, "volumesFrom", []any{m("sourceContainer", fmt.Sprintf("c%d", i-1), "readOnly", flag)})
	}
	may(c, "restartPolicy", m("enabled", flag, "ignoredExitCodes", []int{0}, "restartAttemptPeriod", 60))
	may(c, "secrets", []any{m("name", "SECRET", "valueFrom", "arn:aws:secretsmanager:us-east-1:123456789012:secret:s-AbCdEf:key::")})
	may(c, "environmentFiles", []any{m("type", "s3", "value", "arn:aws:s3:::bucket/a.env")})
	may(c, "repositoryCredentials", m("credentialsParameter", "login"))
	may(c, "logConfiguration", rapid.SampledFrom([]any{
		m("logDriver", "awslogs", "options", m("awslogs-group", "g", "awslogs-region", "r", "awslogs-create-group", "True", "mode", "blocking")),
		m("logDriver", "json-file", "options", m("max-size", "10m", "max-file", "3")), m("logDriver", "json-file"), m()}).Draw(t, "log"))
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
		shows(t, "", definition, registered)
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

// normal is what is shown otherwise than it was given.
var normal = map[string]bool{".cpu": true, ".memory": true}

// shows checks that all that was given is in what is shown, which may have more.
func shows(t *rapid.T, at string, given, shown any) {
	switch given := given.(type) {
	case map[string]any:
		in, _ := shown.(map[string]any)
		for name, value := range given {
			if value != "" && !normal[at+"."+name] {
				shows(t, at+"."+name, value, in[name])
			}
		}
	case []any:
		in, _ := shown.([]any)
		if len(in) != len(given) {
			t.Fatalf("%s: %v is shown as %v", at, given, shown)
		}
		for i := range given {
			shows(t, at+"[]", given[i], in[i])
		}
	default:
		if fmt.Sprint(given) != fmt.Sprint(shown) {
			t.Fatalf("%s: %v is shown as %v", at, given, shown)
		}
	}
}

// FuzzRegister checks that any definition is served or refused, never faults, and if served can be described.
func FuzzRegister(f *testing.F) {
	for _, seed := range []string{web, full, every, container(`"healthCheck":{}`), definition(`"tags":[{"key":"a"}]`), definition(`"cpu":".5 vCPU"`)} {
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
