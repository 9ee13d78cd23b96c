package environment

import (
	"context"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// Source completes containers for the agent: see agent.Environment.
type Source struct {
	Folder Folder
}

// Variables gives the whole environment of a container.
func (s *Source) Variables(_ context.Context, _ driver.Key, spec *driver.Spec) ([]ecs.Variable, error) {
	return s.Folder.Variables(spec)
}

// Login gives the login that a secret holds.
func (s *Source) Login(_ context.Context, secret string) (*driver.Login, error) {
	return s.Folder.Login(secret)
}
