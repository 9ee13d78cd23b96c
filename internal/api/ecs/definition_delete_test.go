package ecs_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDeregisterAndDelete(t *testing.T) {
	w := newWorld()
	w.must(t, "RegisterTaskDefinition", web)
	w.must(t, "RegisterTaskDefinition", web)
	for _, test := range []struct{ operation, request, err string }{
		{"DeregisterTaskDefinition", `{"taskDefinition":""}`, "InvalidParameterException: TaskDefinition can not be blank."},
		// API_DeregisterTaskDefinition: "You must specify a revision".
		{"DeregisterTaskDefinition", `{"taskDefinition":"web"}`, "InvalidParameterException: Task definition web does not say a revision; name it as family:revision."},
		{"DeleteTaskDefinitions", `{"taskDefinitions":[]}`, "InvalidParameterException: Task definitions cannot be empty."},
		{"DeleteTaskDefinitions", `{"taskDefinitions":["a:1","a:1","a:1","a:1","a:1","a:1","a:1","a:1","a:1","a:1","a:1"]}`,
			"InvalidParameterException: task definitions can have at most 10 items."},
		{"DeleteTaskDefinitions", `{"taskDefinitions":["web"]}`, "InvalidParameterException: Task definition web does not say a revision; name it as family:revision."},
	} {
		_, err := w.call(test.operation, test.request)
		if diff := cmp.Diff(test.err, refusal(t, err)); diff != "" {
			t.Errorf("%s %s: %s", test.operation, test.request, diff)
		}
	}
	answer := w.must(t, "DeregisterTaskDefinition", `{"taskDefinition":"web:1"}`)
	for _, part := range []string{`"status":"INACTIVE"`, `"deregisteredAt":1700000000.123`, `"family":"web"`} {
		if !strings.Contains(answer, part) {
			t.Errorf("%s is not in %s", part, answer)
		}
	}
	w.last = nil
	if _, err := w.call("DeleteTaskDefinitions", `{"taskDefinitions":["web:1","web"]}`); err == nil || w.last != nil {
		t.Errorf("a request that names no revision: error %v, and %v was done", err, w.last)
	}
	want := `{"failures":[{"arn":"` + pre + `task-definition/web:2","reason":"not so"}],"taskDefinitions":[`
	answer = w.must(t, "DeleteTaskDefinitions", `{"taskDefinitions":["web:2","web:1"]}`)
	if !strings.HasPrefix(answer, want) || !strings.Contains(answer, `"status":"DELETE_IN_PROGRESS"`) || !strings.Contains(answer, `"deleteRequestedAt":1700000000.123`) {
		t.Errorf("got %s, want %s and one in progress", answer, want)
	}
}

func TestFamilies(t *testing.T) {
	w := newWorld()
	for _, family := range []string{"web", "webhook", "we", "b", "old"} {
		w.must(t, "RegisterTaskDefinition", strings.Replace(web, `"web"`, `"`+family+`"`, 1))
	}
	w.must(t, "RegisterTaskDefinition", web)
	w.must(t, "DeregisterTaskDefinition", `{"taskDefinition":"web:1"}`)
	w.must(t, "DeregisterTaskDefinition", `{"taskDefinition":"old:1"}`)
	for _, test := range []struct {
		request string
		want    []string
	}{
		{`{}`, []string{"b", "old", "we", "web", "webhook"}},
		{`{"status":"ALL"}`, []string{"b", "old", "we", "web", "webhook"}},
		{`{"status":"ACTIVE"}`, []string{"b", "we", "web", "webhook"}},
		{`{"status":"INACTIVE"}`, []string{"old"}},
		{`{"familyPrefix":"web"}`, []string{"web", "webhook"}},
		{`{"familyPrefix":"x"}`, nil},
	} {
		var got []string
		for next, pages := "", 0; pages == 0 || next != ""; pages++ {
			request := strings.TrimSuffix(test.request, "}") + `,"maxResults":1,"nextToken":"` + next + `"}`
			var page []string
			page, next = list(t, w, "ListTaskDefinitionFamilies", strings.Replace(request, "{,", "{", 1))
			got = append(got, page...)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.request, diff)
		}
	}
}

func TestChangeClusters(t *testing.T) {
	w := newWorld()
	w.must(t, "CreateCluster", `{}`)
	for _, test := range []struct{ operation, request, err string }{
		{"DeleteCluster", `{}`, "InvalidParameterException: Cluster can not be blank."},
		{"DeleteCluster", `{"cluster":"gone"}`, "ClusterNotFoundException: Cluster not found."},
		{"UpdateClusterSettings", `{"cluster":"default","settings":[]}`, "InvalidParameterException: Settings can not be empty."},
		{"UpdateClusterSettings", `{"cluster":"default","settings":[{"name":"containerInsights","value":"enabled"}]}`,
			"InvalidParameterException: settings[0].value enabled is not supported by this version of Ballast yet; use disabled. See docs/compatibility.md."},
		{"UpdateCluster", `{"cluster":"default","serviceConnectDefaults":{"namespace":"x"}}`,
			"InvalidParameterException: serviceConnectDefaults is not supported by this version of Ballast yet; remove it. See docs/compatibility.md."},
	} {
		_, err := w.call(test.operation, test.request)
		if diff := cmp.Diff(test.err, refusal(t, err)); diff != "" {
			t.Errorf("%s %s: %s", test.operation, test.request, diff)
		}
	}
	if answer := w.must(t, "UpdateCluster", `{"cluster":"default","settings":[{"name":"containerInsights","value":"disabled"}]}`); !strings.Contains(answer, `"status":"ACTIVE"`) {
		t.Error(answer)
	}
	if answer := w.must(t, "DeleteCluster", `{"cluster":"default"}`); !strings.Contains(answer, `"status":"INACTIVE"`) {
		t.Error(answer)
	}
	if arns, _ := list(t, w, "ListClusters", `{}`); arns != nil {
		t.Errorf("an INACTIVE cluster is listed: %v", arns)
	}
	_, err := w.call("DeleteCluster", `{"cluster":"default"}`)
	if diff := cmp.Diff("ClusterNotFoundException: The referenced cluster was inactive.", refusal(t, err)); diff != "" {
		t.Error(diff)
	}
}
