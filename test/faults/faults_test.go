//go:build linux

// Package faults does cruel things to the built binary: it kills servers and keepers at any moment, fills their disk, and runs
// containers that misbehave. After each it looks from outside, through the API and the process table, whether what was promised
// holds: what was acknowledged is there, nothing was started twice, and nothing runs that nobody wants.
package faults

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/test/harness"
)

var seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the moments at which things are killed, and of what clients do meanwhile")

// exe is the built binary, raced the one that watches for data races: the same where this test was built without the detector.
var exe, raced string

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "ballast-faults-")
	if err != nil {
		panic(err)
	}
	code := 1
	if err = build(dir); err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

func build(dir string) (err error) {
	if exe, err = harness.Build(dir); err != nil || !raceDetector {
		raced = exe
		return err
	}
	second := filepath.Join(dir, "race")
	if err := os.Mkdir(second, 0o755); err != nil {
		return err
	}
	raced, err = harness.Build(second, "-race")
	return err
}

// chance gives the random numbers of one test; the same seed gives the same.
func chance(t *testing.T) *rand.Rand {
	t.Logf("seed %d", *seed)
	var name uint64
	for _, c := range t.Name() {
		name = name*31 + uint64(c)
	}
	return rand.New(rand.NewPCG(*seed, name))
}

// up starts a server that is ended with the test.
func up(t *testing.T) *harness.Server {
	s := harness.New(t, exe)
	s.Up()
	return s
}

// container gives the definition of an essential container.
func container(name string, command ...string) types.ContainerDefinition {
	return types.ContainerDefinition{Name: &name, Image: aws.String("none"), MemoryReservation: aws.Int32(4), Command: command}
}

// shell gives a container that runs a script. Its "$0" is a file of the test's, its "$1" and so on are args.
func shell(script, file string, args ...string) types.ContainerDefinition {
	return container("app", append([]string{"/bin/sh", "-c", script, file}, args...)...)
}

// web gives a container that runs the sample application at a port of its own.
func web(flags ...string) types.ContainerDefinition {
	c := container("app", append([]string{"ballast", "sample", "web"}, flags...)...)
	c.PortMappings = []types.PortMapping{{ContainerPort: aws.Int32(8080)}}
	return c
}

// tell has the sample application of a task do something.
func tell(t *testing.T, task types.Task, order string) {
	t.Helper()
	b := task.Containers[0].NetworkBindings
	if len(b) != 1 {
		t.Fatalf("task has no port: %s", harness.Text(task))
	}
	url := fmt.Sprintf("http://%s:%d/control/%s", *b[0].BindIP, *b[0].HostPort, order)
	harness.Until(t, "the application was told "+order, func() error {
		response, err := http.Post(url, "", nil)
		if err != nil {
			return err // it does not listen yet
		}
		defer response.Body.Close()
		if text, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", response.Status, text)
		}
		return nil
	})
}

// mainPID is the first process of a task's only container.
func mainPID(t *testing.T, task types.Task) int {
	t.Helper()
	pid, err := strconv.Atoi(aws.ToString(task.Containers[0].RuntimeId))
	if err != nil {
		t.Fatalf("runtime id of %s: %v", harness.Text(task), err)
	}
	return pid
}

func gone(t *testing.T, what string, pids ...int) {
	t.Helper()
	harness.Until(t, what+" is gone", func() error {
		if i := slices.IndexFunc(pids, harness.Alive); i >= 0 {
			return fmt.Errorf("process %d lives", pids[i])
		}
		return nil
	})
}

// startsRecorded is the shell's part that notes the start of a container in the file "$0".
const startsRecorded = `echo "$BALLAST_CONTAINER" >> "$0"; `

// starts gives the starts that containers noted in a file: the ids of their tasks, oldest first. One task that was started twice
// is there twice.
func starts(t *testing.T, file string) []string {
	t.Helper()
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		id, _, found := strings.Cut(lines.Text(), "/")
		if !found {
			t.Fatalf("%s has the line %q", file, lines.Text())
		}
		all = append(all, id)
	}
	return all
}

// lonely is how long a keeper is left without a server, so that what it saw is told from what the next server sees.
const lonely = 200 * time.Millisecond

// TestExitsWhileDown: containers that end while there is no server are reported by the next one as they ended.
func TestExitsWhileDown(t *testing.T) {
	t.Parallel()
	s := up(t)
	definition := s.Define("web", web())
	s.Serve("web", definition, 1)
	exits, killed := s.Run(definition), s.Run(definition)
	s.Steady("web")
	exits, killed = s.Status(*exits.TaskArn, "RUNNING"), s.Status(*killed.TaskArn, "RUNNING")
	served := s.Tasks(awsecs.ListTasksInput{ServiceName: aws.String("web")})[0]
	s.Kill()
	down := time.Now()
	tell(t, exits, "exit?code=7")
	tell(t, served, "crash?code=9")
	syscall.Kill(mainPID(t, killed), syscall.SIGKILL)
	gone(t, "the application", mainPID(t, exits), mainPID(t, served), mainPID(t, killed))
	time.Sleep(lonely)
	over := time.Now()
	s.Up()
	for arn, code := range map[string]int32{*exits.TaskArn: 7, *served.TaskArn: 9, *killed.TaskArn: 137} {
		got := s.Status(arn, "STOPPED")
		if c := got.Containers[0].ExitCode; c == nil || *c != code || got.StopCode != types.TaskStopCodeEssentialContainerExited {
			t.Errorf("want exit code %d, got %s", code, harness.Text(got))
		}
		// The API gives milliseconds.
		if at := *got.ExecutionStoppedAt; at.Before(down.Add(-time.Millisecond)) || at.After(over) || !got.StartedAt.Before(down) {
			t.Errorf("started at %s, stopped at %s; want before and between %s and %s", got.StartedAt, at, down, over)
		}
	}
	s.Steady("web")
	if now := s.Tasks(awsecs.ListTasksInput{ServiceName: aws.String("web")}); len(now) != 1 || *now[0].TaskArn == *served.TaskArn {
		t.Errorf("the service's task was not replaced: %s", harness.Text(now))
	}
}

// TestStopTimeout: a container that ignores SIGTERM has its stopTimeout, and is killed then.
func TestStopTimeout(t *testing.T) {
	t.Parallel()
	s := up(t)
	stubborn := web("--ignore-term")
	stubborn.StopTimeout = aws.Int32(1)
	task := s.Run(s.Define("stubborn", stubborn))
	task = s.Status(*task.TaskArn, "RUNNING")
	tell(t, task, "ignore-term")
	began := time.Now()
	task = s.Stop(*task.TaskArn)
	if took := task.ExecutionStoppedAt.Sub(began); took < time.Second-time.Millisecond || took > 5*time.Second {
		t.Errorf("its end came %s after the request, want its stopTimeout of 1s", took)
	}
	if c := task.Containers[0].ExitCode; c == nil || *c != 137 || task.StopCode != types.TaskStopCodeUserInitiated {
		t.Errorf("want exit code 137, got %s", harness.Text(task))
	}
}

// TestHung: a task that hangs stays RUNNING, for nothing checks it, and stop ends it all the same: whether its program hears
// SIGTERM, or its process does not run at all.
func TestHung(t *testing.T) {
	t.Parallel()
	s := up(t)
	c := web()
	c.StopTimeout = aws.Int32(1)
	definition := s.Define("web", c)
	frozen, suspended := s.Run(definition), s.Run(definition)
	frozen, suspended = s.Status(*frozen.TaskArn, "RUNNING"), s.Status(*suspended.TaskArn, "RUNNING")
	tell(t, frozen, "freeze")
	syscall.Kill(mainPID(t, suspended), syscall.SIGSTOP)
	url := fmt.Sprintf("http://127.0.0.1:%d/", *frozen.Containers[0].NetworkBindings[0].HostPort)
	if _, err := (&http.Client{Timeout: 300 * time.Millisecond}).Get(url); err == nil {
		t.Error("the application answers, frozen as it is")
	}
	for _, arn := range []string{*frozen.TaskArn, *suspended.TaskArn} {
		if got := s.Task(arn); *got.LastStatus != "RUNNING" {
			t.Errorf("a hung task is %s", harness.Text(got))
		}
	}
	for arn, code := range map[string]int32{*frozen.TaskArn: 0, *suspended.TaskArn: 137} {
		got := s.Stop(arn)
		if c := got.Containers[0].ExitCode; c == nil || *c != code {
			t.Errorf("want exit code %d, got %s", code, harness.Text(got))
		}
	}
}

// TestNoSuchCommand: a container that cannot be started says so in the words of ECS.
func TestNoSuchCommand(t *testing.T) {
	t.Parallel()
	s := up(t)
	for _, command := range []string{"/no/such/program", "no-such-program"} {
		task := s.Run(s.Define("missing", container("app", command)))
		task = s.Status(*task.TaskArn, "STOPPED")
		if task.StopCode != types.TaskStopCodeTaskFailedToStart || *task.StoppedReason != "Task failed to start" {
			t.Errorf("stop code %s, reason %q", task.StopCode, *task.StoppedReason)
		}
		c := task.Containers[0]
		if reason := aws.ToString(c.Reason); !strings.HasPrefix(reason, "CannotStartContainerError: ") || !strings.Contains(reason, strconv.Quote(command)) {
			t.Errorf("container's reason %q", reason)
		}
		if c.ExitCode != nil || task.StartedAt != nil {
			t.Errorf("exit code and start of what never ran: %s", harness.Text(task))
		}
	}
}

// staticPort gives a port that is free and not among those that systems give out by themselves.
func staticPort(t *testing.T, chance *rand.Rand) (port int32, l net.Listener) {
	t.Helper()
	for range 100 {
		port = 20000 + chance.Int32N(10000)
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, l
		}
	}
	t.Fatal("no free port")
	return 0, nil
}

// TestPortTaken: a static port is refused by the host where something else has it, and by placement where a task has it.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	s := up(t)
	port, other := staticPort(t, chance(t))
	defer other.Close()
	c := web()
	c.PortMappings[0].HostPort = &port
	definition := s.Define("static", c)
	task := s.Run(definition)
	task = s.Status(*task.TaskArn, "STOPPED")
	reason := aws.ToString(task.Containers[0].Reason)
	if task.StopCode != types.TaskStopCodeTaskFailedToStart || !strings.HasPrefix(reason, "CannotStartContainerError: ") ||
		!strings.Contains(reason, fmt.Sprintf("127.0.0.1:%d", port)) || !strings.HasSuffix(reason, "address already in use") {
		t.Errorf("stop code %s, container's reason %q", task.StopCode, reason)
	}
	other.Close()

	s.Serve("static", definition, 2)
	want := "(service static) was unable to place a task because no container instance met all of its requirements. The closest matching " +
		"(container-instance %s) is already using a port required by your task. For more information, see the Troubleshooting section of " +
		"the Amazon ECS Developer Guide."
	list, err := s.ECS().ListContainerInstances(t.Context(), &awsecs.ListContainerInstancesInput{})
	if err != nil {
		t.Fatal(err)
	}
	want = fmt.Sprintf(want, harness.TaskID(list.ContainerInstanceArns[0]))
	harness.Until(t, "one task runs and the other is refused", func() error {
		v := s.Service("static")
		if v.RunningCount != 1 || !slices.ContainsFunc(v.Events, func(e types.ServiceEvent) bool { return *e.Message == want }) {
			return fmt.Errorf("%d running, events %s", v.RunningCount, harness.Text(v.Events))
		}
		return nil
	})
	if n := len(s.AllTasks()); n != 2 {
		t.Errorf("there are %d tasks, want the one that failed before and the one that runs", n)
	}
}

// TestSecondServer: a data directory has one server.
func TestSecondServer(t *testing.T) {
	t.Parallel()
	s := up(t)
	task := s.Run(s.Define("web", web()))
	s.Status(*task.TaskArn, "RUNNING")
	second := harness.New(t, exe)
	second.DataDir = s.DataDir
	var ended *harness.EndedError
	if err := second.Try(); !errors.As(err, &ended) || ended.Code != 1 || !strings.Contains(ended.Said, "the data directory is in use") ||
		!strings.Contains(ended.Said, fmt.Sprintf("ballast process %d", s.PID())) || !strings.Contains(ended.Said, s.DataDir) ||
		!strings.Contains(ended.Said, "--data-dir") {
		t.Errorf("a second server on the same data directory: %v", err)
	}
	if got := s.Task(*task.TaskArn); *got.LastStatus != "RUNNING" || !harness.Alive(mainPID(t, got)) {
		t.Errorf("the task of the first server: %s", harness.Text(got))
	}
}
