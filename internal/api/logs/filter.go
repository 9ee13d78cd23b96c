package logs

import (
	"context"
	"encoding/hex"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"time"

	awslogs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"ballast/internal/control/root"
	"ballast/internal/driver"
)

// maxMerged is how many streams are merged at a time, the most that a request can name (API_FilterLogEvents); of more than
// that, one batch after the other is searched, in the order of their names.
const maxMerged = 100

// mergeChunk is how much of each stream is held while merging: of all of them 6 MiB, and a line of each more.
var mergeChunk = driver.LogLimit{Lines: 200, Bytes: 64 << 10}

// filterLogEvents shows events of many streams of a cluster, interleaved by time.
func (a *api) filterLogEvents(ctx context.Context, in *awslogs.FilterLogEventsInput) (*awslogs.FilterLogEventsOutput, error) {
	limit, err := limitOf(in.Limit, maxEvents)
	if err != nil {
		return nil, err
	}
	state := a.State.Root()
	g, err := a.group(state, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	words, err := parsePattern(value(in.FilterPattern))
	if err != nil {
		return nil, err
	}
	streams, err := selected(state, g, in)
	if err != nil {
		return nil, err
	}
	c, err := parseCursor(in.NextToken)
	if err != nil {
		return nil, err
	}
	streams, more := c.batch(streams)
	m := merger{pattern: words, when: span{in.StartTime, exclusive(in.EndTime)}}
	for _, s := range streams {
		from := &cursorOf{reader: reader{a.Source, s}}
		var known bool
		if from.place, known = c.places[key(s.name)]; !known {
			if from.position, err = from.start(ctx, m.when); err != nil {
				return nil, err
			}
		}
		m.sources = append(m.sources, from)
	}
	out := &awslogs.FilterLogEventsOutput{Events: []types.FilteredLogEvent{}, SearchedLogStreams: []types.SearchedLogStream{}}
	if out.Events, err = m.take(ctx, limit); err != nil {
		return nil, err
	}
	switch {
	case !m.done():
		out.NextToken = m.cursor(c.after).text()
	case more:
		out.NextToken = cursor{after: streams[len(streams)-1].name}.text()
	}
	return out, nil
}

// exclusive turns the last moment asked for into the first one not asked for: unlike GetLogEvents, FilterLogEvents includes
// endTime.
func exclusive(last *int64) *int64 {
	if last == nil || *last == math.MaxInt64 {
		return nil
	}
	return new(*last + 1)
}

// selected gives the streams that a request searches, by name.
func selected(state *root.Root, g group, in *awslogs.FilterLogEventsInput) ([]stream, error) {
	switch {
	case in.StartFromHead != nil && !*in.StartFromHead:
		return nil, invalid("startFromHead false is not supported by this version of Ballast yet; remove it. See docs/compatibility.md.")
	case len(in.LogStreamNames) > 0 && in.LogStreamNamePrefix != nil:
		return nil, invalid("You cannot specify both logStreamNames and logStreamNamePrefix.")
	case len(in.LogStreamNames) > maxMerged:
		return nil, invalid("1 validation error detected: Value at 'logStreamNames' failed to satisfy constraint: "+
			"Member must have length less than or equal to %d", maxMerged)
	case len(in.LogStreamNames) == 0:
		return slices.DeleteFunc(g.list(state, value(in.LogStreamNamePrefix)), span{in.StartTime, exclusive(in.EndTime)}.misses), nil
	}
	names := slices.Clone(in.LogStreamNames)
	slices.Sort(names)
	var out []stream
	for _, name := range slices.Compact(names) {
		s, err := g.find(state, name)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// misses says whether a task can have written nothing at the time asked for: it had ended before, or has begun later.
func (w span) misses(s stream) bool {
	ended := s.task.Stopped() && s.task.StoppedAt != 0 && w.from != nil && int64(s.task.StoppedAt.Add(leeway)) < *w.from
	return ended || w.to != nil && int64(s.task.CreatedAt.Add(-leeway)) >= *w.to
}

// leeway is for lines written down after the end of a task, and for clocks that differ.
const leeway = time.Minute

// merger gives the events of several streams in the order of their times; at one time, in the order of the streams.
type merger struct {
	pattern pattern
	when    span
	sources []*cursorOf
	scanned int
}

// cursorOf walks through one stream.
type cursorOf struct {
	reader
	place
	buffer []driver.LogLine
	from   int64 // the position before buffer
	used   int   // of buffer
	over   bool
}

// place is how far a stream has been read: the position, the time of the line before it, and how many lines in a row had that
// time. The last two keep the ids of events the same however a stream is cut into pages.
type place struct {
	position int64
	at       int64
	same     uint64
}

// take gives the next events, at most limit and at most what fits into an answer.
func (m *merger) take(ctx context.Context, limit int) ([]types.FilteredLogEvent, error) {
	out, bytes := []types.FilteredLogEvent{}, 0
	for len(out) < limit && m.scanned < maxScanned {
		next, err := m.earliest(ctx)
		if err != nil {
			return nil, err
		}
		if next == nil {
			return out, nil
		}
		line := &next.buffer[next.used]
		wanted := m.when.holds(line.At) && m.pattern.matches(line.Text)
		if wanted {
			if bytes += len(line.Text) + eventOverhead; bytes > maxBytes && len(out) > 0 {
				break
			}
		}
		next.pass(line)
		m.scanned++
		if wanted {
			out = append(out, next.event(line))
		}
	}
	return out, m.settle(ctx)
}

// earliest gives the stream whose next line is the oldest; nil when all are over.
func (m *merger) earliest(ctx context.Context) (*cursorOf, error) {
	var best *cursorOf
	for _, c := range m.sources {
		if err := c.fill(ctx); err != nil {
			return nil, err
		}
		if !c.over && (best == nil || c.buffer[c.used].At < best.buffer[best.used].At) {
			best = c
		}
	}
	return best, nil
}

// fill makes sure that a line is at hand.
func (c *cursorOf) fill(ctx context.Context) error {
	if c.over || c.used < len(c.buffer) {
		return nil
	}
	lines, next, err := c.read(ctx, c.position, mergeChunk)
	if err != nil {
		return err
	}
	c.buffer, c.from, c.used, c.position = lines, c.position, 0, next
	c.over = len(lines) == 0
	return nil
}

func (c *cursorOf) pass(line *driver.LogLine) {
	if int64(line.At) != c.at {
		c.at, c.same = int64(line.At), 0
	}
	c.same++
	c.used++
}

// event shows the line just passed. Its id is the same whenever the event is shown: its time, its stream and text, and which
// one of equal lines it is.
func (c *cursorOf) event(line *driver.LogLine) types.FilteredLogEvent {
	h := fnv.New64a()
	h.Write([]byte(c.stream.name))
	h.Write([]byte{0})
	h.Write([]byte(line.Text))
	at := int64(line.At)
	id := strconv.FormatInt(at, 10) + hex.EncodeToString(h.Sum(nil)) + strconv.FormatUint(c.same, 10)
	return types.FilteredLogEvent{EventId: &id, LogStreamName: &c.stream.name, Timestamp: &at, IngestionTime: &at, Message: &line.Text}
}

// settle turns positions after what was read into positions after what was taken.
func (m *merger) settle(ctx context.Context) error {
	for _, c := range m.sources {
		if c.used < len(c.buffer) {
			var err error
			if c.position, err = c.after(ctx, c.from, c.used); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *merger) done() bool {
	for _, c := range m.sources {
		if !c.over {
			return false
		}
	}
	return true
}
