// Package logfile keeps what a container writes: lines with their time and stream, in bounded segments of which the oldest is
// deleted when there are too many. It never blocks on a full disk: lines that cannot be written are dropped and
// counted, and a line that says so follows when there is room again. It has no goroutines and reads no clock.
//
// A log is a name in a directory. It has one Writer at a time and any number of readers, in any process, at the same time. A
// position is the number of bytes ever written before it; segments are named by the position of their first byte, so positions
// survive rotation. Start reading at Writer and Read.
package logfile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ballast/internal/ecs"
)

// Line is one line that a container wrote, without its line break.
type Line struct {
	At     ecs.Time
	Stderr bool
	Text   string
}

// MaxText is the length in bytes at which a longer line is split, as Docker's log drivers do (moby, daemon/logger/copier.go).
const MaxText = 16 << 10

// Limits bound what is kept of one container.
type Limits struct {
	SegmentBytes int64 `json:"bytes"`    // a segment that is longer takes no more lines
	Segments     int   `json:"segments"` // how many are kept, the one being written included; at least 1
}

// ParseLimits gives limits as the json-file log driver has them: max-size, which ParseSize reads, and max-file, a number. What is "" is
// as in other.
func ParseLimits(maxSize, maxFile string, other Limits) (Limits, error) {
	if maxSize != "" {
		n, ok := ParseSize(maxSize)
		if !ok {
			return Limits{}, fmt.Errorf("max-size %q: want %s", maxSize, SizeForm)
		}
		other.SegmentBytes = n
	}
	if maxFile != "" {
		n, err := strconv.Atoi(maxFile)
		if err != nil || n < 1 {
			return Limits{}, fmt.Errorf("max-file %q: want a positive number", maxFile)
		}
		other.Segments = n
	}
	return other, nil
}

// SizeForm says what ParseSize takes.
const SizeForm = "a positive number of bytes, or of another unit with k, m or g behind it, that is less than 2^63 bytes"

// ParseSize gives the bytes of a size as options of log drivers have it: bytes, or thousands, millions or billions of them with k, m or
// g behind the number.
func ParseSize(s string) (bytes int64, ok bool) {
	digits := strings.TrimRight(s, "kmgKMG")
	unit, known := sizeUnits[strings.ToLower(s[len(digits):])]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !known || n < 1 || n > math.MaxInt64/unit {
		return 0, false
	}
	return n * unit, true
}

// sizeUnits are decimal, as Docker's are for this option.
var sizeUnits = map[string]int64{"": 1, "k": 1e3, "m": 1e6, "g": 1e9}

// DefaultLimits keep between 40 and 50 MiB.
var DefaultLimits = Limits{SegmentBytes: 10 << 20, Segments: 5}

// A record is "<unix milliseconds> <stream> <text>\n", the stream being o or e. maxHead bounds what stands before the text.
const maxHead = 24

const suffix = ".log"

// appendRecord renders a line. Line breaks cannot be in the text: Stream splits at them.
func appendRecord(b []byte, at ecs.Time, stderr bool, text []byte) []byte {
	b = strconv.AppendInt(b, int64(at), 10)
	if stderr {
		b = append(b, " e "...)
	} else {
		b = append(b, " o "...)
	}
	b = append(b, text...)
	return append(b, '\n')
}

// parseRecord reads a record without its line break; ok is false for one that a crash left incomplete.
func parseRecord(b []byte) (l Line, ok bool) {
	head, rest, ok := bytes.Cut(b, []byte{' '})
	if !ok || len(rest) < 2 || rest[1] != ' ' || rest[0] != 'o' && rest[0] != 'e' {
		return Line{}, false
	}
	at, err := strconv.ParseInt(string(head), 10, 64)
	if err != nil {
		return Line{}, false
	}
	return Line{At: ecs.Time(at), Stderr: rest[0] == 'e', Text: string(rest[2:])}, true
}

// segment is a file of records; start is the position of its first byte.
type segment struct {
	start int64
	path  string
}

// segments lists a log's segments, oldest first. A log that does not exist has none.
func segments(dir, name string) ([]segment, error) {
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list log segments: %w", err)
	}
	defer d.Close()
	files, err := d.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list log segments: %w", err)
	}
	var all []segment
	for _, file := range files {
		middle, ok := strings.CutPrefix(strings.TrimSuffix(file, suffix), name+".")
		start, err := strconv.ParseInt(middle, 10, 64)
		if ok && err == nil && file == segmentName(name, start) {
			all = append(all, segment{start: start, path: filepath.Join(dir, file)})
		}
	}
	slices.SortFunc(all, func(a, b segment) int { return cmp.Compare(a.start, b.start) })
	return all, nil
}

func segmentName(name string, start int64) string {
	return fmt.Sprintf("%s.%020d%s", name, start, suffix)
}
