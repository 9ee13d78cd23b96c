package logs

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// TestTail: of lines of any size the newest are there that an answer takes, and never many more are kept.
func TestTail(t *testing.T) {
	const longest = maxBytes / 3
	text := strings.Repeat("x", longest)
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.SampledFrom([]int{0, 1, longest / 100, longest / 2, longest}), 0, 60).Draw(t, "sizes")
		kept := tail{limit: rapid.IntRange(1, 20).Draw(t, "limit")}
		var all []driver.LogLine
		for i, n := range sizes {
			all = append(all, driver.LogLine{At: ecs.Time(i), Text: text[:n]})
			kept.add(located{LogLine: all[i]})
			held := 0
			for _, l := range kept.lines {
				held += l.bytes()
			}
			if held != kept.bytes || held > 2*maxBytes || len(kept.lines) > 2*kept.limit {
				t.Fatalf("%d lines with %d bytes are kept, and %d counted", len(kept.lines), held, kept.bytes)
			}
		}
		p, err := kept.page(t.Context(), reader{source: nowhere{}, stream: stream{task: &ecs.Task{}}}, 0)
		if err != nil {
			t.Fatal(err)
		}
		var want []driver.LogLine
		for bytes := 0; len(all) > 0 && len(want) < kept.limit; {
			last := all[len(all)-1]
			if bytes += len(last.Text) + eventOverhead; bytes > maxBytes {
				break
			}
			want, all = append([]driver.LogLine{last}, want...), all[:len(all)-1]
		}
		if diff := cmp.Diff(want, p.lines); diff != "" {
			t.Errorf("the page (-want +got):\n%s", diff)
		}
	})
}

// nowhere is a source of nothing.
type nowhere struct{ Source }

// TestReadEndsWithTheRequest: a source is asked nothing more for a client that has gone away.
func TestReadEndsWithTheRequest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (reader{source: nowhere{}, stream: stream{task: &ecs.Task{}}}).backward(ctx, toEnd, 1, span{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
