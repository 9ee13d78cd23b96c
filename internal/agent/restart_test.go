package agent

import (
	"testing"
	"time"

	"ballast/internal/driver"
	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
)

// restartsInPlace has a container end and start again, lose its health and gain it, and end too soon in the end.
func restartsInPlace(s *script) {
	web := again(checkedBox("web", fake.EnvExitAfter, "12s", fake.EnvExitCode, "1", fake.EnvHealth, "healthy"), 10*time.Second)
	web.Ports = []ecs.PortMapping{{ContainerPort: 80}}
	side := optional(again(box("side", fake.EnvExitAfter, "3s"), 10*time.Second))
	s.connect(1)
	s.tell(run(1, work(web, side)))
	s.wait(20 * time.Second)
	s.tell(stop(1, work(web, side)))
	s.wait(time.Second)
	s.tell(forget(1))
	s.wait(20 * time.Second)
}

// restartsUnseen has a container end while no agent is there, and again while its second attempt starts.
func restartsUnseen(s *script) {
	web := work(again(box("web", fake.EnvExitAfter, "12s", fake.EnvStartDelay, "1s"), 10*time.Second))
	s.connect(1)
	s.tell(run(1, web))
	s.wait(2 * time.Second)
	for range 2 {
		s.say("the agent is gone for a while")
		s.calls, s.blind = nil, true
		s.model.Advance(s.now.Add(20 * time.Second))
		s.now = s.now.Add(20 * time.Second)
		s.boot()
		s.settle()
		launched := *web
		launched.Launched = true
		s.connect(s.session+1, run(1, &launched))
	}
	s.wait(5 * time.Second)
}

// TestRestarts looks at which ends a container is started again after.
func TestRestarts(t *testing.T) {
	code := func(n int32) *int32 { return &n }
	const start = began
	for _, c := range []struct {
		name string
		edit func(*task, *container)
		exit driver.Exit
		want bool
	}{
		{"after its period", nil, driver.Exit{At: start.Add(time.Minute), Code: code(1)}, true},
		{"with code 0", nil, driver.Exit{At: start.Add(time.Hour), Code: code(0)}, true},
		{"too soon", nil, driver.Exit{At: start.Add(time.Minute - time.Millisecond), Code: code(1)}, false},
		{"with a code to be ignored", nil, driver.Exit{At: start.Add(time.Minute), Code: code(143)}, false},
		{"that nobody saw", nil, driver.Exit{At: start.Add(time.Minute)}, false},
		{"without a policy", func(_ *task, c *container) { c.def.RestartPolicy = nil }, driver.Exit{At: start.Add(time.Minute), Code: code(1)}, false},
		{"of a task to be stopped", func(t *task, _ *container) { t.desired = ecs.StatusStopped }, driver.Exit{At: start.Add(time.Minute), Code: code(1)}, false},
		{"of a task whose essential container ended", func(t *task, _ *container) { t.executionStoppedAt = start + 1 }, driver.Exit{At: start.Add(time.Minute), Code: code(1)}, false},
		{"of one to be stopped", func(_ *task, c *container) { c.doomed = true }, driver.Exit{At: start.Add(time.Minute), Code: code(1)}, false},
		{"of one that never started", func(_ *task, c *container) { c.started = driver.Started{} }, driver.Exit{At: start.Add(time.Minute), Code: code(1)}, false},
		{"of a task not known", func(t *task, _ *container) { t.work = nil }, driver.Exit{At: start.Add(time.Minute), Code: code(1)}, false},
	} {
		d := again(box("web"), time.Minute, 143)
		k := &container{def: &d, started: driver.Started{At: start}}
		of := &task{work: work(d), desired: ecs.StatusRunning, containers: []*container{k}}
		if c.edit != nil {
			c.edit(of, k)
		}
		if got := of.restarts(k, c.exit); got != c.want {
			t.Errorf("an end %s: restarted %v, want %v", c.name, got, c.want)
		}
	}
}

func TestBoundPorts(t *testing.T) {
	ports := []ecs.PortMapping{{ContainerPort: 80}, {ContainerPort: 80, UDP: true}, {ContainerPort: 81, HostPort: 8081}, {ContainerPort: 82}}
	got := boundPorts(ports, []ecs.Binding{{ContainerPort: 80, HostPort: 32768}, {ContainerPort: 81, HostPort: 9}, {ContainerPort: 80, HostPort: 32769, UDP: true}})
	for i, want := range []int{32768, 32769, 8081, 0} {
		if int(got[i].HostPort) != want {
			t.Errorf("port %d is bound to %d, want %d", i, got[i].HostPort, want)
		}
	}
	if ports[0].HostPort != 0 {
		t.Error("the definition has changed")
	}
}
