package lifecycle

import (
	"strings"
	"testing"

	"ballast/internal/ecs"

	"github.com/google/go-cmp/cmp"
)

var all = []ecs.Status{ecs.StatusNone, ecs.StatusProvisioning, ecs.StatusPending, ecs.StatusActivating, ecs.StatusRunning,
	ecs.StatusDeactivating, ecs.StatusStopping, ecs.StatusDeprovisioning, ecs.StatusStopped}

// ways says for every status by which letters a task goes on: to each later status either over the whole row or not at all.
// P provisioning, N pending, A activating, R running, D deactivating, S stopping, E deprovisioning, X stopped.
var ways = map[ecs.Status]string{
	ecs.StatusNone:           "P PN PNA PNAR PNAD PNS PNSE PX",
	ecs.StatusProvisioning:   "N NA NAR NAD NS NSE X",
	ecs.StatusPending:        "A AR AD S SE SEX",
	ecs.StatusActivating:     "R D DS DSE DSEX",
	ecs.StatusRunning:        "D DS DSE DSEX",
	ecs.StatusDeactivating:   "S SE SEX",
	ecs.StatusStopping:       "E EX",
	ecs.StatusDeprovisioning: "X",
	ecs.StatusStopped:        "",
}

const letters = "-PNARDSEX"

func TestPath(t *testing.T) {
	for _, from := range all {
		want := map[ecs.Status]string{}
		for way := range strings.FieldsSeq(ways[from]) {
			want[ecs.Status(strings.IndexByte(letters, way[len(way)-1]))] = way
		}
		for _, to := range all {
			var got strings.Builder
			for _, status := range Path(from, to) {
				got.WriteByte(letters[status])
			}
			if got.String() != want[to] {
				t.Errorf("from %s to %s: %q, want %q", from, to, got.String(), want[to])
			}
			if legal := Path(from, to) != nil; legal != (want[to] != "") {
				t.Errorf("from %s to %s: legal %v", from, to, legal)
			}
		}
	}
}

// Statuses only grow, and whoever is not stopped can be stopped.
func TestMovesGrow(t *testing.T) {
	for _, from := range all {
		at := from
		for _, next := range Path(from, ecs.StatusStopped) {
			if next <= at {
				t.Errorf("from %s to STOPPED: %s after %s", from, next, at)
			}
			at = next
		}
		if from != ecs.StatusStopped && at != ecs.StatusStopped {
			t.Errorf("%s cannot be stopped", from)
		}
	}
}

// A path that a caller extends must not change the table.
func TestPathsAreApart(t *testing.T) {
	before := len(Path(ecs.StatusPending, ecs.StatusRunning))
	_ = append(Path(ecs.StatusPending, ecs.StatusActivating), ecs.StatusStopped)
	if got := Path(ecs.StatusPending, ecs.StatusRunning); len(got) != before || got[1] != ecs.StatusRunning {
		t.Errorf("the table changed: %v", got)
	}
}

// Every pair and the rule in its own words: bad beats unknown beats good.
func TestHealth(t *testing.T) {
	u, h, bad := ecs.HealthUnknown, ecs.HealthHealthy, ecs.HealthUnhealthy
	tests := []struct {
		checked []ecs.Health
		want    ecs.Health
	}{
		{nil, u}, {[]ecs.Health{u}, u}, {[]ecs.Health{h}, h}, {[]ecs.Health{bad}, bad},
		{[]ecs.Health{u, u}, u}, {[]ecs.Health{u, h}, u}, {[]ecs.Health{u, bad}, bad},
		{[]ecs.Health{h, u}, u}, {[]ecs.Health{h, h}, h}, {[]ecs.Health{h, bad}, bad},
		{[]ecs.Health{bad, u}, bad}, {[]ecs.Health{bad, h}, bad}, {[]ecs.Health{bad, bad}, bad},
		{[]ecs.Health{h, u, bad}, bad}, {[]ecs.Health{h, u, h}, u},
	}
	for _, test := range tests {
		if got := Health(test.checked); got != test.want {
			t.Errorf("%v: %s, want %s", test.checked, got, test.want)
		}
	}
}

func TestEssentialStopped(t *testing.T) {
	definitions := []ecs.ContainerDefinition{{Name: "web", Essential: true}, {Name: "log"}}
	for _, web := range []ecs.Status{ecs.StatusPending, ecs.StatusRunning, ecs.StatusStopped} {
		for _, log := range []ecs.Status{ecs.StatusPending, ecs.StatusRunning, ecs.StatusStopped} {
			got := EssentialStopped(definitions, []ecs.Container{{Status: web}, {Status: log}})
			if want := web == ecs.StatusStopped; got != want {
				t.Errorf("web %s, log %s: %v, want %v", web, log, got, want)
			}
		}
	}
}

func TestStopCode(t *testing.T) {
	type answer struct {
		Code   string
		Reason string
	}
	want := map[bool]answer{
		false: {"TaskFailedToStart", "Task failed to start"},
		true:  {"EssentialContainerExited", "Essential container in task exited"},
	}
	for _, ran := range []bool{false, true} {
		code, reason := StopCode(ran)
		if diff := cmp.Diff(want[ran], answer{code.String(), reason}); diff != "" {
			t.Errorf("ran %v: %s", ran, diff)
		}
	}
}
