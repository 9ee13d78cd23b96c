package ecs_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/control"
	"ballast/internal/ecs"
)

// protect plays ProtectTasks: a standalone task, and one that there is not, are refused.
func (w *world) protect(c control.ProtectTasks) []control.Protection {
	var all []control.Protection
	for _, id := range c.Tasks {
		t := w.state.Task(c.Cluster, id)
		if reason := control.Unprotectable(t); reason != "" {
			all = append(all, control.Protection{Reason: reason})
			continue
		}
		made := *t
		made.ProtectedUntil = 0
		if c.For > 0 {
			made.ProtectedUntil = start.Add(c.For)
		}
		w.put(&made)
		all = append(all, control.Protection{Task: &made})
	}
	return all
}

// The shapes are those of API_UpdateTaskProtection and API_GetTaskProtection.
func TestTaskProtection(t *testing.T) {
	const running, stopped, none = "02000000000000000000000000000000", "05000000000000000000000000000000", "07000000000000000000000000000000"
	const failures = `"failures":[{"arn":"` + pre + `task/default/` + stopped + `","reason":"TASK_NOT_VALID"},{"arn":"` + pre + `task/default/` + none + `","reason":"MISSING"}]`
	const off = `"protectedTasks":[{"protectionEnabled":false,"taskArn":"` + pre + `task/default/` + running + `"}]`
	on := func(until string) string {
		return `"protectedTasks":[{"expirationDate":` + until + `,"protectionEnabled":true,"taskArn":"` + pre + `task/default/` + running + `"}]`
	}
	w := lived(t)
	const three = `"tasks":["` + running + `","` + pre + "task/default/" + stopped + `","` + none + `"]`
	for _, step := range []struct{ operation, request, want string }{
		{"GetTaskProtection", `{"cluster":"default",` + three + `}`, `{` + failures + `,` + off + `}`},
		{"UpdateTaskProtection", `{"cluster":"default","protectionEnabled":true,` + three + `}`, `{` + failures + `,` + on("1700007200.123") + `}`},
		{"GetTaskProtection", `{"cluster":"default",` + three + `}`, `{` + failures + `,` + on("1700007200.123") + `}`},
		{"UpdateTaskProtection", `{"cluster":"default","protectionEnabled":true,"expiresInMinutes":1,` + three + `}`, `{` + failures + `,` + on("1700000060.123") + `}`},
		{"UpdateTaskProtection", `{"cluster":"default","protectionEnabled":false,"expiresInMinutes":9,` + three + `}`, `{` + failures + `,` + off + `}`},
	} {
		if diff := cmp.Diff(decoded(t, step.want), decoded(t, w.must(t, step.operation, step.request))); diff != "" {
			t.Errorf("%s %s: %s", step.operation, step.request, diff)
		}
	}
	last := w.last.(control.ProtectTasks)
	if last.For != 0 || last.Cluster != "default" || len(last.Tasks) != 3 || last.Tasks[0] != (ecs.ID{2}) {
		t.Errorf("control was asked for %+v", last)
	}
}

func decoded(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

func TestTaskProtectionRefused(t *testing.T) {
	const invalid = "InvalidParameterException: "
	const one = `"tasks":["02000000000000000000000000000000"]`
	many := `"tasks":[` + `"x","x","x","x","x","x","x","x","x","x","x"` + `]`
	for request, want := range map[string]string{
		`{"cluster":"default","protectionEnabled":true}`:                                     invalid + "Tasks cannot be empty.",
		`{"cluster":"default","protectionEnabled":true,` + many + `}`:                        invalid + "tasks can have at most 10 items.",
		`{"cluster":"default","protectionEnabled":true,"tasks":["x"]}`:                       invalid + "taskId length should be one of [32,36]",
		`{"cluster":"gone","protectionEnabled":true,` + one + `}`:                            "ClusterNotFoundException: Cluster not found.",
		`{"cluster":"default","protectionEnabled":true,"expiresInMinutes":0,` + one + `}`:    invalid + "expiresInMinutes must be between 1 and 2880.",
		`{"cluster":"default","protectionEnabled":true,"expiresInMinutes":2881,` + one + `}`: invalid + "expiresInMinutes must be between 1 and 2880.",
	} {
		_, err := lived(t).call("UpdateTaskProtection", request)
		if diff := cmp.Diff(want, refusal(t, err)); diff != "" {
			t.Errorf("%s: %s", request, diff)
		}
	}
	w := lived(t)
	w.must(t, "UpdateTaskProtection", `{"cluster":"default","protectionEnabled":true,"expiresInMinutes":2880,`+one+`}`)
	if got := w.last.(control.ProtectTasks).For; got != 48*time.Hour {
		t.Errorf("protected for %v", got)
	}
}
