package control

import (
	"testing"
	"time"

	"ballast/internal/control/services"
)

// A service that is decided again and again is left alone for a while, and no other is.
func TestDecisionsOfAStepAreBounded(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	w.serve("web", w.define("web"), 1)
	w.serve("other", w.define("web"), 1)
	w.pass(10 * time.Minute)
	var all []*services.Service
	w.m.Services(func(s *services.Service) { all = append(all, s) })
	var told []string
	w.m.cfg.Restless = func(cluster, service string) { told = append(told, cluster+"/"+service) }
	for range maxRounds {
		if !w.m.mayDecide(all[0]) {
			t.Fatal("refused too early")
		}
	}
	for range 3 {
		equal(t, "one more", w.m.mayDecide(all[0]), false)
	}
	equal(t, "another service", w.m.mayDecide(all[1]), true)
	equal(t, "told", told, []string{"default/web"})
	equal(t, "decided again after a pause", w.m.WakeAt() <= w.now.Add(restlessPause), true)
	w.step()
	equal(t, "in the next step", w.m.mayDecide(all[0]), true)

	w.m.cfg.Restless = nil
	defer func() {
		if recover() == nil {
			t.Error("no panic where nobody is told")
		}
	}()
	for range maxRounds + 1 {
		w.m.mayDecide(all[1])
	}
}
