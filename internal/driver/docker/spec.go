package docker

import (
	"fmt"
	"maps"
	"net/netip"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
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

// createOptions says what an engine is to make of a container.
func createOptions(cfg Config, key driver.Key, spec driver.Spec) (client.ContainerCreateOptions, error) {
	var none client.ContainerCreateOptions
	if spec.Image == "" {
		return none, cannotCreate("no image is given")
	}
	host := &container.HostConfig{LogConfig: logOptions}
	host.CPUShares = int64(min(max(spec.CPU, minShares), maxShares))
	host.Memory, host.MemoryReservation = int64(spec.Memory)<<20, int64(spec.MemoryReservation)<<20
	labels := maps.Clone(spec.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	config := &container.Config{Image: spec.Image, Entrypoint: spec.EntryPoint, Cmd: spec.Command, WorkingDir: spec.WorkingDirectory,
		Labels: labels,
		// Checks of the image are not ECS's (API_HealthCheck: "Amazon ECS doesn't monitor Docker health checks that are embedded in a
		// container image").
		Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
	}
	for _, v := range spec.Environment {
		config.Env = append(config.Env, v.Name+"="+v.Value)
	}
	switch spec.NetworkMode {
	case ecs.NetworkBridge, ecs.NetworkHost, ecs.NetworkNone:
		host.NetworkMode = container.NetworkMode(spec.NetworkMode.String())
	default:
		return none, cannotCreate("the docker driver does not offer network mode %s: it has bridge, host and none", spec.NetworkMode)
	}
	if spec.NetworkMode == ecs.NetworkBridge {
		if err := bind(cfg, config, host, spec.Ports); err != nil {
			return none, err
		}
	}
	labels[labelInstance], labels[labelTask] = cfg.Instance.String(), key.Task.String()
	labels[labelContainer], labels[labelAttempt] = key.Container, strconv.Itoa(key.Attempt)
	labels[labelPorts] = portList(spec.Ports)
	return client.ContainerCreateOptions{Name: baseName(cfg.Instance, key, spec.Labels), Config: config, HostConfig: host}, nil
}

func cannotCreate(format string, args ...any) error {
	return &driver.Error{Name: driver.CannotCreateContainerError, Text: fmt.Sprintf(format, args...)}
}

// bind maps the ports of a container in bridge mode. The engine draws those that the definition leaves open.
func bind(cfg Config, config *container.Config, host *container.HostConfig, ports []ecs.PortMapping) error {
	ip, err := netip.ParseAddr(cfg.BindIP)
	if err != nil {
		return fmt.Errorf("bind ports at %q: %w", cfg.BindIP, err)
	}
	config.ExposedPorts, host.PortBindings = network.PortSet{}, network.PortMap{}
	for _, p := range ports {
		port, ok := network.PortFrom(p.ContainerPort, protocol(p.UDP))
		if !ok {
			return cannotCreate("container port %d cannot be mapped", p.ContainerPort)
		}
		binding := network.PortBinding{HostIP: ip}
		if p.HostPort != 0 {
			binding.HostPort = strconv.Itoa(int(p.HostPort))
		}
		config.ExposedPorts[port] = struct{}{}
		host.PortBindings[port] = append(host.PortBindings[port], binding)
	}
	return nil
}

func protocol(udp bool) network.IPProtocol {
	if udp {
		return network.UDP
	}
	return network.TCP
}

// portList writes the mapped ports for the label, from which parsePorts reads them.
func portList(ports []ecs.PortMapping) string {
	all := make([]string, len(ports))
	for i, p := range ports {
		all[i] = fmt.Sprintf("%d/%s", p.ContainerPort, protocol(p.UDP))
	}
	return strings.Join(all, " ")
}

func parsePorts(list string) (ports []network.Port) {
	for _, text := range strings.Fields(list) {
		if port, err := network.ParsePort(text); err == nil {
			ports = append(ports, port)
		}
	}
	return ports
}
