package logfile

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ballast/internal/ecs"
)

// readAll reads everything that follows a position, limit lines at a time.
func readAll(t interface{ Fatalf(string, ...any) }, dir string, position int64, limit int) (all []Line, next int64) {
	for next = position; ; {
		lines, after, err := Read(dir, "app", next, limit, 0)
		if err != nil {
			t.Fatalf("read after %d: %v", next, err)
		}
		if len(lines) == 0 {
			return all, after
		}
		all, next = append(all, lines...), after
	}
}

func TestStreamSplits(t *testing.T) {
	long := strings.Repeat("x", MaxText)
	for _, c := range []struct {
		name   string
		chunks []string
		want   []string
	}{
		{"nothing", nil, nil},
		{"whole lines", []string{"a\nb\n"}, []string{"a", "b"}},
		{"empty lines", []string{"\n\n"}, []string{"", ""}},
		{"a line in pieces", []string{"a", "b", "c\nd\n"}, []string{"abc", "d"}},
		{"no line break at the end", []string{"a\nb"}, []string{"a", "b"}},
		{"longest line", []string{long + "\n"}, []string{long}},
		{"longest line, break comes later", []string{long, "\n"}, []string{long}},
		{"longer line", []string{long + "y\n"}, []string{long, "y"}},
		{"longer line in pieces", []string{long, "y", "z\n"}, []string{long, "yz"}},
		{"twice too long, no break", []string{long + long + "y"}, []string{long, long, "y"}},
		{"carriage returns are the container's own", []string{"a\r\n"}, []string{"a\r"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			w := NewWriter(dir, "app", DefaultLimits)
			s := w.Stream(true)
			for _, chunk := range c.chunks {
				s.Write(7, []byte(chunk))
			}
			s.Flush(7)
			w.Close()
			var want []Line
			for _, text := range c.want {
				want = append(want, Line{At: 7, Stderr: true, Text: text})
			}
			got, _ := readAll(t, dir, 0, 100)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPositionsSurviveRotation: whatever is written, with whatever interruptions, a reader that follows sees every line once as
// long as it keeps up, one that begins anew sees a suffix, and the disk holds no more than the limits.
func TestPositionsSurviveRotation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "logfile")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		limits := Limits{SegmentBytes: int64(rapid.IntRange(1, 200).Draw(t, "segment")), Segments: rapid.IntRange(1, 4).Draw(t, "segments")}
		w := NewWriter(dir, "app", limits)
		out := w.Stream(false)
		var written, followed []Line
		var position int64
		for i := range rapid.IntRange(0, 40).Draw(t, "lines") {
			text := rapid.StringMatching(`[a-z ]{0,30}`).Draw(t, "text")
			out.Write(ecs.Time(i), []byte(text+"\n"))
			written = append(written, Line{At: ecs.Time(i), Text: text})
			if rapid.Bool().Draw(t, "reopen") {
				w.Close()
				w = NewWriter(dir, "app", limits)
				out = w.Stream(false)
			}
			lines, next := readAll(t, dir, position, rapid.IntRange(1, 3).Draw(t, "limit"))
			followed, position = append(followed, lines...), next
		}
		w.Close()
		if diff := cmp.Diff(written, followed); diff != "" {
			t.Fatalf("follower (-written +read):\n%s", diff)
		}
		kept, _ := readAll(t, dir, 0, 7)
		if diff := cmp.Diff(written[len(written)-len(kept):], kept); diff != "" {
			t.Fatalf("what is kept is not the end of what was written:\n%s", diff)
		}
		if all, _ := segments(dir, "app"); len(all) > limits.Segments || len(written) > 0 && len(kept) == 0 {
			t.Fatalf("%d segments with %d of %d lines are left, limits %+v", len(all), len(kept), len(written), limits)
		}
	})
}

func TestOldPositionMeansOldestKept(t *testing.T) {
	dir := t.TempDir()
	w := NewWriter(dir, "app", Limits{SegmentBytes: 10, Segments: 2})
	out := w.Stream(false)
	for i := range 9 {
		out.Write(1, fmt.Appendf(nil, "line %d\n", i))
	}
	got, _ := readAll(t, dir, 3, 10)
	want := []Line{{At: 1, Text: "line 7"}, {At: 1, Text: "line 8"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	_, end, _ := Read(dir, "app", 0, 10, 0)
	if lines, next, err := Read(dir, "app", end+1000, 10, 0); err != nil || len(lines) != 0 || next != end {
		t.Errorf("behind the end: got %v, %d, %v, want nothing and %d", lines, next, err, end)
	}
}

func TestTornRecordIsSkipped(t *testing.T) {
	dir := t.TempDir()
	w := NewWriter(dir, "app", DefaultLimits)
	w.Stream(false).Write(1, []byte("whole\n"))
	w.Close()
	all, _ := segments(dir, "app")
	f, err := os.OpenFile(all[0].path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("17000000")
	f.Close()
	lines, next, err := Read(dir, "app", 0, 10, 0)
	if err != nil || len(lines) != 1 {
		t.Fatalf("got %v, %v, want the whole line only", lines, err)
	}
	NewWriter(dir, "app", DefaultLimits).Stream(false).Write(2, []byte("after\n"))
	lines, _, err = Read(dir, "app", next, 10, 0)
	if diff := cmp.Diff([]Line{{At: 2, Text: "after"}}, lines); diff != "" || err != nil {
		t.Errorf("after the torn record (-want +got):\n%s%v", diff, err)
	}
}

// TestFailingDisk: a directory stands where the segment should be, as good as a full disk for a writer.
func TestFailingDisk(t *testing.T) {
	dir := t.TempDir()
	block := filepath.Join(dir, segmentName("app", 0))
	if err := os.Mkdir(block, 0o700); err != nil {
		t.Fatal(err)
	}
	w := NewWriter(dir, "app", DefaultLimits)
	out := w.Stream(false)
	out.Write(1000, []byte("a\nb\n"))
	out.Write(1500, []byte("c\n"))
	if err := os.Remove(block); err != nil {
		t.Fatal(err)
	}
	out.Write(1600, []byte("d\n")) // too early for another try
	out.Write(2100, []byte("e\n"))
	got, _ := readAll(t, dir, 0, 10)
	want := []Line{
		{At: 2100, Stderr: true, Text: "ballast: 4 lines of this log were lost because they could not be written"},
		{At: 2100, Text: "e"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestReadNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	if lines, next, err := Read(dir, "app", 0, 10, 0); err != nil || len(lines) != 0 || next != 0 {
		t.Errorf("got %v, %d, %v", lines, next, err)
	}
	if err := Remove(dir); err != nil {
		t.Error(err)
	}
}

// TestReadBytes reads a log of several segments until so many bytes of text have been read: each line comes once.
func TestReadBytes(t *testing.T) {
	dir := t.TempDir()
	out := NewWriter(dir, "app", Limits{SegmentBytes: 60, Segments: 100}).Stream(false)
	var want []string
	for i := range 20 {
		text := strings.Repeat("x", i%7)
		out.Write(1, []byte(text+"\n"))
		want = append(want, text)
	}
	for bytes := 1; bytes < 70; bytes += 3 {
		var got []string
		for position := int64(0); ; {
			lines, next, err := Read(dir, "app", position, 100, bytes)
			if err != nil {
				t.Fatal(err)
			}
			sum := 0
			for i, l := range lines {
				if sum >= bytes {
					t.Errorf("limit %d: %d lines have %d bytes, and yet another follows", bytes, i, sum)
				}
				sum += len(l.Text)
				got = append(got, l.Text)
			}
			if position = next; len(lines) == 0 {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("limit %d: got %q, want %q", bytes, got, want)
		}
	}
}

func TestParseLimits(t *testing.T) {
	other := Limits{SegmentBytes: 7, Segments: 3}
	for _, c := range []struct {
		size, file string
		want       Limits
		fails      string
	}{
		{"", "", other, ""},
		{"10m", "", Limits{10_000_000, 3}, ""},
		{"512", "1", Limits{512, 1}, ""},
		{"3K", "2", Limits{3_000, 2}, ""},
		{"1g", "", Limits{1_000_000_000, 3}, ""},
		{"", "9", Limits{7, 9}, ""},
		{"0", "", Limits{}, "max-size"},
		{"-1k", "", Limits{}, "max-size"},
		{"10kb", "", Limits{}, "max-size"},
		{"10km", "", Limits{}, "max-size"},
		{"k", "", Limits{}, "max-size"},
		{"99999999999g", "", Limits{}, "max-size"},
		{"\u023a", "", Limits{}, "max-size"},  // grows in lower case
		{"1\u212a", "", Limits{}, "max-size"}, // is a k in lower case
		{"", "0", Limits{}, "max-file"},
		{"", "many", Limits{}, "max-file"},
	} {
		got, err := ParseLimits(c.size, c.file, other)
		if got != c.want || (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%q, %q: got %+v, %v; want %+v", c.size, c.file, got, err, c.want)
		}
	}
}

func FuzzParseRecord(f *testing.F) {
	f.Add([]byte("1700000000000 o hello"))
	f.Add([]byte("1 e "))
	f.Add([]byte("x o hello"))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, ok := parseRecord(b)
		if !ok {
			return
		}
		again, ok := parseRecord(appendRecord(nil, l.At, l.Stderr, []byte(l.Text))[:len(appendRecord(nil, l.At, l.Stderr, []byte(l.Text)))-1])
		if !ok || again != l {
			t.Errorf("%q is read as %+v, which is written and read as %+v", b, l, again)
		}
	})
}

func TestNamesShareADirectory(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "a.b", "b"} {
		NewWriter(dir, name, DefaultLimits).Stream(false).Write(1, []byte(name+"\n"))
	}
	for _, name := range []string{"a", "a.b", "b"} {
		lines, _, err := Read(dir, name, 0, 10, 0)
		if diff := cmp.Diff([]Line{{At: 1, Text: name}}, lines); diff != "" || err != nil {
			t.Errorf("log %s (-want +got):\n%s%v", name, diff, err)
		}
	}
}

// TestManyLinesAtOnce: what comes in one piece is spread over segments that are longer than their size by a record at most.
func TestManyLinesAtOnce(t *testing.T) {
	dir := t.TempDir()
	w := NewWriter(dir, "app", Limits{SegmentBytes: 100, Segments: 3})
	w.Stream(false).Write(1, []byte(strings.Repeat("0123456789\n", 50)+strings.Repeat("x", 300)+"\nlast\n"))
	w.Close()
	all, err := segments(dir, "app")
	if err != nil || len(all) != 3 {
		t.Fatalf("%d segments, %v", len(all), err)
	}
	for i, want := range []int64{105, 320, 9} { // 7 records of 15 bytes; one of them and one that is longer than a segment; the last
		if info, err := os.Stat(all[i].path); err != nil || info.Size() != want {
			t.Errorf("segment %d: %d bytes, %v; want %d", i, info.Size(), err, want)
		}
	}
	got, _ := readAll(t, dir, 0, 100)
	if n := len(got); n != 10 || got[n-1].Text != "last" {
		t.Errorf("%d lines: %v", n, got)
	}
}
