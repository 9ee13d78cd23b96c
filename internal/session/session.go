// Package session holds the messages between control and the agent of a container instance. They have the semantics of ECS's
// agent protocol: idempotent upserts by task, acknowledgement, a full manifest on connect. It
// decides nothing; Conn and Peer are the ends of whatever carries the messages.
//
// Both directions carry state, not commands: a message may be lost, doubled or delayed, and the sender repeats what has not
// been acknowledged. A receiver takes a message only if it belongs to the current session and its Seq is higher than any taken
// before; whatever it drops so is repeated with a higher Seq. That is why a late copy can never start a task again.
//
// Seq counts by one from 1. An agent that finds a gap in it does not know what it was told, and opens a new session, which
// brings the manifest; so an acknowledgement by an agent covers every message up to the one it names. One by control covers
// only the report it names: an agent repeats in every report whatever has not been acknowledged. Control answers every report
// that it takes, a heartbeat too, so that an agent notices a session that has died; nobody answers an answer without tasks.
// Start reading at Report, which opens a session.
package session

import (
	"time"

	"ballast/internal/ecs"
)

// Timing of a session, part of the contract because both ends rely on it.
const (
	// HeartbeatEvery is how often an agent speaks when it has nothing to say.
	HeartbeatEvery = 10 * time.Second
	// RepeatAfter is how long a sender waits for an acknowledgement before it repeats.
	RepeatAfter = 2 * time.Second
)

// Report is what an agent sends. Until control has answered in a session, every report carries Hello. The reports of a new
// session repeat everything the agent knows, in as many messages as that takes; a task that an agent started anew has found in
// its driver is reported only after the manifest has said what the task consists of.
type Report struct {
	// Instance is chosen by the agent when it first starts and kept in its data directory.
	Instance ecs.ID
	// Session is drawn anew by the agent for every connection; higher ones replace lower ones.
	Session uint64
	Seq     uint64
	// Ack is the Seq of the newest Assignments taken in this session.
	Ack   uint64
	Hello *Hello
	Tasks []TaskReport
	// Impaired says why the agent does not see the containers of its driver, "" where it does. Every report says it anew.
	Impaired string
}

// Hello describes the container instance at the start of a session.
type Hello struct {
	Cluster      string
	Resources    ecs.Resources
	Attributes   []ecs.Attribute
	AgentVersion string
	Driver       string
	Zone         string
}

// TaskReport is what the agent knows of one task; newer reports of a task replace older ones, and statuses only grow.
type TaskReport struct {
	Task ecs.ID
	// Status is PENDING, RUNNING or STOPPED: the least advanced of the containers.
	Status             ecs.Status
	PullStartedAt      ecs.Time
	PullStoppedAt      ecs.Time
	StartedAt          ecs.Time // all containers have been started
	ExecutionStoppedAt ecs.Time // the first essential container stopped
	StoppedAt          ecs.Time // all containers are stopped
	// Reason is set when the task as a whole could not go on; reasons of containers stand there.
	Reason     string
	Containers []ContainerReport
}

// ContainerReport is what the agent knows of one container.
type ContainerReport struct {
	Name      string
	Status    ecs.Status // PENDING, RUNNING or STOPPED
	Health    ecs.Health
	ExitCode  *int32
	Reason    string
	RuntimeID string
	Bindings  []ecs.Binding
	// Address and ImageDigest are those of ecs.Container.
	Address     string
	ImageDigest string
}

// Assignments is what control sends.
type Assignments struct {
	Session uint64
	Seq     uint64
	// Ack is the Seq of the newest Report whose content is committed.
	Ack uint64
	// Manifest says that Tasks is everything the instance should have: the agent stops and forgets what is not in it.
	Manifest bool
	Tasks    []Assignment
	// Refused ends the session: the instance is unknown or no longer wanted; the text says why.
	Refused string
	// Deregistered, with Refused, says that the container instance was taken out of its cluster: it may register anew.
	Deregistered bool
}

// Assignment is one task as it should be on the instance.
type Assignment struct {
	Task ecs.ID
	// Desired is RUNNING, or STOPPED once the agent is to stop the task (control has finished what comes before that).
	Desired ecs.Status
	// Forget says that control has committed the task as STOPPED: the agent may remove what is left of it.
	Forget bool
	// Work is nil when Forget is set.
	Work *Work
}

// Work is what a task consists of. It never changes for a task.
type Work struct {
	Cluster    string
	Service    string // "" for a standalone task
	Definition *ecs.TaskDefinition
	Overrides  *ecs.Overrides
	// Launched says that control has already seen the task RUNNING: an agent that knows nothing of it must not start it again,
	// but report it as stopped.
	Launched bool
	// Health is what control last heard of each container of Definition, from which an agent that starts anew goes on. It may be
	// left out, and means nothing to an agent that knows the task.
	Health []ecs.Health
	// Heard is what else control last heard of each container of Definition: one that has been RUNNING or STOPPED, and of which the
	// agent finds nothing, as after its machine was started anew, is not started again. It may be left out.
	Heard []Heard
}

// Heard is what control last heard of a container.
type Heard struct {
	Status   ecs.Status // PENDING, RUNNING or STOPPED
	ExitCode *int32
	Reason   string
}
