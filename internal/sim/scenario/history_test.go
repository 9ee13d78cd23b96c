package scenario

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/ecs"
	"ballast/internal/sim"
)

// TestAFailedHistoryBecomesAScenario breaks a property on purpose, that no service is ever deleted: what is left of the history when it
// has been made shorter, written as a file and read again, still fails in it, and in nothing else.
func TestAFailedHistoryBecomesAScenario(t *testing.T) {
	failed := sim.Result{}
	for seed := uint64(3); failed.Failure == nil; seed++ {
		o := sim.Draw(seed, 2*time.Minute)
		o.Never = []string{"control.DeleteService"}
		failed = sim.Run(o, nil)
	}
	small, r := sim.Shrink(failed.History)
	if r.Failure == nil || len(small.Deeds) > 2 || len(small.Hosts) > 1 {
		t.Fatalf("left are %+v", small)
	}
	text := string(WriteHistory(small, r.Failure))
	s, err := Parse("seed.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	played, err := s.Play(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if played.Passed || played.Trace != r.Trace || len(played.Verdicts) != 2 || !played.Verdicts[0].Passed || played.Verdicts[1].Passed {
		t.Errorf("it came to %+v, trace %s, want %s, of\n%s", played.Verdicts, played.Trace, r.Trace, text)
	}
	if !slices.ContainsFunc(played.Lines, func(l Line) bool { return strings.HasPrefix(l.Text, "delete {cluster: ") }) {
		t.Errorf("it tells %v", played.Lines)
	}
	mended := strings.Replace(text, `  - never "control.DeleteService"`, "", 1)
	if s, err = Parse("seed.yaml", []byte(mended)); err != nil {
		t.Fatal(err)
	}
	if played, err = s.Play(Options{}); err != nil || !played.Passed {
		t.Errorf("error %v, %+v", err, played)
	}
}

// TestHistoriesAreReadAsTheyWereWritten has every kind of deed among those compared.
func TestHistoriesAreReadAsTheyWereWritten(t *testing.T) {
	seen := map[string]bool{}
	for seed := uint64(1); seed <= 12 || len(seen) < len(acts) && seed < 100; seed++ {
		h := sim.Run(sim.Draw(seed, 4*time.Minute), nil).History
		text := WriteHistory(h, nil)
		s, err := Parse("history.yaml", text)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		for _, d := range h.Deeds {
			word, _ := writeAct(d.Act)
			seen[word] = true
			if definition := sim.DefinitionOf(d.Act); definition != nil {
				definition.Document = nil // which is made when it is registered
			}
		}
		if diff := cmp.Diff(h, s.History); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
	}
	for _, a := range acts {
		if !seen[a.word] {
			t.Errorf("there was no deed %q", a.word)
		}
	}
}

// written is a history with what the random ones lack, too.
const written = `scenario: a
history:
  seed: 1
  policy: {name: ecs, pacePerMinute: 20}
  until: 30s
  clusters: 1
  retention: 1h
  retained: 1000
  hosts:
    - {cluster: cluster-1, cpu: 1024, memory: 1024, zone: a, ahead: -3s}
  deeds:
    - {at: 3s, run: {cluster: cluster-1, startedBy: x, count: 1, definition: {family: job, containerDefinitions: [{name: main, image: app}]}}}
    - {at: 4s, cut: {host: 1, way: both, for: 2s}}
    - {at: 5s, kill: {task: 1, container: main}}
  repairs:
    - {cluster: cluster-1, service: web}
expect:
  - checks hold
`

func TestMistakesInHistories(t *testing.T) {
	s, err := Parse("file.yaml", []byte(written))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Parse("file.yaml", WriteHistory(s.History, nil)); err != nil || !cmp.Equal(again.History, s.History) {
		t.Fatalf("error %v, %s", err, cmp.Diff(s.History, again.History))
	}
	if r, err := s.Play(Options{}); err != nil || !r.Passed || r.Counts.Started != 1 {
		t.Errorf("error %v, %+v", err, r)
	}
	for _, c := range []struct{ old, new, want string }{
		{"  seed: 1\n", "", `file.yaml:3: a history: "seed" is missing`},
		{"until: 30s", "until: 25h", "file.yaml:5: want 2s to 24h0m0s"},
		{"until: 30s", "untl: 30s", `file.yaml:5: a history has no field "untl"`},
		{"name: ecs", "name: mine", "file.yaml:4: want ecs or"},
		{"{name: ecs, ", "{", `file.yaml:4: a policy: "name" is missing`},
		{"pacePerMinute: 20", "pace: 20", `file.yaml:4: a policy has no field "pace"`},
		{"clusters: 1", "clusters: 5", "file.yaml:6: want a whole number from 1 to 4"},
		{"{cluster: cluster-1, cpu", "{cluster: cluster-2, cpu", `file.yaml:10: there is no cluster "cluster-2"; there are cluster-1`},
		{"ahead: -3s", "ahead: -2h", "file.yaml:10: want a duration up to an hour"},
		{"ahead: -3s", "loss: 1.5", "file.yaml:10: want a number from 0 to 1"},
		{"at: 3s, ", "", `file.yaml:12: a deed: "at" is missing`},
		{"at: 3s", "at: 1s", "file.yaml:12: 1s is not between 2s, when everything is set up, and the end, 30s"},
		{"at: 5s", "at: 31s", "file.yaml:14: 31s is not between"},
		{"at: 5s", "at: 3s", "file.yaml:14: 3s comes before the deed above it"},
		{"way: both", "way: sideways", "file.yaml:13: want neither or up or down or both"},
		{"way: both", "way: neither", "file.yaml:13: want up or down or both"},
		{"host: 1, way", "host: 2, way", "file.yaml:13: there is no host 2"},
		{"host: 1, way", "host: 0, way", "file.yaml:13: want a host from 1 to 1"},
		{"for: 2s", "for: 25h", "file.yaml:13: want at most 24h0m0s"},
		{", kill: {task: 1, container: main}", "", "file.yaml:14: nothing happens: want one of blind, "},
		{"kill: {task: 1,", "kill: {host: 1,", "file.yaml:14: kill: want a host, or a task and its container"},
		{"kill: {task: 1,", "stop: {cluster: cluster-1}, kill: {task: 1,", "file.yaml:14: want one thing to happen"},
		{"count: 1", "count: 11", "file.yaml:12: want a whole number from 1 to 10"},
		{"startedBy: x, ", "", `file.yaml:12: run: "startedBy" is missing`},
		{"family: job", "family: a job", `file.yaml:12: family: "a job" is no name`},
		{"image: app", "image: app, essential: false", "file.yaml:12: no container is essential"},
		{"image: app}", "image: app}, {name: main, image: app}", `file.yaml:12: container "main" is there twice`},
		{"image: app", "image: app, colour: red", `file.yaml:12: an element of containerDefinitions has no field "colour"`},
		{"image: app", "image: app, dependsOn: [{containerName: side}]", `file.yaml:12: container main depends on "side", which is not there`},
		{"image: app", "image: app, dependsOn: [{containerName: main}]", "file.yaml:12: container main depends on main, which may not depend on others"},
		{"image: app}", "image: app, dependsOn: [{containerName: b, condition: HEALTHY}]}, {name: b, image: b}", "file.yaml:12: container main waits for the health of b"},
		{"image: app", "image: app, environment: [{name: FAKE_EXIT_AFTER, value: soon}]", "file.yaml:12: container main: "},
		{"run: {", "tag: {cluster: cluster-1, set: [{key: 'ballast:loop-brake', value: x}]}}\n    - {at: 3s, run: {", "file.yaml:12: "},
		{"{cluster: cluster-1, service: web}", "web", "file.yaml:16: an element of repairs: want names with values"},
		{"scenario: a", "scenario: a\nuntil: 5m", `file.yaml:2: "until" does not go with a history`},
		{"checks hold", "started = 1", `file.yaml:18: of a history "checks hold" and never "TEXT" may be expected`},
	} {
		text := strings.Replace(written, c.old, c.new, 1)
		if _, err := Parse("file.yaml", []byte(text)); err == nil || !strings.HasPrefix(err.Error(), c.want) || text == written {
			t.Errorf("%q: got %v, want %s", c.new, err, c.want)
		}
	}
	withChecks := strings.Replace(small, "started = 1", "checks hold", 1)
	if _, err := Parse("file.yaml", []byte(withChecks)); err == nil || !strings.Contains(err.Error(), `file.yaml:17: "checks hold" goes with a history`) {
		t.Errorf("got %v", err)
	}
}

func TestMistakesInHistoriesWithLoadBalancers(t *testing.T) {
	balanced := strings.Replace(written, "  hosts:\n", "  targetGroups:\n    - {TargetGroupArn: '"+webGroup+"', HealthCheckIntervalSeconds: 10, HealthCheckTimeoutSeconds: 5}\n  hosts:\n", 1)
	balanced = strings.Replace(balanced, "  deeds:\n", "  deeds:\n    - {at: 2.5s, create: {cluster: cluster-1, service: web, desired: 1, minimumHealthyPercent: 50, maximumPercent: 200, "+
		"loadBalancers: [{targetGroupArn: '"+webGroup+"', containerName: main, containerPort: 80}], "+
		"definition: {family: web, containerDefinitions: [{name: main, image: app, environment: [{name: SIM_ANSWERS, value: 'refused,200@2s'}]}]}}}\n"+
		"    - {at: 2.6s, stopBalancer: {for: 1s}}\n    - {at: 2.7s, cutTargets: {host: 1, for: 1s}}\n", 1)
	s, err := Parse("file.yaml", []byte(balanced))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Parse("file.yaml", WriteHistory(s.History, nil)); err != nil || !cmp.Equal(again.History, s.History) {
		t.Fatalf("error %v, %s", err, cmp.Diff(s.History, again.History))
	}
	if r, err := s.Play(Options{}); err != nil || !r.Passed {
		t.Errorf("error %v, %+v", err, r)
	}
	for _, c := range []struct{ old, new, want string }{
		{"HealthCheckTimeoutSeconds: 5", "HealthCheckTimeoutSeconds: 10", "file.yaml:10: Health check interval must be greater than the timeout."},
		{"HealthCheckTimeoutSeconds: 5", "deregistrationDelay: 2h, HealthCheckTimeoutSeconds: 5", "file.yaml:10: deregistrationDelay: want at most an hour"},
		{"TargetGroupArn: '" + webGroup, "TargetGroupArn: 'web", `file.yaml:10: "web" is no ARN of a target group`},
		{"targetGroupArn: '" + webGroup, "targetGroupArn: 'web", `file.yaml:14: there is no target group "web" in targetGroups`},
		{"containerPort: 80", "containerPort: 0", "file.yaml:14: want a whole number from 1 to"},
		{"refused,200@2s", "loud", `file.yaml:14: container main: answers: want a code, refused or silent, not "loud"`},
		{"cutTargets: {host: 1", "cutTargets: {host: 2", "file.yaml:16: there is no host 2"},
		{"cutTargets: {host: 1", "cutTargets: {host: 0", "file.yaml:16: want a host from 1 to 1"},
	} {
		text := strings.Replace(balanced, c.old, c.new, 1)
		if _, err := Parse("file.yaml", []byte(text)); err == nil || !strings.HasPrefix(err.Error(), c.want) || text == balanced {
			t.Errorf("%q: got %v, want %s", c.new, err, c.want)
		}
	}
}

const webGroup = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/web/0123456789abcdef"

// TestEveryPartOfADefinitionIsWritten has a definition with all that histories know of.
func TestEveryPartOfADefinitionIsWritten(t *testing.T) {
	d := ecs.TaskDefinition{Family: "web", NetworkMode: ecs.NetworkAwsvpc, Containers: []ecs.ContainerDefinition{
		{Name: "app", Image: "app", Essential: true, CPU: 1, Memory: 2, StartTimeout: 3 * time.Second, StopTimeout: 4 * time.Second,
			Ports:         []ecs.PortMapping{{ContainerPort: 80, HostPort: 8080}},
			Environment:   []ecs.Variable{{Name: "FAKE_EXIT_CODE", Value: "1"}},
			DependsOn:     []ecs.Dependency{{Container: "side", Condition: ecs.DependHealthy}},
			RestartPolicy: &ecs.RestartPolicy{AttemptPeriod: 2 * time.Second}},
		{Name: "side", Image: "side", HealthCheck: &ecs.HealthCheck{Command: []string{"CMD", "x: y"}, Interval: 5 * time.Second, Timeout: 6 * time.Second,
			Retries: 7, StartPeriod: 8 * time.Second}},
	}}
	n, err := parse([]byte(oneLine(definitionForm(&d).write())))
	if err != nil {
		t.Fatal(err)
	}
	var read ecs.TaskDefinition
	if err := definitionForm(&read).read(n); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d, read); diff != "" {
		t.Error(diff)
	}
}

// FuzzHistory: what is read of a file is written and read the same, and no file brings the reader down.
func FuzzHistory(f *testing.F) {
	f.Add(written)
	f.Add(strings.Replace(written, "run: {cluster: cluster-1, startedBy: x, count: 1,", "create: {cluster: cluster-1, service: web, desired: 2, minimumHealthyPercent: 50, maximumPercent: 200,", 1))
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse("file.yaml", []byte(text))
		if err != nil || s.History == nil {
			return
		}
		again, err := Parse("file.yaml", WriteHistory(s.History, nil))
		if err != nil {
			t.Fatalf("%v in\n%s", err, WriteHistory(s.History, nil))
		}
		if diff := cmp.Diff(s.History, again.History); diff != "" {
			t.Fatal(diff)
		}
	})
}
