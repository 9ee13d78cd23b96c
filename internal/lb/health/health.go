// Package health keeps the health of one target of a target group as Elastic Load Balancing defines it: a state machine from the
// results of health checks to the state, reason and description that DescribeTargetHealth shows, and the rule by which a group
// whose targets are all unhealthy sends requests to all of them.
//
// It is pure: a Target is a value, every change gives another one, and time is nobody's business here but the caller's, who
// probes, decides how long draining lasts, and routes. Start reading at Target.
package health

// State is the state of a target (API_TargetHealth).
type State uint8

// The states.
const (
	// Initial is a target that has not passed a health check yet, nor failed enough of them.
	Initial State = iota
	// Healthy is a target that gets requests.
	Healthy
	// Unhealthy is a target that failed as many health checks in a row as the threshold says.
	Unhealthy
	// Unused is a target that is not registered, or whose group gets no traffic.
	Unused
	// Draining is a target that is being deregistered: it finishes what it has and gets nothing new.
	Draining
	// Unavailable is a target that is not checked.
	Unavailable

	// States is how many there are.
	States = int(Unavailable) + 1
)

var stateNames = [States]string{"initial", "healthy", "unhealthy", "unused", "draining", "unavailable"}

// String gives the name that the API uses.
func (s State) String() string { return stateNames[s] }

// Outcome is how a health check went.
type Outcome uint8

// The outcomes.
const (
	// Passed: the answer came in time, with a code of the matcher.
	Passed Outcome = iota
	// Mismatched: the answer had another code.
	Mismatched
	// TimedOut: no answer came in time.
	TimedOut
	// Failed: the connection failed, or the answer was none.
	Failed
	// Broken: the load balancer could not check.
	Broken
)

// Result is the result of one health check.
type Result struct {
	Outcome Outcome
	Code    int // of Mismatched
}

// Thresholds say how many health checks in a row change the state (API_TargetGroup: 2 to 10; by default 5 and 2).
type Thresholds struct{ Healthy, Unhealthy int }

// DefaultThresholds are those of a target group that says nothing (API_CreateTargetGroup).
var DefaultThresholds = Thresholds{Healthy: 5, Unhealthy: 2}

// Target is the health of one target. The zero value is one that was registered just now.
type Target struct {
	state  State
	reason reason
	code   int // of the last answer, for reasonCode
	passes int // in a row, while Unhealthy
	fails  int // in a row, while Initial or Healthy
}

// Probed gives the target after a health check. The first check that an initial target passes makes it healthy; an unhealthy one
// needs the threshold. One that is not registered, draining or not checked stays as it is.
func (t Target) Probed(r Result, limits Thresholds) Target {
	if t.state > Unhealthy {
		return t
	}
	if r.Outcome == Passed {
		return t.passed(limits)
	}
	return t.failed(r, limits)
}

func (t Target) passed(limits Thresholds) Target {
	t.fails = 0
	if t.state == Unhealthy {
		if t.passes++; t.passes < limits.Healthy {
			return t
		}
	}
	return Target{state: Healthy}
}

func (t Target) failed(r Result, limits Thresholds) Target {
	t.passes = 0
	if t.state != Unhealthy {
		if t.fails++; t.fails < limits.Unhealthy {
			if t.state == Initial {
				t.reason = reasonChecking
			}
			return t
		}
	}
	return Target{state: Unhealthy, reason: failures[r.Outcome], code: r.Code}
}

// Checking gives an initial target of which the first health check is under way.
func (t Target) Checking() Target {
	if t.state == Initial {
		t.reason = reasonChecking
	}
	return t
}

// Deregister gives the target while it is drained.
func (t Target) Deregister() Target {
	if t.state == Unused {
		return t
	}
	return Target{state: Draining, reason: reasonDeregistration}
}

// Drained gives the target after that.
func (t Target) Drained() Target { return Target{state: Unused, reason: reasonNotRegistered} }

// NotInUse gives a target of a group to which no listener sends anything: it is not checked. A draining one stays so.
func (t Target) NotInUse() Target {
	if t.state == Draining {
		return t
	}
	return Target{state: Unused, reason: reasonNotInUse}
}

// InUse gives a target of a group to which a listener sends requests from now on: its checks begin.
func (t Target) InUse() Target {
	if t.state == Unused && t.reason == reasonNotInUse {
		return Target{}
	}
	return t
}

// Unchecked gives a target of a group whose health checks are switched off.
func (t Target) Unchecked() Target { return Target{state: Unavailable, reason: reasonDisabled} }

// Passes is how many health checks in a row an unhealthy target has passed, 0 in every other state. It is healthy again at
// Thresholds.Healthy.
func (t Target) Passes() int { return t.passes }

// Fails is how many health checks in a row an initial or healthy target has failed, 0 in every other state. It is unhealthy at
// Thresholds.Unhealthy.
func (t Target) Fails() int { return t.fails }

// State is the state of the target.
func (t Target) State() State { return t.state }

// Registered says whether the target is one of its group: neither being deregistered nor gone.
func (t Target) Registered() bool {
	return t.state != Draining && !(t.state == Unused && t.reason == reasonNotRegistered)
}
