package process

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"ballast/internal/agent/keeper"
	"ballast/internal/driver"
	"ballast/internal/driver/drivertest"
	"ballast/internal/ecs"
)

// harness runs real processes under a real keeper.
type harness struct {
	drivertest.Host
	d *Driver
}

func (h harness) Driver() driver.Driver { return h.d }

func command(args ...string) driver.Spec {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return driver.Spec{EntryPoint: []string{exe, "app"}, Command: args}
}

func (harness) Sleeps() driver.Spec      { return command("sleep") }
func (harness) IgnoresTERM() driver.Spec { return command("stubborn") }
func (harness) ExitsOnTERM(code int32) driver.Spec {
	return command("polite", fmt.Sprint(code))
}
func (harness) Exits(code int32) driver.Spec { return command("exit", fmt.Sprint(code)) }
func (harness) NotFound() driver.Spec        { return driver.Spec{Command: []string{"no-such-command"}} }

func (harness) Checked(ok bool) (driver.Spec, []string) {
	if ok {
		return command("sleep"), []string{"true"}
	}
	return command("sleep"), []string{"sh", "-c", "echo no; exit 1"}
}
func (harness) CheckHangs() (driver.Spec, []string) {
	return command("sleep"), []string{"sleep", "3600"}
}

func (harness) Prints(stdout, stderr []string) driver.Spec {
	args := []string{"print"}
	for _, l := range stdout {
		args = append(args, "o"+l)
	}
	for _, l := range stderr {
		args = append(args, "e"+l)
	}
	return command(args...)
}

func (harness) Listens(mode ecs.NetworkMode, ports ...ecs.PortMapping) driver.Spec {
	args := []string{"listen"}
	for _, p := range ports {
		args = append(args, endpoint{udp: p.UDP}.network()+"/"+strconv.Itoa(int(p.ContainerPort)))
	}
	spec := command(args...)
	spec.NetworkMode, spec.Ports = mode, ports
	return spec
}

// openAt opens a driver whose keeper lives in a directory.
func openAt(t *testing.T, dir string) *Driver {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	d, err := Open(t.Context(), Config{KeeperDir: dir, Exe: exe, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// endKeeper ends everything that a test left under a keeper, which should have had nothing to complain about.
func endKeeper(t *testing.T, dir string) {
	defer func() {
		if b, err := os.ReadFile(filepath.Join(dir, "keeper.log")); err != nil || len(b) > 0 {
			t.Errorf("the keeper said %s, %v", b, err)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	c, err := keeper.Dial(ctx, dir, nil)
	if err != nil {
		return // it has ended by itself
	}
	defer c.Close()
	all, err := c.List(ctx)
	if err != nil {
		t.Errorf("list what is left: %v", err)
	}
	for _, o := range all {
		if _, err := c.Stop(ctx, o.Key, 0); err != nil {
			t.Errorf("stop what is left: %v", err)
		}
	}
	if err := c.Shutdown(ctx); err != nil {
		t.Errorf("end the keeper: %v", err)
	}
	select {
	case <-c.Gone():
	case <-ctx.Done():
		t.Error("the keeper does not end")
	}
}

func open(t *testing.T) *Driver {
	t.Helper()
	dir := t.TempDir()
	d := openAt(t, dir)
	t.Cleanup(func() {
		d.Close()
		endKeeper(t, dir)
	})
	return d
}

func TestConformance(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivertest.Harness { return harness{d: open(t)} })
}

func key(n int) driver.Key { return driver.Key{Task: ecs.ID{0: 0xca, 15: byte(n)}, Container: "app"} }
