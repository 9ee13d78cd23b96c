package ecs

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/ecs"
)

// limit is a number of a definition with its range and what it is where not given.
type limit struct {
	name              string
	min, max, usually int32
}

// The numbers of health checks, in seconds but for retries (API_HealthCheck).
var (
	checkInterval    = limit{"interval", 5, 300, 30}
	checkTimeout     = limit{"timeout", 2, 60, 5}
	checkRetries     = limit{"retries", 1, 10, 3}
	checkStartPeriod = limit{"startPeriod", 0, 300, 0}
)

// parseHealthCheck reads the health check of a container and fills in its defaults, but for startPeriod, which stays off. The text
// on numbers that are too large is that of real accounts (cdk-preflight, pf-ecs-healthcheck-interval-range and others).
func parseHealthCheck(c *types.ContainerDefinition, _ *ecs.TaskDefinition, out *ecs.ContainerDefinition) error {
	if c.HealthCheck == nil {
		return nil
	}
	given := *c.HealthCheck // the caller's stays as it is
	c.HealthCheck = &given
	switch words := given.Command; {
	case len(words) == 0:
		return inContainer(*c.Name, "healthCheck.command should not be null or empty.")
	case (words[0] == "CMD" || words[0] == "CMD-SHELL") && len(words) == 1, words[0] == "":
		return inContainer(*c.Name, "healthCheck.command has no command.")
	case hasNUL(words):
		return inContainer(*c.Name, "healthCheck.command contains invalid characters.")
	}
	var seconds [4]int32
	for i, n := range []struct {
		limit
		given **int32
	}{{checkInterval, &given.Interval}, {checkTimeout, &given.Timeout}, {checkRetries, &given.Retries},
		{checkStartPeriod, &given.StartPeriod}} {
		if *n.given == nil {
			if seconds[i] = n.usually; n.usually != 0 {
				*n.given = &n.usually
			}
			continue
		}
		seconds[i] = **n.given
		switch {
		case seconds[i] > n.max:
			return refusef("Health check %s must be less than or equal to the maximum allowed value %d for container '%s'", n.name,
				n.max, *c.Name)
		case seconds[i] < n.min:
			return refusef("Health check %s must be greater than or equal to the minimum allowed value %d for container '%s'", n.name,
				n.min, *c.Name)
		}
	}
	out.HealthCheck = &ecs.HealthCheck{
		Command:     slices.Clone(given.Command),
		Interval:    time.Duration(seconds[0]) * time.Second,
		Timeout:     time.Duration(seconds[1]) * time.Second,
		Retries:     int(seconds[2]),
		StartPeriod: time.Duration(seconds[3]) * time.Second,
	}
	return nil
}
