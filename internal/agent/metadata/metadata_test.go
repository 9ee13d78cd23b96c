package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ballast/internal/agent"
	"ballast/internal/arn"
	"ballast/internal/driver"
	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
	"ballast/internal/session"
)

var secret = Secret(strings.Repeat("s", SecretSize))

// One id for each container, whichever attempt; whatever is changed of it is not taken.
func TestIDs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var key driver.Key
		copy(key.Task[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "task"))
		key.Container, key.Attempt = rapid.StringMatching("[a-z]{1,8}").Draw(t, "name"), rapid.IntRange(0, 3).Draw(t, "attempt")
		id := secret.ID(key)
		task, name, ok := secret.open(id)
		if !ok || task != key.Task || name != nameHash(key.Container) {
			t.Fatalf("%s: %v %q %v", id, task, name, ok)
		}
		if again := secret.ID(driver.Key{Task: key.Task, Container: key.Container}); again != id {
			t.Fatalf("another attempt has %s, not %s", again, id)
		}
		if _, _, ok := Secret(strings.Repeat("t", SecretSize)).open(id); ok {
			t.Fatal("another secret takes it")
		}
		b := []byte(id)
		at := rapid.IntRange(0, len(b)-1).Draw(t, "at")
		b[at] = rapid.SampledFrom([]byte("0123456789abcdef-/")).Draw(t, "byte")
		if _, _, ok := secret.open(string(b)); ok && string(b) != id {
			t.Fatalf("%s is taken as well as %s", b, id)
		}
	})
}

func FuzzOpen(f *testing.F) {
	f.Add(secret.ID(driver.Key{Container: "web"}))
	f.Add("-")
	f.Fuzz(func(t *testing.T, id string) {
		if task, name, ok := secret.open(id); ok && !strings.HasPrefix(id, task.String()+"-"+name) {
			t.Errorf("%q gave %v %q", id, task, name)
		}
	})
}

// 60 at once, and then 40 a second; another task is not concerned.
func TestPace(t *testing.T) {
	p, now := pace{}, time.Unix(1_000, 0)
	count := func(task ecs.ID) (n int) {
		for p.take(task, now) {
			n++
		}
		return n
	}
	if n := count(ecs.ID{1}); n != 60 {
		t.Errorf("%d at once", n)
	}
	now = now.Add(500 * time.Millisecond)
	if n := count(ecs.ID{1}); n != 20 {
		t.Errorf("%d after half a second", n)
	}
	if n := count(ecs.ID{2}); n != 60 {
		t.Errorf("%d of another task", n)
	}
	now = now.Add(time.Hour)
	if n := count(ecs.ID{1}); n != 60 {
		t.Errorf("%d after an hour", n)
	}
	for n := range 10_000 {
		p.take(ecs.ID{3, byte(n), byte(n >> 8)}, now)
	}
	if len(p) > maxTasks {
		t.Errorf("%d tasks remembered", len(p))
	}
}

// stage is a task that runs, as the agent and control see it.
type stage struct {
	view *agent.TaskView
	err  error

	own       *ecs.Interface
	protected *ecs.Task
	reason    string
	refusal   error
}

func (s stage) View(_ context.Context, task ecs.ID) (*agent.TaskView, error) {
	if s.view == nil || task != s.view.Task {
		return nil, s.err
	}
	return s.view, s.err
}

func (s stage) Task(ecs.ID) *ecs.Task {
	return &ecs.Task{Definition: s.view.Work.Definition, Containers: []ecs.Container{{ID: ecs.ID{15: 0xaa}}, {ID: ecs.ID{15: 0xbb}}},
		Tags: []ecs.Tag{{Key: "team", Value: "blue"}}, Interface: s.own}
}

func (s stage) Protection(context.Context, ecs.ID) (*ecs.Task, string, error) {
	return s.protected, s.reason, s.refusal
}

func (s stage) Protect(_ context.Context, _ ecs.ID, period time.Duration) (*ecs.Task, string, error) {
	if s.protected != nil {
		return &ecs.Task{ProtectedUntil: at.Add(period)}, "", nil
	}
	return nil, s.reason, s.refusal
}

func (stage) InstanceTags() []ecs.Tag { return []ecs.Tag{{Key: "rack", Value: "7"}} }

const at = ecs.Time(1_600_000_000_500)

func running() stage {
	web := ecs.ContainerDefinition{Name: "web", Essential: true, HealthCheck: &ecs.HealthCheck{}, RestartPolicy: &ecs.RestartPolicy{}}
	side := ecs.ContainerDefinition{Name: "side"}
	work := &session.Work{Cluster: "blue", Service: "shop", Definition: &ecs.TaskDefinition{Family: "shop", Revision: 7, CPU: 256, Memory: 512,
		Containers: []ecs.ContainerDefinition{web, side}}}
	v := &agent.TaskView{Task: ecs.ID{15: 1}, Work: work, Desired: ecs.StatusRunning, Known: "NONE", PullStartedAt: at, PullStoppedAt: at.Add(time.Second)}
	v.Containers = []agent.ContainerView{
		{Key: driver.Key{Task: v.Task, Container: "web", Attempt: 2}, Definition: &web, Known: "RUNNING", CreatedAt: at, Health: ecs.HealthHealthy, HealthSince: at, CheckOutput: "ok",
			Spec: &driver.Spec{Image: "app:1", CPU: 10, Memory: 128, Labels: map[string]string{"com.amazonaws.ecs.cluster": "blue"},
				Logging: &ecs.Logging{Driver: "json-file", Options: []ecs.Variable{{Name: "max-size", Value: "1m"}}}, Mounts: []ecs.MountPoint{{Volume: "data", ContainerPath: "/data"}}},
			Started: driver.Started{At: at.Add(time.Second), RuntimeID: strings.Repeat("d", 64), ImageDigest: "sha256:1234",
				Bindings: []ecs.Binding{{BindIP: "127.0.0.1", ContainerPort: 80, HostPort: 8080}, {BindIP: "127.0.0.1", ContainerPort: 90, HostPort: 9090, LastContainerPort: 91, LastHostPort: 9091, UDP: true}}}},
		{Key: driver.Key{Task: v.Task, Container: "side"}, Definition: &side, Known: "NONE", Spec: &driver.Spec{Image: "side:1"}},
	}
	return stage{view: v}
}

// bridged is a driver with addresses and measurements.
type bridged struct {
	driver.Driver
	stats driver.Stats
}

func (bridged) Gateway(context.Context) (netip.Addr, error) { return netip.Addr{}, nil }

func (bridged) Address(context.Context, driver.Key) (netip.Addr, error) {
	return netip.MustParseAddr("172.17.0.9"), nil
}

func (b *bridged) Stats(context.Context, driver.Key) (driver.Stats, error) { return b.stats, nil }

func serve(s stage, d driver.Driver) (get func(path string) (int, string)) {
	now := time.Unix(1_000, 0)
	h := NewServer(Config{Secret: secret, Names: arn.Namer{Region: "eu-west-1", Account: "000000000000"}, Cluster: "blue", Zone: "eu-west-1a",
		Agent: s, Control: s, Driver: d, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}).Handler()
	return func(path string) (int, string) {
		now = now.Add(time.Second)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
}

var webID = secret.ID(driver.Key{Task: ecs.ID{15: 1}, Container: "web"})

const webJSON = `{"DockerId":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","Name":"web",
	"DockerName":"ecs-shop-7-web-dddddddddddddddddddd","Image":"app:1","ImageID":"sha256:1234",
	"Ports":[{"ContainerPort":80,"Protocol":"tcp","HostPort":8080,"HostIp":"127.0.0.1"},{"ContainerPort":90,"Protocol":"udp","HostPort":9090,"HostIp":"127.0.0.1"},
		{"ContainerPort":91,"Protocol":"udp","HostPort":9091,"HostIp":"127.0.0.1"}],
	"Labels":{"com.amazonaws.ecs.cluster":"blue","com.amazonaws.ecs.task-arn":"arn:aws:ecs:eu-west-1:000000000000:task/blue/00000000000000000000000000000001"},
	"DesiredStatus":"RUNNING","KnownStatus":"RUNNING","Limits":{"CPU":10,"Memory":128},
	"CreatedAt":"2020-09-13T12:26:40.5Z","StartedAt":"2020-09-13T12:26:41.5Z","Type":"NORMAL",
	"Health":{"status":"HEALTHY","statusSince":"2020-09-13T12:26:40.5Z","output":"ok"},
	"Volumes":[{"DockerName":"data","Destination":"/data"}],"LogDriver":"json-file","LogOptions":{"max-size":"1m"},
	"ContainerARN":"arn:aws:ecs:eu-west-1:000000000000:container/blue/00000000000000000000000000000001/00000000-0000-0000-0000-0000000000aa",
	"Networks":[{"NetworkMode":"bridge","IPv4Addresses":["172.17.0.9"]}],"RestartCount":2}`

const taskJSON = `{"Cluster":"blue","TaskARN":"arn:aws:ecs:eu-west-1:000000000000:task/blue/00000000000000000000000000000001",
	"Family":"shop","Revision":"7","DesiredStatus":"RUNNING","KnownStatus":"NONE","Limits":{"CPU":0.25,"Memory":512},
	"PullStartedAt":"2020-09-13T12:26:40.5Z","PullStoppedAt":"2020-09-13T12:26:41.5Z","AvailabilityZone":"eu-west-1a","LaunchType":"EC2",
	"ServiceName":"shop","FaultInjectionEnabled":false,"Containers":[` + webJSON + `]`

// The names and forms are those of the developer guide, Task metadata endpoint version 4 examples.
func TestMetadata(t *testing.T) {
	get := serve(running(), &bridged{Driver: fake.New(1)})
	for path, want := range map[string]string{
		"/v4/" + webID:                   webJSON,
		"/v4/" + webID + "/task":         taskJSON + `}`,
		"/v4/" + webID + "/taskWithTags": taskJSON + `,"TaskTags":{"team":"blue"},"ContainerInstanceTags":{"rack":"7"}}`,
	} {
		status, body := get(path)
		if diff := cmp.Diff(decoded(t, want), decoded(t, body)); status != http.StatusOK || diff != "" {
			t.Errorf("%s: %d (-want +got):\n%s", path, status, diff)
		}
	}
}

// Version 3 shows less, as in the developer guide, Task metadata endpoint version 3, Example response.
func TestVersion3(t *testing.T) {
	d := &bridged{Driver: fake.New(1), stats: driver.Stats{At: at, Networks: map[string]driver.NetworkStats{"eth0": {ReceivedBytes: 100}}}}
	get := serve(running(), d)
	web := decoded(t, webJSON).(map[string]any)
	for _, name := range []string{"LogDriver", "LogOptions", "ContainerARN", "RestartCount"} {
		delete(web, name)
	}
	for _, port := range web["Ports"].([]any) {
		delete(port.(map[string]any), "HostIp")
	}
	task := decoded(t, taskJSON+`}`).(map[string]any)
	for _, name := range []string{"LaunchType", "ServiceName", "FaultInjectionEnabled"} {
		delete(task, name)
	}
	task["Containers"] = []any{web}
	tagged := maps.Clone(task)
	tagged["TaskTags"], tagged["ContainerInstanceTags"] = map[string]any{"team": "blue"}, map[string]any{"rack": "7"}
	for path, want := range map[string]any{"": web, "/task": task, "/taskWithTags": tagged} {
		status, body := get("/v3/" + webID + path)
		if diff := cmp.Diff(want, decoded(t, body)); status != http.StatusOK || diff != "" {
			t.Errorf("%s: %d (-want +got):\n%s", path, status, diff)
		}
	}
	get("/v3/" + webID + "/stats")
	d.stats.At = at.Add(time.Second)
	for _, path := range []string{"/stats", "/task/stats"} {
		d.stats.At = d.stats.At.Add(time.Second)
		if status, body := get("/v3/" + webID + path); status != http.StatusOK || strings.Contains(body, "network_rate_stats") || !strings.Contains(body, `"rx_bytes":100`) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	for path, want := range map[string]int{"": 500, "/task": 500, "/stats": 400, "/task/stats": 400} {
		status, body := get("/v3/x" + path)
		if status != want || !strings.HasPrefix(body, `"V3 `) || !strings.HasSuffix(body, `from v3 endpoint ID: x"`) {
			t.Errorf("%s of another: %d %s", path, status, body)
		}
	}
}

func decoded(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// A container without CPU units has the shares that Docker gives at least (amazon-ecs-agent, agent/handlers/v2, minimumCPUUnit).
func TestLeastCPU(t *testing.T) {
	for given, want := range map[int]string{0: `"CPU":2,`, 1: `"CPU":2,`, 2: `"CPU":2,`, 3: `"CPU":3,`} {
		s := running()
		s.view.Containers[0].Spec.CPU = given
		if _, body := serve(s, &bridged{Driver: fake.New(1)})("/v4/" + webID); !strings.Contains(body, `"Limits":{`+want) {
			t.Errorf("%d: want %s in %s", given, want, body)
		}
	}
}

// A task with a network interface of its own shows it, and a container the labels of its definition (developer guide, Task metadata
// endpoint version 4 examples; amazon-ecs-agent has the labels from Docker).
func TestNetworkInterfaceAndLabels(t *testing.T) {
	s := running()
	s.view.Work.Definition.NetworkMode = ecs.NetworkAwsvpc
	s.own = &ecs.Interface{ID: ecs.ID{8: 1}}
	c := &s.view.Containers[0]
	c.Definition.Isolation = &ecs.Isolation{Labels: []ecs.Variable{{Name: "team", Value: "blue"}, {Name: "com.amazonaws.ecs.cluster", Value: "x"}}}
	c.Started.Address = "10.0.0.7"
	_, body := serve(s, fake.New(1))("/v4/" + webID)
	for _, want := range []string{
		`"Networks":[{"NetworkMode":"awsvpc","IPv4Addresses":["10.0.0.7"],"AttachmentIndex":0,"MACAddress":"02:01:00:00:00:00",` +
			`"PrivateDNSName":"ip-10-0-0-7.eu-west-1.compute.internal"}]`,
		`"team":"blue"`, `"com.amazonaws.ecs.cluster":"blue"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
}

// Without a network of its own, a container has the host's address.
func TestHostAddress(t *testing.T) {
	_, body := serve(running(), fake.New(1))("/v4/" + webID)
	if !strings.Contains(body, `"IPv4Addresses":["127.0.0.1"]`) {
		t.Error(body)
	}
}

// What is not known is said in the words of amazon-ecs-agent, agent/handlers/v4/tmdsstate.go.
func TestUnknown(t *testing.T) {
	get := serve(running(), fake.New(1))
	side, other := secret.ID(driver.Key{Task: ecs.ID{15: 1}, Container: "side"}), secret.ID(driver.Key{Task: ecs.ID{15: 2}, Container: "web"})
	for path, want := range map[string]string{
		"/v4/x":                  `"V4 container metadata handler: unable to get container ID from request: unable to get docker ID from v3 endpoint ID: x"`,
		"/v4/x/task":             `"V4 task metadata handler: unable to get task arn from request: unable to get task Arn from v3 endpoint ID: x"`,
		"/v4/x/stats":            `"V4 container stats handler: unable to get task arn from request: unable to get task Arn from v3 endpoint ID: x"`,
		"/v4/" + side:            `"V4 container metadata handler: unable to get container ID from request: unable to get docker ID from v3 endpoint ID: ` + side + `"`,
		"/v4/" + other + "/task": `"V4 task metadata handler: unable to get task arn from request: unable to get task Arn from v3 endpoint ID: ` + other + `"`,
	} {
		if status, body := get(path); status != http.StatusNotFound || body != want {
			t.Errorf("%s: %d %s, want %s", path, status, body, want)
		}
	}
	if status, body := serve(stage{err: errors.New("away")}, fake.New(1))("/v4/" + webID); status != http.StatusInternalServerError || strings.Contains(body, "away") {
		t.Errorf("%d %s", status, body)
	}
}

func TestLimit(t *testing.T) {
	s := running()
	h := NewServer(Config{Secret: secret, Agent: s, Control: s, Driver: fake.New(1), Now: func() time.Time { return time.Unix(1, 0) }}).Handler()
	for n := range 61 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v4/"+webID, nil))
		if want := map[bool]int{true: 200, false: 429}[n < 60]; w.Code != want {
			t.Fatalf("request %d: %d", n, w.Code)
		}
	}
}

// The shape is that of Docker's API (moby, api/types/container, StatsResponse).
func TestStats(t *testing.T) {
	d := &bridged{Driver: fake.New(1), stats: driver.Stats{At: at, CPU: 5 * time.Second, UserCPU: 3 * time.Second, SystemCPU: 2 * time.Second,
		HostCPU: 100 * time.Second, OnlineCPUs: 2, Memory: 1000, MemoryLimit: 2000, PIDs: 3, ReadBytes: 7,
		Networks: map[string]driver.NetworkStats{"eth0": {ReceivedBytes: 100, SentBytes: 50}}}}
	get := serve(running(), d)
	_, first := get("/v4/" + webID + "/stats")
	const usage = `{"cpu_usage":{"total_usage":5000000000,"usage_in_kernelmode":2000000000,"usage_in_usermode":3000000000},
		"system_cpu_usage":100000000000,"online_cpus":2,"throttling_data":{"periods":0,"throttled_periods":0,"throttled_time":0}}`
	const none = `{"cpu_usage":{"total_usage":0,"usage_in_kernelmode":0,"usage_in_usermode":0},"throttling_data":{"periods":0,"throttled_periods":0,"throttled_time":0}}`
	const rest = `"pids_stats":{"current":3},"num_procs":0,"storage_stats":{},"memory_stats":{"usage":1000,"stats":{},"limit":2000},
		"blkio_stats":{"io_service_bytes_recursive":[{"major":0,"minor":0,"op":"read","value":7},{"major":0,"minor":0,"op":"write","value":0}],
			"io_serviced_recursive":[{"major":0,"minor":0,"op":"read","value":0},{"major":0,"minor":0,"op":"write","value":0}]},
		"name":"/ecs-shop-7-web-dddddddddddddddddddd","id":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",`
	const networks = `"networks":{"eth0":{"rx_bytes":100,"rx_packets":0,"rx_errors":0,"rx_dropped":0,"tx_bytes":50,"tx_packets":0,"tx_errors":0,"tx_dropped":0}}`
	want := `{"read":"2020-09-13T12:26:40.5Z","preread":"0001-01-01T00:00:00Z","cpu_stats":` + usage + `,"precpu_stats":` + none + `,` + rest + networks + `}`
	if diff := cmp.Diff(decoded(t, want), decoded(t, first)); diff != "" {
		t.Errorf("the first (-want +got):\n%s", diff)
	}
	d.stats.At, d.stats.Networks = at.Add(2*time.Second), map[string]driver.NetworkStats{"eth0": {ReceivedBytes: 300, SentBytes: 51}}
	_, second := get("/v4/" + webID + "/task/stats")
	all := decoded(t, second).(map[string]any)
	shown, _ := all[strings.Repeat("d", 64)].(map[string]any)
	if len(all) != 1 || shown["preread"] != "2020-09-13T12:26:40.5Z" || !cmp.Equal(shown["precpu_stats"], decoded(t, usage)) ||
		!cmp.Equal(shown["network_rate_stats"], decoded(t, `{"rx_bytes_per_sec":100,"tx_bytes_per_sec":0.5}`)) {
		t.Errorf("the second: %s", second)
	}
}

// A driver that measures nothing gives the answer that the agent has for that.
func TestStatsWithoutMeter(t *testing.T) {
	get := serve(running(), struct{ driver.Driver }{fake.New(1)})
	for path, want := range map[string]string{"/stats": `"Unable to get container stats for: ` + strings.Repeat("d", 64) + `"`,
		"/task/stats": `"Unable to get task stats for: arn:aws:ecs:eu-west-1:000000000000:task/blue/00000000000000000000000000000001"`} {
		if status, body := get("/v4/" + webID + path); status != http.StatusInternalServerError || body != want {
			t.Errorf("%s: %d %s, want %s", path, status, body, want)
		}
	}
}
