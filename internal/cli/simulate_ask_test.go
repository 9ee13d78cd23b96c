package cli

import (
	"strings"
	"testing"
)

func TestAskBehaviour(t *testing.T) {
	for _, c := range []struct{ answers, want string }{
		{"\n\n\n\n\n", "behaviour:\n  web:1: {startTime: 1s, stopTime: 0s, health: \"healthy\"}\ntimeline:\n  - at: 1m\n" +
			"    UpdateService: {service: api, forceNewDeployment: true}\n"},
		{"soon\n5s\n2s\n10s..40s\nunhealthy,healthy@30s\nfire\ncrash\n", "behaviour:\n  web:1: {startTime: 5s, stopTime: 2s, exitAfter: 10s..40s," +
			" health: \"unhealthy,healthy@30s\"}\ntimeline:\n  - at: 1m\n    crash: {tasks: all}\n"},
		{"\n\n\n\nnothing\n", "behaviour:\n  web:1: {startTime: 1s, stopTime: 0s, health: \"healthy\"}\n"},
	} {
		var talk strings.Builder
		got, err := askBehaviour(strings.NewReader(c.answers), &talk, "api", "web:1")
		if err != nil || string(got) != c.want {
			t.Errorf("%q: error %v, got\n%s\nwant\n%s\nafter %s", c.answers, err, got, c.want, talk.String())
		}
		if strings.Contains(c.answers, "soon") && !strings.Contains(talk.String(), `not "soon"`) {
			t.Errorf("a wrong answer was taken: %s", talk.String())
		}
	}
	if _, err := askBehaviour(strings.NewReader("1s\n"), &strings.Builder{}, "api", "web:1"); err == nil {
		t.Error("questions without answers were answered")
	}
}
