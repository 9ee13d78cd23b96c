package ecs

import (
	"testing"

	"ballast/internal/ecs"
)

// TestCheckBalancers has a task definition have the container and the port that a load balancer is for.
func TestCheckBalancers(t *testing.T) {
	d := &ecs.TaskDefinition{Containers: []ecs.ContainerDefinition{
		{Name: "side", Ports: []ecs.PortMapping{{ContainerPort: 81}}},
		{Name: "app", Ports: []ecs.PortMapping{{ContainerPort: 80}, {ContainerPort: 90, LastPort: 92}}},
	}}
	for _, test := range []struct {
		container string
		port      int
		want      string
	}{
		{"app", 80, ""},
		{"app", 90, ""},
		{"app", 92, ""},
		{"app", 93, "The container app did not have a container port 93 defined."},
		{"app", 89, "The container app did not have a container port 89 defined."},
		{"app", 81, "The container app did not have a container port 81 defined."},
		{"web", 80, "The container web does not exist in the task definition."},
	} {
		got := ""
		if err := checkBalancers([]ecs.LoadBalancer{{TargetGroup: "g", Container: test.container, Port: test.port}}, d); err != nil {
			got = err.(*ecs.Error).Message
		}
		if got != test.want {
			t.Errorf("%s:%d: %q, want %q", test.container, test.port, got, test.want)
		}
	}
}
