package ecs_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/control"
	"ballast/internal/ecs"
)

const noID = "07000000000000000000000000000000"

func TestTaskRefuses(t *testing.T) {
	const runTask, stop, describe, list = "RunTask", "StopTask", "DescribeTasks", "ListTasks"
	const parameter = "InvalidParameterException: "
	override := func(members string) string { return run(`"overrides":{"containerOverrides":[{` + members + `}]}`) }
	hundred := strings.TrimSuffix(strings.Repeat(`"`+noID+`",`, 101), ",")
	tests := []struct{ operation, request, want string }{
		{runTask, `{}`, parameter + "TaskDefinition can not be blank."},
		{runTask, `{"taskDefinition":"gone"}`, "ClientException: TaskDefinition not found."},
		{runTask, `{"taskDefinition":"old:1"}`, parameter + "TaskDefinition is inactive"},
		{runTask, run(`"cluster":"gone"`), "ClusterNotFoundException: Cluster not found."},
		{runTask, run(`"cluster":"empty"`), parameter + "No Container Instances were found in your cluster."},
		{runTask, run(`"count":0`), parameter + "count must be between 1 and 10."},
		{runTask, run(`"count":11`), parameter + "count must be between 1 and 10."},
		{runTask, run(`"clientToken":"` + strings.Repeat("x", 65) + `"`), parameter + "clientToken can have at most 64 ASCII characters."},
		{runTask, run(`"startedBy":"a b"`), parameter + "startedBy can have at most 128 letters, numbers, hyphens, forward slashes and underscores."},
		{runTask, run(`"startedBy":"` + strings.Repeat("x", 129) + `"`), parameter + "startedBy longer than 128."},
		{runTask, run(`"group":"a b"`), parameter + "group can have at most 255 letters, numbers, hyphens, underscores, colons and periods."},
		{runTask, run(`"group":"service:front"`), parameter + "group can not begin with service:, which is reserved for the tasks of services."},
		{runTask, run(`"propagateTags":"SERVICE"`), parameter + "propagateTags SERVICE is only possible for the tasks of a service; use TASK_DEFINITION."},
		{runTask, run(`"tags":[{"key":"aws:x"}]`), parameter + "Tag keys can not begin with aws:, which is reserved."},
		{runTask, run(`"overrides":{"cpu":"much"}`), "ClientException: " + badCPU},
		{runTask, override(`"name":"django"`), parameter + "Override for container named django is not a container in the TaskDefinition."},
		{runTask, override(`"command":["x"]`), parameter + "Container override name can not be blank."},
		{runTask, override(`"name":"app"},{"name":"app"`), parameter + "Container app is overridden more than once."},
		{runTask, override(`"name":"app","memory":3`), parameter + "Invalid override for container 'app'. 'memory' must be at least 4 MiB and at most 67108864 MiB."},
		{runTask, override(`"name":"app","memoryReservation":65`), parameter + "Invalid override for container 'app'. 'memory' must be greater than or equal to 'memoryReservation'."},
		{runTask, strings.Replace(override(`"name":"app","memory":1025`), `"overrides":{`, `"overrides":{"memory":"1GB",`, 1), parameter + "'memory' setting for container 'app' is greater than for task."},
		{runTask, override(`"name":"app","cpu":-1`), parameter + "Invalid override for container 'app'. cpu must be between 0 and 196608."},
		{runTask, override(`"name":"app","environment":[{"name":"="}]`), parameter + `Invalid override for container 'app'. Environment variable "=" contains invalid characters.`},
		{runTask, override(`"name":"app","command":["\u0000"]`), parameter + "Invalid override for container 'app'. command contains invalid characters."},
		{runTask, override(`"name":"app","command":["` + strings.Repeat("x", 8192) + `"]`), parameter + "Container overrides length must be at most 8192."},
		{stop, `{}`, parameter + "Task can not be blank."},
		{stop, `{"task":"` + noID + `"}`, parameter + "The referenced task was not found."},
		{stop, `{"task":"short"}`, parameter + "taskId length should be one of [32,36]"},
		{stop, `{"task":"` + noID + `","reason":"` + strings.Repeat("x", 1025) + `"}`, parameter + "reason can have at most 1024 characters."},
		{describe, `{"tasks":[]}`, parameter + "Tasks cannot be empty."},
		{describe, `{"tasks":[` + hundred + `]}`, parameter + "taskIds can have at most 100 items."},
		{"DescribeContainerInstances", `{"containerInstances":[` + hundred + `]}`, parameter + "instanceIds can have at most 100 items."},
		{list, `{"serviceName":"gone"}`, "ServiceNotFoundException: Service not found."},
		{list, `{"containerInstance":"` + noID + `"}`, parameter + "The referenced container instance was not found."},
		{list, `{"family":"web:2"}`, parameter + `family must match ^[a-zA-Z0-9\-_]+$`},
		{list, `{"family":"web","startedBy":"me"}`, parameter + "When you specify startedBy as the filter, it must be the only filter that you use."},
		{list, `{"nextToken":"????"}`, parameter + "Invalid token."},
		{"DeregisterContainerInstance", `{}`, parameter + "Container instance can not be blank."},
		{"DeregisterContainerInstance", `{"containerInstance":"x"}`, parameter + "containerInstanceId length should be one of [32,36]"},
		{"DescribeContainerInstances", `{"containerInstances":[]}`, parameter + "Container instances cannot be empty."},
		{"DescribeContainerInstances", `{"containerInstances":["x"]}`, parameter + "containerInstanceId length should be one of [32,36]"},
	}
	w := furnished(t)
	w.put(&ecs.TaskDefinition{Family: "old", Revision: 1, Status: ecs.TaskDefinitionInactive}, &ecs.Cluster{Name: "empty"},
		&ecs.ContainerInstance{Seq: 1, ID: ecs.ID{8}, Cluster: "empty", Status: ecs.InstanceInactive})
	for _, test := range tests {
		_, err := w.call(test.operation, test.request)
		if got := refusal(t, err); got != test.want {
			t.Errorf("%s %.300s\ngot  %s\nwant %s", test.operation, test.request, got, test.want)
		}
	}
}

func TestRunTaskCommand(t *testing.T) {
	w := furnished(t)
	w.must(t, "RunTask", run(`"count":2`))
	want := control.RunTask{Cluster: "default", Definition: w.state.Definition("web", 1), Count: 2}
	if diff := cmp.Diff(want, w.last); diff != "" {
		t.Error("the least:", diff)
	}
	w.must(t, "RegisterTaskDefinition", `{"family":"tagged","tags":[{"key":"a","value":"definition"},{"key":"c","value":"d"}],"containerDefinitions":[{"name":"app","image":"i","memory":4}]}`)
	w.must(t, "RunTask", `{"taskDefinition":"tagged","startedBy":"me","group":"batch","clientToken":"once","propagateTags":"TASK_DEFINITION","enableECSManagedTags":true,
		"enableExecuteCommand":false,"tags":[{"key":"a","value":"task"}],
		"overrides":{"cpu":"256","memory":"1GB","containerOverrides":[{},{"name":"app","command":["true"],"environment":[{"name":"A","value":"b"}],"cpu":10,"memory":20,"memoryReservation":5}]}}`)
	got := w.last.(control.RunTask)
	want = control.RunTask{Cluster: "default", Definition: w.state.Definition("tagged", 1), Count: 1, StartedBy: "me", Group: "batch", Token: "once", Digest: got.Digest,
		Tags: []ecs.Tag{{Key: "a", Value: "task"}, {Key: "c", Value: "d"}, {Key: "aws:ecs:clusterName", Value: "default"}},
		Overrides: &ecs.Overrides{CPU: 256, Memory: 1024, Containers: []ecs.ContainerOverride{{Name: "app", Command: []string{"true"},
			Environment: []ecs.Variable{{Name: "A", Value: "b"}}, CPU: new(10), Memory: new(20), MemoryReservation: new(5)}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestStopTaskReason(t *testing.T) {
	w := lived(t)
	w.must(t, "StopTask", `{"task":"`+pre+`task/default/02000000000000000000000000000000"}`)
	if got := w.last.(control.StopTask); got.Reason != "Task stopped by user" || got.Task != (ecs.ID{2}) {
		t.Errorf("got %+v", got)
	}
	w.must(t, "StopTask", `{"task":"02000000-0000-0000-0000-000000000000","reason":"enough"}`)
	if got := w.last.(control.StopTask).Reason; got != "enough" {
		t.Errorf("got %s", got)
	}
}

func TestListFilters(t *testing.T) {
	w := lived(t) // task 2 runs for the service front on instance 1; task 5 is standalone, of family web, stopped
	const running, stopped = pre + "task/default/02000000000000000000000000000000", pre + "task/default/05000000000000000000000000000000"
	front, instance := pre+"service/default/front", pre+"container-instance/default/01000000000000000000000000000000"
	tests := []struct {
		operation, request string
		want               []string
	}{
		{"ListTasks", `{}`, []string{running}},
		{"ListTasks", `{"desiredStatus":"RUNNING","launchType":"EC2"}`, []string{running}},
		{"ListTasks", `{"desiredStatus":"STOPPED"}`, []string{stopped}},
		{"ListTasks", `{"desiredStatus":"PENDING"}`, nil},
		{"ListTasks", `{"launchType":"FARGATE"}`, nil},
		{"ListTasks", `{"serviceName":"front"}`, []string{running}},
		{"ListTasks", `{"serviceName":"` + front + `","family":"full","containerInstance":"` + instance + `"}`, []string{running}},
		{"ListTasks", `{"serviceName":"front","family":"web"}`, nil},
		{"ListTasks", `{"family":"web","desiredStatus":"STOPPED"}`, []string{stopped}},
		{"ListTasks", `{"startedBy":"me","desiredStatus":"STOPPED"}`, []string{stopped}},
		{"ListTasks", `{"startedBy":"me"}`, nil},
		{"ListTasks", `{"startedBy":"ecs-svc/0012345678901234567"}`, []string{running}},
		{"ListTasks", `{"startedBy":"ecs-svc/12345678901234567"}`, nil},
		{"ListTasks", `{"startedBy":"ecs-svc/0012345678901234567","desiredStatus":"STOPPED"}`, nil},
		{"ListServices", `{"launchType":"EC2","schedulingStrategy":"REPLICA"}`, []string{front}},
		{"ListServices", `{"launchType":"FARGATE"}`, nil},
		{"ListServices", `{"schedulingStrategy":"DAEMON"}`, nil},
		{"ListContainerInstances", `{}`, []string{instance}},
		{"ListContainerInstances", `{"status":"ACTIVE"}`, []string{instance}},
		{"ListContainerInstances", `{"status":"DRAINING"}`, nil},
		{"ListClusters", `{}`, []string{pre + "cluster/default"}},
		{"ListTaskDefinitions", `{}`, []string{pre + "task-definition/full:1", pre + "task-definition/web:1"}},
		{"ListTaskDefinitions", `{"sort":"DESC"}`, []string{pre + "task-definition/web:1", pre + "task-definition/full:1"}},
		{"ListTaskDefinitions", `{"familyPrefix":"web"}`, []string{pre + "task-definition/web:1"}},
		{"ListTaskDefinitions", `{"familyPrefix":"we"}`, nil},
		{"ListTaskDefinitions", `{"status":"INACTIVE"}`, nil},
	}
	for _, test := range tests {
		if got, _ := list(t, w, test.operation, test.request); !cmp.Equal(got, test.want) {
			t.Errorf("%s %s: got %v, want %v", test.operation, test.request, got, test.want)
		}
	}
}

// FuzzRunTask checks that any request is served or refused, and never faults.
func FuzzRunTask(f *testing.F) {
	f.Add(run(`"count":2`))
	f.Add(run(`"overrides":{"cpu":"256","containerOverrides":[{},{"name":"app","command":["true"]}]}`))
	w := furnished(f)
	f.Fuzz(func(t *testing.T, request string) {
		_, err := w.call("RunTask", request)
		refusal(t, err)
	})
}
