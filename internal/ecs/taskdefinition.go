package ecs

import (
	"strconv"
	"time"
)

// TaskDefinition is one revision of a family: an immutable blueprint of tasks. Only its status ever changes, in a new value.
type TaskDefinition struct {
	// Seq orders the revisions of all families by registration and is the key in the journal.
	Seq      uint64               `cbor:"13,keyasint"`
	Family   string               `cbor:"1,keyasint"`
	Revision int                  `cbor:"2,keyasint"`
	Status   TaskDefinitionStatus `cbor:"3,keyasint"`

	RegisteredAt   Time   `cbor:"4,keyasint"`
	DeregisteredAt Time   `cbor:"5,keyasint,omitempty"`
	RegisteredBy   string `cbor:"6,keyasint,omitempty"` // ARN of the caller
	// DeleteRequestedAt is when the revision became DELETE_IN_PROGRESS, 0 for others.
	DeleteRequestedAt Time `cbor:"17,keyasint,omitempty"`

	// Document is what was registered, in the API's JSON, kept for Describe; the core never reads it.
	Document []byte `cbor:"7,keyasint"`
	Tags     []Tag  `cbor:"8,keyasint,omitempty"`

	// From here on: what Ballast acts on.
	NetworkMode NetworkMode           `cbor:"9,keyasint,omitempty"`
	CPU         int                   `cbor:"10,keyasint,omitempty"` // CPU units of the whole task, 0 = not given
	Memory      int                   `cbor:"11,keyasint,omitempty"` // MiB of the whole task, 0 = not given
	Containers  []ContainerDefinition `cbor:"12,keyasint"`
	Volumes     []Volume              `cbor:"14,keyasint,omitempty"`
	// PIDMode and IPCMode say whose process ids and whose shared memory the containers have.
	PIDMode Sharing `cbor:"15,keyasint,omitempty"`
	IPCMode Sharing `cbor:"16,keyasint,omitempty"`
}

// Name is "family:revision".
func (d *TaskDefinition) Name() string { return d.Family + ":" + strconv.Itoa(d.Revision) }

// Checked says whether health checks decide on the health of the task: those of essential containers do (API_HealthCheck).
func (d *TaskDefinition) Checked() bool {
	for i := range d.Containers {
		if d.Containers[i].Essential && d.Containers[i].HealthCheck != nil {
			return true
		}
	}
	return false
}

// TaskDefinitionStatus is the status of a revision.
type TaskDefinitionStatus uint8

// The statuses of a revision. Tasks and services can be made of active ones only; running services go on with inactive ones.
const (
	TaskDefinitionActive TaskDefinitionStatus = iota
	TaskDefinitionInactive
	TaskDefinitionDeleteInProgress
)

var taskDefinitionStatusNames = [...]string{"ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS"}

// String gives the name that the API uses.
func (s TaskDefinitionStatus) String() string { return taskDefinitionStatusNames[s] }

// NetworkMode says how containers reach the network and how their ports reach the host.
type NetworkMode uint8

// The network modes. Bridge is the default on Linux.
const (
	NetworkBridge NetworkMode = iota
	NetworkHost
	NetworkAwsvpc
	NetworkNone
)

var networkModeNames = [...]string{"bridge", "host", "awsvpc", "none"}

// String gives the name that the API uses.
func (m NetworkMode) String() string { return networkModeNames[m] }

// ContainerDefinition is one container of a task definition (API_ContainerDefinition).
type ContainerDefinition struct {
	Name              string        `cbor:"1,keyasint"`
	Image             string        `cbor:"2,keyasint,omitempty"`
	Essential         bool          `cbor:"3,keyasint,omitempty"`
	EntryPoint        []string      `cbor:"4,keyasint,omitempty"`
	Command           []string      `cbor:"5,keyasint,omitempty"`
	WorkingDirectory  string        `cbor:"6,keyasint,omitempty"`
	Environment       []Variable    `cbor:"7,keyasint,omitempty"`
	CPU               int           `cbor:"8,keyasint,omitempty"`  // CPU units
	Memory            int           `cbor:"9,keyasint,omitempty"`  // MiB, hard limit
	MemoryReservation int           `cbor:"10,keyasint,omitempty"` // MiB, soft limit
	Ports             []PortMapping `cbor:"11,keyasint,omitempty"`
	// StopTimeout is the time between SIGTERM and SIGKILL; 0 means the agent's default of 30 s.
	StopTimeout time.Duration `cbor:"12,keyasint,omitempty"`
	// HealthCheck is nil where the container has none.
	HealthCheck *HealthCheck `cbor:"13,keyasint,omitempty"`
	// DependsOn are the containers that come before this one, without circles.
	DependsOn []Dependency `cbor:"14,keyasint,omitempty"`
	// StartTimeout is how long after its own start those that depend on the container wait for its end or its health; 0 = for ever.
	StartTimeout time.Duration `cbor:"15,keyasint,omitempty"`
	// RestartPolicy is nil where the container is not restarted in place.
	RestartPolicy *RestartPolicy `cbor:"16,keyasint,omitempty"`
	// Secrets are environment variables whose values the agent looks up when the container is created.
	Secrets []Secret `cbor:"17,keyasint,omitempty"`
	// EnvironmentFiles are the ARNs of files of variables, the first of which wins; Environment wins over all of them.
	EnvironmentFiles []string `cbor:"18,keyasint,omitempty"`
	// Logging is nil where the container names no log driver.
	Logging *Logging `cbor:"19,keyasint,omitempty"`
	// Isolation is nil where the container asks for nothing of it.
	Isolation   *Isolation   `cbor:"20,keyasint,omitempty"`
	Mounts      []MountPoint `cbor:"21,keyasint,omitempty"`
	VolumesFrom []VolumeFrom `cbor:"22,keyasint,omitempty"`
	// RegistryCredentials is the ARN or name of the secret with which the image is pulled, "" for those of the container instance.
	RegistryCredentials string `cbor:"23,keyasint,omitempty"`
}

// RestartPolicy has the agent start a container again in place, within the same task (API_ContainerRestartPolicy).
type RestartPolicy struct {
	// IgnoredExitCodes are those after which the container is not restarted.
	IgnoredExitCodes []int32 `cbor:"1,keyasint,omitempty"`
	// AttemptPeriod is how long the container has to have run before it is restarted, 60 s to 1,800 s.
	AttemptPeriod time.Duration `cbor:"2,keyasint"`
}

// Secret is an environment variable whose value is kept elsewhere (API_Secret).
type Secret struct {
	Name string `cbor:"1,keyasint"`
	// ValueFrom is the ARN or the name of a parameter, or the ARN of a secret, with JSON key, version stage and version id behind it.
	ValueFrom string `cbor:"2,keyasint"`
}

// Logging says what becomes of what a container writes (API_LogConfiguration).
type Logging struct {
	Driver string `cbor:"1,keyasint"` // "awslogs" or "json-file"
	// Options are sorted by name.
	Options []Variable `cbor:"2,keyasint,omitempty"`
}

// Option gives the value of an option, "" where it is not set.
func (l *Logging) Option(name string) string {
	if l == nil {
		return ""
	}
	for _, o := range l.Options {
		if o.Name == name {
			return o.Value
		}
	}
	return ""
}

// Dependency has a container start only when another has come so far, and stop before that other (API_ContainerDependency).
type Dependency struct {
	Container string    `cbor:"1,keyasint"`
	Condition Condition `cbor:"2,keyasint"`
}

// Condition is how far a container that others depend on has to come.
type Condition uint8

// The conditions.
const (
	DependStart    Condition = iota // it has started
	DependComplete                  // it has ended
	DependSuccess                   // it has ended with exit code 0
	DependHealthy                   // its health check has been passed
)

var conditionNames = [...]string{"START", "COMPLETE", "SUCCESS", "HEALTHY"}

// String gives the name that the API uses.
func (c Condition) String() string { return conditionNames[c] }

// HealthCheck is a command that tells whether its container is healthy (API_HealthCheck), with every default filled in.
type HealthCheck struct {
	// Command begins with CMD (what follows is run as it is) or CMD-SHELL (what follows is given to the shell).
	Command []string `cbor:"1,keyasint"`
	// Interval passes between the end of one check and the next, and between the start of the container and the first.
	Interval time.Duration `cbor:"2,keyasint"`
	// Timeout is how long the command may take.
	Timeout time.Duration `cbor:"3,keyasint"`
	// Retries is how many failures in a row make the container unhealthy.
	Retries int `cbor:"4,keyasint"`
	// StartPeriod is how long after the start of a container that has not been healthy yet failures do not count.
	StartPeriod time.Duration `cbor:"5,keyasint,omitempty"`
}

// Variable is an environment variable.
type Variable struct {
	Name  string `cbor:"1,keyasint"`
	Value string `cbor:"2,keyasint,omitempty"`
}

// PortMapping makes a port of a container reachable, or each of a range of them. HostPort 0 in bridge mode means "any free port".
type PortMapping struct {
	Name          string `cbor:"1,keyasint,omitempty"`
	ContainerPort uint16 `cbor:"2,keyasint"`
	HostPort      uint16 `cbor:"3,keyasint,omitempty"`
	UDP           bool   `cbor:"4,keyasint,omitempty"`
	// LastPort ends a range that begins with ContainerPort; 0 for a single port.
	LastPort uint16 `cbor:"5,keyasint,omitempty"`
}
