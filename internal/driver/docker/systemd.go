package docker

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"

	"ballast/internal/cgroup"
	"ballast/internal/driver"
)

// systemd speaks to the system's manager, where that makes the control groups. A nil one is busctl, which comes with systemd.
type systemd func(ctx context.Context, args ...string) error

const (
	managerName      = "org.freedesktop.systemd1"
	managerPath      = "/org/freedesktop/systemd1"
	managerInterface = "org.freedesktop.systemd1.Manager"
)

// start makes a slice with limits. One that is there stays as it is.
func (s systemd) start(ctx context.Context, slice string, version int, limits driver.TaskLimits) error {
	err := s.call(ctx, startArgs(slice, version, limits)...)
	if err != nil && strings.Contains(err.Error(), "already loaded") { // org.freedesktop.systemd1.UnitExists
		return nil
	}
	return err
}

// stop deletes a slice. One that is not there is deleted.
func (s systemd) stop(ctx context.Context, slice string) error {
	err := s.call(ctx, "call", managerName, managerPath, managerInterface, "StopUnit", "ss", slice, "replace")
	if err != nil && strings.Contains(err.Error(), "not loaded") { // org.freedesktop.systemd1.NoSuchUnit
		return nil
	}
	return err
}

// answers says why systemd does not do what is asked for.
func (s systemd) answers(ctx context.Context) error {
	return s.call(ctx, "get-property", managerName, managerPath, managerInterface, "Version")
}

// startArgs are those of busctl that make a transient slice (org.freedesktop.systemd1(5), StartTransientUnit; systemd.resource-control(5)).
func startArgs(slice string, version int, limits driver.TaskLimits) []string {
	memory, share := "MemoryMax", "CPUWeight"
	if version == 1 {
		memory, share = "MemoryLimit", "CPUShares"
	}
	properties := []string{"Description", "s", "limits of a task of Ballast", "MemoryAccounting", "b", "true", "CPUAccounting", "b", "true"}
	if limits.Memory > 0 {
		properties = append(properties, memory, "t", strconv.Itoa(limits.Memory*mebibyte))
	}
	if limits.CPU > 0 { // microseconds a second
		properties = append(properties, "CPUQuotaPerSecUSec", "t", strconv.Itoa(max(limits.CPU*1_000_000/1024, 10_000)))
	}
	if all := cgroup.Share(version, limits.Share); len(all) > 0 {
		properties = append(properties, share, "t", all[0].Value)
	}
	args := []string{"call", managerName, managerPath, managerInterface, "StartTransientUnit", "ssa(sv)a(sa(sv))", slice, "fail",
		strconv.Itoa(len(properties) / 3)}
	return append(append(args, properties...), "0")
}

func (s systemd) call(ctx context.Context, args ...string) error {
	if s != nil {
		return s(ctx, args...)
	}
	cmd := exec.CommandContext(ctx, "busctl", append([]string{"--system", "--quiet", "--timeout=10"}, args...)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("busctl: %w: %s", err, strings.TrimSpace(said.String()))
	}
	return nil
}
