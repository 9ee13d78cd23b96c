package explain

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/ecs"
	"ballast/internal/lb/health"
	"ballast/internal/scheduler"
	"ballast/internal/scheduler/placement"
	"ballast/internal/scheduler/policy"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// failed says of how many tasks the circuit breaker knows.
func failed(n int, rollout ecs.RolloutState) func(*scene) {
	return func(s *scene) { s.service.Deployments[0].FailedTasks, s.service.Deployments[0].Rollout = n, rollout }
}

var check = &ecs.HealthCheck{Command: []string{"CMD-SHELL", "curl -f localhost"}, Interval: 10 * time.Second, Retries: 3}

func checked(revision int) *ecs.TaskDefinition {
	return definition("web", revision, ecs.ContainerDefinition{Name: "app", Image: "app:1", Essential: true, Memory: 512, HealthCheck: check})
}

// crash makes tasks that ended with exit code 1, the last one a while ago.
func crash(s *scene, n int, last time.Duration) {
	for i := range n {
		s.ended(last+time.Duration(i)*time.Minute, ecs.EssentialContainerExited, ecs.ReasonEssentialExited, exited(1))
	}
}

// scenes are the cases of the golden files.
var scenes = map[string]func() *scene{
	"steady": func() *scene {
		s := newScene(3, definition("web", 1))
		s.service.Deployments[0].Rollout = ecs.RolloutCompleted
		for range 3 {
			s.add(0, scheduler.Healthy)
		}
		s.ended(40*time.Minute, ecs.EssentialContainerExited, ecs.ReasonEssentialExited, exited(139))
		s.sync()
		return s
	},
	"desired-zero": func() *scene {
		s := newScene(0, definition("web", 1))
		s.service.Deployments[0].Rollout = ecs.RolloutCompleted
		s.sync()
		return s
	},
	"rolling": func() *scene {
		s := newScene(3, checked(1))
		s.service.MaximumPercent = 134
		s.service.Deployments[0].Rollout = ecs.RolloutCompleted
		s.deploy(checked(2))
		s.add(0, scheduler.Starting, func(t *Task) { t.PullStartedAt = noon.Add(-12 * time.Second) })
		s.add(1, scheduler.Healthy)
		s.add(1, scheduler.Healthy)
		s.add(1, scheduler.Healthy)
		return s
	},
	"warming": func() *scene {
		s := newScene(3, definition("web", 1))
		s.add(0, scheduler.Healthy)
		s.add(0, scheduler.Warming, func(t *Task) { t.Due = noon.Add(10 * time.Second) })
		s.add(0, scheduler.Warming, func(t *Task) { t.Due = noon.Add(7 * time.Second) })
		return s
	},
	"checks": func() *scene {
		s := newScene(2, checked(1))
		s.service.GracePeriod = 120
		s.add(0, scheduler.Warming)
		s.add(0, scheduler.Graced, func(t *Task) { t.Due = noon.Add(90 * time.Second) })
		return s
	},
	"unhealthy": func() *scene {
		s := newScene(2, checked(1))
		s.service.Deployments[0].Rollout = ecs.RolloutCompleted
		s.add(0, scheduler.Healthy)
		s.add(0, scheduler.Unhealthy)
		s.add(0, scheduler.Starting, func(t *Task) { t.PullStartedAt, t.PullStoppedAt = noon.Add(-2*time.Second), noon.Add(-time.Second) })
		s.ended(2*time.Minute, ecs.ServiceSchedulerInitiated, scheduler.ReasonFailedContainerChecks,
			func(t *ecs.Task) { t.Containers[0].Health = ecs.HealthUnhealthy })
		return s
	},
	"unhealthy-limited": func() *scene {
		s := newScene(2, checked(1))
		s.service.MaximumPercent = 100
		s.service.Deployments[0].Rollout = ecs.RolloutCompleted
		s.add(0, scheduler.Healthy)
		s.add(0, scheduler.Unhealthy)
		s.sync()
		return s
	},
	"unhealthy-throttled": func() *scene {
		s := newScene(2, checked(1))
		s.tracker.Restore(&ecs.Service{Throttle: ecs.Backoff{Failed: 2, Since: noon.Add(-time.Second), Announced: true}})
		s.add(0, scheduler.Unhealthy)
		s.add(0, scheduler.Unhealthy)
		return s
	},
	"unhealthy-crowded": func() *scene {
		s := newScene(2, checked(1))
		s.service.Deployments[0].Rollout = ecs.RolloutCompleted
		s.add(0, scheduler.Healthy)
		s.add(0, scheduler.Unhealthy)
		s.sync()
		return s
	},
	"throttled": func() *scene {
		s := newScene(2, definition("web", 3))
		s.tracker.Restore(&ecs.Service{Throttle: ecs.Backoff{Failed: 3, Since: noon.Add(-time.Minute), Announced: true}})
		for range 4 {
			s.ended(70*time.Second, ecs.TaskFailedToStart, ecs.ReasonFailedToStart,
				refused("CannotPullContainerError: pull access denied for app, repository does not exist"))
		}
		return s
	},
	"throttled-without-room": func() *scene {
		s := newScene(2, definition("web", 3))
		s.tracker.Restore(&ecs.Service{Throttle: ecs.Backoff{Failed: 2, Since: noon.Add(-time.Second), Announced: true}})
		s.c.Rooms = []Room{{Deployment: s.service.Deployments[0].ID, Demand: placement.Demand{CPU: 256, Memory: 512}, Instances: 1,
			Closest: []placement.Shortfall{{Instance: ecs.ID{0xaa}, CPU: 1024, Memory: 100, ShortMemory: 412, Reason: "has insufficient memory available."}}}}
		return s
	},
	"loop": func() *scene {
		s := newScene(2, definition("web", 1))
		crash(s, 7, 3*time.Second)
		s.ended(8*time.Minute, ecs.EssentialContainerExited, ecs.ReasonEssentialExited, exited(137),
			func(t *ecs.Task) { t.Containers[0].Reason = "OutOfMemoryError: Container killed due to memory usage" })
		s.add(0, scheduler.Warming, func(t *Task) { t.Due = noon.Add(20 * time.Second) })
		s.add(0, scheduler.Starting)
		return s
	},
	"braked": func() *scene {
		s := newScene(2, definition("web", 1))
		s.policy.Brake = policy.BrakeBackoff
		s.tracker.Restore(&ecs.Service{Brake: ecs.Backoff{Failed: 3, Since: noon.Add(-10 * time.Second), Announced: true}})
		crash(s, 3, 10*time.Second)
		s.sync()
		return s
	},
	"parked": func() *scene {
		s := newScene(2, definition("web", 1))
		s.policy.Brake = policy.BrakePark
		s.tracker.Restore(&ecs.Service{Brake: ecs.Backoff{Failed: 10, Since: noon.Add(-time.Hour), Announced: true}})
		s.sync()
		return s
	},
	"breaker-counting": func() *scene {
		s := newScene(4, definition("web", 2))
		s.service.Breaker = ecs.Breaker{Enabled: true, Rollback: true}
		s.service.LastCompleted = &ecs.Deployment{ID: 7, Family: "web", Revision: 1}
		failed(2, ecs.RolloutInProgress)(s)
		s.sync()
		for range 4 {
			s.add(0, scheduler.Starting)
		}
		return s
	},
	"breaker-failed": func() *scene {
		s := newScene(3, definition("web", 2))
		s.service.Breaker = ecs.Breaker{Enabled: true}
		failed(3, ecs.RolloutFailed)(s)
		s.service.Deployments[0].RolloutReason = scheduler.CauseBreaker.Reason()
		s.sync()
		for range 3 {
			s.ended(time.Minute, ecs.TaskFailedToStart, ecs.ReasonFailedToStart,
				refused("CannotCreateContainerError: write /var/lib: no space left on device"))
		}
		return s
	},
	"rolling-back": func() *scene {
		s := newScene(2, definition("web", 2))
		failed(3, ecs.RolloutFailed)(s)
		s.service.Deployments[0].RolloutReason = scheduler.CauseBreaker.Reason()
		s.add(0, scheduler.Stopping)
		s.deploy(definition("web", 1)).RolloutReason = scheduler.CauseBreaker.RollingBackReason(7)
		s.add(0, scheduler.Healthy)
		s.add(0, scheduler.Starting)
		return s
	},
	"recalled": func() *scene {
		s := newScene(2, definition("web", 2))
		failed(0, ecs.RolloutFailed)(s)
		s.service.Deployments[0].RolloutReason = scheduler.CauseRecall.Reason()
		s.add(0, scheduler.Stopping)
		s.deploy(definition("web", 1)).RolloutReason = scheduler.CauseRecall.RollingBackReason(7)
		s.add(0, scheduler.Healthy)
		s.add(0, scheduler.Healthy)
		return s
	},
	"deadlocked": func() *scene {
		s := newScene(3, definition("web", 1))
		s.service.MaximumPercent = 100
		s.service.Deployments[0].Rollout = ecs.RolloutCompleted
		s.deploy(definition("web", 2))
		for range 3 {
			s.add(1, scheduler.Healthy)
		}
		return s
	},
	"no-room": func() *scene {
		s := newScene(3, definition("web", 1))
		s.add(0, scheduler.Healthy)
		s.c.Rooms = []Room{{Deployment: s.service.Deployments[0].ID, Demand: placement.Demand{CPU: 256, Memory: 512, Ports: []uint16{80, 443}},
			Instances: 6, Closest: []placement.Shortfall{
				{Instance: ecs.ID{0xaa}, CPU: 1024, Memory: 4096, Ports: []uint16{80}, Reason: "is already using a port required by your task."},
				{Instance: ecs.ID{0xbb}, CPU: 128, Memory: 500, ShortCPU: 128, ShortMemory: 12, Reason: "has insufficient CPU units available."},
				{Instance: ecs.ID{0xcc}, Disconnected: true}}}}
		return s
	},
	"no-instance": func() *scene {
		s := newScene(1, definition("web", 1))
		s.c.Rooms = []Room{{Deployment: s.service.Deployments[0].ID, Demand: placement.Demand{Memory: 512}}}
		return s
	},
	"room-again": func() *scene {
		s := newScene(1, definition("web", 1))
		s.c.Rooms = []Room{{Deployment: s.service.Deployments[0].ID, Demand: placement.Demand{Memory: 512}, Instances: 1,
			Closest: []placement.Shortfall{{Instance: ecs.ID{0xaa}, CPU: 4096, Memory: 4096}}}}
		return s
	},
	"stuck": func() *scene {
		s := newScene(1, dependent())
		t := s.add(0, scheduler.Starting, func(t *Task) { t.Containers[1].Health = ecs.HealthUnhealthy })
		s.policy.StuckAfter = 5 * time.Minute
		s.c.Stuck = []scheduler.Stuck{{Seq: t.Seq, Task: t.ID, Deployment: t.Deployment, Container: "app", Dependency: "db", Since: noon.Add(-time.Minute)}}
		s.sync()
		return s
	},
	"stuck-for-now": func() *scene {
		s := newScene(1, dependent())
		t := s.add(0, scheduler.Starting, func(t *Task) {
			t.Containers[1].Health = ecs.HealthUnhealthy
			t.Definition.Containers[1].StartTimeout = 2 * time.Minute
		})
		s.c.Stuck = []scheduler.Stuck{{Seq: t.Seq, Task: t.ID, Deployment: t.Deployment, Container: "app", Dependency: "db", Since: noon.Add(-time.Minute)}}
		s.sync()
		return s
	},
	"protected": func() *scene {
		s := newScene(1, definition("web", 1))
		s.service.Deployments[0].Rollout = ecs.RolloutCompleted
		for i := range 3 {
			s.add(0, scheduler.Healthy, func(t *Task) { t.ProtectedUntil = noon.Add(time.Duration(i+1) * time.Hour) })
		}
		return s
	},
	"instance-silent": func() *scene {
		s := newScene(2, definition("web", 1))
		s.add(0, scheduler.Healthy)
		s.add(0, scheduler.Starting)
		s.c.Silent = []Silent{{Instance: ecs.ID{0xaa}, Tasks: 2, Heard: noon.Add(-35 * time.Second), LostAt: noon.Add(25 * time.Second)}}
		return s
	},
	"instance-impaired": func() *scene {
		s := newScene(2, definition("web", 1))
		s.add(0, scheduler.Healthy)
		s.add(0, scheduler.Starting)
		s.c.Impaired = []Impaired{{Instance: ecs.ID{0xaa}, Tasks: 2, Why: "watch the ends of containers: connection refused"}}
		return s
	},
	"instance-lost": func() *scene {
		s := newScene(2, definition("web", 1))
		for range 2 {
			s.ended(time.Second, ecs.InfrastructureHealth, "Container instance aa lost: its agent has been silent for 1m0s")
			s.add(0, scheduler.Starting)
		}
		return s
	},
	"kept": func() *scene {
		s := newScene(1, checked(1))
		s.service.Deployments[0].Rollout = ecs.RolloutCompleted
		s.c.Kept = []*ecs.Task{{ID: ecs.ID{0xde, 0xad}}}
		s.add(0, scheduler.Healthy)
		s.sync()
		return s
	},
	"deleted": func() *scene {
		s := newScene(0, definition("web", 1))
		s.service.Status, s.service.Cluster = ecs.ServiceDraining, "blue"
		s.add(0, scheduler.Stopping)
		s.sync()
		return s
	},
	"paced": func() *scene {
		s := newScene(2, definition("web", 1))
		s.policy.PacePerMinute = 1
		s.sync()
		for range 2 {
			t := s.add(0, scheduler.Warming)
			s.tracker.Died(t.Seq, time.Second)
			s.tracker.Remove(t.Seq)
		}
		s.c.Tasks = nil
		s.tracker.Placed(scheduler.Start{Deployment: s.service.Deployments[0].ID, Count: 2, Paced: 2}, 2, s.now)
		for range 2 {
			t := s.add(0, scheduler.Warming)
			s.tracker.Died(t.Seq, time.Second)
			s.tracker.Remove(t.Seq)
		}
		s.c.Tasks = nil
		return s
	},
}

// balancedScenes are those of services with target groups.
var balancedScenes = map[string]func() *scene{
	"targets-registering": func() *scene {
		s := newScene(3, definition("web", 1))
		s.balance("web", "admin")
		s.add(0, scheduler.Warming, s.targets(0))
		s.add(0, scheduler.Warming, s.targets(5*time.Second, fresh))
		s.add(0, scheduler.Warming, s.targets(time.Minute, passing), func(t *Task) { t.StartedAt = noon.Add(-unregisteredFor) })
		return s
	},
	"targets-initial": func() *scene {
		s := newScene(4, checked(1))
		s.service.GracePeriod = 90
		s.balance("web")
		s.add(0, scheduler.Warming, s.targets(5*time.Second, fresh.Checking()))
		s.add(0, scheduler.Warming, s.targets(5*time.Second, failing))
		s.add(0, scheduler.Warming, s.targets(5*time.Second, passing))
		s.add(0, scheduler.Graced, s.targets(5*time.Second, sick), func(t *Task) { t.Due, t.Containers[0].Health = noon.Add(time.Minute), ecs.HealthHealthy })
		return s
	},
	"targets-unhealthy": func() *scene {
		s := newScene(4, definition("web", 1))
		s.service.Deployments[0].Rollout = ecs.RolloutCompleted
		s.balance("web")
		s.add(0, scheduler.Healthy, s.targets(time.Hour, passing))
		s.add(0, scheduler.Unhealthy, s.targets(20*time.Second, sick))
		s.add(0, scheduler.Unhealthy, s.targets(10*time.Second, late))
		s.add(0, scheduler.Unhealthy, s.targets(20*time.Second, sick))
		for i := range byte(3) {
			s.add(0, scheduler.Starting, s.targets(0), func(t *Task) { t.Instance = ecs.ID{0xaa + i%2} })
		}
		s.sync()
		return s
	},
	"registry": func() *scene {
		s := newScene(3, definition("web", 1))
		s.c.Groups = []Group{{Group: health.Group{ARN: "arn:aws:servicediscovery:us-east-1:000000000000:service/srv-1a2b", Interval: 30 * time.Second,
			Limits: health.Thresholds{Healthy: 1, Unhealthy: 1}}}}
		s.add(0, scheduler.Warming, s.targets(5*time.Second, fresh))
		s.add(0, scheduler.Warming, s.targets(0))
		s.add(0, scheduler.Unhealthy, s.targets(5*time.Second, late))
		s.add(0, scheduler.Starting, s.targets(0))
		s.add(0, scheduler.Stopping, s.targets(5*time.Second, passing.Deregister()))
		return s
	},
	"targets-overburdened": func() *scene {
		s := newScene(8, definition("web", 1))
		s.service.Deployments[0].Rollout = ecs.RolloutCompleted
		s.service.MaximumPercent = 150
		s.balance("web")
		for range 8 {
			s.add(0, scheduler.Unhealthy, s.targets(20*time.Second, late))
		}
		for range 4 {
			s.add(0, scheduler.Starting, s.targets(0), func(t *Task) { t.PullStartedAt = noon.Add(-5 * time.Second) })
		}
		s.sync()
		return s
	},
	"targets-without-room": func() *scene {
		s := newScene(2, definition("web", 1))
		s.service.Deployments[0].Rollout = ecs.RolloutCompleted
		s.balance("web")
		for range 2 {
			s.add(0, scheduler.Unhealthy, s.targets(20*time.Second, probed(fresh, health.Failed, health.Failed)))
			s.add(0, scheduler.Stopping, s.targets(5*time.Second, sick.Deregister()), deactivating(6*time.Second, 85*time.Second))
		}
		s.sync()
		return s
	},
	"targets-unused": func() *scene {
		s := newScene(1, definition("web", 1))
		s.service.Deployments[0].Rollout = ecs.RolloutCompleted
		s.service.MaximumPercent = 100
		s.balance("web")
		s.add(0, scheduler.Unhealthy, s.targets(20*time.Second, fresh.NotInUse()))
		s.sync()
		return s
	},
	"targets-draining": func() *scene {
		s := newScene(1, definition("web", 1))
		s.service.Deployments[0].Rollout = ecs.RolloutCompleted
		s.balance("web")
		s.add(0, scheduler.Healthy, s.targets(time.Hour, passing))
		s.add(0, scheduler.Stopping, s.targets(5*time.Second, passing.Deregister()), deactivating(6*time.Second, 85*time.Second))
		s.add(0, scheduler.Stopping, s.targets(10*time.Second, passing.Deregister()), deactivating(11*time.Second, 80*time.Second))
		s.add(0, scheduler.Stopping, s.targets(time.Hour, passing), deactivating(time.Second, 89*time.Second))
		s.add(0, scheduler.Stopping, s.targets(time.Minute, passing.Deregister()), deactivating(time.Minute, 30*time.Second))
		return s
	},
	"baking": func() *scene {
		s := newScene(1, definition("web", 1))
		s.service.Alarms = &ecs.DeploymentAlarms{Enabled: true, Names: []string{"errors", "latency"}}
		s.service.BakingSince = noon.Add(-time.Minute)
		s.sync()
		s.add(0, scheduler.Healthy)
		return s
	},
	"alarms-ignored": func() *scene {
		s := newScene(2, definition("web", 1))
		s.service.Alarms = &ecs.DeploymentAlarms{Enabled: true, Names: []string{"errors"}}
		s.service.Deployments[0].Unwatched = true
		s.sync()
		s.add(0, scheduler.Healthy)
		s.add(0, scheduler.Starting)
		return s
	},
	"alarm-raised": func() *scene {
		s := newScene(1, definition("web", 1))
		s.service.Deployments[0].Rollout, s.service.Deployments[0].RolloutReason = ecs.RolloutFailed, scheduler.CauseAlarm.Reason()
		s.sync()
		s.add(0, scheduler.Healthy)
		return s
	},
}

// dependent is a definition whose first container waits for the second one.
func dependent() *ecs.TaskDefinition {
	return definition("web", 1, ecs.ContainerDefinition{Name: "app", Essential: true, DependsOn: []ecs.Dependency{{Container: "db",
		Condition: ecs.DependHealthy}}}, ecs.ContainerDefinition{Name: "db", Essential: true, HealthCheck: check})
}

// text is a report as "ballast why" shows it.
func text(r Report) string {
	var b strings.Builder
	for _, line := range r.Lines(time.UTC) {
		b.WriteString(line.Text + "\n")
	}
	return b.String()
}

// golden compares with a file that is reviewed like code.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got); run go test -rewrite and review\n%s", path, diff)
	}
}

func TestService(t *testing.T) {
	for _, some := range []map[string]func() *scene{scenes, balancedScenes} {
		for name, make := range some {
			t.Run(name, func(t *testing.T) { golden(t, name, text(Service(make().decided()))) })
		}
	}
}

// TestTask explains single tasks; the case of a task of a service is that of the service.
func TestTask(t *testing.T) {
	alone := func(change func(*ecs.Task)) func() (*Case, *ecs.Task) {
		return func() (*Case, *ecs.Task) {
			s := newScene(1, dependent())
			task := s.add(0, scheduler.Healthy).Task
			task.Service, task.Deployment = "", 0
			change(task)
			return &Case{Now: noon, View: scheduler.View{Policy: s.policy}}, task
		}
	}
	of := func(name string, task func(*scene) *ecs.Task) func() (*Case, *ecs.Task) {
		return func() (*Case, *ecs.Task) {
			make := scenes[name]
			if make == nil {
				make = balancedScenes[name]
			}
			s := make()
			c := s.decided()
			return c, task(s)
		}
	}
	ended := func(ago time.Duration, code ecs.StopCode, reason string, change ...func(*ecs.Task)) func() (*Case, *ecs.Task) {
		return of("desired-zero", func(s *scene) *ecs.Task { return s.ended(ago, code, reason, change...) })
	}
	for name, make := range map[string]func() (*Case, *ecs.Task){
		"task-alone-runs": alone(func(*ecs.Task) {}),
		"task-alone-unhealthy": alone(func(t *ecs.Task) {
			t.Health, t.Containers[1].Health = ecs.HealthUnhealthy, ecs.HealthUnhealthy
		}),
		"task-alone-waits": alone(func(t *ecs.Task) {
			t.LastStatus, t.StartedAt, t.Containers[0].Status = ecs.StatusPending, 0, ecs.StatusPending
		}),
		"task-alone-stuck": alone(func(t *ecs.Task) {
			t.LastStatus, t.StartedAt, t.Containers[0].Status = ecs.StatusPending, 0, ecs.StatusPending
			t.Containers[1].Health = ecs.HealthUnhealthy
		}),
		"task-alone-stuck-for-now": alone(func(t *ecs.Task) {
			t.LastStatus, t.StartedAt, t.Containers[0].Status = ecs.StatusPending, 0, ecs.StatusPending
			t.Containers[1].Health = ecs.HealthUnhealthy
			t.Definition.Containers[1].StartTimeout = 2 * time.Minute
		}),
		"task-dependency-failed": alone(func(t *ecs.Task) {
			t.LastStatus, t.DesiredStatus, t.StartedAt = ecs.StatusStopped, ecs.StatusStopped, 0
			t.StopCode, t.StoppedReason, t.StoppingAt = ecs.TaskFailedToStart, ecs.ReasonFailedToStart, noon
			t.Containers[0].Reason = "CannotStartContainerError: dependency graph: failed to resolve container ordering dependency [db]"
			t.Containers[0].ExitCode, t.Containers[1].ExitCode = new(int32(143)), new(int32(2))
		}),
		"task-alone-done": alone(func(t *ecs.Task) {
			t.LastStatus, t.DesiredStatus = ecs.StatusStopped, ecs.StatusStopped
			t.StopCode, t.StoppedReason, t.StoppingAt = ecs.EssentialContainerExited, ecs.ReasonEssentialExited, noon
			t.Containers[0].ExitCode, t.Containers[1].ExitCode = new(int32(0)), new(int32(137))
		}),
		"task-healthy": of("steady", func(s *scene) *ecs.Task {
			return &ecs.Task{ID: ecs.ID{1}, Cluster: "default", Service: "web", LastStatus: ecs.StatusRunning, DesiredStatus: ecs.StatusRunning, Definition: definition("web", 1), StartedAt: noon}
		}),
		"task-unhealthy": of("unhealthy", func(s *scene) *ecs.Task { return s.c.Tasks[0].Task }),
		"task-stuck":     of("stuck", func(s *scene) *ecs.Task { return s.c.Tasks[0].Task }),
		"task-target-healthy": of("targets-draining", func(s *scene) *ecs.Task {
			return s.add(0, scheduler.Healthy, s.targets(time.Minute, probed(passing, health.TimedOut)), func(t *Task) { s.c.Tasks = append(s.c.Tasks, *t) }).Task
		}),
		"task-target-unhealthy": of("targets-unhealthy", func(s *scene) *ecs.Task {
			return s.add(0, scheduler.Unhealthy, s.targets(time.Minute, probed(sick, health.Passed, health.Passed))).Task
		}),
		"task-target-draining":    of("targets-draining", func(s *scene) *ecs.Task { return s.c.Tasks[0].Task }),
		"task-target-registering": of("targets-registering", func(s *scene) *ecs.Task { return s.c.Tasks[1].Task }),
		"task-warming":            of("warming", func(s *scene) *ecs.Task { return s.c.Tasks[1].Task }),
		"task-stopping": of("rolling-back", func(s *scene) *ecs.Task {
			t := s.c.Tasks[0].Task
			t.StopCode, t.StoppedReason = ecs.ServiceSchedulerInitiated, ecs.ReasonScaling(t.Deployment)
			return t
		}),
		"task-exited":  ended(time.Minute, ecs.EssentialContainerExited, ecs.ReasonEssentialExited, exited(0)),
		"task-by-user": ended(time.Minute, ecs.UserInitiated, "a look\ninto it.", exited(143)),
		"task-kept": of("kept", func(s *scene) *ecs.Task {
			return &ecs.Task{ID: ecs.ID{0xde, 0xad}, Cluster: "default", Service: "web", Kept: true, LastStatus: ecs.StatusRunning,
				DesiredStatus: ecs.StatusRunning, Definition: checked(1), StartedAt: noon.Add(-time.Hour)}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			c, task := make()
			golden(t, name, text(OneTask(c, task)))
		})
	}
}
