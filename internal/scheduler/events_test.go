package scheduler

import (
	"testing"

	"ballast/internal/ecs"
)

// The texts as events of real accounts show them, and as the developer guide's "Service event messages" has the rest.
func TestEventTexts(t *testing.T) {
	a, b := ecs.ID{0xaa}, ecs.ID{0xbb}
	const idA, idB = "aa000000000000000000000000000000", "bb000000000000000000000000000000"
	const more = " For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
	tests := []struct{ got, want string }{
		{StartedEvent("web", []ecs.ID{a, b}, 0), "(service web) has started 2 tasks: (task " + idA + ") (task " + idB + ")."},
		{StartedEvent("web", []ecs.ID{a}, 1),
			"(service web) has started 1 tasks: (task " + idA + "). Amazon ECS replaced 1 tasks due to an unhealthy status."},
		{StoppedEvent("web", []ecs.ID{a}), "(service web) has stopped 1 running tasks: (task " + idA + ")."},
		{StoppedPendingEvent("web", 2), "(service web) stopped 2 pending tasks."},
		{UnhealthyEvent("web", a), "(service web) (task " + idA + ") failed container health checks."},
		{Event{Kind: EventSteadyState}.Message("web"), "(service web) has reached a steady state."},
		{Event{Kind: EventDeploymentCompleted, Deployment: 7}.Message("web"),
			"(service web) (deployment ecs-svc/0000000000000000007) deployment completed."},
		{NoInstanceEvent("web"), "(service web) was unable to place a task because no container instance met all of its" +
			" requirements. Reason: No Container Instances were found in your cluster." + more},
		{UnplacedEvent("web", a, "has insufficient memory available."), "(service web) was unable to place a task because no" +
			" container instance met all of its requirements. The closest matching (container-instance " + idA +
			") has insufficient memory available." + more},
		{UnplacedEvent("web", ecs.ID{}, ""), "(service web) was unable to place a task because no container instance met all of" +
			" its requirements." + more},
		{NotLaunchedEvent("web", 7, 2), "(service web) could not launch 2 tasks for deployment ecs-svc/0000000000000000007."},
		{DeadlockedEvent("web"), "(service web) was unable to stop or start tasks during a deployment because of the service" +
			" deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again."},
		{Event{Kind: EventProtected, Deployment: 7, Tasks: 2}.Message("web"), "(service web) was unable to reach steady state because (taskSet" +
			" ecs-svc/0000000000000000007) was unable to scale in due to (reason 2 tasks under protection)"},
		{CompletedReason(7), "ECS deployment ecs-svc/0000000000000000007 completed."},
		{InProgressReason(7), "ECS deployment ecs-svc/0000000000000000007 in progress."},
	}
	for _, test := range tests {
		if test.got != test.want {
			t.Errorf("got\n%q, want\n%q", test.got, test.want)
		}
	}
}
