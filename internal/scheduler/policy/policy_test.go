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
		BakeTime:              5 * time.Minute, // "less than 5 minutes" (How CloudWatch alarms detect deployment failures)
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
		"fast": {"HealthyAfter", "ShortRun", "ThrottleBase", "ThrottleMax", "RetryPlacement", "BakeTime", "BrakeBase", "BrakeMax",
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
			`tag "ballast:mood" is unknown; known under "ballast:" are ballast:breaker-counts-exits, ballast:debug-keep`},
		{"stuck after nothing", []ecs.Tag{{Key: "ballast:stuck-after", Value: "0s"}}, 40 * time.Second, "0s is less than 1s"},
		{"no duration", []ecs.Tag{{Key: "ballast:healthy-after", Value: "soon"}}, 40 * time.Second,
			`tag "ballast:healthy-after": "soon" is not a duration`},
		{"negative", []ecs.Tag{{Key: "ballast:healthy-after", Value: "-1s"}}, 40 * time.Second, "not between"},
		{"a word for a yes", []ecs.Tag{{Key: "ballast:breaker-counts-exits", Value: "yes"}}, 40 * time.Second,
			`tag "ballast:breaker-counts-exits": "yes" is neither "true" nor "false"`},
		{"an unknown brake", []ecs.Tag{{Key: "ballast:loop-brake", Value: "stop"}}, 40 * time.Second,
			`tag "ballast:loop-brake": "stop" is not "off", "backoff" or "park"`},
		{"no number", []ecs.Tag{{Key: "ballast:loop-brake-after", Value: "0"}}, 40 * time.Second,
			`tag "ballast:loop-brake-after": "0" is not a number from 1 to 1000`},
		{"too large a number", []ecs.Tag{{Key: "ballast:loop-brake-after", Value: "1001"}}, 40 * time.Second,
			`tag "ballast:loop-brake-after": "1001" is not a number from 1 to 1000`},
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

// Each tag sets the field of its name and nothing else.
func TestTagsSetTheirFields(t *testing.T) {
	tests := []struct {
		key, value string
		change     func(*Policy)
	}{
		{"ballast:breaker-counts-exits", "true", func(p *Policy) { p.BreakerCountsExits = true }},
		{"ballast:breaker-counts-exits", "false", func(p *Policy) {}},
		{"ballast:debug-keep", "100", func(p *Policy) { p.DebugKeep = 100 }},
		{"ballast:healthy-after", "5s", func(p *Policy) { p.HealthyAfter = 5 * time.Second }},
		{"ballast:loop-brake", "off", func(p *Policy) {}},
		{"ballast:loop-brake", "backoff", func(p *Policy) { p.Brake = BrakeBackoff }},
		{"ballast:loop-brake", "park", func(p *Policy) { p.Brake = BrakePark }},
		{"ballast:loop-brake-after", "1000", func(p *Policy) { p.BrakeAfter = 1000 }},
		{"ballast:loop-brake-base", "2s", func(p *Policy) { p.BrakeBase = 2 * time.Second }},
		{"ballast:loop-brake-max", "24h", func(p *Policy) { p.BrakeMax = 24 * time.Hour }},
		{"ballast:stuck-after", "4s", func(p *Policy) { p.StuckAfter = 4 * time.Second }},
		{"ballast:throttle-base", "3s", func(p *Policy) { p.ThrottleBase = 3 * time.Second }},
		{"ballast:throttle-max", "0s", func(p *Policy) { p.ThrottleMax = 0 }},
	}
	p, _ := Named("ecs")
	tested := map[string]bool{}
	for _, test := range tests {
		want := p
		test.change(&want)
		got, err := WithTags(p, []ecs.Tag{{Key: test.key, Value: test.value}})
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s=%s: %v %s", test.key, test.value, err, diff)
		}
		tested[test.key] = true
	}
	for _, key := range TagKeys() {
		if !tested[key] {
			t.Errorf("%s is not tested", key)
		}
	}
}
