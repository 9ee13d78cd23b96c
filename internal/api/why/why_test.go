package why

import (
	"context"
	"errors"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/control"
	"ballast/internal/ecs"
	"ballast/internal/scheduler/explain"
)

// teller answers every command with what it is told to, and notes the command.
type teller struct {
	asked  control.Command
	answer any
	err    error
}

func (c *teller) Submit(_ context.Context, command control.Command) (any, error) {
	c.asked = command
	return c.answer, c.err
}

func TestLookup(t *testing.T) {
	id := ecs.ID{1, 2}
	definition := &ecs.TaskDefinition{Family: "job", Revision: 1}
	service := &ecs.Service{Cluster: "blue", Name: "web"}
	for _, tt := range []struct {
		query  url.Values
		asked  control.Explain
		answer control.Explained
		want   string
	}{
		{url.Values{Service: {"web"}}, control.Explain{Cluster: "default", Service: "web"},
			control.Explained{Case: &explain.Case{Now: 1, Service: service}}, "Service web is stopped."},
		{url.Values{Cluster: {"blue"}, Task: {id.String()}, "X-Amz-Date": {"now"}}, control.Explain{Cluster: "blue", Task: id},
			control.Explained{Case: &explain.Case{Now: 1}, Task: &ecs.Task{ID: id, Definition: definition, LastStatus: ecs.StatusPending}},
			"Task 01020000 (job:1, standalone) is PENDING."},
	} {
		c := &teller{answer: tt.answer}
		value, err := Lookup(c).Get(t.Context(), tt.query)
		if err != nil {
			t.Fatal(err)
		}
		if report := value.(explain.Report); report.Summary != tt.want {
			t.Errorf("%v: %q, want %q", tt.query, report.Summary, tt.want)
		}
		if diff := cmp.Diff(tt.asked, c.asked); diff != "" {
			t.Errorf("%v asked for (-want +got):\n%s", tt.query, diff)
		}
	}
}

func TestLookupRefuses(t *testing.T) {
	for name, query := range map[string]url.Values{
		"nothing named":        {Cluster: {"blue"}},
		"both named":           {Service: {"web"}, Task: {ecs.ID{1}.String()}},
		"an unknown parameter": {Service: {"web"}, "watch": {"1"}},
		"named twice":          {Service: {"web", "api"}},
		"no id":                {Task: {"0123"}},
		"the id of nothing":    {Task: {ecs.ID{}.String()}},
	} {
		c := &teller{}
		_, err := Lookup(c).Get(t.Context(), query)
		if refusal := (*ecs.Error)(nil); !errors.As(err, &refusal) || refusal.Code != ecs.InvalidParameterException || c.asked != nil {
			t.Errorf("%s: %v, asked %v", name, err, c.asked)
		}
	}
	refusal := ecs.Errorf(ecs.ServiceNotFoundException, "Service not found.")
	if _, err := Lookup(&teller{err: refusal}).Get(t.Context(), url.Values{Service: {"web"}}); err != error(refusal) {
		t.Errorf("what control refuses: %v", err)
	}
	if _, err := Lookup(&teller{answer: 7}).Get(t.Context(), url.Values{Service: {"web"}}); err == nil {
		t.Error("an answer of another kind is taken")
	}
}
