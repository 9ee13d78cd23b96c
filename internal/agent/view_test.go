package agent

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
)

// A view has what came of a task, in the order of the definition, whatever the order of the start.
func TestView(t *testing.T) {
	w := newTalker()
	web, db := after(box("web", "image", "fake/pull:3s"), "db", ecs.DependStart), checkedBox("db", fake.EnvHealth, "unhealthy,healthy@7s")
	w.assign(run(1, work(web, db)))
	see := func() *TaskView {
		b := w.m.Step(w.now, Ask{Request: 7, Task: taskID(1)})
		if len(b.Views) != 1 || b.Views[0].Request != 7 {
			t.Fatalf("views %+v", b.Views)
		}
		return b.Views[0].Task
	}
	known := func(v *TaskView) []string {
		all := []string{v.Known}
		for _, c := range v.Containers {
			all = append(all, c.Key.Container+" "+c.Known)
		}
		return all
	}
	w.live(time.Second)
	if diff := cmp.Diff([]string{"NONE", "web NONE", "db RUNNING"}, known(see())); diff != "" {
		t.Errorf("while web is pulled (-want +got):\n%s", diff)
	}
	w.live(20 * time.Second)
	v := see()
	if diff := cmp.Diff([]string{"RUNNING", "web RUNNING", "db RUNNING"}, known(v)); diff != "" {
		t.Errorf("all run (-want +got):\n%s", diff)
	}
	if c := v.Containers[1]; c.Health != ecs.HealthHealthy || c.HealthSince != began.Add(10*time.Second) || c.CreatedAt != began ||
		c.Started.At != began || v.Desired != ecs.StatusRunning {
		t.Errorf("db is %+v", c)
	}
	w.assign(stop(1, work(web, db)))
	w.live(time.Second)
	if v = see(); v.Known != "STOPPED" || v.Desired != ecs.StatusStopped || v.ExecutionStoppedAt == 0 || v.Containers[0].ExitCode == nil {
		t.Errorf("stopped: %+v", v)
	}
	if b := w.m.Step(w.now, Ask{Task: taskID(2)}); len(b.Views) != 1 || b.Views[0].Task != nil {
		t.Errorf("an unknown task is %+v", b.Views)
	}
}

func TestAgentShowsTasks(t *testing.T) {
	bubble(t, func(o *office) {
		web := o.run(1, work(box("web")))
		o.serve("RUNNING", web.is(ecs.StatusRunning))
		v, err := o.agent.View(o.Context(), web.id)
		if err != nil || v == nil || v.Known != "RUNNING" {
			o.Errorf("%+v, %v", v, err)
		}
		if v, err = o.agent.View(o.Context(), taskID(9)); v != nil || err != nil {
			o.Errorf("an unknown task: %+v, %v", v, err)
		}
	})
}
