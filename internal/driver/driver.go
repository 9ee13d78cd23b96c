// Package driver is the contract between the agent and whatever runs containers on a host. A driver does what it is told, one
// call per move, and reports ends; it never decides when to start, stop or restart anything.
//
// Implementations: process (host processes under a keeper), fake (a model under any clock). Each passes the conformance suite
// in drivertest. Start reading at Driver.
package driver

import (
	"context"
	"fmt"
	"time"

	"ballast/internal/ecs"
)

// Key names one container of one task. Attempt counts restarts in place and is 0 for the first start.
type Key struct {
	Task      ecs.ID
	Container string
	Attempt   int
}

// String gives "task/container" or "task/container/attempt".
func (k Key) String() string {
	if k.Attempt == 0 {
		return k.Task.String() + "/" + k.Container
	}
	return fmt.Sprintf("%s/%s/%d", k.Task, k.Container, k.Attempt)
}

// Spec is everything a driver needs to know of a container, overrides applied.
type Spec struct {
	Image            string
	EntryPoint       []string
	Command          []string
	WorkingDirectory string
	Environment      []ecs.Variable
	NetworkMode      ecs.NetworkMode
	Ports            []ecs.PortMapping
	// CPU is in CPU units (1024 are one core), Memory (the hard limit) and MemoryReservation (the soft one) in MiB; 0 is none. Only
	// drivers that isolate containers enforce them.
	CPU, Memory, MemoryReservation int
	// Labels describe the container to people (cluster, task ARN, family, revision); they decide nothing.
	Labels map[string]string
}

// Started is what is known of a container once it runs.
type Started struct {
	At        ecs.Time
	RuntimeID string
	Bindings  []ecs.Binding
}

// Exit is how a container ended. Code is nil when the end was not observed (the keeper was gone when it happened); then Reason
// says so. A signal n that ended the container gives code 128+n, as shells and Docker have it.
type Exit struct {
	At     ecs.Time
	Code   *int32
	Reason string
}

// State is where a container stands.
type State uint8

// The states of a container, in order.
const (
	Created State = iota
	Running
	Exited
)

// Observation is a container as its driver knows it. Started is meaningful from Running on, Exit from Exited on.
type Observation struct {
	Key     Key
	State   State
	Started Started
	Exit    Exit
}

// Error is a failure that ECS has a name for, for example CannotStartContainerError. It becomes the container's reason as
// "Name: Text".
type Error struct {
	Name string
	Text string
}

// Error gives the reason as the API shows it.
func (e *Error) Error() string { return e.Name + ": " + e.Text }

// The names of failures (amazon-ecs-agent engine/errors.go and dockerapi/errors.go).
const (
	CannotPullContainerError   = "CannotPullContainerError"
	CannotCreateContainerError = "CannotCreateContainerError"
	CannotStartContainerError  = "CannotStartContainerError"
	CannotStopContainerError   = "CannotStopContainerError"
	ContainerVanishedError     = "ContainerVanishedError"
	DockerTimeoutError         = "DockerTimeoutError"
	// CannotExecContainerError is ours: ECS has no name for a command run in a container that has ended.
	CannotExecContainerError = "CannotExecContainerError"
)

// What Exec gives.
const (
	// ExecTimedOut is the exit code of a command that was killed because it took too long (Docker's health checks have -1).
	ExecTimedOut = -1
	// MaxOutput bounds the output of a command: what the API of Docker keeps of a health check.
	MaxOutput = 4096
)

// LogLine is one line that a container wrote.
type LogLine struct {
	At     ecs.Time
	Stderr bool
	Text   string
}

// Driver runs containers. Every call is idempotent: what is already done is success, and what is already over is reported as it
// ended. Calls block until they have an outcome and may run side by side, but never two for the same Key at once, Exec aside. An
// error that is not an *Error is a passing fault of the driver itself (its daemon is away) and the call may be repeated.
type Driver interface {
	// Name is "process", "fake", ...
	Name() string

	// Pull makes the image available. pulled is false when nothing had to be fetched.
	Pull(ctx context.Context, image string) (pulled bool, err error)

	// Create prepares a container without starting it.
	Create(ctx context.Context, key Key, spec Spec) error

	// Start starts a created container; a container that already ran gives how it started, and its end follows (or followed)
	// through Events. It never starts a container a second time.
	Start(ctx context.Context, key Key) (Started, error)

	// Stop sends SIGTERM, waits for timeout, then sends SIGKILL to whatever is left of the container, descendants included, and
	// returns how it ended. A container that never started ends with a nil Code.
	Stop(ctx context.Context, key Key, timeout time.Duration) (Exit, error)

	// Exec runs a command beside the processes of a running container, with its environment and in its working directory, and
	// gives the command's exit code and the beginning of what it wrote, at most MaxOutput bytes. One that takes longer than
	// timeout is killed with its descendants and gives ExecTimedOut; one that cannot be found or run gives 127 or 126, as shells
	// have it. A container that does not run is an *Error. Unlike the other calls, Exec may be under way beside another call for
	// the same Key; it ends with the container.
	Exec(ctx context.Context, key Key, command []string, timeout time.Duration) (code int, output string, err error)

	// Remove forgets a container that does not run. Its logs remain readable until RemoveLogs.
	Remove(ctx context.Context, key Key) error

	// List gives every container that has not been removed, in the order of creation.
	List(ctx context.Context) ([]Observation, error)

	// Events delivers, for every container that ends from now on, the observation with its Exit: at least once, in order per
	// container. The channel is closed when ctx is done or the driver loses sight of its containers; the caller then calls Events
	// again and, after that, List.
	Events(ctx context.Context) (<-chan Observation, error)

	// Logs gives lines of a container in the order written, starting after position (0 = the oldest kept), at most limit, and
	// the position after the last one given.
	Logs(ctx context.Context, task ecs.ID, container string, position int64, limit int) (lines []LogLine, next int64, err error)

	// RemoveLogs deletes the logs of a task.
	RemoveLogs(ctx context.Context, task ecs.ID) error
}
