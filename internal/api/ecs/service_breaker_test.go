package ecs_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/control"
	"ballast/internal/ecs"
)

func TestCircuitBreakerFields(t *testing.T) {
	tests := []struct {
		given string
		want  ecs.Breaker
		shown string
	}{
		{`"enable":true,"rollback":true`, ecs.Breaker{Enabled: true, Rollback: true}, `{"enable":true,"rollback":true}`},
		{`"enable":true,"rollback":false,"resetOnHealthyTask":true`, ecs.Breaker{Enabled: true}, `{"enable":true,"rollback":false}`},
		{`"enable":true,"rollback":false,"resetOnHealthyTask":false,"thresholdConfiguration":{"type":"COUNT","value":10000}`,
			ecs.Breaker{Enabled: true, Cumulative: true, Type: ecs.FailureCount, Value: 10000},
			`{"enable":true,"resetOnHealthyTask":false,"rollback":false,"thresholdConfiguration":{"type":"COUNT","value":10000}}`},
		{`"enable":false,"rollback":true,"thresholdConfiguration":{"type":"BOUNDED_PERCENT","value":1}`,
			ecs.Breaker{Rollback: true, Type: ecs.BoundedPercent, Value: 1},
			`{"enable":false,"rollback":true,"thresholdConfiguration":{"type":"BOUNDED_PERCENT","value":1}}`},
		{`"enable":true,"rollback":true,"thresholdConfiguration":{"type":"UNBOUNDED_PERCENT","value":100}`,
			ecs.Breaker{Enabled: true, Rollback: true, Type: ecs.UnboundedPercent, Value: 100},
			`{"enable":true,"rollback":true,"thresholdConfiguration":{"type":"UNBOUNDED_PERCENT","value":100}}`},
	}
	for _, test := range tests {
		w := furnished(t)
		configuration := `"deploymentConfiguration":{"deploymentCircuitBreaker":{` + test.given + `}}`
		created := w.must(t, "CreateService", service(configuration))
		if shown := `"deploymentCircuitBreaker":` + test.shown; !strings.Contains(created, shown) {
			t.Errorf("shows %s, want %s", created, shown)
		}
		if diff := cmp.Diff(test.want, w.last.(control.CreateService).Service.Breaker); diff != "" {
			t.Errorf("create with %s: %s", test.given, diff)
		}
		w.must(t, "UpdateService", `{"service":"front",`+configuration+`}`)
		if diff := cmp.Diff(&test.want, w.last.(control.UpdateService).Breaker); diff != "" {
			t.Errorf("update with %s: %s", test.given, diff)
		}
	}
}

func TestGracePeriodFields(t *testing.T) {
	w := furnished(t)
	const longest = `"healthCheckGracePeriodSeconds":2147483647`
	if created := w.must(t, "CreateService", service(longest)); !strings.Contains(created, longest) {
		t.Errorf("shows %s", created)
	}
	if got := w.last.(control.CreateService).Service.GracePeriod; got != 2147483647 {
		t.Errorf("grace period %d", got)
	}
	w.must(t, "UpdateService", `{"service":"front","healthCheckGracePeriodSeconds":0}`)
	if diff := cmp.Diff(new(0), w.last.(control.UpdateService).GracePeriod); diff != "" {
		t.Error(diff)
	}
}

func TestBadBreakersAndGracePeriods(t *testing.T) {
	threshold := func(of string) string {
		return `"deploymentConfiguration":{"deploymentCircuitBreaker":{"enable":true,"rollback":true,"thresholdConfiguration":{` + of + `}}}`
	}
	tests := map[string]string{
		threshold(`"type":"COUNT","value":0`):               "type COUNT must be between 1 and 10000.",
		threshold(`"type":"COUNT","value":10001`):           "type COUNT must be between 1 and 10000.",
		threshold(`"type":"BOUNDED_PERCENT","value":101`):   "type BOUNDED_PERCENT must be between 1 and 100.",
		threshold(`"type":"UNBOUNDED_PERCENT","value":101`): "type UNBOUNDED_PERCENT must be between 1 and 100.",
		threshold(`"value":5`):                              "needs a type",
		`"healthCheckGracePeriodSeconds":-1`:                "healthCheckGracePeriodSeconds must be between 0 and 2147483647.",
	}
	early := func(of string) string { return `"deploymentConfiguration":{"earlySuccessCriteria":{` + of + `}}` }
	tests[early(`"enable":true`)] = "needs healthyPercent and sourceServiceRevisionCleanup."
	tests[early(`"enable":true,"healthyPercent":101,"sourceServiceRevisionCleanup":"BLOCKING"`)] = "must be between 0 and 100."
	tests[early(`"enable":true,"healthyPercent":90,"sourceServiceRevisionCleanup":"NEVER"`)] = "should be one of [BLOCKING,DEFERRED]"
	tests[`"deploymentConfiguration":{"alarms":{"enable":true,"rollback":false,"alarmNames":["x"]}}`] = "deploymentConfiguration.alarms is not supported"
	for given, want := range tests {
		w := furnished(t)
		for operation, request := range map[string]string{"CreateService": service(given), "UpdateService": `{"service":"front",` + given + `}`} {
			if _, err := w.call(operation, request); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s %s: %v, want %q", operation, given, err, want)
			}
		}
	}
}

func TestEarlySuccessFields(t *testing.T) {
	w := furnished(t)
	const asked = `"earlySuccessCriteria":{"enable":true,"healthyPercent":60,"sourceServiceRevisionCleanup":"DEFERRED"}`
	const configuration = `"deploymentConfiguration":{"minimumHealthyPercent":50,` + asked + `}`
	if created := w.must(t, "CreateService", service(configuration)); !strings.Contains(created, asked) {
		t.Errorf("shows %s", created)
	}
	want := &ecs.EarlySuccess{Enabled: true, Percent: 60, Deferred: true}
	if diff := cmp.Diff(want, w.last.(control.CreateService).Service.Early); diff != "" {
		t.Error(diff)
	}
	w.must(t, "UpdateService", `{"service":"front",`+configuration+`}`)
	if diff := cmp.Diff(want, w.last.(control.UpdateService).Early); diff != "" {
		t.Error(diff)
	}
	below := strings.Replace(configuration, "60", "40", 1)
	if _, err := w.call("CreateService", service(below)); err == nil || !strings.Contains(err.Error(), "between the minimumHealthyPercent, 50, and 100") {
		t.Errorf("40 of at least 50 percent: %v", err)
	}
}
