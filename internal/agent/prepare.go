package agent

import (
	"context"

	"ballast/internal/driver"
)

// Environment knows what a container gets that is not in its task definition. It is asked right before a driver call, so that what
// it says is in no message, record or state of a machine.
type Environment interface {
	// Complete gives spec with EnvironmentFiles and Secrets made part of its Environment, and with what the container instance adds.
	Complete(ctx context.Context, key driver.Key, spec driver.Spec) (driver.Spec, error)
	// Login gives what the secret of that name or ARN holds.
	Login(ctx context.Context, secret string) (*driver.Login, error)
}

// prepare completes a call with what only the container instance knows. A failure counts as one of the call.
func (a *Agent) prepare(ctx context.Context, call driver.Call) (driver.Call, error) {
	switch {
	case call.Op == driver.OpPull && call.Credentials != "":
		if a.environment == nil {
			return call, unavailable("registry auth")
		}
		login, err := a.environment.Login(ctx, call.Credentials)
		if err != nil {
			return call, err
		}
		call.Login = login
	case call.Op == driver.OpCreate && a.environment != nil:
		spec, err := a.environment.Complete(ctx, call.Key, *call.Spec)
		if err != nil {
			return call, err
		}
		call.Spec = &spec
	case call.Op == driver.OpCreate && len(call.Spec.Secrets)+len(call.Spec.EnvironmentFiles) > 0:
		return call, unavailable("secrets and environment files")
	}
	return call, nil
}

func unavailable(what string) error {
	return &driver.Error{Name: driver.ResourceInitializationError, Text: "this container instance has no " + what}
}
