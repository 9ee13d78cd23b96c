package policy

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"ballast/internal/ecs"

	"github.com/google/go-cmp/cmp"
)

// The numbers of the default preset, each with its source.
func TestDefaultNumbers(t *testing.T) {
	got, err := Named(Default)
	if err != nil {
		t.Fatal(err)
	}
	want := Policy{
		Name:                  "ecs",
		HealthyAfter:          40 * time.Second, // API_DeploymentConfiguration
		ShortRun:              time.Minute,
		PacePerMinute:         500, // Service quotas
		ThrottleBase:          time.Minute,
		ThrottleFactor:        3,
		ThrottleMax:           15 * time.Minute, // "up to a maximum of 15 minutes" (Service throttle logic)
		RetryPlacement:        10 * time.Second,
		BrakeBase:             10 * time.Second,
		BrakeMax:              5 * time.Minute,
		BrakeAfter:            10,
		OldTasks:              ByNewest,
		Unhealthy:             ReplacementFirst,
		StoppedKeptFor:        time.Hour, // developer guide, Stopped tasks
		StoppedKeptPerService: 5_000,
		StoppedKeptPerCluster: 100_000,
		InstanceLostAfter:     time.Minute,
		DefaultStopTimeout:    30 * time.Second, // API_ContainerDefinition
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPresetsDifferOnlyAsNamed(t *testing.T) {
	ecs, _ := Named("ecs")
	differ := map[string][]string{
		"ecs":      nil,
		"ecs-2026": {"ThrottleMax", "OldTasks"},
		"ecs-2022": {"Unhealthy"},
		"fast": {"HealthyAfter", "ShortRun", "ThrottleBase", "ThrottleMax", "RetryPlacement", "BrakeBase", "BrakeMax",
			"InstanceLostAfter", "DefaultStopTimeout"},
	}
	for _, name := range Names() {
		p, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		var fields []string
		for i := range reflect.TypeFor[Policy]().NumField() {
			field := reflect.TypeFor[Policy]().Field(i).Name
			if field != "Name" && !reflect.ValueOf(p).Field(i).Equal(reflect.ValueOf(ecs).Field(i)) {
				fields = append(fields, field)
			}
		}
		if diff := cmp.Diff(differ[name], fields); diff != "" {
			t.Errorf("%s differs from ecs in other fields (-want +got):\n%s", name, diff)
		}
	}
	if len(Names()) != len(differ) {
		t.Errorf("presets %v", Names())
	}
}

func TestUnknownPreset(t *testing.T) {
	_, err := Named("eks")
	if want := `policy "eks" is unknown; known are ecs, ecs-2026, ecs-2022, fast`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestWithTags(t *testing.T) {
	p, _ := Named("ecs")
	tests := []struct {
		name    string
		tags    []ecs.Tag
		healthy time.Duration
		err     string // a part of the error, "" for none
	}{
		{"none", nil, 40 * time.Second, ""},
		{"others are left alone", []ecs.Tag{{Key: "team", Value: "x"}, {Key: "ballast", Value: "y"}}, 40 * time.Second, ""},
		{"healthy after", []ecs.Tag{{Key: "ballast:healthy-after", Value: "5s"}}, 5 * time.Second, ""},
		{"at once", []ecs.Tag{{Key: "ballast:healthy-after", Value: "0s"}}, 0, ""},
		{"unknown", []ecs.Tag{{Key: "ballast:healthy-after", Value: "5s"}, {Key: "ballast:mood", Value: "x"}}, 40 * time.Second,
			`tag "ballast:mood" is unknown; known under "ballast:" are ballast:breaker-counts-exits, ballast:healthy-after`},
		{"stuck after nothing", []ecs.Tag{{Key: "ballast:stuck-after", Value: "0s"}}, 40 * time.Second, "0s is less than 1s"},
		{"no duration", []ecs.Tag{{Key: "ballast:healthy-after", Value: "soon"}}, 40 * time.Second,
			`tag "ballast:healthy-after": "soon" is not a duration`},
		{"negative", []ecs.Tag{{Key: "ballast:healthy-after", Value: "-1s"}}, 40 * time.Second, "not between"},
		{"too long", []ecs.Tag{{Key: "ballast:healthy-after", Value: "25h"}}, 40 * time.Second, "not between"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := WithTags(p, test.tags)
			if got.HealthyAfter != test.healthy {
				t.Errorf("healthy after %s, want %s", got.HealthyAfter, test.healthy)
			}
			if (err != nil) != (test.err != "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("error %v, want one with %q", err, test.err)
			}
		})
	}
}
