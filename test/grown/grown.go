// Package grown makes the records of a cluster as it is after some time, for benchmarks of what must not get slower with it. It
// invents them and runs nothing. Start reading at Units.
package grown

import (
	"context"
	"encoding/binary"
	"fmt"

	"ballast/internal/control/journal"
	"ballast/internal/ecs"
	"ballast/internal/store"
)

const (
	services = 100
	zones    = 3
)

// Hosts is how many container instances the cluster has.
const Hosts = 100

// Units gives the cluster "default" at a moment: 100 services, named web0 to web99, of one revision, web:1, on 100 container
// instances, with that many tasks (a multiple of 200): half of them RUNNING and half STOPPED within the last five minutes.
func Units(tasks int, now ecs.Time) []journal.Unit {
	w := &journal.Writer{}
	w.Put(journal.ClusterKey("default"), &ecs.Cluster{Seq: 1, Name: "default", CreatedAt: now})
	d := &ecs.TaskDefinition{Seq: 1, Family: "web", Revision: 1, Document: []byte("{}"), RegisteredAt: now,
		Containers: []ecs.ContainerDefinition{{Name: "web", Image: "web", Essential: true, Memory: 4}}}
	w.Put(journal.DefinitionKey(d), d)
	for i := range Hosts {
		host := &ecs.ContainerInstance{Seq: uint64(i + 1), ID: Instance(i), Cluster: "default", RegisteredAt: now,
			Registered: ecs.Resources{CPU: 1 << 20, Memory: 1 << 20}, Zone: fmt.Sprint("zone", i%zones)}
		w.Put(journal.InstanceKey(host), host)
	}
	for i := range services {
		service := &ecs.Service{Seq: uint64(i + 1), Cluster: "default", Name: fmt.Sprint("web", i), Desired: tasks / 2 / services,
			Definition: d, Family: d.Family, Revision: d.Revision, MinimumHealthyPercent: 100, MaximumPercent: 200, CreatedAt: now, Steady: true,
			Deployments: []ecs.Deployment{{ID: ecs.DeploymentID(i + 1), Definition: d, Family: d.Family, Revision: d.Revision,
				Desired: tasks / 2 / services, Rollout: ecs.RolloutCompleted, CreatedAt: now, UpdatedAt: now}}}
		w.Put(journal.ServiceKey(service), service)
	}
	for i := range tasks {
		t := task(i, d, now)
		w.Put(journal.TaskKey(t), t)
	}
	return w.Take()
}

// task gives the i-th task; services and container instances take turns.
func task(i int, d *ecs.TaskDefinition, now ecs.Time) *ecs.Task {
	t := &ecs.Task{Seq: uint64(i + 1), ID: Task(i), Cluster: "default", Definition: d, Instance: Instance(i % Hosts),
		Service: fmt.Sprint("web", i%services), ServiceSeq: uint64(i%services + 1), Deployment: ecs.DeploymentID(i%services + 1),
		LastStatus: ecs.StatusRunning, DesiredStatus: ecs.StatusRunning, Version: 4, CreatedAt: now - 600_000, StartedAt: now - 500_000,
		ConnectivityAt: now, Containers: []ecs.Container{{ID: id(3, i), Status: ecs.StatusRunning, RuntimeID: "4242",
			Bindings: []ecs.Binding{{BindIP: "0.0.0.0", ContainerPort: 80, HostPort: 30000}}}}}
	if i/services%2 == 0 {
		return t
	}
	t.LastStatus, t.DesiredStatus, t.StopCode = ecs.StatusStopped, ecs.StatusStopped, ecs.ServiceSchedulerInitiated
	t.StoppedReason, t.Version = ecs.ReasonScaling(t.Deployment), 8
	t.StoppingAt, t.ExecutionStoppedAt, t.StoppedAt = now-300_000, now-300_000, now-300_000+ecs.Time(i)
	t.Containers[0].Status, t.Containers[0].ExitCode = ecs.StatusStopped, new(int32(143))
	return t
}

// Task names the i-th task, from 0.
func Task(i int) ecs.ID { return id(2, i) }

// Instance names the i-th container instance, from 0.
func Instance(i int) ecs.ID { return id(1, i) }

// id gives ids that are spread as drawn ones are.
func id(kind byte, n int) (id ecs.ID) {
	binary.BigEndian.PutUint64(id[:8], uint64(n+1)*0x9e3779b97f4a7c15)
	id[15] = kind
	return id
}

// unitsPerCommit keeps a commit of a stock etcd and one of a file small enough.
const unitsPerCommit = 100

// Commit leads a store and gives it the units.
func Commit(ctx context.Context, s store.Store, units []journal.Unit) error {
	fence, err := s.Lead(ctx)
	if err != nil {
		return err
	}
	all, err := journal.Encode(units)
	for err == nil && len(all) > 0 {
		n := min(len(all), unitsPerCommit)
		err = s.Commit(ctx, fence, all[:n])
		all = all[n:]
	}
	return err
}
