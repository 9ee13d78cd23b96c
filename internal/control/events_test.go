package control

import (
	"testing"

	"ballast/internal/control/journal"
	"ballast/internal/ecs"
)

// A commit that got half-way may leave an event without the service's record of it, or with one too many before it.
func TestEventsOfHalfACommitAreNotShown(t *testing.T) {
	w := newWorld(t, "fast")
	w.agent()
	w.serve("web", w.define("web"), 1)
	for n := range ecs.MaxServiceEvents {
		desired := n%2 + 1
		w.do(UpdateService{Cluster: "default", Name: "web", Desired: &desired})
	}
	s := w.service("web")
	for _, number := range []uint64{s.LastEvent + 1, s.LastEvent - ecs.MaxServiceEvents} {
		value, err := journal.Encode([]journal.Unit{{{Key: journal.EventKey(s, number), Record: &ecs.ServiceEvent{Message: "stray"},
			Durable: true}}})
		if err != nil {
			t.Fatal(err)
		}
		w.records[value[0][0].Key] = value[0][0].Value
	}
	before := w.messages("web")
	w.restart()
	equal(t, "events", w.messages("web"), before)
}

// What half a deletion leaves of a service goes after the next start.
func TestLeftoversOfAForgottenServiceGo(t *testing.T) {
	w := newWorld(t, "fast")
	gone := &ecs.Service{Cluster: "default", Seq: 7}
	stray := []journal.Unit{{{Key: journal.EventKey(gone, 3), Record: &ecs.ServiceEvent{}, Durable: true},
		{Key: journal.DeploymentKey(gone, 2), Record: &ecs.ServiceDeployment{Number: 2}, Durable: true}}}
	units, err := journal.Encode(stray)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range units[0] {
		w.records[r.Key] = r.Value
	}
	w.restart()
	for _, r := range units[0] {
		if w.records[r.Key] != nil {
			t.Errorf("%s is still there", r.Key)
		}
	}
}
