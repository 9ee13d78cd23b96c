package control

import (
	"fmt"
	"testing"
	"time"

	"ballast/internal/ecs"
)

func tag(key, value string) []ecs.Tag { return []ecs.Tag{{Key: key, Value: value}} }

// Every kind of resource keeps its tags over a restart, and the answer is what it has.
func TestTagEverything(t *testing.T) {
	w := newWorld(t, "fast")
	a := w.agent()
	d := w.define("web")
	w.serve("web", d, 1)
	task := w.do(RunTask{Cluster: "default", Definition: d, Count: 1}).(*RunTaskResult).Tasks[0]
	resources := map[string]Resource{
		"cluster":    {Cluster: "default"},
		"service":    {Cluster: "default", Service: "web"},
		"task":       {Cluster: "default", Task: task.ID},
		"instance":   {Cluster: "default", Instance: a.id},
		"definition": {Family: "web", Revision: 1},
	}
	for _, r := range resources {
		w.do(TagResource{Resource: r, Set: []ecs.Tag{{Key: "a", Value: "1"}, {Key: "b"}}})
		w.do(TagResource{Resource: r, Set: tag("a", "2"), Remove: []string{"b", "never there"}})
	}
	w.restart()
	root := w.m.Root()
	for kind, got := range map[string][]ecs.Tag{
		"cluster": root.Cluster("default").Tags, "service": w.service("web").Tags, "task": root.Task("default", task.ID).Tags,
		"instance": root.Instance("default", a.id).Tags, "definition": root.Definition("web", 1).Tags,
	} {
		if fmt.Sprint(got) != "[{a 2}]" {
			t.Errorf("%s has %v", kind, got)
		}
	}
	w.refused(TagResource{Resource: Resource{Cluster: "gone"}}, ecs.ClusterNotFoundException)
	for _, r := range []Resource{{Cluster: "default", Service: "x"}, {Cluster: "default", Task: ecs.ID{9}},
		{Cluster: "default", Instance: ecs.ID{9}}, {Family: "web", Revision: 9}} {
		w.refused(TagResource{Resource: r, Set: tag("a", "1")}, ecs.ResourceNotFoundException)
	}
	var many []ecs.Tag
	for i := range ecs.MaxTags {
		many = append(many, ecs.Tag{Key: fmt.Sprint("k", i)})
	}
	w.refused(TagResource{Resource: resources["service"], Set: many}, ecs.InvalidParameterException)
	w.do(TagResource{Resource: resources["service"], Set: many, Remove: []string{"a"}})
}

// A ballast: tag changes when running tasks count as healthy, on the service or as its cluster's default, over a restart too.
func TestPolicyTagsHoldAtOnce(t *testing.T) {
	for _, r := range []Resource{{Cluster: "default", Service: "web"}, {Cluster: "default"}} {
		w := newWorld(t, "ecs")
		w.agent()
		w.serve("web", w.define("web"), 1)
		w.pass(6 * time.Second)
		if w.service("web").Deployments[0].Rollout != ecs.RolloutInProgress {
			t.Fatal("healthy before its 40 s")
		}
		w.do(TagResource{Resource: r, Set: tag("ballast:healthy-after", "5s")})
		if got := w.service("web").Deployments[0].Rollout; got != ecs.RolloutCompleted {
			t.Errorf("%+v: 6 s after the start, and healthy after 5 s: %v", r, got)
		}
		w.restart()
		w.do(UpdateService{Cluster: "default", Name: "web", Desired: ptr(2)})
		w.pass(6 * time.Second)
		if !w.service("web").Steady {
			t.Errorf("%+v: not steady 6 s after a restart", r)
		}
		w.do(TagResource{Resource: r, Remove: []string{"ballast:healthy-after"}})
		w.do(UpdateService{Cluster: "default", Name: "web", Desired: ptr(3)})
		w.pass(6 * time.Second)
		if w.service("web").Steady {
			t.Errorf("%+v: steady 6 s after the tag is gone", r)
		}
	}
}

// New tasks get the tags that their definition has by then.
func TestPropagatedTagsAreTheNewest(t *testing.T) {
	w := newWorld(t, "fast")
	w.agent()
	d := w.define("web")
	s := ecs.Service{Cluster: "default", Name: "web", Definition: d, MinimumHealthyPercent: 100, MaximumPercent: 200,
		PropagateTags: ecs.PropagateTaskDefinition}
	w.do(CreateService{Service: s})
	w.do(TagResource{Resource: Resource{Family: "web", Revision: 1}, Set: tag("team", "red")})
	w.do(UpdateService{Cluster: "default", Name: "web", Desired: ptr(1)})
	n := 0
	w.m.tasks.Each(func(t *ecs.Task) {
		if n++; fmt.Sprint(t.Tags) != "[{team red}]" {
			w.t.Errorf("tags %v", t.Tags)
		}
	})
	if n != 1 {
		t.Errorf("%d tasks", n)
	}
}

// A task that has been counted healthy stays so under tags that would have it run for longer first, whatever else happens to it.
func TestHealthyTasksStaySoUnderOtherTags(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	service := Resource{Cluster: "default", Service: "web"}
	w.serve("web", w.define("web"), 1)
	w.do(TagResource{Resource: service, Set: tag("ballast:healthy-after", "5s")})
	w.pass(10 * time.Second)
	equal(t, "steady", w.service("web").Steady, true)
	w.do(TagResource{Resource: service, Remove: []string{"ballast:healthy-after"}})
	w.protect(1, w.up()[0].ID)
	equal(t, "steady once protected", w.service("web").Steady, true)
}
