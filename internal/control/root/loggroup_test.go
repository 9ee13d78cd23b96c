package root_test

import (
	"slices"
	"testing"

	"ballast/internal/control/journal"
	"ballast/internal/control/root"
	"ballast/internal/ecs"
)

func naming(seq uint64, family string, revision int, at ecs.Time, groups ...string) *ecs.TaskDefinition {
	d := &ecs.TaskDefinition{Seq: seq, Family: family, Revision: revision, RegisteredAt: at}
	for _, g := range groups {
		d.Containers = append(d.Containers, ecs.ContainerDefinition{Name: "app",
			Logging: &ecs.Logging{Driver: ecs.LogDriverAWSLogs, Options: []ecs.Variable{{Name: "awslogs-group", Value: g}}}})
	}
	return d
}

// TestLogGroups: groups are there as long as a revision names them.
func TestLogGroups(t *testing.T) {
	b := root.NewBuilder()
	all := []*ecs.TaskDefinition{naming(1, "api", 1, 10, "/a", "/a", "/b"), naming(2, "api", 2, 20, "/a"), naming(3, "job", 1, 5, "/a"), naming(4, "none", 1, 1)}
	for _, d := range all {
		b.Apply(journal.Unit{{Key: journal.DefinitionKey(d), Record: d}})
		b.Apply(journal.Unit{{Key: journal.DefinitionKey(d), Record: d}}) // a change of its status, say
	}
	check := func(when string, wantFamilies []string, want ...root.LogGroup) {
		t.Helper()
		r := b.Publish()
		if got := r.LogGroups("/", "", 10); !slices.Equal(got, want) {
			t.Errorf("%s: groups %v, want %v", when, got, want)
		}
		if got := r.LogGroupFamilies("/a"); !slices.Equal(got, wantFamilies) {
			t.Errorf("%s: families %v, want %v", when, got, wantFamilies)
		}
	}
	check("at first", []string{"api", "job"}, root.LogGroup{Name: "/a", Since: 5}, root.LogGroup{Name: "/b", Since: 10})
	r := b.Publish()
	if got := r.LogGroups("/", "", 1); len(got) != 1 || got[0] != (root.LogGroup{Name: "/a", Since: 5}) {
		t.Errorf("one: %v", got)
	}
	if got := r.LogGroups("/", "/a", 10); len(got) != 1 || got[0].Name != "/b" {
		t.Errorf("after /a: %v", got)
	}
	b.Apply(journal.Unit{{Key: journal.DefinitionKey(all[0])}})
	check("without api:1", []string{"api", "job"}, root.LogGroup{Name: "/a", Since: 5})
	b.Apply(journal.Unit{{Key: journal.DefinitionKey(all[1])}, {Key: journal.DefinitionKey(all[2])}})
	check("without any", nil)
}
