package ecs_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/control"
	"ballast/internal/control/journal"
	"ballast/internal/ecs"
)

const deployed = pre + "service-deployment/default/front/"

// rolled is lived with a service that has gone back from its second service deployment and is in its third.
func rolled(t testing.TB) *world {
	w := lived(t)
	s := *w.state.Service("default", "front")
	s.Deployments[0].FailedTasks, s.Deployments[0].Family, s.Deployments[0].Revision = 2, "full", 1
	s.Deployments[1].Family, s.Deployments[1].Revision = "web", 1
	s.Breaker = ecs.Breaker{Enabled: true, Rollback: true}
	s.Current = &ecs.ServiceDeployment{ID: "CCCCCCCCCCCCCCCCCCCCC", Number: 3, Status: ecs.ServiceDeploymentInProgress, CreatedAt: start + 9000,
		StartedAt: start + 9001, UpdatedAt: start + 9002, Target: s.Deployments[0].ServiceRevision(), Sources: []ecs.DeploymentID{7}}
	first := &ecs.ServiceDeployment{ID: "AAAAAAAAAAAAAAAAAAAAA", Number: 1, Status: ecs.ServiceDeploymentSuccessful, CreatedAt: start,
		StartedAt: start, FinishedAt: start + 2000, UpdatedAt: start + 2000, Target: ecs.ServiceRevision{ID: 7, Family: "web", Revision: 1, CreatedAt: start},
		Watch: &ecs.Watch{Threshold: 3}, Last: &ecs.Snapshot{Tasks: []ecs.RevisionTasks{{Revision: 7, Requested: 2, Running: 2}},
			Configuration: ecs.DeploymentConfiguration{MinimumHealthyPercent: 100, MaximumPercent: 200}}}
	second := &ecs.ServiceDeployment{ID: "BBBBBBBBBBBBBBBBBBBBB", Number: 2, Status: ecs.ServiceDeploymentRollbackSuccessful,
		StatusReason: "Service deployment rolled back because the circuit breaker threshold was exceeded.", CreatedAt: start + 3000,
		StartedAt: start + 3000, FinishedAt: start + 6000, UpdatedAt: start + 6000, Sources: []ecs.DeploymentID{7},
		Target:   ecs.ServiceRevision{ID: 8, Family: "gone", Revision: 4, CreatedAt: start + 3000},
		Rollback: &ecs.Rollback{Reason: "Service deployment rolled back because the circuit breaker threshold was exceeded.", StartedAt: start + 5000, Revision: 7},
		Watch:    &ecs.Watch{Failed: 3, Threshold: 3, Tripped: true},
		Last: &ecs.Snapshot{Tasks: []ecs.RevisionTasks{{Revision: 7, Requested: 2, Running: 2}, {Revision: 8}},
			Configuration: ecs.DeploymentConfiguration{MinimumHealthyPercent: 50, MaximumPercent: 150, Breaker: s.Breaker}}}
	w.put(&s)
	w.builder.Apply(journal.Unit{{Key: journal.DeploymentKey(&s, 1), Record: first}, {Key: journal.DeploymentKey(&s, 2), Record: second}})
	w.state = w.builder.Publish()
	return w
}

func TestServiceDeploymentShapes(t *testing.T) {
	all := fmt.Sprintf(`["%[1]sCCCCCCCCCCCCCCCCCCCCC","%[1]sBBBBBBBBBBBBBBBBBBBBB","%[1]sgone"]`, deployed)
	revisions := fmt.Sprintf(`["%[1]s0012345678901234567","%[1]s7","%[1]s8","%[1]s9"]`, pre+"service-revision/default/front/")
	for name, call := range map[string][2]string{
		"service_deployments":      {"DescribeServiceDeployments", `{"serviceDeploymentArns":` + all + `}`},
		"service_deployments_list": {"ListServiceDeployments", `{"service":"front"}`},
		"service_revisions":        {"DescribeServiceRevisions", `{"serviceRevisionArns":` + revisions + `}`},
		"services_deployed":        {"DescribeServices", `{"services":["front"]}`},
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, rolled(t).must(t, call[0], call[1])) })
	}
}

// deployments gives the numbers of what ListServiceDeployments answers, as letters, and the token.
func deployments(t *testing.T, w *world, request string) (letters, next string) {
	t.Helper()
	var page struct {
		ServiceDeployments []struct{ ServiceDeploymentArn string }
		NextToken          string
	}
	if err := json.Unmarshal([]byte(w.must(t, "ListServiceDeployments", request)), &page); err != nil {
		t.Fatal(err)
	}
	for _, d := range page.ServiceDeployments {
		letters += d.ServiceDeploymentArn[len(deployed) : len(deployed)+1]
	}
	return letters, page.NextToken
}

func TestListServiceDeployments(t *testing.T) {
	w := rolled(t)
	second := float64(start)/1000 + 3
	for filter, want := range map[string]string{
		``:                                       "CBA",
		`"status":["SUCCESSFUL"]`:                "A",
		`"status":["IN_PROGRESS","SUCCESSFUL"]`:  "CA",
		`"status":["STOPPED"]`:                   "",
		`"createdAt":{}`:                         "CBA",
		`"cluster":"` + pre + `cluster/default"`: "CBA",
		`"maxResults":100`:                       "CBA",
		fmt.Sprintf(`"createdAt":{"after":%.3f}`, second):                                   "C",
		fmt.Sprintf(`"createdAt":{"before":%.3f}`, second):                                  "A",
		fmt.Sprintf(`"createdAt":{"after":%.3f,"before":%.3f}`, second-0.001, second+0.001): "B",
	} {
		if filter != "" {
			filter = "," + filter
		}
		if got, next := deployments(t, w, `{"service":"front"`+filter+`}`); got != want || next != "" {
			t.Errorf("%s: %q and token %q, want %q", filter, got, next, want)
		}
	}
	one, next := deployments(t, w, `{"service":"front","maxResults":1}`)
	two, next := deployments(t, w, `{"service":"front","maxResults":1,"nextToken":"`+next+`"}`)
	rest, end := deployments(t, w, `{"service":"front","maxResults":2,"nextToken":"`+next+`"}`)
	if diff := cmp.Diff([]string{"C", "B", "A", ""}, []string{one, two, rest, end}); diff != "" {
		t.Error(diff)
	}
	if _, err := w.call("ListServiceDeployments", `{"service":"front","status":["STOPPED"],"nextToken":"`+next+`"}`); err == nil {
		t.Error("a token is good for other filters")
	}
	gone := *w.state.Service("default", "front")
	gone.Current, gone.Status = nil, ecs.ServiceDraining
	w.put(&gone)
	if got, _ := deployments(t, w, `{"service":"front"}`); got != "" {
		t.Errorf("a deleted service has %q", got)
	}
}

func TestServiceDeploymentRefusals(t *testing.T) {
	many := `["` + deployed + strings.Repeat(`x","`+deployed, 20) + `x"]`
	for _, test := range []struct{ operation, request, want string }{
		{"ListServiceDeployments", `{"service":"nobody"}`, "ServiceNotFoundException: Service not found."},
		{"ListServiceDeployments", `{"service":"front","cluster":"nowhere"}`, "ClusterNotFoundException: Cluster not found."},
		{"ListServiceDeployments", `{"service":""}`, "InvalidParameterException: Service can not be blank."},
		{"ListServiceDeployments", `{"service":"front","status":["DONE"]}`, "InvalidParameterException: status[0] DONE should be one of "},
		{"ListServiceDeployments", `{"service":"front","maxResults":101}`, "InvalidParameterException: maxResults should be between 1 and 100"},
		{"DescribeServiceDeployments", `{"serviceDeploymentArns":[]}`, "InvalidParameterException: Service deployment ARNs cannot be empty."},
		{"DescribeServiceDeployments", `{"serviceDeploymentArns":` + many + `}`, "InvalidParameterException: service deployment ARNs can have at most 20 items."},
		{"DescribeServiceDeployments", `{"serviceDeploymentArns":["x"]}`, "InvalidParameterException: Invalid identifier: x"},
		{"DescribeServiceDeployments", `{"serviceDeploymentArns":["` + pre + `service/default/front"]}`,
			"InvalidParameterException: Invalid identifier: Identifier is for service. Expected service-deployment"},
		{"DescribeServiceRevisions", `{"serviceRevisionArns":["` + pre + `service-revision/default/front/x"]}`, "InvalidParameterException: Invalid identifier: "},
		{"DescribeServiceRevisions", `{}`, "InvalidParameterException: Service revision ARNs cannot be empty."},
		{"StopServiceDeployment", `{"serviceDeploymentArn":"x"}`, "InvalidParameterException: Invalid identifier: x"},
		{"StopServiceDeployment", `{"serviceDeploymentArn":"` + deployed + `x","stopType":"ABORT"}`,
			"InvalidParameterException: stopType ABORT is not supported by this version of Ballast yet; use ROLLBACK."},
		{"StopServiceDeployment", `{"serviceDeploymentArn":"` + deployed + `x","stopType":"HALT"}`, "InvalidParameterException: stopType HALT should be one of "},
	} {
		if _, err := rolled(t).call(test.operation, test.request); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s %s: %v, want %s", test.operation, test.request, err, test.want)
		}
	}
}

func TestStopServiceDeployment(t *testing.T) {
	w := rolled(t)
	for _, how := range []string{``, `,"stopType":"ROLLBACK"`} {
		got := w.must(t, "StopServiceDeployment", `{"serviceDeploymentArn":"`+deployed+`CCCCCCCCCCCCCCCCCCCCC"`+how+`}`)
		if want := `{"serviceDeploymentArn":"` + deployed + `CCCCCCCCCCCCCCCCCCCCC"}`; got != want {
			t.Errorf("answers %s, want %s", got, want)
		}
		if want := (control.StopServiceDeployment{Cluster: "default", Service: "front", ID: "CCCCCCCCCCCCCCCCCCCCC"}); w.last != want {
			t.Errorf("asks for %+v, want %+v", w.last, want)
		}
	}
}
