package environment

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/arn"
	"ballast/internal/driver"
	"ballast/internal/ecs"
)

func TestComplete(t *testing.T) {
	key := driver.Key{Task: ecs.ID{15: 1}, Container: "web"}
	s := &Source{Folder: folder(t), Names: arn.Namer{Region: "eu-west-1", Account: "000000000000"}, Cluster: "blue",
		Endpoint: func(k driver.Key, mode ecs.NetworkMode) (string, string, bool) {
			return "http://127.0.0.1:9", k.Container, mode != ecs.NetworkNone
		}}
	spec := driver.Spec{Image: "app", Secrets: []ecs.Secret{{Name: "S", ValueFrom: "/app/db"}}, Labels: map[string]string{"a": "b"},
		Environment: []ecs.Variable{{Name: "AWS_REGION", Value: "mine"}, {Name: "ECS_AGENT_URI", Value: "mine"}}}
	labels := map[string]string{"a": "b", "com.amazonaws.ecs.task-arn": "arn:aws:ecs:eu-west-1:000000000000:task/blue/00000000000000000000000000000001"}
	common := []ecs.Variable{{Name: "AWS_REGION", Value: "mine"}, {Name: "ECS_AGENT_URI", Value: "mine"}, {Name: "S", Value: hidden + "-db"},
		{Name: "AWS_DEFAULT_REGION", Value: "eu-west-1"}, {Name: "AWS_EXECUTION_ENV", Value: "AWS_ECS_EC2"}}

	spec.NetworkMode = ecs.NetworkNone
	none, err := s.Complete(t.Context(), key, spec)
	if diff := cmp.Diff(driver.Spec{Image: "app", NetworkMode: ecs.NetworkNone, Environment: common, Labels: labels}, none); err != nil || diff != "" {
		t.Errorf("without a network: %v (-want +got):\n%s", err, diff)
	}
	spec.NetworkMode, spec.Isolation = ecs.NetworkAwsvpc, &ecs.Isolation{DisableNetwork: true}
	disabled, err := s.Complete(t.Context(), key, spec)
	if diff := cmp.Diff(common, disabled.Environment); err != nil || diff != "" {
		t.Errorf("with disableNetworking: %v (-want +got):\n%s", err, diff)
	}
	spec.NetworkMode, spec.Isolation = ecs.NetworkBridge, nil
	bridge, err := s.Complete(t.Context(), key, spec)
	common[1].Value = "http://127.0.0.1:9/api/web"
	common = append(common, ecs.Variable{Name: "ECS_CONTAINER_METADATA_URI_V4", Value: "http://127.0.0.1:9/v4/web"},
		ecs.Variable{Name: "ECS_CONTAINER_METADATA_URI", Value: "http://127.0.0.1:9/v3/web"})
	if diff := cmp.Diff(driver.Spec{Image: "app", Environment: common, Labels: labels}, bridge); err != nil || diff != "" {
		t.Errorf("with one: %v (-want +got):\n%s", err, diff)
	}
	if len(spec.Labels) != 1 || spec.Environment[1].Value != "mine" {
		t.Errorf("the machine's spec has changed: %+v", spec)
	}
}
