package agent

import (
	"errors"
	"strings"
	"testing"

	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/session"
)

// TestControlHearsOfADriverThatCannotBeSeen has the driver lost, and found again.
func TestControlHearsOfADriverThatCannotBeSeen(t *testing.T) {
	m := New(Config{Instance: ecs.ID{0xee}})
	now, list := began, uint64(0)
	step := func(inputs ...Input) (reports []session.Report) {
		now++
		b := m.Step(now, inputs...)
		for _, c := range b.Calls {
			if c.Op == driver.OpList {
				list = c.ID
			}
		}
		return b.Reports
	}
	want := func(what string, reports []session.Report, text string) {
		t.Helper()
		if len(reports) != 1 || reports[0].Impaired != text {
			t.Errorf("%s: got %+v, want one report of %q", what, reports, text)
		}
	}
	step()
	step(DriverWatched{})
	want("at first", step(DriverResult{driver.Result{ID: list}}, Connected{1}), "")
	step(Assigned{session.Assignments{Session: 1, Seq: 1, Ack: 1, Manifest: true}})
	step(DriverLost{})
	down := strings.Repeat("down ", 100)
	want("lost", step(DriverWatched{errors.New(down)}), down[:longestCause])
	quiet := func(what string, reports []session.Report) {
		t.Helper()
		if len(reports) != 0 {
			t.Errorf("%s: got %+v, want no report before the next heartbeat", what, reports)
		}
	}
	now = m.sight.retryAt
	quiet("another attempt", step())
	quiet("lost for longer", step(DriverWatched{errors.New("still down")}))
	now = now.Add(session.HeartbeatEvery)
	want("heartbeat", step(), "still down")
	quiet("watched", step(DriverWatched{}))
	quiet("listed in vain", step(DriverResult{driver.Result{ID: list, Err: errors.New("no list")}}))
	now = m.sight.retryAt
	quiet("another list", step())
	want("seen again", step(DriverResult{driver.Result{ID: list}}), "")
}
