package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ballast/internal/control"
	"ballast/internal/driver"
	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
	"ballast/internal/httpd"
	"ballast/internal/scheduler/policy"
)

// within bounds the wait for anything that needs real goroutines or sockets.
const within = 20 * time.Second

// config is a daemon on a free port with imagined containers.
func config(t *testing.T) Config {
	t.Helper()
	fast, err := policy.Named("fast")
	if err != nil {
		t.Fatal(err)
	}
	imagined := fake.New(1)
	return Config{
		Listen: "127.0.0.1:0", DataDir: filepath.Join(t.TempDir(), "data"), Region: "us-east-1", Account: "000000000000", Cluster: "default",
		Policy: fast, Driver: "auto", Exe: "/bin/true", WorkDir: "/", Version: "test", Log: slog.New(slog.DiscardHandler),
		openDriver: func(context.Context) (driver.Driver, error) { return imagined, nil },
	}
}

func start(t *testing.T, cfg Config) *Daemon {
	t.Helper()
	d, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Stop(true) })
	return d
}

func TestConfigIsChecked(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string // "" for one that is fine
	}{
		"as it is":               {func(*Config) {}, ""},
		"localhost":              {func(c *Config) { c.Listen = "localhost:4510" }, ""},
		"IPv6 loopback":          {func(c *Config) { c.Listen = "[::1]:4510" }, ""},
		"everywhere":             {func(c *Config) { c.Listen = "0.0.0.0:4510" }, "--credentials"},
		"everywhere, unnamed":    {func(c *Config) { c.Listen = ":4510" }, "--credentials"},
		"a name":                 {func(c *Config) { c.Listen = "example.com:4510" }, "--credentials"},
		"everywhere, with keys":  {func(c *Config) { c.Listen, c.Credentials = "0.0.0.0:4510", &httpd.Credentials{} }, ""},
		"no port":                {func(c *Config) { c.Listen = "127.0.0.1" }, "HOST:PORT"},
		"unknown driver":         {func(c *Config) { c.Driver = "podman" }, `driver "podman" is unknown`},
		"cluster with a slash":   {func(c *Config) { c.Cluster = "../x" }, "cluster name"},
		"account with letters":   {func(c *Config) { c.Account = "12345678901x" }, "12 digits"},
		"region with a slash":    {func(c *Config) { c.Region = "us/east" }, "region"},
		"secrets":                {func(c *Config) { c.Secrets = "/" }, ""},
		"secrets that are none":  {func(c *Config) { c.Secrets = "/dev/null" }, "want a folder"},
		"logins that are none":   {func(c *Config) { c.RegistryAuth = "/nowhere" }, "read the logins of registries"},
		"region without letters": {func(c *Config) { c.Region = "" }, "region"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t)
			c.change(&cfg)
			err := cfg.Check()
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got error %v, want %q in it", err, c.want)
			}
		})
	}
}

// Every role of the real daemon fails once: those before it must let go of everything, or the next start finds it taken.
func TestEveryRoleStartsAndStops(t *testing.T) {
	cfg := config(t)
	names := (&Daemon{cfg: cfg}).compose()
	for i := range names {
		d := &Daemon{cfg: cfg}
		list := d.compose()
		list[i].start = func(context.Context) error { return errors.New("made to fail") }
		err := newRolesOf(d, list).start(t.Context())
		if want := list[i].name + ": made to fail"; err == nil || err.Error() != want {
			t.Errorf("role %s: error %v, want %q", list[i].name, err, want)
		}
	}
	d := start(t, cfg)
	if err := d.Stop(false); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(d.dirs().serving()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", d.dirs().serving(), err)
	}
}

func newRolesOf(d *Daemon, list []role) *roles {
	d.roles = newRoles(list)
	return d.roles
}

func TestAnswersOnItsEndpoint(t *testing.T) {
	cfg := config(t)
	cfg.Cluster = "blue"
	d := start(t, cfg)
	var about About
	if err := json.Unmarshal(get(t, d.Endpoint()+AboutPath), &about); err != nil {
		t.Fatal(err)
	}
	if want := (About{AboutProduct, "test", "us-east-1", "000000000000", "blue", "fast"}); about != want {
		t.Errorf("about %+v, want %+v", about, want)
	}
	if got := call(t, d, "ListClusters", "{}"); !strings.Contains(got, "cluster/blue") || !strings.Contains(got, "cluster/default") {
		t.Errorf("clusters %s, want blue and default", got)
	}
	id := call(t, d, "ListContainerInstances", `{"cluster":"blue"}`)
	if want := "container-instance/blue/" + d.instance.String(); !strings.Contains(id, want) {
		t.Errorf("container instances %s, want %s", id, want)
	}
}

// A name that is not ours may be an attacker's, resolving to loopback.
func TestAboutKeepsToTheHostRules(t *testing.T) {
	d := start(t, config(t))
	req, err := http.NewRequest(http.MethodGet, d.Endpoint()+AboutPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "evil.example"
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("status %d, want 403", resp.StatusCode)
	}
}

func TestTheContainerInstanceStaysTheSame(t *testing.T) {
	cfg := config(t)
	first := start(t, cfg)
	first.Stop(true)
	second := start(t, cfg)
	if first.instance != second.instance {
		t.Errorf("container instance %s after a restart, was %s", second.instance, first.instance)
	}
	info, err := os.Stat(first.dirs().id())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the id %v (%v), want 0600", info.Mode(), err)
	}
}

func TestInstanceIDOfAForeignFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "id")
	if err := os.WriteFile(file, []byte("what is this\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if id, err := instanceID(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v, %v; want an error that names the file", id, err)
	}
}

func TestADataDirectoryInUse(t *testing.T) {
	cfg := config(t)
	d := start(t, cfg)
	_, err := Start(t.Context(), cfg)
	if !errors.Is(err, ErrDataDirInUse) || !strings.Contains(err.Error(), d.Endpoint()) {
		t.Errorf("error %v, want one that names %s", err, d.Endpoint())
	}
}

func TestAnAddressInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg := config(t)
	cfg.Listen = l.Addr().String()
	if _, err := Start(t.Context(), cfg); !errors.Is(err, ErrPortInUse) {
		t.Errorf("error %v, want %v", err, ErrPortInUse)
	}
}

func TestHaltStopsEverythingAndTheNextStartResumes(t *testing.T) {
	cfg := config(t)
	d := start(t, cfg)
	call(t, d, "RegisterTaskDefinition", `{"family":"web","containerDefinitions":[{"name":"web","image":"web","memoryReservation":16}]}`)
	call(t, d, "CreateService", `{"serviceName":"web","taskDefinition":"web","desiredCount":2}`)
	running := func(d *Daemon) int { return count(d.Running(), ecs.StatusRunning) }
	eventually(t, "two tasks run", func() bool { return running(d) == 2 })
	eventually(t, "the deployment is complete", func() bool { return completed(d) })
	if err := d.Halt(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := d.Running(); len(left) > 0 {
		t.Errorf("%d tasks run after Halt", len(left))
	}
	if err := d.Stop(false); err != nil {
		t.Fatal(err)
	}
	d = start(t, cfg)
	eventually(t, "two tasks run again", func() bool { return running(d) == 2 })
	service := d.control.Root().Service("default", "web")
	if len(service.Deployments) != 1 || service.Definition.Revision != 1 || service.Deployments[0].FailedTasks != 0 {
		t.Errorf("after the restart: %d deployments of web:%d, %d failed tasks; want 1 of web:1 and none", len(service.Deployments),
			service.Definition.Revision, service.Deployments[0].FailedTasks)
	}
}

func TestHaltGivesUpWithItsContext(t *testing.T) {
	d := start(t, config(t))
	call(t, d, "RegisterTaskDefinition", `{"family":"deaf","containerDefinitions":[{"name":"deaf","image":"deaf","memoryReservation":16,
		"stopTimeout":100,"environment":[{"name":"FAKE_IGNORE_SIGTERM","value":"true"}]}]}`)
	call(t, d, "RunTask", `{"taskDefinition":"deaf"}`)
	eventually(t, "the task runs", func() bool { return count(d.Running(), ecs.StatusRunning) == 1 })
	ctx, cancel := context.WithCancel(t.Context())
	halted := make(chan error, 1)
	go func() { halted <- d.Halt(ctx) }()
	eventually(t, "the task is told to stop", func() bool { return d.Running()[0].DesiredStatus == ecs.StatusStopped })
	cancel()
	if err := <-halted; !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "1 tasks") {
		t.Errorf("error %v, want one that counts 1 task", err)
	}
}

func TestLongestStop(t *testing.T) {
	task := func(timeouts ...time.Duration) *ecs.Task {
		d := &ecs.TaskDefinition{}
		for _, timeout := range timeouts {
			d.Containers = append(d.Containers, ecs.ContainerDefinition{StopTimeout: timeout})
		}
		return &ecs.Task{Definition: d}
	}
	got := longestStop([]*ecs.Task{task(time.Second), task(2*time.Second, 0), task(3 * time.Second)}, 5*time.Second)
	if want := 7 * time.Second; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestHostResources(t *testing.T) {
	r, err := hostResources()
	if err != nil || r.CPU < cpuUnitsPerCore || r.Memory < 64 || r.Memory > 64<<20 || len(r.Ports) != 6 {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestUnknownBallastTagsAreRefused(t *testing.T) {
	d := start(t, config(t))
	if err := d.policyTags([]ecs.Tag{{Key: "ballast:healthy-after", Value: "5s"}, {Key: "team", Value: "x"}}); err != nil {
		t.Error(err)
	}
	var refusal *ecs.Error
	if err := d.policyTags([]ecs.Tag{{Key: "ballast:nonsense"}}); !errors.As(err, &refusal) {
		t.Errorf("got %v, want a refusal", err)
	}
}

func completed(d *Daemon) bool {
	s := d.control.Root().Service("default", "web")
	return s != nil && len(s.Deployments) == 1 && s.Deployments[0].Rollout == ecs.RolloutCompleted
}

func count(tasks []*ecs.Task, status ecs.Status) int {
	n := 0
	for _, t := range tasks {
		if t.LastStatus == status {
			n++
		}
	}
	return n
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("get %s: %s, %v", url, resp.Status, err)
	}
	return body
}

// call asks the API as any client would, and fails unless it answers 200.
func call(t *testing.T, d *Daemon, operation, body string) string {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, d.Endpoint(), bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113."+operation)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s %v", operation, resp.Status, text, err)
	}
	return string(text)
}

// eventually waits for a condition that other goroutines bring about.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for !done() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("it did not happen within %s that %s", within, what)
		}
	}
}

// A server whose own container instance is deregistered goes on without it, and has it again when it is started anew.
func TestDeregisteredInstanceRests(t *testing.T) {
	cfg := config(t)
	said := make(chan string, 100)
	cfg.Log = slog.New(slog.NewTextHandler(told(said), nil))
	d := start(t, cfg)
	id := d.instance
	if _, err := d.control.Submit(t.Context(), control.DeregisterContainerInstance{Cluster: "default", Instance: id}); err != nil {
		t.Fatal(err)
	}
	for line := ""; !strings.Contains(line, "takes no more tasks"); {
		select {
		case line = <-said:
		case err := <-d.Failed():
			t.Fatalf("the server failed: %v", err)
		case <-time.After(within):
			t.Fatal("nobody says that the container instance takes no more tasks")
		}
	}
	if _, err := d.control.Submit(t.Context(), control.CreateCluster{Name: "more"}); err != nil {
		t.Errorf("after it: %v", err)
	}
	if err := d.Stop(false); err != nil {
		t.Fatal(err)
	}
	d = start(t, cfg)
	if i := d.control.Root().Instance("default", id); i == nil || i.Status != ecs.InstanceActive || !i.Connected {
		t.Errorf("after a restart the container instance is %+v", i)
	}
}

// told passes on what is written, line by line, as long as there is room.
type told chan<- string

func (t told) Write(line []byte) (int, error) {
	select {
	case t <- string(line):
	default:
	}
	return len(line), nil
}

// Other users find the program of root's server, and nothing else of it.
func TestDataDirectoryIsClosed(t *testing.T) {
	cfg := config(t)
	start(t, cfg)
	for path, open := range map[string]bool{"": true, "bin": true, "instances": false, "instances/default": false, "state.db": false} {
		info, err := os.Stat(filepath.Join(cfg.DataDir, path))
		if err != nil {
			t.Fatal(err)
		}
		want := os.FileMode(0)
		if open && os.Geteuid() == 0 {
			want = 0o011
		}
		if got := info.Mode().Perm() & 0o077; got != want {
			t.Errorf("%q: others have %o, want %o", path, got, want)
		}
	}
}
