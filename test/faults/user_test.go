//go:build linux

package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"ballast/test/harness"
)

// user is one client of the API. Nobody else touches what it makes, so it knows what must be true of that: what was acknowledged
// last or, of a change whose answer never came, one of two states.
type user struct {
	name        string
	chance      *rand.Rand
	definitions []string // revisions to choose from
	services    []*service
	tasks       []*task
	changes     int // acknowledged
}

// service is what a user knows of a service that it made.
type service struct {
	name  string
	is    state
	maybe *state // what it is instead if the last change was carried out
}

type state struct {
	definition string
	desired    int32
	there      bool
}

// task is what a user knows of a task that it ran.
type task struct {
	token, definition string // of the request
	arn               string // "" while the answer is unknown
	stopped, maybe    bool   // its stop was acknowledged, or asked for
}

// Bounds of what one user keeps at a time.
const (
	maxServices = 3
	maxDesired  = 3
	maxTasks    = 3
)

// work makes changes until stop is closed or an answer stays away. It gives an error for an answer that should not be.
func (u *user) work(t *testing.T, c *awsecs.Client, stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		err := u.change(t, c)
		var refused smithy.APIError
		switch {
		case errors.As(err, &refused):
			return fmt.Errorf("%s: %w", u.name, err)
		case err != nil:
			return nil // the server was killed
		}
		u.changes++
	}
}

// change makes one change, chosen at random.
func (u *user) change(t *testing.T, c *awsecs.Client) error {
	there := slices.DeleteFunc(slices.Clone(u.services), func(s *service) bool { return !s.is.there })
	running := slices.DeleteFunc(slices.Clone(u.tasks), func(k *task) bool { return k.stopped })
	switch dice := u.chance.IntN(10); {
	case len(there) == 0 || dice < 2 && len(there) < maxServices:
		return u.create(t, c)
	case dice < 5:
		s := there[u.chance.IntN(len(there))]
		next := s.is
		next.desired = u.chance.Int32N(maxDesired + 1)
		return s.update(t, c, next)
	case dice < 7:
		s := there[u.chance.IntN(len(there))]
		next := s.is
		next.definition = u.definitions[u.chance.IntN(len(u.definitions))]
		return s.update(t, c, next)
	case dice < 8 && len(there) == maxServices:
		return there[u.chance.IntN(len(there))].remove(t, c)
	case len(running) < maxTasks:
		return u.runTask(t, c)
	default:
		return running[u.chance.IntN(len(running))].stop(t, c)
	}
}

func (u *user) create(t *testing.T, c *awsecs.Client) error {
	s := &service{name: fmt.Sprintf("%s-%d", u.name, len(u.services))}
	u.services = append(u.services, s)
	next := state{u.definitions[u.chance.IntN(len(u.definitions))], u.chance.Int32N(maxDesired + 1), true}
	s.maybe = &next
	_, err := c.CreateService(t.Context(), &awsecs.CreateServiceInput{ServiceName: &s.name, TaskDefinition: &next.definition, DesiredCount: &next.desired})
	return s.acknowledge(err)
}

func (s *service) update(t *testing.T, c *awsecs.Client, next state) error {
	s.maybe = &next
	_, err := c.UpdateService(t.Context(), &awsecs.UpdateServiceInput{Service: &s.name, TaskDefinition: &next.definition, DesiredCount: &next.desired})
	return s.acknowledge(err)
}

func (s *service) remove(t *testing.T, c *awsecs.Client) error {
	s.maybe = &state{}
	_, err := c.DeleteService(t.Context(), &awsecs.DeleteServiceInput{Service: &s.name, Force: aws.Bool(true)})
	return s.acknowledge(err)
}

// acknowledge notes that a change was answered, if it was.
func (s *service) acknowledge(err error) error {
	if err == nil {
		s.is, s.maybe = *s.maybe, nil
	}
	return err
}

func (u *user) runTask(t *testing.T, c *awsecs.Client) error {
	k := &task{token: fmt.Sprintf("%s-%d", u.name, len(u.tasks)), definition: u.definitions[u.chance.IntN(len(u.definitions))]}
	u.tasks = append(u.tasks, k)
	return k.run(t, c)
}

// run runs the task, or asks once more for what was asked for before.
func (k *task) run(t *testing.T, c *awsecs.Client) error {
	out, err := c.RunTask(t.Context(), &awsecs.RunTaskInput{TaskDefinition: &k.definition, StartedBy: &k.token, ClientToken: &k.token})
	if err != nil {
		return err
	}
	if len(out.Tasks) != 1 {
		return &smithy.GenericAPIError{Code: "no task", Message: harness.Text(out.Failures)}
	}
	k.arn = *out.Tasks[0].TaskArn
	return nil
}

func (k *task) stop(t *testing.T, c *awsecs.Client) error {
	if k.arn == "" {
		return k.run(t, c)
	}
	k.maybe = true
	_, err := c.StopTask(t.Context(), &awsecs.StopTaskInput{Task: &k.arn})
	if err == nil {
		k.stopped = true
	}
	return err
}

// verify compares what the user knows with what the server says, which is what is known from then on.
func (u *user) verify(t *testing.T, s *harness.Server) {
	t.Helper()
	for _, service := range u.services {
		got := stateOf(t, s, service.name)
		if got != service.is && (service.maybe == nil || got != *service.maybe) {
			t.Errorf("service %s is %+v; want %+v as acknowledged, or %+v as asked for last", service.name, got, service.is, service.maybe)
		}
		service.is, service.maybe = got, nil
	}
	for _, k := range u.tasks {
		u.verifyTask(t, s, k)
	}
}

func (u *user) verifyTask(t *testing.T, s *harness.Server, k *task) {
	t.Helper()
	if k.arn == "" { // the token makes it safe to ask once more
		if err := k.run(t, s.ECS()); err != nil {
			t.Errorf("run a task again with token %s: %v", k.token, err)
			return
		}
	}
	var same []types.Task
	for _, desired := range []types.DesiredStatus{types.DesiredStatusRunning, types.DesiredStatusStopped} {
		same = append(same, s.Tasks(awsecs.ListTasksInput{StartedBy: &k.token, DesiredStatus: desired})...)
	}
	if len(same) != 1 || *same[0].TaskArn != k.arn {
		t.Errorf("token %s ran %s; want one task, %s", k.token, harness.Text(same), k.arn)
		return
	}
	stopped := *same[0].DesiredStatus == "STOPPED"
	if k.stopped && !stopped {
		t.Errorf("the stop of task %s was acknowledged, and it is %s", k.arn, harness.Text(same[0]))
	}
	// One that nobody asked to stop may have ended with its keeper's help only; the caller looks at that.
	k.stopped = stopped
}

func stateOf(t *testing.T, s *harness.Server, name string) state {
	t.Helper()
	out, err := s.ECS().DescribeServices(t.Context(), &awsecs.DescribeServicesInput{Services: []string{name}})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Services) == 0 || *out.Services[0].Status != "ACTIVE" {
		return state{}
	}
	return state{*out.Services[0].TaskDefinition, out.Services[0].DesiredCount, true}
}
