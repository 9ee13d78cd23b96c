package ecs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/control"
	"ballast/internal/ecs"
)

func TestServiceRefuses(t *testing.T) {
	const create, update, remove, describe = "CreateService", "UpdateService", "DeleteService", "DescribeServices"
	const parameter = "InvalidParameterException: "
	tests := []struct{ operation, request, want string }{
		{create, `{"taskDefinition":"web","desiredCount":1}`, parameter + "ServiceName can not be blank."},
		{create, `{"serviceName":"a b","taskDefinition":"web","desiredCount":1}`, parameter + `serviceName must match ^[a-zA-Z0-9\-_]+$ and have at most 255 characters`},
		{create, `{"serviceName":"s","taskDefinition":"web"}`, parameter + "desiredCount is required when schedulingStrategy is REPLICA."},
		{create, `{"serviceName":"s","desiredCount":1}`, parameter + "TaskDefinition can not be blank."},
		{create, `{"serviceName":"s","taskDefinition":"web","desiredCount":-1}`, parameter + "desiredCount must be between 0 and 5000."},
		{create, `{"serviceName":"s","taskDefinition":"web","desiredCount":5001}`, parameter + "desiredCount must be between 0 and 5000."},
		{create, `{"serviceName":"s","taskDefinition":"web:9","desiredCount":1}`, "ClientException: TaskDefinition not found."},
		{create, `{"serviceName":"s","taskDefinition":"gone","desiredCount":1}`, "ClientException: TaskDefinition not found."},
		{create, `{"serviceName":"s","taskDefinition":"old:1","desiredCount":1}`, "ClientException: TaskDefinition is inactive"},
		{create, `{"serviceName":"s","taskDefinition":"web","desiredCount":1,"cluster":"gone"}`, "ClusterNotFoundException: Cluster not found."},
		{create, `{"serviceName":"s","taskDefinition":"web","desiredCount":1,"cluster":"ended"}`, "ClusterNotFoundException: The referenced cluster was inactive."},
		{create, service(`"clientToken":"` + strings.Repeat("x", 37) + `"`), parameter + "clientToken can have at most 36 ASCII characters."},
		{create, service(`"tags":[{"key":"ballast:wat","value":"1"}]`), parameter + "tag ballast:wat is not known"},
		{create, service(`"tags":[{"key":""}]`), parameter + "Tag keys can not be empty."},
		{create, service(`"deploymentConfiguration":{"minimumHealthyPercent":100,"maximumPercent":100}`), parameter + "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments"},
		{create, service(`"deploymentConfiguration":{"maximumPercent":100}`), parameter + "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments"},
		{create, service(`"deploymentConfiguration":{"minimumHealthyPercent":101}`), parameter + "minimumHealthyPercent must be between 0 and 100."},
		{create, service(`"deploymentConfiguration":{"minimumHealthyPercent":-1}`), parameter + "minimumHealthyPercent must be between 0 and 100."},
		{create, service(`"deploymentConfiguration":{"maximumPercent":99}`), parameter + "maximumPercent must be between 100 and 10000."},
		{update, `{}`, parameter + "Service can not be blank."},
		{update, `{"service":"gone"}`, "ServiceNotFoundException: Service not found."},
		{update, `{"service":"over"}`, "ServiceNotActiveException: Service was not ACTIVE."},
		{update, `{"service":"front","cluster":"gone"}`, "ClusterNotFoundException: Cluster not found."},
		{update, `{"service":"front","taskDefinition":""}`, parameter + "TaskDefinition can not be blank."},
		{update, `{"service":"front","taskDefinition":"old:1"}`, "ClientException: TaskDefinition is inactive"},
		{update, `{"service":"front","desiredCount":-1}`, parameter + "desiredCount must be between 0 and 5000."},
		{update, `{"service":"front","deploymentConfiguration":{"maximumPercent":100}}`, parameter + "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments"},
		{update, `{"service":"` + pre + `service/other/front"}`, parameter + "Invalid identifier: Identifier is for cluster other. Your cluster is default"},
		{remove, `{"service":"gone"}`, "ServiceNotFoundException: Service not found."},
		{remove, `{"service":"over"}`, "ServiceNotActiveException: Service was not ACTIVE."},
		{describe, `{"services":[]}`, parameter + "Services cannot be empty."},
		{describe, `{"services":["a","a","a","a","a","a","a","a","a","a","a"]}`, parameter + "service names can have at most 10 items."},
		{describe, `{"services":["a"],"cluster":"gone"}`, "ClusterNotFoundException: Cluster not found."},
		{"ListServices", `{"maxResults":0}`, parameter + "maxResults should be between 1 and 100"},
		{"ListServices", `{"maxResults":101}`, parameter + "maxResults should be between 1 and 100"},
		{"ListServices", `{"nextToken":"x"}`, parameter + "Invalid token."},
	}
	w := furnished(t)
	w.put(&ecs.Cluster{Name: "ended", Inactive: true},
		&ecs.TaskDefinition{Family: "old", Revision: 1, Status: ecs.TaskDefinitionInactive},
		&ecs.Service{Cluster: "default", Name: "over", Seq: 99, Status: ecs.ServiceInactive})
	w.last = nil
	for _, test := range tests {
		_, err := w.call(test.operation, test.request)
		if got := refusal(t, err); got != test.want {
			t.Errorf("%s %s\ngot  %s\nwant %s", test.operation, test.request, got, test.want)
		}
	}
	if w.last != nil {
		t.Errorf("a refused request reached control: %+v", w.last)
	}
}

func TestCreateServiceCommand(t *testing.T) {
	w := furnished(t)
	w.must(t, "CreateService", `{"cluster":"`+pre+`cluster/default","serviceName":"back","taskDefinition":"`+pre+`task-definition/web:1","desiredCount":3,
		"clientToken":"once","launchType":"EC2","propagateTags":"SERVICE","enableECSManagedTags":true,"enableExecuteCommand":false,
		"tags":[{"key":"a","value":"b"}],"deploymentConfiguration":{"maximumPercent":150}}`)
	got := w.last.(control.CreateService)
	if got.Digest == [16]byte{} {
		t.Error("no digest")
	}
	want := control.CreateService{Token: "once", Digest: got.Digest, Service: ecs.Service{Cluster: "default", Name: "back", Desired: 3,
		Definition: w.state.Definition("web", 1), Family: "web", Revision: 1, MinimumHealthyPercent: 100, MaximumPercent: 150,
		PropagateTags: ecs.PropagateService, EnableECSManagedTags: true,
		Tags: []ecs.Tag{{Key: "a", Value: "b"}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDigestTellsRequestsApart(t *testing.T) {
	w := furnished(t)
	digest := func(request string) [16]byte {
		w.must(t, "CreateService", request)
		return w.last.(control.CreateService).Digest
	}
	const token = `"clientToken":"once"`
	first := digest(service(token))
	if digest(service(token)) != first {
		t.Error("the same request has another digest")
	}
	if digest(service(token+`,"propagateTags":"SERVICE"`)) == first {
		t.Error("another request has the same digest")
	}
	if digest(service(`"propagateTags":"SERVICE"`)) != [16]byte{} {
		t.Error("a digest without a token")
	}
}

func TestUpdateServiceCommand(t *testing.T) {
	w := furnished(t)
	w.must(t, "UpdateService", `{"service":"front"}`)
	if diff := cmp.Diff(control.UpdateService{Cluster: "default", Name: "front"}, w.last); diff != "" {
		t.Error("nothing given:", diff)
	}
	w.must(t, "UpdateService", `{"service":"`+pre+`service/front","taskDefinition":"web","desiredCount":0,"forceNewDeployment":true,"propagateTags":"NONE",
		"enableECSManagedTags":false,"enableExecuteCommand":false,"deploymentConfiguration":{"minimumHealthyPercent":0,"maximumPercent":100}}`)
	want := control.UpdateService{Cluster: "default", Name: "front", Definition: w.state.Definition("web", 1), Desired: new(0), MinimumHealthyPercent: new(0),
		MaximumPercent: new(100), Force: true, EnableECSManagedTags: new(false), PropagateTags: new(ecs.PropagateNone)}
	if diff := cmp.Diff(want, w.last); diff != "" {
		t.Error(diff)
	}
}

func TestDeleteServiceCommand(t *testing.T) {
	w := furnished(t)
	answer := w.must(t, "DeleteService", `{"service":"front","force":true}`)
	if diff := cmp.Diff(control.DeleteService{Cluster: "default", Name: "front", Force: true}, w.last); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(answer, `"status":"DRAINING"`) {
		t.Error(answer)
	}
	if got := w.must(t, "ListServices", `{}`); got != `{"serviceArns":[]}` {
		t.Error("a draining service is listed:", got)
	}
	if got := w.must(t, "DescribeServices", `{"services":["front"]}`); !strings.Contains(got, `"status":"DRAINING"`) {
		t.Error("a draining service is not described:", got)
	}
}

func TestClusters(t *testing.T) {
	w := newWorld()
	tests := []struct{ request, want string }{
		{`{"clusterName":"a b"}`, `InvalidParameterException: clusterName must match ^[a-zA-Z0-9\-_]+$ and have at most 255 characters`},
		{`{"tags":[{"key":"ballast:wat"}]}`, "InvalidParameterException: tag ballast:wat is not known"},
		{`{"settings":[{"name":"containerInsights","value":"enabled"}]}`, "InvalidParameterException: settings[0].value enabled is not supported by this version of Ballast yet; use disabled. See docs/compatibility.md."},
		{`{"settings":[{"value":"disabled"}]}`, "InvalidParameterException: settings: name can not be blank."},
	}
	for _, test := range tests {
		_, err := w.call("CreateCluster", test.request)
		if got := refusal(t, err); got != test.want {
			t.Errorf("%s: got %s", test.request, got)
		}
	}
	if got := w.must(t, "DescribeClusters", `{}`); got != `{"clusters":[],"failures":[{"arn":"`+pre+`cluster/default","reason":"MISSING"}]}` {
		t.Error("no default cluster yet:", got)
	}
	w.must(t, "CreateCluster", `{"clusterName":"one"}`)
	want := fmt.Sprintf("%+v", control.CreateCluster{Name: "one"})
	if got := fmt.Sprintf("%+v", w.last); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
