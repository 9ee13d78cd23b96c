package logfile

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ballast/internal/ecs"
)

// TestFind: what follows the position found holds every line at or after the time asked for, and not much before.
func TestFind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "logfile")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		w := NewWriter(dir, "app", Limits{SegmentBytes: int64(rapid.SampledFrom([]int{100, 200_000, 1 << 20}).Draw(t, "segment")), Segments: 4})
		out := w.Stream(false)
		now, size := ecs.Time(10_000), rapid.SampledFrom([]int{0, 300, 5_000, MaxText + 10}).Draw(t, "size")
		for i := range rapid.IntRange(0, 150).Draw(t, "lines") {
			now += ecs.Time(rapid.IntRange(0, 3_000).Draw(t, "pause"))
			early := ecs.Time(rapid.IntRange(0, 900).Draw(t, "early")) // the other stream's stamp
			out.Write(now-early, fmt.Appendf(nil, "%d %s\n", i, strings.Repeat("x", size)))
		}
		w.Close()
		all, _ := readAll(t, dir, 0, 1000)
		if at, ok, err := Last(dir, "app"); err != nil || ok != (len(all) > 0) || ok && at != all[len(all)-1].At {
			t.Fatalf("last: %v, %v, %v", at, ok, err)
		}
		at := ecs.Time(rapid.IntRange(0, int(now)+5_000).Draw(t, "at"))
		position, err := Find(dir, "app", at)
		if err != nil {
			t.Fatal(err)
		}
		found, _ := readAll(t, dir, position, 1000)
		for _, l := range all[:len(all)-len(found)] {
			if l.At >= at {
				t.Fatalf("a line of %d stands before the position found for %d", l.At, at)
			}
		}
		bytes := 0
		for _, l := range found {
			if l.At >= at-2000 {
				break
			}
			bytes += len(l.Text) + maxHead
		}
		if bytes > nearEnough+2*(MaxText+maxHead) {
			t.Fatalf("%d bytes are read in vain", bytes)
		}
	})
}
