package docker

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// Bounds of the CPU shares that the agent of ECS gives (API_ContainerDefinition, cpu: "Null, zero, and CPU values of 1 are passed
// to Docker as two CPU shares"; values above 256 vCPU as 256).
const (
	minShares = 2
	maxShares = 262144
)

// logOptions bound what a container's log takes: the oldest of two files goes when the newer one is full. The json-file log driver
// is the one that every engine has.
var logOptions = container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "10m", "max-file": "2"}}

// place is what was found or made in the engine for a container before it is created.
type place struct {
	pause   string   // id of the container whose namespaces the containers of the task share, "" if they share none
	address string   // its address in network mode awsvpc
	parent  string   // control group of the task, "" if it has none
	ports   []uint16 // first host ports of the ranges that the definition leaves open
}

// createOptions says what an engine is to make of a container.
func createOptions(cfg Config, key driver.Key, spec driver.Spec, at place) (client.ContainerCreateOptions, error) {
	var none client.ContainerCreateOptions
	if spec.Image == "" {
		return none, cannotCreate("no image is given")
	}
	host := &container.HostConfig{LogConfig: logging(spec.Logging)}
	host.CPUShares = int64(min(max(spec.CPU, minShares), maxShares))
	host.Memory, host.MemoryReservation = int64(spec.Memory)*mebibyte, int64(spec.MemoryReservation)*mebibyte
	host.CgroupParent = at.parent
	config := &container.Config{Image: spec.Image, Entrypoint: spec.EntryPoint, Cmd: spec.Command, WorkingDir: spec.WorkingDirectory,
		Labels: labels(cfg, key, spec, at),
		// Checks of the image are not ECS's (API_HealthCheck: "Amazon ECS doesn't monitor Docker health checks that are embedded in a
		// container image").
		Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
	}
	for _, v := range spec.Environment {
		config.Env = append(config.Env, v.Name+"="+v.Value)
	}
	err := isolate(config, host, spec.Isolation)
	if err == nil {
		host.Links, err = links(cfg, key, spec)
	}
	if err == nil {
		err = join(config, host, spec, at)
	}
	if err == nil && spec.NetworkMode == ecs.NetworkBridge {
		err = bind(cfg, config, host, spec.Ports, at.ports)
	}
	if err == nil {
		err = mount(cfg, key, spec, host)
	}
	if err != nil {
		return none, err
	}
	return client.ContainerCreateOptions{Name: baseName(cfg.Instance, key, spec.Labels), Config: config, HostConfig: host}, nil
}

func cannotCreate(format string, args ...any) error {
	return &driver.Error{Name: driver.CannotCreateContainerError, Text: fmt.Sprintf(format, args...)}
}

// labels are those of the definition, over which those of the agent go, over which our own go.
func labels(cfg Config, key driver.Key, spec driver.Spec, at place) map[string]string {
	all := map[string]string{}
	if spec.Isolation != nil {
		for _, l := range spec.Isolation.Labels {
			all[l.Name] = l.Value
		}
	}
	maps.Copy(all, spec.Labels)
	maps.DeleteFunc(all, func(name, _ string) bool { return slices.Contains(ours, name) })
	all[labelInstance], all[labelTask] = cfg.Instance.String(), key.Task.String()
	all[labelContainer], all[labelAttempt] = key.Container, strconv.Itoa(key.Attempt)
	all[labelPorts] = portList(spec.Ports)
	if at.address != "" {
		all[labelAddress] = at.address
	}
	if at.parent != "" && spec.Task != nil {
		all[labelLimits] = limitsLabel(*spec.Task)
	}
	if needsPause(spec) || ownsVolumes(spec) || at.parent != "" {
		all[labelShares] = "true"
	}
	return all
}

// logging keeps what a container writes in the engine, from which Logs reads it, whatever becomes of it besides. Options are passed on
// where they are those of that log driver.
func logging(l *ecs.Logging) container.LogConfig {
	if l == nil || l.Driver != logOptions.Type || len(l.Options) == 0 {
		return logOptions
	}
	options := maps.Clone(logOptions.Config)
	maps.Copy(options, variables(l.Options))
	return container.LogConfig{Type: l.Driver, Config: options}
}

// join gives a container the namespaces that it does not have for itself.
func join(config *container.Config, host *container.HostConfig, spec driver.Spec, at place) error {
	switch spec.NetworkMode {
	case ecs.NetworkBridge, ecs.NetworkHost, ecs.NetworkNone:
		host.NetworkMode = container.NetworkMode(spec.NetworkMode.String())
	case ecs.NetworkAwsvpc:
		host.NetworkMode = container.NetworkMode("container:" + at.pause)
	default:
		return cannotCreate("networkMode: the docker driver does not offer mode %d", spec.NetworkMode)
	}
	if config.NetworkDisabled {
		host.NetworkMode = "none"
	}
	switch spec.PIDMode {
	case ecs.SharingDefault:
	case ecs.SharingHost:
		host.PidMode = "host"
	case ecs.SharingTask:
		host.PidMode = container.PidMode("container:" + at.pause)
	default:
		return cannotCreate("pidMode: the docker driver does not offer %s", spec.PIDMode)
	}
	switch spec.IPCMode {
	case ecs.SharingDefault:
	case ecs.SharingTask:
		host.IpcMode = container.IpcMode("container:" + at.pause)
	default:
		host.IpcMode = container.IpcMode(spec.IPCMode.String())
	}
	return nil
}
