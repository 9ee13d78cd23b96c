package process

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/driver"
	"ballast/internal/driver/drivertest"
	"ballast/internal/ecs"
)

// held counts what is claimed and not closed.
type held struct {
	of    map[endpoint]int
	taken []uint16 // by other programs
}

func (h *held) claim(e endpoint) (io.Closer, error) {
	if slices.Contains(h.taken, e.port) {
		return nil, fmt.Errorf("listen tcp %s: bind: address already in use", e.address())
	}
	h.of[e]++
	return closer(func() { h.of[e]-- }), nil
}

type closer func()

func (c closer) Close() error {
	c()
	return nil
}

// check compares what is held with what containers have.
func (h *held) check(t *testing.T, p *ports) {
	t.Helper()
	for e, n := range h.of {
		if have := p.taken[e].hold != nil; n > 1 || n == 1 != have {
			t.Errorf("%s %s is held %d times; a container has it with a hold: %t", e.network(), e.address(), n, have)
		}
	}
}

// TestPortRanges draws from 9001 to 9009, where 9006 is another program's.
func TestPortRanges(t *testing.T) {
	h := held{of: map[endpoint]int{}, taken: []uint16{9006}}
	var p ports
	p.open(portRange{9001, 9009}, 18)
	ranged := ecs.PortMapping{ContainerPort: 80, LastPort: 82}
	spec := driver.Spec{Ports: []ecs.PortMapping{ranged, {ContainerPort: 1, HostPort: 7000, LastPort: 2}}}
	got, err := p.take(key(1), spec, "h", h.claim)
	want := []ecs.Binding{
		{BindIP: "h", ContainerPort: 80, HostPort: 9001, LastContainerPort: 82, LastHostPort: 9003},
		{BindIP: "h", ContainerPort: 1, HostPort: 7000, LastContainerPort: 2, LastHostPort: 7001},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, %s", err, diff)
	}
	// 9003 is taken, and 9006 cannot be had; 9007 to 9009 can.
	got, err = p.take(key(2), driver.Spec{Ports: []ecs.PortMapping{ranged}}, "h", h.claim)
	if err != nil || got[0].HostPort != 9007 {
		t.Errorf("the second range got %+v, %v", got, err)
	}
	if len(p.taken) != 8 {
		t.Errorf("%d endpoints are taken, want 8", len(p.taken))
	}
	for _, host := range []uint16{7001, 65535, 9006} {
		_, err := p.take(key(3), driver.Spec{Ports: []ecs.PortMapping{{ContainerPort: 5, LastPort: 6, HostPort: host}}}, "h", h.claim)
		wantError(t, err, driver.CannotStartContainerError, "")
	}
	h.check(t, &p)
	_, err = p.take(key(4), driver.Spec{Ports: []ecs.PortMapping{ranged}}, "h", h.claim)
	wantError(t, err, driver.CannotStartContainerError, "no 3 free ports in a row from 9001 to 9009")
	p.release(key(1))
	if got, err = p.take(key(4), driver.Spec{Ports: []ecs.PortMapping{ranged}}, "h", h.claim); err != nil || got[0].HostPort != 9001 {
		t.Errorf("after a release: %+v, %v", got, err)
	}
	p.release(key(4))
	h.check(t, &p)
	p.adopt([]driver.Observation{{Key: key(5), State: driver.Running, Started: driver.Started{Bindings: want}}})
	if _, err := p.take(key(6), driver.Spec{Ports: []ecs.PortMapping{{ContainerPort: 5, HostPort: 9002}}}, "h", h.claim); err == nil {
		t.Error("a port in the middle of a range that was adopted is given again")
	}
	env := environment(driver.Spec{}, Config{}, want)
	for _, v := range []string{"PORT=9001", "PORT_80=9001", "PORT_81=9002", "PORT_82=9003", "PORT_1=7000", "PORT_2=7001"} {
		if !slices.Contains(env, v) {
			t.Errorf("%s is not in %q", v, env)
		}
	}
}

// TestDynamicRange stays out of the way of connections that go out, where that leaves enough.
func TestDynamicRange(t *testing.T) {
	for text, want := range map[string]portRange{
		"32768\t60999\n": {61000, 65535}, // as Linux has it
		"":               {49153, 65535},
		"1024 65535":     {49153, 65535},
		"10000 20000":    {49153, 65535},
		"1024 64600":     {49153, 65535}, // leaves 935
		"60000 65535":    {49153, 59999},
		"49153 50000":    {50001, 65535},
	} {
		if got := dynamicRange(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// TestClaimsOfTwoDrivers has two drivers on one machine draw from the same few ports at the same time: none is given twice, although no container
// has bound its own yet.
func TestClaimsOfTwoDrivers(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has names for sockets without files")
	}
	free := drivertest.Host{}.FreePort(t)
	spec := driver.Spec{Ports: []ecs.PortMapping{{ContainerPort: 80}}}
	var one, two ports
	for _, p := range []*ports{&one, &two} {
		p.open(portRange{int(free), int(free)}, 0)
	}
	if _, err := one.take(key(1), spec, "127.0.0.1", claim); err != nil {
		t.Fatal(err)
	}
	if got, err := two.take(key(2), spec, "127.0.0.1", claim); err == nil {
		t.Errorf("the second driver got %v as well", got)
	}
	one.close()
	if _, err := two.take(key(2), spec, "127.0.0.1", claim); err != nil {
		t.Errorf("after the first driver let go: %v", err)
	}
	two.close()
}
