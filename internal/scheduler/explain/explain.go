// Package explain says in words why a service, or a task, is as it is: what is wanted, what holds it back, what happens next and
// when, and what somebody could do.
//
// It is a pure function of a Case, which is what control knows at a moment, and gives a Report: facts for programs, each with its
// sentence for people. It decides nothing, and nothing decides by it. Start reading at Case, then Service and Task, then the table of
// steps in service.go.
package explain

import (
	"time"

	"ballast/internal/ecs"
	"ballast/internal/scheduler"
	"ballast/internal/scheduler/placement"
)

// Bounds of a Case and of a Report: enough to see what is going on, whatever the size of the service.
const (
	MaxTasks     = 200 // tasks of one deployment and phase that are looked at
	MaxStopped   = 100 // stopped tasks that are looked at
	MaxInstances = 3   // container instances that are named
	maxFailures  = 10  // tasks that failed whose causes are counted
	maxNamed     = 3   // tasks that are named by one finding
)

// Case is what is known of a service at a moment. What is in it is not changed.
type Case struct {
	Now     ecs.Time
	Service *ecs.Service // with its counts
	View    scheduler.View
	Waits   []scheduler.Explanation // of the last decision
	Stuck   []scheduler.Stuck
	Wake    ecs.Time // when the service is decided again although nothing happens, 0 for never

	// Tasks are neither STOPPED nor healthy, or they are protected: at most MaxTasks of each deployment and phase.
	Tasks []Task
	Kept  []*ecs.Task // out of the service, to be looked into
	// Stopped are the tasks that stopped last, the newest first, at most MaxStopped.
	Stopped []*ecs.Task
	// Rooms has one for each deployment with starts that placement refused, and for the newest one while waves of it fail.
	Rooms []Room
	// Groups are the target groups that tasks are registered with, in the order of the service's loadBalancers, then its registries.
	Groups []Group
	// Silent are the container instances of the cluster whose agents are not heard of and that have tasks of the service.
	Silent []Silent
	// Impaired are those whose agents are heard of and do not reach their container runtime, and that have tasks of the service.
	Impaired []Impaired
}

// Task is a task as the scheduler counts it.
type Task struct {
	*ecs.Task
	Phase scheduler.Phase
	Due   ecs.Time // see scheduler.Task

	// Targets has one for each of Case.Groups.
	Targets []Target
	// DrainEnds is when a DEACTIVATING task is told to stop although no load balancer says that it is drained.
	DrainEnds ecs.Time
}

// Room is what placement has for a task of a deployment now.
type Room struct {
	Deployment ecs.DeploymentID
	Demand     placement.Demand
	Closest    []placement.Shortfall // at most MaxInstances
	Instances  int                   // of the cluster
}

// Silent is a container instance whose agent is not heard of.
type Silent struct {
	Instance ecs.ID
	Tasks    int      // of the service
	Heard    ecs.Time // the last time
	LostAt   ecs.Time // when its tasks are replaced
}

// Impaired is a container instance whose agent does not reach the container runtime.
type Impaired struct {
	Instance ecs.ID
	Tasks    int // of the service
	Why      string
}

// Weight says how much a finding matters.
type Weight string

// The weights.
const (
	Good   Weight = "good"   // it is as it should be
	Wait   Weight = "wait"   // it goes on by itself
	Held   Weight = "held"   // something wanted is not done
	Broken Weight = "broken" // somebody has to see to it
	Note   Weight = "note"   // it is worth knowing
)

// Report is an explanation. Its JSON form is stable; times are those of the server.
type Report struct {
	At      time.Time `json:"at"`
	Cluster string    `json:"cluster"`
	Service string    `json:"service,omitempty"`
	Task    string    `json:"task,omitempty"`

	// State is "steady" or "stopped" for a service that has what it should have, else the kind of the finding that matters most; for
	// a task its last status.
	State   string `json:"state"`
	Weight  Weight `json:"weight"`
	Summary string `json:"summary"`

	// Wanted, Deployments and TargetGroups are those of a service.
	Wanted       *Wanted       `json:"wanted,omitempty"`
	Deployments  []Deployment  `json:"deployments,omitempty"`
	TargetGroups []TargetGroup `json:"targetGroups,omitempty"`

	// Findings stand with those that matter most first.
	Findings []Finding `json:"findings"`

	// NextDecision is when the scheduler looks at the service again although nothing happens; zero for never.
	NextDecision time.Time `json:"nextDecision,omitzero"`
}

// Wanted is what a service should have.
type Wanted struct {
	Tasks                 int    `json:"tasks"`
	Revision              string `json:"revision"`   // family:revision
	MinHealthy            int    `json:"minHealthy"` // healthy tasks that a stop may not go below
	MaxTasks              int    `json:"maxTasks"`   // tasks not STOPPED that a start may not go above
	MinimumHealthyPercent int    `json:"minimumHealthyPercent"`
	MaximumPercent        int    `json:"maximumPercent"`
}

// Deployment is one deployment in counts.
type Deployment struct {
	ID        string `json:"id"`
	Revision  string `json:"revision"`
	Status    string `json:"status"` // PRIMARY or ACTIVE
	Rollout   string `json:"rolloutState"`
	Reason    string `json:"rolloutStateReason,omitempty"`
	Healthy   int    `json:"healthy"`
	Warming   int    `json:"warming"`
	Graced    int    `json:"graced"`
	Starting  int    `json:"starting"`
	Unhealthy int    `json:"unhealthy"`
	Stopping  int    `json:"stopping"`
	Protected int    `json:"protected"`
	Failed    int    `json:"failedTasks"`
}

// Finding is one thing that is so, why, what follows and what could be done. Fields that say nothing are left out of its JSON form.
type Finding struct {
	Kind    Kind     `json:"kind"`
	Weight  Weight   `json:"weight"`
	Text    string   `json:"text"`
	Details []string `json:"details,omitempty"`

	// Then is what happens next, by itself, and At when, where that is known.
	Then string    `json:"then,omitempty"`
	At   time.Time `json:"thenAt,omitzero"`
	// Try is what somebody could do, one sentence or command each.
	Try []string `json:"try,omitempty"`

	Deployment string   `json:"deployment,omitempty"`
	Count      int      `json:"count,omitempty"` // tasks, or failures, that it is about
	Limit      int      `json:"limit,omitempty"` // the number that holds it back, as the text says
	Tasks      []string `json:"tasks,omitempty"` // some of them, the newest first where they have stopped
	Container  string   `json:"container,omitempty"`
	StopCode   string   `json:"stopCode,omitempty"`
	ExitCode   *int32   `json:"exitCode,omitempty"`
	Reason     string   `json:"reason,omitempty"`
	Instances  []Lack   `json:"instances,omitempty"`

	// Targets are how those of Tasks stand in their target groups.
	Targets []TargetState `json:"targets,omitempty"`
}

// Lack is what a container instance lacks for a task.
type Lack struct {
	Instance     string   `json:"instance"`
	Disconnected bool     `json:"agentDisconnected,omitempty"`
	Draining     bool     `json:"draining,omitempty"`
	CPU          int      `json:"freeCPU"`
	Memory       int      `json:"freeMemory"`
	ShortCPU     int      `json:"missingCPU,omitempty"`
	ShortMemory  int      `json:"missingMemory,omitempty"`
	Ports        []uint16 `json:"takenPorts,omitempty"`
}

// Kind names a finding.
type Kind string

// The kinds, and the states of a report that are not kinds of findings.
const (
	Steady     Kind = "steady"
	Stopped    Kind = "stopped"
	Deleted    Kind = "deleted"
	Failed     Kind = "deployment-failed"
	RolledBack Kind = "rolling-back"
	Parked     Kind = "parked"
	Throttled  Kind = "throttled"
	Braked     Kind = "backed-off"
	Deadlocked Kind = "deadlocked"
	Unplaced   Kind = "no-room-on-instances"
	IsStuck    Kind = "stuck"
	Protected  Kind = "protected"
	Full       Kind = "maximum-percent"
	Needed     Kind = "minimum-healthy-percent"
	Paced      Kind = "paced"
	IsSilent   Kind = "agent-silent"
	IsImpaired Kind = "runtime-impaired"
	Unhealthy  Kind = "unhealthy"
	Graced     Kind = "grace-period"
	Rolling    Kind = "rolling"
	Starting   Kind = "starting"
	Warming    Kind = "warming"
	Stopping   Kind = "stopping"
	Counting   Kind = "circuit-breaker"
	Baking     Kind = "alarms-watched"
	Unwatched  Kind = "alarms-ignored"
	Unbalanced Kind = "not-registered"
	Kept       Kind = "kept"
	Failing    Kind = "failing"
	Settling   Kind = "settling"
	Endless    Kind = "endless"
	Ended      Kind = "ended"
)
