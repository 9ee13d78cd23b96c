package explain

import (
	"encoding/binary"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/lb/health"
	"ballast/internal/scheduler"
	"ballast/internal/scheduler/policy"
)

const noon = ecs.Time(1_795_262_400_000) // 2026-11-21T12:00:00Z

// scene is a service in a state that a test describes, decided by the scheduler itself.
type scene struct {
	service *ecs.Service
	tracker *scheduler.Tracker
	policy  policy.Policy
	now     ecs.Time
	seq     uint64
	c       Case
}

func definition(family string, revision int, containers ...ecs.ContainerDefinition) *ecs.TaskDefinition {
	if len(containers) == 0 {
		containers = []ecs.ContainerDefinition{{Name: "app", Image: "app:1", Essential: true, CPU: 256, Memory: 512}}
	}
	return &ecs.TaskDefinition{Family: family, Revision: revision, Containers: containers}
}

// newScene gives a service with its first deployment, which wants as many tasks.
func newScene(desired int, d *ecs.TaskDefinition) *scene {
	s := &scene{tracker: scheduler.NewTracker(), now: noon}
	s.policy, _ = policy.Named("ecs")
	s.service = &ecs.Service{Cluster: "default", Name: "web", Desired: desired, MinimumHealthyPercent: 100, MaximumPercent: 200}
	s.deploy(d)
	return s
}

// deploy puts a new deployment before the others.
func (s *scene) deploy(d *ecs.TaskDefinition) *ecs.Deployment {
	next := ecs.Deployment{ID: ecs.DeploymentID(1001 + len(s.service.Deployments)), Definition: d, Family: d.Family, Revision: d.Revision,
		Desired: s.service.Desired}
	s.service.Deployments = append([]ecs.Deployment{next}, s.service.Deployments...)
	s.service.Definition, s.service.Family, s.service.Revision = d, d.Family, d.Revision
	s.sync()
	return &s.service.Deployments[0]
}

// sync has the tracker take over what a test changed of the service.
func (s *scene) sync() {
	s.tracker.SetDeployments(s.service.Deployments)
	s.tracker.SetService(s.service, s.policy)
}

// add gives deployment i a task in a phase; change may change both.
func (s *scene) add(i int, phase scheduler.Phase, change ...func(*Task)) *Task {
	s.seq++
	d := &s.service.Deployments[i]
	t := &ecs.Task{Seq: s.seq, Cluster: "default", Service: "web", Definition: d.Definition, Deployment: d.ID, Instance: ecs.ID{0xaa},
		DesiredStatus: ecs.StatusRunning, LastStatus: ecs.StatusRunning, CreatedAt: s.now.Add(-time.Minute)}
	binary.BigEndian.PutUint64(t.ID[:], 0x7a5c_0000_0000_0000+s.seq<<32)
	t.Containers = make([]ecs.Container, len(d.Definition.Containers))
	for i := range t.Containers {
		t.Containers[i].Status = ecs.StatusRunning
	}
	switch phase {
	case scheduler.Starting:
		t.LastStatus, t.Containers[0].Status = ecs.StatusPending, ecs.StatusPending
	case scheduler.Stopping:
		t.DesiredStatus, t.LastStatus, t.StoppingAt = ecs.StatusStopped, ecs.StatusStopping, s.now.Add(-5*time.Second)
	case scheduler.Unhealthy, scheduler.Graced:
		t.Containers[0].Health = ecs.HealthUnhealthy
	}
	if phase != scheduler.Starting {
		t.StartedAt = s.now.Add(-30 * time.Second)
	}
	known := &Task{Task: t, Phase: phase}
	for _, c := range change {
		c(known)
	}
	s.tracker.Update(scheduler.Task{Seq: t.Seq, Deployment: d.ID, Phase: phase, Due: known.Due, Protected: t.ProtectedUntil != 0})
	if phase != scheduler.Healthy || t.ProtectedUntil != 0 {
		s.c.Tasks = append(s.c.Tasks, *known)
	}
	return known
}

// ended is a task of deployment 0 that stopped some time ago.
func (s *scene) ended(ago time.Duration, code ecs.StopCode, reason string, change ...func(*ecs.Task)) *ecs.Task {
	t := s.add(0, scheduler.Stopping).Task
	s.c.Tasks = s.c.Tasks[:len(s.c.Tasks)-1]
	s.tracker.Remove(t.Seq)
	t.LastStatus, t.StopCode, t.StoppedReason = ecs.StatusStopped, code, reason
	t.StoppingAt, t.StoppedAt = s.now.Add(-ago), s.now.Add(-ago)
	t.StartedAt = t.StoppingAt.Add(-30 * time.Second)
	for i := range t.Containers {
		t.Containers[i].Status = ecs.StatusStopped
	}
	for _, c := range change {
		c(t)
	}
	s.c.Stopped = append(s.c.Stopped, t)
	return t
}

// exited gives the first container of a task an exit code, and refused has it never start.
func exited(code int32) func(*ecs.Task) {
	return func(t *ecs.Task) { t.Containers[0].ExitCode = &code }
}

func refused(reason string) func(*ecs.Task) {
	return func(t *ecs.Task) { t.StartedAt, t.Containers[0].Reason = 0, reason }
}

// decided gives the case, as it is after the scheduler has decided and what it wanted has been done or refused.
func (s *scene) decided() *Case {
	for range 3 {
		plan := scheduler.Decide(s.tracker.View(), s.now)
		for _, start := range plan.Starts {
			s.tracker.Refuse(start.Deployment, start.Count, s.now)
		}
		s.c.Waits, s.c.Wake, s.service.Steady = plan.Explanations, plan.Wake, plan.Steady
	}
	for _, k := range s.c.Stuck {
		s.c.Waits = append(s.c.Waits, k.Explanation())
	}
	s.c.Now, s.c.Service, s.c.View = s.now, s.service, *s.tracker.View()
	return &s.c
}

const groupARN = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/"

// balance has the service register its tasks with target groups of those names.
func (s *scene) balance(names ...string) {
	for _, name := range names {
		g := health.DefaultGroup(groupARN + name + "/0123456789abcdef")
		g.Interval, g.Delay = 10*time.Second, 30*time.Second
		s.c.Groups = append(s.c.Groups, Group{Group: g, Container: "app", Port: 80})
		s.service.LoadBalancers = append(s.service.LoadBalancers, ecs.LoadBalancer{TargetGroup: g.ARN, Container: "app", Port: 80})
	}
}

// targets says how a task stands in the target groups, in their order, from some time ago on; those beyond are not known.
func (s *scene) targets(since time.Duration, healths ...health.Target) func(*Task) {
	return func(t *Task) {
		for i := range s.c.Groups {
			x := Target{Group: &s.c.Groups[i]}
			if i < len(healths) {
				x.Known, x.Health, x.Since = true, healths[i], s.now.Add(-since)
				s.c.Groups[i].States[x.Health.State()]++
			}
			t.Targets = append(t.Targets, x)
		}
	}
}

// Targets as health checks leave them.
var (
	fresh   = health.Target{}
	passing = probed(fresh, health.Passed)
	failing = probed(fresh, health.Mismatched)
	sick    = probed(fresh, health.Mismatched, health.Mismatched)
	late    = probed(fresh, health.TimedOut, health.TimedOut)
)

func probed(t health.Target, outcomes ...health.Outcome) health.Target {
	for _, o := range outcomes {
		t = t.Probed(health.Result{Outcome: o, Code: 503}, health.DefaultThresholds)
	}
	return t
}

// deactivating has a task be drained since some time ago.
func deactivating(ago, ends time.Duration) func(*Task) {
	return func(t *Task) {
		t.LastStatus, t.StoppingAt, t.DrainEnds = ecs.StatusDeactivating, noon.Add(-ago), noon.Add(ends)
		t.StopCode, t.StoppedReason = ecs.ServiceSchedulerInitiated, ecs.ReasonScaling(t.Deployment)
	}
}
