// Package policy names every number that ECS fixes and does not let users tune, as far as Ballast acts on it, with presets for
// the behaviour of ECS at different times and one for development.
//
// A Policy is a plain value and is passed to whoever decides; the package never reads configuration or a clock. Start reading
// at Policy, then at the table of presets.
package policy

import (
	"fmt"
	"strings"
	"time"
)

// Policy holds the numbers. The zero value is not usable; take a preset with Named.
type Policy struct {
	// Name is the preset that the policy started as.
	Name string

	// HealthyAfter is how long after RUNNING a task without any health check counts as healthy; 0 means at once
	// (API_DeploymentConfiguration: 40 seconds).
	HealthyAfter time.Duration

	// ShortRun is the running time under which a task that ended by itself has its replacement paced. ECS does not pace such
	// replacements beyond its launch rate ("AWS ECS restart loops"); 60 s separates a crash loop from an occasional crash.
	ShortRun time.Duration

	// PacePerMinute is how many replacements of short runs a service may start a minute once its burst, which is its desired
	// count, is used up (Service quotas: 500 tasks launched by a service a minute).
	PacePerMinute int

	// ThrottleBase is how long a service waits after the second wave of tasks in a row none of which came to RUNNING; each
	// further wave waits ThrottleFactor times as long, at most ThrottleMax, and the first not at all. ECS publishes the most only
	// (developer guide, Service throttle logic: 15 minutes, 27 by 2026, which is 3 x 3 x 3). With ThrottleMax 0 nothing waits.
	ThrottleBase   time.Duration
	ThrottleFactor int
	ThrottleMax    time.Duration

	// RetryPlacement is how long after a placement was refused the next one is tried, sooner if room comes free. The scheduler of
	// ECS looks at a service about every 10 seconds (times of service events in real accounts).
	RetryPlacement time.Duration

	// BreakerCountsExits makes the circuit breaker count tasks that ran and then ended by themselves; that of ECS does not
	// (aws/containers-roadmap#1206).
	BreakerCountsExits bool

	// BakeTime is for how long a deployment that is otherwise complete waits for alarms. ECS computes it from the alarms
	// (developer guide, How CloudWatch alarms detect Amazon ECS deployment failures) and does not say how.
	BakeTime time.Duration

	// Brake says what is done about tasks that come to RUNNING and end by themselves within ShortRun, over and over. ECS does
	// nothing (developer guide, Service throttle logic). BrakeBase is the wait after the first such wave under BrakeBackoff; it
	// doubles with each to at most BrakeMax. BrakeAfter is the number of such waves in a row that BrakePark allows.
	Brake      LoopBrake
	BrakeBase  time.Duration
	BrakeMax   time.Duration
	BrakeAfter int

	// DebugKeep is how many tasks that failed their health checks a service keeps running, outside of it, instead of stopping them
	// (aws/containers-roadmap#1373).
	DebugKeep int

	// OldTasks says what replaces a failed task of an older deployment while a newer one is being rolled out.
	OldTasks OldTaskReplacement

	// Unhealthy says what comes first when a running task has become unhealthy.
	Unhealthy UnhealthyReplacement

	// StoppedKeptFor is how long a stopped task can be described (developer guide, Stopped tasks: at least one hour), at most
	// StoppedKeptPerService of one service and StoppedKeptPerCluster of one cluster, the oldest forgotten first.
	StoppedKeptFor        time.Duration
	StoppedKeptPerService int
	StoppedKeptPerCluster int

	// InstanceLostAfter is the silence of an agent after which the tasks of its container instance are replaced. ECS on EC2
	// never does that by itself; a cluster of one's own has no auto scaling group that would.
	InstanceLostAfter time.Duration

	// StuckAfter is how long a task may wait for a container that is UNHEALTHY before it is ended as one that failed to start; 0 =
	// for ever, as in ECS, which knows only the dependency's own startTimeout.
	StuckAfter time.Duration

	// DefaultStopTimeout lies between the stop signal and the kill where a container definition gives no stopTimeout
	// (API_ContainerDefinition: 30 seconds).
	DefaultStopTimeout time.Duration
}

// OldTaskReplacement says what replaces a failed task of an older deployment during a rollout.
type OldTaskReplacement uint8

const (
	// ByNewest replaces it with a task of the newest deployment, stopping an unhealthy one at once ("A deep dive into Amazon
	// ECS task health and task replacement", 2023).
	ByNewest OldTaskReplacement = iota
	// ByOwnRevision replaces it with a task of its own revision, replacement first where maximumPercent allows (What's New,
	// November 2025: improved service availability during rolling deployments).
	ByOwnRevision
)

// UnhealthyReplacement says what comes first when a running task has become unhealthy.
type UnhealthyReplacement uint8

const (
	// ReplacementFirst starts the replacement inside maximumPercent and stops the unhealthy task when the replacement is
	// healthy; without room one unhealthy task is stopped at a time (What's New, October 2023).
	ReplacementFirst UnhealthyReplacement = iota
	// StopFirst stops every unhealthy task at once, as before October 2023.
	StopFirst
)

// LoopBrake says what ends a loop of tasks that run only for a short time.
type LoopBrake uint8

const (
	// BrakeOff replaces them as fast as the pace allows.
	BrakeOff LoopBrake = iota
	// BrakeBackoff replaces them more and more slowly.
	BrakeBackoff
	// BrakePark replaces them a number of times, and then not any more until the next deployment.
	BrakePark
)

// Default is the preset that holds when none is asked for.
const Default = "ecs"

// presets stand in the order in which Names lists them.
var presets = []Policy{
	base("ecs"),
	with(base("ecs-2026"), func(p *Policy) {
		p.OldTasks = ByOwnRevision
		p.ThrottleMax = 27 * time.Minute
	}),
	with(base("ecs-2022"), func(p *Policy) { p.Unhealthy = StopFirst }),
	with(base("fast"), func(p *Policy) {
		p.HealthyAfter = 0
		p.ShortRun = 10 * time.Second
		p.ThrottleBase = 3 * time.Second
		p.ThrottleMax = 30 * time.Second
		p.RetryPlacement = time.Second
		p.BakeTime = 5 * time.Second
		p.BrakeBase = time.Second
		p.BrakeMax = 30 * time.Second
		p.InstanceLostAfter = 30 * time.Second
		p.DefaultStopTimeout = 5 * time.Second
	}),
}

// base is the behaviour that the source articles describe.
func base(name string) Policy {
	return Policy{
		Name:                  name,
		HealthyAfter:          40 * time.Second,
		ShortRun:              60 * time.Second,
		PacePerMinute:         500,
		ThrottleBase:          time.Minute,
		ThrottleFactor:        3,
		ThrottleMax:           15 * time.Minute,
		RetryPlacement:        10 * time.Second,
		BakeTime:              5 * time.Minute,
		BrakeBase:             10 * time.Second,
		BrakeMax:              5 * time.Minute,
		BrakeAfter:            10,
		StoppedKeptFor:        time.Hour,
		StoppedKeptPerService: 5_000,
		StoppedKeptPerCluster: 100_000,
		InstanceLostAfter:     60 * time.Second,
		DefaultStopTimeout:    30 * time.Second,
	}
}

func with(p Policy, change func(*Policy)) Policy {
	change(&p)
	return p
}

// Named gives a preset: "ecs" (what the source articles describe), "ecs-2026" (the newest documented behaviour), "ecs-2022"
// (before October 2023) or "fast" (short timers for development, never another order of events). Any other name is an error
// that lists these.
func Named(name string) (Policy, error) {
	for _, p := range presets {
		if p.Name == name {
			return p, nil
		}
	}
	return Policy{}, fmt.Errorf("policy %q is unknown; known are %s", name, strings.Join(Names(), ", "))
}

// Names lists the presets.
func Names() []string {
	names := make([]string, len(presets))
	for i, p := range presets {
		names[i] = p.Name
	}
	return names
}
