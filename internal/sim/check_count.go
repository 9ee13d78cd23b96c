package sim

import (
	"reflect"
	"slices"

	"ballast/internal/ecs"
)

const recount = "counts shown equal a recount"

// usage is what the tasks of a container instance take, counted one by one.
type usage struct {
	cpu, memory, running, pending int
	tcp, udp                      []uint16
}

func (c *checker) used(i *ecs.ContainerInstance) usage {
	var u usage
	for _, t := range c.live {
		if t.Cluster != i.Cluster || t.Instance != i.ID {
			continue
		}
		u.cpu += t.demand.CPU
		u.memory += t.demand.Memory
		u.tcp = append(u.tcp, t.demand.Ports...)
		u.udp = append(u.udp, t.demand.PortsUDP...)
		switch {
		case t.LastStatus == ecs.StatusRunning:
			u.running++
		case t.LastStatus < ecs.StatusRunning:
			u.pending++
		}
	}
	slices.Sort(u.tcp)
	slices.Sort(u.udp)
	return u
}

func (c *checker) instances(cluster string) []*ecs.ContainerInstance {
	return c.root.Instances(cluster, ecs.ID{}, 1000, func(*ecs.ContainerInstance) bool { return true })
}

// checkCounts holds what readers see against a recount of the committed tasks, and the reservations of every container instance
// against what it has.
func (c *checker) checkCounts() {
	for _, cluster := range c.root.Clusters("", 1000) {
		var running, pending, services int
		instances := c.instances(cluster.Name)
		for _, i := range instances {
			u := c.used(i)
			running += u.running
			pending += u.pending
			c.checkInstance(i, u)
		}
		for _, s := range c.root.Services(cluster.Name, "", 1000, func(*ecs.Service) bool { return true }) {
			if s.Status == ecs.ServiceActive {
				services++
			}
			c.checkService(s)
		}
		if cluster.Running != running || cluster.Pending != pending || cluster.Services != services ||
			cluster.Instances != len(instances) {
			c.w.fail(recount, "cluster %s shows running %d, pending %d, services %d, instances %d; counted %d, %d, %d, %d",
				cluster.Name, cluster.Running, cluster.Pending, cluster.Services, cluster.Instances, running, pending, services,
				len(instances))
		}
	}
}

func (c *checker) checkInstance(i *ecs.ContainerInstance, u usage) {
	if u.cpu > i.Registered.CPU || u.memory > i.Registered.Memory || repeats(u.tcp) || repeats(u.udp) {
		c.w.fail("reservations never exceed an instance", "instance %s has %+v, its tasks take %+v", short(i.ID), i.Registered, u)
	}
	shown := usage{i.Registered.CPU - i.Remaining.CPU, i.Registered.Memory - i.Remaining.Memory, i.Running, i.Pending,
		i.Remaining.Ports, i.Remaining.PortsUDP}
	if !reflect.DeepEqual(shown, u) {
		c.w.fail(recount, "instance %s shows %+v, counted %+v", short(i.ID), shown, u)
	}
}

func repeats(ports []uint16) bool { return len(slices.Compact(slices.Clone(ports))) < len(ports) }

func (c *checker) checkService(s *ecs.Service) {
	var running, pending int
	for _, t := range c.of(s) {
		if t.DesiredStatus != ecs.StatusRunning {
			continue
		}
		if t.LastStatus == ecs.StatusRunning {
			running++
		} else {
			pending++
		}
	}
	if s.Running != running || s.Pending != pending {
		c.w.fail(recount, "service %s shows running %d, pending %d; counted %d, %d", s.Name, s.Running, s.Pending, running, pending)
	}
	for _, d := range s.Deployments {
		running, pending = 0, 0
		for _, t := range c.of(s) {
			switch {
			case t.Deployment != d.ID || t.DesiredStatus != ecs.StatusRunning:
			case t.LastStatus == ecs.StatusRunning:
				running++
			default:
				pending++
			}
		}
		if d.Running != running || d.Pending != pending {
			c.w.fail(recount, "%s of service %s shows running %d, pending %d; counted %d, %d", d.ID, s.Name, d.Running, d.Pending,
				running, pending)
		}
	}
}
