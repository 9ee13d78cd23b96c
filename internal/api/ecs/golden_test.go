package ecs_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	api "ballast/internal/api/ecs"
	"ballast/internal/ecs"
)

// golden compares an answer with testdata/name.json, which is reviewed like code.
func golden(t *testing.T, name, answer string) {
	t.Helper()
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, []byte(answer), "", "  "); err != nil {
		t.Fatalf("%v in %s", err, answer)
	}
	pretty.WriteByte('\n')
	path := filepath.Join("testdata", name+".json")
	if *api.Rewrite {
		if err := os.WriteFile(path, pretty.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), pretty.String()); diff != "" {
		t.Errorf("%s differs; run go test -rewrite and review\n%s", path, diff)
	}
}

// lived is a world in which things have happened.
func lived(t testing.TB) *world {
	w := newWorld()
	w.must(t, "CreateCluster", `{"tags":[{"key":"stage","value":"test"}],"settings":[{"name":"containerInsights","value":"disabled"}]}`)
	w.must(t, "RegisterTaskDefinition", web)
	w.must(t, "RegisterTaskDefinition", full)
	w.must(t, "CreateService", `{"serviceName":"front","taskDefinition":"full","desiredCount":2,"launchType":"EC2","tags":[{"key":"team","value":"red"}],"deploymentConfiguration":{"minimumHealthyPercent":50}}`)
	cluster := *w.state.Cluster("default")
	cluster.Instances, cluster.Running, cluster.Pending, cluster.Services = 1, 1, 1, 1
	full, webDefinition := w.state.Definition("full", 1), w.state.Definition("web", 1)
	host := &ecs.ContainerInstance{Seq: 50, ID: ecs.ID{1}, Cluster: "default", Version: 3, RegisteredAt: start, AgentVersion: "0.1.0",
		Zone: "us-east-1a", Connected: true, Running: 1, Pending: 1,
		Registered: ecs.Resources{CPU: 2048, Memory: 4096, Ports: []uint16{22}}, Remaining: ecs.Resources{CPU: 1948, Memory: 3968, Ports: []uint16{22, 5353}},
		Attributes: []ecs.Attribute{{Name: "ecs.cpu-architecture", Value: "x86_64"}, {Name: "gpu"}}}
	service := *w.state.Service("default", "front")
	service.Running, service.Pending, service.CreatedBy = 1, 1, "arn:aws:iam::123456789012:root"
	service.Deployments = []ecs.Deployment{
		{ID: 12345678901234567, Definition: full, Desired: 2, Running: 1, Pending: 1, FailedTasks: 3, CreatedAt: start, UpdatedAt: start + 1000,
			RolloutReason: "ECS deployment ecs-svc/0012345678901234567 in progress."},
		{ID: 7, Definition: webDefinition, Running: 1, CreatedAt: start, UpdatedAt: start, Rollout: ecs.RolloutCompleted, RolloutReason: "ECS deployment ecs-svc/0000000000000000007 completed."},
	}
	service.Events = []*ecs.ServiceEvent{
		{ID: ecs.ID{0xab, 15: 2}, At: start + 2500, Message: "(service front) has reached a steady state."},
		{ID: ecs.ID{0xab, 15: 1}, At: start, Message: `(service front) has started 1 tasks: (task 01).`},
	}
	code := int32(143)
	running := &ecs.Task{Seq: 60, ID: ecs.ID{2}, Cluster: "default", Definition: full, Service: "front", ServiceSeq: service.Seq, Deployment: 12345678901234567,
		Instance: host.ID, LastStatus: ecs.StatusRunning, DesiredStatus: ecs.StatusRunning, Version: 4, CreatedAt: start, PullStartedAt: start + 1,
		PullStoppedAt: start + 2, StartedAt: start + 3, ConnectivityAt: start,
		Containers: []ecs.Container{{ID: ecs.ID{3}, Status: ecs.StatusRunning, RuntimeID: "4242", ImageDigest: "sha256:5b0bcabd1ed22e9fb1310cf6c2dec7cdef19f0ad69efa1f392e94a4333501270", Bindings: []ecs.Binding{{BindIP: "0.0.0.0", ContainerPort: 80, HostPort: 32768}, {BindIP: "0.0.0.0", ContainerPort: 53, HostPort: 5353, UDP: true},
			{BindIP: "0.0.0.0", ContainerPort: 8000, LastContainerPort: 8010, HostPort: 33000, LastHostPort: 33010}}},
			{ID: ecs.ID{4}, Status: ecs.StatusStopped, ExitCode: &code}}}
	units := 200
	stopped := &ecs.Task{Seq: 61, ID: ecs.ID{5}, Cluster: "default", Definition: webDefinition, Instance: ecs.ID{9}, StartedBy: "me", Group: "batch",
		Overrides:  &ecs.Overrides{CPU: 512, Containers: []ecs.ContainerOverride{{Name: "app", Command: []string{"true"}, CPU: &units, Environment: []ecs.Variable{{Name: "A", Value: "b"}}}}},
		LastStatus: ecs.StatusStopped, DesiredStatus: ecs.StatusStopped, StopCode: ecs.EssentialContainerExited, StoppedReason: ecs.ReasonEssentialExited,
		Version: 6, CreatedAt: start, StartedAt: start + 1000, StoppingAt: start + 2000, ExecutionStoppedAt: start + 1900, StoppedAt: start + 3000, ConnectivityAt: start,
		Containers: []ecs.Container{{ID: ecs.ID{6}, Status: ecs.StatusStopped, ExitCode: &code, Reason: "OutOfMemoryError: Container killed due to memory usage"}},
		Tags:       []ecs.Tag{{Key: "a", Value: "b"}}}
	w.put(&cluster, host, &service, running, stopped)
	return w
}

func TestShapes(t *testing.T) {
	tests := []struct{ name, operation, request string }{
		{"cluster", "DescribeClusters", `{"clusters":["default","` + pre + `cluster/gone"]}`},
		{"cluster_all", "DescribeClusters", `{"include":["TAGS","SETTINGS","STATISTICS"]}`},
		{"definition", "DescribeTaskDefinition", `{"taskDefinition":"full","include":["TAGS"]}`},
		{"definition_least", "DescribeTaskDefinition", `{"taskDefinition":"web"}`},
		{"services", "DescribeServices", `{"services":["front","gone"],"include":["TAGS"]}`},
		{"tasks", "DescribeTasks", `{"tasks":["02000000000000000000000000000000","05000000-0000-0000-0000-000000000000","07000000000000000000000000000000"],"include":["TAGS"]}`},
		{"instances", "DescribeContainerInstances", `{"containerInstances":["01000000000000000000000000000000","07000000000000000000000000000000"],"include":["CONTAINER_INSTANCE_HEALTH"]}`},
		{"instance_gone", "DeregisterContainerInstance", `{"containerInstance":"01000000000000000000000000000000","force":true}`},
		{"run", "RunTask", `{"taskDefinition":"web","count":1,"overrides":{"cpu":"1 vCPU","containerOverrides":[{"name":"app","environment":[{"name":"A","value":"b"}],"memory":128}]}}`},
		{"run_failed", "RunTask", `{"taskDefinition":"web","group":"none"}`},
		{"stop", "StopTask", `{"task":"02000000000000000000000000000000"}`},
		{"create_service", "CreateService", `{"serviceName":"new","taskDefinition":"web:1","desiredCount":0}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { golden(t, test.name, lived(t).must(t, test.operation, test.request)) })
	}
}
