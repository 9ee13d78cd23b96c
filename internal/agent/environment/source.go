package environment

import (
	"context"
	"maps"
	"slices"

	"ballast/internal/arn"
	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// Source completes containers for the agent: see agent.Environment.
type Source struct {
	Folder Folder
	// Names and Cluster name the tasks.
	Names   arn.Namer
	Cluster string
	// Endpoint gives the address, as "http://127.0.0.1:4711", and the id by which a container asks for its own metadata; ok is false
	// for a container that cannot reach it: it is told of no endpoint, where ECS's agent tells all alike. nil is the same for all. mode is
	// ecs.NetworkNone for one with disableNetworking, too.
	Endpoint func(key driver.Key, mode ecs.NetworkMode) (address, id string, ok bool)
}

// Complete gives spec with its environment files, its secrets and what ECS gives to every container: variables and the label with the
// task's ARN (developer guide, Task metadata endpoint version 4 and Container metadata).
func (s *Source) Complete(_ context.Context, key driver.Key, spec driver.Spec) (driver.Spec, error) {
	variables, err := s.Folder.Variables(&spec)
	if err != nil {
		return spec, err
	}
	mode := spec.NetworkMode
	if spec.Isolation != nil && spec.Isolation.DisableNetwork {
		mode = ecs.NetworkNone
	}
	spec.Environment, spec.Secrets, spec.EnvironmentFiles = s.injected(key, mode, variables), nil, nil
	labels := maps.Clone(spec.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels["com.amazonaws.ecs.task-arn"] = s.Names.Task(s.Cluster, key.Task)
	spec.Labels = labels
	return spec, nil
}

// injected adds the variables of ECS. A definition can have a region of its own, but not another's metadata (amazon-ecs-agent,
// api/container, InjectV4MetadataEndpoint, replaces what the definition says).
func (s *Source) injected(key driver.Key, mode ecs.NetworkMode, variables []ecs.Variable) []ecs.Variable {
	variables = slices.Clone(variables)
	place := func(name string) int {
		return slices.IndexFunc(variables, func(v ecs.Variable) bool { return v.Name == name })
	}
	for _, v := range []ecs.Variable{{Name: "AWS_REGION", Value: s.Names.Region}, {Name: "AWS_DEFAULT_REGION", Value: s.Names.Region},
		{Name: "AWS_EXECUTION_ENV", Value: "AWS_ECS_EC2"}} {
		if place(v.Name) < 0 {
			variables = append(variables, v)
		}
	}
	if s.Endpoint == nil {
		return variables
	}
	address, id, ok := s.Endpoint(key, mode)
	if !ok {
		return variables
	}
	for _, v := range []ecs.Variable{{Name: "ECS_CONTAINER_METADATA_URI_V4", Value: address + "/v4/" + id},
		{Name: "ECS_CONTAINER_METADATA_URI", Value: address + "/v3/" + id}, {Name: "ECS_AGENT_URI", Value: address + "/api/" + id}} {
		if at := place(v.Name); at >= 0 {
			variables[at].Value = v.Value
			continue
		}
		variables = append(variables, v)
	}
	return variables
}

// Login gives the login that a secret holds.
func (s *Source) Login(_ context.Context, secret string) (*driver.Login, error) {
	return s.Folder.Login(secret)
}
