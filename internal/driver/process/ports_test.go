package process

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// TestPortRanges draws 9001, 9003, 9005, ... where 9006 is another program's.
func TestPortRanges(t *testing.T) {
	next := uint16(8999)
	probe := func(e endpoint) (uint16, error) {
		switch e.port {
		case 0:
			next += 2
			return next, nil
		case 9006:
			return 0, errors.New("bind: address already in use")
		}
		return e.port, nil
	}
	p := ports{taken: map[endpoint]driver.Key{}}
	ranged := ecs.PortMapping{ContainerPort: 80, LastPort: 82}
	spec := driver.Spec{Ports: []ecs.PortMapping{ranged, {ContainerPort: 1, HostPort: 7000, LastPort: 2}}}
	got, err := p.take(key(1), spec, "h", probe)
	want := []ecs.Binding{
		{BindIP: "h", ContainerPort: 80, HostPort: 9001, LastContainerPort: 82, LastHostPort: 9003},
		{BindIP: "h", ContainerPort: 1, HostPort: 7000, LastContainerPort: 2, LastHostPort: 7001},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, %s", err, diff)
	}
	// 9003 is taken, and 9006 cannot be had; 9007 to 9009 can.
	got, err = p.take(key(2), driver.Spec{Ports: []ecs.PortMapping{ranged}}, "h", probe)
	if err != nil || got[0].HostPort != 9007 {
		t.Errorf("the second range got %+v, %v", got, err)
	}
	if len(p.taken) != 8 {
		t.Errorf("%d endpoints are taken, want 8", len(p.taken))
	}
	for _, host := range []uint16{7001, 65535, 9006} {
		_, err := p.take(key(3), driver.Spec{Ports: []ecs.PortMapping{{ContainerPort: 5, LastPort: 6, HostPort: host}}}, "h", probe)
		wantError(t, err, driver.CannotStartContainerError, "")
	}
	next = 65533 // then 65535, which nothing follows, and 1
	if got, err = p.take(key(4), driver.Spec{Ports: []ecs.PortMapping{ranged}}, "h", probe); err != nil || got[0].HostPort != 1 {
		t.Errorf("at the end of the ports: %+v, %v", got, err)
	}
	p.release(key(1))
	p.adopt([]driver.Observation{{Key: key(5), State: driver.Running, Started: driver.Started{Bindings: want}}})
	if _, err := p.take(key(6), driver.Spec{Ports: []ecs.PortMapping{{ContainerPort: 5, HostPort: 9002}}}, "h", probe); err == nil {
		t.Error("a port in the middle of a range that was adopted is given again")
	}
	env := environment(driver.Spec{}, Config{}, want)
	for _, v := range []string{"PORT=9001", "PORT_80=9001", "PORT_81=9002", "PORT_82=9003", "PORT_1=7000", "PORT_2=7001"} {
		if !slices.Contains(env, v) {
			t.Errorf("%s is not in %q", v, env)
		}
	}
}
