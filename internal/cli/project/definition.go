package project

import (
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/wire"
)

// definitionForm is that of RegisterTaskDefinition's input. Defaults: API_ContainerDefinition, API_HealthCheck, API_LinuxParameters,
// API_PortMapping, API_RegisterTaskDefinition (ECS API reference).
var definitionForm = form{
	keys: map[string]string{
		"containerDefinitions":                  "name",
		"containerDefinitions[].environment":    "name",
		"containerDefinitions[].secrets":        "name",
		"containerDefinitions[].ulimits":        "name",
		"containerDefinitions[].systemControls": "namespace",
		"volumes":                               "name",
		"tags":                                  "key",
		"requiresCompatibilities":               "",
	},
	defaults: map[string]any{
		"networkMode":                                               "bridge",
		"containerDefinitions[].essential":                          true,
		"containerDefinitions[].portMappings[].protocol":            "tcp",
		"containerDefinitions[].healthCheck.interval":               30.0,
		"containerDefinitions[].healthCheck.timeout":                5.0,
		"containerDefinitions[].healthCheck.retries":                3.0,
		"containerDefinitions[].versionConsistency":                 "enabled",
		"containerDefinitions[].restartPolicy.restartAttemptPeriod": 300.0,
		"containerDefinitions[].linuxParameters.swappiness":         60.0,
		"containerDefinitions[].linuxParameters.maxSwap":            nil, // 0 is no swap, absence is as much as the host gives
		"volumes[].dockerVolumeConfiguration.scope":                 "task",
		"volumes[].dockerVolumeConfiguration.driver":                "local",
	},
}

// CompareDefinition tells in what a task definition to be registered differs from a registered one. Nothing means that a new
// revision would be the same as the old one.
func CompareDefinition(want *ecs.RegisterTaskDefinitionInput, have *types.TaskDefinition, haveTags []types.Tag) ([]Change, error) {
	old, err := registered(have)
	if err != nil {
		return nil, err
	}
	old.Tags = haveTags
	before, err := canonicalDefinition(old)
	if err != nil {
		return nil, err
	}
	after, err := canonicalDefinition(want)
	if err != nil {
		return nil, err
	}
	return differences("", before, after), nil
}

// registered gives the input that a registered definition was made of, but for its tags. Both have the same names.
func registered(have *types.TaskDefinition) (*ecs.RegisterTaskDefinitionInput, error) {
	text, err := wire.AppendJSON(nil, have)
	if err != nil {
		return nil, err
	}
	in := &ecs.RegisterTaskDefinitionInput{}
	return in, wire.DecodeJSON(text, in)
}

func canonicalDefinition(in *ecs.RegisterTaskDefinitionInput) (map[string]any, error) {
	doc, err := document(in)
	if err != nil {
		return nil, err
	}
	top := doc.(map[string]any)
	number(top, "cpu", "vcpu", 1024)
	number(top, "memory", "gb", 1024)
	if mode := top["networkMode"]; mode == "host" || mode == "awsvpc" {
		dropSameHostPorts(top)
	}
	return definitionForm.canonical(top), nil
}

// number brings "1 vCPU", "0.5 GB" and "1024" to the same form: ECS shows the number (API_RegisterTaskDefinition, cpu and memory).
func number(top map[string]any, member, unit string, factor float64) {
	text, _ := top[member].(string)
	text = strings.ToLower(strings.TrimSpace(text))
	digits, hasUnit := strings.CutSuffix(text, unit)
	n, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if err != nil {
		return
	}
	if hasUnit {
		n *= factor
	}
	top[member] = strconv.FormatFloat(n, 'f', -1, 64)
}

// dropSameHostPorts leaves out host ports where they can only be the container's.
func dropSameHostPorts(top map[string]any) {
	containers, _ := top["containerDefinitions"].([]any)
	for _, c := range containers {
		container, _ := c.(map[string]any)
		ports, _ := container["portMappings"].([]any)
		for _, p := range ports {
			if port, ok := p.(map[string]any); ok && port["hostPort"] == port["containerPort"] {
				delete(port, "hostPort")
			}
		}
	}
}
