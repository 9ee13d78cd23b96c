package control

import (
	"testing"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/lb/health"
)

const registry = "arn:aws:servicediscovery:us-east-1:000000000000:service/srv-0123456789abcdef"

// TestServiceDiscoveryIsASourceOfHealth has a task wait for what service discovery says of it, and be replaced when it says that the task is
// unhealthy ("A deep dive into Amazon ECS task health and task replacement", Task health evaluation). It is not drained before.
func TestServiceDiscoveryIsASourceOfHealth(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	w.balanced(w.define("web"), 1, func(s *ecs.Service) { s.LoadBalancers, s.Registries = nil, []string{registry} })
	discover := func(id ecs.ID, found health.Target) {
		w.do(ReportTargets{Targets: []TargetReport{{Cluster: "default", Task: id, Group: registry, Health: found}}})
	}
	first := w.tasks(ecs.StatusRunning)[0].ID
	w.pass(10 * time.Minute)
	w.target(first, health.Target{}, passes) // a target group that is none of the service's
	equal(t, "rollout while nothing is known", w.service("web").Deployments[0].Rollout, ecs.RolloutInProgress)
	once := health.Thresholds{Healthy: 1, Unhealthy: 1}
	found := health.Target{}.Probed(passes, once)
	discover(first, found)
	equal(t, "rollout after that", w.service("web").Deployments[0].Rollout, ecs.RolloutCompleted)

	discover(first, found.Probed(fails, once))
	both := w.tasks(ecs.StatusRunning)
	equal(t, "tasks while the replacement is not healthy", len(both), 2)
	for _, task := range both {
		if task.ID != first {
			discover(task.ID, health.Target{}.Probed(passes, once))
		}
	}
	gone := w.m.Root().Task("default", first)
	equal(t, "the first", []string{gone.LastStatus.String(), gone.StopCode.String(), gone.StoppedReason},
		[]string{"STOPPED", "ServiceSchedulerInitiated", "Task failed service discovery health checks in (service-registry " + registry + ")"})
	equal(t, "events", w.messages("web")[1:3], []string{
		"(service web) has stopped 1 running tasks: (task T).",
		"(service web) (task T) is unhealthy in (service-registry " + registry + ").",
	})
	equal(t, "said of targets", w.said("web", "registered"), 0)
	equal(t, "said of draining", w.said("web", "draining"), 0)
}

// TestBothSourcesAreHeard has a service with a load balancer and service discovery be healthy only where both say so.
func TestBothSourcesAreHeard(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	w.balanced(w.define("web"), 1, func(s *ecs.Service) { s.Registries = []string{registry} })
	id := w.tasks(ecs.StatusRunning)[0].ID
	w.target(id, health.Target{}, passes)
	equal(t, "rollout after one of them", w.service("web").Deployments[0].Rollout, ecs.RolloutInProgress)
	w.do(ReportTargets{Targets: []TargetReport{{Cluster: "default", Task: id, Group: registry,
		Health: health.Target{}.Probed(passes, health.Thresholds{Healthy: 1, Unhealthy: 1})}}})
	equal(t, "rollout after both", w.service("web").Deployments[0].Rollout, ecs.RolloutCompleted)
}
