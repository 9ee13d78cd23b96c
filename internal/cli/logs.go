package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// logsVerb shows what containers wrote.
type logsVerb struct {
	endpointOptions `embed:""`
	outputOptions   `embed:""`

	What       string `arg:"" name:"service|task" help:"A service, or a task by its id or how that begins."`
	Follow     bool   `short:"f" help:"Go on showing lines as they are written, until Ctrl-C or until the task has stopped."`
	Since      since  `placeholder:"10m" help:"Only lines after this: so long ago, as 90s, 10m, 1h30m, 2d, or a time, as 2026-11-21, 2026-11-21T09:00 (here) or 2026-11-21T09:00:00Z."`
	Tail       *int   `short:"n" placeholder:"N" help:"Only the last N lines of each container, at most 10000, and with -f what follows."`
	Container  string `short:"c" placeholder:"NAME" help:"Only the containers of this name."`
	Timestamps bool   `short:"t" help:"Show when each line was written."`
}

// Help is shown with the flags.
func (logsVerb) Help() string {
	return `Examples:

    ballast logs web            what all tasks of service web wrote, stopped ones included
    ballast logs web -f --since 10m
    ballast logs web -n 20 -c app
    ballast logs 3f2a -t        one task, with times

Logs are kept as long as a task is shown ("ballast ps -a"), an hour after its end, and of each container as much as its
logConfiguration says. Of a service, the newest 200 containers are read.
Programs read the same through CloudWatch Logs ("aws logs tail GROUP --follow"): group "/ballast/CLUSTER", stream
"SERVICE/CONTAINER/TASK", or for the log driver awslogs the group and the stream prefix that its options name.

With -o json: one object per line: {"at", "task", "container", "message"}.

Exit codes: 0 done, 1 failed, 2 usage, 3 no Ballast answers, 130 interrupted.`
}

const (
	// maxStreams bounds how many containers are read, since each costs a request per look.
	maxStreams = 200
	// maxTail bounds --tail; it is the most events in an answer (GetLogEvents, CloudWatch Logs API reference).
	maxTail = 10_000
	// logPollEvery is the pause between two looks for new lines.
	logPollEvery = 500 * time.Millisecond
)

// line is a line as the verb shows it; its JSON form is stable.
type line struct {
	At        time.Time `json:"at"`
	Task      string    `json:"task"`
	Container string    `json:"container"`
	Message   string    `json:"message"`
}

// Run reads what there is and, if told to, looks for more.
func (v *logsVerb) Run(ctx context.Context, s *Streams) error {
	if v.Tail != nil && (*v.Tail < 0 || *v.Tail > maxTail) {
		return usagef("--tail %d: want 0 to %d", *v.Tail, maxTail)
	}
	ctx, cancel := s.interruptible(ctx)
	defer cancel()
	c, err := v.client(s.Getenv)
	if err != nil {
		return err
	}
	service, one, err := c.resolve(ctx, v.What)
	if err != nil {
		return err
	}
	reader := newLogReader(c, v.Since.millis(s.Now()), v.Tail)
	show := v.printer(s, service != "" || len(one.Containers) > 1)
	for first := true; ; first = false {
		tasks := []task{one}
		if service != "" {
			tasks, err = c.tasks(ctx, service, true)
		} else if v.Follow {
			tasks, err = c.describe(ctx, []string{one.ARN})
		}
		if err == nil && first {
			err = hasContainer(tasks, v.Container)
		}
		if err != nil {
			return err
		}
		if left := reader.take(only(tasks, v.Container)); left > 0 {
			s.say("%d containers are left out: at most the %d newest are read.", left, maxStreams)
		}
		if err := reader.read(ctx, show); err != nil {
			return err
		}
		if !v.Follow || service == "" && len(reader.cursors) == 0 {
			return nil
		}
		if err := pause(ctx, logPollEvery); err != nil {
			return err
		}
	}
}

// hasContainer refuses the name of a container that no task has.
func hasContainer(tasks []task, name string) error {
	names := map[string]bool{}
	for _, t := range tasks {
		for _, c := range t.Containers {
			names[c.Name] = true
		}
	}
	if name == "" || names[name] || len(names) == 0 {
		return nil
	}
	return fmt.Errorf("there is no container %q; there is %s", name, strings.Join(slices.Sorted(maps.Keys(names)), ", "))
}

// only leaves out the containers of other names.
func only(tasks []task, name string) []task {
	if name == "" {
		return tasks
	}
	out := slices.Clone(tasks)
	for i := range out {
		out[i].Containers = slices.DeleteFunc(slices.Clone(out[i].Containers), func(c container) bool { return c.Name != name })
	}
	return out
}

// printer gives what writes a line.
func (v *logsVerb) printer(s *Streams, named bool) func(line) error {
	return func(l line) error {
		if v.json() {
			return writeJSONLine(s.Out, l)
		}
		prefix := ""
		if v.Timestamps {
			prefix = paint(s.OutColor, dimmed, l.At.Local().Format("2006-01-02 15:04:05.000")) + "  "
		}
		if named {
			name := shortID(l.Task) + "/" + l.Container
			prefix += paint(s.OutColor, taskColor(l.Task), name) + "  "
		}
		_, err := io.WriteString(s.Out, prefix+l.Message+"\n")
		return err
	}
}

// taskColor gives each task one of six colours, the same every time.
func taskColor(id string) string {
	n := 0
	for _, c := range id {
		n += int(c)
	}
	return strconv.Itoa(31 + n%6)
}
