package docker

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// A position is the time of a line in nanoseconds since 2020, times 8, plus the line's number among those of the same nanosecond:
// an engine finds lines by their time and by nothing else. It fits until 2056.
const (
	positionEpoch = 1577836800 * int64(time.Second)
	perNano       = 8
)

const (
	// lookAhead is how many lines more than asked for are read to put them into order: the two streams of a container are written by
	// two goroutines of the engine, each with the time it took before it waited for the other.
	lookAhead = 64
	// maxFrame bounds a piece of a log; engines cut lines at 16 KiB. maxLine bounds what is put together of pieces.
	maxFrame = 1 << 20
	maxLine  = 256 << 10
)

var _ driver.LogFinder = (*Driver)(nil)

// line is one line with its place.
type line struct {
	nano int64
	log  driver.LogLine
}

// Logs reads a container's log from the engine, of all attempts one after the other.
func (d *Driver) Logs(ctx context.Context, task ecs.ID, name string, position int64, limit driver.LogLimit) ([]driver.LogLine, int64, error) {
	all, err := d.logged(ctx, task, name)
	if err != nil {
		return nil, 0, logError(task, name, err)
	}
	var lines []line
	w := window{limit: limit}
	for _, c := range all {
		if w.complete() {
			break
		}
		more, err := d.read(ctx, c, position, &w)
		if err != nil {
			return nil, 0, logError(task, name, err)
		}
		lines = append(lines, more...)
	}
	out, next := page(lines, position, w.bounded())
	return out, next, nil
}

// window counts the lines that are read: as many as are wanted, and those that it takes to put these into order.
type window struct {
	limit driver.LogLimit
	lines int
	bytes int // of lines that are not of the position's own nanosecond, for those may not be wanted
	due   int // how many lines there were when it was as much as is wanted; 0 before
}

// add counts a line.
func (w *window) add(l *line) {
	if w.lines++; w.lines > perNano {
		w.bytes += len(l.log.Text)
	}
	if w.due == 0 && w.limit.Reached(w.lines, w.bytes) {
		w.due = w.lines
	}
}

func (w *window) complete() bool { return w.due > 0 && w.lines >= w.due+lookAhead+perNano }

// bounded is the limit within which the lines read are in order.
func (w *window) bounded() driver.LogLimit {
	if w.due == 0 {
		return w.limit
	}
	return driver.LogLimit{Lines: min(w.limit.Lines, w.due), Bytes: w.limit.Bytes}
}

// logged gives the containers, one for each attempt, that wrote a log, oldest first.
func (d *Driver) logged(ctx context.Context, task ecs.ID, name string) ([]container.InspectResponse, error) {
	all, err := d.all(ctx, labelTask+"="+task.String(), labelContainer+"="+name)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(c container.InspectResponse) bool {
		return phaseOf(c.Name).name == unlogged || instant(c.State.StartedAt).IsZero()
	})
	slices.SortFunc(all, func(a, b container.InspectResponse) int { return instant(a.Created).Compare(instant(b.Created)) })
	return all, nil
}

func logError(task ecs.ID, name string, err error) error {
	return fmt.Errorf("logs of container %s of task %v: %w", name, task, err)
}

// disorder is by how much a line may be older than one before it.
const disorder = time.Second

// The times that positions can have, in milliseconds.
const (
	firstPosition = ecs.Time(positionEpoch / int64(time.Millisecond))
	lastPosition  = firstPosition + ecs.Time(math.MaxInt64/perNano/int64(time.Millisecond))
)

// FindLog needs not look: positions are times.
func (d *Driver) FindLog(_ context.Context, _ ecs.ID, _ string, at ecs.Time) (int64, error) {
	return positionOf(at), nil
}

// positionOf is the position before all lines of a time, and of a little earlier.
func positionOf(at ecs.Time) int64 {
	at = min(max(at, firstPosition.Add(disorder)), lastPosition).Add(-disorder)
	return max(int64(at-firstPosition)*int64(time.Millisecond)*perNano-1, 0)
}

// LastLog asks the engine for the last line of the newest container that wrote any.
func (d *Driver) LastLog(ctx context.Context, task ecs.ID, name string) (ecs.Time, error) {
	all, err := d.logged(ctx, task, name)
	if err != nil {
		return 0, logError(task, name, err)
	}
	for _, c := range slices.Backward(all) {
		lines, err := d.tail(ctx, c)
		if err != nil {
			return 0, logError(task, name, err)
		}
		if len(lines) > 0 {
			return lines[len(lines)-1].log.At, nil
		}
	}
	return 0, nil
}

// tail reads the last line of one container.
func (d *Driver) tail(ctx context.Context, c container.InspectResponse) ([]line, error) {
	ctx, cancel := context.WithTimeout(ctx, inspectFor)
	defer cancel()
	stream, err := d.engine.ContainerLogs(ctx, c.ID, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Timestamps: true, Tail: "1"})
	if errdefs.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	return parse(bufio.NewReader(stream), framing(c), nil)
}

// read reads the log of one container from the nanosecond of a position on.
func (d *Driver) read(ctx context.Context, c container.InspectResponse, position int64, w *window) ([]line, error) {
	ctx, cancel := context.WithTimeout(ctx, inspectFor) // and with that ends what is not read
	defer cancel()
	options := client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Timestamps: true}
	if position > 0 {
		nano := position/perNano + positionEpoch
		options.Since = fmt.Sprintf("%d.%09d", nano/int64(time.Second), nano%int64(time.Second))
	}
	stream, err := d.engine.ContainerLogs(ctx, c.ID, options)
	if errdefs.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	return parse(bufio.NewReader(stream), framing(c), w)
}

// page puts lines into order and gives those after a position.
func page(lines []line, position int64, limit driver.LogLimit) (out []driver.LogLine, next int64) {
	bytes := 0
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(a.nano, b.nano) })
	next = position
	same := int64(0)
	for i, l := range lines {
		if same++; i == 0 || lines[i-1].nano != l.nano {
			same = 0
		}
		at := (l.nano-positionEpoch)*perNano + min(same, perNano-1)
		if at <= position {
			continue
		}
		if limit.Reached(len(out), bytes) {
			break
		}
		out, next, bytes = append(out, l.log), at, bytes+len(l.log.Text)
	}
	return out, next
}

// framing gives how pieces of a container's log are told apart: a terminal has one stream, which engines give as it is (Engine API,
// ContainerLogs and ContainerAttach, Stream format).
func framing(c container.InspectResponse) func(*bufio.Reader) (stream byte, text string, err error) {
	if c.Config != nil && c.Config.Tty {
		return terminalLine
	}
	return frame
}

// parse reads an engine's log stream until a window is complete, or its end if w is nil: pieces of text that begin with a time and a
// space. One without a newline is a piece of a line whose rest follows.
func parse(r *bufio.Reader, frame func(*bufio.Reader) (stream byte, text string, err error), w *window) (lines []line, err error) {
	var parts [3]strings.Builder // by stream
	for w == nil || !w.complete() {
		stream, text, err := frame(r)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		stamp, text, ok := strings.Cut(text, " ")
		at, err := time.Parse(time.RFC3339Nano, stamp)
		if !ok || err != nil {
			return nil, fmt.Errorf("a line begins with %q and not with a time", stamp)
		}
		part := &parts[stream]
		text, whole := strings.CutSuffix(text, "\n")
		if room := maxLine - part.Len(); len(text) > room {
			text = text[:max(room, 0)]
		}
		part.WriteString(text)
		if !whole {
			continue
		}
		lines = append(lines, line{nano: at.UnixNano(), log: driver.LogLine{At: ecs.TimeOf(at), Stderr: stream == 2, Text: part.String()}})
		part.Reset()
		if w != nil {
			w.add(&lines[len(lines)-1])
		}
	}
	return lines, nil
}

// terminalLine reads one line, which a terminal ends with two characters. Of a long one the engine has pieces, and each begins with the
// time again. What is longer than a line may be is passed over.
func terminalLine(r *bufio.Reader) (stream byte, text string, err error) {
	var line []byte
	for more := true; more; {
		piece, err := r.ReadSlice('\n')
		if more = errors.Is(err, bufio.ErrBufferFull); err != nil && !more {
			if errors.Is(err, io.EOF) && len(line)+len(piece) > 0 {
				err = fmt.Errorf("a line is cut short: %w", io.ErrUnexpectedEOF)
			}
			return 0, "", err
		}
		if len(line) < maxFrame {
			line = append(line, piece...)
		}
	}
	text = strings.TrimRight(string(line), "\r\n")
	if stamp, rest, ok := strings.Cut(text, " "); ok {
		text = stamp + " " + strings.ReplaceAll(rest, stamp+" ", "")
	}
	return 1, text + "\n", nil
}

// frame reads one frame: a byte for the stream, three zeros, four for the length, and the text. io.EOF is the end of the stream
// between two.
func frame(r *bufio.Reader) (stream byte, text string, err error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, "", err
	}
	size := binary.BigEndian.Uint32(head[4:])
	if head[0] < 1 || head[0] > 2 || size > maxFrame {
		return 0, "", fmt.Errorf("not a log stream: a frame of stream %d with %d bytes", head[0], size)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return 0, "", fmt.Errorf("a frame is cut short: %w", io.ErrUnexpectedEOF)
	}
	return head[0], string(body), nil
}
