package ecs

import (
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/ecs"
)

// earlyFields are the members of the early success criteria.
var earlyFields = table{
	"deploymentConfiguration.earlySuccessCriteria.enable":                       works,
	"deploymentConfiguration.earlySuccessCriteria.healthyPercent":               works,
	"deploymentConfiguration.earlySuccessCriteria.sourceServiceRevisionCleanup": works,
}

// earlyOf gives the early success criteria that a deployment configuration asks for, nil where it says nothing of them.
func earlyOf(c *types.DeploymentConfiguration) (*ecs.EarlySuccess, error) {
	if c == nil || c.EarlySuccessCriteria == nil {
		return nil, nil
	}
	in := c.EarlySuccessCriteria
	switch {
	case in.Enable && (in.HealthyPercent == nil || in.SourceServiceRevisionCleanup == ""):
		return nil, ecs.Errorf(ecs.InvalidParameterException, "earlySuccessCriteria needs healthyPercent and sourceServiceRevisionCleanup.")
	case in.HealthyPercent != nil && (*in.HealthyPercent < 0 || *in.HealthyPercent > 100):
		return nil, ecs.Errorf(ecs.InvalidParameterException, "healthyPercent of earlySuccessCriteria must be between 0 and 100.")
	}
	return &ecs.EarlySuccess{Enabled: in.Enable, Percent: int(value(in.HealthyPercent)),
		Deferred: in.SourceServiceRevisionCleanup == types.ServiceRevisionCleanupDeferred}, nil
}

// showEarly gives early success criteria, nil where nothing was said of them. Those that are off have no more to say.
func showEarly(e *ecs.EarlySuccess) *types.DeploymentEarlySuccessCriteria {
	switch {
	case e == nil:
		return nil
	case !e.Enabled:
		return &types.DeploymentEarlySuccessCriteria{}
	}
	shown := &types.DeploymentEarlySuccessCriteria{Enable: true, HealthyPercent: new(int32(e.Percent)),
		SourceServiceRevisionCleanup: types.ServiceRevisionCleanupBlocking}
	if e.Deferred {
		shown.SourceServiceRevisionCleanup = types.ServiceRevisionCleanupDeferred
	}
	return shown
}
