package harness

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// Define registers a task definition of the given containers and gives its ARN.
func (s *Server) Define(family string, containers ...types.ContainerDefinition) string {
	s.t.Helper()
	out, err := s.ECS().RegisterTaskDefinition(s.t.Context(), &awsecs.RegisterTaskDefinitionInput{Family: &family, ContainerDefinitions: containers})
	if err != nil {
		s.t.Fatal(err)
	}
	return *out.TaskDefinition.TaskDefinitionArn
}

// Serve creates a service.
func (s *Server) Serve(name, definition string, count int32) {
	s.t.Helper()
	_, err := s.ECS().CreateService(s.t.Context(), &awsecs.CreateServiceInput{ServiceName: &name, TaskDefinition: &definition, DesiredCount: &count})
	if err != nil {
		s.t.Fatal(err)
	}
}

// Run runs one task.
func (s *Server) Run(definition string) types.Task {
	s.t.Helper()
	out, err := s.ECS().RunTask(s.t.Context(), &awsecs.RunTaskInput{TaskDefinition: &definition})
	if err != nil {
		s.t.Fatal(err)
	}
	if len(out.Tasks) != 1 {
		s.t.Fatalf("run a task of %s: got %d, failures %v", definition, len(out.Tasks), Text(out.Failures))
	}
	return out.Tasks[0]
}

// Service shows a service.
func (s *Server) Service(name string) types.Service {
	s.t.Helper()
	out, err := s.ECS().DescribeServices(s.t.Context(), &awsecs.DescribeServicesInput{Services: []string{name}})
	if err != nil {
		s.t.Fatal(err)
	}
	if len(out.Services) != 1 {
		s.t.Fatalf("service %s: failures %s", name, Text(out.Failures))
	}
	return out.Services[0]
}

// Task shows a task.
func (s *Server) Task(arn string) types.Task {
	s.t.Helper()
	all := s.Describe([]string{arn})
	if len(all) != 1 {
		s.t.Fatalf("task %s is not there", arn)
	}
	return all[0]
}

// Tasks shows the tasks that a request lists, all pages.
func (s *Server) Tasks(in awsecs.ListTasksInput) []types.Task {
	s.t.Helper()
	return s.Describe(s.TaskARNs(in))
}

// TaskARNs gives what a request lists, all pages.
func (s *Server) TaskARNs(in awsecs.ListTasksInput) []string {
	s.t.Helper()
	var arns []string
	for pages := awsecs.NewListTasksPaginator(s.ECS(), &in); pages.HasMorePages(); {
		page, err := pages.NextPage(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		arns = append(arns, page.TaskArns...)
	}
	return arns
}

// AllTasks shows every task, stopped ones included.
func (s *Server) AllTasks() []types.Task {
	s.t.Helper()
	all := s.Tasks(awsecs.ListTasksInput{})
	return append(all, s.Tasks(awsecs.ListTasksInput{DesiredStatus: types.DesiredStatusStopped})...)
}

// maxDescribed is how many tasks one request may name (API_DescribeTasks).
const maxDescribed = 100

// Describe shows tasks; those that are not there are left out.
func (s *Server) Describe(arns []string) []types.Task {
	s.t.Helper()
	var all []types.Task
	for part := range slices.Chunk(arns, maxDescribed) {
		out, err := s.ECS().DescribeTasks(s.t.Context(), &awsecs.DescribeTasksInput{Tasks: part})
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, out.Tasks...)
	}
	return all
}

// Steady waits until services have what they want: as many tasks RUNNING as desired and one deployment, COMPLETED.
func (s *Server) Steady(names ...string) {
	s.t.Helper()
	Until(s.t, fmt.Sprintf("services %v are steady", names), func() error {
		for part := range slices.Chunk(names, 10) { // API_DescribeServices
			out, err := s.ECS().DescribeServices(s.t.Context(), &awsecs.DescribeServicesInput{Services: part})
			if err != nil {
				return err
			}
			if len(out.Failures) > 0 {
				return errors.New(Text(out.Failures))
			}
			for _, service := range out.Services {
				if err := steady(service); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func steady(v types.Service) error {
	if v.RunningCount == v.DesiredCount && v.PendingCount == 0 && len(v.Deployments) == 1 &&
		v.Deployments[0].RolloutState == types.DeploymentRolloutStateCompleted {
		return nil
	}
	return errors.New(Text(v))
}

// Status waits until a task has a last status.
func (s *Server) Status(arn, status string) types.Task {
	s.t.Helper()
	var task types.Task
	Until(s.t, "task "+arn+" is "+status, func() error {
		if task = s.Task(arn); *task.LastStatus != status {
			return errors.New(Text(task))
		}
		return nil
	})
	return task
}

// Stop asks for a task's end and waits for it.
func (s *Server) Stop(arn string) types.Task {
	s.t.Helper()
	if _, err := s.ECS().StopTask(s.t.Context(), &awsecs.StopTaskInput{Task: &arn}); err != nil {
		s.t.Fatal(err)
	}
	return s.Status(arn, "STOPPED")
}

// TaskID is the last part of a task's ARN.
func TaskID(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }
