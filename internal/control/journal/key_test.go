package journal

import (
	"slices"
	"testing"

	"ballast/internal/ecs"
)

func TestKeysAreReadBack(t *testing.T) {
	s := &ecs.Service{Cluster: "c", Seq: 7}
	keys := []Key{ClusterKey("c"), DefinitionKey(&ecs.TaskDefinition{Seq: 3}), FamilyKey("web"), DeploymentKey(s, 9), DeploymentKey(s, 10),
		EventKey(s, 0xffff), ServiceKey(s), TaskKey(&ecs.Task{Cluster: "c", Seq: 1}), TokenKey("c", "RunTask", "a/b")}
	var names []string
	for _, k := range keys {
		names = append(names, k.String())
		if back, err := ParseKey(k.String()); err != nil || back != k {
			t.Errorf("%s is read as %+v, %v", k, back, err)
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("a load meets %q in this order", names)
	}
	for _, bad := range []string{"", "c/c/deployment/7", "c/c/service/7/9", "c/c/deployment/7/x", "c/c/nothing/7"} {
		if k, err := ParseKey(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, k)
		}
	}
}
