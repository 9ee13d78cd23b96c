package health

import "strconv"

// reason numbers the reasons that DescribeTargetHealth gives.
type reason uint8

const (
	reasonRegistration reason = iota // of an initial target; a healthy one has none
	reasonChecking
	reasonCode
	reasonTimeout
	reasonFailed
	reasonInternal
	reasonNotRegistered
	reasonNotInUse
	reasonDeregistration
	reasonDisabled
)

// reasons are the codes and descriptions word for word (API_TargetHealth; Elastic Load Balancing user guide, Target health reason
// codes).
var reasons = [...]struct{ code, description string }{
	reasonRegistration:   {"Elb.RegistrationInProgress", "Target registration is in progress"},
	reasonChecking:       {"Elb.InitialHealthChecking", "Initial health checks in progress"},
	reasonCode:           {"Target.ResponseCodeMismatch", "Health checks failed with these codes: "},
	reasonTimeout:        {"Target.Timeout", "Request timed out"},
	reasonFailed:         {"Target.FailedHealthChecks", "Health checks failed"},
	reasonInternal:       {"Elb.InternalError", "Health checks failed due to an internal error"},
	reasonNotRegistered:  {"Target.NotRegistered", "Target is not registered to the target group"},
	reasonNotInUse:       {"Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"},
	reasonDeregistration: {"Target.DeregistrationInProgress", "Target deregistration is in progress"},
	reasonDisabled:       {"Target.HealthCheckDisabled", "Health checks are disabled"},
}

// failures are the reasons of failed checks, by outcome.
var failures = [...]reason{Mismatched: reasonCode, TimedOut: reasonTimeout, Failed: reasonFailed, Broken: reasonInternal}

// Reason is the reason code of the state, "" for a healthy target.
func (t Target) Reason() string {
	if t.state == Healthy {
		return ""
	}
	return reasons[t.reason].code
}

// Description is the reason in words, "" for a healthy target.
func (t Target) Description() string {
	switch {
	case t.state == Healthy:
		return ""
	case t.reason == reasonCode:
		return reasons[t.reason].description + "[" + strconv.Itoa(t.code) + "]"
	}
	return reasons[t.reason].description
}
