package sim

import (
	"testing"
	"time"

	"ballast/internal/control/journal"
	"ballast/internal/control/services"
	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
	"ballast/internal/scheduler"
)

// noChance is never asked: what is applied here starts no deployment and says nothing.
type noChance struct{}

func (noChance) ID() ecs.ID                   { panic("sim: no id is needed") }
func (noChance) Deployment() ecs.DeploymentID { panic("sim: no deployment is needed") }

// comingAndGoing is a task definition whose container is started again in place for ever, and has a health check.
func comingAndGoing() ecs.TaskDefinition {
	d := goodDefinition("web")
	script(&d, fake.EnvExitAfter, "10s")
	d.Containers[0].RestartPolicy = &ecs.RestartPolicy{AttemptPeriod: 5 * time.Second}
	d.Containers[0].HealthCheck = &ecs.HealthCheck{Interval: 5 * time.Second, Retries: 3}
	return d
}

// TestComesAndGoes takes away, one by one, what makes the health of a task come and go.
func TestComesAndGoes(t *testing.T) {
	for name, test := range map[string]struct {
		change func(c *ecs.ContainerDefinition)
		want   bool
	}{
		"as it is":               {func(*ecs.ContainerDefinition) {}, true},
		"not essential":          {func(c *ecs.ContainerDefinition) { c.Essential = false }, false},
		"without a health check": {func(c *ecs.ContainerDefinition) { c.HealthCheck = nil }, false},
		"not started again":      {func(c *ecs.ContainerDefinition) { c.RestartPolicy = nil }, false},
		"never ends":             {func(c *ecs.ContainerDefinition) { c.Environment = nil }, false},
	} {
		d := comingAndGoing()
		test.change(&d.Containers[0])
		if got := comesAndGoes(&d); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	d := comingAndGoing()
	d.Containers = append(goodDefinition("web").Containers, d.Containers...)
	if !comesAndGoes(&d) {
		t.Error("only the first container was looked at")
	}
}

// atRest is a service with two tasks, complete and steady.
func atRest() *ecs.Service {
	d := goodDefinition("web")
	d.Revision = 1
	return &ecs.Service{Cluster: "cluster-1", Name: "web", Seq: 1, Definition: &d, Family: d.Family, Revision: 1, Desired: 2, Running: 2,
		MinimumHealthyPercent: 100, MaximumPercent: 200, Steady: true,
		Deployments: []ecs.Deployment{{ID: 1, Definition: &d, Family: d.Family, Revision: 1, Rollout: ecs.RolloutCompleted}}}
}

// failedAtRest is the same, but for its deployment, which has failed.
func failedAtRest() *ecs.Service {
	s := atRest()
	s.Deployments[0].Rollout, s.Steady = ecs.RolloutFailed, false
	return s
}

// pends says whether a service is found to be pending, and whether it is noted that something may be under way.
func pends(t *testing.T, record *ecs.Service, tasks []ecs.Task, waits ...scheduler.Explanation) (pending, unsettled bool) {
	t.Helper()
	w := emptyWorld(t)
	c := newChecker(w, newPlayer(w))
	w.server.start()
	c.now, c.root = epoch, w.server.root
	for i := range tasks {
		c.live = append(c.live, resident{Task: &tasks[i]})
	}
	book := services.New(&journal.Writer{}, c.policy, func(string, int, int) {})
	book.Load(record, nil, nil)
	s := book.Named(record.Cluster, record.Name)
	book.Apply(epoch, noChance{}, s, &scheduler.Plan{Steady: record.Steady, Explanations: waits})
	return c.pendingService(s) != "", c.unsettled
}

func TestServicesAtRest(t *testing.T) {
	with := func(s *ecs.Service, change func(s *ecs.Service)) *ecs.Service {
		change(s)
		return s
	}
	for name, test := range map[string]struct {
		service            *ecs.Service
		waits              scheduler.Explanation
		pending, unsettled bool
	}{
		"complete and steady":    {service: atRest()},
		"not steady":             {service: with(atRest(), func(s *ecs.Service) { s.Steady = false }), pending: true, unsettled: true},
		"a task too few":         {service: with(atRest(), func(s *ecs.Service) { s.Running = 1 }), pending: true, unsettled: true},
		"a task on its way":      {service: with(atRest(), func(s *ecs.Service) { s.Pending = 1 }), pending: true, unsettled: true},
		"deleted":                {service: with(atRest(), func(s *ecs.Service) { s.Status = ecs.ServiceDraining }), pending: true},
		"deleted and gone":       {service: with(failedAtRest(), func(s *ecs.Service) { s.Status, s.Running = ecs.ServiceInactive, 0 })},
		"in progress":            {service: with(failedAtRest(), func(s *ecs.Service) { s.Deployments[0].Rollout = ecs.RolloutInProgress }), pending: true, unsettled: true},
		"failed":                 {service: failedAtRest()},
		"failed, a task too few": {service: with(failedAtRest(), func(s *ecs.Service) { s.Running = 1 }), pending: true, unsettled: true},
		"failed, one on its way": {service: with(failedAtRest(), func(s *ecs.Service) { s.Pending = 1 }), pending: true, unsettled: true},
		"failed, one too many":   {service: with(failedAtRest(), func(s *ecs.Service) { s.Running = 3 }), pending: true, unsettled: true},
		"failed, and says so":    {service: with(failedAtRest(), func(s *ecs.Service) { s.Running = 1 }), waits: scheduler.Explanation{Wait: scheduler.WaitFailed}, unsettled: true},
		"failed beside an old one": {service: with(failedAtRest(), func(s *ecs.Service) {
			s.Deployments = append(s.Deployments, ecs.Deployment{ID: 2, Definition: s.Definition})
		}), pending: true, unsettled: true},
		"parked":                 {service: with(atRest(), func(s *ecs.Service) { s.Running, s.Steady = 0, false }), waits: scheduler.Explanation{Wait: scheduler.WaitParked}, unsettled: true},
		"deadlocked":             {service: with(atRest(), func(s *ecs.Service) { s.Steady = false }), waits: scheduler.Explanation{Wait: scheduler.WaitDeadlock}, unsettled: true},
		"no room by its window":  {service: with(atRest(), func(s *ecs.Service) { s.Steady, s.MaximumPercent = false, 100 }), waits: scheduler.Explanation{Wait: scheduler.WaitRoom, Tasks: 1}, unsettled: true},
		"no room for now":        {service: with(atRest(), func(s *ecs.Service) { s.Steady = false }), waits: scheduler.Explanation{Wait: scheduler.WaitRoom, Tasks: 1}, pending: true, unsettled: true},
		"throttled, no instance": {service: with(atRest(), func(s *ecs.Service) { s.Running, s.Steady = 0, false }), waits: scheduler.Explanation{Wait: scheduler.WaitThrottle, Until: epoch + 1}, unsettled: true},
		"throttled for too long": {service: with(atRest(), func(s *ecs.Service) { s.Running, s.Steady = 0, false }), waits: scheduler.Explanation{Wait: scheduler.WaitThrottle, Until: epoch}, pending: true, unsettled: true},
	} {
		var waits []scheduler.Explanation
		if test.waits != (scheduler.Explanation{}) {
			waits = append(waits, test.waits)
		}
		pending, unsettled := pends(t, test.service, nil, waits...)
		if pending != test.pending || unsettled != test.unsettled {
			t.Errorf("%s: pending %v, unsettled %v", name, pending, unsettled)
		}
	}
}

// TestServicesThatNeverRest has a service whose tasks' health comes and goes be excused while it has tasks, or says what it waits for,
// and a good one not.
func TestServicesThatNeverRest(t *testing.T) {
	task := ecs.Task{ID: ecs.ID{1}, Cluster: "cluster-1", Service: "web", ServiceSeq: 1}
	pace := scheduler.Explanation{Wait: scheduler.WaitPace}
	restless := func() *ecs.Service {
		s, d := atRest(), comingAndGoing()
		d.Revision, s.Steady, s.Definition, s.Deployments[0].Definition = 1, false, &d, &d
		return s
	}
	if pending, _ := pends(t, restless(), []ecs.Task{task}); pending {
		t.Error("a service whose tasks come and go is pending")
	}
	if pending, _ := pends(t, restless(), nil, pace); pending {
		t.Error("a service that waits for its pace is pending")
	}
	if pending, _ := pends(t, restless(), nil); !pending {
		t.Error("a service with no task and no reason is at rest")
	}
	good := atRest()
	good.Steady = false
	if pending, _ := pends(t, good, []ecs.Task{task}, pace); !pending {
		t.Error("a good service that is not steady is at rest")
	}
}
