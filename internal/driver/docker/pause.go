package docker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// Containers that share namespaces join those of a container that does nothing, the pause container of their task: it is there before
// the first of them and goes when the task is over, in whatever order they come and go. The agent of ECS does the same.

var _ driver.Ender = (*Driver)(nil)

// pauseVerb is what this program is run as in a pause container.
const pauseVerb = "pause"

// pauseContainer stands for the container's name where names and labels of a pause container are made: no container of a definition
// can be called so.
const pauseContainer = "~internal~ecs~pause"

// needsPause says whether a container shares a namespace with others of its task.
func needsPause(spec driver.Spec) bool {
	return spec.NetworkMode == ecs.NetworkAwsvpc || spec.PIDMode == ecs.SharingTask || spec.IPCMode == ecs.SharingTask
}

// pauseOptions says what an engine is to make of the pause container of a task. In network mode awsvpc its address on the engine's
// bridge is the task's.
func pauseOptions(cfg Config, task ecs.ID, spec driver.Spec) client.ContainerCreateOptions {
	labels := map[string]string{labelInstance: cfg.Instance.String(), labelTask: task.String(), labelPause: "true"}
	config := &container.Config{Image: SampleImage, Entrypoint: []string{"/bin/ballast", pauseVerb}, Labels: labels,
		Healthcheck: &container.HealthConfig{Test: []string{"NONE"}}}
	host := &container.HostConfig{LogConfig: container.LogConfig{Type: "none"}, NetworkMode: "none"}
	host.CPUShares, host.ReadonlyRootfs = minShares, true
	if spec.NetworkMode == ecs.NetworkAwsvpc {
		host.NetworkMode = "bridge"
	}
	if spec.IPCMode == ecs.SharingTask {
		host.IpcMode = "shareable"
	}
	return client.ContainerCreateOptions{Name: pauseName(cfg.Instance, task, spec.Labels), Config: config, HostConfig: host}
}

// pause gives the pause container of a task, which runs, and is made where there is none.
func (d *Driver) pause(ctx context.Context, task ecs.ID, spec driver.Spec) (id, address string, err error) {
	options := pauseOptions(d.cfg, task, spec)
	limited, cancel := context.WithTimeout(ctx, createFor)
	defer cancel()
	failed := func(err error) error {
		return fault(ctx, limited, err, driver.CannotCreateContainerError, "created", createFor, fmt.Sprintf("make the pause container of task %v", task))
	}
	done, err := d.turns.take(limited, task)
	if err != nil {
		return "", "", failed(err)
	}
	defer done()
	c, err := d.inspect(limited, options.Name)
	if err != nil {
		return "", "", err
	}
	if c == nil {
		if err := d.makeSample(limited); err != nil {
			return "", "", err
		}
		d.setPausing(task, true)
		if _, err := d.engine.ContainerCreate(limited, options); err != nil && !errdefs.IsConflict(err) {
			return "", "", failed(err)
		}
	}
	if c == nil || !c.State.Running {
		if _, err := d.engine.ContainerStart(limited, options.Name, client.ContainerStartOptions{}); err != nil {
			return "", "", failed(err)
		}
		if c, err = d.inspect(limited, options.Name); err != nil {
			return "", "", err
		}
	}
	if c == nil || !c.State.Running {
		return "", "", fmt.Errorf("the pause container of task %v does not run", task)
	}
	return c.ID, addressOf(*c), nil
}

// addressOf is the IPv4 address of a container on the engine's bridge, "" if it has none.
func addressOf(c container.InspectResponse) string {
	if c.NetworkSettings == nil {
		return ""
	}
	if n := c.NetworkSettings.Networks["bridge"]; n != nil && n.IPAddress.IsValid() {
		return n.IPAddress.String()
	}
	return ""
}

// End removes the control group of a task that is over, and its pause container: otherwise that would run as long as the logs of the
// task are kept.
func (d *Driver) End(ctx context.Context, task ecs.ID) error {
	if err := errors.Join(d.endPause(ctx, task), d.unbind(ctx, task)); err != nil {
		return fmt.Errorf("end task %v: %w", task, err)
	}
	return nil
}

func (d *Driver) endPause(ctx context.Context, task ecs.ID) error {
	d.mu.Lock()
	pausing := d.pausing[task]
	d.mu.Unlock()
	if !pausing {
		return nil
	}
	list, err := d.list(ctx, labelPause, labelTask+"="+task.String())
	for _, c := range list {
		err = errors.Join(err, d.forceDelete(ctx, c.ID))
	}
	if err != nil {
		return fmt.Errorf("remove its pause container: %w", err)
	}
	d.setPausing(task, false)
	return nil
}

func (d *Driver) setPausing(task ecs.ID, pausing bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if pausing {
		d.pausing[task] = true
	} else {
		delete(d.pausing, task)
	}
}

// tidy removes what containers of a task shared and no longer need: the pause container when all have been removed, and volumes when
// none is kept for its logs either.
func (d *Driver) tidy(ctx context.Context, task ecs.ID) error {
	list, err := d.list(ctx, labelTask+"="+task.String())
	if err != nil {
		return err
	}
	needed, pauses := 0, []string{}
	for _, c := range list {
		switch {
		case c.Labels[labelPause] != "":
			pauses = append(pauses, c.ID)
		case phaseOf(ownName(c.Names)).name != removed:
			needed++
		}
	}
	if needed > 0 {
		return nil
	}
	for _, id := range pauses {
		if err := d.forceDelete(ctx, id); err != nil {
			return err
		}
	}
	d.setPausing(task, false)
	if err := d.unbind(ctx, task); err != nil {
		return err
	}
	if len(list) > len(pauses) {
		return nil
	}
	return d.removeVolumes(ctx, task)
}

// tidyOrphans removes what was left behind by a Ballast that ended between the removal of a task's last container and that of what it
// shared. What cannot be removed is in nobody's way.
func (d *Driver) tidyOrphans(ctx context.Context, list []container.Summary) error {
	living, maybe := map[string]bool{}, map[string]bool{}
	for _, c := range list {
		if c.Labels[labelPause] != "" {
			maybe[c.Labels[labelTask]] = true
		} else if phaseOf(ownName(c.Names)).name != removed {
			living[c.Labels[labelTask]] = true
		}
	}
	volumes, err := d.engine.VolumeList(ctx, client.VolumeListOptions{
		Filters: make(client.Filters).Add("label", labelInstance+"="+d.cfg.Instance.String())})
	if err != nil {
		return err
	}
	for _, v := range volumes.Items {
		maybe[v.Labels[labelTask]] = true
	}
	for _, task := range d.groups.orphans() {
		if text := task.String(); !living[text] {
			maybe[text] = true
			d.groups.recall(task, driver.TaskLimits{})
		}
	}
	for text := range maybe {
		if task, err := ecs.ParseID(text); err == nil && !living[text] {
			if err := d.tidy(ctx, task); err != nil {
				slog.Warn("what a task's containers shared could not be removed", "task", text, "cause", err)
			}
		}
	}
	return nil
}
