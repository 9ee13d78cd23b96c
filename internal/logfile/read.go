package logfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
)

// Read gives the lines of a log that follow position, at most limit and none after that with which their texts have a number of
// bytes (0 for any number), and the position after the last of them. Position 0 and positions that have been rotated away mean the
// oldest line kept; a position behind the end gives nothing and the end. A line that is still being written is not given.
func Read(dir, name string, position int64, limit, bytes int) (lines []Line, next int64, err error) {
	all, err := segments(dir, name)
	if err != nil || len(all) == 0 {
		return nil, 0, err
	}
	first := 0
	for i, s := range all {
		if s.start <= position {
			first = i
		}
	}
	if bytes <= 0 {
		bytes = math.MaxInt
	}
	wanted := want{lines: limit, bytes: bytes}
	next = max(position, all[first].start)
	for i, s := range all[first:] {
		if wanted.nothing() {
			break
		}
		if i > 0 {
			next = s.start
		}
		lines, next, err = s.read(lines, next, &wanted)
		if errors.Is(err, fs.ErrNotExist) {
			continue // rotated away since it was listed
		}
		if err != nil {
			return nil, 0, err
		}
	}
	return lines, next, nil
}

// want is how much more is to be read.
type want struct{ lines, bytes int }

func (w *want) nothing() bool { return w.lines <= 0 || w.bytes <= 0 }

// read appends the lines of one segment that follow position, as long as some are wanted.
func (s segment) read(lines []Line, position int64, wanted *want) ([]Line, int64, error) {
	f, err := os.Open(s.path)
	if err != nil {
		return lines, position, fmt.Errorf("open log segment: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return lines, position, fmt.Errorf("read log segment: %w", err)
	}
	if end := s.start + info.Size(); position > end {
		return lines, end, nil
	}
	// One byte earlier tells whether the position is at the beginning of a record.
	asked, skip := position, position > s.start
	if skip {
		position--
	}
	r := bufio.NewReaderSize(io.NewSectionReader(f, position-s.start, info.Size()), maxHead+MaxText+1)
	for !wanted.nothing() {
		record, err := r.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return lines, max(position, asked), nil // an unfinished record is left for the next time
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return lines, position, fmt.Errorf("read log segment: %w", err)
		}
		position += int64(len(record))
		whole := err == nil
		if !skip && whole {
			if l, ok := parseRecord(record[:len(record)-1]); ok {
				lines = append(lines, l)
				wanted.lines, wanted.bytes = wanted.lines-1, wanted.bytes-len(l.Text)
			}
		}
		skip = !whole // what follows is the rest of something too long to be a record
	}
	return lines, position, nil
}

// Remove deletes a directory with all its logs. One that does not exist is removed already.
func Remove(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove logs: %w", err)
	}
	return nil
}
