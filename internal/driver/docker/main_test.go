package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"ballast/internal/driver"
	"ballast/internal/driver/drivertest"
	"ballast/internal/ecs"
)

// hostVariable names the engine that the tests use; it is not DOCKER_HOST, so that no other test finds it.
const hostVariable = "BALLAST_TEST_DOCKER_HOST"

// image is what the tests' containers are made of: one static program.
const image = "ballast-test/app:1"

// exe is the program of the image, and of the sample image.
var exe string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "ballast-docker-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	exe = filepath.Join(dir, "app")
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// makeImage loads the image once per run.
var makeImage = sync.OnceValue(func() error {
	engine, err := connect(os.Getenv(hostVariable))
	if err != nil {
		return err
	}
	defer engine.Close()
	return importImage(engine)
})

// buildApp builds the program once per run.
var buildApp = sync.OnceValue(func() error {
	build := exec.Command("go", "build", "-o", exe, "./testdata/app")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
})

// importImage loads the image into an engine.
func importImage(engine *client.Client) error {
	if err := buildApp(); err != nil {
		return err
	}
	program, err := os.ReadFile(exe)
	if err != nil {
		return err
	}
	response, err := engine.ImageImport(context.Background(), client.ImageImportSource{Source: layer("app", program), SourceName: "-"}, image, client.ImageImportOptions{})
	if err != nil {
		return err
	}
	defer response.Close()
	_, err = new(bytes.Buffer).ReadFrom(response)
	return err
}

// needEngine skips a test where no engine answers.
func needEngine(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if !Answers(ctx, os.Getenv(hostVariable)) {
		if os.Getenv("CI") != "" {
			t.Fatal("no Docker engine answers")
		}
		t.Skip("no Docker engine answers; name one with " + hostVariable)
	}
	if err := errors.Join(buildApp(), makeImage()); err != nil {
		t.Fatal(err)
	}
}

var instances byte

// open gives a driver of an instance of its own and removes in the end all that it made.
func open(t testing.TB) *Driver {
	t.Helper()
	needEngine(t)
	instances++
	d := openAs(t, ecs.ID{0: instances, 1: byte(os.Getpid()), 2: byte(os.Getpid() >> 8)})
	t.Cleanup(func() { clean(t, d) })
	return d
}

// clean removes all that a driver made.
func clean(t testing.TB, d *Driver) {
	ctx := context.Background()
	list, err := d.list(ctx)
	if err != nil {
		t.Error(err)
	}
	for _, c := range list {
		if err := d.forceDelete(ctx, c.ID); err != nil {
			t.Error(err)
		}
	}
	if err := d.tidyOrphans(ctx, nil); err != nil {
		t.Error(err)
	}
	d.Close()
}

func openAs(t testing.TB, instance ecs.ID) *Driver {
	t.Helper()
	d, err := Open(t.Context(), Config{Host: os.Getenv(hostVariable), Instance: instance, Exe: exe})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// harness runs real containers.
type harness struct {
	drivertest.Host
	d *Driver
}

func (h harness) Driver() driver.Driver { return h.d }

func app(args ...string) driver.Spec {
	return driver.Spec{Image: image, EntryPoint: []string{"/app"}, Command: args, NetworkMode: ecs.NetworkNone}
}

func (harness) Sleeps() driver.Spec                { return app("polite", "143") }
func (harness) IgnoresTERM() driver.Spec           { return app("stubborn") }
func (harness) ExitsOnTERM(code int32) driver.Spec { return app("polite", fmt.Sprint(code)) }
func (harness) Exits(code int32) driver.Spec       { return app("exit", fmt.Sprint(code)) }

func (harness) NotFound() driver.Spec {
	spec := app()
	spec.EntryPoint = []string{"/no-such-command"}
	return spec
}

func (harness) Prints(stdout, stderr []string) driver.Spec {
	args := []string{"print"}
	for _, l := range stdout {
		args = append(args, "o"+l)
	}
	for _, l := range stderr {
		args = append(args, "e"+l)
	}
	return app(args...)
}

func (harness) Listens(mode ecs.NetworkMode, ports ...ecs.PortMapping) driver.Spec {
	args := []string{"listen"}
	for _, p := range ports {
		args = append(args, string(protocol(p.UDP))+"/"+strconv.Itoa(int(p.ContainerPort)))
	}
	spec := app(args...)
	spec.NetworkMode, spec.Ports = mode, ports
	return spec
}

func (harness) Checked(ok bool) (driver.Spec, []string) {
	if ok {
		return app("polite", "143"), []string{"/app", "exit", "0"}
	}
	return app("polite", "143"), []string{"/app", "exit", "1"}
}

func (harness) CheckHangs() (driver.Spec, []string) {
	return app("polite", "143"), []string{"/app", "hang"}
}

func TestConformance(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivertest.Harness { return harness{d: open(t)} })
}
