package ecs_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/control"
	"ballast/internal/ecs"
)

func TestTagResource(t *testing.T) {
	w := furnished(t)
	id := "01000000000000000000000000000000"
	resources := map[string]control.Resource{
		"cluster/default":                  {Cluster: "default"},
		"service/default/front":            {Cluster: "default", Service: "front"},
		"task/default/" + id:               {Cluster: "default", Task: ecs.ID{1}},
		"container-instance/default/" + id: {Cluster: "default", Instance: ecs.ID{1}},
		"task-definition/web:1":            {Family: "web", Revision: 1},
	}
	for name, want := range resources {
		w.must(t, "TagResource", `{"resourceArn":"`+pre+name+`","tags":[{"key":"a","value":"b"}]}`)
		if diff := cmp.Diff(control.TagResource{Resource: want, Set: []ecs.Tag{{Key: "a", Value: "b"}}}, w.last); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		w.must(t, "UntagResource", `{"resourceArn":"`+pre+name+`","tagKeys":["a"]}`)
		if diff := cmp.Diff(control.TagResource{Resource: want, Remove: []string{"a"}}, w.last); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	const invalid = "InvalidParameterException: "
	for _, test := range []struct{ operation, request, err string }{
		{"TagResource", `{"tags":[]}`, invalid + "resourceArn can not be blank."},
		{"TagResource", `{"resourceArn":"front"}`, invalid + "Invalid identifier: resourceArn must be an ARN of ECS."},
		{"TagResource", `{"resourceArn":"arn:aws:s3:::bucket","tags":[]}`, invalid + "Invalid identifier: resourceArn must be an ARN of ECS."},
		{"TagResource", `{"resourceArn":"` + pre + `task/default/00000000000000000000000000000000","tags":[]}`, "ResourceNotFoundException: The specified resource wasn't found."},
		{"ListTagsForResource", `{"resourceArn":"` + pre + `container-instance/default/00000000000000000000000000000000"}`, "ResourceNotFoundException: The specified resource wasn't found."},
		// boto/boto3#2473
		{"TagResource", `{"resourceArn":"` + pre + `service/front"}`, invalid + "Long arn format must be used for tagging operations"},
		{"TagResource", `{"resourceArn":"` + pre + `capacity-provider/x"}`,
			invalid + "Tagging of capacity-provider is not supported by this version of Ballast yet. See docs/compatibility.md."},
		{"TagResource", `{"resourceArn":"` + pre + `service/default/front","tags":[{"key":"aws:a","value":"b"}]}`,
			invalid + "Tag keys can not begin with aws:, which is reserved."},
		{"TagResource", `{"resourceArn":"` + pre + `service/default/front","tags":[{"key":"ballast:a","value":"b"}]}`, invalid + "tag ballast:a is not known"},
		{"TagResource", `{"resourceArn":"` + pre + `cluster/default","tags":[{"key":"ballast:a","value":"b"}]}`, invalid + "tag ballast:a is not known"},
		{"TagResource", `{"resourceArn":"` + pre + `task-definition/web:1","tags":[{"key":"ballast:a","value":"b"}]}`, ""},
		{"TagResource", `{"resourceArn":"` + pre + `service/default/front"}`, invalid + "tags can not be blank."},
		{"UntagResource", `{"resourceArn":"` + pre + `service/default/front"}`, invalid + "tagKeys can not be blank."},
		{"UntagResource", `{"resourceArn":"` + pre + `service/default/front","tagKeys":["aws:a"]}`, invalid + "Tag keys can not begin with aws:, which is reserved."},
		{"ListTagsForResource", `{"resourceArn":"` + pre + `service/default/gone"}`, "ResourceNotFoundException: The specified resource wasn't found."},
		{"ListTagsForResource", `{"resourceArn":"` + pre + `task-definition/web:7"}`, "ResourceNotFoundException: The specified resource wasn't found."},
		{"ListTagsForResource", `{"resourceArn":"` + pre + `cluster/gone"}`, "ClusterNotFoundException: Cluster not found."},
	} {
		_, err := w.call(test.operation, test.request)
		if diff := cmp.Diff(test.err, refusal(t, err)); diff != "" {
			t.Errorf("%s %s: %s", test.operation, test.request, diff)
		}
	}
	w.must(t, "RegisterTaskDefinition", `{"family":"t","containerDefinitions":[{"name":"app","image":"nginx","memory":64}],"tags":[{"key":"a","value":"b"}]}`)
	got := w.must(t, "ListTagsForResource", `{"resourceArn":"`+pre+`task-definition/t:1"}`)
	if diff := cmp.Diff(`{"tags":[{"key":"a","value":"b"}]}`, got); diff != "" {
		t.Error(diff)
	}
}

func TestAccountSettings(t *testing.T) {
	w := newWorld()
	one := func(name string) string {
		return `{"name":"` + name + `","principalArn":"arn:aws:iam::123456789012:root","type":"user","value":"enabled"}`
	}
	for _, test := range []struct{ operation, request, want string }{
		{"ListAccountSettings", `{"effectiveSettings":true}`, `{"settings":[` + one("serviceLongArnFormat") + `,` + one("taskLongArnFormat") + `,` +
			one("containerInstanceLongArnFormat") + `]}`},
		{"ListAccountSettings", `{"name":"taskLongArnFormat"}`, `{"settings":[` + one("taskLongArnFormat") + `]}`},
		{"ListAccountSettings", `{"name":"taskLongArnFormat","value":"disabled"}`, `{"settings":[]}`},
		{"PutAccountSetting", `{"name":"taskLongArnFormat","value":"enabled"}`, `{"setting":` + one("taskLongArnFormat") + `}`},
		{"PutAccountSettingDefault", `{"name":"taskLongArnFormat","value":"enabled"}`, `{"setting":` + one("taskLongArnFormat") + `}`},
		{"DeleteAccountSetting", `{"name":"taskLongArnFormat"}`, `{"setting":` + one("taskLongArnFormat") + `}`},
	} {
		if diff := cmp.Diff(test.want, w.must(t, test.operation, test.request)); diff != "" {
			t.Errorf("%s %s: %s", test.operation, test.request, diff)
		}
	}
	for _, request := range []string{`{}`, `{"name":"taskLongArnFormat"}`, `{"name":"taskLongArnFormat","value":"disabled"}`,
		`{"name":"containerInsights","value":"enabled"}`, `{"name":"nonsense","value":"enabled"}`} {
		if _, err := w.call("PutAccountSetting", request); refusal(t, err) == "" {
			t.Errorf("%s is accepted", request)
		}
	}
}
