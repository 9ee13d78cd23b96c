package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
)

// stopVerb stops tasks and services.
type stopVerb struct {
	endpointOptions `embed:""`
	outputOptions   `embed:""`

	What    []string      `arg:"" name:"task|service" help:"Tasks, by their ids or how these begin, and services, by name."`
	Reason  string        `default:"Task stopped by user" help:"Shown as the tasks' stopped reason."`
	Wait    bool          `help:"Return when all that is to stop has stopped."`
	Timeout time.Duration `default:"5m" help:"How long to wait at most."`
}

// Help is shown with the flags.
func (stopVerb) Help() string {
	return `Examples:

    ballast stop 3f2a           stop the task whose id begins so; its service replaces it
    ballast stop web            set the service's count to 0; "ballast up DIR" brings it back
    ballast stop web --wait     and return when its tasks are STOPPED

What is the name of a service is taken as one, even if it could be the beginning of a task's id. A task gets SIGTERM, and SIGKILL
after its stopTimeout (30 s unless the task definition says otherwise).

With -o json: {"tasks": ["ARN", ...], "services": ["ARN", ...]}: what was told to stop.

Exit codes: 0 done, 1 failed, 2 usage, 3 no Ballast answers, 4 not stopped in time, 130 interrupted.`
}

// stopped is what the verb told to stop; its JSON form is stable.
type stopped struct {
	Tasks    []string `json:"tasks"`
	Services []string `json:"services"`
}

// Run finds out what is meant by everything that was named, and only then begins to stop.
func (v *stopVerb) Run(ctx context.Context, s *Streams) error {
	ctx, cancel := s.interruptible(ctx)
	defer cancel()
	c, err := v.client(s.Getenv)
	if err != nil {
		return err
	}
	services, tasks, err := v.resolve(ctx, c)
	if err != nil {
		return err
	}
	told := stopped{Tasks: []string{}, Services: []string{}}
	for _, name := range services {
		out, err := c.ecs.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: &c.cluster, Service: &name, DesiredCount: aws.Int32(0)})
		if err != nil {
			return fmt.Errorf("stop service %s: %w", name, err)
		}
		told.Services = append(told.Services, aws.ToString(out.Service.ServiceArn))
		s.say("service %s: told to stop its tasks (its count is 0 now)", name)
	}
	for _, t := range tasks {
		if _, err := c.ecs.StopTask(ctx, &ecs.StopTaskInput{Cluster: &c.cluster, Task: &t.ARN, Reason: &v.Reason}); err != nil {
			return fmt.Errorf("stop task %s: %w", t.shortID(), err)
		}
		told.Tasks = append(told.Tasks, t.ARN)
		s.say("task %s: told to stop", t.shortID())
	}
	if v.Wait {
		if err := c.awaitStopped(ctx, v.Timeout, services, told.Tasks); err != nil {
			return err
		}
		s.say("stopped")
	}
	if v.json() {
		return writeJSON(s.Out, told)
	}
	return nil
}

// resolve says what is a service and what is a task.
func (v *stopVerb) resolve(ctx context.Context, c *client) (services []string, tasks []task, err error) {
	for _, what := range v.What {
		service, t, err := c.resolve(ctx, what)
		switch {
		case err != nil:
			return nil, nil, err
		case service != "":
			services = append(services, service)
		case t.stopped():
			return nil, nil, fmt.Errorf("task %s stopped already: %s", t.shortID(), t.reason())
		default:
			tasks = append(tasks, t)
		}
	}
	return services, tasks, nil
}

// resolve says which service, or else which task, a word means.
func (c *client) resolve(ctx context.Context, what string) (service string, t task, err error) {
	if isTaskARN(what) {
		t, err = c.find(ctx, what)
		return "", t, err
	}
	found, err := c.serviceNamed(ctx, what)
	switch {
	case err != nil:
		return "", task{}, err
	case found != nil:
		return aws.ToString(found.ServiceName), task{}, nil
	}
	t, err = c.find(ctx, what)
	return "", t, err
}

// stopPollEvery is the pause between two looks at tasks that stop.
const stopPollEvery = 100 * time.Millisecond

// awaitStopped waits until tasks, given by their ARNs, and all tasks of services are STOPPED.
func (c *client) awaitStopped(ctx context.Context, timeout time.Duration, services, tasks []string) error {
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for left := 0; ; {
		now, err := c.running(waiting, services, tasks)
		if err == nil {
			if left = now; left == 0 {
				return nil
			}
			err = pause(waiting, stopPollEvery)
		}
		switch {
		case err == nil:
		case !timeIsUp(ctx, waiting, err):
			return err
		case left == 0: // not one look came to its end
			return notSteadyError{fmt.Sprintf("no answer within %s said that all have stopped", timeout)}
		default:
			return notSteadyError{fmt.Sprintf(`%d tasks have not stopped within %s; "ballast ps" shows them`, left, timeout)}
		}
	}
}

// timeIsUp says whether an error means that the time for waiting, which is a part of that of ctx, is over: a request that a server
// leaves unanswered ends with the same error.
func timeIsUp(ctx, waiting context.Context, err error) bool {
	return errors.Is(err, context.DeadlineExceeded) && waiting.Err() != nil && ctx.Err() == nil
}

// running counts what is not STOPPED of tasks and of the tasks of services.
func (c *client) running(ctx context.Context, services, tasks []string) (int, error) {
	left := 0
	for _, name := range services {
		of, err := c.tasks(ctx, name, false)
		if err != nil {
			return 0, err
		}
		left += len(of)
	}
	if len(tasks) == 0 {
		return left, nil
	}
	all, err := c.describe(ctx, tasks)
	all = slices.DeleteFunc(all, task.stopped)
	return left + len(all), err
}
