package daemon

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"ballast/internal/driver"
	"ballast/internal/driver/docker"
	"ballast/internal/ecs"
)

// TestServiceOnDocker walks the whole path: a service of two real containers, of which one crashes and is replaced.
func TestServiceOnDocker(t *testing.T) {
	host := os.Getenv("BALLAST_TEST_DOCKER_HOST")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if !docker.Answers(ctx, host) {
		t.Skip("no Docker engine answers; name one with BALLAST_TEST_DOCKER_HOST")
	}
	cfg := config(t)
	cfg.Exe = filepath.Join(t.TempDir(), "app")
	build := exec.Command("go", "build", "-o", cfg.Exe, "../driver/docker/testdata/app")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cfg.openDriver = func(ctx context.Context) (driver.Driver, error) {
		return docker.Open(ctx, docker.Config{Host: host, Instance: ecs.ID{1: byte(os.Getpid()), 2: byte(os.Getpid() >> 8)}, Exe: cfg.Exe})
	}
	d := start(t, cfg)
	call(t, d, "RegisterTaskDefinition", `{"family":"web","containerDefinitions":[{"name":"web","image":"ballast/sample","memory":32,
		"command":["ballast","listen","tcp/80"],"portMappings":[{"containerPort":80}]}]}`)
	call(t, d, "CreateService", `{"serviceName":"web","taskDefinition":"web","desiredCount":2}`)
	running := func() int { return count(d.Running(), ecs.StatusRunning) }
	eventually(t, "two tasks run", func() bool { return running() == 2 && completed(d) })

	all, err := d.driver.List(t.Context())
	if err != nil || len(all) != 2 || len(all[0].Started.Bindings) != 1 {
		t.Fatalf("the engine has %+v, %v; want two containers with a port each", all, err)
	}
	victim := all[0].Key
	if _, err := d.driver.Stop(t.Context(), victim, 0); err != nil { // a crash, as far as control knows
		t.Fatal(err)
	}
	eventually(t, "a new task runs in its place", func() bool {
		fresh := 0
		for _, task := range d.Running() {
			if task.LastStatus == ecs.StatusRunning && task.ID != victim.Task {
				fresh++
			}
		}
		return fresh == 2
	})
	if err := d.Halt(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all, err = d.driver.List(t.Context()); err != nil || len(all) != 3 {
		t.Fatalf("the engine has %d containers (%v), want the three that ran", len(all), err)
	}
	for _, o := range all {
		if o.State != driver.Exited {
			t.Errorf("%v is in state %d after Halt", o.Key, o.State)
		}
		if err := d.driver.RemoveLogs(t.Context(), o.Key.Task); err != nil {
			t.Error(err)
		}
		if err := d.driver.Remove(t.Context(), o.Key); err != nil {
			t.Error(err)
		}
	}
}
