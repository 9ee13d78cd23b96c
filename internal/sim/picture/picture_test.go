package picture

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/scheduler/explain"
	"ballast/internal/sim/scenario"
)

var rewrite = flag.Bool("rewrite", false, "write what is drawn and printed into testdata")

// result is made by hand: a rollout of two tasks in which one old task turns unhealthy, with texts that need escaping.
func result() *scenario.Result {
	second := func(n float64) scenario.Moment { return scenario.Moment(n * float64(time.Second)) }
	sample := func(at float64, parts ...scenario.Part) scenario.Sample {
		return scenario.Sample{At: second(at), Desired: 2, Most: 4, Fewest: 1, Parts: parts}
	}
	old := scenario.Part{Deployment: 3, Revision: "web:1", Healthy: 2}
	ill := scenario.Part{Deployment: 3, Revision: "web:1", Healthy: 1, Unhealthy: 1}
	gone := scenario.Part{Deployment: 3, Revision: "web:1", Stopping: 2}
	return &scenario.Result{Scenario: `A & B <"C">`, File: "a.yaml", Source: "somewhere", Policy: "ecs", Seed: 7, Length: second(120),
		Counts: scenario.Counts{Started: 2, Stopped: 2, ServiceEvents: 2, TaskMinutes: 4.5},
		Services: []scenario.ServiceResult{{Name: "web", Samples: []scenario.Sample{
			sample(0, old),
			sample(30, old, scenario.Part{Deployment: 4, Revision: "web:2", Pending: 2}),
			sample(40, ill, scenario.Part{Deployment: 4, Revision: "web:2", Warming: 2}),
			sample(80, gone, scenario.Part{Deployment: 4, Revision: "web:2", Healthy: 2}),
			sample(82.5, scenario.Part{Deployment: 4, Revision: "web:2", Healthy: 2}),
		}, Waits: []string{"1 task waits"}}},
		Lines: []scenario.Line{
			{At: 0, Kind: scenario.Outside, Text: "services are steady"},
			{At: second(30), Kind: scenario.Outside, Text: "UpdateService <web:2>"},
			{At: second(30), Kind: scenario.ServiceEvent, Service: "web", Text: "(service web) has started 6 tasks: " + strings.Repeat("(task 01234567) ", 5) + "(task 89abcdef)."},
			{At: second(40), Kind: scenario.Ended, Service: "web", Text: "1 task of web:1 ended: why & how"},
			{At: second(82.5), Kind: scenario.ServiceEvent, Service: "web", Text: "(service web) has reached a steady state."},
		},
		Verdicts: []scenario.Verdict{{Text: "max running = 4", Passed: true}, {Text: "min healthy = 2", Seen: "1 at 0:40.0", Line: 9}},
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; -rewrite to accept):\n%s", file, diff)
	}
}

func TestText(t *testing.T) {
	var b bytes.Buffer
	if err := Text(&b, result(), false); err != nil {
		t.Fatal(err)
	}
	golden(t, "text.txt", b.Bytes())
	if strings.Contains(b.String(), "\x1b") {
		t.Error("there are colours where none are wanted")
	}
	var coloured bytes.Buffer
	if err := Text(&coloured, result(), true); err != nil || !strings.Contains(coloured.String(), "\x1b[31mFAIL\x1b[0m  min healthy = 2") {
		t.Errorf("error %v, or no red failure in:\n%s", err, &coloured)
	}
}

// TestLongTimelines are cut in the middle.
// TestHistories have no services to count the tasks of.
func TestHistories(t *testing.T) {
	r := result()
	r.Services = nil
	var b bytes.Buffer
	if err := Text(&b, r, false); err != nil || !strings.Contains(b.String(), "    0:30.0  > UpdateService <web:2>\n") ||
		!strings.Contains(b.String(), "\n2m: 2 tasks started\n") {
		t.Errorf("error %v in\n%s", err, &b)
	}
	if err := xml.Unmarshal(SVG(r), new(struct{})); err != nil {
		t.Error(err)
	}
}

func TestLongTimelines(t *testing.T) {
	r := result()
	for range 300 {
		r.Lines = append(r.Lines, scenario.Line{At: r.Length, Kind: scenario.Outside, Text: "again"})
	}
	var b bytes.Buffer
	if err := Text(&b, r, false); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(b.String(), "again"); got != headLines+tailLines-5 || !strings.Contains(b.String(), "145 lines are left out") {
		t.Errorf("%d of 305 lines in:\n%s", got, &b)
	}
}

func TestCompare(t *testing.T) {
	other := result()
	other.Policy = "ecs-2022"
	other.Services[0].Samples = other.Services[0].Samples[:3]
	var b bytes.Buffer
	if err := Compare(&b, result(), other, false); err != nil {
		t.Fatal(err)
	}
	golden(t, "compare.txt", b.Bytes())
}

// TestSVG draws well-formed XML, the same each time.
func TestSVG(t *testing.T) {
	drawn := SVG(result())
	golden(t, "one.svg", drawn)
	golden(t, "two.svg", SVG(result(), result()))
	decoder := xml.NewDecoder(bytes.NewReader(drawn))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// TestBandsStack sees that areas lie on each other without gaps: the base of each is the top of the one below.
func TestBandsStack(t *testing.T) {
	s := result().Services[0].Samples
	f := frame{left: 0, top: 0, width: 120, height: 40, length: 120 * time.Second, most: 4}
	got := f.band(s, []int{2, 2, 1, 0, 0}, []int{2, 4, 3, 2, 2}, scenario.Moment(120*time.Second))
	want := "M0 20H30V0H40V10H80V20H120V40H80V30H40V20H30V20H0Z"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestThinKeepsDips of a long scenario, which would fall between two pixels.
func TestThinKeepsDips(t *testing.T) {
	f := frame{width: 100, length: 100 * time.Hour, most: 2}
	var samples []scenario.Sample
	for i := range 10_000 {
		n := 2
		if i == 5_000 {
			n = 0
		}
		samples = append(samples, scenario.Sample{At: scenario.Moment(time.Duration(i) * time.Second), Parts: []scenario.Part{{Healthy: n}}})
	}
	least := 2
	thin := f.thin(samples)
	for _, s := range thin {
		least = min(least, healthy(s))
	}
	if len(thin) > 20 || least != 0 {
		t.Errorf("%d samples are left, with %d healthy tasks at least", len(thin), least)
	}
}

func TestRound(t *testing.T) {
	for want, d := range map[string]time.Duration{"0s": 0, "30s": 30 * time.Second, "10m": 10 * time.Minute, "1h": time.Hour, "1h30m": 90 * time.Minute, "1m5s": 65 * time.Second, "24h": 24 * time.Hour} {
		if got := explain.Spell(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

// TestBrief leaves out of an event what JSON has anyway.
func TestBrief(t *testing.T) {
	const group = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/web/0123456789abcdef"
	for text, want := range map[string]string{
		"(service web) registered 1 targets in (target-group " + group + ")":                                "(service web) registered 1 targets in (target-group web)",
		"is unhealthy in (service-registry arn:aws:servicediscovery:us-east-1:000000000000:service/srv-1).": "is unhealthy in (service-registry srv-1).",
		"(service web) is unable to consistently start tasks successfully. For more information, see the Troubleshooting section of the " +
			"Amazon ECS Developer Guide.": "(service web) is unable to consistently start tasks successfully.",
		"(service web) has reached a steady state.": "(service web) has reached a steady state.",
	} {
		if got := brief(text); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
