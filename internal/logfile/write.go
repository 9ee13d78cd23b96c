package logfile

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"ballast/internal/ecs"
)

// retryAfter is how long a writer that failed waits before it tries the disk again, so that a container that writes much to a
// full disk costs little.
const retryAfter = time.Second

// Writer appends to the logs of one container. Its methods may be called side by side.
type Writer struct {
	dir    string
	name   string
	limits Limits

	mu      sync.Mutex
	f       *os.File // nil until something is written, and after a failure
	start   int64    // position of the first byte of f
	size    int64    // bytes in f
	lost    int64    // lines dropped since the last successful write
	retryAt ecs.Time
}

// NewWriter makes a writer for a log. Nothing is created before the first line; a writer that follows another one goes on
// where that one ended.
func NewWriter(dir, name string, limits Limits) *Writer {
	return &Writer{dir: dir, name: name, limits: limits}
}

// Close closes the file. A later append opens it again.
func (w *Writer) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.close()
}

func (w *Writer) close() {
	if w.f != nil {
		w.f.Close() // nothing is buffered: every append has been written or counted as dropped
		w.f = nil
	}
}

// append writes rendered records, lines of them, into as many segments as they need. What cannot be written is dropped.
func (w *Writer) append(at ecs.Time, records []byte, lines int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lost > 0 && at < w.retryAt && at >= w.retryAt.Add(-retryAfter) {
		w.drop(lines)
		return
	}
	err := w.open()
	if err == nil && w.lost > 0 {
		note := fmt.Sprintf("ballast: %d lines of this log were lost because they could not be written", w.lost)
		if err = w.write(appendRecord(nil, at, true, []byte(note))); err == nil {
			w.lost = 0
		}
	}
	for err == nil && len(records) > 0 {
		fits := whole(records, w.limits.SegmentBytes-w.size)
		if err = w.write(records[:fits]); err == nil {
			if records = records[fits:]; len(records) > 0 {
				err = w.open()
			}
		}
	}
	if err != nil {
		w.close()
		w.retryAt = at.Add(retryAfter)
		w.drop(int64(bytes.Count(records, []byte{'\n'})))
	}
}

// whole says how many bytes of records fit into so much room, only whole ones, and one at least.
func whole(records []byte, room int64) int {
	if int64(len(records)) <= room {
		return len(records)
	}
	if last := bytes.LastIndexByte(records[:max(room, 0)], '\n'); last >= 0 {
		return last + 1
	}
	return bytes.IndexByte(records, '\n') + 1
}

func (w *Writer) drop(lines int64) {
	w.lost += lines
}

// write appends bytes to the open segment, all or none as far as the disk permits.
func (w *Writer) write(b []byte) error {
	n, err := w.f.Write(b)
	if err == nil {
		w.size += int64(n)
		return nil
	}
	// A part of a record would be read as garbage; if it cannot be cut off, the next open ends the line.
	if n > 0 && w.f.Truncate(w.size) != nil {
		w.size += int64(n)
	}
	return err
}

// open makes sure that a segment is open that has room.
func (w *Writer) open() error {
	if w.f != nil && w.size < w.limits.SegmentBytes {
		return nil
	}
	if w.f != nil {
		end := w.start + w.size
		w.close()
		return w.create(end)
	}
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return err
	}
	all, err := segments(w.dir, w.name)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return w.create(0)
	}
	return w.resume(all[len(all)-1])
}

// create begins a segment and deletes what is too old.
func (w *Writer) create(start int64) error {
	f, err := os.OpenFile(filepath.Join(w.dir, segmentName(w.name, start)), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	w.f, w.start, w.size = f, start, 0
	all, err := segments(w.dir, w.name)
	if err != nil {
		return err
	}
	for len(all) > max(w.limits.Segments, 1) {
		if err := os.Remove(all[0].path); err != nil {
			return err
		}
		all = all[1:]
	}
	return nil
}

// resume goes on in the newest segment.
func (w *Writer) resume(last segment) error {
	f, err := os.OpenFile(last.path, os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		f.Close()
		return err
	}
	w.f, w.start, w.size = f, last.start, size
	if size > 0 {
		var end [1]byte
		if _, err := f.ReadAt(end[:], size-1); err != nil {
			return err
		}
		if end[0] != '\n' { // a writer died amid a record
			if err := w.write([]byte{'\n'}); err != nil {
				return err
			}
		}
	}
	if w.size >= w.limits.SegmentBytes {
		return w.open()
	}
	return nil
}

// Stream splits what comes from one pipe of a container into lines. It is used by one goroutine.
type Stream struct {
	w      *Writer
	stderr bool
	part   []byte // the beginning of a line whose end has not come yet, at most MaxText
}

// Stream gives a splitter for standard output or standard error.
func (w *Writer) Stream(stderr bool) *Stream { return &Stream{w: w, stderr: stderr} }

// Write takes bytes that came at a time: whole lines are appended, the rest waits. It cannot fail: what cannot be written is dropped and
// counted.
func (s *Stream) Write(at ecs.Time, p []byte) {
	if len(p) == 0 {
		return
	}
	records, lines := make([]byte, 0, len(s.part)+len(p)+4*maxHead), int64(0)
	emit := func(text []byte) {
		for len(text) > MaxText {
			records = appendRecord(records, at, s.stderr, text[:MaxText])
			text, lines = text[MaxText:], lines+1
		}
		records = appendRecord(records, at, s.stderr, text)
		lines++
	}
	for {
		line, rest, found := bytes.Cut(p, []byte{'\n'})
		if !found {
			break
		}
		if len(s.part) > 0 {
			line = append(s.part, line...)
			s.part = nil
		}
		emit(line)
		p = rest
	}
	s.part = append(s.part, p...)
	for len(s.part) > MaxText {
		emit(s.part[:MaxText:MaxText])
		s.part = append([]byte(nil), s.part[MaxText:]...)
	}
	if lines > 0 {
		s.w.append(at, records, lines)
	}
}

// Flush appends a last line that had no line break.
func (s *Stream) Flush(at ecs.Time) {
	if len(s.part) > 0 {
		s.Write(at, []byte{'\n'})
	}
}
