package docker

import (
	"testing"
	"time"
)

// TestDigestsAreRemembered for good, and that there is none for a while.
func TestDigestsAreRemembered(t *testing.T) {
	var d digests
	begin := time.Unix(0, 0)
	for _, step := range []struct {
		after time.Duration
		says  string // what the engine says if it is asked
		asked bool
		want  string
	}{
		{0, "", true, ""},
		{noneFor - 1, "sha256:1", false, ""},
		{noneFor, "sha256:1", true, "sha256:1"},
		{24 * time.Hour, "sha256:2", false, "sha256:1"},
	} {
		digest, is := d.recall("id", "app:1", begin.Add(step.after))
		if !is {
			digest = step.says
			d.note("id", "app:1", digest, begin.Add(step.after))
		}
		if is == step.asked || digest != step.want {
			t.Errorf("after %s: remembered %t, digest %q, want %q", step.after, is, digest, step.want)
		}
	}
	if _, is := d.recall("id", "other/app:1", begin); is {
		t.Error("a digest of one repository is remembered for another")
	}
	for i := range maxDigests {
		d.note("id", string(rune(i)), "sha256:1", begin)
	}
	if len(d.known) > maxDigests {
		t.Errorf("%d images are remembered", len(d.known))
	}
}
