package cli

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/coder/websocket"

	"ballast/internal/api/exec"
	"ballast/internal/attach"
	"ballast/internal/driver"
)

// execVerb runs a command in a container.
type execVerb struct {
	endpointOptions `embed:""`
	outputOptions   `embed:""`

	What      string   `arg:"" name:"service|task" help:"A service, whose newest healthy task is taken, or a task by its id or how that begins."`
	Container string   `short:"c" placeholder:"NAME" help:"The container, where the task has several that run."`
	Input     bool     `name:"interactive" short:"i" negatable:"" default:"true" help:"Pass on standard input (the default); --no-interactive gives the command none."`
	Terminal  *bool    `name:"tty" short:"t" negatable:"" help:"Give the command a terminal, or with --no-tty none (a terminal where this is one)."`
	Command   []string `arg:"" optional:"" passthrough:"" help:"What to run, and its arguments (/bin/sh)."`
}

// Help is shown with the flags.
func (execVerb) Help() string {
	return `Examples:

    ballast exec web                          a shell in a task of service web
    ballast exec 3f2a -c app -- ls -l /tmp    one command in container app of a task
    echo hi | ballast exec web -- cat         without a terminal the streams are passed on as they are
    ballast exec web -o json -- id | jq -r .stdout

With -o json, for programs: {"task", "container", "exitCode", "stdout", "stderr"} when the command has ended, without a terminal; at most
16 MiB of output.

The command runs beside the container's processes, with their environment and in their working directory, and as the user that runs
them. In a terminal Ctrl-C goes to the command; otherwise it ends it. When the connection or the container ends, so does the command.

Exit codes: that of the command (128 and the number of the signal that ended it, 126 or 127 if it cannot be run);
else 1 failed, 2 usage, 3 no Ballast answers, 130 interrupted.`
}

// defaultCommand is what runs where nothing is named.
var defaultCommand = []string{"/bin/sh"}

// exitError is the exit code of a command that ran, which has said itself what there is to say.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("the command ended with exit code %d", int(e)) }

// Run finds the container and connects the streams.
func (v *execVerb) Run(ctx context.Context, s *Streams) error {
	ctx, cancel := s.interruptible(ctx)
	defer cancel()
	terminal, err := v.terminal(s)
	if err != nil {
		return err
	}
	c, err := v.client(s.Getenv)
	if err != nil {
		return err
	}
	t, err := c.taskToEnter(ctx, s, v.What)
	if err != nil {
		return err
	}
	name, err := containerToEnter(t, v.Container)
	if err != nil {
		return err
	}
	conn, err := v.dial(ctx, s, t.ID, name)
	if err != nil {
		return err
	}
	streams := driver.Streams{Out: s.Out, Err: s.Err}
	if v.Input {
		streams.In = s.In
	}
	if v.json() {
		return v.inJSON(ctx, s, conn, streams, execResult{Task: t.ARN, Container: name})
	}
	if terminal {
		restore, err := s.Console.Raw()
		if err != nil {
			return fmt.Errorf("take over the terminal: %w", err)
		}
		defer restore()
		streams.Terminal = true
		sizes, stop := watchSize(ctx, s.Console)
		defer stop()
		streams.Resize = sizes
	}
	return passOn(attach.Connect(ctx, attach.WebSocket(conn), streams))
}

// passOn makes the exit code of a command that of this program.
func passOn(code int, err error) error {
	if err == nil && code != 0 {
		err = exitError(code)
	}
	return err
}

// execResult is what -o json gives.
type execResult struct {
	Task      string `json:"task"` // its ARN
	Container string `json:"container"`
	ExitCode  int    `json:"exitCode"`
	Stdout    string `json:"stdout"`
	Stderr    string `json:"stderr"`
}

// maxCollected bounds the output that is kept until a command has ended: far more than programs ask commands for.
const maxCollected = 16 << 20

// collected keeps what is written, up to maxCollected.
type collected struct{ bytes.Buffer }

func (c *collected) Write(p []byte) (int, error) {
	if c.Len()+len(p) > maxCollected {
		return 0, fmt.Errorf("the command writes more than %d MiB; without -o json its output is passed on as it comes", maxCollected>>20)
	}
	return c.Buffer.Write(p)
}

// inJSON keeps the output of the command and gives all of it at its end.
func (v *execVerb) inJSON(ctx context.Context, s *Streams, conn *websocket.Conn, streams driver.Streams, result execResult) error {
	var out, failure collected
	streams.Out, streams.Err = &out, &failure
	var err error
	if result.ExitCode, err = attach.Connect(ctx, attach.WebSocket(conn), streams); err != nil {
		return err
	}
	result.Stdout, result.Stderr = out.String(), failure.String()
	if err := writeJSON(s.Out, result); err != nil {
		return err
	}
	return passOn(result.ExitCode, nil)
}

// terminal says whether the command gets one.
func (v *execVerb) terminal(s *Streams) (bool, error) {
	if v.Terminal == nil {
		return v.Input && s.Console != nil && !v.json(), nil
	}
	if *v.Terminal && v.json() {
		return false, usagef("--tty: a terminal cannot be given in JSON; leave out -o json")
	}
	if *v.Terminal && s.Console == nil {
		return false, usagef("--tty: standard input and output are not both a terminal")
	}
	return *v.Terminal, nil
}

// words is the command line to run.
func (v *execVerb) words() []string {
	words := v.Command
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if len(words) == 0 {
		return defaultCommand
	}
	return words
}

// taskToEnter gives the task that is meant: of a service, one that runs, rather healthy and new.
func (c *client) taskToEnter(ctx context.Context, s *Streams, what string) (task, error) {
	service, t, err := c.resolve(ctx, what)
	if err != nil || service == "" {
		return t, err
	}
	all, err := c.tasks(ctx, service, false)
	if err != nil {
		return task{}, err
	}
	t, others := chooseTask(all)
	if t.ID == "" {
		return task{}, fmt.Errorf(`no task of service %s is running; "ballast why %s" says why`, service, service)
	}
	if others > 0 && s.Console != nil {
		s.say("Task %s of %d that run.", t.shortID(), others+1)
	}
	return t, nil
}

// chooseTask gives the newest healthy one of the tasks that run, or the newest if none is healthy, and how many others run.
func chooseTask(all []task) (chosen task, others int) {
	all = slices.DeleteFunc(slices.Clone(all), func(t task) bool { return t.LastStatus != "RUNNING" || t.DesiredStatus != "RUNNING" })
	for _, t := range all {
		better := t.Since.After(chosen.Since)
		if (t.Health == "HEALTHY") != (chosen.Health == "HEALTHY") {
			better = t.Health == "HEALTHY"
		}
		if chosen.ID == "" || better {
			chosen = t
		}
	}
	return chosen, max(len(all)-1, 0)
}

// containerToEnter gives the container of a task that is meant: the one named, or the only one that runs.
func containerToEnter(t task, name string) (string, error) {
	var run, all []string
	for _, c := range t.Containers {
		if all = append(all, c.Name); c.LastStatus == "RUNNING" {
			run = append(run, c.Name)
		}
	}
	switch {
	case name != "" && !slices.Contains(all, name):
		return "", fmt.Errorf("task %s has no container %q; it has %s", t.shortID(), name, strings.Join(all, ", "))
	case name != "":
		return name, nil
	case len(run) == 0:
		return "", fmt.Errorf("no container of task %s is running", t.shortID())
	case len(run) > 1:
		return "", usagef("task %s has several containers; name one with -c: %s", t.shortID(), strings.Join(run, ", "))
	}
	return run[0], nil
}

// dial asks for the connection.
func (v *execVerb) dial(ctx context.Context, s *Streams, task, container string) (*websocket.Conn, error) {
	query := url.Values{exec.Cluster: {v.Cluster}, exec.Task: {task}, exec.Container: {container}, exec.Command: v.words()}
	endpoint := strings.TrimSuffix(v.EndpointURL, "/")
	target, err := v.at(exec.Path, query)
	if err != nil {
		return nil, err
	}
	header, err := v.sign(ctx, s, target)
	if err != nil {
		return nil, err
	}
	conn, resp, err := websocket.Dial(ctx, target.String(), &websocket.DialOptions{HTTPHeader: header,
		HTTPClient: &http.Client{Timeout: requestTimeout, Transport: named{endpoint, transport()}}})
	if err != nil && resp != nil {
		return nil, refusal(resp)
	}
	return conn, err
}
