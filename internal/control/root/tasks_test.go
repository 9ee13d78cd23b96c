package root_test

import (
	"cmp"
	"maps"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"ballast/internal/control/journal"
	"ballast/internal/control/root"
	"ballast/internal/ecs"
)

// drawTask draws a task of few clusters, families, services, instances and requesters, so that lists are shared and run empty.
func drawTask(rt *rapid.T, seq uint64) *ecs.Task {
	of := func(what string, values ...string) string { return rapid.SampledFrom(values).Draw(rt, what) }
	t := &ecs.Task{Seq: seq, ID: ecs.ID{byte(seq * 37), byte(seq)}, Cluster: of("cluster", "a", "b"),
		Definition: &ecs.TaskDefinition{Family: of("family", "api", "job")}, Instance: ecs.ID{byte(rapid.IntRange(1, 3).Draw(rt, "instance"))},
		DesiredStatus: ecs.StatusRunning}
	switch rapid.IntRange(0, 2).Draw(rt, "kind") {
	case 0:
		t.Service, t.ServiceSeq, t.Deployment = of("service", "web", "queue"), 1, ecs.DeploymentID(rapid.IntRange(1, 2).Draw(rt, "deployment"))
	case 1:
		t.StartedBy = of("startedBy", "me", "ecs-svc/1", "ecs-svc/x")
	}
	return t
}

// obvious finds the tasks that match a filter by looking at each.
func obvious(tasks map[uint64]*ecs.Task, f root.TaskFilter, after uint64, limit int) []uint64 {
	var seqs []uint64
	for _, seq := range slices.Sorted(maps.Keys(tasks)) {
		t := tasks[seq]
		if t.Cluster == f.Cluster && t.DesiredStatus == f.Desired && seq > after && len(seqs) < limit &&
			(f.Family == "" || f.Family == t.Definition.Family) && (f.Service == "" || f.Service == t.Service) &&
			(f.Instance.IsZero() || f.Instance == t.Instance) && (f.StartedBy == "" || f.StartedBy == t.StartedByName()) {
			seqs = append(seqs, seq)
		}
	}
	return seqs
}

func drawFilter(rt *rapid.T) root.TaskFilter {
	f := root.TaskFilter{Cluster: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "in"),
		Desired:   rapid.SampledFrom([]ecs.Status{ecs.StatusRunning, ecs.StatusStopped}).Draw(rt, "desired"),
		Family:    rapid.SampledFrom([]string{"", "api", "none"}).Draw(rt, "of family"),
		Service:   rapid.SampledFrom([]string{"", "", "web", "none"}).Draw(rt, "of service"),
		StartedBy: rapid.SampledFrom([]string{"", "me", "ecs-svc/1", "ecs-svc/x"}).Draw(rt, "started by")}
	if rapid.Bool().Draw(rt, "of instance") {
		f.Instance = ecs.ID{byte(rapid.IntRange(1, 4).Draw(rt, "which"))}
	}
	return f
}

// TestTasksAgreesWithLookingAtEach: whatever came, stopped and went, every filter finds what looking at each task finds, in the
// newest root, in one published before, and in one that was loaded.
func TestTasksAgreesWithLookingAtEach(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := root.NewBuilder()
		tasks := map[uint64]*ecs.Task{}
		var before *root.Root
		var then map[uint64]*ecs.Task
		change := func(task *ecs.Task, record any) {
			b.Apply(journal.Unit{{Key: journal.TaskKey(task), Record: record, Durable: true}})
		}
		for seq := range uint64(rapid.IntRange(1, 30).Draw(rt, "tasks")) {
			task := drawTask(rt, seq+1)
			tasks[task.Seq] = task
			change(task, task)
			victim := tasks[rapid.SampledFrom(slices.Sorted(maps.Keys(tasks))).Draw(rt, "victim")]
			switch rapid.IntRange(0, 3).Draw(rt, "fate") {
			case 0:
				stopped := *victim
				stopped.DesiredStatus = ecs.StatusStopped
				tasks[stopped.Seq] = &stopped
				change(&stopped, &stopped)
			case 1:
				delete(tasks, victim.Seq)
				change(victim, nil)
			case 2:
				before, then = b.Publish(), maps.Clone(tasks)
			}
			if len(tasks) == 0 {
				break
			}
		}
		loaded := root.NewBuilder()
		for _, seq := range slices.SortedFunc(maps.Keys(tasks), func(x, y uint64) int { // as keys stand in the journal
			return cmp.Or(cmp.Compare(tasks[x].Cluster, tasks[y].Cluster), cmp.Compare(x, y))
		}) {
			loaded.LoadTask(tasks[seq])
		}
		loaded.Loaded()
		f, after, limit := drawFilter(rt), uint64(rapid.IntRange(0, 9).Draw(rt, "after")), rapid.IntRange(1, 9).Draw(rt, "limit")
		check := func(which string, r *root.Root, tasks map[uint64]*ecs.Task) {
			var got []uint64
			for _, t := range r.Tasks(f, after, limit) {
				got = append(got, t.Seq)
			}
			if diff := gocmp.Diff(obvious(tasks, f, after, limit), got, cmpopts.EquateEmpty()); diff != "" {
				rt.Fatalf("%s, %+v after %d: (-want +got)\n%s", which, f, after, diff)
			}
		}
		check("newest", b.Publish(), tasks)
		check("loaded", loaded.Publish(), tasks)
		if before != nil {
			check("published before", before, then)
		}
	})
}
