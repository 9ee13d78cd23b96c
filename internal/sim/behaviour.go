package sim

import (
	"slices"
	"strings"
	"time"

	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
)

// behaviour is something that containers of a task definition do.
type behaviour struct {
	name string
	// always says that no history is without it.
	always bool
	define func(s stream, d *ecs.TaskDefinition)
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
	{name: "crashes", define: func(s stream, d *ecs.TaskDefinition) {
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
	{name: "restarts in place at times", define: func(s stream, d *ecs.TaskDefinition) {
		d.Containers[0].RestartPolicy = &ecs.RestartPolicy{AttemptPeriod: 5 * time.Second}
		script(d, fake.EnvExitAfter, "1s..30s")
	}},
	{name: "crashes at once", define: func(_ stream, d *ecs.TaskDefinition) { script(d, fake.EnvExitAfter, "0s") }},
	{name: "never starts", define: func(s stream, d *ecs.TaskDefinition) {
		script(d, pick(s, fake.EnvFailStart, fake.EnvFailCreate), "no such file or directory")
	}},
	{name: "no image", define: func(_ stream, d *ecs.TaskDefinition) {
		d.Containers[0].Image = fake.ImageMissing + "app"
	}},
	{name: "hangs at start", define: func(_ stream, d *ecs.TaskDefinition) { script(d, fake.EnvStartDelay, "5m") }},
	{name: "checked", define: func(s stream, d *ecs.TaskDefinition) { check(s, &d.Containers[0], "") }},
	{name: "slow check", define: func(s stream, d *ecs.TaskDefinition) {
		check(s, &d.Containers[0], "")
		script(d, fake.EnvHealthTakes, "500ms..2s")
	}},
	{name: "slow to be healthy", define: func(s stream, d *ecs.TaskDefinition) {
		check(s, &d.Containers[0], "unhealthy,healthy@12s")
		d.Containers[0].HealthCheck.StartPeriod = pick(s, 15*time.Second, time.Minute)
	}},
	{name: "becomes unhealthy", define: func(s stream, d *ecs.TaskDefinition) {
		check(s, &d.Containers[0], pick(s, "healthy,unhealthy@30s", "healthy,hangs@1m", "healthy,unhealthy@45s,healthy@75s"))
	}},
	{name: "never healthy", define: func(s stream, d *ecs.TaskDefinition) {
		check(s, &d.Containers[0], pick(s, "unhealthy", "hangs"))
	}},
	{name: "depends", define: func(s stream, d *ecs.TaskDefinition) {
		depend(s, d, pick(s, ecs.DependStart, ecs.DependComplete, ecs.DependSuccess, ecs.DependHealthy), true)
	}},
	{name: "depends in vain", define: func(s stream, d *ecs.TaskDefinition) {
		depend(s, d, pick(s, ecs.DependSuccess, ecs.DependHealthy), false)
	}},
	{name: "answers late", define: func(s stream, d *ecs.TaskDefinition) { answers(d, pick(s, "refused,200@8s", "503,200@25s")) }},
	{name: "answers badly", define: func(s stream, d *ecs.TaskDefinition) { answers(d, pick(s, "503", "refused", "silent")) }},
	{name: "comes to answer badly", define: func(s stream, d *ecs.TaskDefinition) {
		answers(d, pick(s, "200,503@30s", "200,silent@1m", "200,503@40s,200@80s"))
	}},
}

// answers has the target of a task answer load balancers as the text says.
func answers(d *ecs.TaskDefinition, text string) { script(d, EnvAnswers, text) }

// answersOf gives what the target of a task answers.
func answersOf(d *ecs.TaskDefinition) Answers {
	text := scripted(&d.Containers[0], EnvAnswers)
	if text == "" {
		return nil
	}
	all, err := ParseAnswers(text)
	if err != nil {
		panic(err) // those that are read are checked
	}
	return all
}

// check gives a container a health check that finds what the text says.
func check(s stream, c *ecs.ContainerDefinition, finds string) {
	c.HealthCheck = &ecs.HealthCheck{Command: []string{"CMD", "check"}, Interval: pick(s, 5*time.Second, 10*time.Second, 30*time.Second),
		Timeout: pick(s, 2*time.Second, 5*time.Second), Retries: pick(s, 1, 2, 3), StartPeriod: pick(s, 0, 0, 10*time.Second)}
	if finds != "" {
		script1(c, fake.EnvHealth, finds)
	}
}

// depend has the first container of a task depend on a second one, which comes that far or not.
func depend(s stream, d *ecs.TaskDefinition, on ecs.Condition, comes bool) {
	first := ecs.ContainerDefinition{Name: "first", Image: "first", Memory: 16}
	ends := on == ecs.DependComplete || on == ecs.DependSuccess
	switch {
	case ends && comes:
		script1(&first, fake.EnvExitAfter, "1s..6s")
		script1(&first, fake.EnvExitCode, map[ecs.Condition]string{ecs.DependComplete: "3", ecs.DependSuccess: "0"}[on])
	case ends:
		script1(&first, fake.EnvExitAfter, "1s..6s")
		script1(&first, fake.EnvExitCode, "3")
	case on == ecs.DependHealthy:
		finds := ""
		if !comes {
			finds = "unhealthy"
		}
		check(s, &first, finds)
		first.StartTimeout = pick(s, 0, 40*time.Second)
		if comes {
			first.StartTimeout = 0
		}
	}
	if !ends && s.chance(0.5) {
		first.Essential = true
	}
	d.Containers[0].DependsOn = []ecs.Dependency{{Container: first.Name, Condition: on}}
	d.Containers = append(d.Containers, first)
}

func script(d *ecs.TaskDefinition, name, value string) { script1(&d.Containers[0], name, value) }

func script1(c *ecs.ContainerDefinition, name, value string) {
	c.Environment = append(c.Environment, ecs.Variable{Name: name, Value: value})
}

// isBad says that a service made of a task definition may never become steady, as its scripts say.
func isBad(d *ecs.TaskDefinition) bool {
	for i := range d.Containers {
		c := &d.Containers[i]
		awaited, succeeds := false, true // others wait for its health, its success
		for _, other := range d.Containers {
			for _, on := range other.DependsOn {
				awaited = awaited || on.Container == c.Name && on.Condition == ecs.DependHealthy
				succeeds = succeeds && (on.Container != c.Name || on.Condition != ecs.DependSuccess || scripted(c, fake.EnvExitCode) == "0")
			}
		}
		switch {
		case strings.HasPrefix(c.Image, fake.ImageMissing), scripted(c, fake.EnvFailStart)+scripted(c, fake.EnvFailCreate) != "",
			scripted(c, fake.EnvStartDelay) == "5m", !succeeds, c.Essential && endsItself(c),
			(c.Essential || awaited) && ails(c):
			return true
		}
	}
	return false
}

// isBadFor says that a service may never become steady with a task definition, or that a task of none (nil) may not go on as it is.
func isBadFor(s *ecs.Service, d *ecs.TaskDefinition) bool {
	if isBad(d) {
		return true
	}
	all := answersOf(d)
	if s == nil || len(s.LoadBalancers) == 0 || len(all) == 0 {
		return false
	}
	// The first answers may be bad ones where the grace period is longer than they and what it takes to be healthy again.
	last := all[len(all)-1]
	return len(all) > 2 || last.code != 200 || last.from > 0 && time.Duration(s.GracePeriod)*time.Second < last.from+slowestRecovery
}

// slowestRecovery is longer than any target group here takes to find a target healthy again.
const slowestRecovery = time.Minute

// ails says whether the health check of a container may find it unhealthy for good.
func ails(c *ecs.ContainerDefinition) bool {
	finds := scripted(c, fake.EnvHealth)
	if c.HealthCheck == nil || finds == "" || finds == "healthy" {
		return false
	}
	after, recovers := strings.CutPrefix(finds, "unhealthy,healthy@")
	d, err := time.ParseDuration(after)
	return !recovers || err != nil || d > c.HealthCheck.StartPeriod
}

// endsItself says that a container may end and not be started again in place: it may run for less than that takes.
func endsItself(c *ecs.ContainerDefinition) bool {
	least, _, _ := strings.Cut(scripted(c, fake.EnvExitAfter), "..")
	ran, err := time.ParseDuration(least)
	return err == nil && (c.RestartPolicy == nil || ran < c.RestartPolicy.AttemptPeriod)
}

// comesAndGoes says that a container on which the health of a task depends is started again in place for ever, which makes its health
// unknown each time.
func comesAndGoes(d *ecs.TaskDefinition) bool {
	return slices.ContainsFunc(d.Containers, func(c ecs.ContainerDefinition) bool {
		return c.Essential && c.HealthCheck != nil && c.RestartPolicy != nil && scripted(&c, fake.EnvExitAfter) != ""
	})
}

// scripted gives a variable of a container's script: of several of a name the last one holds.
func scripted(c *ecs.ContainerDefinition, name string) string {
	for _, v := range slices.Backward(c.Environment) {
		if v.Name == name {
			return v.Value
		}
	}
	return ""
}

// define draws a task definition: one behaviour, or two that go together.
func define(s stream, family string, names []string) ecs.TaskDefinition {
	d := ecs.TaskDefinition{Family: family, NetworkMode: pick(s, ecs.NetworkBridge, ecs.NetworkBridge, ecs.NetworkAwsvpc)}
	d.Containers = []ecs.ContainerDefinition{{Name: "main", Image: "app", Essential: true, CPU: pick(s, 0, 64, 256),
		Memory: pick(s, 16, 64, 200)}}
	for range pick(s, 1, 1, 2) {
		name := pick(s, names...)
		for _, b := range behaviours {
			if b.name == name && len(d.Containers) == 1 {
				b.define(s, &d)
			}
		}
	}
	d.Document = document
	return d
}

// document is the Document of every task definition made here: nothing reads it.
var document = []byte("{}")

// goodDefinition gives the smallest task definition that just runs.
func goodDefinition(family string) ecs.TaskDefinition {
	return ecs.TaskDefinition{Family: family, Document: document, Containers: []ecs.ContainerDefinition{
		{Name: "main", Image: "app", Essential: true, Memory: 16}}}
}
