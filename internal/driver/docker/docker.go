// Package docker is the driver that runs containers on an engine that speaks Docker's API. All that it knows is in the engine:
// labels say which container is whose, names say how far it has come (names.go), so that a Ballast that starts anew finds
// everything again and two of them on one engine leave each other's containers alone. It never starts a container that has run,
// and gives none a restart policy: replacing is the scheduler's business.
//
// Start reading at Open and Driver; spec.go has what becomes of a definition, observe.go what is made of the engine's answers.
package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// Config says where containers run.
type Config struct {
	// Host is the engine's address, as "unix:///var/run/docker.sock"; DOCKER_HOST or the default one if empty.
	Host string
	// Instance is the container instance whose containers these are.
	Instance ecs.ID
	// BindIP is the address of this machine at which ports of containers are bound, "127.0.0.1" if empty.
	BindIP string
	// Exe is this program, of which the image SampleImage is made; without it there is none.
	Exe string
	// Pull says when images are asked for at their registries, PullDefault if empty.
	Pull PullBehavior
	// RegistryAuth is a file with logins for registries as the Docker CLI keeps them, read whenever one is needed; "" for none.
	RegistryAuth string
}

// Driver implements driver.Driver.
type Driver struct {
	cfg    Config
	engine *client.Client
	pulls  pulls
	sample sync.Mutex // held while the sample image is made
	turns  turns      // of those who make pause containers
	// pullPause is how long to wait after the n-th try of a pull.
	pullPause func(n int) time.Duration
	digests   digests
	attached  atomic.Int32 // commands that people are attached to

	mu sync.Mutex
	// ids are those of the containers of this instance: all that were there when the driver was opened, and those made since.
	ids map[driver.Key]string
	// fresh are containers made since then that nobody has tried to start.
	fresh map[driver.Key]bool
	// pausing are the tasks that have a pause container.
	pausing map[ecs.ID]bool

	groups *groups
}

var _ driver.Driver = (*Driver)(nil)

// Limits of calls that an engine may never answer (amazon-ecs-agent, dockerclient/timeout.go).
const (
	createFor  = 4 * time.Minute
	startFor   = 3 * time.Minute
	inspectFor = 30 * time.Second
	volumeFor  = 5 * time.Minute
	listFor    = 10 * time.Minute
	removeFor  = 5 * time.Minute
	// killFor is the time an engine has, after SIGKILL, to say that the container has ended.
	killFor = 2 * time.Minute
)

// Open connects to an engine, which has to answer.
func Open(ctx context.Context, cfg Config) (*Driver, error) {
	if cfg.BindIP == "" {
		cfg.BindIP = "127.0.0.1"
	}
	if cfg.Pull == "" {
		cfg.Pull = PullDefault
	}
	if cfg.RegistryAuth != "" {
		if err := CheckAuth(cfg.RegistryAuth); err != nil {
			return nil, err
		}
	}
	engine, err := connect(cfg.Host)
	if err != nil {
		return nil, err
	}
	d := &Driver{cfg: cfg, engine: engine, pullPause: pullPause, ids: map[driver.Key]string{}, fresh: map[driver.Key]bool{},
		pausing: map[ecs.ID]bool{}}
	_, err = engine.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true})
	if err == nil {
		d.groups, err = d.findGroups(ctx)
	}
	if err == nil {
		err = d.recall(ctx)
	}
	if err != nil {
		engine.Close()
		return nil, fmt.Errorf("reach the Docker engine at %s: %w", engine.DaemonHost(), err)
	}
	return d, nil
}

// recall learns which containers of this instance the engine has.
func (d *Driver) recall(ctx context.Context) error {
	list, err := d.list(ctx)
	if err != nil {
		return err
	}
	for _, c := range list {
		if key, ok := keyOf(c.Labels, ownName(c.Names)); ok && phaseOf(ownName(c.Names)).name != removed {
			d.ids[key] = c.ID
			if limits, ok := parseLimits(c.Labels[labelLimits]); ok {
				d.groups.recall(key.Task, limits)
			}
		}
		if task, err := ecs.ParseID(c.Labels[labelTask]); err == nil && c.Labels[labelPause] != "" {
			d.pausing[task] = true
		}
	}
	return d.tidyOrphans(ctx, list)
}

// DefaultHost is the address of the engine that is meant where none is named.
func DefaultHost() string { return cmp.Or(os.Getenv(client.EnvOverrideHost), client.DefaultDockerHost) }

// Answers says whether an engine answers; the caller bounds the wait.
func Answers(ctx context.Context, host string) bool {
	engine, err := connect(host)
	if err != nil {
		return false
	}
	defer engine.Close()
	_, err = engine.Ping(ctx, client.PingOptions{})
	return err == nil
}

func connect(host string) (*client.Client, error) {
	options := []client.Opt{client.FromEnv}
	if host != "" {
		options = append(options, client.WithHost(host))
	}
	engine, err := client.New(options...)
	if err != nil {
		return nil, fmt.Errorf("connect to the Docker engine: %w", err)
	}
	return engine, nil
}

// Close lets go of the engine; containers run on.
func (d *Driver) Close() error { return d.engine.Close() }

// Name is "docker".
func (d *Driver) Name() string { return "docker" }

// Host is the address of the engine.
func (d *Driver) Host() string { return d.engine.DaemonHost() }

// Create prepares a container, with what it shares with others of its task.
func (d *Driver) Create(ctx context.Context, key driver.Key, spec driver.Spec) error {
	if d.knows(key) {
		if found, err := d.find(ctx, key); err != nil || found != nil {
			return err
		}
	}
	if key.Attempt > 0 {
		if done, err := d.again(ctx, key); done || err != nil {
			return err
		}
	}
	at, err := d.prepare(ctx, key, spec)
	if err != nil {
		return err
	}
	options, err := createOptions(d.cfg, key, spec, at)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, createFor)
	defer cancel()
	created, err := d.engine.ContainerCreate(limited, options)
	switch {
	case err == nil:
		if part := dropped(created.Warnings, spec.Isolation); part != "" {
			return errors.Join(cannotCreate("%s", part), d.delete(ctx, created.ID))
		}
		d.remember(key, created.ID, true)
		return nil
	case errdefs.IsConflict(err):
		// An earlier call whose answer was lost; who else has that name is not ours.
		if found, findErr := d.find(ctx, key); findErr != nil || found != nil {
			return findErr
		}
	}
	return fault(ctx, limited, err, driver.CannotCreateContainerError, "created", createFor, fmt.Sprintf("create container %v", key))
}

// prepare finds or makes what a container needs before it is created.
func (d *Driver) prepare(ctx context.Context, key driver.Key, spec driver.Spec) (at place, err error) {
	if err := d.provide(ctx, key, spec); err != nil {
		return at, err
	}
	if at.ports, err = d.choosePorts(key, spec); err != nil {
		return at, err
	}
	if needsPause(spec) {
		at.pause, at.address, err = d.pause(ctx, key.Task, spec)
	}
	if err == nil {
		at.parent = d.bound(ctx, key.Task, spec.Task)
	}
	return at, err
}

// Start starts a container that has not run yet.
func (d *Driver) Start(ctx context.Context, key driver.Key) (driver.Started, error) {
	id := d.takeFresh(key)
	if id == "" {
		c, err := d.known(ctx, key)
		if err != nil {
			return driver.Started{}, err
		}
		if o := d.look(ctx, *c); o.State != driver.Created {
			if o.Started.At == 0 {
				return driver.Started{}, &driver.Error{Name: driver.CannotStartContainerError, Text: "the container was stopped before it started"}
			}
			return o.Started, nil
		}
		id = c.ID
	}
	limited, cancel := context.WithTimeout(ctx, startFor)
	defer cancel()
	if err := d.groups.again(limited, key.Task); err != nil {
		slog.Warn("the limits of a task are not enforced", "task", key.Task, "cause", err)
	}
	if _, err := d.engine.ContainerStart(limited, id, client.ContainerStartOptions{}); err != nil {
		return driver.Started{}, fault(ctx, limited, err, driver.CannotStartContainerError, "started", startFor, fmt.Sprintf("start container %v", key))
	}
	held := d.groups.holds(key.Task)
	c, err := d.known(ctx, key)
	if err != nil {
		return driver.Started{}, err
	}
	o := d.look(ctx, *c)
	d.check(held, o.State == driver.Running && c.Config.Labels[labelLimits] != "")
	if o.State == driver.Created {
		return driver.Started{}, fmt.Errorf("start container %v: the engine says that it has started but not when", key)
	}
	return o.Started, nil
}

// Remove forgets a container that does not run. One that may have logs stays in the engine under another name until RemoveLogs.
func (d *Driver) Remove(ctx context.Context, key driver.Key) error {
	c, err := d.find(ctx, key)
	if err == nil && c == nil && key.Attempt > 0 { // one that was to be restarted, and was not
		key.Attempt--
		c, err = d.find(ctx, key)
	}
	if err != nil {
		return err
	}
	if c == nil { // it may have got no further than to what it shares
		if err := d.tidy(ctx, key.Task); err != nil {
			return fmt.Errorf("remove container %v: %w", key, err)
		}
		return nil
	}
	o, phase := observe(*c), phaseOf(c.Name)
	if o.State == driver.Running {
		return fmt.Errorf("remove container %v: it is running", key)
	}
	if o.Started.At != 0 && phase.name != unlogged {
		err = d.rename(ctx, *c, phaseName{name: removed})
	} else {
		err = d.delete(ctx, c.ID)
	}
	if err == nil {
		d.forget(key)
		if c.Config.Labels[labelShares] != "" {
			err = d.tidy(ctx, key.Task)
		}
	}
	if err != nil {
		return fmt.Errorf("remove container %v: %w", key, err)
	}
	return nil
}

// RemoveLogs deletes the logs of a task of which nothing runs. The logs of containers that have not been removed go with them;
// until then they are no longer given.
func (d *Driver) RemoveLogs(ctx context.Context, task ecs.ID) error {
	all, err := d.all(ctx, labelTask+"="+task.String())
	if err != nil {
		return fmt.Errorf("remove the logs of task %v: %w", task, err)
	}
	shares := false
	for _, c := range all {
		shares = shares || c.Config.Labels[labelShares] != ""
		switch phaseOf(c.Name).name {
		case removed:
			err = d.delete(ctx, c.ID)
		case "":
			err = d.rename(ctx, c, phaseName{name: unlogged})
		}
		if err != nil {
			return fmt.Errorf("remove the logs of task %v: %w", task, err)
		}
	}
	if shares {
		if err := d.tidy(ctx, task); err != nil {
			return fmt.Errorf("remove the logs of task %v: %w", task, err)
		}
	}
	return nil
}

// List gives every container that has not been removed, in the order of creation.
func (d *Driver) List(ctx context.Context) ([]driver.Observation, error) {
	all, err := d.all(ctx)
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	var list []driver.Observation
	for _, c := range listed(all) {
		list = append(list, d.look(ctx, c))
	}
	return list, nil
}

// rename moves a container to another phase.
func (d *Driver) rename(ctx context.Context, c container.InspectResponse, to phaseName) error {
	ctx, cancel := context.WithTimeout(ctx, inspectFor)
	defer cancel()
	_, err := d.engine.ContainerRename(ctx, c.ID, client.ContainerRenameOptions{NewName: to.of(c.Name)})
	return gone(err)
}

// delete deletes a container that does not run, with the volumes that its image asked for.
func (d *Driver) delete(ctx context.Context, id string) error {
	return d.deleteWith(ctx, id, client.ContainerRemoveOptions{RemoveVolumes: true})
}

// forceDelete deletes a container even if it runs.
func (d *Driver) forceDelete(ctx context.Context, id string) error {
	return d.deleteWith(ctx, id, client.ContainerRemoveOptions{Force: true})
}

func (d *Driver) deleteWith(ctx context.Context, id string, options client.ContainerRemoveOptions) error {
	ctx, cancel := context.WithTimeout(ctx, removeFor)
	defer cancel()
	_, err := d.engine.ContainerRemove(ctx, id, options)
	if errdefs.IsConflict(err) && strings.Contains(err.Error(), "already in progress") {
		return nil // another call is at it
	}
	return gone(err)
}

// gone forgives that what was to be changed is no longer there.
func gone(err error) error {
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}

// known gives a container, or the error that there is none.
func (d *Driver) known(ctx context.Context, key driver.Key) (*container.InspectResponse, error) {
	c, err := d.find(ctx, key)
	if err == nil && c == nil {
		err = &driver.Error{Name: driver.ContainerVanishedError, Text: fmt.Sprintf("the Docker engine has no container %v", key)}
	}
	return c, err
}

// find gives a container as it is now, nil if there is none.
func (d *Driver) find(ctx context.Context, key driver.Key) (*container.InspectResponse, error) {
	d.mu.Lock()
	id := d.ids[key]
	d.mu.Unlock()
	if id != "" {
		c, err := d.inspect(ctx, id)
		if err != nil || c != nil {
			return c, err
		}
		d.forget(key)
	}
	all, err := d.all(ctx, labelTask+"="+key.Task.String())
	if err != nil {
		return nil, fmt.Errorf("find container %v: %w", key, err)
	}
	for _, c := range all {
		if k, ok := keyOf(c.Config.Labels, c.Name); ok && k == key && phaseOf(c.Name).name != removed {
			d.remember(key, c.ID, false)
			return &c, nil
		}
	}
	return nil, nil
}

// inspect gives a container by its id or name, nil if there is none.
func (d *Driver) inspect(ctx context.Context, id string) (*container.InspectResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, inspectFor)
	defer cancel()
	c, err := d.engine.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	switch {
	case errdefs.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("inspect container %s: %w", id, err)
	case c.Container.State == nil || c.Container.Config == nil:
		return nil, fmt.Errorf("inspect container %s: the engine's answer lacks its state", id)
	}
	return &c.Container, nil
}

// inspectors bounds the inspections that a list makes side by side: an engine answers few at a time.
const inspectors = 8

// list gives the containers of this instance that have the labels, removed ones and pause containers included.
func (d *Driver) list(ctx context.Context, labels ...string) ([]container.Summary, error) {
	ctx, cancel := context.WithTimeout(ctx, listFor)
	defer cancel()
	labels = append(labels, labelInstance+"="+d.cfg.Instance.String())
	list, err := d.engine.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: make(client.Filters).Add("label", labels...)})
	return list.Items, err
}

// all inspects the containers of this instance that have the labels, removed ones included.
func (d *Driver) all(ctx context.Context, labels ...string) ([]container.InspectResponse, error) {
	list, err := d.list(ctx, labels...)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(c container.Summary) bool { _, ok := keyOf(c.Labels, ownName(c.Names)); return !ok })
	found, errs := make([]*container.InspectResponse, len(list)), make([]error, len(list))
	room := make(chan struct{}, inspectors)
	var wg sync.WaitGroup
	for i, c := range list {
		room <- struct{}{}
		wg.Go(func() {
			found[i], errs[i] = d.inspect(ctx, c.ID)
			<-room
		})
	}
	wg.Wait()
	var all []container.InspectResponse
	for _, c := range found {
		if c != nil {
			all = append(all, *c)
		}
	}
	return all, errors.Join(errs...)
}

func (d *Driver) remember(key driver.Key, id string, fresh bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ids[key] = id
	if fresh {
		d.fresh[key] = true
	}
}

func (d *Driver) forget(key driver.Key) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.ids, key)
	delete(d.fresh, key)
}

func (d *Driver) knows(key driver.Key) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ids[key] != ""
}

// takeFresh gives the id of a container that nobody has tried to start, once: it certainly has not run. "" for any other.
func (d *Driver) takeFresh(key driver.Key) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.fresh[key] {
		return ""
	}
	delete(d.fresh, key)
	return d.ids[key]
}
