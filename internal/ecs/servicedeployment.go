package ecs

// ServiceDeploymentIDLen is how long the id of a service deployment is ("NCWGC2ZR-taawPAYrIaU5", API_DescribeServiceDeployments).
const ServiceDeploymentIDLen = 21

// ServiceDeployment is one attempt to bring a service revision into a service, with the rollback that may end it: one of these
// spans the deployment that failed and the one that brings the revision before back (developer guide, View service history using
// Amazon ECS service deployments).
type ServiceDeployment struct {
	ID string `cbor:"1,keyasint"`
	// Number counts the service deployments of a service, from 1.
	Number uint64 `cbor:"2,keyasint"`

	Status       ServiceDeploymentStatus `cbor:"3,keyasint"`
	StatusReason string                  `cbor:"4,keyasint,omitempty"`
	CreatedAt    Time                    `cbor:"5,keyasint"`
	StartedAt    Time                    `cbor:"6,keyasint,omitempty"` // first decided
	FinishedAt   Time                    `cbor:"7,keyasint,omitempty"` // of a finished one
	StoppedAt    Time                    `cbor:"8,keyasint,omitempty"` // of a STOPPED one
	UpdatedAt    Time                    `cbor:"9,keyasint"`

	// Target is the revision that is brought in; Sources are those in service when it began.
	Target  ServiceRevision `cbor:"10,keyasint"`
	Sources []DeploymentID  `cbor:"11,keyasint,omitempty"`
	// Rollback is nil as long as there is none.
	Rollback *Rollback `cbor:"12,keyasint,omitempty"`
	// Watch is what the failure detection came to, nil as long as it watches: its figures are then those of the service.
	Watch *Watch `cbor:"13,keyasint,omitempty"`
	// Last is how all was when it finished, nil before: then all is as the service has it.
	Last *Snapshot `cbor:"14,keyasint,omitempty"`
}

// ServiceRevision is what a deployment brings into a service. Its number is that of the first deployment that brought it.
type ServiceRevision struct {
	ID        DeploymentID `cbor:"1,keyasint"`
	Family    string       `cbor:"2,keyasint"`
	Revision  int          `cbor:"3,keyasint"`
	Network   *Network     `cbor:"4,keyasint,omitempty"`
	CreatedAt Time         `cbor:"5,keyasint"`
}

// Rollback is the way back to a revision.
type Rollback struct {
	Reason    string       `cbor:"1,keyasint"`
	StartedAt Time         `cbor:"2,keyasint"`
	Revision  DeploymentID `cbor:"3,keyasint"`
}

// Watch is what the detection of failures came to.
type Watch struct {
	// Failed tasks were counted, Threshold would have been enough, and Tripped says that it was the circuit breaker's doing.
	Failed    int  `cbor:"1,keyasint,omitempty"`
	Threshold int  `cbor:"2,keyasint,omitempty"`
	Tripped   bool `cbor:"3,keyasint,omitempty"`
	// Raised are the alarms that failed the deployment.
	Raised []string `cbor:"4,keyasint,omitempty"`
}

// Snapshot is the state of a service when a deployment of it finished.
type Snapshot struct {
	Tasks         []RevisionTasks         `cbor:"1,keyasint,omitempty"`
	Configuration DeploymentConfiguration `cbor:"2,keyasint"`
}

// RevisionTasks counts the tasks of a service revision.
type RevisionTasks struct {
	Revision  DeploymentID `cbor:"1,keyasint"`
	Requested int          `cbor:"2,keyasint,omitempty"`
	Running   int          `cbor:"3,keyasint,omitempty"`
	Pending   int          `cbor:"4,keyasint,omitempty"`
}

// DeploymentConfiguration is the part of a service that says how its deployments go (API_DeploymentConfiguration).
type DeploymentConfiguration struct {
	MinimumHealthyPercent int     `cbor:"1,keyasint"`
	MaximumPercent        int     `cbor:"2,keyasint"`
	Breaker               Breaker `cbor:"3,keyasint,omitzero"`
	// Early and Alarms are nil where nothing was said of them.
	Early  *EarlySuccess     `cbor:"4,keyasint,omitempty"`
	Alarms *DeploymentAlarms `cbor:"5,keyasint,omitempty"`
}

// EarlySuccess says when a deployment is complete before all of its tasks are healthy (API_DeploymentEarlySuccessCriteria).
type EarlySuccess struct {
	Enabled bool `cbor:"1,keyasint,omitempty"`
	// Percent of the desired count have to be healthy.
	Percent int `cbor:"2,keyasint,omitempty"`
	// Deferred means that older tasks may still be there (sourceServiceRevisionCleanup DEFERRED).
	Deferred bool `cbor:"3,keyasint,omitempty"`
}

// CheckEarly refuses early success criteria below the healthy-percent window (API_DeploymentEarlySuccessCriteria: "This value must be
// greater than or equal to the minimumHealthyPercent value").
func (s *Service) CheckEarly() error {
	if e := s.Early; e != nil && e.Enabled && e.Percent < s.MinimumHealthyPercent {
		return Errorf(InvalidParameterException, "healthyPercent of earlySuccessCriteria must be between the minimumHealthyPercent, %d, and 100.",
			s.MinimumHealthyPercent)
	}
	return nil
}

// DeploymentAlarms fail a deployment while one of them is raised (API_DeploymentAlarms).
type DeploymentAlarms struct {
	Enabled  bool     `cbor:"1,keyasint,omitempty"`
	Rollback bool     `cbor:"2,keyasint,omitempty"`
	Names    []string `cbor:"3,keyasint,omitempty"`
}

// Configuration gives the deployment configuration of a service.
func (s *Service) Configuration() DeploymentConfiguration {
	return DeploymentConfiguration{MinimumHealthyPercent: s.MinimumHealthyPercent, MaximumPercent: s.MaximumPercent,
		Breaker: s.Breaker, Early: s.Early, Alarms: s.Alarms}
}

// ServiceRevision gives the service revision that a deployment brings in.
func (d *Deployment) ServiceRevision() ServiceRevision {
	r := ServiceRevision{ID: d.ID, Family: d.Family, Revision: d.Revision, Network: d.Network, CreatedAt: d.CreatedAt}
	if d.Restores != 0 {
		r.ID, r.CreatedAt = d.Restores, d.RestoredFrom
	}
	return r
}

// RevisionTasks counts the tasks of the deployments of a service by the revisions that they bring in, newest first.
func (s *Service) RevisionTasks() []RevisionTasks {
	out := make([]RevisionTasks, 0, len(s.Deployments))
next:
	for i := range s.Deployments {
		d := &s.Deployments[i]
		id := d.ServiceRevision().ID
		for at := range out {
			if t := &out[at]; t.Revision == id {
				t.Requested, t.Running, t.Pending = t.Requested+d.Desired, t.Running+d.Running, t.Pending+d.Pending
				continue next
			}
		}
		out = append(out, RevisionTasks{id, d.Desired, d.Running, d.Pending})
	}
	return out
}

// ServiceDeploymentStatus is the status of a service deployment.
type ServiceDeploymentStatus uint8

// The statuses (developer guide, View service history using Amazon ECS service deployments). What is requested or pending is
// decided in the same step, so those statuses are seen only while nothing is decided, as when Ballast is being stopped; a stop
// that is requested is one at once.
const (
	ServiceDeploymentPending ServiceDeploymentStatus = iota
	ServiceDeploymentInProgress
	ServiceDeploymentStopRequested
	ServiceDeploymentRollbackRequested
	ServiceDeploymentRollbackInProgress
	ServiceDeploymentSuccessful
	ServiceDeploymentStopped
	ServiceDeploymentRollbackSuccessful
	ServiceDeploymentRollbackFailed
)

var serviceDeploymentNames = [...]string{"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS",
	"SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"}

// String gives the name that the API uses.
func (s ServiceDeploymentStatus) String() string { return serviceDeploymentNames[s] }

// Finished says whether nothing follows that status.
func (s ServiceDeploymentStatus) Finished() bool { return s >= ServiceDeploymentSuccessful }
