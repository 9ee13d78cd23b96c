package fake

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"ballast/internal/driver"
	"ballast/internal/driver/drivertest"
	"ballast/internal/ecs"
)

func TestConformance(t *testing.T) {
	drivertest.Run(t, func(*testing.T) drivertest.Harness { return harness{New(1)} })
}

type harness struct{ d *Driver }

func (h harness) Driver() driver.Driver { return h.d }

func scripted(pairs ...string) driver.Spec {
	spec := driver.Spec{Image: "app"}
	for i := 0; i < len(pairs); i += 2 {
		spec.Environment = append(spec.Environment, ecs.Variable{Name: pairs[i], Value: pairs[i+1]})
	}
	return spec
}

func (harness) Sleeps() driver.Spec { return scripted(EnvStdout, drivertest.Ready) }
func (harness) IgnoresTERM() driver.Spec {
	return scripted(EnvStdout, drivertest.Ready, EnvIgnoreSIGTERM, "true")
}
func (harness) ExitsOnTERM(code int32) driver.Spec {
	return scripted(EnvStdout, drivertest.Ready, EnvStopCode, strconv.Itoa(int(code)))
}
func (harness) Exits(code int32) driver.Spec {
	return scripted(EnvExitAfter, "0s", EnvExitCode, strconv.Itoa(int(code)))
}
func (harness) Prints(stdout, stderr []string) driver.Spec {
	spec := scripted(EnvExitAfter, "0s")
	if stdout != nil {
		spec.Environment = append(spec.Environment, ecs.Variable{Name: EnvStdout, Value: strings.Join(stdout, "\n")})
	}
	if stderr != nil {
		spec.Environment = append(spec.Environment, ecs.Variable{Name: EnvStderr, Value: strings.Join(stderr, "\n")})
	}
	return spec
}
func (h harness) Listens(mode ecs.NetworkMode, ports ...ecs.PortMapping) driver.Spec {
	spec := h.Sleeps()
	spec.NetworkMode, spec.Ports = mode, ports
	return spec
}
func (harness) Checked(ok bool) (driver.Spec, []string) {
	health := string(healthy)
	if !ok {
		health = string(unhealthy)
	}
	return scripted(EnvStdout, drivertest.Ready, EnvHealth, health), []string{"check"}
}
func (harness) CheckHangs() (driver.Spec, []string) {
	return scripted(EnvStdout, drivertest.Ready, EnvHealth, string(hangs)), []string{"check"}
}
func (harness) NotFound() driver.Spec {
	return scripted(EnvFailStart, "exec: no such file or directory")
}

// FreePort gives any port: those of the host are imagined, too.
func (harness) FreePort(*testing.T) uint16 { return 8080 }

// Wait waits by the real clock, because the suite runs its tests under it; nothing in it takes longer than its shortest stop
// timeout.
func (harness) Wait(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
