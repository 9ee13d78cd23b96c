package docker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/client"

	"ballast/internal/driver"
	"ballast/internal/driver/drivertest"
	"ballast/internal/ecs"
)

func TestMount(t *testing.T) {
	spec := driver.Spec{
		Volumes: []ecs.Volume{{Name: "host", HostPath: "/srv"}, {Name: "task"}, {Name: "shared", Docker: &ecs.DockerVolume{Shared: true}},
			{Name: "own", Docker: &ecs.DockerVolume{}}},
		Mounts: []ecs.MountPoint{{Volume: "host", ContainerPath: "/a"}, {Volume: "task", ContainerPath: "/b", ReadOnly: true},
			{Volume: "shared", ContainerPath: "/c"}, {Volume: "own", ContainerPath: "/d"}},
		VolumesFrom: []ecs.VolumeFrom{{Container: "db"}, {Container: "log", ReadOnly: true}},
		Labels:      map[string]string{"com.amazonaws.ecs.task-definition-family": "web", "com.amazonaws.ecs.task-definition-version": "3"},
	}
	config, host := made(t, spec, place{})
	name := func(volume string) string { return volumeName(testCfg.Instance, testKey.Task, spec.Labels, volume) }
	if diff := cmp.Diff([]string{"/srv:/a", name("task") + ":/b:ro", "shared:/c", name("own") + ":/d"}, host.Binds); diff != "" {
		t.Errorf("binds (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{peer(testCfg, testKey, spec, "db"), peer(testCfg, testKey, spec, "log") + ":ro"}, host.VolumesFrom); diff != "" {
		t.Errorf("volumes from (-want +got):\n%s", diff)
	}
	if config.Labels[labelShares] == "" {
		t.Error("nothing says that the volumes go with the container")
	}
}

func TestVolumeOptions(t *testing.T) {
	id := map[string]string{labelInstance: testCfg.Instance.String(), labelTask: testKey.Task.String()}
	settings := []ecs.Variable{{Name: "type", Value: "tmpfs"}}
	for _, c := range []struct {
		volume ecs.Volume
		want   client.VolumeCreateOptions
	}{
		{ecs.Volume{Name: "v"}, client.VolumeCreateOptions{Name: volumeName(testCfg.Instance, testKey.Task, nil, "v"), Driver: "local", Labels: id}},
		{ecs.Volume{Name: "v", Docker: &ecs.DockerVolume{Shared: true, Driver: "nfs", Options: settings, Labels: []ecs.Variable{{Name: "a", Value: "b"}}}},
			client.VolumeCreateOptions{Name: "v", Driver: "nfs", DriverOpts: map[string]string{"type": "tmpfs"}, Labels: map[string]string{"a": "b"}}},
		{ecs.Volume{Name: "v", Docker: &ecs.DockerVolume{Labels: []ecs.Variable{{Name: labelTask, Value: "other"}}}},
			client.VolumeCreateOptions{Name: volumeName(testCfg.Instance, testKey.Task, nil, "v"), Driver: "local", Labels: id}},
	} {
		if diff := cmp.Diff(c.want, volumeOptions(testCfg, testKey, driver.Spec{}, c.volume)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.volume, diff)
		}
	}
}

// with mounts volumes.
func with(spec driver.Spec, mount ecs.MountPoint, v ecs.Volume) driver.Spec {
	v.Name, mount.Volume = "v", "v"
	spec.Volumes, spec.Mounts = []ecs.Volume{v}, []ecs.MountPoint{mount}
	return spec
}

// volumes counts those of an instance.
func volumes(t *testing.T, d *Driver) int {
	t.Helper()
	list, err := d.engine.VolumeList(t.Context(), client.VolumeListOptions{Filters: make(client.Filters).Add("label", labelInstance+"="+d.cfg.Instance.String())})
	if err != nil {
		t.Fatal(err)
	}
	return len(list.Items)
}

// TestVolumesOfTask: what one container writes another reads, also through volumesFrom, and the volume goes with the last container.
func TestVolumesOfTask(t *testing.T) {
	d := open(t)
	writer, reader, from := driver.Key{Task: ecs.ID{1}, Container: "w"}, driver.Key{Task: ecs.ID{1}, Container: "r"}, driver.Key{Task: ecs.ID{1}, Container: "f"}
	at := ecs.MountPoint{ContainerPath: "/data"}
	begin(t, d, writer, with(app("write", "/data/note", "kept"), at, ecs.Volume{}))
	drivertest.Wait(t, "the writer has ended", func() bool {
		c, err := d.find(t.Context(), writer)
		return err == nil && observe(*c).State == driver.Exited
	})
	at.ReadOnly = true
	begin(t, d, reader, with(app("facts", "/data/note", "/proc/mounts:/dev"), at, ecs.Volume{}))
	wantLines(t, said(t, d, reader), "note kept")
	spec := app("facts", "/data/note")
	spec.VolumesFrom = []ecs.VolumeFrom{{Container: "w", ReadOnly: true}}
	begin(t, d, from, spec)
	wantLines(t, said(t, d, from), "note kept")

	denied := driver.Key{Task: ecs.ID{1}, Container: "d"}
	begin(t, d, denied, with(app("write", "/data/more", "x"), at, ecs.Volume{}))
	wantLines(t, said(t, d, denied), "read-only file system")

	for _, k := range []driver.Key{writer, reader, from, denied} {
		if n := volumes(t, d); n != 1 {
			t.Fatalf("before the removal of %v there are %d volumes", k, n)
		}
		if _, err := d.Stop(t.Context(), k, 0); err != nil {
			t.Fatal(err)
		}
		if err := d.Remove(t.Context(), k); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.RemoveLogs(t.Context(), writer.Task); err != nil || volumes(t, d) != 0 {
		t.Errorf("after the task there are %d volumes, %v", volumes(t, d), err)
	}
}

func TestVolumesOfHost(t *testing.T) {
	d := open(t)
	dir := filepath.Join(t.TempDir(), "made")
	key := driver.Key{Task: ecs.ID{1}, Container: "w"}
	begin(t, d, key, with(app("write", "/data/note", "kept"), ecs.MountPoint{ContainerPath: "/data"}, ecs.Volume{HostPath: dir}))
	drivertest.Wait(t, "the file is there", func() bool { text, _ := os.ReadFile(filepath.Join(dir, "note")); return string(text) == "kept" })
}

func TestSharedVolumes(t *testing.T) {
	d := open(t)
	key := driver.Key{Task: ecs.ID{1}, Container: "w"}
	spec := with(app("exit", "0"), ecs.MountPoint{ContainerPath: "/data"}, ecs.Volume{Docker: &ecs.DockerVolume{Shared: true}})
	name := "ballast-test-" + d.cfg.Instance.String()
	spec.Volumes[0].Name, spec.Mounts[0].Volume = name, name
	var e *driver.Error
	if err := d.Create(t.Context(), key, spec); !errors.As(err, &e) || e.Name != cannotCreateVolumeError {
		t.Errorf("a shared volume that is not there: got %v", err)
	}
	spec.Volumes[0].Docker.Autoprovision = true
	t.Cleanup(func() { d.engine.VolumeRemove(context.Background(), name, client.VolumeRemoveOptions{Force: true}) })
	if err := d.Create(t.Context(), key, spec); err != nil {
		t.Fatal(err)
	}
	spec.Volumes[0].Docker.Autoprovision = false
	key.Container = "x"
	if err := d.Create(t.Context(), key, spec); err != nil {
		t.Errorf("a shared volume that is there: %v", err)
	}
	for _, c := range []string{"w", "x"} {
		key.Container = c
		if err := d.Remove(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.engine.VolumeInspect(t.Context(), name, client.VolumeInspectOptions{}); err != nil {
		t.Errorf("a shared volume has gone with the task: %v", err)
	}
	spec.Volumes[0].Docker = &ecs.DockerVolume{Options: []ecs.Variable{{Name: "nonsense", Value: "1"}}}
	key.Container = "y"
	if err := d.Create(t.Context(), key, spec); !errors.As(err, &e) || e.Name != cannotCreateVolumeError {
		t.Errorf("a volume with an unknown option: got %v", err)
	}
}
