package ecs

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/ecs"
	"ballast/internal/logfile"
)

// logDriver is what may be said to a log driver.
type logDriver struct {
	required []string
	served   []string
	later    []string // known to ECS, refused by name
}

// Options of every log driver: writing to a log never blocks a container here, so they are kept without effect.
const (
	logMode       = "mode"
	logBufferSize = "max-buffer-size"
)

// logOptionsNote is for docs/compatibility.md.
const logOptionsNote = "awslogs: awslogs-group, awslogs-stream-prefix, awslogs-create-group; json-file: max-size, max-file; " +
	"awslogs-region, mode and max-buffer-size are kept (writing never blocks); others are refused by name"

// logDrivers has the options that ECS and Docker know (API_LogConfiguration; Docker's documentation of the json-file driver).
var logDrivers = map[types.LogDriver]logDriver{
	types.LogDriverAwslogs: {
		required: []string{"awslogs-region", "awslogs-group"},
		served:   []string{"awslogs-region", "awslogs-group", "awslogs-stream-prefix", "awslogs-create-group", logMode, logBufferSize},
		later: []string{"awslogs-datetime-format", "awslogs-multiline-pattern", "awslogs-format",
			"awslogs-force-flush-interval-seconds", "tag"},
	},
	types.LogDriverJsonFile: {
		served: []string{"max-size", "max-file", logMode, logBufferSize},
		later:  []string{"compress", "labels", "labels-regex", "env", "env-regex", "tag"},
	},
}

// checkLogLater refuses options of log drivers that Ballast does not act on yet.
func checkLogLater(containers []types.ContainerDefinition) error {
	for i := range containers {
		c := containers[i].LogConfiguration
		if c == nil {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(c.Options)) {
			if slices.Contains(logDrivers[c.LogDriver].later, name) {
				return notYet("containerDefinitions[" + strconv.Itoa(i) + "].logConfiguration.options." + name)
			}
		}
	}
	return nil
}

// parseLogging reads the log configuration of a container. The texts on options that lack, are too many or empty are those of real
// accounts (aws-cloudformation/cfn-lint#1787, aws-samples/amazon-ecs-firelens-examples#83,
// terraform-aws-modules/terraform-aws-ecs#206).
func parseLogging(c *types.ContainerDefinition, _ *ecs.TaskDefinition, out *ecs.ContainerDefinition) error {
	given := c.LogConfiguration
	if given == nil || given.LogDriver == "" && len(given.Options) == 0 {
		return nil
	}
	if given.LogDriver == "" {
		return inContainer(out.Name, "logConfiguration.logDriver should not be null or empty.")
	}
	driver, name := logDrivers[given.LogDriver], string(given.LogDriver)
	var lacking, unknown []string
	for _, option := range driver.required {
		if _, found := given.Options[option]; !found {
			lacking = append(lacking, option)
		}
	}
	options := slices.Sorted(maps.Keys(given.Options))
	for _, option := range options {
		if !slices.Contains(driver.served, option) {
			unknown = append(unknown, option)
		}
	}
	switch {
	case len(lacking) > 0:
		return refusef("Log driver %s requires options: %s", name, strings.Join(lacking, ", "))
	case len(unknown) > 0:
		return refusef("Log driver %s disallows options: %s", name, strings.Join(unknown, ", "))
	}
	out.Logging = &ecs.Logging{Driver: name}
	for _, option := range options {
		text, must := logOption(option, given.Options[option])
		if must != "" {
			return refusef("Log driver %s option '%s' should %s.", name, option, must)
		}
		out.Logging.Options = append(out.Logging.Options, ecs.Variable{Name: option, Value: text})
	}
	return nil
}

// logOption gives the value of an option in the one form in which it is acted on, or else what it should be. The text on
// awslogs-create-group is that of real accounts (terraform-linters/tflint-ruleset-aws#348).
func logOption(name, text string) (value, must string) {
	if text == "" {
		return "", "not be null or empty"
	}
	switch name {
	case "awslogs-create-group":
		if text = strings.ToLower(text); text != "true" {
			return "", "only be set to 'true', else omit option"
		}
	case "awslogs-group":
		if len(text) > 512 || strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(logGroupBytes, r) }) {
			return "", "be 1 to 512 letters, numbers and characters of .-_/#"
		}
	case "awslogs-stream-prefix":
		if len(text) > 255 || strings.ContainsAny(text, ":*\x00") {
			return "", "be at most 255 characters without : and *"
		}
	case logMode:
		if text != "blocking" && text != "non-blocking" {
			return "", "be blocking or non-blocking"
		}
	case "max-size", logBufferSize:
		if _, ok := logfile.ParseSize(text); !ok {
			return "", "be " + logfile.SizeForm
		}
	case "max-file":
		if n, err := strconv.Atoi(text); err != nil || n < 1 {
			return "", "be a positive number"
		}
	}
	return text, ""
}

// logGroupBytes are those of the names of log groups (API_CreateLogGroup, CloudWatch Logs API reference).
const logGroupBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_/#"
