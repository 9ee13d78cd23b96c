package control

import (
	"testing"
	"time"

	"ballast/internal/control/services"
	"ballast/internal/ecs"
	"ballast/internal/scheduler"
)

func (w *world) instance(a *pretender) *ecs.ContainerInstance {
	return w.m.Root().Instance("default", a.id)
}

func TestClusterCountsItsInstances(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	w.agent()
	a.connect()
	w.run()
	equal(t, "registered", w.m.Root().Cluster("default").Instances, 2)
	w.restart()
	equal(t, "registered after a restart", w.m.Root().Cluster("default").Instances, 2)
}

func TestEndOfAnOlderConnectionIsNoNews(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	older := a.session
	a.connect()
	w.m.OfferSilence(a.id, older)
	w.run()
	equal(t, "connected", w.instance(a).Connected, true)
}

func TestSessionThatGoesOnAfterSilenceTakesTasks(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	a.silent = true
	w.pass(2 * time.Minute)
	equal(t, "connected while silent", w.instance(a).Connected, false)
	w.serve("web", w.define("web"), 2)
	a.silent = false
	a.report(nil)
	w.run()
	equal(t, "connected", w.instance(a).Connected, true)
	equal(t, "running", len(w.running("web")), 2)
}

func TestWhoIsWokenInVainWakesTheNext(t *testing.T) {
	w := newWorld(t, "ecs")
	d := w.define("web")
	w.serve("first", d, 1)
	w.serve("second", d, 1)
	none := 0
	w.do(UpdateService{Cluster: "default", Name: "first", Desired: &none})
	w.agent()
	equal(t, "running", len(w.running("second")), 1)
}

func TestRefusedStartsAreExplained(t *testing.T) {
	w := newWorld(t, "ecs")
	w.serve("web", w.define("web"), 2)
	w.run()
	w.m.Services(func(s *services.Service) {
		equal(t, "explanations", s.Explanations(), []scheduler.Explanation{
			{Wait: scheduler.WaitPlacement, Deployment: s.Record().Deployments[0].ID, Tasks: 2}})
	})
}

func TestUnitsOfCommandsStaySmall(t *testing.T) {
	w := newWorld(t, "fast") // its steps check every unit
	w.agent()
	d := w.define("web")
	w.serve("web", d, 1)
	for n := range ecs.MaxServiceEvents {
		desired := n%2 + 1
		w.do(UpdateService{Cluster: "default", Name: "web", Desired: &desired})
	}
	w.do(DeleteService{Cluster: "default", Name: "web", Force: true})
	w.serve("web", d, 150)
	w.do(Halt{})
	equal(t, "running", len(w.running("web")), 0)
}

// A service that waits for room when it is deleted is not woken once it has been forgotten.
func TestForgottenServiceDoesNotWait(t *testing.T) {
	w := newWorld(t, "ecs")
	d := w.define("web")
	w.serve("gone", d, 1)
	w.do(DeleteService{Cluster: "default", Name: "gone", Force: true})
	w.pass(2 * time.Hour)
	if s := w.service("gone"); s != nil {
		t.Fatalf("still there: %v", s)
	}
	w.serve("web", d, 1)
	w.agent()
	equal(t, "running", len(w.running("web")), 1)
}

// A container instance stays in the cluster that it registered in, with what runs on it.
func TestInstanceDoesNotChangeItsCluster(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	w.serve("web", w.define("web"), 1)
	w.do(CreateCluster{Name: "other"})
	a.cluster = "other"
	a.connect()
	w.run()
	equal(t, "refused", a.refused, "container instance "+a.id.String()+` belongs to cluster "default", not "other"`)
	equal(t, "registered elsewhere", w.m.Root().Cluster("other").Instances, 0)
	equal(t, "running", len(w.running("web")), 1)
}
