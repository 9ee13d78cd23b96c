package scenario

import (
	"path/filepath"
	"testing"
)

const folder = "../../../scenarios"

// played gives every file of scenarios/ with what it came to.
func played(t *testing.T) []*Result {
	t.Helper()
	files, err := Find(folder)
	if err != nil {
		t.Fatal(err)
	}
	var all []*Result
	for _, file := range files {
		s, err := Read(file)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		r, err := s.Play(Options{})
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
			continue
		}
		all = append(all, r)
	}
	return all
}

// TestScenarios plays every file of scenarios/.
func TestScenarios(t *testing.T) {
	for _, r := range played(t) {
		for _, v := range r.Verdicts {
			if !v.Passed {
				t.Errorf("%s:%d: %s: seen %s", r.File, v.Line, v.Text, v.Seen)
			}
		}
		if t.Failed() {
			for _, l := range r.Lines {
				t.Logf("%s %s %s", Clock(l.At), l.Kind, l.Text)
			}
		}
	}
}
