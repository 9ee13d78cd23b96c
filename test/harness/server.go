// Package harness runs the built ballast binary for tests that look at it from outside: a server on a data directory of its own,
// which can be killed and started again, its keeper, and the processes of its containers. It is a client and a murderer and
// knows nothing of the product's insides but three things that are documented: the banner of "ballast up", the command line of
// the keeper, and the marker in the environment of every container.
//
// What was started for a test is ended with the test, by process id, whatever the test did. Nothing here retries on behalf of
// the product. Start reading at New and Server.Up.
package harness

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"

	_ "ballast/internal/cli" // what Build builds, so that "go test" knows that its result depends on it
)

const (
	// Limit is how long anything may take that a test waits for: far more than it does, for machines under load.
	Limit = 2 * time.Minute
	// pause lies between two looks from outside.
	pause = 5 * time.Millisecond
	// shownOutput is how much of what servers and keepers said is shown of a test that failed.
	shownOutput = 16 << 10
	// callLimit bounds one call of the API.
	callLimit = time.Minute
)

// Build builds the binary into a directory and gives its path. flags go to "go build".
func Build(dir string, flags ...string) (exe string, err error) {
	exe = filepath.Join(dir, "ballast")
	out, err := exec.Command("go", append(append([]string{"build"}, flags...), "-o", exe, "ballast/cmd/ballast")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build ballast: %w\n%s", err, out)
	}
	return exe, nil
}

// Until waits for a condition, which says by its error what is not as wanted yet. After Limit the test fails with that.
func Until(t testing.TB, what string, condition func() error) {
	t.Helper()
	for end := time.Now().Add(Limit); ; time.Sleep(pause) {
		err := condition()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s: %v", what, Limit, err)
		}
	}
}

// Server is a `ballast up` on a data directory of its own, running or not. Its methods are for the test's goroutine, except
// that ECS may be called by any.
type Server struct {
	// DataDir is what outlives the server.
	DataDir string

	t      testing.TB
	exe    string
	flags  []string
	within []string
	run    *run   // nil while it is down
	said   []*run // all runs

	mu     sync.Mutex
	client *awsecs.Client
	// endpoint is that of client.
	endpoint string
}

// run is one life of a server.
type run struct {
	cmd  *exec.Cmd
	out  output
	over chan struct{} // closed when the process has ended
}

// output is what a process said so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

// String gives all of it.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// New gives a server that has not been started. flags are added to those of every start.
func New(t testing.TB, exe string, flags ...string) *Server {
	s := &Server{DataDir: filepath.Join(t.TempDir(), "data"), t: t, exe: exe, flags: flags}
	t.Cleanup(s.end)
	return s
}

// Within has the server started by a command, which is given the server's own command line as its last arguments and must become
// that program without a fork.
func (s *Server) Within(command ...string) { s.within = command }

// Up starts the server and waits until its container instance is connected.
func (s *Server) Up(args ...string) {
	s.t.Helper()
	if err := s.Try(args...); err != nil {
		s.t.Fatal(err)
	}
}

// EndedError says that a server ended instead of serving.
type EndedError struct {
	Code int
	Said string
}

func (e *EndedError) Error() string {
	return fmt.Sprintf("the server ended with code %d: %s", e.Code, e.Said)
}

// Launch starts the server and waits for nothing. args are added to this start's command line.
func (s *Server) Launch(args ...string) {
	s.t.Helper()
	if s.run != nil {
		s.t.Fatal("the server is running already")
	}
	line := append(s.within[:len(s.within):len(s.within)], s.exe, "up", "--listen", "127.0.0.1:0", "--data-dir", s.DataDir,
		"--driver", "process", "--policy", "fast")
	line = append(append(line, s.flags...), args...)
	r := &run{cmd: exec.Command(line[0], line[1:]...), over: make(chan struct{})}
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.out
	if err := r.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.run, s.said = r, append(s.said, r)
	go func() {
		r.cmd.Wait()
		close(r.over)
	}()
}

// Try does as Up, but gives an *EndedError when the server ends by itself.
func (s *Server) Try(args ...string) error {
	s.t.Helper()
	s.Launch(args...)
	return s.await()
}

// Await waits until the container instance of a server that was launched is connected.
func (s *Server) Await() {
	s.t.Helper()
	if err := s.await(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Server) await() error {
	s.t.Helper()
	r := s.run
	var ended error
	Until(s.t, "the server is up", func() error {
		select {
		case <-r.over:
			s.run = nil
			ended = &EndedError{r.cmd.ProcessState.ExitCode(), r.out.String()}
			return nil
		default:
			return s.ready(r)
		}
	})
	return ended
}

// banner is what "ballast up" says first.
var banner = regexp.MustCompile(`Ballast \S+ at (http://\S+) \(cluster`)

// ready says why a server does not serve yet.
func (s *Server) ready(r *run) error {
	found := banner.FindStringSubmatch(r.out.String())
	if found == nil {
		return fmt.Errorf("it said only %q", r.out.String())
	}
	c := awsecs.New(awsecs.Options{Region: "us-east-1", BaseEndpoint: &found[1], Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), HTTPClient: s.http()})
	s.mu.Lock()
	s.client, s.endpoint = c, found[1]
	s.mu.Unlock()
	list, err := c.ListContainerInstances(s.t.Context(), &awsecs.ListContainerInstancesInput{})
	if err != nil || len(list.ContainerInstanceArns) == 0 {
		return fmt.Errorf("no container instance: %w", err)
	}
	out, err := c.DescribeContainerInstances(s.t.Context(), &awsecs.DescribeContainerInstancesInput{ContainerInstances: list.ContainerInstanceArns})
	if err != nil {
		return err
	}
	for _, i := range out.ContainerInstances {
		if i.AgentConnected {
			return nil
		}
	}
	return errors.New("no container instance is connected")
}

// http gives the client that calls of one run go through; its idle connections end with the test.
func (s *Server) http() *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: wholeBodies{transport}, Timeout: callLimit}
}

// wholeBodies sends the bodies of requests from memory. The SDK closes the body of a request as soon as it has the answer, and its
// reader then fails with io.EOF (smithy-go, transport/http/internal/io, WriteTo) the look with which net/http makes sure that
// nothing follows; that ends the connection in the middle of the answer. An answer from the same machine is fast enough for
// that to happen once in a few thousand calls.
type wholeBodies struct{ next http.RoundTripper }

func (w wholeBodies) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		return w.next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err = errors.Join(err, r.Body.Close()); err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return w.next.RoundTrip(r)
}

// ECS is a client of the API that never repeats a call. After each start it is another one.
func (s *Server) ECS() *awsecs.Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.client
}

// Endpoint is the URL of the API. After each start it is another one.
func (s *Server) Endpoint() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.endpoint
}

// PID is the process of the server, which must run.
func (s *Server) PID() int { return s.run.cmd.Process.Pid }

// Said is all that this server has said, over all its runs.
func (s *Server) Said() string {
	var all strings.Builder
	for _, r := range s.said {
		all.WriteString(r.out.String())
	}
	return all.String()
}

// Kill ends the server as no program can help, and returns when it is gone.
func (s *Server) Kill() {
	s.t.Helper()
	if err := s.run.cmd.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	<-s.run.over
	s.run = nil
}

// Interrupt does what Ctrl-C does, and gives the exit code.
func (s *Server) Interrupt() int {
	s.t.Helper()
	r := s.run
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		s.t.Fatal(err)
	}
	select {
	case <-r.over:
		s.run = nil
	case <-time.After(Limit):
		s.t.Fatalf("the server has not ended %s after Ctrl-C; it said %q", Limit, r.out.String())
	}
	return r.cmd.ProcessState.ExitCode()
}

// end ends everything that is left of the server: itself, its keeper, and the processes of its containers.
func (s *Server) end() {
	if s.t.Failed() {
		s.t.Logf("the servers said: %s", tail(s.talk()))
		s.t.Logf("the keepers said: %s", tail(s.keepersSaid()))
	}
	if s.run != nil {
		s.run.cmd.Process.Kill()
		<-s.run.over
		s.run = nil
	}
	left := 0
	for end := time.Now().Add(Limit); time.Now().Before(end); time.Sleep(pause) {
		if left = s.endOthers(); left == 0 {
			return
		}
	}
	s.t.Errorf("%d processes cannot be ended", left)
}

// lastOfBanner begins the last line of what every "ballast up" says.
const lastOfBanner = `"ballast ps"`

// talk is what the servers said beyond what all say.
func (s *Server) talk() string {
	var all strings.Builder
	for _, r := range s.said {
		said := r.out.String()
		if _, rest, found := strings.Cut(said, "\n"+lastOfBanner); found {
			_, said, _ = strings.Cut(rest, "\n")
		}
		fmt.Fprintf(&all, "[process %d]\n%s", r.cmd.Process.Pid, said)
	}
	return all.String()
}

// keepersSaid is what keepers wrote to their log.
func (s *Server) keepersSaid() string {
	files, _ := filepath.Glob(filepath.Join(s.DataDir, "instances", "*", "keeper", "keeper.log"))
	var all []byte
	for _, f := range files {
		text, _ := os.ReadFile(f)
		all = append(all, text...)
	}
	return string(all)
}

func tail(s string) string {
	if len(s) > shownOutput {
		return "... " + s[len(s)-shownOutput:]
	}
	return s
}
