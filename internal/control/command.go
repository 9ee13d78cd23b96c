package control

import (
	"ballast/internal/ecs"
)

// A Command asks for a change. Its fields have been validated one by one; control decides what depends on the state. A
// command is refused with an *ecs.Error and then has changed nothing.
type Command interface {
	// apply makes the change and gives the records that the answer shows.
	apply(m *Machine) (any, error)
}

// CreateCluster makes a cluster, or gives the one that exists. Answer: *ecs.Cluster.
type CreateCluster struct {
	Name     string
	Tags     []ecs.Tag
	Settings []ecs.Setting
}

// RegisterTaskDefinition makes the next revision of a family. Definition is complete but for Revision and RegisteredAt, which
// control fills in. Answer: *ecs.TaskDefinition.
type RegisterTaskDefinition struct {
	Definition ecs.TaskDefinition
}

// UpdateCluster replaces the settings of a cluster, unless none are given. Answer: *ecs.Cluster.
type UpdateCluster struct {
	Name     string
	Settings []ecs.Setting
}

// DeleteCluster makes an empty cluster INACTIVE. Answer: *ecs.Cluster.
type DeleteCluster struct{ Name string }

// DeregisterTaskDefinition makes a revision INACTIVE. Answer: *ecs.TaskDefinition.
type DeregisterTaskDefinition struct {
	Family   string
	Revision int
}

// DeleteTaskDefinition makes an INACTIVE revision DELETE_IN_PROGRESS; it is removed when no task or deployment refers to it.
// Answer: *ecs.TaskDefinition.
type DeleteTaskDefinition struct {
	Family   string
	Revision int
}

// CreateService makes a service with its first deployment. Service is complete but for what control numbers and dates
// (Seq, deployments, events). Answer: *ecs.Service.
type CreateService struct {
	Service ecs.Service
	// Token, when given, makes a repetition within a day give the same answer; Digest tells whether it is one.
	Token  string
	Digest [16]byte
}

// UpdateService changes a service; nil fields stay as they are. Definition, Network and Force start a deployment
// (API_UpdateService); a Definition that is not in network mode awsvpc leaves the service without a Network.
// Answer: *ecs.Service.
type UpdateService struct {
	Cluster, Name         string
	Definition            *ecs.TaskDefinition
	Desired               *int
	MinimumHealthyPercent *int
	MaximumPercent        *int
	Force                 bool
	EnableECSManagedTags  *bool
	PropagateTags         *uint8
	Network               *ecs.Network
	Breaker               *ecs.Breaker
	Early                 *ecs.EarlySuccess
	Alarms                *ecs.DeploymentAlarms
	GracePeriod           *int // seconds
}

// SetAlarm says whether an alarm is raised: in the state ALARM. It is an input from whoever evaluates alarms. Answer: nil.
type SetAlarm struct {
	Name   string
	Raised bool
}

// DeleteService drains a service. Answer: *ecs.Service.
type DeleteService struct {
	Cluster, Name string
	Force         bool
}

// StopServiceDeployment rolls a service deployment back that is not finished. Answer: *ecs.ServiceDeployment.
type StopServiceDeployment struct{ Cluster, Service, ID string }

// RunTask places and starts standalone tasks. Answer: *RunTaskResult.
type RunTask struct {
	Cluster    string
	Definition *ecs.TaskDefinition
	Count      int
	Overrides  *ecs.Overrides
	Group      string
	StartedBy  string
	Tags       []ecs.Tag
	// Network is given exactly where Definition is in network mode awsvpc.
	Network *ecs.Network
	Token   string
	Digest  [16]byte
}

// StartTask starts a standalone task on each of the container instances named, without placement. Answer: *RunTaskResult.
type StartTask struct {
	Cluster    string
	Definition *ecs.TaskDefinition
	Instances  []ecs.ID
	Overrides  *ecs.Overrides
	Group      string
	StartedBy  string
	Tags       []ecs.Tag
	// Network is given exactly where Definition is in network mode awsvpc.
	Network *ecs.Network
}

// RunTaskResult is what could be placed, and one Failure for each task that could not.
type RunTaskResult struct {
	Tasks    []*ecs.Task
	Failures []Failure
}

// Failure is a task that could not be started: the container instance that it was for or the closest one (zero when there is
// none), the reason in ECS's short form, for example "RESOURCE:MEMORY", and sometimes more words.
type Failure struct {
	Instance ecs.ID
	Reason   string
	Detail   string
}

// StopTask stops a task; Reason is shown as its stoppedReason. Answer: *ecs.Task.
type StopTask struct {
	Cluster string
	Task    ecs.ID
	Reason  string
}

// DeregisterContainerInstance makes a container instance INACTIVE. With tasks on it that is refused unless Force is given, and then
// they count as STOPPED, whatever becomes of their containers. Answer: *ecs.ContainerInstance.
type DeregisterContainerInstance struct {
	Cluster  string
	Instance ecs.ID
	Force    bool
}

// Halt stops all tasks of all clusters in order, as Ctrl-C on `ballast up` does. No service replaces them, no failure is
// counted, nothing of it but the stops is journalled: after the next start services resume. Answer: nil.
type Halt struct{}
