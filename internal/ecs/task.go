package ecs

// Task is one run of a task definition revision. It is never restarted, only replaced.
type Task struct {
	// Seq orders the tasks of a cluster by creation and is their key in the journal.
	Seq     uint64 `cbor:"1,keyasint"`
	ID      ID     `cbor:"2,keyasint"`
	Cluster string `cbor:"-"`

	// Definition is shared by all tasks of the revision; the journal keeps its family and revision.
	Definition *TaskDefinition `cbor:"-"`
	Overrides  *Overrides      `cbor:"4,keyasint,omitempty"`

	// Service is the name of the service that owns the task, "" for a standalone task, and ServiceSeq tells two services apart
	// that had the same name one after the other. Deployment is 0 for a standalone task.
	Service    string       `cbor:"5,keyasint,omitempty"`
	ServiceSeq uint64       `cbor:"6,keyasint,omitempty"`
	Deployment DeploymentID `cbor:"7,keyasint,omitempty"`

	// Group and StartedBy as given to RunTask; empty means derived from the service or the family.
	Group     string `cbor:"8,keyasint,omitempty"`
	StartedBy string `cbor:"9,keyasint,omitempty"`

	// Instance is the container instance that the task has been placed on; it never changes.
	Instance ID `cbor:"10,keyasint"`

	LastStatus    Status   `cbor:"11,keyasint"`
	DesiredStatus Status   `cbor:"12,keyasint"`
	Health        Health   `cbor:"13,keyasint,omitempty"`
	StopCode      StopCode `cbor:"14,keyasint,omitempty"`
	// Kept means that the task failed its health checks and is kept, out of its service, to be looked into.
	Kept          bool   `cbor:"30,keyasint,omitempty"`
	StoppedReason string `cbor:"15,keyasint,omitempty"`

	// Version counts the state changes that are worth an event (developer guide, ECS events).
	Version uint32 `cbor:"16,keyasint"`

	CreatedAt          Time `cbor:"17,keyasint"`
	PullStartedAt      Time `cbor:"18,keyasint,omitempty"`
	PullStoppedAt      Time `cbor:"19,keyasint,omitempty"`
	StartedAt          Time `cbor:"20,keyasint,omitempty"`
	StoppingAt         Time `cbor:"21,keyasint,omitempty"`
	ExecutionStoppedAt Time `cbor:"22,keyasint,omitempty"`
	StoppedAt          Time `cbor:"23,keyasint,omitempty"`
	ConnectivityAt     Time `cbor:"24,keyasint,omitempty"`

	// Containers stand in the order of the container definitions.
	Containers []Container `cbor:"25,keyasint"`

	Tags []Tag `cbor:"26,keyasint,omitempty"`

	// Interface is nil unless the task is in network mode awsvpc.
	Interface *Interface `cbor:"27,keyasint,omitempty"`

	// ProtectedUntil is when the task's protection from scale-in and deployments ends, 0 when it has none (API_ProtectedTask).
	ProtectedUntil Time `cbor:"28,keyasint,omitempty"`

	// LearnedAt is when control learned of the end of the task, where that was long after it; 0 otherwise.
	LearnedAt Time `cbor:"29,keyasint,omitempty"`
}

// GroupName is what the API shows as the task's group: the service, the group that was asked for, or the family.
func (t *Task) GroupName() string {
	switch {
	case t.Service != "":
		return "service:" + t.Service
	case t.Group != "":
		return t.Group
	}
	return "family:" + t.Definition.Family
}

// StartedByName is what the API shows as startedBy: the deployment for a task of a service, else what RunTask was given.
func (t *Task) StartedByName() string {
	if t.Deployment != 0 {
		return t.Deployment.String()
	}
	return t.StartedBy
}

// Stopped says whether the task is over.
func (t *Task) Stopped() bool { return t.LastStatus == StatusStopped }

// Container is one container of a task.
type Container struct {
	ID     ID     `cbor:"1,keyasint"`
	Status Status `cbor:"2,keyasint"`
	Health Health `cbor:"3,keyasint,omitempty"`

	// ExitCode is set only when the container ran and its end was observed.
	ExitCode  *int32    `cbor:"4,keyasint,omitempty"`
	Reason    string    `cbor:"5,keyasint,omitempty"`
	RuntimeID string    `cbor:"6,keyasint,omitempty"`
	Bindings  []Binding `cbor:"7,keyasint,omitempty"`
	// Address is the private IPv4 address that the containers of a task in network mode awsvpc share.
	Address     string `cbor:"8,keyasint,omitempty"`
	ImageDigest string `cbor:"9,keyasint,omitempty"` // "sha256:...", where the driver knows it
}

// Binding is a port of a container as reached from outside.
type Binding struct {
	BindIP        string `cbor:"1,keyasint"`
	ContainerPort uint16 `cbor:"2,keyasint"`
	HostPort      uint16 `cbor:"3,keyasint"`
	UDP           bool   `cbor:"4,keyasint,omitempty"`
	// LastContainerPort and LastHostPort end a range of ports; 0 for a single port.
	LastContainerPort uint16 `cbor:"5,keyasint,omitempty"`
	LastHostPort      uint16 `cbor:"6,keyasint,omitempty"`
}

// Overrides change a task definition for one task (API_TaskOverride).
type Overrides struct {
	CPU        int                 `cbor:"1,keyasint,omitempty"` // CPU units (1,024 = one vCPU), 0 = unchanged
	Memory     int                 `cbor:"2,keyasint,omitempty"` // MiB, 0 = unchanged
	Containers []ContainerOverride `cbor:"3,keyasint,omitempty"`
}

// ContainerOverride changes one container (API_ContainerOverride); zero values leave the definition as it is.
type ContainerOverride struct {
	Name              string     `cbor:"1,keyasint"`
	Command           []string   `cbor:"2,keyasint,omitempty"`
	Environment       []Variable `cbor:"3,keyasint,omitempty"`
	CPU               *int       `cbor:"4,keyasint,omitempty"` // CPU units
	Memory            *int       `cbor:"5,keyasint,omitempty"` // MiB, hard limit
	MemoryReservation *int       `cbor:"6,keyasint,omitempty"` // MiB, soft limit
	// EnvironmentFiles stand in the place of those of the definition.
	EnvironmentFiles []string `cbor:"7,keyasint,omitempty"`
}

// MaxTags is how many tags a resource can have, those that begin with aws: not counted (API_Tag).
const MaxTags = 50

// Tag is a key and value on a resource.
type Tag struct {
	Key   string `cbor:"1,keyasint"`
	Value string `cbor:"2,keyasint,omitempty"`
}
