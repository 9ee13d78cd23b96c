package ecs

import "strconv"

// DeploymentID numbers a deployment; the API shows it as "ecs-svc/" and 19 digits. 0 means none.
type DeploymentID uint64

// String gives the form that the API uses.
func (d DeploymentID) String() string { return "ecs-svc/" + d.Digits() }

// Digits gives the number with 19 digits, as ARNs of service revisions have it.
func (d DeploymentID) Digits() string {
	s := strconv.FormatUint(uint64(d), 10)
	for len(s) < 19 {
		s = "0" + s
	}
	return s
}

// Service keeps a number of copies of a task definition revision running.
type Service struct {
	// Seq orders the services of a cluster by creation.
	Seq     uint64        `cbor:"1,keyasint"`
	Cluster string        `cbor:"-"`
	Name    string        `cbor:"2,keyasint"`
	Status  ServiceStatus `cbor:"3,keyasint"`
	Desired int           `cbor:"4,keyasint"`

	// Definition is the revision that the newest deployment brings in; Family and Revision name it in the journal.
	Definition *TaskDefinition `cbor:"-"`
	Family     string          `cbor:"17,keyasint"`
	Revision   int             `cbor:"18,keyasint"`

	// The healthy-percent window: floor(desired x MaximumPercent / 100) tasks at most, ceil(desired x MinimumHealthyPercent /
	// 100) healthy tasks at least.
	MinimumHealthyPercent int `cbor:"5,keyasint"`
	MaximumPercent        int `cbor:"6,keyasint"`

	// Deployments stand newest first: the PRIMARY one, then those that still have tasks.
	Deployments []Deployment `cbor:"7,keyasint"`

	CreatedAt Time   `cbor:"8,keyasint"`
	CreatedBy string `cbor:"9,keyasint,omitempty"` // ARN of the caller

	EnableECSManagedTags bool  `cbor:"11,keyasint,omitempty"`
	PropagateTags        uint8 `cbor:"12,keyasint,omitempty"` // PropagateNone, PropagateTaskDefinition, PropagateService
	Tags                 []Tag `cbor:"14,keyasint,omitempty"`

	// LastEvent is the number of the newest service event.
	LastEvent uint64 `cbor:"15,keyasint,omitempty"`

	// Steady says whether the steady state has been announced since the last disturbance.
	Steady bool `cbor:"16,keyasint,omitempty"`

	// InactiveAt is when the last task of a deleted service stopped.
	InactiveAt Time `cbor:"19,keyasint,omitempty"`

	// Network is nil unless Definition is in network mode awsvpc.
	Network *Network `cbor:"20,keyasint,omitempty"`

	// Breaker is the deployment circuit breaker.
	Breaker Breaker `cbor:"21,keyasint,omitzero"`
	// GracePeriod is for how many seconds after RUNNING failed health checks are ignored (healthCheckGracePeriodSeconds).
	GracePeriod int `cbor:"22,keyasint,omitempty"`
	// LastCompleted is the newest deployment that is complete, to which a failed one is rolled back; nil where there is none.
	LastCompleted *Deployment `cbor:"23,keyasint,omitempty"`
	// Throttle and Brake hold starts back: of tasks that never come to RUNNING, and of tasks that end soon after.
	Throttle Backoff `cbor:"24,keyasint,omitzero"`
	Brake    Backoff `cbor:"25,keyasint,omitzero"`
	// Deadlocked says whether it has been announced that the deployment under way can neither start nor stop a task.
	Deadlocked bool `cbor:"26,keyasint,omitempty"`
	// Current is the newest service deployment; those before it are records of their own. It is nil for a deleted service, and
	// for one that no version of Ballast that knows of service deployments has deployed. It is replaced, never changed.
	Current *ServiceDeployment `cbor:"27,keyasint,omitempty"`
	// Early and Alarms are nil where nothing was said of them. They are replaced, never changed.
	Early  *EarlySuccess     `cbor:"28,keyasint,omitempty"`
	Alarms *DeploymentAlarms `cbor:"29,keyasint,omitempty"`
	// BakingSince is from when on the newest deployment has had all that it needs to be complete but the time for which alarms
	// are watched; 0 where it has not.
	BakingSince Time `cbor:"30,keyasint,omitempty"`
	// LoadBalancers are the target groups that the tasks are registered with. They are replaced, never changed.
	LoadBalancers []LoadBalancer `cbor:"31,keyasint,omitempty"`
	// Registries are the ARNs of the service registries in which the tasks are found, one at most (API_ServiceRegistry). They are
	// replaced, never changed.
	Registries []string `cbor:"32,keyasint,omitempty"`

	// Derived, never journalled: the newest events (newest first, at most MaxServiceEvents), and the counts of tasks.
	Events  []*ServiceEvent `cbor:"-"`
	Running int             `cbor:"-"`
	Pending int             `cbor:"-"`
}

// Outsiders counts those who say from outside of the tasks how healthy they are: target groups and service registries.
func (s *Service) Outsiders() int { return len(s.LoadBalancers) + len(s.Registries) }

// Outsider gives the ARN of one of them, target groups first.
func (s *Service) Outsider(i int) string {
	if i < len(s.LoadBalancers) {
		return s.LoadBalancers[i].TargetGroup
	}
	return s.Registries[i-len(s.LoadBalancers)]
}

// LoadBalancer has the tasks of a service be targets of a target group, at a port of one of their containers (API_LoadBalancer).
type LoadBalancer struct {
	TargetGroup string `cbor:"1,keyasint"` // ARN
	Container   string `cbor:"2,keyasint"`
	Port        int    `cbor:"3,keyasint"` // of the container
}

// Breaker fails a deployment whose tasks keep failing (API_DeploymentCircuitBreaker).
type Breaker struct {
	Enabled  bool `cbor:"1,keyasint,omitempty"`
	Rollback bool `cbor:"2,keyasint,omitempty"`
	// Cumulative means that a healthy task does not set the count of failures back (resetOnHealthyTask false).
	Cumulative bool `cbor:"3,keyasint,omitempty"`
	// Value is the threshold, read by Type; 0 means that no thresholdConfiguration was given.
	Type  ThresholdType `cbor:"4,keyasint,omitempty"`
	Value int           `cbor:"5,keyasint,omitempty"`
}

// ThresholdType says how the threshold of a Breaker follows from its value (API_ThresholdConfiguration).
type ThresholdType uint8

// The threshold types: a percentage of the desired count between 3 and 200, one without bounds, and the number itself.
const (
	BoundedPercent ThresholdType = iota
	UnboundedPercent
	FailureCount
)

var thresholdNames = [...]string{"BOUNDED_PERCENT", "UNBOUNDED_PERCENT", "COUNT"}

// String gives the name that the API uses.
func (t ThresholdType) String() string { return thresholdNames[t] }

// Backoff counts failed waves of starts, by which the next wave waits longer and longer.
type Backoff struct {
	Failed int `cbor:"1,keyasint,omitempty"`
	// Since is when the last wave failed or all was well again, and Newest the newest task then (Task.Seq), 0 for none: it belongs
	// to an earlier wave, like those before it.
	Since  Time   `cbor:"2,keyasint,omitempty"`
	Newest uint64 `cbor:"4,keyasint,omitempty"`
	// Announced says whether there has been a service event since the first wave failed.
	Announced bool `cbor:"3,keyasint,omitempty"`
}

// Whose tags a task of a service gets.
const (
	PropagateNone uint8 = iota
	PropagateTaskDefinition
	PropagateService
)

// MaxServiceEvents is how many events of a service are kept (API_Service: "the most recent 100 events").
const MaxServiceEvents = 100

// Deployment gives the deployment of that id, which is part of the service; nil when there is none.
func (s *Service) Deployment(id DeploymentID) *Deployment {
	for i := range s.Deployments {
		if s.Deployments[i].ID == id {
			return &s.Deployments[i]
		}
	}
	return nil
}

// ServiceStatus is the status of a service.
type ServiceStatus uint8

// The statuses of a service. A draining one has been deleted and still has tasks; ListServices hides it.
const (
	ServiceActive ServiceStatus = iota
	ServiceDraining
	ServiceInactive
)

var serviceStatusNames = [...]string{"ACTIVE", "DRAINING", "INACTIVE"}

// String gives the name that the API uses.
func (s ServiceStatus) String() string { return serviceStatusNames[s] }

// Deployment brings one revision into a service (API_Deployment).
type Deployment struct {
	ID         DeploymentID    `cbor:"1,keyasint"`
	Definition *TaskDefinition `cbor:"-"`
	Family     string          `cbor:"2,keyasint"` // of Definition, for the journal
	Revision   int             `cbor:"3,keyasint"` // of Definition, for the journal

	// Desired is how many tasks the deployment should have now; for an older deployment it shrinks as the newest grows.
	Desired int `cbor:"4,keyasint,omitempty"`
	// FailedTasks counts what the circuit breaker counts: tasks that could not be placed or did not come to RUNNING, until one is
	// RUNNING, and those that were stopped because a health check failed.
	FailedTasks   int          `cbor:"5,keyasint,omitempty"`
	Rollout       RolloutState `cbor:"6,keyasint"`
	RolloutReason string       `cbor:"7,keyasint,omitempty"`
	CreatedAt     Time         `cbor:"8,keyasint"`
	UpdatedAt     Time         `cbor:"9,keyasint"`
	// Network is nil unless Definition is in network mode awsvpc.
	Network *Network `cbor:"10,keyasint,omitempty"`
	// Restores is the service revision that a rollback brings back, made at RestoredFrom; 0 where the deployment brings one of
	// its own.
	Restores     DeploymentID `cbor:"11,keyasint,omitempty"`
	RestoredFrom Time         `cbor:"12,keyasint,omitempty"`
	// Unwatched means that an alarm was raised when the deployment began, so that alarms do not count for it.
	Unwatched bool `cbor:"13,keyasint,omitempty"`

	// Derived, never journalled.
	Running int `cbor:"-"`
	Pending int `cbor:"-"`
}

// RolloutState is the progress of a deployment (API_Deployment, rolloutState). A failed one starts no more tasks.
type RolloutState uint8

// The rollout states.
const (
	RolloutInProgress RolloutState = iota
	RolloutCompleted
	RolloutFailed
)

var rolloutNames = [...]string{"IN_PROGRESS", "COMPLETED", "FAILED"}

// String gives the name that the API uses.
func (r RolloutState) String() string { return rolloutNames[r] }

// ServiceEvent is one line of a service's history (API_ServiceEvent).
type ServiceEvent struct {
	ID      ID     `cbor:"1,keyasint"`
	At      Time   `cbor:"2,keyasint"`
	Message string `cbor:"3,keyasint"`
}
