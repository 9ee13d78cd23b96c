package agent

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/session"
)

func TestTaskLimits(t *testing.T) {
	containers := []ecs.ContainerDefinition{{Name: "web", CPU: 100}, {Name: "log", CPU: 28}}
	for _, c := range []struct {
		name  string
		def   ecs.TaskDefinition
		over  *ecs.Overrides
		wants *driver.TaskLimits
	}{
		{"none", ecs.TaskDefinition{Containers: containers}, nil, nil},
		{"none, and overrides of containers", ecs.TaskDefinition{Containers: containers},
			&ecs.Overrides{Containers: []ecs.ContainerOverride{{Name: "web", CPU: new(5)}}}, nil},
		{"both", ecs.TaskDefinition{Containers: containers, CPU: 512, Memory: 300}, nil, &driver.TaskLimits{CPU: 512, Memory: 300, Share: 512}},
		{"memory", ecs.TaskDefinition{Containers: containers, Memory: 300}, nil, &driver.TaskLimits{Memory: 300, Share: 128}},
		{"memory, and containers without a share", ecs.TaskDefinition{Memory: 300}, nil, &driver.TaskLimits{Memory: 300, Share: 2}},
		{"overrides", ecs.TaskDefinition{Containers: containers, CPU: 512, Memory: 300}, &ecs.Overrides{CPU: 256, Memory: 200},
			&driver.TaskLimits{CPU: 256, Memory: 200, Share: 256}},
		{"one override", ecs.TaskDefinition{Containers: containers, CPU: 512, Memory: 300}, &ecs.Overrides{Memory: 200},
			&driver.TaskLimits{CPU: 512, Memory: 200, Share: 512}},
		{"only overrides", ecs.TaskDefinition{Containers: containers},
			&ecs.Overrides{Memory: 200, Containers: []ecs.ContainerOverride{{Name: "web", CPU: new(5)}}}, &driver.TaskLimits{Memory: 200, Share: 33}},
	} {
		got := taskLimits(&session.Work{Definition: &c.def, Overrides: c.over})
		if diff := cmp.Diff(c.wants, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}
