package ecs

import (
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/ecs"
)

// breakerFields are the members of the deployment circuit breaker.
var breakerFields = table{
	"deploymentConfiguration.deploymentCircuitBreaker.enable":                       works,
	"deploymentConfiguration.deploymentCircuitBreaker.rollback":                     works,
	"deploymentConfiguration.deploymentCircuitBreaker.resetOnHealthyTask":           works,
	"deploymentConfiguration.deploymentCircuitBreaker.thresholdConfiguration.type":  works,
	"deploymentConfiguration.deploymentCircuitBreaker.thresholdConfiguration.value": works,
}

var thresholdTypes = map[types.ThresholdType]ecs.ThresholdType{
	types.ThresholdTypeBoundedPercent:   ecs.BoundedPercent,
	types.ThresholdTypeUnboundedPercent: ecs.UnboundedPercent,
	types.ThresholdTypeCount:            ecs.FailureCount,
}

// mostFailures is the largest threshold of type COUNT: twice what a service can have of tasks.
const mostFailures = 2 * maxDesired

// breakerOf gives the circuit breaker that a deployment configuration asks for, nil where it says nothing of one.
func breakerOf(c *types.DeploymentConfiguration) (*ecs.Breaker, error) {
	if c == nil || c.DeploymentCircuitBreaker == nil {
		return nil, nil
	}
	in := c.DeploymentCircuitBreaker
	b := &ecs.Breaker{Enabled: in.Enable, Rollback: in.Rollback}
	b.Cumulative = in.ResetOnHealthyTask != nil && !*in.ResetOnHealthyTask
	t := in.ThresholdConfiguration
	if t == nil {
		return b, nil
	}
	kind, known := thresholdTypes[t.Type]
	if !known {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "thresholdConfiguration needs a type: BOUNDED_PERCENT, UNBOUNDED_PERCENT or COUNT.")
	}
	most := int32(100)
	if kind == ecs.FailureCount {
		most = mostFailures
	}
	if t.Value < 1 || t.Value > most {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "value of a thresholdConfiguration of type %s must be between 1 and %d.", t.Type, most)
	}
	b.Type, b.Value = kind, int(t.Value)
	return b, nil
}

// showBreaker gives a circuit breaker as it was asked for.
func showBreaker(b ecs.Breaker) *types.DeploymentCircuitBreaker {
	shown := &types.DeploymentCircuitBreaker{Enable: b.Enabled, Rollback: b.Rollback}
	if b.Cumulative {
		shown.ResetOnHealthyTask = new(false)
	}
	if b.Value != 0 {
		shown.ThresholdConfiguration = &types.ThresholdConfiguration{Type: types.ThresholdType(b.Type.String()), Value: int32(b.Value)}
	}
	return shown
}

// graceOf gives the healthCheckGracePeriodSeconds that were asked for, nil for none.
func graceOf(seconds *int32) (*int, error) {
	if seconds == nil {
		return nil, nil
	}
	if *seconds < 0 {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "healthCheckGracePeriodSeconds must be between 0 and 2147483647.")
	}
	return new(int(*seconds)), nil
}

// showGrace gives the grace period, nil where there is none.
func showGrace(seconds int) *int32 {
	if seconds == 0 {
		return nil
	}
	return new(int32(seconds))
}
