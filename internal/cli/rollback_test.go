package cli

import (
	"slices"
	"testing"
)

// Revisions are compared by their numbers, each once; what another family, or no revision, is is passed over.
func TestBefore(t *testing.T) {
	got := before([]string{"web:10", "web:9", "", "api:3", "web:9", "web:11", "web:2", "web:x"}, "web", 11)
	if want := []string{"web:10", "web:9", "web:2"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
