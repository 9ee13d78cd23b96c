package logs

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// What one answer may hold (CloudWatch Logs API reference, GetLogEvents: "as many log events as can fit in a response size of
// 1 MB (up to 10,000 log events)"; quotas: each event counts 26 bytes more than its message).
const (
	maxEvents     = 10_000
	maxBytes      = 1 << 20
	eventOverhead = 26
)

const (
	// chunk is how many lines are asked of the source at a time, and chunkBytes after how much text it may stop.
	chunk      = 1000
	chunkBytes = maxBytes
	// maxScanned is after how many lines a request that finds nothing gives up and answers with a token to go on from.
	maxScanned = 200_000
)

// page is some events of a stream, in the order written, and the positions before the first and after the last of them.
type page struct {
	lines       []driver.LogLine
	before, end int64
}

// span is the time asked for: from the first moment up to, and not including, the last; nil is open.
type span struct{ from, to *int64 }

func (s span) holds(at ecs.Time) bool {
	return (s.from == nil || int64(at) >= *s.from) && (s.to == nil || int64(at) < *s.to)
}

// reader reads one stream.
type reader struct {
	source Source
	stream stream
}

func (r reader) read(ctx context.Context, position int64, limit driver.LogLimit) ([]driver.LogLine, int64, error) {
	if err := ctx.Err(); err != nil { // a source of files does not look, and there may be much of them
		return nil, 0, fmt.Errorf("read log stream %s: %w", r.stream.name, err)
	}
	lines, next, err := r.source.Logs(ctx, r.stream.task.ID, r.stream.container, position, limit)
	if err != nil {
		return nil, 0, fmt.Errorf("read log stream %s: %w", r.stream.name, err)
	}
	if len(lines) == 0 {
		next = position
	}
	return lines, next, nil
}

// start gives the position from which on the lines of a time are to be read.
func (r reader) start(ctx context.Context, when span) (int64, error) {
	if when.from == nil || *when.from <= 0 {
		return 0, nil
	}
	position, err := r.source.FindLog(ctx, r.stream.task.ID, r.stream.container, ecs.Time(*when.from))
	if err != nil {
		return 0, fmt.Errorf("search log stream %s: %w", r.stream.name, err)
	}
	return position, nil
}

// after gives the position after n lines.
func (r reader) after(ctx context.Context, position int64, n int) (int64, error) {
	if n == 0 {
		return position, nil
	}
	_, next, err := r.read(ctx, position, driver.LogLimit{Lines: n})
	return next, err
}

// forward gives the first events after a position.
func (r reader) forward(ctx context.Context, position int64, limit int, when span) (page, error) {
	p := page{before: position, end: position}
	bytes, scanned := 0, 0
	for len(p.lines) < limit && scanned < maxScanned {
		lines, next, err := r.read(ctx, p.end, driver.LogLimit{Lines: min(chunk, limit-len(p.lines)), Bytes: chunkBytes})
		if err != nil {
			return page{}, err
		}
		if len(lines) == 0 {
			return p, nil
		}
		for i, l := range lines {
			if !when.holds(l.At) {
				continue
			}
			if bytes += len(l.Text) + eventOverhead; bytes > maxBytes && len(p.lines) > 0 {
				p.end, err = r.after(ctx, p.end, i)
				return p, err
			}
			p.lines = append(p.lines, l)
		}
		p.end = next
		scanned += len(lines)
	}
	return p, nil
}

// toEnd as a position stands for the newest line.
const toEnd = -1

// backward gives the last events before a position. Sources read forward only, so it reads everything up to there; how much
// that is, rotation bounds.
func (r reader) backward(ctx context.Context, position int64, limit int, when span) (page, error) {
	found := tail{limit: limit}
	at := int64(0)
	for position == toEnd || at < position {
		lines, next, err := r.read(ctx, at, driver.LogLimit{Lines: chunk, Bytes: chunkBytes})
		if err != nil {
			return page{}, err
		}
		if len(lines) == 0 {
			break
		}
		if position != toEnd && next > position {
			if lines, err = r.upTo(ctx, at, lines, position); err != nil {
				return page{}, err
			}
			next = position
		}
		for i, l := range lines {
			if when.holds(l.At) {
				found.add(located{l, at, i})
			}
		}
		at = next
	}
	if position == toEnd {
		position = at
	}
	return found.page(ctx, r, position)
}

// upTo gives those of the lines after one position that stand before another.
func (r reader) upTo(ctx context.Context, from int64, lines []driver.LogLine, to int64) ([]driver.LogLine, error) {
	var failed error
	fit := sort.Search(len(lines), func(n int) bool {
		next, err := r.after(ctx, from, n+1)
		if err != nil {
			failed = err
		}
		return next > to
	})
	return lines[:fit], failed
}

// located is a line and where it stands: index lines after a position.
type located struct {
	driver.LogLine
	position int64
	index    int
}

// tail keeps the newest lines of those it is given: those that fit into an answer and, so that dropping the oldest is cheap, about as
// many more.
type tail struct {
	limit int
	lines []located
	bytes int // that the lines have in an answer
}

func (l *located) bytes() int { return len(l.Text) + eventOverhead }

func (t *tail) add(l located) {
	t.lines, t.bytes = append(t.lines, l), t.bytes+l.bytes()
	if len(t.lines) > 2*t.limit || t.bytes > 2*maxBytes {
		t.trim()
	}
}

// trim drops what does not fit into an answer. The newest line always does.
func (t *tail) trim() {
	first, bytes := len(t.lines), 0
	for first > 0 && len(t.lines)-first < t.limit {
		size := t.lines[first-1].bytes()
		if bytes+size > maxBytes && bytes > 0 {
			break
		}
		bytes += size
		first--
	}
	t.lines, t.bytes = slices.Delete(t.lines, 0, first), bytes
}

// page gives the lines that fit into an answer; end is the position after them.
func (t *tail) page(ctx context.Context, r reader, end int64) (page, error) {
	t.trim()
	p := page{before: 0, end: end}
	if len(t.lines) == 0 {
		return p, nil
	}
	var err error
	if p.before, err = r.after(ctx, t.lines[0].position, t.lines[0].index); err != nil {
		return page{}, err
	}
	for _, l := range t.lines {
		p.lines = append(p.lines, l.LogLine)
	}
	return p, nil
}
