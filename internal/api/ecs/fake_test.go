package ecs_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	api "ballast/internal/api/ecs"
	"ballast/internal/arn"
	"ballast/internal/control"
	"ballast/internal/control/journal"
	"ballast/internal/control/root"
	"ballast/internal/ecs"
	"ballast/internal/httpd"
	"ballast/internal/wire"
)

// world is control's part played in memory: it numbers and keeps what it is given and starts nothing.
type world struct {
	builder *root.Builder
	state   *root.Root
	seq     uint64
	last    control.Command
	calls   map[string]httpd.Operation
}

const (
	region  = "us-east-1"
	account = "123456789012"
	pre     = "arn:aws:ecs:us-east-1:123456789012:"
	start   = ecs.Time(1700000000123)
)

func newWorld() *world {
	w := &world{builder: root.NewBuilder(), calls: map[string]httpd.Operation{}}
	w.state = w.builder.Publish()
	checkTags := func(tags []ecs.Tag) error {
		for _, t := range tags {
			if strings.HasPrefix(t.Key, "ballast:") {
				return ecs.Errorf(ecs.InvalidParameterException, "tag %s is not known", t.Key)
			}
		}
		return nil
	}
	for _, op := range api.Operations(api.Config{Names: arn.Namer{Region: region, Account: account}, Control: w, CheckTags: checkTags}) {
		w.calls[op.Name] = op
	}
	return w
}

func (w *world) Root() *root.Root { return w.state }

// put commits records.
func (w *world) put(records ...any) {
	var unit journal.Unit
	for _, r := range records {
		change := journal.Change{Record: r}
		switch r := r.(type) {
		case *ecs.Cluster:
			change.Key = journal.ClusterKey(r.Name)
		case *ecs.TaskDefinition:
			change.Key = journal.DefinitionKey(r)
		case *ecs.Service:
			change.Key = journal.ServiceKey(r)
		case *ecs.Task:
			change.Key = journal.TaskKey(r)
		case *ecs.ContainerInstance:
			change.Key = journal.InstanceKey(r)
		}
		unit = append(unit, change)
	}
	w.builder.Apply(unit)
	w.state = w.builder.Publish()
}

// next gives ids and numbers that count up.
func (w *world) next() (uint64, ecs.ID) {
	w.seq++
	var id ecs.ID
	binary.BigEndian.PutUint64(id[8:], w.seq)
	return w.seq, id
}

func (w *world) Submit(_ context.Context, cmd control.Command) (any, error) {
	w.last = cmd
	seq, id := w.next()
	switch c := cmd.(type) {
	case control.CreateCluster:
		if found := w.state.Cluster(c.Name); found != nil {
			return found, nil
		}
		made := &ecs.Cluster{Seq: seq, Name: c.Name, CreatedAt: start, Tags: c.Tags, Settings: c.Settings}
		w.put(made)
		return made, nil
	case control.RegisterTaskDefinition:
		made := c.Definition
		made.Revision, made.RegisteredAt = 1, start
		if last := w.state.LatestDefinition(made.Family); last != nil {
			made.Revision = last.Revision + 1
		}
		w.put(&made)
		return &made, nil
	case control.TagResource:
		return c.Set, nil
	case control.UpdateCluster:
		made := *w.state.Cluster(c.Name)
		made.Settings = c.Settings
		w.put(&made)
		return &made, nil
	case control.DeleteCluster:
		made := *w.state.Cluster(c.Name)
		made.Inactive = true
		w.put(&made)
		return &made, nil
	case control.DeregisterTaskDefinition:
		return w.retire(c.Family, c.Revision, ecs.TaskDefinitionInactive)
	case control.DeleteTaskDefinition:
		return w.retire(c.Family, c.Revision, ecs.TaskDefinitionDeleteInProgress)
	case control.CreateService:
		made := c.Service
		made.Seq, made.CreatedAt = seq, start
		made.Deployments = []ecs.Deployment{{ID: ecs.DeploymentID(seq), Definition: made.Definition, Desired: made.Desired,
			CreatedAt: start, UpdatedAt: start, RolloutReason: "ECS deployment " + ecs.DeploymentID(seq).String() + " in progress."}}
		w.put(&made)
		return &made, nil
	case control.UpdateService:
		made := *w.state.Service(c.Cluster, c.Name)
		if c.Desired != nil {
			made.Desired = *c.Desired
		}
		w.put(&made)
		return &made, nil
	case control.DeleteService:
		made := *w.state.Service(c.Cluster, c.Name)
		made.Status = ecs.ServiceDraining
		w.put(&made)
		return &made, nil
	case control.RunTask:
		return w.run(c, id), nil
	case control.ProtectTasks:
		return w.protect(c), nil
	case control.StartTask:
		return w.start(c, id), nil
	case control.StopTask:
		return w.stop(c)
	case control.DeregisterContainerInstance:
		return w.deregister(c), nil
	case control.StopServiceDeployment:
		return &ecs.ServiceDeployment{ID: c.ID}, nil
	}
	return nil, fmt.Errorf("command %T", cmd)
}

func (w *world) deregister(c control.DeregisterContainerInstance) *ecs.ContainerInstance {
	made := *w.state.Instance(c.Cluster, c.Instance)
	made.Status, made.Connected = ecs.InstanceInactive, false
	w.put(&made)
	return &made
}

func (w *world) stop(c control.StopTask) (any, error) {
	t := w.state.Task(c.Cluster, c.Task)
	if t == nil {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "The referenced task was not found.")
	}
	made := *t
	made.DesiredStatus, made.StopCode, made.StoppedReason = ecs.StatusStopped, ecs.UserInitiated, c.Reason
	w.put(&made)
	return &made, nil
}

// retire moves a revision on by one status.
func (w *world) retire(family string, revision int, to ecs.TaskDefinitionStatus) (any, error) {
	old := w.state.Definition(family, revision)
	if old == nil || old.Status+1 < to {
		return nil, ecs.Errorf(ecs.ClientException, "not so")
	}
	made := *old
	made.Status, made.DeregisteredAt = to, start
	if to == ecs.TaskDefinitionDeleteInProgress {
		made.DeleteRequestedAt = start
	}
	w.put(&made)
	return &made, nil
}

// start starts one task and finds one container instance DRAINING.
func (w *world) start(c control.StartTask, id ecs.ID) *control.RunTaskResult {
	result := w.run(control.RunTask{Cluster: c.Cluster, Definition: c.Definition, Count: 1}, id)
	result.Failures = []control.Failure{{Instance: c.Instances[0], Reason: "INACTIVE", Detail: "The container instance is DRAINING."}}
	return result
}

// run starts the tasks asked for; those of the group "none" find no place.
func (w *world) run(c control.RunTask, host ecs.ID) *control.RunTaskResult {
	result := &control.RunTaskResult{}
	if c.Group == "none" {
		result.Failures = []control.Failure{{Instance: host, Reason: "RESOURCE:MEMORY"}, {Reason: "AGENT"}}
		return result
	}
	for range c.Count {
		seq, id := w.next()
		made := &ecs.Task{Seq: seq, ID: id, Cluster: c.Cluster, Definition: c.Definition, Overrides: c.Overrides, Group: c.Group,
			StartedBy: c.StartedBy, Tags: c.Tags, LastStatus: ecs.StatusProvisioning, DesiredStatus: ecs.StatusRunning, Version: 1, CreatedAt: start}
		for range c.Definition.Containers {
			_, id := w.next()
			made.Containers = append(made.Containers, ecs.Container{ID: id, Status: ecs.StatusPending})
		}
		w.put(made)
		result.Tasks = append(result.Tasks, made)
	}
	return result
}

// call sends a request as httpd would and gives the answer as JSON.
func (w *world) call(operation, request string) (string, error) {
	op, ok := w.calls[operation]
	if !ok {
		return "", fmt.Errorf("operation %s is not served", operation)
	}
	in := op.New()
	if err := wire.DecodeJSON([]byte(request), in); err != nil {
		return "", err
	}
	out, err := op.Handle(context.Background(), in)
	if err != nil {
		return "", err
	}
	answer, err := wire.AppendJSON(nil, out)
	return string(answer), err
}

// must is call where a refusal fails the test.
func (w *world) must(t testing.TB, operation, request string) string {
	t.Helper()
	answer, err := w.call(operation, request)
	if err != nil {
		t.Fatalf("%s %s: %v", operation, request, err)
	}
	return answer
}

// refusal is the error as a client reads it, "" for success.
func refusal(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	told, ok := errors.AsType[*ecs.Error](err)
	if !ok {
		t.Fatalf("an error that clients would see as ServerException: %v", err)
	}
	return told.Error()
}

// web is a definition that is fine as it is.
const web = `{"family":"web","containerDefinitions":[{"name":"app","image":"nginx","memory":64}]}`

// furnished is a world with the default cluster, a container instance, web:1, and a service of one.
func furnished(t testing.TB) *world {
	w := newWorld()
	w.must(t, "CreateCluster", `{}`)
	w.put(&ecs.ContainerInstance{Seq: 1000, ID: ecs.ID{1}, Cluster: "default"})
	w.must(t, "RegisterTaskDefinition", web)
	w.must(t, "CreateService", `{"serviceName":"front","taskDefinition":"web","desiredCount":1}`)
	return w
}
