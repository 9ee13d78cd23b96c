package ecs

import (
	"maps"
	slashes "path"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/arn"
	"ballast/internal/ecs"
)

// parseVolumes reads the volumes of a definition, and gives them beside it as ECS shows them: with an empty host where nothing
// says what they are, and with the scope where it was not given (describe-task-definition output of real accounts).
func parseVolumes(in []types.Volume) (out []ecs.Volume, shown []types.Volume, err error) {
	shown = make([]types.Volume, len(in))
	for i, v := range in {
		name := value(v.Name)
		switch {
		case name == "":
			return nil, nil, refusef("Volume.name should not be null or empty.")
		case !arn.ValidName(name):
			return nil, nil, refusef("Volume.name contains invalid characters.")
		case slices.ContainsFunc(out, func(before ecs.Volume) bool { return before.Name == name }):
			return nil, nil, refusef("Volume names must be unique within a task definition; '%s' is used more than once.", name)
		}
		volume := ecs.Volume{Name: name}
		if v.Host != nil {
			volume.HostPath = value(v.Host.SourcePath)
		}
		switch {
		case volume.HostPath != "" && v.DockerVolumeConfiguration != nil:
			return nil, nil, inVolume(name, "Only one of host.sourcePath and dockerVolumeConfiguration can be specified.")
		case volume.HostPath != "" && !validPath(volume.HostPath):
			return nil, nil, inVolume(name, "host.sourcePath must be an absolute path.")
		case v.DockerVolumeConfiguration != nil:
			configuration := *v.DockerVolumeConfiguration // the caller's stays as it is
			v.DockerVolumeConfiguration = &configuration
			if volume.Docker, err = dockerVolume(&configuration, name); err != nil {
				return nil, nil, err
			}
		case v.Host == nil:
			v.Host = &types.HostVolumeProperties{}
		}
		out, shown[i] = append(out, volume), v
	}
	return out, shown, nil
}

// inVolume is a refusal in the form of inContainer.
func inVolume(name, format string, args ...any) error {
	e := ecs.Errorf(ecs.ClientException, format, args...)
	e.Message = "Invalid setting for volume '" + name + "'. " + e.Message
	return e
}

// dockerVolume reads what a Docker engine is to make of a volume, and fills in its scope. The text on autoprovision is that of real
// accounts (aws/aws-cdk#26697), which the developer guide contradicts.
func dockerVolume(v *types.DockerVolumeConfiguration, name string) (*ecs.DockerVolume, error) {
	if v.Scope == "" {
		v.Scope = types.ScopeTask
	}
	shared := v.Scope == types.ScopeShared
	if !shared && v.Autoprovision != nil && !*v.Autoprovision {
		return nil, refusef("When 'scope' parameter is 'task', 'autoprovision' must either not be specified or set to 'True'.")
	}
	if hasNUL([]string{value(v.Driver)}) || mapHasNUL(v.DriverOpts) || mapHasNUL(v.Labels) {
		return nil, inVolume(name, "dockerVolumeConfiguration contains invalid characters.")
	}
	return &ecs.DockerVolume{
		Shared:        shared,
		Autoprovision: shared && value(v.Autoprovision), // the others are always made
		Driver:        value(v.Driver),
		Options:       sortedVariables(v.DriverOpts),
		Labels:        sortedVariables(v.Labels),
	}, nil
}

// parseMounts reads which volumes a container sees, and where. The text on unknown volumes is that of real accounts
// (ansible/ansible#35751, blinkist/terraform-aws-airship-ecs-service#46).
func parseMounts(c *types.ContainerDefinition, d *ecs.TaskDefinition, out *ecs.ContainerDefinition) error {
	for i, m := range c.MountPoints {
		volume, at := "null", value(m.ContainerPath)
		if m.SourceVolume != nil {
			volume = *m.SourceVolume
		}
		switch {
		case !slices.ContainsFunc(d.Volumes, func(v ecs.Volume) bool { return v.Name == volume }):
			return refusef("Unknown volume '%s'.", volume)
		case at == "":
			return inContainer(out.Name, "mountPoints[%d].containerPath should not be null or empty.", i)
		case !validPath(at):
			return inContainer(out.Name, "mountPoints[%d].containerPath must be an absolute path.", i)
		}
		out.Mounts = append(out.Mounts, ecs.MountPoint{Volume: volume, ContainerPath: at, ReadOnly: value(m.ReadOnly)})
	}
	for _, v := range c.VolumesFrom {
		from := "null"
		if v.SourceContainer != nil {
			from = *v.SourceContainer
		}
		out.VolumesFrom = append(out.VolumesFrom, ecs.VolumeFrom{Container: from, ReadOnly: value(v.ReadOnly)})
	}
	return checkPaths(out)
}

// checkPaths refuses two things mounted at the same place of a container, of which no driver could give both.
func checkPaths(c *ecs.ContainerDefinition) error {
	taken := map[string]bool{}
	take := func(at string) error {
		if at = slashes.Clean(at); taken[at] {
			return inContainer(c.Name, "The path '%s' is mounted more than once.", at)
		}
		taken[at] = true
		return nil
	}
	for _, m := range c.Mounts {
		if err := take(m.ContainerPath); err != nil {
			return err
		}
	}
	if c.Isolation == nil {
		return nil
	}
	for _, t := range c.Isolation.Tmpfs {
		if err := take(t.ContainerPath); err != nil {
			return err
		}
	}
	return nil
}

func validPath(s string) bool { return slashes.IsAbs(s) && !strings.Contains(s, "\x00") }

func mapHasNUL(m map[string]string) bool {
	for name, text := range m {
		if strings.Contains(name+text, "\x00") {
			return true
		}
	}
	return false
}

// sortedVariables gives a map in the order of its names, nil for an empty one.
func sortedVariables(m map[string]string) (out []ecs.Variable) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, ecs.Variable{Name: name, Value: m[name]})
	}
	return out
}
