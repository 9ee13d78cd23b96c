package project

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"

	"ballast/internal/wire"
)

const (
	definitionJSON = `{"family": "web", "containerDefinitions": [{"name": "web", "image": "web", "memory": 64}]}`
	serviceJSON    = `{"serviceName": "web", "taskDefinition": "web", "desiredCount": 3}`
)

// folder writes files and gives their folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReadTheExample(t *testing.T) {
	p, err := Read("../../../examples/web")
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Definitions) != 1 || len(p.Services) != 1 || *p.Services[0].Input.DesiredCount != 3 {
		t.Errorf("got %d task definitions and %d services", len(p.Definitions), len(p.Services))
	}
}

func TestReadSeveral(t *testing.T) {
	p, err := Read(folder(t, map[string]string{
		"task-definition.web.json": definitionJSON,
		"task-definition.api.json": strings.ReplaceAll(definitionJSON, "web", "api"),
		"service.web.json":         "\ufeff" + serviceJSON,
		"notes.json":               "not read",
	}))
	if err != nil {
		t.Fatal(err)
	}
	var families []string
	for _, d := range p.Definitions {
		families = append(families, *d.Input.Family)
	}
	if diff := cmp.Diff([]string{"api", "web"}, families); diff != "" {
		t.Errorf("families (-want +got):\n%s", diff)
	}
}

func TestReadRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  []string // all of these are in the error
	}{
		"an empty folder":         {nil, []string{"task-definition*.json", "examples/web"}},
		"a syntax error":          {map[string]string{"service.json": "{\n  \"serviceName\": \"web\",\n}"}, []string{"service.json:3:1", "not JSON"}},
		"no object":               {map[string]string{"service.json": "[]"}, []string{"service.json", "not a JSON object"}},
		"a wrong type":            {map[string]string{"service.json": `{"serviceName": "web", "desiredCount": "three"}`}, []string{"service.json", "desiredCount"}},
		"an unknown member":       {map[string]string{"task-definition.json": `{"family": "web", "containerDefinition": []}`}, []string{`"containerDefinition"`, "names"}},
		"an unknown inner member": {map[string]string{"task-definition.json": strings.Replace(definitionJSON, "memory", "memroy", 1)}, []string{`"containerDefinitions[0].memroy"`}},
		"a missing member":        {map[string]string{"service.json": `{"taskDefinition": "web"}`}, []string{`"serviceName" is missing`}},
		"no task definition":      {map[string]string{"service.json": `{"serviceName": "web"}`}, []string{`"taskDefinition" is missing`}},
		"one service twice":       {map[string]string{"service.a.json": serviceJSON, "service.b.json": serviceJSON}, []string{"service.a.json", "service.b.json", "same service"}},
		"one family twice":        {map[string]string{"task-definition.a.json": definitionJSON, "task-definition.b.json": definitionJSON}, []string{"same family"}},
		"a huge file":             {map[string]string{"service.json": strings.Repeat(" ", maxFileSize+1)}, []string{"service.json", "more than"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(folder(t, c.files))
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want %q in it", err, want)
				}
			}
		})
	}
	for _, dir := range []string{"nosuch", "project_test.go"} {
		if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("Read(%q): error %v", dir, err)
		}
	}
}

// described gives a task definition as a server shows it.
func described(t *testing.T, text string) *types.TaskDefinition {
	t.Helper()
	d := &types.TaskDefinition{}
	if err := wire.DecodeJSON([]byte(text), d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestCompareDefinition(t *testing.T) {
	// What describe-task-definition of a real account adds to the file: ARNs, empty lists, defaults.
	const shown = `{"taskDefinitionArn": "arn:aws:ecs:us-east-1:000000000000:task-definition/web:1", "revision": 1, "status": "ACTIVE",
		"family": "web", "compatibilities": ["EC2"], "volumes": [], "placementConstraints": [], "cpu": "1024", "memory": "512",
		"containerDefinitions": [{"name": "web", "image": "web:1", "cpu": 0, "essential": true, "command": ["a", "b"],
			"environment": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}], "mountPoints": [], "volumesFrom": [],
			"portMappings": [{"containerPort": 80, "hostPort": 0, "protocol": "tcp"}]}]}`
	const file = `{"family": "web", "cpu": "1 vCPU", "memory": "0.5GB", "networkMode": "bridge", "containerDefinitions": [{"name": "web",
		"image": "web:1", "command": ["a", "b"], "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
		"portMappings": [{"containerPort": 80}]}]}`
	for name, c := range map[string]struct {
		old, new string // replaced in the file
		want     []Change
	}{
		"the same":            {"", "", nil},
		"another image":       {"web:1", "web:2", []Change{{"containerDefinitions[web].image", `"web:1"`, `"web:2"`}}},
		"another value":       {`"value": "1"`, `"value": "x"`, []Change{{"containerDefinitions[web].environment[A].value", `"1"`, `"x"`}}},
		"another name":        {`"name": "A"`, `"name": "C"`, []Change{{"containerDefinitions[web].environment[A]", `{"name":"A","value":"1"}`, ""}, {"containerDefinitions[web].environment[C]", "", `{"name":"C","value":"1"}`}}},
		"the order counts":    {`["a", "b"]`, `["b", "a"]`, []Change{{"containerDefinitions[web].command", `["a","b"]`, `["b","a"]`}}},
		"not essential":       {`"image"`, `"essential": false, "image"`, []Change{{"containerDefinitions[web].essential", "", "false"}}},
		"said what holds":     {`"image"`, `"essential": true, "cpu": 0, "image"`, nil},
		"another size":        {"1 vCPU", "2 vCPU", []Change{{"cpu", `"1024"`, `"2048"`}}},
		"another port":        {"80", "81", []Change{{"containerDefinitions[web].portMappings", `[{"containerPort":80}]`, `[{"containerPort":81}]`}}},
		"another networkMode": {"bridge", "host", []Change{{"networkMode", "", `"host"`}}},
		"a tag":               {`"family"`, `"tags": [{"key": "team", "value": "x"}], "family"`, []Change{{"tags", "", `[{"key":"team","value":"x"}]`}}},
	} {
		t.Run(name, func(t *testing.T) {
			want := &ecs.RegisterTaskDefinitionInput{}
			text := strings.Replace(file, c.old, c.new, 1)
			if err := decode("file", []byte(text), want); err != nil {
				t.Fatal(err)
			}
			got, err := CompareDefinition(want, described(t, shown), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCompareVolumesAndSwap(t *testing.T) {
	const shown = `{"family": "web", "volumes": [{"name": "a", "host": {}}, {"name": "b", "dockerVolumeConfiguration": {"scope": "task"}}],
		"containerDefinitions": [{"name": "web", "linuxParameters": {"initProcessEnabled": true}}]}`
	for file, want := range map[string][]Change{
		`{"family": "web", "volumes": [{"name": "b", "dockerVolumeConfiguration": {"driver": "local"}}, {"name": "a"}],
			"containerDefinitions": [{"name": "web", "linuxParameters": {"initProcessEnabled": true, "swappiness": 60}}]}`: nil,
		`{"family": "web", "volumes": [{"name": "a"}, {"name": "b", "dockerVolumeConfiguration": {"scope": "shared"}}],
			"containerDefinitions": [{"name": "web", "linuxParameters": {"initProcessEnabled": true, "maxSwap": 0}}]}`: {
			{"containerDefinitions[web].linuxParameters.maxSwap", "", "0"}, {"volumes[b].dockerVolumeConfiguration", "", `{"scope":"shared"}`}},
	} {
		in := &ecs.RegisterTaskDefinitionInput{}
		if err := wire.DecodeJSON([]byte(file), in); err != nil {
			t.Fatal(err)
		}
		got, err := CompareDefinition(in, described(t, shown), nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: changes (-want +got):\n%s", file, diff)
		}
	}
}

// In host mode a host port can only be the container's (API_PortMapping).
func TestHostPortsInHostMode(t *testing.T) {
	want := &ecs.RegisterTaskDefinitionInput{}
	const file = `{"family": "web", "networkMode": "host", "containerDefinitions": [{"name": "web", "portMappings": [{"containerPort": 80}]}]}`
	if err := wire.DecodeJSON([]byte(file), want); err != nil {
		t.Fatal(err)
	}
	have := described(t, strings.Replace(file, `80}`, `80, "hostPort": 80}`, 1))
	if got, err := CompareDefinition(want, have, nil); err != nil || len(got) > 0 {
		t.Errorf("got %v, %v; want no change", got, err)
	}
}

func TestPlanService(t *testing.T) {
	const shown = `{"serviceArn": "arn:aws:ecs:us-east-1:000000000000:service/default/web", "serviceName": "web", "status": "ACTIVE",
		"clusterArn": "arn:aws:ecs:us-east-1:000000000000:cluster/default", "launchType": "EC2", "schedulingStrategy": "REPLICA",
		"taskDefinition": "arn:aws:ecs:us-east-1:000000000000:task-definition/web:1", "desiredCount": 3, "runningCount": 2,
		"deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 150, "strategy": "ROLLING", "bakeTimeInMinutes": 0,
			"deploymentCircuitBreaker": {"enable": false, "rollback": false}},
		"deploymentController": {"type": "ECS"}, "propagateTags": "NONE", "enableECSManagedTags": false, "loadBalancers": [],
		"availabilityZoneRebalancing": "DISABLED", "createdBy": "arn:aws:iam::000000000000:root"}`
	const file = `{"serviceName": "web", "taskDefinition": "web", "desiredCount": 3, "deploymentConfiguration": {"maximumPercent": 150}}`
	for name, c := range map[string]struct {
		old, new   string // replaced in the file
		definition string
		changes    []Change
		update     string // as JSON, but for the service's name
		err        string
	}{
		"the same":      {"", "", "web:1", nil, "", ""},
		"no count":      {`"desiredCount": 3, `, "", "web:1", nil, "", ""},
		"another count": {"3", "4", "web:1", []Change{{"desiredCount", "3", "4"}}, `{"desiredCount": 4}`, ""},
		"none at all":   {"3", "0", "web:1", []Change{{"desiredCount", "3", "0"}}, `{"desiredCount": 0}`, ""},
		"a revision":    {"", "", "web:2", []Change{{"taskDefinition", `"web:1"`, `"web:2"`}}, `{"taskDefinition": "web:2"}`, ""},
		"a default again": {`, "deploymentConfiguration": {"maximumPercent": 150}`, "", "web:1",
			[]Change{{"deploymentConfiguration", `{"maximumPercent":150}`, ""}},
			`{"deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 200}}`, ""},
		"zero percent": {"{", `{"deploymentConfiguration": {"minimumHealthyPercent": 0}, `, "web:1",
			[]Change{{"deploymentConfiguration.maximumPercent", "150", ""}, {"deploymentConfiguration.minimumHealthyPercent", "", "0"}},
			`{"deploymentConfiguration": {"minimumHealthyPercent": 0, "maximumPercent": 200}}`, ""},
		"settled for good": {"{", `{"launchType": "FARGATE", `, "web:1", nil, "", "launchType is settled"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(file, c.old, c.new, 1)
			if name == "zero percent" {
				text = strings.Replace(text, `, "deploymentConfiguration": {"maximumPercent": 150}`, "", 1)
			}
			want, have := &ecs.CreateServiceInput{}, &types.Service{}
			if err := decode("file", []byte(text), want); err != nil {
				t.Fatal(err)
			}
			if err := wire.DecodeJSON([]byte(shown), have); err != nil {
				t.Fatal(err)
			}
			plan, err := PlanService(want, c.definition, have)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v, want %q in it", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.changes, plan.Changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			checkUpdate(t, plan.Update, c.update)
		})
	}
}

// What tags of a service change; a file without any leaves those alone that it has.
func TestPlanTags(t *testing.T) {
	const arn = "arn:aws:ecs:us-east-1:000000000000:service/default/web"
	tag := func(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }
	for name, c := range map[string]struct {
		want, have []types.Tag
		changes    []string
		set        []string // as key=value
		remove     []string
	}{
		"none in the file":  {nil, []types.Tag{tag("a", "1")}, nil, nil, nil},
		"the same":          {[]types.Tag{tag("b", "2"), tag("a", "1")}, []types.Tag{tag("a", "1"), tag("b", "2"), tag("aws:x", "y")}, nil, nil, nil},
		"a new one":         {[]types.Tag{tag("a", "1")}, nil, []string{`tags: unset -> [{"key":"a","value":"1"}]`}, []string{"a=1"}, nil},
		"another value":     {[]types.Tag{tag("a", "1"), tag("b", "2")}, []types.Tag{tag("a", "1"), tag("b", "3")}, []string{`tags[b].value: "3" -> "2"`}, []string{"b=2"}, nil},
		"one that has gone": {[]types.Tag{tag("a", "1")}, []types.Tag{tag("a", "1"), tag("b", "3")}, []string{`tags[b]: {"key":"b","value":"3"} -> unset`}, nil, []string{"b"}},
		"an empty list":     {[]types.Tag{}, []types.Tag{tag("a", "1")}, []string{`tags: [{"key":"a","value":"1"}] -> unset`}, nil, []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			have := &types.Service{ServiceName: aws.String("web"), ServiceArn: aws.String(arn), TaskDefinition: aws.String("x/web:1"), Tags: c.have}
			plan, err := PlanService(&ecs.CreateServiceInput{ServiceName: aws.String("web"), TaskDefinition: aws.String("web"), Tags: c.want}, "web:1", have)
			if err != nil {
				t.Fatal(err)
			}
			var changes, set, remove []string
			for _, change := range plan.Changes {
				changes = append(changes, change.String())
			}
			if plan.Tag != nil {
				for _, one := range plan.Tag.Tags {
					set = append(set, *one.Key+"="+*one.Value)
				}
			}
			if plan.Untag != nil {
				remove = plan.Untag.TagKeys
			}
			if diff := cmp.Diff([][]string{c.changes, c.set, c.remove}, [][]string{changes, set, remove}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if plan.Update != nil {
				t.Errorf("update %+v", plan.Update)
			}
		})
	}
}

// TestPlanServiceSwitchesOff: UpdateService leaves alone what it is not told of, so what has gone from a file has to be told.
func TestPlanServiceSwitchesOff(t *testing.T) {
	const breaker, alarms = `"deploymentCircuitBreaker": {"enable": true, "rollback": true}`, `"alarms": {"alarmNames": ["a"], "enable": true, "rollback": false}`
	const early = `"earlySuccessCriteria": {"enable": true, "healthyPercent": 50, "sourceServiceRevisionCleanup": "BLOCKING"}`
	const noBreaker, noAlarms = `"deploymentCircuitBreaker": {"enable": false, "rollback": false}`, `"alarms": {"alarmNames": [], "enable": false, "rollback": false}`
	const percents = `"minimumHealthyPercent": 100, "maximumPercent": 200`
	for name, c := range map[string]struct {
		shown, file string // the deployment configuration of the service, and of its file
		update      string // as JSON, but for the service's name
	}{
		"all of it":                  {breaker + "," + early, "", `{"deploymentConfiguration": {` + percents + `, ` + noBreaker + `, "earlySuccessCriteria": {"enable": false}}}`},
		"a part":                     {breaker + `, "maximumPercent": 150`, `"maximumPercent": 150`, `{"deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 150, ` + noBreaker + `}}`},
		"one of two":                 {breaker + "," + alarms, breaker, `{"deploymentConfiguration": {` + percents + `, ` + breaker + `, ` + noAlarms + `}}`},
		"nothing":                    {breaker, breaker, ""},
		"what was off":               {noBreaker, "", ""},
		"what is the default anyway": {breaker, `"deploymentCircuitBreaker": {"enable": true, "rollback": true, "resetOnHealthyTask": true}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			want, have := &ecs.CreateServiceInput{}, &types.Service{}
			given := `{"serviceName": "web", "taskDefinition": "web", "deploymentConfiguration": {`
			if err := errors.Join(wire.DecodeJSON([]byte(given+c.file+"}}"), want), wire.DecodeJSON([]byte(given+c.shown+"}}"), have)); err != nil {
				t.Fatal(err)
			}
			plan, err := PlanService(want, "web", have)
			if err != nil {
				t.Fatal(err)
			}
			checkUpdate(t, plan.Update, c.update)
		})
	}
}

func checkUpdate(t *testing.T, got *ecs.UpdateServiceInput, text string) {
	t.Helper()
	if text == "" || got == nil {
		if (text == "") != (got == nil) {
			t.Errorf("update %+v, want %q", got, text)
		}
		return
	}
	want := &ecs.UpdateServiceInput{}
	if err := wire.DecodeJSON([]byte(`{"service": "web", `+text[1:]), want); err != nil {
		t.Fatal(err)
	}
	wanted, _ := document(want)
	given, err := document(got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wanted, given); diff != "" {
		t.Errorf("update (-want +got):\n%s", diff)
	}
}

func TestPlanOfANewService(t *testing.T) {
	in := &ecs.CreateServiceInput{}
	if err := wire.DecodeJSON([]byte(serviceJSON), in); err != nil {
		t.Fatal(err)
	}
	plan, err := PlanService(in, "web:7", nil)
	if err != nil || plan.Create == nil || *plan.Create.TaskDefinition != "web:7" || *in.TaskDefinition != "web" {
		t.Errorf("got %+v, %v; want a creation with web:7, and the input left alone", plan, err)
	}
}

func TestFamily(t *testing.T) {
	for ref, want := range map[string]struct {
		family string
		newest bool
	}{
		"web":   {"web", true},
		"web:3": {"web", false},
		"arn:aws:ecs:us-east-1:000000000000:task-definition/web:3": {"web", false},
	} {
		if family, newest := Family(ref); family != want.family || newest != want.newest {
			t.Errorf("Family(%q) = %q, %v", ref, family, newest)
		}
	}
}

func TestChangeForPeople(t *testing.T) {
	for want, c := range map[string]Change{
		`cpu: "1" -> "2"`:   {"cpu", `"1"`, `"2"`},
		`cpu: unset -> "2"`: {"cpu", "", `"2"`},
		`cpu: "1" -> unset`: {"cpu", `"1"`, ""},
	} {
		if got := c.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := (Change{"command", "", strings.Repeat("x", 1000)}).String(); len(got) > 200 {
		t.Errorf("%d bytes for a long value", len(got))
	}
}
