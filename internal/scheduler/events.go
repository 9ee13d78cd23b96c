package scheduler

import (
	"strconv"
	"strings"

	"ballast/internal/ecs"
)

// ReasonFailedContainerChecks is the stopped reason of a task that its service replaces because a container check failed
// (developer guide, Stopped tasks error codes).
const ReasonFailedContainerChecks = "Task failed container health checks"

// ReasonFailedTargetChecks is the stopped reason of a task that its service replaces because its target failed the health checks of a
// load balancer (developer guide, Stopped tasks error codes).
func ReasonFailedTargetChecks(group string) string {
	return "Task failed ELB health checks in (target-group " + group + ")"
}

// ReasonFailedRegistryChecks is the stopped reason of a task that its service replaces because service discovery calls it unhealthy.
// That of ECS is not documented; it follows the form of the others.
func ReasonFailedRegistryChecks(registry string) string {
	return "Task failed service discovery health checks in (service-registry " + registry + ")"
}

const troubleshooting = " For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."

const deadlocked = "was unable to stop or start tasks during a deployment because of the service deployment configuration." +
	" Update the minimumHealthyPercent or maximumPercent value and try again."

// The texts of service events follow the API (events of real accounts), which writes "(service NAME)" where the developer guide
// writes "service (NAME)".

// Message is the text of the event for the service of that name.
func (e Event) Message(service string) string {
	switch e.Kind {
	case EventDeploymentCompleted:
		return DeploymentCompletedEvent(service, e.Deployment)
	case EventSteadyState:
		return SteadyStateEvent(service)
	case EventDeploymentFailed:
		return DeploymentFailedEvent(service, e.Deployment, e.Cause)
	case EventRollingBack:
		return RollingBackEvent(service, e.Deployment)
	case EventThrottled:
		return ThrottledEvent(service)
	case EventBraked:
		return BrakedEvent(service)
	case EventParked:
		return ParkedEvent(service, e.Tasks)
	case EventDeadlocked:
		return DeadlockedEvent(service)
	case EventProtected:
		return ProtectedEvent(service, e.Deployment, e.Tasks)
	}
	panic("scheduler: no text for event kind " + strconv.Itoa(int(e.Kind)))
}

// StartedEvent says that tasks were started, replaced of them in place of unhealthy ones.
func StartedEvent(service string, tasks []ecs.ID, replaced int) string {
	text := prefix(service) + " has started " + strconv.Itoa(len(tasks)) + " tasks: " + taskList(tasks) + "."
	if replaced > 0 {
		text += " Amazon ECS replaced " + strconv.Itoa(replaced) + " tasks due to an unhealthy status."
	}
	return text
}

// StoppedEvent says that tasks that had been RUNNING were told to stop.
func StoppedEvent(service string, tasks []ecs.ID) string {
	return prefix(service) + " has stopped " + strconv.Itoa(len(tasks)) + " running tasks: " + taskList(tasks) + "."
}

// StoppedPendingEvent says that tasks that had not come to RUNNING were told to stop.
func StoppedPendingEvent(service string, count int) string {
	return prefix(service) + " stopped " + strconv.Itoa(count) + " pending tasks."
}

// ProtectedEvent says that tasks of a deployment that should stop are protected.
func ProtectedEvent(service string, d ecs.DeploymentID, tasks int) string {
	return prefix(service) + " was unable to reach steady state because (taskSet " + d.String() + ") was unable to scale in due to (reason " +
		strconv.Itoa(tasks) + " tasks under protection)"
}

// UnhealthyEvent says that a container check of the task failed.
func UnhealthyEvent(service string, task ecs.ID) string {
	return prefix(service) + " (task " + task.String() + ") failed container health checks."
}

// UnhealthyTargetEvent says that a target of the task failed its health checks, and why in the words of Elastic Load Balancing.
func UnhealthyTargetEvent(service string, task ecs.ID, port int, group, why string) string {
	return prefix(service) + " (task " + task.String() + ") (port " + strconv.Itoa(port) + ") is unhealthy in (target-group " + group +
		") due to (reason " + why + ")."
}

// UnhealthyInstanceEvent says that service discovery calls the task unhealthy. ECS does not document its text.
func UnhealthyInstanceEvent(service string, task ecs.ID, registry string) string {
	return prefix(service) + " (task " + task.String() + ") is unhealthy in (service-registry " + registry + ")."
}

// RegisteredEvent says that tasks have become targets of a target group.
func RegisteredEvent(service string, targets int, group string) string {
	return prefix(service) + " registered " + strconv.Itoa(targets) + " targets in (target-group " + group + ")"
}

// DeregisteredEvent says that tasks are no targets of a target group any more: they may still be drained.
func DeregisteredEvent(service string, targets int, group string) string {
	return prefix(service) + " deregistered " + strconv.Itoa(targets) + " targets in (target-group " + group + ")"
}

// DrainingEvent says that tasks that are to stop finish the requests that they have before.
func DrainingEvent(service string, tasks int) string {
	return prefix(service) + " has begun draining connections on " + strconv.Itoa(tasks) + " tasks."
}

// KeptEvent says that a health check of the task failed, in the event that tells of it, and that the task is replaced but not stopped.
func KeptEvent(unhealthy string) string {
	return unhealthy + " It keeps running outside of the service (ballast:debug-keep) until it is stopped."
}

// SteadyStateEvent says that the service has what it should have.
func SteadyStateEvent(service string) string { return prefix(service) + " has reached a steady state." }

// DeploymentCompletedEvent says that the deployment is complete.
func DeploymentCompletedEvent(service string, d ecs.DeploymentID) string {
	return prefix(service) + " (deployment " + d.String() + ") deployment completed."
}

// DeploymentFailedEvent says that the deployment failed by a cause; the circuit breaker says the same whatever the tasks failed at.
func DeploymentFailedEvent(service string, d ecs.DeploymentID, c Cause) string {
	return prefix(service) + " (deployment " + d.String() + ") deployment failed: " + c.said()
}

// RollingBackEvent says that the service goes back to a completed deployment.
func RollingBackEvent(service string, d ecs.DeploymentID) string {
	return prefix(service) + " rolling back to deployment " + d.String() + "."
}

// ThrottledEvent says that waves of tasks never came to RUNNING, and that the next ones wait.
func ThrottledEvent(service string) string {
	return prefix(service) + " is unable to consistently start tasks successfully." + troubleshooting
}

// NoInstanceEvent says that placement failed because the cluster has no container instance.
func NoInstanceEvent(service string) string {
	return prefix(service) + " was unable to place a task because no container instance met all of its requirements." +
		" Reason: No Container Instances were found in your cluster." + troubleshooting
}

// UnplacedEvent says that placement failed on every container instance. closest is the one that came closest and why is what it
// lacked, in the words of placement.Refusal; with a zero closest both are left out.
func UnplacedEvent(service string, closest ecs.ID, why string) string {
	text := prefix(service) + " was unable to place a task because no container instance met all of its requirements."
	if !closest.IsZero() {
		text += " The closest matching (container-instance " + closest.String() + ") " + why
	}
	return text + troubleshooting
}

// NotLaunchedEvent says that the cluster had room for some tasks of a deployment that a circuit breaker watches, but not for others
// (developer guide, Viewing Amazon ECS service event messages).
func NotLaunchedEvent(service string, d ecs.DeploymentID, tasks int) string {
	return prefix(service) + " could not launch " + strconv.Itoa(tasks) + " tasks for deployment " + d.String() + "."
}

// DeadlockedEvent says that a deployment can neither start nor stop a task.
func DeadlockedEvent(service string) string {
	return prefix(service) + " " + deadlocked
}

// CompletedReason is the rolloutStateReason of a completed deployment.
func CompletedReason(d ecs.DeploymentID) string {
	return "ECS deployment " + d.String() + " completed."
}

// ReasonTasksFailedToStart is the rolloutStateReason of a deployment that its circuit breaker failed.
const ReasonTasksFailedToStart = "ECS deployment circuit breaker: tasks failed to start."

// InProgressReason is the rolloutStateReason of a deployment under way.
func InProgressReason(d ecs.DeploymentID) string {
	return "ECS deployment " + d.String() + " in progress."
}

func prefix(service string) string { return "(service " + service + ")" }

func taskList(tasks []ecs.ID) string {
	var b strings.Builder
	for i, id := range tasks {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString("(task ")
		b.WriteString(id.String())
		b.WriteByte(')')
	}
	return b.String()
}
