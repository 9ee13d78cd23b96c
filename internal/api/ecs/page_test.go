package ecs_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ballast/internal/ecs"
)

type tester interface {
	Helper()
	Fatalf(string, ...any)
}

// list gives the ARNs of one page and the token for the next.
func list(t tester, w *world, operation, request string) (arns []string, next string) {
	t.Helper()
	answer, err := w.call(operation, request)
	if err != nil {
		t.Fatalf("%s %s: %v", operation, request, err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(answer), &members); err != nil {
		t.Fatalf("%v in %s", err, answer)
	}
	for name, value := range members {
		to := any(&arns)
		if name == "nextToken" {
			to = &next
		}
		if err := json.Unmarshal(value, to); err != nil {
			t.Fatalf("%v in %s", err, answer)
		}
	}
	if len(arns) == 0 {
		arns = nil
	}
	return arns, next
}

// crowd is a world with n of everything, two clusters apart.
func crowd(t testing.TB, n int) *world {
	w := newWorld()
	definition := &ecs.TaskDefinition{Family: "web", Revision: 1}
	for i := range n {
		for c, cluster := range []string{"default", "other"} {
			seq := uint64(2*i + c + 1)
			w.put(&ecs.Cluster{Seq: seq, Name: fmt.Sprintf("c%03d", i)}, &ecs.Cluster{Name: cluster},
				&ecs.TaskDefinition{Family: fmt.Sprintf("f%d", i%3), Revision: i/3 + 1},
				&ecs.Service{Seq: seq, Cluster: cluster, Name: fmt.Sprintf("s%03d", i), Definition: definition},
				&ecs.Task{Seq: seq, ID: ecs.ID{byte(i), byte(c), 1}, Cluster: cluster, Definition: definition, DesiredStatus: ecs.StatusRunning},
				&ecs.ContainerInstance{Seq: seq, ID: ecs.ID{byte(i), byte(c), 2}, Cluster: cluster})
		}
	}
	return w
}

// TestPages checks that any steps through a listing give everything once, in order, and nothing of another cluster.
func TestPages(t *testing.T) {
	const n = 25
	w := crowd(t, n)
	requests := map[string][]string{
		"ListClusters":           {`"maxResults":%d`},
		"ListServices":           {`"maxResults":%d`, `"maxResults":%d,"cluster":"other"`},
		"ListTasks":              {`"maxResults":%d`, `"maxResults":%d,"cluster":"other","family":"web"`},
		"ListContainerInstances": {`"maxResults":%d`, `"maxResults":%d,"cluster":"other","status":"ACTIVE"`},
		"ListTaskDefinitions":    {`"maxResults":%d`, `"maxResults":%d,"sort":"DESC"`, `"maxResults":%d,"familyPrefix":"f1"`, `"maxResults":%d,"familyPrefix":"f1","sort":"DESC"`},
	}
	for operation, forms := range requests {
		for _, form := range forms {
			want, next := list(t, w, operation, "{"+fmt.Sprintf(form, 100)+"}")
			if next != "" || len(want) < 8 {
				t.Fatalf("%s %s: %d in one page, token %q", operation, form, len(want), next)
			}
			rapid.Check(t, func(t *rapid.T) {
				var got []string
				token := ""
				for range 2 * n {
					size := rapid.IntRange(1, 12).Draw(t, "size")
					page, next := list(t, w, operation, "{"+fmt.Sprintf(form, size)+`,"nextToken":"`+token+`"}`)
					if len(page) > size || next != "" && len(page) != size {
						t.Fatalf("%s: %d in a page of %d", operation, len(page), size)
					}
					got = append(got, page...)
					if token = next; next == "" {
						break
					}
				}
				if !slices.Equal(got, want) {
					t.Fatalf("%s %s: got %v, want %v", operation, form, got, want)
				}
			})
		}
	}
}

func TestPageDefaults(t *testing.T) {
	w := crowd(t, 105)
	for operation, want := range map[string]int{"ListServices": 10, "ListTasks": 100, "ListClusters": 100, "ListContainerInstances": 100, "ListTaskDefinitions": 100} {
		if got, next := list(t, w, operation, `{}`); len(got) != want || next == "" {
			t.Errorf("%s: %d, token %q", operation, len(got), next)
		}
	}
}

func TestTokensBelongToTheirListing(t *testing.T) {
	w := crowd(t, 5)
	_, token := list(t, w, "ListServices", `{"maxResults":1}`)
	for _, other := range []string{`{"cluster":"other","nextToken":%q}`, `{"launchType":"FARGATE","nextToken":%q}`} {
		if _, err := w.call("ListServices", fmt.Sprintf(other, token)); !strings.Contains(refusal(t, err), "Invalid token.") {
			t.Errorf("%s: %v", other, err)
		}
	}
	if _, err := w.call("ListTasks", fmt.Sprintf(`{"nextToken":%q}`, token)); !strings.Contains(refusal(t, err), "Invalid token.") {
		t.Error("a token of another operation:", err)
	}
}

func FuzzTokens(f *testing.F) {
	w := crowd(f, 3)
	for _, operation := range []string{"ListServices", "ListTasks", "ListTaskDefinitions", "ListContainerInstances", "ListClusters"} {
		_, token := list(f, w, operation, `{"maxResults":1}`)
		f.Add(operation, token)
	}
	f.Fuzz(func(t *testing.T, operation, token string) {
		if !strings.HasPrefix(operation, "List") || w.calls[operation].New == nil {
			t.Skip()
		}
		request, err := json.Marshal(map[string]string{"nextToken": token})
		if err != nil {
			t.Skip()
		}
		_, err = w.call(operation, string(request))
		refusal(t, err)
	})
}
