package control

import (
	"ballast/internal/control/catalog"
	"ballast/internal/control/journal"
	"ballast/internal/control/tasks"
	"ballast/internal/ecs"
)

func (c CreateCluster) apply(m *Machine) (any, error) {
	cluster := m.catalog.CreateCluster(m.now, c.Name, c.Tags, c.Settings)
	m.services.SetDefaults(cluster.Name, cluster.Tags, m.tasks.Task)
	return cluster, nil
}

func (c RegisterTaskDefinition) apply(m *Machine) (any, error) {
	return m.catalog.Register(m.now, c.Definition), nil
}

func (c UpdateCluster) apply(m *Machine) (any, error) {
	return m.catalog.SetCluster(c.Name, c.Settings)
}

func (c DeleteCluster) apply(m *Machine) (any, error) {
	cluster, err := m.catalog.DeleteCluster(m.now, c.Name, m.tasks.Live(c.Name))
	if err != nil {
		return nil, err
	}
	m.forgetCluster(c.Name)
	return cluster, nil
}

func (c DeregisterTaskDefinition) apply(m *Machine) (any, error) {
	return m.catalog.Deregister(m.now, c.Family, c.Revision)
}

func (c DeleteTaskDefinition) apply(m *Machine) (any, error) {
	return m.catalog.DeleteDefinition(m.now, c.Family, c.Revision)
}

func (c CreateService) apply(m *Machine) (any, error) {
	if _, err := m.catalog.Cluster(c.Service.Cluster); err != nil {
		return nil, err
	}
	key := journal.TokenKey(c.Service.Cluster, "CreateService", c.Token)
	if c.Token != "" {
		switch token, err := m.catalog.Token(m.now, key, c.Digest); {
		case err != nil:
			return nil, err
		case token != nil && m.services.Find(c.Service.Cluster, token.Service) != nil:
			return m.services.Find(c.Service.Cluster, token.Service), nil
		}
	}
	definition, err := m.catalog.Usable(c.Service.Definition, ecs.ClientException)
	if err != nil {
		return nil, err
	}
	c.Service.Definition, c.Service.Family, c.Service.Revision = definition, definition.Family, definition.Revision
	s, err := m.services.Create(m.now, &m.ids, c.Service)
	if err != nil {
		return nil, err
	}
	if c.Token != "" {
		m.catalog.Remember(m.now, key, journal.Token{Digest: c.Digest, Service: s.Name})
	}
	m.catalog.Count(s.Cluster, catalog.Counts{Services: 1})
	return s, nil
}

func (c UpdateService) apply(m *Machine) (any, error) {
	if _, err := m.catalog.Cluster(c.Cluster); err != nil {
		return nil, err
	}
	s, err := m.services.Active(c.Cluster, c.Name)
	if err != nil {
		return nil, err
	}
	n := *s
	set(&n.Desired, c.Desired)
	set(&n.MinimumHealthyPercent, c.MinimumHealthyPercent)
	set(&n.MaximumPercent, c.MaximumPercent)
	set(&n.EnableECSManagedTags, c.EnableECSManagedTags)
	set(&n.PropagateTags, c.PropagateTags)
	set(&n.Breaker, c.Breaker)
	set(&n.GracePeriod, c.GracePeriod)
	if c.Early != nil {
		n.Early = c.Early
	}
	if c.Alarms != nil {
		n.Alarms = c.Alarms
	}
	if err := n.CheckEarly(); err != nil {
		return nil, err
	}
	if n.MinimumHealthyPercent >= 100 && n.MaximumPercent <= 100 {
		return nil, ecs.Errorf(ecs.InvalidParameterException,
			"Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments")
	}
	definition := n.Definition
	if c.Definition != nil {
		if definition, err = m.catalog.Usable(c.Definition, ecs.ClientException); err != nil {
			return nil, err
		}
	}
	deploys := c.Force || definition.Name() != n.Definition.Name()
	if n.Network, err = networkFor(definition, c.Network, s.Network); err != nil {
		return nil, err
	}
	deploys = deploys || !n.Network.Equal(s.Network)
	changed := m.services.Update(m.now, &m.ids, &n, definition, deploys)
	if c.GracePeriod != nil {
		m.services.Reconsider(changed, m.tasks.Task)
	}
	return changed, nil
}

// networkFor gives the network of a service with its next task definition: the one asked for or the one it has.
func networkFor(definition *ecs.TaskDefinition, asked, has *ecs.Network) (*ecs.Network, error) {
	if asked == nil && definition.NetworkMode == ecs.NetworkAwsvpc {
		asked = has
	}
	return asked, asked.CheckMode(definition.NetworkMode)
}

func set[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}

func (c DeleteService) apply(m *Machine) (any, error) {
	if _, err := m.catalog.Cluster(c.Cluster); err != nil {
		return nil, err
	}
	s, err := m.services.Active(c.Cluster, c.Name)
	if err != nil {
		return nil, err
	}
	if s.Desired > 0 && !c.Force {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "The service cannot be stopped while it is scaled above 0.")
	}
	m.catalog.Count(s.Cluster, catalog.Counts{Services: -1})
	return m.services.Delete(m.now, s), nil
}

func (c SetAlarm) apply(m *Machine) (any, error) {
	m.services.SetAlarm(c.Name, c.Raised)
	return nil, nil
}

func (c StopServiceDeployment) apply(m *Machine) (any, error) {
	return m.services.StopDeployment(m.now, c.Cluster, c.Service, c.ID)
}

func (c StopTask) apply(m *Machine) (any, error) {
	if _, err := m.catalog.Cluster(c.Cluster); err != nil {
		return nil, err
	}
	t := m.tasks.Task(c.Cluster, c.Task)
	if t == nil {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "The referenced task was not found.")
	}
	if t.DesiredStatus != ecs.StatusStopped && len(t.Tags) > 0 {
		m.tasks.Tag(t, nil) // API_StopTask: "Any tags associated with the task will be deleted."
		t = m.tasks.Task(c.Cluster, c.Task)
	}
	return m.tasks.Stop(m.now, t, ecs.UserInitiated, c.Reason), nil
}

func (Halt) apply(m *Machine) (any, error) {
	m.halt = true
	m.w.FollowUp() // there may be more tasks than fit into a unit
	m.tasks.Each(func(t *ecs.Task) {
		m.tasks.Stop(m.now, t, ecs.UserInitiated, reasonHalted)
		if t.LastStatus == ecs.StatusDeactivating {
			m.tasks.Drained(m.now, t)
		}
	})
	return nil, nil
}

// reasonHalted is the stopped reason of tasks that ended because their server was told to stop.
const reasonHalted = "Ballast was stopped by its user"

func clusterOf(move tasks.Move) string {
	if move.New != nil {
		return move.New.Cluster
	}
	return move.Old.Cluster
}

// use counts what a move means for the revision that the task is made of.
func (m *Machine) use(move tasks.Move) {
	switch {
	case move.Old == nil:
		m.catalog.Use(move.New.Definition.Family, move.New.Definition.Revision, 1)
	case move.New == nil:
		m.catalog.Use(move.Old.Definition.Family, move.Old.Definition.Revision, -1)
	}
}

// count gives what a move changes in the counts of its cluster.
func count(move tasks.Move) catalog.Counts {
	of := func(t *ecs.Task) (c catalog.Counts) {
		switch {
		case t == nil:
		case t.LastStatus == ecs.StatusRunning:
			c.Running = 1
		case t.LastStatus < ecs.StatusRunning:
			c.Pending = 1
		}
		return c
	}
	old, now := of(move.Old), of(move.New)
	return catalog.Counts{Running: now.Running - old.Running, Pending: now.Pending - old.Pending}
}
