package sample

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

// deadline bounds what the tests wait for from real processes and sockets.
const deadline = 20 * time.Second

// commandEnv makes the test binary run the sample commands with its arguments instead of the tests.
const commandEnv = "BALLAST_SAMPLE_TEST"

func TestMain(m *testing.M) {
	if os.Getenv(commandEnv) == "" {
		os.Exit(m.Run())
	}
	var command Command
	k := kong.Parse(&command, kong.BindTo(context.Background(), (*context.Context)(nil)), kong.BindTo(os.Stdout, (*io.Writer)(nil)))
	err := k.Run()
	var code ExitError
	if errors.As(err, &code) {
		os.Exit(code.ExitCode())
	}
	k.FatalIfErrorf(err)
}

func TestFlagsAndEnvironment(t *testing.T) {
	second := time.Second
	plain := Web{Host: "127.0.0.1", Port: 8080, Message: "hello", CrashCode: 1}
	with := func(change func(w *Web)) Web { w := plain; change(&w); return w }
	for _, c := range []struct {
		name string
		env  map[string]string
		args string
		want Web
	}{
		{"nothing", nil, "", plain},
		{"an orchestrator's environment", map[string]string{"HOST": "0.0.0.0", "PORT": "32768", "ECS_TASK": "web-1"}, "", with(func(w *Web) { w.Host, w.Port, w.Task = "0.0.0.0", 32768, "web-1" })},
		{"flags before environment", map[string]string{"PORT": "1"}, "--port=2", with(func(w *Web) { w.Port = 2 })},
		{"its own environment first", map[string]string{"PORT": "1", "SAMPLE_PORT": "3"}, "", with(func(w *Web) { w.Port = 3 })},
		{
			"all flags", nil,
			"--host=h --port=1 --message=v2 --task=t --start-delay=1s --crash-after=1s --crash-code=2 --exit-after=1s --exit-code=3 --freeze-after=1s --unhealthy-after=1s --unhealthy-for=1s --leak-mib=4 --capacity=5 --needs=a,b --stop-delay=1s --ignore-term",
			Web{"h", 1, "v2", "t", second, &second, 2, &second, 3, &second, &second, second, 4, 5, []string{"a", "b"}, second, true},
		},
		{
			"all of its own environment", map[string]string{
				"SAMPLE_HOST": "h", "SAMPLE_PORT": "1", "SAMPLE_MESSAGE": "v2", "SAMPLE_TASK": "t", "SAMPLE_START_DELAY": "1s", "SAMPLE_CRASH_AFTER": "1s", "SAMPLE_CRASH_CODE": "2", "SAMPLE_EXIT_AFTER": "1s",
				"SAMPLE_EXIT_CODE": "3", "SAMPLE_FREEZE_AFTER": "1s", "SAMPLE_UNHEALTHY_AFTER": "1s", "SAMPLE_UNHEALTHY_FOR": "1s", "SAMPLE_LEAK_MIB": "4", "SAMPLE_CAPACITY": "5", "SAMPLE_NEEDS": "a,b", "SAMPLE_STOP_DELAY": "1s", "SAMPLE_IGNORE_TERM": "true",
			}, "",
			Web{"h", 1, "v2", "t", second, &second, 2, &second, 3, &second, &second, second, 4, 5, []string{"a", "b"}, second, true},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, name := range []string{"HOST", "PORT", "ECS_TASK"} {
				t.Setenv(name, "")
				os.Unsetenv(name)
			}
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			var command Command
			parser, err := kong.New(&command)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parser.Parse(append([]string{"web"}, strings.Fields(c.args)...)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, command.Web); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestWebRefusesNonsense(t *testing.T) {
	minus := -time.Second
	for want, w := range map[string]Web{
		"port 65536: want 0 to 65535":   {Port: 65536},
		"crash with exit code 256":      {CrashAfter: new(time.Duration), CrashCode: 256},
		"exit after -1s: want 0s":       {ExitAfter: &minus},
		"listen after 25h0m0s: want 0s": {StartDelay: 25 * time.Hour},
		"leak -1 MiB per second: want":  {LeakMiB: -1},
		"capacity -1 requests per sec":  {Capacity: -1},
		"stop after -1s: want 0s":       {StopDelay: minus},
	} {
		if err := w.Run(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want: %s", err, want)
		}
	}
}

// process is a sample application as a process of its own.
type process struct {
	*exec.Cmd
	url   string
	lines *bufio.Scanner
}

// start runs the sample with args on a free port and waits until it listens.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, exe, append([]string{"web", "--port=0", "--message=v1", "--task=web"}, args...)...)
	cmd.Env = append(os.Environ(), commandEnv+"=1", "HOST=127.0.0.1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	p := &process{Cmd: cmd, lines: bufio.NewScanner(out)}
	p.url, _ = strings.CutPrefix(p.line(t), "listening on ")
	if !strings.HasPrefix(p.url, "http://127.0.0.1:") {
		t.Fatalf("it says %q", p.url)
	}
	return p
}

// line returns the next line of the log.
func (p *process) line(t *testing.T) string {
	t.Helper()
	if !p.lines.Scan() {
		t.Fatalf("the log ended: %v", p.lines.Err())
	}
	return p.lines.Text()
}

// wantExit waits for the end and wants its exit code.
func (p *process) wantExit(t *testing.T, code int) {
	t.Helper()
	for p.lines.Scan() {
	}
	p.Wait()
	if got := p.ProcessState.ExitCode(); got != code {
		t.Errorf("ended with %v, want exit code %d", p.ProcessState, code)
	}
}

// reply is the answer to a request that another goroutine made.
type reply struct {
	body string
	err  error
}

func request(method, url string) reply {
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		return reply{err: err}
	}
	client := http.Client{Timeout: deadline, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return reply{string(b), err}
}

// waiting begins GET /wait and returns when the request is under way.
func (p *process) waiting(t *testing.T, d string) <-chan reply {
	t.Helper()
	got := make(chan reply, 1)
	go func() { got <- request("GET", p.url+"/wait?for="+d) }()
	for end := time.Now().Add(deadline); time.Now().Before(end); {
		r := request("GET", p.url)
		if r.err != nil {
			t.Fatal(r.err)
		}
		p.line(t)
		if strings.Contains(r.body, "other requests under way: 1\n") {
			return got
		}
	}
	t.Fatal("the request is never under way")
	return nil
}

func TestTerminatedGracefully(t *testing.T) {
	p := start(t)
	got := p.waiting(t, "300ms")
	idle, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.wantExit(t, 0)
	if r := <-got; r.err != nil || !strings.HasPrefix(r.body, "v1 from web") {
		t.Errorf("the request under way got %+v", r)
	}
}

// TestTerminatedPromptly: with nothing to wait for the process ends at once, even if somebody holds an unused connection,
// for which net/http alone would wait five seconds.
func TestTerminatedPromptly(t *testing.T) {
	p := start(t)
	unused, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer unused.Close()
	if r := request("GET", p.url+"/health"); r.err != nil {
		t.Fatal(r.err)
	}
	began := time.Now()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.wantExit(t, 0)
	took := time.Since(began)
	t.Logf("ended %v after SIGTERM", took)
	if took > 2*time.Second {
		t.Errorf("it took %v to end", took)
	}
}

func TestSecondSignalCutsShort(t *testing.T) {
	p := start(t)
	got := p.waiting(t, "5m")
	for _, want := range []string{"ending: terminated", "requests under way were cut short"} {
		if err := p.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if line := p.line(t); line != want {
			t.Errorf("log line %q, want %q", line, want)
		}
	}
	p.wantExit(t, 0)
	if r := <-got; r.err == nil {
		t.Errorf("the request that was cut short got %+v", r)
	}
}

func TestIgnoresTerm(t *testing.T) {
	p := start(t, "--ignore-term")
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if line := p.line(t); line != "ignoring: terminated" {
		t.Errorf("log line %q", line)
	}
	if r := request("POST", p.url+"/control/exit?code=5"); r.err != nil || r.body == "" {
		t.Errorf("exit: %+v", r)
	}
	p.wantExit(t, 5)
}

func TestCrash(t *testing.T) {
	p := start(t)
	got := p.waiting(t, "5m")
	if r := request("POST", p.url+"/control/crash?code=139"); r.err != nil || !strings.HasSuffix(r.body, ": crash\n") {
		t.Errorf("the one who told it got %+v", r)
	}
	p.wantExit(t, 139)
	if r := <-got; r.err == nil {
		t.Errorf("the request under way got %+v", r)
	}
}

func TestFrozen(t *testing.T) {
	p := start(t)
	if r := request("POST", p.url+"/control/freeze"); r.err != nil {
		t.Fatal(r.err)
	}
	c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatalf("it accepts no connection: %v", err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("it answered %d bytes, error %v", n, err)
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if p.lines.Scan() {
		t.Errorf("frozen, it logs %q", p.lines.Text())
	}
	p.wantExit(t, 0)
}

func TestAddressInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w := Web{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port}
	if err := w.Run(t.Context(), io.Discard); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v", err)
	}
}

func TestRunEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- (&Web{Host: "127.0.0.1", Task: "web"}).Run(ctx, in) }()
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.HasPrefix(line, "listening on http://127.0.0.1:") {
		t.Fatalf("%q, %v", line, err)
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(deadline):
		t.Error("it did not end")
	}
}
