package scenario

import (
	"time"

	"go.yaml.in/yaml/v3"

	"ballast/internal/driver"
	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
	"ballast/internal/sim"
)

// Bounds of what a history's task definitions hold.
const (
	maxContainers = 10
	maxListed     = 100 // variables, ports, dependencies, ...
)

// definitionForm is a task definition in ECS's words, as far as containers that are only imagined act on it. The bounds are wider than
// those of the API: a minute is long in a history.
func definitionForm(to *ecs.TaskDefinition) form {
	read := func(n *yaml.Node) error {
		if err := readForms(n, "a task definition", definitionForms(to)); err != nil {
			return err
		}
		return checkDefinition(n, to)
	}
	return form{name: "definition", read: read, write: func() *yaml.Node { return writeForms(definitionForms(to)) }}
}

func definitionForms(d *ecs.TaskDefinition) []form {
	return []form{
		must(nameForm("family", &d.Family)),
		wordForm("networkMode", &d.NetworkMode, "bridge", "host", "awsvpc", "none"),
		must(recordsForm("containerDefinitions", &d.Containers, maxContainers, ecs.ContainerDefinition{Essential: true}, containerForms)),
	}
}

func containerForms(c *ecs.ContainerDefinition) []form {
	return []form{
		must(nameForm("name", &c.Name)),
		must(textForm("image", &c.Image)),
		flagForm("essential", &c.Essential, true),
		countForm("cpu", &c.CPU, 0, 1<<20, 0),
		countForm("memory", &c.Memory, 0, 1<<30, 0),
		secondsForm("startTimeout", &c.StartTimeout, 0, 3600),
		secondsForm("stopTimeout", &c.StopTimeout, 0, 3600),
		recordsForm("portMappings", &c.Ports, maxListed, ecs.PortMapping{}, func(p *ecs.PortMapping) []form {
			return []form{must(portForm("containerPort", &p.ContainerPort)), portForm("hostPort", &p.HostPort)}
		}),
		recordsForm("environment", &c.Environment, maxListed, ecs.Variable{}, variableForms),
		healthForm(&c.HealthCheck),
		recordsForm("dependsOn", &c.DependsOn, maxListed, ecs.Dependency{}, func(on *ecs.Dependency) []form {
			return []form{must(nameForm("containerName", &on.Container)),
				wordForm("condition", &on.Condition, "START", "COMPLETE", "SUCCESS", "HEALTHY")}
		}),
		restartForm(&c.RestartPolicy),
	}
}

func portForm(name string, to *uint16) form {
	port := int(*to)
	f := countForm(name, &port, 0, 1<<16-1, 0)
	return form{name: name, write: f.write, read: func(n *yaml.Node) error {
		err := f.read(n)
		*to = uint16(port)
		return err
	}}
}

func variableForms(v *ecs.Variable) []form {
	return []form{must(textForm("name", &v.Name)), must(textForm("value", &v.Value))}
}

// healthForm is a health check; what is left out is what ECS has by default (API_HealthCheck).
func healthForm(to **ecs.HealthCheck) form {
	return pointerForm("healthCheck", to, ecs.HealthCheck{Interval: 30 * time.Second, Timeout: 5 * time.Second, Retries: 3}, func(h *ecs.HealthCheck) []form {
		return []form{
			must(listForm("command", &h.Command, maxListed, "", func(text *string) form { return textForm("command", text) })),
			secondsForm("interval", &h.Interval, 1, 300),
			secondsForm("timeout", &h.Timeout, 1, 60),
			countForm("retries", &h.Retries, 1, 10, 3),
			secondsForm("startPeriod", &h.StartPeriod, 0, 300),
		}
	})
}

func restartForm(to **ecs.RestartPolicy) form {
	return pointerForm("restartPolicy", to, ecs.RestartPolicy{AttemptPeriod: time.Minute}, func(p *ecs.RestartPolicy) []form {
		return []form{
			must(form{name: "enabled", read: readOneOf(new(string), "true"), write: func() *yaml.Node { return bare("true") }}),
			secondsForm("restartAttemptPeriod", &p.AttemptPeriod, 1, 1800),
		}
	})
}

// checkDefinition refuses what agents rely on the API never to let through.
func checkDefinition(n *yaml.Node, d *ecs.TaskDefinition) error {
	before := map[string][]ecs.Dependency{}
	essential := false
	for i := range d.Containers {
		c := &d.Containers[i]
		if _, twice := before[c.Name]; twice {
			return mistakef(n, "container %q is there twice", c.Name)
		}
		before[c.Name] = c.DependsOn
		essential = essential || c.Essential
		for _, v := range c.Environment {
			if err := checkScript(v); err != nil && v.Name != fake.EnvFailCreate {
				return mistakef(n, "container %s: %v", c.Name, err)
			}
		}
	}
	if !essential {
		return mistakef(n, "no container is essential")
	}
	for i := range d.Containers {
		if err := checkOrder(n, &d.Containers[i], d.Containers); err != nil {
			return err
		}
	}
	return nil
}

// checkScript refuses a variable of which the fake driver, or the load balancer, could make nothing.
func checkScript(v ecs.Variable) error {
	if v.Name == sim.EnvAnswers {
		_, err := sim.ParseAnswers(v.Value)
		return err
	}
	m := fake.NewModel(1)
	m.Do(1, driver.Call{Op: driver.OpCreate, Spec: &driver.Spec{Environment: []ecs.Variable{v}}})
	return m.Advance(1)[0].Result.Err
}

// checkOrder sees that what a container depends on stands behind it or depends on nothing itself, so that nothing goes round in circles.
func checkOrder(n *yaml.Node, c *ecs.ContainerDefinition, all []ecs.ContainerDefinition) error {
	for _, on := range c.DependsOn {
		found := false
		for i := range all {
			if other := &all[i]; other.Name == on.Container {
				found = true
				switch {
				case len(other.DependsOn) > 0:
					return mistakef(n, "container %s depends on %s, which may not depend on others itself", c.Name, on.Container)
				case on.Condition == ecs.DependHealthy && other.HealthCheck == nil:
					return mistakef(n, "container %s waits for the health of %s, which has no healthCheck", c.Name, on.Container)
				}
			}
		}
		if !found {
			return mistakef(n, "container %s depends on %q, which is not there", c.Name, on.Container)
		}
	}
	return nil
}
