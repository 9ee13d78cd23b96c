package scenario

import (
	"strings"
	"testing"
)

// BenchmarkLoopingDay is a day of one service of eight tasks that exit after 30 s.
func BenchmarkLoopingDay(b *testing.B) {
	text := strings.NewReplacer("until: 5m", "until: 24h\nbegin: creation", "startTime: 2s", "exitAfter: 30s", "desiredCount: 2", "desiredCount: 8",
		"timeline:\n  - at: 1m\n    crash: {tasks: 1}\n", "", "started = 1", "started >= 20000").Replace(small)
	s, err := Parse("day.yaml", []byte(text))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r, err := s.Play(Options{})
		if err != nil || !r.Passed {
			b.Fatal(err, r.Verdicts)
		}
	}
}
