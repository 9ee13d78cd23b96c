package scenario

import (
	"fmt"
	"regexp"
	"time"

	"go.yaml.in/yaml/v3"

	"ballast/internal/lb/health"
)

// Health checks of service registries are those of Amazon Route 53: one every 30 seconds, which has 4 seconds to connect and 2 to be
// answered, with 2xx or 3xx (Route 53 developer guide, How Amazon Route 53 determines whether a health check is healthy).
const (
	registryInterval = 30 * time.Second
	registryTimeout  = 6 * time.Second
	registryCodes    = "200-399"
)

var registryPattern = regexp.MustCompile(`^arn:aws[a-z-]*:servicediscovery:[a-z0-9-]+:\d{12}:service/srv-[a-z0-9]{1,32}$`)

// readRegistries reads service registries as ServiceDiscovery GetService shows them.
func (s *Scenario) readRegistries(n *yaml.Node) error {
	return each(n, "serviceRegistries", func(n *yaml.Node) error {
		r, threshold := TargetGroup{line: n.Line}, 1
		err := readFields(n, "a service registry", map[string]field{
			"Arn": readText(&r.ARN),
			"HealthCheckConfig": func(n *yaml.Node) error {
				return readFields(n, "a health check", map[string]field{"FailureThreshold": readCount(&threshold, 1, 10)})
			},
		})
		switch {
		case err != nil:
			return err
		case !registryPattern.MatchString(r.ARN):
			return mistakef(n, "Arn: want one such as arn:aws:servicediscovery:us-east-1:000000000000:service/srv-0123456789abcdef, not %q", r.ARN)
		case s.registry(r.ARN) != nil:
			return mistakef(n, "service registry %s is there twice", r.ARN)
		}
		if r.matcher, err = health.ParseMatcher(registryCodes, health.ApplicationHTTP); err != nil {
			return mistakef(n, "%v", err)
		}
		r.Interval, r.Timeout = registryInterval, registryTimeout
		r.Limits.Healthy, r.Limits.Unhealthy = threshold, threshold
		s.Registries = append(s.Registries, r)
		return nil
	})
}

// registry gives the service registry of an ARN, nil where there is none.
func (s *Scenario) registry(arn string) *TargetGroup {
	for i := range s.Registries {
		if s.Registries[i].ARN == arn {
			return &s.Registries[i]
		}
	}
	return nil
}

// unknownRegistry says that a service names a service registry that the scenario lacks.
func (s *Scenario) unknownRegistry() error {
	for i := range s.Services {
		list := member(s.Services[i].node, "serviceRegistries")
		if list == nil {
			continue
		}
		for _, n := range list.Content {
			if arn := (Request{node: n}).text("registryArn"); s.registry(arn) == nil {
				return &Mistake{Line: n.Line, Text: fmt.Sprintf("there is no service registry %q in serviceRegistries", arn)}
			}
		}
	}
	return nil
}
