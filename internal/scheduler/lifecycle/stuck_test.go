package lifecycle

import (
	"testing"

	"ballast/internal/ecs"
)

func TestStuck(t *testing.T) {
	definitions := func(condition ecs.Condition) []ecs.ContainerDefinition {
		return []ecs.ContainerDefinition{{Name: "app", DependsOn: []ecs.Dependency{{Container: "db", Condition: condition}}}, {Name: "db"}}
	}
	tests := []struct {
		name      string
		condition ecs.Condition
		app, db   ecs.Container
		want      bool
	}{
		{"waits for one that is unhealthy", ecs.DependHealthy, ecs.Container{Status: ecs.StatusPending}, ecs.Container{Status: ecs.StatusRunning, Health: ecs.HealthUnhealthy}, true},
		{"not known yet", ecs.DependHealthy, ecs.Container{Status: ecs.StatusPending}, ecs.Container{Status: ecs.StatusRunning}, false},
		{"healthy", ecs.DependHealthy, ecs.Container{Status: ecs.StatusPending}, ecs.Container{Status: ecs.StatusRunning, Health: ecs.HealthHealthy}, false},
		{"over", ecs.DependHealthy, ecs.Container{Status: ecs.StatusPending}, ecs.Container{Status: ecs.StatusStopped, Health: ecs.HealthUnhealthy}, false},
		{"started before", ecs.DependHealthy, ecs.Container{Status: ecs.StatusRunning}, ecs.Container{Status: ecs.StatusRunning, Health: ecs.HealthUnhealthy}, false},
		{"another condition", ecs.DependStart, ecs.Container{Status: ecs.StatusPending}, ecs.Container{Status: ecs.StatusRunning, Health: ecs.HealthUnhealthy}, false},
	}
	for _, test := range tests {
		waits, on, got := Stuck(definitions(test.condition), []ecs.Container{test.app, test.db})
		if got != test.want || got && (waits != "app" || on != "db") {
			t.Errorf("%s: %v, %s waits for %s", test.name, got, waits, on)
		}
	}
}
