package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/api/logs"
	"ballast/internal/driver"
)

// cursor is how far the log of one container has been read.
type cursor struct {
	task task
	name string // of the container

	token *string
	lines []line // read and not yet shown
	begun bool
	more  bool // there may be more than lines
	over  bool // the task had stopped before the last look, which found nothing: nothing will come
}

func (c *cursor) key() string { return cursorKey(c.task, c.name) }

func cursorKey(t task, container string) string { return t.ID + "/" + container }

// logReader reads the logs of many containers side by side.
type logReader struct {
	client  *client
	from    *int64
	tail    *int // nil for everything
	cursors map[string]*cursor
	// done are the containers that are not read, or not any more: nothing more comes there, or there were too many.
	done map[string]bool
	// drivers are the log drivers of the containers of revisions, by their names.
	drivers map[string]map[string]*types.LogConfiguration
}

func newLogReader(c *client, from *int64, tail *int) *logReader {
	return &logReader{client: c, from: from, tail: tail, cursors: map[string]*cursor{}, done: map[string]bool{},
		drivers: map[string]map[string]*types.LogConfiguration{}}
}

// take notes the containers of tasks, those of the newest tasks first. It gives how many it leaves out for their number.
func (r *logReader) take(tasks []task) (left int) {
	slices.SortStableFunc(tasks, func(a, b task) int { return a.Since.Compare(b.Since) })
	listed := map[string]bool{}
	for _, t := range slices.Backward(tasks) {
		for _, c := range t.Containers {
			key := cursorKey(t, c.Name)
			listed[key] = true
			switch old := r.cursors[key]; {
			case old != nil:
				old.task = t
			case r.done[key]:
			case len(r.cursors) < maxStreams:
				r.cursors[key] = &cursor{task: t, name: c.Name}
			default:
				r.done[key] = true
				left++
			}
		}
	}
	maps.DeleteFunc(r.done, func(key string, _ bool) bool { return !listed[key] })
	return left
}

// read shows everything that has not been shown, in the order of time, as far as that can be told.
func (r *logReader) read(ctx context.Context, show func(line) error) error {
	var open []*cursor
	for _, key := range slices.Sorted(maps.Keys(r.cursors)) {
		r.cursors[key].more = true
		open = append(open, r.cursors[key])
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
		delete(r.cursors, c.key())
		r.done[c.key()] = true
	}
}

// fill reads on where nothing is left of what was read, as long as there is more.
func (r *logReader) fill(ctx context.Context, c *cursor) error {
	if len(c.lines) > 0 || !c.more {
		return nil
	}
	group, stream, err := r.place(ctx, c)
	if err != nil {
		return err
	}
	if stream == "" { // it has not been started
		c.more, c.over = false, c.task.stopped()
		return nil
	}
	in := cloudwatchlogs.GetLogEventsInput{LogGroupName: &group, LogStreamName: &stream, StartTime: r.from}
	if !c.begun && r.tail != nil {
		err = r.last(ctx, c, in, *r.tail)
	}
	for err == nil && len(c.lines) == 0 && c.more {
		err = r.next(ctx, c, in)
	}
	if isNotFound(err) { // forgotten since it was listed
		c.more, c.over = false, true
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the log of task %s: %w", c.task.shortID(), err)
	}
	c.begun = true
	return nil
}

// next reads one page.
func (r *logReader) next(ctx context.Context, c *cursor, in cloudwatchlogs.GetLogEventsInput) error {
	in.StartFromHead, in.NextToken = aws.Bool(true), c.token
	out, err := r.client.logs.GetLogEvents(ctx, &in)
	if err != nil {
		return err
	}
	c.lines = c.read(out)
	// The same token again says that the end has been reached (GetLogEvents, CloudWatch Logs API reference).
	c.more = aws.ToString(out.NextForwardToken) != aws.ToString(c.token)
	c.token = out.NextForwardToken
	c.over = !c.more && len(out.Events) == 0 && c.task.stopped()
	return nil
}

// last reads the last lines, page by page from the end, as many as are wanted.
func (r *logReader) last(ctx context.Context, c *cursor, in cloudwatchlogs.GetLogEventsInput, wanted int) error {
	var token *string
	for {
		in.NextToken, in.Limit = token, aws.Int32(int32(max(wanted-len(c.lines), 1)))
		out, err := r.client.logs.GetLogEvents(ctx, &in)
		if err != nil {
			return err
		}
		if token == nil {
			c.token = out.NextForwardToken
		}
		lines := c.read(out)
		if wanted == 0 { // the place was wanted, not the line
			return nil
		}
		c.lines = append(lines, c.lines...)
		if len(lines) == 0 || len(c.lines) >= wanted {
			return nil
		}
		token = out.NextBackwardToken
	}
}

func (c *cursor) read(out *cloudwatchlogs.GetLogEventsOutput) []line {
	lines := make([]line, len(out.Events))
	for i, e := range out.Events {
		lines[i] = line{time.UnixMilli(aws.ToInt64(e.Timestamp)).UTC(), c.task.ID, c.name, aws.ToString(e.Message)}
	}
	return lines
}

// place gives the log group and the stream of a container; the stream is "" as long as there is none.
func (r *logReader) place(ctx context.Context, c *cursor) (group, stream string, err error) {
	drivers, known := r.drivers[c.task.Revision]
	if !known {
		if drivers, err = r.client.logDrivers(ctx, c.task.Revision); err != nil {
			return "", "", err
		}
		r.drivers[c.task.Revision] = drivers
	}
	group, stream = logPlace(c.task, c.name, r.client.cluster, drivers[c.name])
	return group, stream, nil
}

// logPlace gives where the lines of a container with such a log configuration are: see package logs.
func logPlace(t task, container, cluster string, as *types.LogConfiguration) (group, stream string) {
	prefix := cmp.Or(t.Service, t.family())
	group = logs.GroupPrefix + cluster
	if as != nil && as.LogDriver == types.LogDriverAwslogs && as.Options["awslogs-group"] != "" {
		group, prefix = as.Options["awslogs-group"], as.Options["awslogs-stream-prefix"]
	}
	if prefix == "" {
		for _, c := range t.Containers {
			if c.Name == container {
				return group, driver.ContainerID(t.ID, container, c.runtimeID)
			}
		}
	}
	return group, prefix + "/" + container + "/" + t.ID
}

// logDrivers gives the log drivers of the containers of a revision.
func (c *client) logDrivers(ctx context.Context, revision string) (map[string]*types.LogConfiguration, error) {
	out, err := c.ecs.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &revision})
	if err != nil {
		return nil, fmt.Errorf("describe task definition %s: %w", revision, err)
	}
	drivers := map[string]*types.LogConfiguration{}
	for _, d := range out.TaskDefinition.ContainerDefinitions {
		drivers[aws.ToString(d.Name)] = d.LogConfiguration
	}
	return drivers, nil
}

// family is that of the task's revision.
func (t task) family() string {
	family, _, _ := strings.Cut(t.Revision, ":")
	return family
}
