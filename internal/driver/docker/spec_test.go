package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

func TestPhases(t *testing.T) {
	key := driver.Key{Task: ecs.ID{1}, Container: "app"}
	labels := map[string]string{"com.amazonaws.ecs.task-definition-family": "web", "com.amazonaws.ecs.task-definition-version": "3"}
	name := baseName(ecs.ID{9}, key, labels)
	if !strings.HasPrefix(name, "ecs-web-3-app-") || name != baseName(ecs.ID{9}, key, labels) || name == baseName(ecs.ID{8}, key, labels) {
		t.Errorf("name %q", name)
	}
	for _, p := range []phaseName{{}, {name: ended, at: 1234}, {name: removed}, {name: unlogged}} {
		full := "/" + name
		if p.name != "" {
			full = "/" + p.of("/"+name+"."+unlogged)
		}
		if got := phaseOf(full); got != p {
			t.Errorf("%s: phase %+v, want %+v", full, got, p)
		}
	}
}

func TestCreateOptions(t *testing.T) {
	cfg, key := Config{BindIP: "127.0.0.1"}, driver.Key{Task: ecs.ID{1}, Container: "app"}
	for _, c := range []struct {
		cpu, memory, reservation int
		shares, bytes, soft      int64
	}{
		{0, 0, 0, 2, 0, 0},
		{1, 64, 0, 2, 64 << 20, 0},
		{256, 64, 32, 256, 64 << 20, 32 << 20},
		{1 << 20, 0, 16, maxShares, 0, 16 << 20},
	} {
		got, err := createOptions(cfg, key, driver.Spec{Image: "web", CPU: c.cpu, Memory: c.memory, MemoryReservation: c.reservation}, place{})
		if err != nil {
			t.Fatal(err)
		}
		h := got.HostConfig
		if h.CPUShares != c.shares || h.Memory != c.bytes || h.MemoryReservation != c.soft || h.NetworkMode != "bridge" || h.RestartPolicy.Name != "" {
			t.Errorf("%+v: got %+v", c, h.Resources)
		}
		if k, ok := keyOf(got.Config.Labels, ""); !ok || k != key {
			t.Errorf("the labels name %v", k)
		}
	}
}

func TestObserveOutOfMemory(t *testing.T) {
	o := observe(container.InspectResponse{ID: "id", Name: "/ecs-web", Config: &container.Config{}, State: &container.State{
		Status: container.StateExited, OOMKilled: true, ExitCode: 137, StartedAt: "2026-01-01T00:00:00.5Z", FinishedAt: "0001-01-01T00:00:00Z"}})
	if o.State != driver.Exited || *o.Exit.Code != 137 || o.Exit.Reason != outOfMemory || o.Exit.At != o.Started.At {
		t.Errorf("got %+v", o)
	}
	for _, c := range []struct {
		code   int
		limits string // of the task
		want   string
	}{{1, "", outOfMemory}, {137, "", outOfMemory}, {137, "0 64 2", outOfMemory}, {143, "0 64 2", ""}} {
		exit := exitOf(container.InspectResponse{Config: &container.Config{Labels: map[string]string{labelLimits: c.limits}},
			State: &container.State{OOMKilled: true, ExitCode: c.code}})
		if exit.Reason != c.want {
			t.Errorf("%+v: %s", c, exit.Reason)
		}
	}
}

func TestFault(t *testing.T) {
	expired, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	<-expired.Done()
	taken := fmt.Errorf("Bind for 127.0.0.1:80 failed: port is already allocated: %w", errdefs.ErrInternal)
	for _, c := range []struct {
		limited    context.Context
		err        error
		name, text string // "" for a fault that passes
	}{
		{t.Context(), taken, driver.CannotStartContainerError, "address already in use"},
		{expired, context.DeadlineExceeded, driver.DockerTimeoutError, "Could not transition to started; timed out after waiting 3m0s"},
		{t.Context(), errors.New("EOF"), "", ""},
		{t.Context(), fmt.Errorf("connection error: unavailable: %w", errdefs.ErrInternal), "", ""},
	} {
		err := fault(t.Context(), c.limited, c.err, driver.CannotStartContainerError, "started", startFor, "start")
		var e *driver.Error
		if named := errors.As(err, &e); named != (c.name != "") || named && (e.Name != c.name || !strings.Contains(e.Text, c.text)) {
			t.Errorf("%v: got %v", c.err, err)
		}
	}
}

// Containers' reasons say that the engine spoke, as those of ECS do; who ran a command and waits for it is not told.
func TestReasons(t *testing.T) {
	ctx := context.Background()
	for said, want := range map[string]string{
		"Error response from daemon: OCI runtime create failed": "CannotStartContainerError: Error response from daemon: OCI runtime create failed",
		"Error response from daemon: Bind for 0.0.0.0:80 failed: port is already allocated": "CannotStartContainerError: Error response from daemon: " +
			"Bind for 0.0.0.0:80 failed: port is already allocated (address already in use)",
	} {
		err := fault(ctx, ctx, fmt.Errorf("%s%w", said, hidden{errdefs.ErrInternal}), driver.CannotStartContainerError, "started", startFor, "start")
		if err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
	}
	if got := plain(errors.New("Error response from daemon: no such thing")); got != "no such thing" {
		t.Errorf("got %q", got)
	}
}

// hidden is an error that says nothing, as the class of an engine's answer does.
type hidden struct{ error }

func (hidden) Error() string   { return "" }
func (h hidden) Unwrap() error { return h.error }
