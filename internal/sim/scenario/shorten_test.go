package scenario

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"
)

// TestShortenAgreesWithAnExpression compares the loop with the regular expression that it stands for.
func TestShortenAgreesWithAnExpression(t *testing.T) {
	simple := regexp.MustCompile(`\b([0-9a-f]{8})[0-9a-f]{24}\b`)
	piece := rapid.OneOf(rapid.StringMatching(`[0-9a-f]{32}`), rapid.StringMatching(`[0-9a-f]{31,33}`), rapid.SampledFrom([]string{" ", "-", "_", "x", "é", "A", ""}))
	rapid.Check(t, func(rt *rapid.T) {
		text := ""
		for _, p := range rapid.SliceOfN(piece, 0, 8).Draw(rt, "pieces") {
			text += p
		}
		if got, want := Shorten(text), simple.ReplaceAllString(text, "$1"); got != want {
			rt.Fatalf("%q: got %q, want %q", text, got, want)
		}
	})
}
