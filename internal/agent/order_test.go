package agent

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
)

// after makes a container depend on another.
func after(d ecs.ContainerDefinition, name string, condition ecs.Condition) ecs.ContainerDefinition {
	d.DependsOn = append(d.DependsOn, ecs.Dependency{Container: name, Condition: condition})
	return d
}

func startWithin(d ecs.ContainerDefinition, timeout time.Duration) ecs.ContainerDefinition {
	d.StartTimeout = timeout
	return d
}

func linked(d ecs.ContainerDefinition, link string) ecs.ContainerDefinition {
	d.Isolation = &ecs.Isolation{Links: []string{link}}
	return d
}

func volumesFrom(d ecs.ContainerDefinition, name string) ecs.ContainerDefinition {
	d.VolumesFrom = []ecs.VolumeFrom{{Container: name}}
	return d
}

var ofOrder = regexp.MustCompile(`call \d+ (start|stop) (\S+)`)

// order gives which containers were started and stopped, and when.
func order(w *world) string {
	var out []string
	for line := range strings.Lines(w.log.String()) {
		if m := ofOrder.FindStringSubmatch(line); m != nil {
			out = append(out, strings.Fields(line)[0]+" "+m[1]+" "+strings.TrimPrefix(m[2], "t1/"))
		}
	}
	return strings.Join(out, "\n")
}

// TestOrder starts tasks, stops them after 20 s, and looks at the order in which that is done.
func TestOrder(t *testing.T) {
	slow := []string{fake.EnvStopDelay, "2s"}
	for _, c := range []struct {
		name  string
		boxes []ecs.ContainerDefinition
		want  []string
	}{
		{"START and the reverse", []ecs.ContainerDefinition{
			after(box("web", slow...), "db", ecs.DependStart), box("db", fake.EnvStartDelay, "3s"),
		}, []string{"0.000 start db", "3.000 start web", "20.000 stop web", "22.000 stop db"}},
		{"COMPLETE", []ecs.ContainerDefinition{
			after(box("web"), "init", ecs.DependComplete), optional(box("init", fake.EnvExitAfter, "4s", fake.EnvExitCode, "1")),
		}, []string{"0.000 start init", "4.000 start web", "20.000 stop web"}},
		{"SUCCESS", []ecs.ContainerDefinition{
			after(box("web"), "init", ecs.DependSuccess), optional(box("init", fake.EnvExitAfter, "4s")),
		}, []string{"0.000 start init", "4.000 start web", "20.000 stop web"}},
		{"HEALTHY", []ecs.ContainerDefinition{
			after(box("web", slow...), "db", ecs.DependHealthy), checkedBox("db", fake.EnvHealth, "unhealthy,healthy@7s"),
		}, []string{"0.000 start db", "10.000 start web", "20.000 stop web", "22.000 stop db"}},
		{"links", []ecs.ContainerDefinition{
			linked(box("web", slow...), "db:store"), box("db", fake.EnvStartDelay, "3s"),
		}, []string{"0.000 start db", "3.000 start web", "20.000 stop web", "22.000 stop db"}},
		{"volumes of another", []ecs.ContainerDefinition{
			volumesFrom(box("web", slow...), "db"), box("db", fake.EnvStartDelay, "3s"),
		}, []string{"0.000 start db", "0.000 start web", "20.000 stop web", "22.000 stop db"}},
		{"a chain", []ecs.ContainerDefinition{
			after(box("c", slow...), "b", ecs.DependStart), after(box("b", slow...), "a", ecs.DependStart), box("a"), box("z"),
		}, []string{"0.000 start a", "0.000 start z", "0.000 start b", "0.000 start c", "20.000 stop c", "20.000 stop z", "22.000 stop b",
			"24.000 stop a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, what := newTalker(), work(c.boxes...)
			w.assign(run(1, what))
			w.live(20 * time.Second)
			w.assign(stop(1, what))
			w.live(10 * time.Second)
			if diff := cmp.Diff(strings.Join(c.want, "\n"), order(w.world)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if got := w.m.tasks[taskID(1)].status; got != ecs.StatusStopped {
				t.Errorf("the task is %s", got)
			}
		})
	}
}

// TestOrderFails has dependencies come to nothing: the dependent never runs and says why, and with it, being essential, the task
// fails to start.
func TestOrderFails(t *testing.T) {
	const failed = "CannotStartContainerError: dependency graph: failed to resolve container ordering dependency [dep] for target [web] "
	for _, c := range []struct {
		name      string
		dep       ecs.ContainerDefinition
		condition ecs.Condition
		want      string
		at        time.Duration
	}{
		{"SUCCESS", box("dep", fake.EnvExitAfter, "2s", fake.EnvExitCode, "1"), ecs.DependSuccess,
			failed + "as dependency did not exit successfully.", 2 * time.Second},
		{"HEALTHY", checkedBox("dep", fake.EnvExitAfter, "2s"), ecs.DependHealthy,
			failed + "as the dependency ended before it was healthy.", 2 * time.Second},
		{"never starts", box("dep", fake.EnvFailStart, "no"), ecs.DependStart, failed + "because dependency will never start", 0},
		{"never ends", box("dep", fake.EnvFailStart, "no"), ecs.DependComplete, failed + "because dependency will never start", 0},
		{"never succeeds", box("dep", fake.EnvFailStart, "no"), ecs.DependSuccess, failed + "as dependency did not exit successfully.", 0},
		{"times out", startWithin(checkedBox("dep", fake.EnvHealth, "unhealthy"), 7*time.Second), ecs.DependHealthy,
			"CannotStartContainerError: dependency graph: container ordering dependency [dep] for target [web] has timed out.",
			7 * time.Second},
		{"does not end in time", startWithin(box("dep"), 3*time.Second), ecs.DependComplete,
			"CannotStartContainerError: dependency graph: container ordering dependency [dep] for target [web] has timed out.",
			3 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newTalker()
			w.assign(run(1, work(after(box("web"), "dep", c.condition), optional(c.dep))))
			w.live(60 * time.Second)
			task := w.m.tasks[taskID(1)]
			web := task.container("web")
			if web.reason != c.want || web.exitCode == nil || *web.exitCode != 143 || web.started.At != 0 {
				t.Errorf("web ended with %v, %q, want code 143 and %q", web.exitCode, web.reason, c.want)
			}
			if got := web.stopAt.Sub(began); got != c.at {
				t.Errorf("web ended after %v, want %v", got, c.at)
			}
			if task.status != ecs.StatusStopped || task.startedAt != 0 {
				t.Errorf("the task is %s, started at %d", task.status, task.startedAt)
			}
		})
	}
}

// TestOrderCircle has containers wait for each other, which no definition that was registered does.
func TestOrderCircle(t *testing.T) {
	w := newTalker()
	w.assign(run(1, work(after(box("a"), "b", ecs.DependStart), after(box("b"), "a", ecs.DependStart))))
	task := w.m.tasks[taskID(1)]
	if task.status != ecs.StatusStopped || !strings.HasPrefix(task.reason, "TaskDependencyError: Task dependencies cannot be resolved") {
		t.Errorf("the task is %s, %q", task.status, task.reason)
	}
}
