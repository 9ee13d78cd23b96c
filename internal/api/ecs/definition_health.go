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

// parseHealthCheck reads the health check of a container and fills in its defaults, but for startPeriod, which stays off.
func parseHealthCheck(c *types.ContainerDefinition) (*ecs.HealthCheck, error) {
	if c.HealthCheck == nil {
		return nil, nil
	}
	given := *c.HealthCheck // the caller's stays as it is
	c.HealthCheck = &given
	switch words := given.Command; {
	case len(words) == 0:
		return nil, inContainer(*c.Name, "healthCheck.command should not be null or empty.")
	case (words[0] == "CMD" || words[0] == "CMD-SHELL") && len(words) == 1, words[0] == "":
		return nil, inContainer(*c.Name, "healthCheck.command has no command.")
	case hasNUL(words):
		return nil, inContainer(*c.Name, "healthCheck.command contains invalid characters.")
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
		if seconds[i] < n.min || seconds[i] > n.max {
			return nil, inContainer(*c.Name, "healthCheck.%s must be between %d and %d.", n.name, n.min, n.max)
		}
	}
	return &ecs.HealthCheck{
		Command:     slices.Clone(given.Command),
		Interval:    time.Duration(seconds[0]) * time.Second,
		Timeout:     time.Duration(seconds[1]) * time.Second,
		Retries:     int(seconds[2]),
		StartPeriod: time.Duration(seconds[3]) * time.Second,
	}, nil
}
