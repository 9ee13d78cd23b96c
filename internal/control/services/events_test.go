package services

import (
	"slices"
	"testing"

	"ballast/internal/ecs"
)

// TestRecentEvents compares every state of the list, as it was when it was given and as it is at the end, with a copy.
func TestRecentEvents(t *testing.T) {
	for _, loaded := range []int{0, 1, 30, ecs.MaxServiceEvents} {
		var r recent
		events := make([]*ecs.ServiceEvent, loaded)
		for i := range events {
			events[i] = &ecs.ServiceEvent{At: ecs.Time(-i)}
		}
		want := slices.Clone(events)
		var given, copies [][]*ecs.ServiceEvent
		for n := range 3 * ecs.MaxServiceEvents {
			e := &ecs.ServiceEvent{At: ecs.Time(n + 1)}
			events = r.add(events, e)
			want = append([]*ecs.ServiceEvent{e}, want...)
			want = want[:min(len(want), ecs.MaxServiceEvents)]
			given, copies = append(given, events), append(copies, slices.Clone(want))
		}
		for n := range given {
			if !slices.Equal(given[n], copies[n]) {
				t.Fatalf("after %d events, and %d loaded ones: %d, want %d", n+1, loaded, len(given[n]), len(copies[n]))
			}
		}
	}
}
