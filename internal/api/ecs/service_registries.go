package ecs

import (
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/ecs"
)

// registryFields are the members of the service registries of a service.
var registryFields = table{
	"serviceRegistries[].registryArn": partly("in `ballast simulate` only; refused by servers, which have no service discovery yet"),
}

// registriesOf gives the service registries that a service asks for ("Each service may be associated with one service registry",
// API_CreateService).
func (a *API) registriesOf(in []types.ServiceRegistry) ([]string, error) {
	if a.registry == nil && !isDefault(reflect.ValueOf(in)) {
		return nil, notYet("serviceRegistries")
	}
	if len(in) > 1 {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "serviceRegistries can have at most 1 items.")
	}
	var out []string
	for i := range in {
		arn := value(in[i].RegistryArn)
		if !a.registry(arn) {
			return nil, ecs.Errorf(ecs.InvalidParameterException, "Service registry not found: %s", arn)
		}
		out = append(out, arn)
	}
	return out, nil
}

// showRegistries gives service registries as they were asked for.
func showRegistries(all []string) []types.ServiceRegistry {
	out := make([]types.ServiceRegistry, len(all))
	for i := range all {
		out[i] = types.ServiceRegistry{RegistryArn: &all[i]}
	}
	return out
}
