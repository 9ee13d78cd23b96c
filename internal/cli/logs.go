package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"ballast/internal/api/logs"
)

// logsVerb shows what containers wrote.
type logsVerb struct {
	endpointOptions `embed:""`
	outputOptions   `embed:""`

	What       string `arg:"" name:"service|task" help:"A service, or a task by its id or how that begins."`
	Follow     bool   `short:"f" help:"Go on showing lines as they are written, until Ctrl-C or until the task has stopped."`
	Since      since  `placeholder:"10m" help:"Only lines after this: a time, as 2026-11-21T09:00:00Z, or so long ago, as 10m."`
	Timestamps bool   `short:"t" help:"Show when each line was written."`
}

// Help is shown with the flags.
func (logsVerb) Help() string {
	return `Examples:

    ballast logs web            what all tasks of service web wrote, stopped ones included
    ballast logs web -f --since 1m
    ballast logs 3f2a -t        one task, with times

Logs are kept as long as a task is shown ("ballast ps -a"), an hour after its end. Of a service, the newest 200 containers are read.
Programs read the same through CloudWatch Logs: group "/ballast/CLUSTER", stream "SERVICE/CONTAINER/TASK".

With -o json: one object per line: {"at", "task", "container", "message"}.

Exit codes: 0 done, 1 failed, 2 usage, 3 no Ballast answers, 130 interrupted.`
}

// since is a moment, given as such or as the time that has passed since then.
type since struct {
	at    time.Time
	since time.Duration
}

// UnmarshalText reads either form.
func (s *since) UnmarshalText(text []byte) error {
	if d, err := time.ParseDuration(string(text)); err == nil && d >= 0 {
		s.since = d
		return nil
	}
	at, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return fmt.Errorf(`%q is neither a time such as 2026-11-21T09:00:00Z nor how long ago, such as 10m`, text)
	}
	s.at = at
	return nil
}

// millis gives the moment as the API takes it, nil for none.
func (s since) millis(now time.Time) *int64 {
	switch {
	case s.since > 0:
		return aws.Int64(now.Add(-s.since).UnixMilli())
	case !s.at.IsZero():
		return aws.Int64(s.at.UnixMilli())
	}
	return nil
}

const (
	// maxStreams bounds how many containers are read, since each costs a request per look.
	maxStreams = 200
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

// cursor is how far the log of one container has been read.
type cursor struct {
	stream string
	task   task
	name   string // of the container

	token *string
	lines []line // read and not yet shown
	more  bool   // there may be more than lines
	over  bool   // the task had stopped before the last look, which found nothing: nothing will come
}

// Run reads what there is and, if told to, looks for more.
func (v *logsVerb) Run(ctx context.Context, s *Streams) error {
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
	reader := logReader{client: c, from: v.Since.millis(s.Now()), cursors: map[string]*cursor{}, done: map[string]bool{}}
	show := v.printer(s, service != "" || len(one.Containers) > 1)
	for {
		tasks := []task{one}
		if service != "" {
			tasks, err = c.tasks(ctx, service, true)
		} else if v.Follow {
			tasks, err = c.describe(ctx, []string{one.ARN})
		}
		if err != nil {
			return err
		}
		if left := reader.take(tasks); left > 0 {
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

// logReader reads the logs of many containers side by side.
type logReader struct {
	client  *client
	from    *int64
	cursors map[string]*cursor
	// done are the streams that are not read, or not any more: nothing more comes there, or there were too many.
	done map[string]bool
}

// take notes the containers of tasks, those of the newest tasks first. It gives how many it leaves out for their number.
func (r *logReader) take(tasks []task) (left int) {
	slices.SortStableFunc(tasks, func(a, b task) int { return a.Since.Compare(b.Since) })
	listed := map[string]bool{}
	for _, t := range slices.Backward(tasks) {
		for _, c := range t.Containers {
			name := streamName(t, c.Name)
			listed[name] = true
			switch old := r.cursors[name]; {
			case old != nil:
				old.task = t
			case r.done[name]:
			case len(r.cursors) < maxStreams:
				r.cursors[name] = &cursor{stream: name, task: t, name: c.Name}
			default:
				r.done[name] = true
				left++
			}
		}
	}
	maps.DeleteFunc(r.done, func(name string, _ bool) bool { return !listed[name] })
	return left
}

// streamName is that of a container in CloudWatch Logs.
func streamName(t task, container string) string {
	return cmp.Or(t.Service, t.family()) + "/" + container + "/" + t.ID
}

// read shows everything that has not been shown, in the order of time, as far as that can be told.
func (r *logReader) read(ctx context.Context, show func(line) error) error {
	var open []*cursor
	for _, name := range slices.Sorted(maps.Keys(r.cursors)) {
		r.cursors[name].more = true
		open = append(open, r.cursors[name])
	}
	for len(open) > 0 {
		next := -1
		for i := 0; i < len(open); i++ {
			if err := r.fill(ctx, open[i]); err != nil {
				return err
			}
			if len(open[i].lines) == 0 {
				r.close(open[i])
				open = slices.Delete(open, i, i+1)
				i--
			} else if next < 0 || open[i].lines[0].At.Before(open[next].lines[0].At) {
				next = i
			}
		}
		if next < 0 {
			return nil
		}
		if err := show(open[next].lines[0]); err != nil {
			return err
		}
		open[next].lines = open[next].lines[1:]
	}
	return nil
}

// close forgets a container of which all has been shown that it will ever write.
func (r *logReader) close(c *cursor) {
	if c.over {
		delete(r.cursors, c.stream)
		r.done[c.stream] = true
	}
}

// fill reads on where nothing is left of what was read, as long as there is more.
func (r *logReader) fill(ctx context.Context, c *cursor) error {
	for len(c.lines) == 0 && c.more {
		out, err := r.client.logs.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{
			LogGroupName: aws.String(logs.GroupPrefix + r.client.cluster), LogStreamName: &c.stream,
			StartFromHead: aws.Bool(true), StartTime: r.from, NextToken: c.token,
		})
		if err != nil {
			if isNotFound(err) { // forgotten since it was listed
				c.more, c.over = false, true
				return nil
			}
			return fmt.Errorf("read the log of task %s: %w", c.task.shortID(), err)
		}
		for _, e := range out.Events {
			c.lines = append(c.lines, line{time.UnixMilli(aws.ToInt64(e.Timestamp)).UTC(), c.task.ID, c.name, aws.ToString(e.Message)})
		}
		// The same token again says that the end has been reached (GetLogEvents, CloudWatch Logs API reference).
		c.more = aws.ToString(out.NextForwardToken) != aws.ToString(c.token)
		c.token = out.NextForwardToken
		c.over = !c.more && len(out.Events) == 0 && c.task.stopped()
	}
	return nil
}

// family is that of the task's revision.
func (t task) family() string {
	family, _, _ := strings.Cut(t.Revision, ":")
	return family
}
