package docker

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// mount shows volumes, and those of other containers of the task, to a container.
func mount(cfg Config, key driver.Key, spec driver.Spec, host *container.HostConfig) error {
	for _, m := range spec.Mounts {
		i := slices.IndexFunc(spec.Volumes, func(v ecs.Volume) bool { return v.Name == m.Volume })
		if i < 0 {
			return cannotCreate("mountPoints.sourceVolume: the task has no volume %q", m.Volume)
		}
		source, err := volumeSource(cfg, key, spec, spec.Volumes[i])
		if err != nil {
			return err
		}
		// The engine takes source, target and options as one text (its newer form does not make a directory of the host that is
		// missing, as ECS has it: API_HostVolumeProperties, sourcePath).
		if strings.Contains(source, ":") || strings.Contains(m.ContainerPath, ":") {
			return cannotCreate("mountPoints: the docker driver cannot mount %s at %s: a path has a colon in it", source, m.ContainerPath)
		}
		host.Binds = append(host.Binds, source+":"+m.ContainerPath+access(m.ReadOnly))
	}
	for _, from := range spec.VolumesFrom {
		host.VolumesFrom = append(host.VolumesFrom, peer(cfg, key, spec, from.Container)+access(from.ReadOnly))
	}
	return nil
}

func access(readOnly bool) string {
	if readOnly {
		return ":ro"
	}
	return ""
}

// volumeSource is what the engine knows a volume by: a path of the host or the name of a volume of its own.
func volumeSource(cfg Config, key driver.Key, spec driver.Spec, v ecs.Volume) (string, error) {
	switch {
	case v.HostPath != "":
		if !path.IsAbs(v.HostPath) {
			return "", cannotCreate("volumes.host.sourcePath: %q of volume %s is not an absolute path", v.HostPath, v.Name)
		}
		return v.HostPath, nil
	case shared(v):
		return v.Name, nil
	}
	return volumeName(cfg.Instance, key.Task, spec.Labels, v.Name), nil
}

func shared(v ecs.Volume) bool { return v.Docker != nil && v.Docker.Shared }

// owned says whether a volume is made for the task and goes with it.
func owned(v ecs.Volume) bool { return v.HostPath == "" && !shared(v) }

func ownsVolumes(spec driver.Spec) bool { return slices.ContainsFunc(spec.Volumes, owned) }

// volumeOptions says what an engine is to make of a volume that is not there yet.
func volumeOptions(cfg Config, key driver.Key, spec driver.Spec, v ecs.Volume) client.VolumeCreateOptions {
	options := client.VolumeCreateOptions{Name: v.Name, Driver: "local"}
	if v.Docker != nil {
		if v.Docker.Driver != "" {
			options.Driver = v.Docker.Driver
		}
		options.DriverOpts, options.Labels = variables(v.Docker.Options), variables(v.Docker.Labels)
	}
	if owned(v) {
		options.Name = volumeName(cfg.Instance, key.Task, spec.Labels, v.Name)
		if options.Labels == nil {
			options.Labels = map[string]string{}
		}
		options.Labels[labelInstance], options.Labels[labelTask] = cfg.Instance.String(), key.Task.String()
	}
	return options
}

// provide makes the volumes of a container that are to be made.
func (d *Driver) provide(ctx context.Context, key driver.Key, spec driver.Spec) error {
	for _, v := range spec.Volumes {
		if v.HostPath != "" {
			continue
		}
		if shared(v) {
			there, err := d.hasVolume(ctx, v)
			if err != nil {
				return err
			}
			if there {
				continue
			}
		}
		limited, cancel := context.WithTimeout(ctx, volumeFor)
		_, err := d.engine.VolumeCreate(limited, volumeOptions(d.cfg, key, spec, v))
		if err != nil {
			err = fault(ctx, limited, err, cannotCreateVolumeError, "created", volumeFor, "make volume "+v.Name)
		}
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

// hasVolume says whether a shared volume is there. What it is made of does not matter then, as for the agent of ECS
// (ECS_SHARED_VOLUME_MATCH_FULL_CONFIG, whose default is false). One that is not there and is not to be made is an error.
func (d *Driver) hasVolume(ctx context.Context, v ecs.Volume) (bool, error) {
	limited, cancel := context.WithTimeout(ctx, volumeFor)
	defer cancel()
	_, err := d.engine.VolumeInspect(limited, v.Name, client.VolumeInspectOptions{})
	switch {
	case err == nil:
		return true, nil
	case !errdefs.IsNotFound(err):
		return false, fault(ctx, limited, err, cannotInspectVolumeError, "inspected", volumeFor, "find volume "+v.Name)
	case v.Docker.Autoprovision:
		return false, nil
	}
	return false, &driver.Error{Name: cannotCreateVolumeError, Text: fmt.Sprintf(
		"volume detection failed, volume '%s' does not exist and autoprovision is set to false", v.Name)}
}

// removeVolumes removes the volumes that were made for a task of which the engine has no container.
func (d *Driver) removeVolumes(ctx context.Context, task ecs.ID) error {
	ctx, cancel := context.WithTimeout(ctx, removeFor)
	defer cancel()
	list, err := d.engine.VolumeList(ctx, client.VolumeListOptions{
		Filters: make(client.Filters).Add("label", labelInstance+"="+d.cfg.Instance.String(), labelTask+"="+task.String())})
	if err != nil {
		return err
	}
	for _, v := range list.Items {
		if _, err := d.engine.VolumeRemove(ctx, v.Name, client.VolumeRemoveOptions{}); gone(err) != nil {
			return err
		}
	}
	return nil
}
