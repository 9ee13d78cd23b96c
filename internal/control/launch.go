package control

import (
	"ballast/internal/control/journal"
	"ballast/internal/ecs"
	"ballast/internal/scheduler/placement"
)

func (c RunTask) apply(m *Machine) (any, error) {
	if _, err := m.catalog.Cluster(c.Cluster); err != nil {
		return nil, err
	}
	if m.halt {
		return nil, errHalted
	}
	key := journal.TokenKey(c.Cluster, "RunTask", c.Token)
	if c.Token != "" {
		switch token, err := m.catalog.Token(m.now, key, c.Digest); {
		case err != nil:
			return nil, err
		case token != nil:
			return m.answered(c.Cluster, token), nil
		}
	}
	var err error
	if c.Definition, err = m.catalog.Usable(c.Definition, ecs.InvalidParameterException); err != nil {
		return nil, err
	}
	result, err := m.run(c)
	if err != nil {
		return nil, err
	}
	if c.Token != "" && len(result.Tasks) > 0 {
		token := journal.Token{Digest: c.Digest}
		for _, t := range result.Tasks {
			token.Tasks = append(token.Tasks, t.ID)
		}
		m.catalog.Remember(m.now, key, token)
	}
	return result, nil
}

// answered gives the tasks that an earlier request with the same token started, as they are now.
func (m *Machine) answered(cluster string, token *journal.Token) *RunTaskResult {
	result := &RunTaskResult{}
	for _, id := range token.Tasks {
		if t := m.tasks.Task(cluster, id); t != nil {
			result.Tasks = append(result.Tasks, t)
		}
	}
	return result
}

// run starts as many tasks as there is room for. Without any container instance the request is refused as a whole, in the words
// of real accounts.
func (m *Machine) run(c RunTask) (*RunTaskResult, error) {
	result := &RunTaskResult{}
	template := ecs.Task{Cluster: c.Cluster, Definition: c.Definition, Overrides: c.Overrides, Group: c.Group,
		StartedBy: c.StartedBy, Tags: c.Tags}
	demand := placement.DemandOf(c.Definition, c.Overrides)
	for range c.Count {
		t, refusal := m.place(template, demand, c.Network)
		switch {
		case refusal == nil:
			result.Tasks = append(result.Tasks, t)
		case refusal.Lack == placement.LackInstances:
			return nil, ecs.Errorf(ecs.InvalidParameterException, "%s", refusal.Reason())
		default:
			result.Failures = append(result.Failures, Failure{Instance: refusal.Closest, Reason: refusal.Code()})
		}
	}
	return result, nil
}

// The reasons for which StartTask does not start a task on a container instance, besides those of placement (developer guide,
// Amazon ECS API failure reasons).
const (
	reasonMissing  = "MISSING"
	reasonInactive = "INACTIVE"
)

func (c StartTask) apply(m *Machine) (any, error) {
	if _, err := m.catalog.Cluster(c.Cluster); err != nil {
		return nil, err
	}
	if m.halt {
		return nil, errHalted
	}
	definition, err := m.catalog.Usable(c.Definition, ecs.InvalidParameterException)
	if err != nil {
		return nil, err
	}
	result := &RunTaskResult{}
	template := ecs.Task{Cluster: c.Cluster, Definition: definition, Overrides: c.Overrides, Group: c.Group,
		StartedBy: c.StartedBy, Tags: c.Tags}
	demand := placement.DemandOf(definition, c.Overrides)
	for _, id := range c.Instances {
		if failure := m.unfit(c.Cluster, id, demand); failure != nil {
			result.Failures = append(result.Failures, *failure)
			continue
		}
		result.Tasks = append(result.Tasks, m.create(template, id, c.Network))
	}
	return result, nil
}

// unfit says why a container instance that was named cannot take a task, nil if it can.
func (m *Machine) unfit(cluster string, id ecs.ID, demand placement.Demand) *Failure {
	instance := m.instances.Find(id)
	switch {
	case instance == nil || instance.Cluster != cluster:
		return &Failure{Instance: id, Reason: reasonMissing}
	case instance.Status == ecs.InstanceDraining:
		return &Failure{Instance: id, Reason: reasonInactive, Detail: "The container instance is DRAINING."}
	case instance.Status != ecs.InstanceActive:
		return &Failure{Instance: id, Reason: reasonInactive}
	case !instance.Connected:
		return &Failure{Instance: id, Reason: (&placement.Refusal{Lack: placement.LackAgent}).Code()}
	}
	if refusal := m.instances.Fits(cluster, id, demand); refusal != nil {
		return &Failure{Instance: id, Reason: refusal.Code()}
	}
	return nil
}

// errHalted is the answer to whoever wants to start something while everything stops.
var errHalted = ecs.Errorf(ecs.ServerException, "Ballast is shutting down.")

// place finds a container instance for one more task of a template and creates the task there, or says why there is none. The
// task is given as it is at first, which is what the answer to a request shows.
func (m *Machine) place(template ecs.Task, demand placement.Demand, network *ecs.Network) (*ecs.Task, *placement.Refusal) {
	instance, refusal := m.instances.Choose(template.Cluster, demand, template.GroupName(), m.ids.Seed())
	if refusal != nil {
		return nil, refusal
	}
	return m.create(template, instance, network), nil
}

// create makes a task of a template on a container instance. A task with an address of its own gets its interface in the subnet
// that stands for the zone of the instance: subnets are another world's, so their order is that of the zones' names.
func (m *Machine) create(template ecs.Task, instance ecs.ID, network *ecs.Network) *ecs.Task {
	template.ID, template.Instance = m.ids.ID(), instance
	template.Containers = make([]ecs.Container, len(template.Definition.Containers))
	for i := range template.Containers {
		template.Containers[i].ID = m.ids.ID()
	}
	if network != nil {
		zone := m.instances.ZoneOf(template.Cluster, instance)
		template.Interface = &ecs.Interface{ID: m.ids.ID(), Subnet: network.Subnets[zone%len(network.Subnets)]}
	}
	t := m.tasks.Create(m.now, template)
	m.spread()
	return t
}
