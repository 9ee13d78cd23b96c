package logfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"ballast/internal/ecs"
)

const (
	// disorder is by how much a line may be older than one before it: the two streams of a container are stamped side by side.
	disorder = time.Second
	// nearEnough ends the search: so many bytes are read through in no time.
	nearEnough = 64 << 10
)

// Find gives a position that no line at or after a time stands before, and not far before the first of them, as far as the clock
// went forward. It reads a few pieces of one segment only.
func Find(dir, name string, at ecs.Time) (position int64, err error) {
	all, err := segments(dir, name)
	if err != nil {
		return 0, err
	}
	at = at.Add(-disorder)
	for i := len(all) - 1; i >= 0; i-- {
		position, older, err := all[i].find(at)
		if errors.Is(err, fs.ErrNotExist) {
			return 0, nil // rotated away since it was listed, and so are those before it
		}
		if err != nil || older {
			return position, err
		}
	}
	return 0, nil
}

// find searches one segment. older says that it begins with a line before that time, so that the segments before it hold nothing.
func (s segment) find(at ecs.Time) (position int64, older bool, err error) {
	f, err := os.Open(s.path)
	if err != nil {
		return 0, false, fmt.Errorf("open log segment: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, false, fmt.Errorf("search log segment: %w", err)
	}
	if l, _, ok := firstAfter(f, 0, true); !ok || l >= at {
		return 0, false, nil
	}
	low, high := int64(0), info.Size()
	for high-low > nearEnough {
		middle := low + (high-low)/2
		if t, begins, ok := firstAfter(f, middle, false); ok && t < at {
			low = begins
		} else {
			high = middle
		}
	}
	return s.start + low, true, nil
}

// firstAfter gives the time of the first whole record that begins at or after an offset, and where it begins. whole says that the
// offset is where one does.
func firstAfter(f io.ReaderAt, offset int64, whole bool) (at ecs.Time, begins int64, ok bool) {
	var buf [2*(maxHead+MaxText) + 2]byte
	n, _ := f.ReadAt(buf[:], offset)
	rest := buf[:n]
	for {
		line, after, found := bytes.Cut(rest, []byte{'\n'})
		if !found {
			return 0, 0, false
		}
		if whole {
			if l, ok := parseRecord(line); ok {
				return l.At, offset, true
			}
		}
		offset += int64(len(rest) - len(after))
		whole, rest = true, after
	}
}

// Last gives the time of the newest line; ok is false if there is none.
func Last(dir, name string) (at ecs.Time, ok bool, err error) {
	all, err := segments(dir, name)
	if err != nil {
		return 0, false, err
	}
	for i := len(all) - 1; i >= 0 && !ok; i-- {
		at, ok, err = all[i].last()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, false, err
		}
	}
	return at, ok, nil
}

func (s segment) last() (at ecs.Time, ok bool, err error) {
	f, err := os.Open(s.path)
	if err != nil {
		return 0, false, fmt.Errorf("open log segment: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, false, fmt.Errorf("read log segment: %w", err)
	}
	var buf [2*(maxHead+MaxText) + 2]byte
	begin := max(info.Size()-int64(len(buf)), 0)
	n, err := f.ReadAt(buf[:], begin)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, false, fmt.Errorf("read log segment: %w", err)
	}
	rest := buf[:n]
	if begin > 0 {
		_, rest, _ = bytes.Cut(rest, []byte{'\n'})
	}
	for line := range bytes.Lines(rest) {
		if l, whole := parseRecord(bytes.TrimSuffix(line, []byte{'\n'})); whole && bytes.HasSuffix(line, []byte{'\n'}) {
			at, ok = l.At, true
		}
	}
	return at, ok, nil
}
