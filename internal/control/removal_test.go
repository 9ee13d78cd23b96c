package control

import (
	"errors"
	"testing"
	"time"

	"ballast/internal/ecs"
)

func (w *world) refused(c Command, code ecs.Code) {
	w.t.Helper()
	_, err := w.try(c)
	if told, ok := errors.AsType[*ecs.Error](err); !ok || told.Code != code {
		w.t.Fatalf("%T: %v, want %s", c, err, code)
	}
}

// A deleted revision stays as long as a task can be described or a service runs on it, over restarts; its number is never
// given out again (developer guide, Task definition states).
func TestDeletedDefinitionGoesWithItsLastUse(t *testing.T) {
	w := newWorld(t, "fast")
	w.agent()
	d := w.define("web")
	w.serve("web", d, 1)
	w.refused(DeleteTaskDefinition{"web", 1}, ecs.ClientException)
	w.do(DeregisterTaskDefinition{"web", 1})
	w.refused(CreateService{Service: ecs.Service{Cluster: "default", Name: "x", Definition: d}}, ecs.ClientException)
	w.refused(UpdateService{Cluster: "default", Name: "web", Definition: d, Force: true}, ecs.ClientException)
	w.refused(RunTask{Cluster: "default", Definition: d, Count: 1}, ecs.InvalidParameterException)
	w.do(DeleteTaskDefinition{"web", 1})
	w.do(UpdateService{Cluster: "default", Name: "web", Desired: ptr(2)}) // running services keep scaling
	w.restart()
	if got := w.m.Root().Definition("web", 1); got == nil || got.Status != ecs.TaskDefinitionDeleteInProgress || got.DeleteRequestedAt == 0 {
		t.Fatalf("in use, it is %v", got)
	}
	if n := w.service("web").Running; n != 2 {
		t.Fatalf("%d tasks run", n)
	}
	w.do(DeleteService{Cluster: "default", Name: "web", Force: true})
	w.pass(30 * time.Minute)
	if w.m.Root().Definition("web", 1) == nil {
		t.Fatal("gone while its tasks are described")
	}
	w.pass(3 * time.Hour)
	if got := w.m.Root().Definition("web", 1); got != nil {
		t.Fatalf("unused, it is still there: %v", got)
	}
	w.restart()
	if next := w.define("web"); next.Revision != 2 {
		t.Fatalf("revision %d after the first was removed", next.Revision)
	}
}

func ptr[T any](v T) *T { return &v }

// A revision that nothing refers to goes at once, and with the first look after a restart.
func TestUnusedDefinitionGoes(t *testing.T) {
	w := newWorld(t, "fast")
	w.define("a")
	w.define("b")
	w.do(DeregisterTaskDefinition{"a", 1})
	if got := w.do(DeleteTaskDefinition{"a", 1}).(*ecs.TaskDefinition); got.Status != ecs.TaskDefinitionDeleteInProgress {
		t.Fatal(got.Status)
	}
	if w.m.Root().Definition("a", 1) != nil {
		t.Fatal("still there")
	}
	w.refused(DeregisterTaskDefinition{"a", 1}, ecs.ClientException)
	if got := w.m.Root().Families("", "", 10, func(bool) bool { return true }); len(got) != 1 || got[0] != "b" {
		t.Fatalf("families %v", got)
	}
}

func TestDeleteCluster(t *testing.T) {
	w := newWorld(t, "fast")
	d := w.define("web")
	w.do(CreateCluster{Name: "empty"})
	w.do(DeleteCluster{"empty"})
	w.refused(DeleteCluster{"empty"}, ecs.ClusterNotFoundException)
	w.refused(UpdateCluster{Name: "empty"}, ecs.ClusterNotFoundException)
	w.restart()
	if c := w.m.Root().Cluster("empty"); c == nil || !c.Inactive {
		t.Fatalf("after a restart the cluster is %v", c)
	}
	w.pass(2 * time.Hour)
	if c := w.m.Root().Cluster("empty"); c != nil {
		t.Fatalf("an old INACTIVE cluster is still there")
	}

	w.agent()
	w.refused(DeleteCluster{"default"}, ecs.ClusterContainsContainerInstancesException)
	w.do(RunTask{Cluster: "default", Definition: d, Count: 1})
	w.refused(DeleteCluster{"default"}, ecs.ClusterContainsTasksException)
	w.serve("web", d, 0)
	w.refused(DeleteCluster{"default"}, ecs.ClusterContainsServicesException)
}

func TestUpdateCluster(t *testing.T) {
	w := newWorld(t, "fast")
	w.do(UpdateCluster{Name: "default", Settings: []ecs.Setting{{Name: "containerInsights", Value: "disabled"}}})
	w.restart()
	if c := w.m.Root().Cluster("default"); len(c.Settings) != 1 {
		t.Fatalf("settings %v", c.Settings)
	}
}
