package ecs

// Status is the last status or the desired status of a task, and the status of a container, in the order in which they are
// passed (developer guide, Task lifecycle). Statuses only grow. A container knows only PENDING, RUNNING and STOPPED.
type Status uint8

// The statuses. The desired status is only ever StatusRunning or StatusStopped.
const (
	StatusNone Status = iota
	StatusProvisioning
	StatusPending
	StatusActivating
	StatusRunning
	StatusDeactivating
	StatusStopping
	StatusDeprovisioning
	StatusStopped
)

var statusNames = [...]string{"", "PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING",
	"DEPROVISIONING", "STOPPED"}

// String gives the name that the API uses.
func (s Status) String() string { return statusNames[s] }

// Health is the verdict of container health checks on a container or a task.
type Health uint8

// The verdicts. Unknown also means that no check exists.
const (
	HealthUnknown Health = iota
	HealthHealthy
	HealthUnhealthy
)

var healthNames = [...]string{"UNKNOWN", "HEALTHY", "UNHEALTHY"}

// String gives the name that the API uses.
func (h Health) String() string { return healthNames[h] }

// StopCode says in one word why a task stopped (API_Task, ECS API reference).
type StopCode uint8

// The stop codes; StopNone while the task has not been told to stop.
const (
	StopNone StopCode = iota
	TaskFailedToStart
	EssentialContainerExited
	UserInitiated
	ServiceSchedulerInitiated
	SpotInterruption
	TerminationNotice
	InfrastructureHealth
)

var stopCodeNames = [...]string{"", "TaskFailedToStart", "EssentialContainerExited", "UserInitiated",
	"ServiceSchedulerInitiated", "SpotInterruption", "TerminationNotice", "InfrastructureHealth"}

// String gives the name that the API uses.
func (c StopCode) String() string { return stopCodeNames[c] }

// Reasons in the words of ECS (developer guide, Stopped tasks error codes; DescribeTasks output of real accounts).
const (
	ReasonEssentialExited = "Essential container in task exited"
	ReasonStoppedByUser   = "Task stopped by user"
	ReasonFailedToStart   = "Task failed to start"
	ReasonServiceDeleted  = "Service was deleted"
)

// ReasonScaling is the reason of every stop by which the scheduler of a service brings a deployment to its count, for scale-in
// and for tasks replaced by a newer deployment alike.
func ReasonScaling(d DeploymentID) string {
	return "Scaling activity initiated by (deployment " + d.String() + ")"
}
