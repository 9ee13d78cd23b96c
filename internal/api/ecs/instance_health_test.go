package ecs

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/ecs"
)

// TestShowHealth has the values that API_InstanceHealthCheckResult lists for a container runtime.
func TestShowHealth(t *testing.T) {
	for _, c := range []struct {
		instance ecs.ContainerInstance
		want     types.InstanceHealthCheckState
	}{
		{ecs.ContainerInstance{Connected: true}, types.InstanceHealthCheckStateOk},
		{ecs.ContainerInstance{Connected: true, Impaired: "the engine is down"}, types.InstanceHealthCheckStateImpaired},
		{ecs.ContainerInstance{}, types.InstanceHealthCheckStateImpaired},
	} {
		got := showHealth(&c.instance)
		if got.OverallStatus != c.want || len(got.Details) != 1 || got.Details[0].Type != types.InstanceHealthCheckTypeContainerRuntime || got.Details[0].Status != c.want ||
			value(got.Details[0].StatusReason) != c.instance.Impaired {
			t.Errorf("%+v: got %+v, want %s", c.instance, got, c.want)
		}
	}
}
