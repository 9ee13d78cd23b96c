// Package process is the driver that runs containers as processes of the host, with neither images nor isolation: a container is
// its entryPoint and command, run in a directory of the host with an environment of its own. The processes belong to a keeper
// (package agent/keeper), which the driver spawns when there is none and finds again when there is one; it never starts a
// process itself, so nothing happens to them when this program ends.
//
// A program learns its ports from the environment: HOST is the address to listen at, PORT the host port of its first mapping, and
// PORT_<containerPort> that of each; in network mode awsvpc HOST is the task's own address and the ports are the container's. Start reading at Open and Driver; command.go has what a process gets.
package process

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"ballast/internal/agent/keeper"
	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// Config says where containers run.
type Config struct {
	// KeeperDir is the keeper's directory, one per container instance.
	KeeperDir string
	// Exe is the program that is a keeper when called with keeper.Verb: this one.
	Exe string
	// Dir is the working directory of containers that name none or a relative one. Absolute.
	Dir string
	// Host is the address at which containers listen, "127.0.0.1" if empty.
	Host string
	// Path and Home are the PATH and HOME of containers that set none; DefaultPath and "/" if empty.
	Path, Home string
}

// DefaultPath is where commands are found when neither container nor Config say otherwise (Docker's default).
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Driver implements driver.Driver.
type Driver struct {
	cfg   Config
	ports ports
	homes homes
	link  link

	mu sync.Mutex
	// created holds what this driver created and does not know to be started, for the case that the keeper dies: its successor is
	// told again.
	created map[driver.Key]creation
}

// creation is a container that waits to be started; payload is its spec as the keeper has it.
type creation struct {
	spec    driver.Spec
	payload json.RawMessage
}

var (
	_ driver.Driver    = (*Driver)(nil)
	_ driver.Shell     = (*Driver)(nil)
	_ driver.LogFinder = (*Driver)(nil)
	_ driver.Meter     = (*Driver)(nil)
)

// Open connects to the keeper, which is spawned if there is none.
func Open(ctx context.Context, cfg Config) (*Driver, error) {
	if cfg.Host == "" {
		cfg.Host = "127.0.0.1"
	}
	if cfg.Path == "" {
		cfg.Path = DefaultPath
	}
	if cfg.Home == "" {
		cfg.Home = "/"
	}
	d := &Driver{cfg: cfg, created: map[driver.Key]creation{}}
	d.ports.open(hostRange(), rand.Int())
	d.link.init(d)
	if _, err := d.link.client(ctx); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// Close lets go of the keeper; containers run on.
func (d *Driver) Close() error {
	d.ports.close()
	return d.link.close()
}

// Shutdown ends the keeper; it fails while a container runs. The driver is closed then.
func (d *Driver) Shutdown(ctx context.Context) error {
	return d.link.shutdown(ctx)
}

// Name is "process".
func (d *Driver) Name() string { return "process" }

// Pull has nothing to fetch: images are not used.
func (d *Driver) Pull(context.Context, string, *driver.Login) (bool, error) { return false, nil }

// Create checks what can be checked of a container and makes it known.
func (d *Driver) Create(ctx context.Context, key driver.Key, spec driver.Spec) error {
	if err := cmp.Or(check(spec, d.cfg), checkIsolation(spec)); err != nil {
		return err
	}
	payload, err := json.Marshal(spec)
	if err != nil {
		return fmt.Errorf("create container %v: %w", key, err)
	}
	d.mu.Lock()
	d.created[key] = creation{spec: spec, payload: payload}
	d.mu.Unlock()
	err = d.link.do(ctx, func(c *keeper.Client) error { return c.Create(ctx, key, payload) })
	if errors.As(err, new(*driver.Error)) {
		d.forget(key)
	}
	return err
}

// Start finds the command, takes the ports and has the keeper start the process.
func (d *Driver) Start(ctx context.Context, key driver.Key) (driver.Started, error) {
	var started driver.Started
	err := d.link.do(ctx, func(c *keeper.Client) (err error) {
		started, err = d.start(ctx, c, key)
		return err
	})
	return started, err
}

// start makes one attempt. What was created here is started with one call; only if something is wrong the keeper is asked whether
// the container has been started before.
func (d *Driver) start(ctx context.Context, c *keeper.Client, key driver.Key) (driver.Started, error) {
	d.mu.Lock()
	cr, waiting := d.created[key]
	d.mu.Unlock()
	if !waiting {
		var err error
		if cr.spec, waiting, err = d.specOf(ctx, c, key); err != nil {
			return driver.Started{}, err
		}
	}
	if !waiting {
		return c.Start(ctx, key, keeper.Command{})
	}
	cmd, err := d.prepare(key, cr.spec)
	if err != nil {
		_, waiting, askErr := d.specOf(ctx, c, key)
		if waiting {
			return driver.Started{}, err
		}
		if askErr != nil {
			return driver.Started{}, askErr
		}
		return c.Start(ctx, key, keeper.Command{})
	}
	started, err := c.Start(ctx, key, cmd)
	switch {
	case err == nil:
		d.forget(key)
		if !slices.Equal(started.Bindings, cmd.Bindings) { // it ran already, with other ports
			return started, d.correctPorts(ctx, c, key)
		}
	case errors.As(err, new(*driver.Error)):
		d.ports.release(key)
	}
	// After any other error the process may run: its ports stay taken until a list or an event says more.
	return started, err
}

// prepare finds the command and takes the ports.
func (d *Driver) prepare(key driver.Key, spec driver.Spec) (keeper.Command, error) {
	if _, err := commandOf(spec, d.cfg, nil); err != nil {
		return keeper.Command{}, err // before ports are taken for it
	}
	cfg, address := d.cfg, ""
	if spec.NetworkMode == ecs.NetworkAwsvpc {
		var err error
		if address, err = d.homes.take(key); err != nil {
			return keeper.Command{}, err
		}
		cfg.Host = address
	}
	bindings, err := d.ports.take(key, spec, cfg.Host, claim)
	if err != nil {
		return keeper.Command{}, err
	}
	cmd, err := commandOf(spec, cfg, bindings)
	if err != nil {
		d.ports.release(key)
	}
	cmd.Address = address
	return cmd, err
}

// correctPorts takes over from the keeper which ports a container has.
func (d *Driver) correctPorts(ctx context.Context, c *keeper.Client, key driver.Key) error {
	all, err := c.List(ctx)
	if err != nil {
		return err
	}
	d.ports.release(key)
	d.ports.adopt(all)
	d.homes.adopt(all)
	return nil
}

// specOf gives what a container was created with. waiting is false if it is not one that waits to be started.
func (d *Driver) specOf(ctx context.Context, c *keeper.Client, key driver.Key) (spec driver.Spec, waiting bool, err error) {
	payload, err := c.Payload(ctx, key)
	if err != nil || payload == nil {
		return spec, false, err
	}
	if err := json.Unmarshal(payload, &spec); err != nil {
		return spec, false, fmt.Errorf("start container %v: %w", key, err)
	}
	return spec, true, nil
}

// Stop ends a container.
func (d *Driver) Stop(ctx context.Context, key driver.Key, timeout time.Duration) (driver.Exit, error) {
	var exit driver.Exit
	err := d.link.do(ctx, func(c *keeper.Client) (err error) {
		exit, err = c.Stop(ctx, key, timeout)
		return err
	})
	if err == nil {
		d.forget(key)
	}
	return exit, err
}

// Exec has the keeper run a command in the container's environment and working directory. If the keeper is lost meanwhile, the
// next one runs it again.
func (d *Driver) Exec(ctx context.Context, key driver.Key, command []string, timeout time.Duration) (int, string, error) {
	var code int
	var output string
	err := d.link.do(ctx, func(c *keeper.Client) (err error) {
		code, output, err = c.Exec(ctx, key, command, timeout)
		return err
	})
	return code, output, err
}

// Stats has the keeper measure a running container.
func (d *Driver) Stats(ctx context.Context, key driver.Key) (driver.Stats, error) {
	var stats driver.Stats
	err := d.link.do(ctx, func(c *keeper.Client) (err error) {
		stats, err = c.Stats(ctx, key)
		return err
	})
	return stats, err
}

// Limits says to people which limits of containers and tasks hold, and how.
func (d *Driver) Limits() string {
	b := keeper.Bounds{}
	if c := d.link.current(); c != nil {
		b = c.Bounds()
	}
	return limitsText(b)
}

// limitsText says what a keeper's bounds mean for containers and tasks.
func limitsText(b keeper.Bounds) string {
	memory := "memory limits are checked once a second, for want of a control group"
	if b.Memory {
		memory = "memory limits are enforced"
	}
	switch {
	case !b.CPU:
		return memory + ", CPU shares and the CPU limits of tasks have no effect"
	case !b.Quota:
		return memory + ", CPU shares are enforced, the CPU limits of tasks have no effect"
	case !b.Memory:
		return memory + ", CPU shares and the CPU limits of tasks are enforced"
	}
	return memory + ", CPU shares and the CPU limits of tasks are too"
}

// Remove forgets a container that does not run.
func (d *Driver) Remove(ctx context.Context, key driver.Key) error {
	err := d.link.do(ctx, func(c *keeper.Client) error { return c.Remove(ctx, key) })
	if err == nil {
		d.forget(key)
		d.ports.release(key)
		d.homes.leave(key)
	}
	return err
}

// List gives every container that has not been removed.
func (d *Driver) List(ctx context.Context) ([]driver.Observation, error) {
	var all []driver.Observation
	err := d.link.do(ctx, func(c *keeper.Client) (err error) {
		all, err = c.List(ctx)
		return err
	})
	return all, err
}

// Events delivers ends until ctx is done or the keeper is lost.
func (d *Driver) Events(ctx context.Context) (<-chan driver.Observation, error) {
	return d.link.subscribe(ctx)
}

// RemoveLogs deletes the logs of a task of which nothing runs.
func (d *Driver) RemoveLogs(ctx context.Context, task ecs.ID) error {
	return d.link.do(ctx, func(c *keeper.Client) error { return c.RemoveLogs(ctx, task) })
}

func (d *Driver) forget(key driver.Key) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.created, key)
}

// onEnd is told every end of a container.
func (d *Driver) onEnd(o driver.Observation) {
	d.ports.release(o.Key)
	d.link.publish(o)
}

// greet brings a keeper just reached and the driver to the same knowledge: ports in use, and what the keeper must be told again.
func (d *Driver) greet(ctx context.Context, c *keeper.Client) error {
	all, err := c.List(ctx)
	if err != nil {
		return err
	}
	d.ports.adopt(all)
	d.homes.adopt(all)
	d.mu.Lock()
	for _, o := range all {
		if o.State != driver.Created {
			delete(d.created, o.Key)
		}
	}
	again := make(map[driver.Key]json.RawMessage, len(d.created))
	for key, cr := range d.created {
		again[key] = cr.payload
	}
	d.mu.Unlock()
	for key, payload := range again {
		if err := c.Create(ctx, key, payload); err != nil && !errors.As(err, new(*driver.Error)) {
			return err
		}
	}
	return nil
}

// Attach has the keeper run a command with streams connected. If the keeper is lost, so is the command's connection.
func (d *Driver) Attach(ctx context.Context, key driver.Key, command []string, streams driver.Streams) (int, error) {
	if _, err := d.link.client(ctx); err != nil { // there has to be a keeper
		return 0, err
	}
	return keeper.Attach(ctx, d.cfg.KeeperDir, key, command, streams)
}
