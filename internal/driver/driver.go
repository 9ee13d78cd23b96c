// Package driver is the contract between the agent and whatever runs containers on a host. A driver does what it is told, one
// call per move, and reports ends; it never decides when to start, stop or restart anything.
//
// Implementations: process (host processes under a keeper), fake (a model under any clock). Each passes the conformance suite
// in drivertest. Start reading at Driver.
package driver

import (
	"context"
	"fmt"
	"io"
	"time"

	"ballast/internal/ecs"
)

// Key names one container of one task. Attempt counts restarts in place and is 0 for the first start. A later attempt is created
// once the one before it has ended, and takes its place: from its start on, at the latest, the driver has nothing of the earlier ones
// but their logs, and whoever removes it removes them. Its Spec says what that of the first said, but for host ports, which are those
// that the first was given. Where containers have a file system of their own, it stays.
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
	// Secrets and EnvironmentFiles become part of Environment before a driver sees the Spec.
	Secrets          []ecs.Secret
	EnvironmentFiles []string
	NetworkMode      ecs.NetworkMode
	Ports            []ecs.PortMapping
	// CPU is in CPU units (1024 are one core), Memory (the hard limit) and MemoryReservation (the soft one) in MiB; 0 is none. A
	// driver says to people how far it enforces them.
	CPU, Memory, MemoryReservation int
	// Task bounds all containers of the task together; it is the same for each of them, and nil where the task has no limits of its own.
	Task *TaskLimits
	// Labels describe the container to people (cluster, task ARN, family, revision); they decide nothing.
	Labels map[string]string

	// Isolation is nil where nothing of it is asked for. A driver that cannot give a part of it refuses to create the container,
	// with CannotCreateContainerError naming the part by its field in the task definition.
	Isolation   *ecs.Isolation
	Volumes     []ecs.Volume // those of the task that Mounts name
	Mounts      []ecs.MountPoint
	VolumesFrom []ecs.VolumeFrom
	PIDMode     ecs.Sharing
	IPCMode     ecs.Sharing
	Logging     *ecs.Logging
}

// TaskLimits are what all containers of a task may use together. 0 is none.
type TaskLimits struct {
	CPU    int // CPU units (1024 are one core) that they get at most, be processors short or not
	Memory int // MiB, the hard limit
	// Share is, in CPU units, the task's share of processors that are short.
	Share int
}

// Login is who pulls an image from a private registry. It is never logged.
type Login struct{ Username, Password string }

// String hides the login from those who print it.
func (Login) String() string { return "login" }

// Started is what is known of a container once it runs.
type Started struct {
	At        ecs.Time
	RuntimeID string
	Bindings  []ecs.Binding
	// Address is the private IPv4 address that the containers of the task share in network mode awsvpc, "" in the others.
	Address string
	// ImageDigest is "sha256:..." of the image that runs, "" where the driver knows none.
	ImageDigest string
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
	// ResourceInitializationError says that what a container needs could not be had before it was created: a secret, an
	// environment file. It ends the whole task.
	ResourceInitializationError = "ResourceInitializationError"
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

// LogLimit says how much of a log is wanted at a time.
type LogLimit struct {
	Lines int // at most
	Bytes int // of text, after which no further line is given; the last one may go beyond. 0 for any number
}

// Reached says whether so many lines with so many bytes of text are all that is wanted.
func (l LogLimit) Reached(lines, bytes int) bool {
	return lines >= l.Lines || l.Bytes > 0 && bytes >= l.Bytes
}

// Driver runs containers. Every call is idempotent: what is already done is success, and what is already over is reported as it
// ended. Calls block until they have an outcome and may run side by side, but never two for the same Key at once, Exec aside. An
// error that is not an *Error is a passing fault of the driver itself (its daemon is away) and the call may be repeated.
type Driver interface {
	// Name is "process", "fake", ...
	Name() string

	// Pull makes the image available. pulled is false when nothing had to be fetched. login is nil where the driver's own
	// credentials are to be used.
	Pull(ctx context.Context, image string, login *Login) (pulled bool, err error)

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

	// Logs gives lines of a container in the order written, starting after position (0 = the oldest kept), up to a limit, and
	// the position after the last one given.
	Logs(ctx context.Context, task ecs.ID, container string, position int64, limit LogLimit) (lines []LogLine, next int64, err error)

	// RemoveLogs deletes the logs of a task.
	RemoveLogs(ctx context.Context, task ecs.ID) error
}

// Shell is what a driver can do in addition: give people a way into a container.
type Shell interface {
	// Attach runs a command in a running container, as Exec does, with streams connected until it ends, and gives its exit code. With
	// a terminal, both outputs come through out. It ends the command when ctx is done. Beside MaxAttached others it fails.
	Attach(ctx context.Context, key Key, command []string, streams Streams) (code int, err error)
}

// MaxAttached bounds the commands that people are attached to, of one container instance: each holds connections and buffers for as
// long as somebody leaves it alone.
const MaxAttached = 256

// ErrTooManyAttached refuses one more than MaxAttached.
var ErrTooManyAttached = fmt.Errorf("there are %d commands with people attached already", MaxAttached)

// Streams are the ends of what Attach connects.
type Streams struct {
	In       io.Reader // nil for no input
	Out, Err io.Writer
	// Terminal gives the command a terminal, whose sizes come through Resize; the first one is there from the beginning. Err is
	// not used then.
	Terminal bool
	Resize   <-chan Size
}

// Size is that of a terminal in characters.
type Size struct{ Rows, Columns uint16 }

// LogFinder is what a driver can do in addition: find places in logs without reading them from their beginning.
type LogFinder interface {
	// FindLog gives a position for Logs that no line at or after a time stands before; 0 is always one.
	FindLog(ctx context.Context, task ecs.ID, container string, at ecs.Time) (position int64, err error)
	// LastLog gives the time of a container's newest line, 0 if it has none.
	LastLog(ctx context.Context, task ecs.ID, container string) (at ecs.Time, err error)
}

// Ender is what a driver can do in addition: let go of what containers of a task shared while they ran.
type Ender interface {
	// End says that no container of a task runs or ever will. Their logs and ends stay. It may be called more than once.
	End(ctx context.Context, task ecs.ID) error
}

// Meter is what a driver can do in addition: measure containers.
type Meter interface {
	// Stats measures a running container. A container that does not run is an *Error.
	Stats(ctx context.Context, key Key) (Stats, error)
}

// Stats is what a container has used. Counters grow from the start of the container.
type Stats struct {
	At          ecs.Time
	CPU         time.Duration // of all processes together, user and system
	UserCPU     time.Duration
	SystemCPU   time.Duration
	HostCPU     time.Duration // of the whole host, since it started
	OnlineCPUs  int
	Memory      uint64 // bytes in use now
	MemoryLimit uint64 // bytes, that of the host where the container has none
	PIDs        uint64
	// Networks has the counters of each interface, nil where the container shares that of its host.
	Networks                  map[string]NetworkStats
	ReadBytes, WrittenBytes   uint64 // of block devices
	ReadBlocks, WrittenBlocks uint64 // operations on them
}

// NetworkStats counts what went through an interface.
type NetworkStats struct {
	ReceivedBytes, ReceivedPackets, ReceivedErrors, ReceivedDropped uint64
	SentBytes, SentPackets, SentErrors, SentDropped                 uint64
}
