package agent

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/driver"
	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
	"ballast/internal/session"
)

func TestSpecOf(t *testing.T) {
	def := ecs.ContainerDefinition{
		Name: "web", Image: "app:1", EntryPoint: []string{"sh"}, Command: []string{"serve"}, WorkingDirectory: "/srv",
		Environment: []ecs.Variable{{Name: "A", Value: "1"}, {Name: "B", Value: "2"}},
		Ports:       []ecs.PortMapping{{ContainerPort: 80}},
	}
	labels := map[string]string{
		"com.amazonaws.ecs.cluster":                 "blue",
		"com.amazonaws.ecs.container-name":          "web",
		"com.amazonaws.ecs.task-definition-family":  "shop",
		"com.amazonaws.ecs.task-definition-version": "7",
	}
	plain := driver.Spec{Image: "app:1", EntryPoint: def.EntryPoint, Command: def.Command, WorkingDirectory: "/srv",
		Environment: def.Environment, NetworkMode: ecs.NetworkHost, Ports: def.Ports, Labels: labels}
	changed := plain
	changed.Command = []string{"migrate"}
	changed.Environment = []ecs.Variable{{Name: "A", Value: "1"}, {Name: "B", Value: "3"}, {Name: "C", Value: "4"}}

	for _, c := range []struct {
		name      string
		overrides *ecs.Overrides
		want      driver.Spec
	}{
		{"none", nil, plain},
		{"of another container", &ecs.Overrides{Containers: []ecs.ContainerOverride{{Name: "db", Command: []string{"x"}}}}, plain},
		{"without values", &ecs.Overrides{Containers: []ecs.ContainerOverride{{Name: "web"}}}, plain},
		{"of all", &ecs.Overrides{Containers: []ecs.ContainerOverride{{Name: "web", Command: []string{"migrate"},
			Environment: []ecs.Variable{{Name: "C", Value: "4"}, {Name: "B", Value: "3"}}}}}, changed},
	} {
		w := &session.Work{Cluster: "blue", Overrides: c.overrides, Definition: &ecs.TaskDefinition{Family: "shop", Revision: 7,
			NetworkMode: ecs.NetworkHost, Containers: []ecs.ContainerDefinition{def}}}
		got := specOf(&task{work: w}, &container{def: &w.Definition.Containers[0]})
		if diff := cmp.Diff(&c.want, got); diff != "" {
			t.Errorf("overrides %s (-want +got):\n%s", c.name, diff)
		}
		if def.Environment[1].Value != "2" {
			t.Fatalf("overrides %s changed the definition", c.name)
		}
	}
}

// TestStartedAt pins when a task counts as having been RUNNING: that decides between TaskFailedToStart and
// EssentialContainerExited.
func TestStartedAt(t *testing.T) {
	essential, side := &ecs.ContainerDefinition{Essential: true}, &ecs.ContainerDefinition{}
	at := func(def *ecs.ContainerDefinition, start, stop ecs.Time) *container {
		c := &container{def: def, started: driver.Started{At: start}, stopAt: stop}
		switch {
		case stop != 0:
			c.phase = stopped
		case start != 0:
			c.phase = started
		}
		return c
	}
	for _, c := range []struct {
		name       string
		containers []*container
		want       ecs.Time
	}{
		{"one runs", []*container{at(essential, 5, 0)}, 5},
		{"the last counts", []*container{at(essential, 5, 0), at(side, 8, 0)}, 8},
		{"one is missing", []*container{at(essential, 5, 0), at(side, 0, 0)}, 0},
		{"one exited at once", []*container{at(essential, 5, 5)}, 5},
		{"an essential one exited before the last start", []*container{at(essential, 5, 6), at(essential, 8, 0)}, 0},
		{"an essential one exited after the last start", []*container{at(essential, 5, 9), at(essential, 8, 0)}, 8},
		{"another exited before the last start", []*container{at(side, 5, 6), at(essential, 8, 0)}, 8},
		{"another could not start", []*container{at(side, 0, 6), at(essential, 8, 0)}, 8},
		{"an essential one could not start", []*container{at(essential, 0, 6), at(side, 5, 0)}, 0},
	} {
		if got := startedAt(c.containers); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// TestReportsAreBounded connects an agent with more tasks than fit into one report.
func TestReportsAreBounded(t *testing.T) {
	s := &script{world: newWorld()}
	s.connect(1)
	var all []session.Assignment
	w := work(box("web"))
	for n := range 1000 {
		all = append(all, session.Assignment{Task: ecs.ID{14: byte(n >> 8), 15: byte(n)}, Desired: ecs.StatusRunning, Work: w})
	}
	s.tell(all...)
	s.wait(time.Second)

	s.session, s.seq, s.deaf = 2, 0, true
	s.give(Connected{2})
	if len(s.reports) != 1 || s.reports[0].Hello == nil || len(s.reports[0].Tasks) != maxReported {
		t.Fatalf("a session opens with %d reports, want one with a hello and %d tasks", len(s.reports), maxReported)
	}
	seen := map[ecs.ID]int{}
	for rounds := 0; len(s.reports) > 0; rounds++ {
		if rounds > 1000/maxReported {
			t.Fatalf("%d rounds of reports", rounds)
		}
		if len(s.reports) > maxUnanswered {
			t.Fatalf("%d reports on their way, want at most %d", len(s.reports), maxUnanswered)
		}
		reports := s.reports
		s.reports = nil
		for _, r := range reports {
			if len(r.Tasks) > maxReported {
				t.Fatalf("a report has %d tasks", len(r.Tasks))
			}
			for _, x := range r.Tasks {
				seen[x.Task]++
			}
			s.seq++
			s.give(Assigned{session.Assignments{Session: 2, Seq: s.seq, Ack: r.Seq}})
		}
	}
	for _, a := range all {
		if seen[a.Task] != 1 {
			t.Fatalf("%v was reported %d times, want once", a.Task, seen[a.Task])
		}
	}
}

// TestAnAcknowledgementCoversItsReportOnly loses the first of two reports.
func TestAnAcknowledgementCoversItsReportOnly(t *testing.T) {
	s := &script{world: newWorld()}
	s.connect(1)
	var all []session.Assignment
	for n := range maxReported + 50 {
		all = append(all, run(n, work(box("web"))))
	}
	s.tell(all...)
	s.deaf = true
	s.give()
	if len(s.reports) == 0 {
		s.pass(time.Millisecond)
	}
	s.give(Disconnected{}, Connected{2})
	s.reports, s.session, s.seq = nil, 2, 1
	s.give(Assigned{session.Assignments{Session: 2, Seq: 1}})
	lost := s.reports
	s.reports = nil
	s.give(Assigned{session.Assignments{Session: 2, Seq: 2, Ack: lost[len(lost)-1].Seq}})
	again := map[ecs.ID]bool{}
	for _, r := range s.reports {
		for _, x := range r.Tasks {
			again[x.Task] = true
		}
	}
	for _, x := range lost[len(lost)-1].Tasks {
		if again[x.Task] {
			t.Fatalf("%v was acknowledged and is reported again", x.Task)
		}
		again[x.Task] = true
	}
	if len(again) != len(all) {
		t.Errorf("%d tasks were acknowledged or repeated, want all %d", len(again), len(all))
	}
}

// TestRetentionIsBounded has more tasks end than are kept.
func TestRetentionIsBounded(t *testing.T) {
	s := &script{world: newWorld()}
	s.m.cfg.MaxRetained = 3
	s.connect(1)
	for n := 1; n <= 10; n++ {
		s.tell(run(n, work(box("web", fake.EnvExitAfter, "0s"))))
		s.tell(forget(n))
	}
	s.answer()
	var kept []ecs.ID
	for _, o := range s.model.Containers() {
		kept = append(kept, o.Key.Task)
	}
	if diff := cmp.Diff([]ecs.ID{taskID(8), taskID(9), taskID(10)}, kept); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	if len(s.m.tasks) != 3 {
		t.Errorf("the machine knows %d tasks, want 3", len(s.m.tasks))
	}
	for {
		at, held, any := s.m.alarms.Take(math.MaxInt64)
		if !any {
			break
		}
		if held.dead && at > s.m.now.Add(time.Minute) {
			t.Errorf("task %v is gone, and an alarm holds it for %v", held.id, at.Sub(s.m.now))
		}
	}
}

func TestBackoff(t *testing.T) {
	var total time.Duration
	for n := 1; n < maxAttempts; n++ {
		if backoff(n) < firstBackoff || backoff(n) > maxBackoff || n > 1 && backoff(n) < backoff(n-1) {
			t.Errorf("backoff(%d) is %v", n, backoff(n))
		}
		total += backoff(n)
	}
	if total < 10*time.Second || total > 20*time.Second || backoff(1000) != maxBackoff {
		t.Errorf("attempts last %v, the longest wait is %v", total, backoff(1000))
	}
}
