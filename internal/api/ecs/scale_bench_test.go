package ecs_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"ballast/internal/ecs"
	"ballast/test/grown"
)

// BenchmarkPages answers what clients ask over and over, in a cluster of 1,000 to 100,000 tasks. How many there are must not show:
// every page is as long in all of them.
func BenchmarkPages(b *testing.B) {
	var hundred []string
	for i := range 100 {
		hundred = append(hundred, grown.Task(i).String())
	}
	instance := `"containerInstance":"` + grown.Instance(3).String() + `"`
	pages := []struct{ name, operation, request string }{
		{"DescribeTasks", "DescribeTasks", `{"tasks":["` + strings.Join(hundred, `","`) + `"]}`},
		{"ListTasks", "ListTasks", `{"maxResults":5}`},
		{"ListTasks,stopped", "ListTasks", `{"maxResults":5,"desiredStatus":"STOPPED"}`},
		{"ListTasks,service", "ListTasks", `{"maxResults":5,"serviceName":"web7"}`},
		{"ListTasks,family", "ListTasks", `{"maxResults":5,"family":"web"}`},
		{"ListTasks,instance", "ListTasks", `{"maxResults":5,` + instance + `,"desiredStatus":"STOPPED"}`},
		{"ListTasks,startedBy", "ListTasks", `{"maxResults":5,"startedBy":"` + ecs.DeploymentID(90).String() + `"}`},
		{"ListServices", "ListServices", `{"maxResults":100}`},
	}
	for _, tasks := range []int{1_000, 10_000, 100_000} {
		w := newWorld()
		for _, unit := range grown.Units(tasks, start) {
			w.builder.Apply(unit)
		}
		w.state = w.builder.Publish()
		for _, page := range pages {
			b.Run(fmt.Sprintf("%s/tasks=%d", page.name, tasks), func(b *testing.B) {
				op := w.calls[page.operation]
				benchmark(b, op.New, page.request, func(in any) (any, error) { return op.Handle(context.Background(), in) })
			})
		}
	}
}
