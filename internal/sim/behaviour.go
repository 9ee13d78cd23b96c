package sim

import (
	"fmt"
	"time"

	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
)

// behaviour is something that containers of a task definition do.
type behaviour struct {
	name string
	// always says that no history is without it; bad, that a service made of it never becomes steady.
	always, bad bool
	define      func(s stream, d *ecs.TaskDefinition)
}

// behaviours are all that a history may draw from. The task definitions differ in size on top of that.
var behaviours = []behaviour{
	{name: "good", always: true, define: func(stream, *ecs.TaskDefinition) {}},
	{name: "slow start", define: func(s stream, d *ecs.TaskDefinition) {
		script(d, fake.EnvStartDelay, pick(s, "3s", "1s..20s", "45s"))
	}},
	{name: "slow pull", define: func(s stream, d *ecs.TaskDefinition) {
		d.Containers[0].Image = fake.ImagePull + pick(s, "2s", "30s")
	}},
	{name: "faulty pull", define: func(s stream, d *ecs.TaskDefinition) {
		d.Containers[0].Image = fake.ImageFaults + pick(s, "1", "3")
	}},
	{name: "faulty start", define: func(s stream, d *ecs.TaskDefinition) { script(d, fake.EnvFaultStart, pick(s, "1", "4")) }},
	{name: "slow stop", define: func(s stream, d *ecs.TaskDefinition) { script(d, fake.EnvStopDelay, pick(s, "2s", "1s..25s")) }},
	{name: "ignores SIGTERM", define: func(s stream, d *ecs.TaskDefinition) {
		script(d, fake.EnvIgnoreSIGTERM, "true")
		d.Containers[0].StopTimeout = pick(s, 0, 2*time.Second, 10*time.Second)
	}},
	{name: "sidecar", define: func(s stream, d *ecs.TaskDefinition) {
		side := ecs.ContainerDefinition{Name: "side", Image: "side", Memory: 16, Essential: s.chance(0.5)}
		d.Containers = append(d.Containers, side)
		script1(&d.Containers[1], fake.EnvStartDelay, "0s..5s")
	}},
	{name: "init", define: func(_ stream, d *ecs.TaskDefinition) {
		d.Containers = append(d.Containers, ecs.ContainerDefinition{Name: "init", Image: "init", Memory: 16})
		script1(&d.Containers[1], fake.EnvExitAfter, "0s..3s")
	}},
	{name: "host port", define: func(_ stream, d *ecs.TaskDefinition) {
		d.Containers[0].Ports = []ecs.PortMapping{{ContainerPort: 80, HostPort: 8080}}
	}},
	{name: "any port", define: func(_ stream, d *ecs.TaskDefinition) {
		d.Containers[0].Ports = []ecs.PortMapping{{ContainerPort: 80}}
	}},
	{name: "crashes", bad: true, define: func(s stream, d *ecs.TaskDefinition) {
		script(d, fake.EnvExitAfter, pick(s, "5s", "1s..30s", "70s"))
		script(d, fake.EnvExitCode, pick(s, "0", "1", "137"))
	}},
	{name: "restarts in place", define: func(s stream, d *ecs.TaskDefinition) {
		restarted := &d.Containers[0]
		if s.chance(0.5) {
			d.Containers = append(d.Containers, ecs.ContainerDefinition{Name: "side", Image: "side", Memory: 16})
			restarted = &d.Containers[1]
		}
		restarted.RestartPolicy = &ecs.RestartPolicy{AttemptPeriod: pick(s, 2*time.Second, 10*time.Second)}
		script1(restarted, fake.EnvExitAfter, pick(s, "10s", "15s..40s"))
		script1(restarted, fake.EnvExitCode, pick(s, "0", "1"))
	}},
	{name: "restarts in place at times", bad: true, define: func(s stream, d *ecs.TaskDefinition) {
		d.Containers[0].RestartPolicy = &ecs.RestartPolicy{AttemptPeriod: 5 * time.Second}
		script(d, fake.EnvExitAfter, "1s..30s")
	}},
	{name: "crashes at once", bad: true, define: func(_ stream, d *ecs.TaskDefinition) { script(d, fake.EnvExitAfter, "0s") }},
	{name: "never starts", bad: true, define: func(s stream, d *ecs.TaskDefinition) {
		script(d, pick(s, fake.EnvFailStart, fake.EnvFailCreate), "no such file or directory")
	}},
	{name: "no image", bad: true, define: func(_ stream, d *ecs.TaskDefinition) {
		d.Containers[0].Image = fake.ImageMissing + "app"
	}},
	{name: "hangs at start", bad: true, define: func(_ stream, d *ecs.TaskDefinition) { script(d, fake.EnvStartDelay, "5m") }},
}

func script(d *ecs.TaskDefinition, name, value string) { script1(&d.Containers[0], name, value) }

func script1(c *ecs.ContainerDefinition, name, value string) {
	c.Environment = append(c.Environment, ecs.Variable{Name: name, Value: value})
}

// defined is the Document of a task definition made here; it says whether a service made of it can become steady.
func document(bad bool) []byte { return fmt.Appendf(nil, "{\"bad\":%v}", bad) }

// isBad reads it.
func isBad(d *ecs.TaskDefinition) bool { return string(d.Document) == string(document(true)) }

// define draws a task definition: one behaviour, or two that go together.
func define(s stream, family string, names []string) ecs.TaskDefinition {
	d := ecs.TaskDefinition{Family: family, NetworkMode: pick(s, ecs.NetworkBridge, ecs.NetworkBridge, ecs.NetworkAwsvpc)}
	d.Containers = []ecs.ContainerDefinition{{Name: "main", Image: "app", Essential: true, CPU: pick(s, 0, 64, 256),
		Memory: pick(s, 16, 64, 200)}}
	bad := false
	for range pick(s, 1, 1, 2) {
		name := pick(s, names...)
		for _, b := range behaviours {
			if b.name == name && len(d.Containers) == 1 {
				b.define(s, &d)
				bad = bad || b.bad
			}
		}
	}
	d.Document = document(bad)
	return d
}

// goodDefinition gives the smallest task definition that just runs.
func goodDefinition(family string) ecs.TaskDefinition {
	return ecs.TaskDefinition{Family: family, Document: document(false), Containers: []ecs.ContainerDefinition{
		{Name: "main", Image: "app", Essential: true, Memory: 16}}}
}
