//go:build linux

package faults

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"

	"ballast/test/harness"
)

// TestManyServices creates many services at once: each gets its task, once.
func TestManyServices(t *testing.T) {
	t.Parallel()
	const services, clients = 200, 16
	s := up(t)
	file := filepath.Join(t.TempDir(), "starts")
	definition := s.Define("sleeper", shell(startsRecorded+"exec sleep 1000000", file))
	names := make(chan string, services)
	var all []string
	for i := range services {
		name := fmt.Sprintf("service%d", i)
		names <- name
		all = append(all, name)
	}
	close(names)
	failed := make(chan error, services)
	var working sync.WaitGroup
	for range clients {
		working.Go(func() {
			one := int32(1)
			for name := range names {
				_, err := s.ECS().CreateService(t.Context(), &awsecs.CreateServiceInput{ServiceName: &name, TaskDefinition: &definition, DesiredCount: &one})
				if err != nil {
					failed <- err
				}
			}
		})
	}
	working.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	s.Steady(all...)
	for _, name := range all {
		if status := *s.Service(name).Status; status != "ACTIVE" {
			t.Errorf("service %s is %s", name, status)
		}
	}
	tasks := s.AllTasks()
	if err := agree(tasks, s.Processes()); err != nil {
		t.Error(err)
	}
	started := map[string]int{}
	for _, id := range starts(t, file) {
		started[id]++
	}
	for _, task := range tasks {
		if n := started[harness.TaskID(*task.TaskArn)]; n != 1 {
			t.Errorf("task %s was started %d times", *task.TaskArn, n)
		}
	}
	if len(tasks) != services || len(started) != services {
		t.Errorf("%d tasks, of which %d were started; want %d", len(tasks), len(started), services)
	}
}
