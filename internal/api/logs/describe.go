package logs

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	awslogs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"golang.org/x/sync/errgroup"
)

const (
	// maxStreams is the most streams that DescribeLogStreams shows at a time, and how many it shows unless told (API reference).
	maxStreams = 50
	// maxTimed bounds the streams whose last event is looked up to put them into its order: each costs a read, or a question to an
	// engine. Of more, those that ended earliest are taken to have had it at their end.
	maxTimed = 500
	// timedAtOnce is how many are looked up at a time.
	timedAtOnce = 8
)

// describeLogStreams shows the streams of a group, by name or by their last event.
func (a *api) describeLogStreams(ctx context.Context, in *awslogs.DescribeLogStreamsInput) (*awslogs.DescribeLogStreamsOutput, error) {
	limit, err := limitOf(in.Limit, maxStreams)
	if err != nil {
		return nil, err
	}
	byTime := in.OrderBy == types.OrderByLastEventTime
	switch {
	case byTime && in.LogStreamNamePrefix != nil:
		return nil, invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	case !byTime && in.OrderBy != "" && in.OrderBy != types.OrderByLogStreamName:
		return nil, invalid("1 validation error detected: Value '%s' at 'orderBy' failed to satisfy constraint: "+
			"Member must satisfy enum value set: [LogStreamName, LastEventTime]", in.OrderBy)
	}
	state := a.State.Root()
	g, err := a.group(state, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	after, err := parsePlace(in.NextToken)
	if err != nil {
		return nil, err
	}
	streams := timeless(g.list(state, value(in.LogStreamNamePrefix)))
	if byTime {
		if err := a.time(ctx, recent(streams)); err != nil {
			return nil, err
		}
	}
	streams, more := pageOf(streams, after, limit, byTime, value(in.Descending))
	if !byTime {
		if err := a.time(ctx, streams); err != nil {
			return nil, err
		}
	}
	out := &awslogs.DescribeLogStreamsOutput{LogStreams: make([]types.LogStream, len(streams))}
	for i := range streams {
		out.LogStreams[i] = a.show(g, &streams[i])
	}
	if more {
		out.NextToken = streams[limit-1].place(byTime).text()
	}
	return out, nil
}

// timed is a stream with the time of its last event, 0 for none; key is what stands for it in the order of time.
type timed struct {
	stream
	last, key int64
}

func timeless(streams []stream) []timed {
	out := make([]timed, len(streams))
	for i, s := range streams {
		out[i] = timed{stream: s, key: int64(s.task.StoppedAt)}
	}
	return out
}

// recent puts the streams whose last event is to be looked up first and gives them: those that run or ended last.
func recent(streams []timed) []timed {
	slices.SortFunc(streams, func(a, b timed) int {
		if aRuns, bRuns := !a.task.Stopped(), !b.task.Stopped(); aRuns != bRuns {
			return map[bool]int{true: -1, false: 1}[aRuns]
		}
		return cmp.Or(-cmp.Compare(a.key, b.key), cmp.Compare(a.name, b.name))
	})
	return streams[:min(len(streams), maxTimed)]
}

// time looks up the last events of streams.
func (a *api) time(ctx context.Context, streams []timed) error {
	asking, ctx := errgroup.WithContext(ctx)
	asking.SetLimit(timedAtOnce)
	for i := range streams {
		s := &streams[i]
		asking.Go(func() error {
			at, err := a.Source.LastLog(ctx, s.task.ID, s.container)
			if err != nil {
				return fmt.Errorf("read the end of log stream %s: %w", s.name, err)
			}
			s.last, s.key = int64(at), int64(at)
			return nil
		})
	}
	return asking.Wait()
}

// pageOf puts streams in order and gives those that follow a place, and whether there are more.
func pageOf(streams []timed, after *streamPlace, limit int, byTime, descending bool) (page []timed, more bool) {
	order := func(a, b timed) int { return a.place(byTime).compare(b.place(byTime)) }
	if descending {
		ascending := order
		order = func(a, b timed) int { return ascending(b, a) }
	}
	slices.SortFunc(streams, order)
	if after != nil {
		streams = slices.DeleteFunc(streams, func(s timed) bool {
			passed := s.place(byTime).compare(*after)
			return passed <= 0 && !descending || passed >= 0 && descending
		})
	}
	if len(streams) > limit {
		return streams[:limit], true
	}
	return streams, false
}

// streamPlace is where a listing stands: after a stream, whose time is 0 where that does not count.
type streamPlace struct {
	time int64
	name string
}

func (s *timed) place(byTime bool) streamPlace {
	if !byTime {
		return streamPlace{name: s.name}
	}
	return streamPlace{s.key, s.name}
}

func (p streamPlace) compare(q streamPlace) int {
	return cmp.Or(cmp.Compare(p.time, q.time), cmp.Compare(p.name, q.name))
}

// text gives the opaque form.
func (p streamPlace) text() *string {
	return new(base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.time, 36) + "/" + p.name)))
}

func parsePlace(given *string) (*streamPlace, error) {
	if given == nil {
		return nil, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(*given)
	number, name, whole := strings.Cut(string(text), "/")
	time, numberErr := strconv.ParseInt(number, 36, 64)
	if err != nil || !whole || numberErr != nil {
		return nil, invalid("The specified nextToken is invalid.")
	}
	return &streamPlace{time, name}, nil
}

// show gives a stream. Sizes are always 0, as CloudWatch has had it since 2019; the time of the first event is left out, since
// telling it would mean to read the stream.
func (a *api) show(g group, s *timed) types.LogStream {
	//lint:ignore SA1019 deprecated, and still part of every answer of CloudWatch Logs
	shown := types.LogStream{StoredBytes: new(int64(0))}
	shown.Arn, shown.LogStreamName = new(a.groupARN(g.name)+":log-stream:"+s.name), &s.name
	shown.CreationTime = new(int64(s.task.CreatedAt))
	if s.last != 0 {
		shown.LastEventTimestamp, shown.LastIngestionTime = &s.last, &s.last
	}
	return shown
}
