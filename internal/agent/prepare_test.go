package agent

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/driver"
	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
)

// vault gives one variable and one login, or an error.
type vault struct{ err error }

func (v vault) Complete(_ context.Context, _ driver.Key, spec driver.Spec) (driver.Spec, error) {
	spec.Environment, spec.Secrets, spec.EnvironmentFiles = []ecs.Variable{{Name: "S", Value: "hidden"}}, nil, nil
	return spec, v.err
}

func (v vault) Login(_ context.Context, secret string) (*driver.Login, error) {
	return &driver.Login{Username: secret}, v.err
}

// listener notes what reaches a driver.
type listener struct {
	driver.Driver
	created *driver.Spec
	login   *driver.Login
}

func (l *listener) Create(_ context.Context, _ driver.Key, spec driver.Spec) error {
	l.created = &spec
	return nil
}

func (l *listener) Pull(_ context.Context, _ string, login *driver.Login) (bool, error) {
	l.login = login
	return true, nil
}

func TestDriversSeeWhatTheEnvironmentAdds(t *testing.T) {
	heard := &listener{}
	a := &Agent{driver: heard, environment: vault{}}
	asked := &driver.Spec{Image: "app", Secrets: []ecs.Secret{{Name: "S", ValueFrom: "/s"}}, EnvironmentFiles: []string{"arn"}}
	before := *asked
	if r := a.do(t.Context(), driver.Call{ID: 7, Op: driver.OpCreate, Spec: asked}); r.Err != nil || r.ID != 7 {
		t.Fatalf("%+v", r)
	}
	if diff := cmp.Diff(&driver.Spec{Image: "app", Environment: []ecs.Variable{{Name: "S", Value: "hidden"}}}, heard.created); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&before, asked); diff != "" {
		t.Errorf("what the machine keeps has changed:\n%s", diff)
	}
	a.do(t.Context(), driver.Call{Op: driver.OpPull})
	if heard.login != nil {
		t.Error("a login that was not asked for")
	}
	a.do(t.Context(), driver.Call{Op: driver.OpPull, Credentials: "registry"})
	if heard.login == nil || heard.login.Username != "registry" {
		t.Errorf("login %+v", heard.login)
	}
}

// Without what it needs, no container is made, and the call has failed.
func TestCallsFailWithTheEnvironment(t *testing.T) {
	gone := errors.New("gone")
	for name, c := range map[string]struct {
		environment Environment
		call        driver.Call
		final       bool
	}{
		"variables":             {vault{gone}, driver.Call{Op: driver.OpCreate, Spec: &driver.Spec{}}, false},
		"login":                 {vault{gone}, driver.Call{Op: driver.OpPull, Credentials: "x"}, false},
		"no source of secrets":  {nil, driver.Call{Op: driver.OpCreate, Spec: &driver.Spec{Secrets: make([]ecs.Secret, 1)}}, true},
		"no source of files":    {nil, driver.Call{Op: driver.OpCreate, Spec: &driver.Spec{EnvironmentFiles: make([]string, 1)}}, true},
		"no source of a logins": {nil, driver.Call{Op: driver.OpPull, Credentials: "x"}, true},
	} {
		heard := &listener{}
		r := (&Agent{driver: heard, environment: c.environment}).do(t.Context(), c.call)
		if r.Err == nil || errors.As(r.Err, new(*driver.Error)) != c.final || heard.created != nil || heard.login != nil {
			t.Errorf("%s: %v, created %v, login %v", name, r.Err, heard.created, heard.login)
		}
	}
	a := &Agent{driver: &listener{}}
	if r := a.do(t.Context(), driver.Call{Op: driver.OpCreate, Spec: &driver.Spec{}}); r.Err != nil {
		t.Errorf("a container that needs nothing: %v", r.Err)
	}
}

// A task of which a container cannot get its secrets never starts, be the container essential or not.
func TestAMissingSecretEndsTheTask(t *testing.T) {
	w := newTalker()
	missing := &driver.Error{Name: driver.ResourceInitializationError, Text: "unable to pull secrets or registry auth: none"}
	w.onCall = func(c driver.Call) {
		if c.Op == driver.OpCreate && c.Key.Container == "side" {
			w.pending = append(w.pending, DriverResult{driver.Result{ID: c.ID, Err: missing}})
		}
	}
	w.assign(run(1, work(after(box("web"), "side", ecs.DependStart), optional(box("side", "image", "fake/pull:3s")), box("runs", fake.EnvStopDelay, "1s"))))
	w.live(time.Minute)
	task := w.m.tasks[taskID(1)]
	if task.status != ecs.StatusStopped || task.startedAt != 0 || task.reason != missing.Error() {
		t.Errorf("the task is %s, started at %d, %q", task.status, task.startedAt, task.reason)
	}
	if side := task.container("side"); side.reason != missing.Error() || side.started.At != 0 {
		t.Errorf("side started at %d, %q", side.started.At, side.reason)
	}
	if got := order(w.world); got != "0.000 start runs\n3.000 stop runs" {
		t.Errorf("done:\n%s", got)
	}
}
