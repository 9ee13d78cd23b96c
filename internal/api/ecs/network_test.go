package ecs_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/control"
	"ballast/internal/ecs"
)

// vpc is a network configuration.
func vpc(members string) string {
	return `"networkConfiguration":{"awsvpcConfiguration":{` + members + `}}`
}

// networked is a furnished world with own:1 in network mode awsvpc.
func networked(t testing.TB) *world {
	w := furnished(t)
	w.put(&ecs.TaskDefinition{Seq: 900, Family: "own", Revision: 1, NetworkMode: ecs.NetworkAwsvpc, Document: []byte("{}"),
		Containers: []ecs.ContainerDefinition{{Name: "app", Image: "i", Memory: 4}}})
	return w
}

func TestNetworkConfigurationRefuses(t *testing.T) {
	many := func(n int) string { return strings.TrimSuffix(strings.Repeat(`"subnet-1",`, n), ",") }
	const needed = "Network Configuration must be provided when networkMode 'awsvpc' is specified."
	const unwanted = "Network Configuration is not valid for the given networkMode of this task definition."
	own := func(members string) string { return `"taskDefinition":"own",` + members }
	tests := []struct{ members, want string }{
		{`"taskDefinition":"own"`, needed},
		{own(`"networkConfiguration":{}`), needed},
		{own(vpc(`"subnets":[]`)), needed},
		{`"taskDefinition":"web",` + vpc(`"subnets":["subnet-1"]`), unwanted},
		{own(vpc(`"securityGroups":["sg-1"]`)), "subnets can not be empty."},
		{own(vpc(`"subnets":[` + many(17) + `]`)), "subnets can have at most 16 items."},
		{own(vpc(`"subnets":["subnet-1"],"securityGroups":["sg-1","sg-1","sg-1","sg-1","sg-1","sg-1"]`)), "securityGroups can have at most 5 items."},
		{own(vpc(`"subnets":["subnet-1"],"assignPublicIp":"ENABLED"`)), "Assign public IP is not supported for this launch type."},
		{own(vpc(`"subnets":["vpc-1"]`)), `Error retrieving subnet information for [vpc-1]: Invalid id: "vpc-1" (expecting "subnet-...") (ErrorCode: InvalidSubnetID.Malformed)`},
		{own(vpc(`"subnets":["subnet-"]`)), `Error retrieving subnet information for [subnet-]: Invalid id: "subnet-" (expecting "subnet-...") (ErrorCode: InvalidSubnetID.Malformed)`},
		{own(vpc(`"subnets":["subnet-1"],"securityGroups":["sg-a b"]`)), `Error retrieving security group information for [sg-a b]: Invalid id: "sg-a b" (expecting "sg-...") (ErrorCode: InvalidGroupId.Malformed)`},
	}
	more := map[string]string{"RunTask": `{`, "StartTask": `{"containerInstances":["` + noID + `"],`, "CreateService": `{"serviceName":"back","desiredCount":1,`}
	for _, test := range tests {
		for operation, begin := range more {
			w := networked(t)
			_, err := w.call(operation, begin+test.members+`}`)
			if got := refusal(t, err); got != "InvalidParameterException: "+test.want {
				t.Errorf("%s %s\ngot  %s\nwant %s", operation, test.members, got, test.want)
			}
		}
	}
	_, err := networked(t).call("UpdateService", `{"service":"front",`+vpc(`"subnets":["x"]`)+`}`)
	if got := refusal(t, err); !strings.Contains(got, "InvalidSubnetID.Malformed") {
		t.Errorf("UpdateService: got %s", got)
	}
}

func TestNetworkConfigurationReachesControl(t *testing.T) {
	w := networked(t)
	given := vpc(`"subnets":["subnet-1","subnet-0a1b2c3d4e5f67890"],"securityGroups":["sg-1"],"assignPublicIp":"DISABLED"`)
	want := &ecs.Network{Subnets: []string{"subnet-1", "subnet-0a1b2c3d4e5f67890"}, SecurityGroups: []string{"sg-1"}}
	check := func(got *ecs.Network) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	w.must(t, "RunTask", `{"taskDefinition":"own","referenceId":"r",`+given+`}`)
	check(w.last.(control.RunTask).Network)
	w.must(t, "StartTask", `{"taskDefinition":"own","containerInstances":["`+noID+`"],`+given+`}`)
	check(w.last.(control.StartTask).Network)
	w.must(t, "UpdateService", `{"service":"front",`+given+`}`)
	check(w.last.(control.UpdateService).Network)
	answer := w.must(t, "CreateService", `{"serviceName":"back","taskDefinition":"own","desiredCount":0,`+given+`}`)
	check(w.last.(control.CreateService).Service.Network)
	if shown := `"networkConfiguration":{"awsvpcConfiguration":{"assignPublicIp":"DISABLED","securityGroups":["sg-1"],` +
		`"subnets":["subnet-1","subnet-0a1b2c3d4e5f67890"]}}`; strings.Count(answer, shown) != 1 {
		t.Errorf("the service does not show %s: %s", shown, answer)
	}
}

// A task in network mode awsvpc from its first status to its last.
func TestAttachments(t *testing.T) {
	w := networked(t)
	task := ecs.Task{Seq: 70, ID: ecs.ID{7}, Cluster: "default", Definition: w.state.Definition("own", 1), Instance: ecs.ID{1},
		Interface: &ecs.Interface{ID: ecs.ID{0xa1, 0xb2, 7: 0x0f, 8: 1, 12: 0xfe, 15: 9}, Subnet: "subnet-1"}}
	show := func(status ecs.Status, address string) string {
		task.LastStatus = status
		task.Containers = []ecs.Container{{ID: ecs.ID{8}, Address: address, Bindings: []ecs.Binding{{ContainerPort: 80, HostPort: 80}}}}
		made := task
		w.put(&made)
		return w.must(t, "DescribeTasks", `{"tasks":["`+task.ID.String()+`"]}`)
	}
	const id = "a1b20000-0000-000f-0100-0000fe000009"
	const subnet = `{"name":"subnetId","value":"subnet-1"}`
	const hardware = `,{"name":"networkInterfaceId","value":"eni-0a1b200000000000f"},{"name":"macAddress","value":"02:01:00:00:00:fe"}`
	const address = `,{"name":"privateDnsName","value":"ip-10-1-2-3.ec2.internal"},{"name":"privateIPv4Address","value":"10.1.2.3"}`
	tests := []struct {
		status                ecs.Status
		address, want, detail string
	}{
		{ecs.StatusProvisioning, "", "PRECREATED", subnet},
		{ecs.StatusPending, "", "ATTACHING", subnet + hardware},
		{ecs.StatusRunning, "10.1.2.3", "ATTACHED", subnet + hardware + address},
		{ecs.StatusDeprovisioning, "10.1.2.3", "DETACHING", subnet + hardware + address},
		{ecs.StatusStopped, "10.1.2.3", "DELETED", subnet + hardware + address},
	}
	for _, test := range tests {
		answer := show(test.status, test.address)
		attachment := `"attachments":[{"details":[` + test.detail + `],"id":"` + id + `","status":"` + test.want + `","type":"ElasticNetworkInterface"}]`
		if !strings.Contains(answer, attachment) {
			t.Errorf("%s: want %s in %s", test.status, attachment, answer)
		}
		interfaces := `"networkInterfaces":[]`
		if test.address != "" {
			interfaces = `"networkInterfaces":[{"attachmentId":"` + id + `","privateIpv4Address":"10.1.2.3"}]`
		}
		if !strings.Contains(answer, `"networkBindings":[],`+interfaces) {
			t.Errorf("%s: want %s and no bindings in %s", test.status, interfaces, answer)
		}
	}
}

func TestStartTask(t *testing.T) {
	w := furnished(t)
	const begin = `{"taskDefinition":"web","containerInstances":["` + noID + `"],`
	eleven := strings.TrimSuffix(strings.Repeat(`"`+noID+`",`, 11), ",")
	const parameter = "InvalidParameterException: "
	for _, test := range []struct{ request, want string }{
		{`{"taskDefinition":"web"}`, parameter + "Container instances cannot be empty."},
		{`{"taskDefinition":"web","containerInstances":[` + eleven + `]}`, parameter + "containerInstances can have at most 10 items."},
		{`{"taskDefinition":"web","containerInstances":["x"]}`, parameter + "containerInstanceId length should be one of [32,36]"},
		{`{"taskDefinition":"web","containerInstances":["` + pre + `container-instance/other/` + noID + `"]}`, parameter + "Invalid identifier: Identifier is for cluster other. Your cluster is default"},
		{`{"containerInstances":["` + noID + `"]}`, parameter + "TaskDefinition can not be blank."},
		{begin + `"cluster":"gone"}`, "ClusterNotFoundException: Cluster not found."},
		{begin + `"group":"service:x"}`, parameter + "group can not begin with service:, which is reserved for the tasks of services."},
		{begin + `"propagateTags":"SERVICE"}`, parameter + "propagateTags SERVICE is only possible for the tasks of a service; use TASK_DEFINITION."},
		{begin + `"referenceId":"` + strings.Repeat("x", 1025) + `"}`, parameter + "referenceId can have at most 1024 characters."},
		{begin + `"overrides":{"containerOverrides":[{"name":"x"}]}}`, parameter + "Override for container named x is not a container in the TaskDefinition."},
		{begin + `"volumeConfigurations":[{"name":"v"}]}`, parameter + "volumeConfigurations" + later},
	} {
		_, err := w.call("StartTask", test.request)
		if got := refusal(t, err); got != test.want {
			t.Errorf("%s\ngot  %s\nwant %s", test.request, got, test.want)
		}
	}
	answer := w.must(t, "StartTask", begin+`"group":"g","startedBy":"me","enableECSManagedTags":true,"propagateTags":"TASK_DEFINITION",
		"tags":[{"key":"a","value":"b"}],"overrides":{"containerOverrides":[{"name":"app","command":["x"]}]}}`)
	want := control.StartTask{Cluster: "default", Definition: w.state.Definition("web", 1), Instances: []ecs.ID{{7}}, Group: "g", StartedBy: "me",
		Tags:      []ecs.Tag{{Key: "a", Value: "b"}, {Key: "aws:ecs:clusterName", Value: "default"}},
		Overrides: &ecs.Overrides{Containers: []ecs.ContainerOverride{{Name: "app", Command: []string{"x"}}}}}
	if diff := cmp.Diff(want, w.last); diff != "" {
		t.Error(diff)
	}
	failure := `"failures":[{"arn":"` + pre + `container-instance/default/` + noID + `","detail":"The container instance is DRAINING.","reason":"INACTIVE"}]`
	if !strings.Contains(answer, failure) || strings.Count(answer, `"taskArn"`) != 2 {
		t.Errorf("want %s and one task in %s", failure, answer)
	}
}
