package daemon

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"ballast/internal/agent"
	"ballast/internal/agent/environment"
	"ballast/internal/arn"
	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/session"
)

// startAgent makes the container instance.
func (d *Daemon) startAgent(context.Context) error {
	id, err := instanceID(d.dirs().id())
	if err != nil {
		return err
	}
	resources, err := hostResources()
	if err != nil {
		return err
	}
	zone := d.zone()
	d.agent = agent.NewAgent(agent.Config{
		Environment: d.environment(),
		Instance:    id, StopTimeout: d.cfg.Policy.DefaultStopTimeout, Retention: d.cfg.Policy.StoppedKeptFor,
		Hello: session.Hello{Cluster: d.cfg.Cluster, Resources: resources, Attributes: attributes(zone, runtime.GOOS, runtime.GOARCH),
			AgentVersion: d.cfg.Version, Driver: d.driver.Name(), Zone: zone},
	}, d.driver, d.connect)
	d.logs.set(d.agent)
	d.instance = id
	return nil
}

// runAgent works as the container instance. One that is deregistered rests: the rest of the server goes on without it.
func (d *Daemon) runAgent(ctx context.Context) error {
	err := d.agent.Run(ctx)
	var refused *agent.RefusedError
	if !errors.As(err, &refused) || !refused.Deregistered {
		return err
	}
	d.cfg.Log.Warn("the container instance of this server takes no more tasks: "+refused.Reason, "instance", d.instance)
	<-ctx.Done()
	return nil
}

// zone is the availability zone of the container instance.
func (d *Daemon) zone() string { return d.cfg.Region + "a" }

// environment is where containers get what their definitions do not say.
func (d *Daemon) environment() *environment.Source {
	_, bridged := d.driver.(driver.Bridge)
	return &environment.Source{Endpoint: d.endpoint.of(bridged), Folder: environment.Folder{Dir: d.cfg.Secrets, Region: d.cfg.Region},
		Names: arn.Namer{Region: d.cfg.Region, Account: d.cfg.Account}, Cluster: d.cfg.Cluster}
}

const (
	// registerFor bounds the registration of the container instance: reading the keeper's containers and one message.
	registerFor = 10 * time.Second
	// registerPollEvery is the pause between two looks whether it has happened.
	registerPollEvery = 2 * time.Millisecond
)

// awaitInstance returns when control has heard of the container instance, so that what is asked for next finds room.
func (d *Daemon) awaitInstance(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, registerFor)
	defer cancel()
	ticker := time.NewTicker(registerPollEvery)
	defer ticker.Stop()
	for {
		if i := d.control.Root().Instance(d.cfg.Cluster, d.instance); i != nil && i.Connected {
			return nil
		}
		select {
		case <-ticker.C:
		case err := <-d.roles.failed:
			return err
		case <-ctx.Done():
			return fmt.Errorf("register: %w", ctx.Err())
		}
	}
}

// connect gives the agent a connection to control in this process.
func (d *Daemon) connect(context.Context) (session.Conn, error) {
	conn, peer := session.Pipe()
	go d.control.Serve(peer)
	return conn, nil
}

// instanceID gives the id in a file, and draws one first if there is no file. It is on the disk before anyone hears of it.
func instanceID(file string) (ecs.ID, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		var id ecs.ID
		rand.Read(id[:])
		return id, writeDurably(file, id.String()+"\n")
	}
	if err != nil {
		return ecs.ID{}, err
	}
	id, err := ecs.ParseID(strings.TrimSpace(string(text)))
	if err != nil {
		return ecs.ID{}, fmt.Errorf("%s does not hold the id of a container instance: %w", file, err)
	}
	return id, nil
}

// writeDurably writes a new file as a whole or not at all. It stays after a crash of the machine, and so does its name.
func writeDurably(file, text string) error {
	f, err := os.OpenFile(file+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(file+".new", file); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// reservedPorts are those that ECS never gives to tasks: SSH, Docker's and the agent's own (API_PortMapping, hostPort).
var reservedPorts = []uint16{22, 2375, 2376, 51678, 51679, 51680}

// cpuUnitsPerCore is ECS's measure (API_ContainerDefinition, cpu).
const cpuUnitsPerCore = 1024

func hostResources() (ecs.Resources, error) {
	memory, err := hostMemory()
	if err != nil {
		return ecs.Resources{}, fmt.Errorf("find out the memory of this machine: %w", err)
	}
	return ecs.Resources{CPU: runtime.NumCPU() * cpuUnitsPerCore, Memory: int(memory >> 20), Ports: slices.Clone(reservedPorts)}, nil
}

// attributes describe a machine as the agent of ECS does (developer guide, Amazon ECS container instance attributes).
func attributes(zone, system, architecture string) []ecs.Attribute {
	if architecture == "amd64" {
		architecture = "x86_64"
	}
	return []ecs.Attribute{
		{Name: "ecs.availability-zone", Value: zone},
		{Name: "ecs.cpu-architecture", Value: architecture},
		{Name: "ecs.os-family", Value: strings.ToUpper(system)},
		{Name: "ecs.os-type", Value: system},
	}
}
