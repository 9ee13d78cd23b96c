// Package scheduler decides what happens to one service next: which tasks to start and stop, when a deployment is complete, and
// why something wanted is not done. It covers the REPLICA strategy with rolling deployments.
//
// Decide is a pure function of a View, which holds counts and never a list of tasks, and the time; its Plan is data that the
// caller applies, or not. A Tracker keeps the View of one service as its tasks change. The package starts nothing, keeps no
// clock, chooses no container instance and no victim (see placement). Start reading at View, then Plan, then Decide.
package scheduler

import (
	"ballast/internal/ecs"
	"ballast/internal/scheduler/policy"
)

// Phase is all that deciding needs to know about a task.
type Phase uint8

// The phases. A STOPPED task has none: it is no longer counted.
const (
	// Starting is a task from PROVISIONING to ACTIVATING with desired status RUNNING.
	Starting Phase = iota
	// Graced is a RUNNING task that failed a health check within its grace period: it is neither healthy nor replaced.
	Graced
	// Warming is a RUNNING task that does not count as healthy yet.
	Warming
	// Healthy is a RUNNING task that counts as healthy.
	Healthy
	// Unhealthy is a RUNNING task that failed a health check.
	Unhealthy
	// Stopping is a task with desired status STOPPED that is not STOPPED yet.
	Stopping

	phaseCount = int(Stopping) + 1
)

var phaseNames = [phaseCount]string{"starting", "graced", "warming", "healthy", "unhealthy", "stopping"}

// String gives the lower-case name used in explanations.
func (p Phase) String() string { return phaseNames[p] }

// Counts says how many tasks are in each phase, indexed by Phase.
type Counts [phaseCount]int

// Live counts the tasks that work, or may yet: starting, graced, warming and healthy.
func (c Counts) Live() int { return c[Starting] + c[Graced] + c[Warming] + c[Healthy] }

// Running counts the tasks that are RUNNING and not told to stop. It is what Deployment.Desired is set to when a newer
// deployment takes over.
func (c Counts) Running() int { return c[Graced] + c[Warming] + c[Healthy] + c[Unhealthy] }

// Total counts the tasks that are not STOPPED: what counts against maximumPercent.
func (c Counts) Total() int { return c.Live() + c[Unhealthy] + c[Stopping] }

// Deployment is one deployment of the service as deciding sees it.
type Deployment struct {
	ID      ecs.DeploymentID
	Rollout ecs.RolloutState
	Counts  Counts

	// Protected says how many of Counts are protected from being stopped, those not yet running, warming and healthy.
	Protected Counts

	// Announced is the number of protected tasks that EventProtected has told of, 0 for none.
	Announced int

	// Desired is how many tasks an older deployment should still have; of the newest one it is not looked at.
	Desired int

	// Refused is how many starts of this deployment placement refused; they are wanted but not planned again until the caller
	// clears them.
	Refused int

	// NoRoom says that of the starts refused last no container instance had room for any.
	NoRoom bool

	// Failed is what the circuit breaker counts of the newest deployment (see Tracker.Fail).
	Failed int

	// Lost counts tasks of an older deployment that failed before they proved themselves since Desired was last set; they are not
	// replaced by their own revision.
	Lost int
}

// View is one service as deciding sees it.
type View struct {
	// Desired, MinimumHealthyPercent and MaximumPercent as in ecs.Service.
	Desired               int
	MinimumHealthyPercent int
	MaximumPercent        int

	// Draining means that the service has been deleted and everything stops.
	Draining bool

	// Steady means that the steady state has been announced and not been left since.
	Steady bool

	Policy policy.Policy

	// Debt is how many tasks ended by themselves after a short run and have not been replaced yet; each replacement takes a
	// token from Pace.
	Debt int
	Pace Pace

	// Breaker fails the newest deployment when enough tasks of it have failed. LastCompleted is the deployment to go back to then,
	// 0 where there is none.
	Breaker       ecs.Breaker
	LastCompleted ecs.DeploymentID

	// Recalled means that somebody has asked for the newest deployment to be rolled back, whatever it has come to.
	Recalled bool

	// Early completes the newest deployment before all of its tasks are healthy; nil where that is not asked for.
	Early *ecs.EarlySuccess

	// Watched means that alarms fail the newest deployment, Raised that one is raised now, and AlarmsRollBack that the service goes back
	// then. BakingSince is from when on it has had all that it needs to be complete but BakeTime, 0 where it has not.
	Watched        bool
	Raised         bool
	AlarmsRollBack bool
	BakingSince    ecs.Time

	// Throttle counts the waves in a row of which no task came to RUNNING.
	Throttle ecs.Backoff

	// Brake counts the waves in a row of which tasks ended soon after they had come to RUNNING; see policy.LoopBrake.
	Brake ecs.Backoff

	// RetryAt is when placement is tried again although no room is known to have come free, 0 where nothing has been refused.
	RetryAt ecs.Time

	// Deadlocked means that it has been announced that a deployment can neither start nor stop a task.
	Deadlocked bool

	// Deployments stand newest first; the first is the PRIMARY one. There is at least one unless the service is draining.
	Deployments []Deployment

	// NextHealthy is when the next warming task becomes healthy or the next graced one unhealthy, 0 where none waits for that.
	NextHealthy ecs.Time
}

// MaxTasks is the most tasks not STOPPED that a start may lead to: floor(desired x maximumPercent / 100)
// (API_DeploymentConfiguration).
func (v *View) MaxTasks() int { return v.Desired * v.MaximumPercent / 100 }

// MinHealthy is the fewest healthy tasks that a stop may leave: ceil(desired x minimumHealthyPercent / 100)
// (API_DeploymentConfiguration).
func (v *View) MinHealthy() int { return (v.Desired*v.MinimumHealthyPercent + 99) / 100 }

// Counts adds up the tasks of all deployments.
func (v *View) Counts() Counts {
	var sum Counts
	for i := range v.Deployments {
		for phase, n := range v.Deployments[i].Counts {
			sum[phase] += n
		}
	}
	return sum
}
