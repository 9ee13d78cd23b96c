package health

import "time"

// Group is what the health of targets depends on of their target group (API_TargetGroup, API_TargetGroupAttribute).
type Group struct {
	ARN string
	// Interval lies between the health checks of a target, 5s to 5m; Timeout is for how long each waits for an answer, shorter than
	// Interval.
	Interval, Timeout time.Duration
	Limits            Thresholds
	// Delay is for how long a target that is deregistered finishes its requests, at most an hour
	// (deregistration_delay.timeout_seconds).
	Delay time.Duration
}

// What a target group has that says nothing (API_CreateTargetGroup, with HTTP; API_TargetGroupAttribute).
const (
	DefaultInterval = 30 * time.Second
	DefaultTimeout  = 5 * time.Second
	DefaultDelay    = 300 * time.Second
)

// DefaultGroup is a target group that says nothing.
func DefaultGroup(arn string) Group {
	return Group{ARN: arn, Interval: DefaultInterval, Timeout: DefaultTimeout, Limits: DefaultThresholds, Delay: DefaultDelay}
}
