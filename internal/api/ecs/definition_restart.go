package ecs

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/ecs"
)

// maxIgnoredCodes is how many exit codes a restart policy can ignore (API_ContainerRestartPolicy).
const maxIgnoredCodes = 50

// attemptPeriod is how many seconds a container has to have run before it is restarted (API_ContainerRestartPolicy).
var attemptPeriod = limit{"restartAttemptPeriod", 60, 1800, 300}

// parseRestartPolicy reads the restart policy of a container; one that is not enabled is none. The text on the period is that of
// real accounts (cdk-preflight, pf-ecs-restart-policy-attempt-period-range).
func parseRestartPolicy(c *types.ContainerDefinition, _ *ecs.TaskDefinition, out *ecs.ContainerDefinition) error {
	p := c.RestartPolicy
	if p == nil {
		return nil
	}
	seconds := attemptPeriod.usually
	if p.RestartAttemptPeriod != nil {
		seconds = *p.RestartAttemptPeriod
	}
	switch {
	case p.Enabled == nil && (p.RestartAttemptPeriod != nil || len(p.IgnoredExitCodes) > 0):
		return inContainer(out.Name, "restartPolicy.enabled should not be null or empty.")
	case seconds < attemptPeriod.min || seconds > attemptPeriod.max:
		return refusef("The '%s' setting for container '%s' must be between %d and %d.", attemptPeriod.name, out.Name,
			attemptPeriod.min, attemptPeriod.max)
	case len(p.IgnoredExitCodes) > maxIgnoredCodes:
		return refusef("The 'ignoredExitCodes' setting for container '%s' can have at most %d exit codes.", out.Name, maxIgnoredCodes)
	case value(p.Enabled):
		out.RestartPolicy = &ecs.RestartPolicy{AttemptPeriod: time.Duration(seconds) * time.Second}
		if len(p.IgnoredExitCodes) > 0 {
			out.RestartPolicy.IgnoredExitCodes = slices.Clone(p.IgnoredExitCodes)
		}
	}
	return nil
}
