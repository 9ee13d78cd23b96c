package control

import (
	"errors"
	"testing"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/session"
)

func TestStartTaskOnNamedInstances(t *testing.T) {
	w := newWorld(t, "ecs")
	d := w.define("job", func(d *ecs.TaskDefinition) {
		d.Containers[0].Ports = []ecs.PortMapping{{ContainerPort: 80, HostPort: 8080}}
	})
	var ids []ecs.ID
	for range 4 {
		ids = append(ids, w.agent().id)
	}
	w.agents[2].silent = true
	w.m.OfferSilence(ids[2], w.agents[2].session)
	w.run()
	draining := *w.m.instances.Find(ids[3])
	draining.Status = ecs.InstanceDraining
	w.m.instances.Load(&draining)
	start := StartTask{Cluster: "default", Definition: d, Instances: append(ids, ecs.ID{99}), StartedBy: "me", Group: "g"}
	result := w.do(start).(*RunTaskResult)
	equal(t, "tasks", len(result.Tasks), 2)
	for i, task := range result.Tasks {
		equal(t, "instance", task.Instance, ids[i])
		equal(t, "group", task.GroupName(), "g")
		equal(t, "started by", task.StartedByName(), "me")
		equal(t, "last status", w.m.Root().Task("default", task.ID).LastStatus.String(), "RUNNING")
	}
	equal(t, "failures", result.Failures, []Failure{{Instance: ids[2], Reason: "AGENT"},
		{Instance: ids[3], Reason: "INACTIVE", Detail: "The container instance is DRAINING."}, {Instance: ecs.ID{99}, Reason: "MISSING"}})

	start.Instances = ids[:1]
	result = w.do(start).(*RunTaskResult)
	equal(t, "the port is taken", result.Failures, []Failure{{Instance: ids[0], Reason: "RESOURCE:PORTS"}})
	start.Definition = w.define("huge", func(d *ecs.TaskDefinition) { d.Memory = 1 << 30 })
	result = w.do(start).(*RunTaskResult)
	equal(t, "no room", result.Failures, []Failure{{Instance: ids[0], Reason: "RESOURCE:MEMORY"}})
	_, err := w.try(StartTask{Cluster: "other", Definition: d, Instances: ids[:1]})
	equal(t, "cluster", err.Error(), "ClusterNotFoundException: Cluster not found.")
}

// What is named twice is started twice, as long as there is room.
func TestStartTaskTwiceOnOneInstance(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	d := w.define("half", func(d *ecs.TaskDefinition) { d.Memory = a.memory/2 + 1 })
	result := w.do(StartTask{Cluster: "default", Definition: d, Instances: []ecs.ID{a.id, a.id}}).(*RunTaskResult)
	equal(t, "tasks", len(result.Tasks), 1)
	equal(t, "failures", result.Failures, []Failure{{Instance: a.id, Reason: "RESOURCE:MEMORY"}})
}

func TestRunTaskSaysThatAgentsAreAway(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	a.silent = true
	w.m.OfferSilence(a.id, a.session)
	w.run()
	result := w.do(RunTask{Cluster: "default", Definition: w.define("job"), Count: 2}).(*RunTaskResult)
	equal(t, "failures", result.Failures, []Failure{{Instance: a.id, Reason: "AGENT"}, {Instance: a.id, Reason: "AGENT"}})
}

func awsvpc(d *ecs.TaskDefinition) { d.NetworkMode = ecs.NetworkAwsvpc }

// Each task has an address of its own, so that several with the same host port share an instance; each shows its interface.
func TestTasksInAwsvpcMode(t *testing.T) {
	w := newWorld(t, "ecs")
	a := w.agent()
	d := w.define("own", awsvpc, func(d *ecs.TaskDefinition) {
		d.Containers[0].Ports = []ecs.PortMapping{{ContainerPort: 80, HostPort: 80}}
	})
	result := w.do(RunTask{Cluster: "default", Definition: d, Count: 3,
		Network: &ecs.Network{Subnets: []string{"subnet-1", "subnet-2"}}}).(*RunTaskResult)
	equal(t, "tasks", len(result.Tasks), 3)
	for _, task := range result.Tasks {
		equal(t, "status in the answer", task.LastStatus.String()+" "+task.AttachmentStatus(), "PROVISIONING PRECREATED")
		now := w.m.Root().Task("default", task.ID)
		equal(t, "subnet", now.Interface.Subnet, "subnet-1")
		equal(t, "status", now.LastStatus.String()+" "+now.AttachmentStatus(), "RUNNING ATTACHING")
		r := a.tasks[task.ID]
		r.Containers[0].Address = "127.64.0.1"
		a.report(nil, *r)
		w.run()
		equal(t, "status", w.m.Root().Task("default", task.ID).AttachmentStatus(), "ATTACHED")
	}
	w.restart()
	now := w.m.Root().Task("default", result.Tasks[0].ID)
	equal(t, "interface after a restart", *now.Interface, *result.Tasks[0].Interface)
	w.do(StopTask{Cluster: "default", Task: now.ID})
	equal(t, "status", w.m.Root().Task("default", now.ID).AttachmentStatus(), "DELETED")
}

func TestSubnetsStandForZones(t *testing.T) {
	w := newWorld(t, "ecs")
	for _, zone := range []string{"b", "a", "c"} {
		a := w.agent()
		a.session++
		a.seq, a.ack, a.taken = 0, 0, 0
		a.report(&session.Hello{Cluster: "default", Driver: "pretended", Zone: zone, Resources: ecs.Resources{CPU: a.cpu, Memory: a.memory}})
	}
	w.run()
	var ids []ecs.ID
	for _, a := range w.agents {
		ids = append(ids, a.id)
	}
	result := w.do(StartTask{Cluster: "default", Definition: w.define("own", awsvpc), Instances: ids,
		Network: &ecs.Network{Subnets: []string{"subnet-1", "subnet-2"}}}).(*RunTaskResult)
	var subnets []string
	for _, task := range result.Tasks {
		subnets = append(subnets, task.Interface.Subnet)
	}
	equal(t, "zones b, a and c", subnets, []string{"subnet-2", "subnet-1", "subnet-1"})
}

func TestServiceNetwork(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	one, two := &ecs.Network{Subnets: []string{"subnet-1"}}, &ecs.Network{Subnets: []string{"subnet-2"}}
	create := CreateService{Service: ecs.Service{Cluster: "default", Name: "web", Definition: w.define("web", awsvpc), Desired: 1,
		MinimumHealthyPercent: 100, MaximumPercent: 200, Network: one}}
	w.do(create)
	create.Service.Network = two
	if _, err := w.try(create); err == nil {
		t.Error("a service with another network is taken for the same")
	}
	update := func(network *ecs.Network, definition *ecs.TaskDefinition) error {
		t.Helper()
		_, err := w.try(UpdateService{Cluster: "default", Name: "web", Network: network, Definition: definition})
		return err
	}
	first := w.service("web").Deployments[0].ID
	equal(t, "the same network", update(&ecs.Network{Subnets: []string{"subnet-1"}}, nil), nil)
	equal(t, "starts no deployment", w.service("web").Deployments[0].ID, first)
	equal(t, "another network", update(two, nil), nil)
	w.pass(5 * time.Minute)
	s := w.service("web")
	equal(t, "a deployment", s.Deployments[0].ID == first || len(s.Deployments) != 1, false)
	equal(t, "its network", s.Deployments[0].Network, two)
	equal(t, "the task's subnet", w.tasks(ecs.StatusRunning)[0].Interface.Subnet, "subnet-2")

	equal(t, "to bridge", update(nil, w.define("bridge")), nil)
	equal(t, "no network", w.service("web").Network == nil, true)
	equal(t, "and back without one", refusal(update(nil, w.define("web", awsvpc))),
		"Network Configuration must be provided when networkMode 'awsvpc' is specified.")
	equal(t, "one for bridge", refusal(update(one, nil)), "Network Configuration is not valid for the given networkMode of this task definition.")
	equal(t, "and back", update(one, w.define("web", awsvpc)), nil)
	w.restart()
	equal(t, "network after a restart", w.service("web").Deployments[0].Network, one)
}

// refusal gives the message of a refusal.
func refusal(err error) string {
	if refused, ok := errors.AsType[*ecs.Error](err); ok {
		return refused.Message
	}
	return ""
}
