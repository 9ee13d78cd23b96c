package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"ballast/internal/sample"
)

// parsed gives the verb that a command line selects, filled.
func parsed[V any](t *testing.T, args ...string) V {
	t.Helper()
	s, _, _, _ := terminalless(map[string]string{"HOME": "/home/me"})
	c, err := parse(args, s)
	if err != nil {
		t.Fatalf("parse %v: %v", args, err)
	}
	v, ok := c.Selected().Target.Addr().Interface().(*V)
	if !ok {
		t.Fatalf("parse %v: selected %s", args, c.Selected().FullPath())
	}
	return *v
}

var (
	defaultTarget = endpointOptions{EndpointURL: defaultEndpoint, Cluster: "default", Region: "us-east-1"}
	text          = outputOptions{Output: "text"}
	asJSON        = outputOptions{Output: "json"}
)

func TestParse(t *testing.T) {
	t.Setenv("BALLAST_ENDPOINT", "")
	os.Unsetenv("BALLAST_ENDPOINT")
	os.Unsetenv("BALLAST_DATA_DIR")
	// Variables that only the sample reads must not disturb other verbs.
	t.Setenv("PORT", "tcp://10.0.0.1:80")
	up := upVerb{outputOptions: text, Listen: "127.0.0.1:4510", DataDir: "/home/me/.local/state/ballast", Driver: "auto", Pull: "default", Cluster: "default",
		Region: "us-east-1", Account: "000000000000", Policy: "ecs", LogLevel: 4, Timeout: 10 * time.Minute}
	upDir := up
	upDir.Dir, upDir.Keep, upDir.Policy, upDir.DataDir, upDir.outputOptions = "examples/web", true, "fast", "/d", asJSON
	for _, c := range []struct {
		got, want any
	}{
		{parsed[upVerb](t, "up"), up},
		{parsed[upVerb](t, "up", "examples/web", "--keep", "--policy", "fast", "--data-dir=/d", "-o", "json"), upDir},
		{parsed[psVerb](t, "ps"), psVerb{endpointOptions: defaultTarget, outputOptions: text}},
		{parsed[psVerb](t, "ps", "-a", "web", "--cluster", "blue"), psVerb{endpointOptions: endpointOptions{defaultEndpoint, "blue", "us-east-1"},
			outputOptions: text, Service: "web", All: true}},
		{parsed[eventsVerb](t, "events", "--all", "-f"), eventsVerb{endpointOptions: defaultTarget, outputOptions: text, All: true, Follow: true}},
		{parsed[logsVerb](t, "logs", "web", "--since", "10m"), logsVerb{endpointOptions: defaultTarget, outputOptions: text, What: "web",
			Since: since{since: 10 * time.Minute, ago: true}}},
		{parsed[stopVerb](t, "stop", "a", "b", "--wait"), stopVerb{endpointOptions: defaultTarget, outputOptions: text, What: []string{"a", "b"},
			Reason: "Task stopped by user", Wait: true, Timeout: 5 * time.Minute}},
		{parsed[versionVerb](t, "version", "-o", "json"), versionVerb{asJSON}},
		{parsed[keeperVerb](t, "keeper", "--dir", "/k"), keeperVerb{"/k"}},
	} {
		allow := cmp.AllowUnexported(upVerb{}, psVerb{}, eventsVerb{}, logsVerb{}, stopVerb{}, versionVerb{}, since{})
		if diff := cmp.Diff(c.want, c.got, allow); diff != "" {
			t.Errorf("options (-want +got):\n%s", diff)
		}
	}
}

// Every verb with a command line that makes no sense says so, and where to learn more.
func TestUsageErrors(t *testing.T) {
	for line, want := range map[string]string{
		"dance":                                `unexpected argument dance`,
		"up --driver podman":                   `--driver must be one of`,
		"up --policy slow":                     `--policy must be one of "ecs","ecs-2026"`,
		"up --log-level loud":                  `loud`,
		"up nosuch --data-dir /d":              "nosuch: no such folder",
		"up --listen everywhere --data-dir /d": "HOST:PORT",
		"up --listen 0.0.0.0:1 --data-dir /d":  "--credentials FILE",
		"up --cluster a/b --data-dir /d":       "cluster name",
		"up --credentials nosuch":              "nosuch",
		"ps a b":                               "unexpected argument b",
		"ps -o yaml":                           "--output must be one of",
		"ps --endpoint-url nonsense":           "want something like http://127.0.0.1:4510",
		"ps --endpoint-url https://ecs.aws":    "AWS_ACCESS_KEY_ID",
		"events":                               "name a service, or give --all",
		"events web --all":                     "name a service, or give --all",
		"logs":                                 `expected "<service|task>"`,
		"logs web --since yesterday":           "neither how long ago",
		"stop":                                 `expected "<task|service>`,
		"stop a --timeout soon":                "soon",
		"version extra":                        "unexpected argument extra",
		"keeper":                               "missing flags: --dir",
		"sample":                               "expected one of",
	} {
		got := ballast(strings.Fields(line)...)
		if got.code != exitUsage || got.out != "" {
			t.Errorf("%q: exit code %d, output %q; want %d and none", line, got.code, got.out, exitUsage)
		}
		has(t, line, got.talk, "ballast: ", want)
	}
}

func TestHelpTeaches(t *testing.T) {
	top := ballast()
	if top.code != exitDone || top.talk != "" {
		t.Errorf("exit code %d, talk %q", top.code, top.talk)
	}
	has(t, "help", top.out, "up ", "ps ", "events ", "logs ", "stop ", "version ", "sample ", "Exit codes:")
	if strings.Contains(top.out, "keeper") {
		t.Error("help shows the hidden verb keeper")
	}
	for _, verb := range []string{"up", "ps", "events", "logs", "stop", "version"} {
		got := ballast(verb, "--help")
		if got.code != exitDone {
			t.Errorf("%s --help: exit code %d", verb, got.code)
		}
		has(t, verb+" --help", got.out, "Examples:", "ballast "+verb, "Exit codes:", "-o, --output")
	}
	has(t, "stop -h", ballast("stop", "-h").out, "Usage: ballast stop")
	has(t, "sample web --help", ballast("sample", "web", "--help").out, "SIGTERM")
}

// What other programs answer to, this one does, too.
func TestFamiliarSpellings(t *testing.T) {
	has(t, "--version", ballast("--version").out, ballast("version").out)
	has(t, "help", ballast("help").out, "Usage: ballast <command>")
	has(t, "help deploy", ballast("help", "deploy").out, "Usage: ballast deploy")
	has(t, "help store copy", ballast("help", "store", "copy").out, "Usage: ballast store copy")
	if got := ballast("help", "nosuch"); got.code != exitUsage {
		t.Errorf("help of nothing: exit code %d", got.code)
	}
}

func TestVerdict(t *testing.T) {
	api := &smithy.OperationError{ServiceID: "ECS", OperationName: "StopTask", Err: fmt.Errorf("https response error StatusCode: 400: %w",
		&smithy.GenericAPIError{Code: "ClusterNotFoundException", Message: "Cluster not found."})}
	refused := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for name, c := range map[string]struct {
		err  error
		code int
		text string
	}{
		"none": {nil, 0, ""},
		"any":  {errors.New("broken"), 1, "broken"},
		"the API's": {fmt.Errorf("stop task x: %w", api), 1,
			"stop task x: ClusterNotFoundException: Cluster not found.\nName the cluster with --cluster; "},
		"a stranger": {fmt.Errorf("list: %w", &smithy.GenericAPIError{Code: "UnrecognizedClientException", Message: "invalid"}), 1,
			"\nSet AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a line of the server's --credentials file."},
		"usage":       {fmt.Errorf("file: %w", usagef("bad %d", 1)), 2, "file: bad 1"},
		"no server":   {&smithy.OperationError{Err: noServerError{"http://x", refused}}, 3, "ballast up"},
		"not steady":  {notSteadyError{"too slow"}, 4, "too slow"},
		"interrupted": {fmt.Errorf("list: %w", context.Canceled), 130, ""},
		"the sample":  {sample.ExitError(7), 7, ""},
	} {
		code, said := verdict(c.err)
		if code != c.code || !strings.Contains(said, c.text) || c.text == "" && said != "" {
			t.Errorf("%s: %d %q, want %d %q", name, code, said, c.code, c.text)
		}
	}
}

func TestNoServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	endpoint := "http://" + l.Addr().String()
	l.Close()
	for _, verb := range [][]string{{"ps"}, {"events", "web"}, {"events", "--all"}, {"logs", "web"}, {"stop", "web"}} {
		got := ballast(append(verb, "--endpoint-url", endpoint)...)
		if got.code != exitNoServer {
			t.Errorf("%v: exit code %d, want %d", verb, got.code, exitNoServer)
		}
		has(t, verb[0], got.talk, "no Ballast answers at "+endpoint, `"ballast up"`, "BALLAST_ENDPOINT")
	}
}

func TestAStrangerAtTheEndpoint(t *testing.T) {
	stranger := httptest.NewServer(http.NotFoundHandler())
	defer stranger.Close()
	got := ballast("ps", "--endpoint-url", stranger.URL)
	if got.code != exitNoServer {
		t.Errorf("exit code %d, want %d", got.code, exitNoServer)
	}
	has(t, "ps", got.talk, "no Ballast answers at "+stranger.URL, "something else answers there")
	up := ballast("up", listenFlag(stranger.URL), "--data-dir", t.TempDir())
	if up.code != exitFailed {
		t.Errorf("exit code %d, want %d", up.code, exitFailed)
	}
	has(t, "up", up.talk, "is taken by another program", "--listen")
}

func TestCaller(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		host string
		want string // access key, or "" for an error
	}{
		"of the environment":        {map[string]string{"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}, "example.com", "k"},
		"none on loopback":          {nil, "127.0.0.1", dummyKey},
		"none on a local name":      {nil, "ballast.localhost", dummyKey},
		"none on IPv6 loopback":     {nil, "::1", dummyKey},
		"none elsewhere":            {nil, "example.com", ""},
		"one that only looks local": {nil, "localhost.example.com", ""},
		"half of them":              {map[string]string{"AWS_ACCESS_KEY_ID": "k"}, "127.0.0.1", ""},
	} {
		who, err := caller(func(name string) string { return c.env[name] }, c.host)
		if c.want == "" {
			if code, _ := verdict(err); code != exitUsage {
				t.Errorf("%s: error %v, want one of usage", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := who.Retrieve(t.Context()); err != nil || got.AccessKeyID != c.want {
			t.Errorf("%s: key %q, %v; want %q", name, got.AccessKeyID, err, c.want)
		}
	}
}

func TestDefaultDataDir(t *testing.T) {
	for want, env := range map[string]map[string]string{
		"/home/me/.local/state/ballast": {"HOME": "/home/me"},
		"/state/ballast":                {"HOME": "/home/me", "XDG_STATE_HOME": "/state"},
		"":                              {"XDG_STATE_HOME": "relative"},
	} {
		if got := defaultDataDir(func(name string) string { return env[name] }); got != want {
			t.Errorf("with %v: %q, want %q", env, got, want)
		}
	}
}

func TestVersionOf(t *testing.T) {
	vcs := []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"}}
	for want, info := range map[string]debug.BuildInfo{
		"v1.2.3":                      {Main: debug.Module{Version: "v1.2.3"}},
		"devel":                       {Main: debug.Module{Version: "(devel)"}},
		"devel-0123456789ab-modified": {Main: debug.Module{Version: "(devel)"}, Settings: vcs},
	} {
		if got := versionOf(&info); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	has(t, "version", ballast("version").out, "ballast ", "go1.")
	has(t, "version -o json", ballast("version", "-o", "json").out, `"version": "`)
}

func TestSince(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	for _, c := range []struct {
		text string
		want int64
	}{{"10s", 990_000}, {"0s", 1_000_000}, {"2d", 1_000_000 - 2*86_400_000}, {"1w", 1_000_000 - 7*86_400_000}, {"1970-01-01T00:00:05Z", 5_000},
		{"1970-01-02", time.Date(1970, 1, 2, 0, 0, 0, 0, time.Local).UnixMilli()},
		{"1970-01-02 03:04", time.Date(1970, 1, 2, 3, 4, 0, 0, time.Local).UnixMilli()}} {
		var s since
		if err := s.UnmarshalText([]byte(c.text)); err != nil || *s.millis(now) != c.want {
			t.Errorf("%s: %v, %v; want %d", c.text, s.millis(now), err, c.want)
		}
	}
	if got := (since{}).millis(now); got != nil {
		t.Errorf("none given: %d", *got)
	}
	if err := new(since).UnmarshalText([]byte("-5s")); err == nil {
		t.Error("a time to come is taken")
	}
}
