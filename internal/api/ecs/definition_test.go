package ecs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/control"
	"ballast/internal/ecs"
)

// many repeats a container n times under different names.
func many(n int) string {
	var parts []string
	for i := range n {
		parts = append(parts, fmt.Sprintf(`{"name":"c%d","image":"i","memory":4}`, i))
	}
	return `{"family":"f","containerDefinitions":[` + strings.Join(parts, ",") + `]}`
}

// two makes a definition of two essential containers, each with more members.
func two(a, b string) string {
	of := func(name, more string) string {
		if more != "" {
			more = "," + more
		}
		return `{"name":"` + name + `","image":"i","memory":4` + more + `}`
	}
	return `{"family":"f","containerDefinitions":[` + of("a", a) + `,` + of("b", b) + `]}`
}

const inA = "Invalid setting for container 'a'. "

const inApp = "Invalid setting for container 'app'. "

func TestRegisterRefuses(t *testing.T) {
	long := strings.Repeat("n", 256)
	cases := map[string][]struct{ request, want string }{
		"names": {
			{`{}`, "Family can not be blank."},
			{`{"family":"a b"}`, "Family contains invalid characters."},
			{`{"family":"` + long + `"}`, "Family should be 255 characters or less"},
			{`{"family":"f"}`, "Container list cannot be empty."},
			{`{"family":"f","containerDefinitions":[]}`, "Container list cannot be empty."},
			{many(11), "Too many containers."},
			{`{"family":"f","containerDefinitions":[{"image":"i","memory":4}]}`, "Container.name should not be null or empty."},
			{`{"family":"f","containerDefinitions":[{"name":"a.b","image":"i","memory":4}]}`, "Container.name contains invalid characters."},
			{`{"family":"f","containerDefinitions":[{"name":"` + long + `","image":"i","memory":4}]}`, "Container.name should be 255 characters or less"},
			{`{"family":"f","containerDefinitions":[{"name":"a","memory":4}]}`, "Container.image should not be null or empty."},
			{`{"family":"f","containerDefinitions":[{"name":"a","image":"` + long + `@sha256:` + strings.Repeat("0", 64) + `","memory":4}]}`, "Container.image should be 255 characters or less"},
			{`{"family":"f","containerDefinitions":[{"name":"a","image":"$IMAGE","memory":4}]}`, "Container.image contains invalid characters."},
			{`{"family":"f","containerDefinitions":[{"name":"a","image":"i","memory":4},{"name":"a","image":"i","memory":4}]}`, "Container names must be unique within a task definition."},
			{container(`"essential":false`), "Task definition doesn't have any essential container."},
			{definition(`"taskRoleArn":"arn:aws:s3:::x"`), "Role is not valid"},
			{definition(`"executionRoleArn":"not a role"`), "Role is not valid"},
		},
		"sizes": {
			{`{"family":"f","containerDefinitions":[{"name":"x","image":"i"}]}`, "Invalid setting for container 'x'. At least one of 'memory' or 'memoryReservation' must be specified."},
			{container(`"memoryReservation":65`), "Invalid setting for container 'app'. 'memory' must be greater than or equal to 'memoryReservation'."},
			{`{"family":"f","containerDefinitions":[{"name":"x","image":"i","memory":3}]}`, "Invalid setting for container 'x'. 'memory' must be at least 4 MiB and at most 67108864 MiB."},
			{`{"family":"f","containerDefinitions":[{"name":"x","image":"i","memoryReservation":-1}]}`, "Invalid setting for container 'x'. 'memoryReservation' must be at least 4 MiB and at most 67108864 MiB."},
			{container(`"cpu":-1`), "Invalid setting for container 'app'. cpu must be between 0 and 196608."},
			{definition(`"memory":"32"`), "The 'memory' setting for container 'app' is greater than for the task."},
			{`{"family":"f","memory":"64","containerDefinitions":[{"name":"x","image":"i","memory":40},{"name":"y","image":"i","memory":40}]}`, "The sum of all container 'memory' values cannot be greater than the value of the task 'memory'."},
			{`{"family":"f","cpu":"128","containerDefinitions":[{"name":"x","image":"i","cpu":129,"memory":4}]}`, "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'."},
			{definition(`"cpu":"127"`), badCPU}, {definition(`"cpu":"196609"`), badCPU},
			{definition(`"cpu":"one"`), badCPU}, {definition(`"cpu":"1 vCPU extra"`), badCPU}, {definition(`"cpu":"0.1 vCPU"`), badCPU},
			{definition(`"cpu":"1e3 vCPU"`), badCPU}, {definition(`"cpu":"256 GB"`), badCPU}, {definition(`"cpu":"0.5"`), badCPU},
			{definition(`"memory":"lots"`), strings.Replace(badCPU, "cpu", "memory", 1)},
			{definition(`"memory":"1 MB"`), strings.Replace(badCPU, "cpu", "memory", 1)},
		},
		"health checks": {
			{container(`"healthCheck":{"interval":30}`), inApp + "healthCheck.command should not be null or empty."},
			{container(`"healthCheck":{"command":["CMD"]}`), inApp + "healthCheck.command has no command."},
			{container(`"healthCheck":{"command":["CMD","a\u0000"]}`), inApp + "healthCheck.command contains invalid characters."},
			{container(`"healthCheck":{"command":["CMD","a"],"interval":4}`), "Health check interval must be greater than or equal to the minimum allowed value 5 for container 'app'"},
			{container(`"healthCheck":{"command":["CMD","a"],"timeout":61}`), "Health check timeout must be less than or equal to the maximum allowed value 60 for container 'app'"},
			{container(`"healthCheck":{"command":["CMD","a"],"retries":0}`), "Health check retries must be greater than or equal to the minimum allowed value 1 for container 'app'"},
			{container(`"healthCheck":{"command":["CMD","a"],"startPeriod":301}`), "Health check startPeriod must be less than or equal to the maximum allowed value 300 for container 'app'"},
		},
		"dependencies": {
			{two(`"dependsOn":[{"condition":"START"}]`, ``), inA + "dependsOn[0].containerName should not be null or empty."},
			{two(`"dependsOn":[{"containerName":"b"}]`, ``), inA + "dependsOn[0].condition should not be null or empty."},
			{two(`"dependsOn":[{"containerName":"b","condition":"LATER"}]`, ``), "containerDefinitions[0].dependsOn[0].condition LATER should be one of [START,COMPLETE,SUCCESS,HEALTHY]"},
			{two(`"dependsOn":[{"containerName":"c","condition":"START"}]`, ``), "Cannot depend on container + 'c' because it does not exist"},
			{two(`"dependsOn":[{"containerName":"b","condition":"START"},{"containerName":"b","condition":"START"}]`, ``), inA + "dependsOn names container 'b' more than once."},
			{two(`"dependsOn":[{"containerName":"b","condition":"SUCCESS"}]`, ``), "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container"},
			{two(`"dependsOn":[{"containerName":"b","condition":"COMPLETE"}]`, ``), "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container"},
			{two(`"dependsOn":[{"containerName":"b","condition":"HEALTHY"}]`, ``), "A dependency container with HEALTHY condition must have health check configured"},
			{two(`"dependsOn":[{"containerName":"b","condition":"START"}]`, `"dependsOn":[{"containerName":"a","condition":"START"}]`), "The dependencies of the containers form a circle."},
			{two(`"dependsOn":[{"containerName":"a","condition":"START"}]`, ``), "The dependencies of the containers form a circle."},
			{two(`"startTimeout":-1`, ``), inA + "startTimeout must not be negative."},
		},
		"ports": {
			{container(`"portMappings":[{"hostPort":80}]`), "Invalid 'containerPort' setting for container 'app'."},
			{container(`"portMappings":[{"containerPort":65536}]`), "Invalid 'containerPort' setting for container 'app'."},
			{container(`"portMappings":[{"containerPort":80,"hostPort":-1}]`), "Invalid 'hostPort' setting for container 'app'."},
			{container(`"portMappings":[{"containerPort":80},{"containerPort":80}]`), "TCP container port '80' is used multiple times in container 'app'."},
			{container(`"portMappings":[{"containerPort":80,"hostPort":8080},{"containerPort":81,"hostPort":8080}]`), "TCP host port '8080' is mapped multiple times in task."},
			{container(`"portMappings":[{"containerPort":80,"name":"-x"}]`), "Invalid setting for container 'app'. The name of a port mapping can have at most 64 lower-case letters, numbers, underscores and hyphens and can not begin with a hyphen."},
			{container(`"portMappings":[{"containerPort":80,"name":"a"},{"containerPort":81,"name":"a"}]`), "When networkMode=bridge, port mapping name is already used"},
			{`{"family":"f","networkMode":"host","containerDefinitions":[{"name":"x","image":"i","memory":4,"portMappings":[{"containerPort":80,"hostPort":81}]}]}`, "When networkMode=host, the host ports and container ports in port mappings must match."},
			{`{"family":"f","networkMode":"host","containerDefinitions":[{"name":"x","image":"i","memory":4,"portMappings":[{"containerPort":80}]},{"name":"y","image":"i","memory":4,"portMappings":[{"containerPort":80,"hostPort":80}]}]}`, "TCP host port '80' is mapped multiple times in task."},
		},
		"processes": {
			{container(`"stopTimeout":-1`), "Invalid setting for container 'app'. stopTimeout must not be negative."},
			{container(`"environment":[{"value":"v"}]`), "Environment variable name cannot be null or blank."},
			{container(`"environment":[{"name":"a=b","value":"v"}]`), `Environment variable "a=b" contains invalid characters.`},
			{container(`"command":["\u0000"]`), "Invalid setting for container 'app'. command contains invalid characters."},
			{container(`"entryPoint":["\u0000"]`), "Invalid setting for container 'app'. entryPoint contains invalid characters."},
			{container(`"workingDirectory":"\u0000"`), "Invalid setting for container 'app'. workingDirectory contains invalid characters."},
		},
		"tags": {
			{definition(`"tags":[]`), "Tags can not be empty."},
			{definition(`"tags":[{"key":"aws:x","value":"v"}]`), "Tag keys can not begin with aws:, which is reserved."},
			{definition(`"tags":[{"key":"AWS:x","value":"v"}]`), "Tag keys can not begin with aws:, which is reserved."},
			{definition(`"tags":[{"value":"v"}]`), "Tag keys can not be empty."},
			{definition(`"tags":[{"key":"k"},{"key":"k"}]`), `Tag key "k" is given more than once.`},
			{definition(`"tags":[{"key":"` + strings.Repeat("k", 129) + `"}]`), "Tag keys can have at most 128 characters."},
			{definition(`"tags":[{"key":"k","value":"` + strings.Repeat("v", 257) + `"}]`), "Tag values can have at most 256 characters."},
			{definition(`"tags":[{"key":"a*b"}]`), `Tag "a*b" contains invalid characters. Allowed are letters, spaces, numbers and + - = . _ : / @`},
			{definition(`"tags":[` + strings.TrimSuffix(strings.Repeat(`{"key":"k"},`, 51), ",") + `]`), "The number of tags can be at most 50."},
		},
	}
	for name, tests := range cases {
		t.Run(name, func(t *testing.T) {
			for _, test := range tests {
				_, err := newWorld().call("RegisterTaskDefinition", test.request)
				if got := refusal(t, err); got != "ClientException: "+test.want {
					t.Errorf("%.200s\ngot  %s\nwant ClientException: %s", test.request, got, test.want)
				}
			}
		})
	}
}

const badCPU = "Invalid 'cpu' setting for task. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."

func TestRegisterTooLarge(t *testing.T) {
	_, err := newWorld().call("RegisterTaskDefinition", container(`"command":["`+strings.Repeat("x", 70000)+`"]`))
	got := refusal(t, err)
	if !strings.HasPrefix(got, "ClientException: Actual length: '70") || !strings.HasSuffix(got, "'. Max allowed length is '65536' bytes.") {
		t.Error(got)
	}
}

func TestSizesAreNormalised(t *testing.T) {
	tests := []struct {
		cpu, memory  string
		units, bytes int
	}{
		{"256", "512", 256, 512},
		{"1 vCPU", "1GB", 1024, 1024},
		{".5 vcpu", "0.5 gb", 512, 512},
		{"0.25vCPU", "1.5 GB", 256, 1536},
		{" 2 VCPU ", " 128 ", 2048, 128},
	}
	for _, test := range tests {
		w := newWorld()
		answer := w.must(t, "RegisterTaskDefinition", definition(fmt.Sprintf(`"cpu":%q,"memory":%q`, test.cpu, test.memory)))
		d := w.last.(control.RegisterTaskDefinition).Definition
		if d.CPU != test.units || d.Memory != test.bytes {
			t.Errorf("%q, %q: got %d, %d", test.cpu, test.memory, d.CPU, d.Memory)
		}
		for _, want := range []string{fmt.Sprintf(`"cpu":"%d"`, test.units), fmt.Sprintf(`"memory":"%d"`, test.bytes)} {
			if !strings.Contains(answer, want) {
				t.Errorf("no %s in %s", want, answer)
			}
		}
	}
}

// full uses every member that is served.
const full = `{"family":"full","networkMode":"bridge","cpu":"1 vCPU","memory":"1GB","requiresCompatibilities":["EC2"],
"taskRoleArn":"arn:aws:iam::123456789012:role/app","executionRoleArn":"ecsTaskExecutionRole",
"tags":[{"key":"team","value":"red"}],
"containerDefinitions":[
{"name":"app","image":"public.ecr.aws/nginx/nginx:1.27","cpu":100,"memory":256,"memoryReservation":128,"essential":true,
"entryPoint":["/bin/sh","-c"],"command":["exec nginx"],"workingDirectory":"/srv","stopTimeout":5,"privileged":false,
"environment":[{"name":"A","value":"1"},{"name":"B"}],
"portMappings":[{"containerPort":80,"name":"http"},{"containerPort":53,"hostPort":5353,"protocol":"udp"}]},
{"name":"side","image":"busybox","memory":4,"essential":false}]}`

func TestParsedDefinition(t *testing.T) {
	w := newWorld()
	w.must(t, "RegisterTaskDefinition", full)
	got := w.last.(control.RegisterTaskDefinition).Definition
	if len(got.Document) == 0 {
		t.Error("no document")
	}
	got.Document = nil
	want := ecs.TaskDefinition{Family: "full", CPU: 1024, Memory: 1024, Tags: []ecs.Tag{{Key: "team", Value: "red"}},
		Containers: []ecs.ContainerDefinition{
			{Name: "app", Image: "public.ecr.aws/nginx/nginx:1.27", Essential: true, EntryPoint: []string{"/bin/sh", "-c"},
				Command: []string{"exec nginx"}, WorkingDirectory: "/srv", Environment: []ecs.Variable{{Name: "A", Value: "1"}, {Name: "B"}},
				CPU: 100, Memory: 256, MemoryReservation: 128, StopTimeout: 5 * time.Second,
				Ports: []ecs.PortMapping{{Name: "http", ContainerPort: 80}, {ContainerPort: 53, HostPort: 5353, UDP: true}}},
			{Name: "side", Image: "busybox", Memory: 4},
		}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// External instances know no network interfaces of tasks (developer guide, External instances: "The awsvpc network mode isn't supported.").
func TestCompatibilities(t *testing.T) {
	for mode, want := range map[string]string{"bridge": `["EXTERNAL","EC2"]`, "host": `["EXTERNAL","EC2"]`, "awsvpc": `["EC2"]`} {
		answer := newWorld().must(t, "RegisterTaskDefinition", `{"family":"f","networkMode":"`+mode+`","containerDefinitions":[{"name":"x","image":"i","memory":4}]}`)
		if !strings.Contains(answer, `"compatibilities":`+want+`,`) {
			t.Errorf("%s: want %s in %s", mode, want, answer)
		}
	}
}

func TestHostModePorts(t *testing.T) {
	w := newWorld()
	w.must(t, "RegisterTaskDefinition", `{"family":"f","networkMode":"host","containerDefinitions":[{"name":"x","image":"i","memory":4,"portMappings":[{"containerPort":80}]}]}`)
	d := w.last.(control.RegisterTaskDefinition).Definition
	if d.NetworkMode != ecs.NetworkHost || d.Containers[0].Ports[0].HostPort != 80 {
		t.Errorf("got %v, %+v", d.NetworkMode, d.Containers[0].Ports)
	}
}

// ECS takes any protocol but udp for tcp, and shows it so (hashicorp/terraform-provider-aws#3645).
func TestUnknownProtocolsAreTCP(t *testing.T) {
	for _, protocol := range []string{"TCP", "http", "UDP", ""} {
		w := newWorld()
		answer := w.must(t, "RegisterTaskDefinition", container(`"portMappings":[{"containerPort":80,"protocol":"`+protocol+`"}]`))
		if got := w.last.(control.RegisterTaskDefinition).Definition.Containers[0].Ports; len(got) != 1 || got[0].UDP ||
			!strings.Contains(answer, `"protocol":"tcp"`) {
			t.Errorf("%q: got %+v, %s", protocol, got, answer)
		}
	}
}

func TestDescribeTaskDefinition(t *testing.T) {
	w := newWorld()
	w.must(t, "RegisterTaskDefinition", web)
	w.must(t, "RegisterTaskDefinition", full)
	w.must(t, "RegisterTaskDefinition", web)
	second := *w.state.Definition("web", 2)
	second.Status, second.DeregisteredAt = ecs.TaskDefinitionInactive, start
	w.put(&second)
	tests := []struct{ ref, want, err string }{
		{"web", `"revision":1`, ""},
		{"web:2", `"status":"INACTIVE"`, ""},
		{pre + "task-definition/web:2", `"deregisteredAt":1700000000.123`, ""},
		{"web:3", "", "ClientException: Unable to describe task definition."},
		{"unknown", "", "ClientException: Unable to describe task definition."},
		{"web:x", "", "InvalidParameterException: Invalid revision number. Number: x"},
		{"", "", "InvalidParameterException: TaskDefinition can not be blank."},
	}
	for _, test := range tests {
		answer, err := w.call("DescribeTaskDefinition", fmt.Sprintf(`{"taskDefinition":%q}`, test.ref))
		if got := refusal(t, err); got != test.err || !strings.Contains(answer, test.want) {
			t.Errorf("%s: got %s %s", test.ref, got, answer)
		}
	}
	if answer := w.must(t, "DescribeTaskDefinition", `{"taskDefinition":"full"}`); !strings.HasSuffix(answer, `"tags":[]}`) && !strings.Contains(answer, `"tags":[],`) {
		t.Error("tags that were not asked for", answer)
	}
	if answer := w.must(t, "DescribeTaskDefinition", `{"taskDefinition":"full","include":["TAGS"]}`); !strings.Contains(answer, `"key":"team"`) {
		t.Error("no tags", answer)
	}
}
