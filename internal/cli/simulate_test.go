package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const scenarios = "../../scenarios"

// altered puts a scenario of scenarios/, changed, into a folder of the test.
func altered(t *testing.T, dir, name string, change *strings.Replacer) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(scenarios, "crashing.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(change.Replace(string(text))), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestSimulateFile(t *testing.T) {
	drawing := filepath.Join(t.TempDir(), "a.svg")
	got := ballast("simulate", scenarios+"/crashing.yaml", "--svg", drawing)
	if got.code != exitDone || !strings.Contains(got.out, "> 4 tasks of web:1 crash with exit code 1") || !strings.Contains(got.out, "ok    min running = 4") {
		t.Errorf("code %d\n%s%s", got.code, got.out, got.talk)
	}
	if svg, err := os.ReadFile(drawing); err != nil || !strings.HasPrefix(string(svg), "<svg ") {
		t.Errorf("error %v, or no drawing: %.40s", err, svg)
	}
	if again := ballast("simulate", scenarios+"/crashing.yaml"); again.out != got.out {
		t.Errorf("the second time differs:\n%s", again.out)
	}
	if other := ballast("simulate", scenarios+"/crashing.yaml", "--seed", "5", "--policy", "fast"); !strings.Contains(other.out, "policy fast, seed 5") {
		t.Errorf("with another seed and policy:\n%s", other.out)
	}
}

func TestSimulateHistory(t *testing.T) {
	const history = `scenario: a
history:
  seed: 1
  policy: {name: ecs}
  until: 30s
  clusters: 1
  retention: 1h
  retained: 1000
  hosts: [{cluster: cluster-1}]
  deeds:
    - {at: 3s, run: {cluster: cluster-1, startedBy: x, count: 1, definition: {family: job, containerDefinitions: [{name: main, image: app, memory: 16}]}}}
    - {at: 5s, crashControl: {for: 2s}}
expect:
  - checks hold
`
	file := filepath.Join(t.TempDir(), "history.yaml")
	if err := os.WriteFile(file, []byte(history), 0o644); err != nil {
		t.Fatal(err)
	}
	got := ballast("simulate", file, "--svg", filepath.Join(t.TempDir(), "a.svg"))
	if got.code != exitDone || !strings.Contains(got.out, "    0:05.0  > crashControl {for: 2s}\n") || !strings.Contains(got.out, ": 1 tasks started\n\nok    checks hold\n") {
		t.Errorf("code %d\n%s%s", got.code, got.out, got.talk)
	}
	if got := ballast("simulate", file, "--seed", "2"); got.code != exitUsage || !strings.Contains(got.talk, "a history has its own seed and policy") {
		t.Errorf("code %d\n%s%s", got.code, got.out, got.talk)
	}
}

func TestSimulateCompare(t *testing.T) {
	got := ballast("simulate", scenarios+"/runaway.yaml", "--compare", "ecs-2022")
	if got.code != exitDone || !strings.Contains(got.out, "web: fewest healthy                           6          0\n") {
		t.Errorf("code %d\n%s%s", got.code, got.out, got.talk)
	}
}

func TestSimulateCompareServices(t *testing.T) {
	got := ballast("simulate", scenarios+"/slow-start-container.yaml", "--compare", "neither,both")
	if got.code != exitDone || !strings.Contains(got.out, "tasks stopped                                 9          0\n") {
		t.Errorf("code %d\n%s%s", got.code, got.out, got.talk)
	}
	for flag, want := range map[string]string{"--json": "--json gives every service", "--why=1m": "name those by --service"} {
		got := ballast("simulate", scenarios+"/slow-start-container.yaml", "--compare", "neither,both", flag)
		if got.code != exitUsage || !strings.Contains(got.talk, want) || got.out != "" {
			t.Errorf("%s: code %d\n%s%s", flag, got.code, got.out, got.talk)
		}
	}
	for name, want := range map[string]string{
		"neither,nobody": `the scenario has no service "nobody"; it has `,
		"neither":        `policy "neither" is unknown; known are `,
	} {
		got := ballast("simulate", scenarios+"/slow-start-container.yaml", "--compare", name)
		if got.code != exitUsage || !strings.Contains(got.talk, want) || got.out != "" {
			t.Errorf("%s: code %d\n%s%s", name, got.code, got.out, got.talk)
		}
	}
}

func TestSimulateFolder(t *testing.T) {
	dir := t.TempDir()
	altered(t, dir, "a.yaml", strings.NewReplacer())
	b := altered(t, dir, "b.yaml", strings.NewReplacer("max running = 8", "max running = 9"))
	got := ballast("simulate", dir)
	if got.code != exitFailed || got.talk != "" || !strings.Contains(got.out, "ok    "+dir+"/a.yaml: Crashing tasks (9 of 9 expectations, 5m)\n"+
		"FAIL  "+b+": Crashing tasks (8 of 9 expectations, 5m)\nFAIL  max running = 9: seen 8 at 0:00.0 ("+b) {
		t.Errorf("code %d\n%s%s", got.code, got.out, got.talk)
	}
	c := altered(t, dir, "c.yaml", strings.NewReplacer("until: 5m", "until: 5m\ntill: 6m"))
	got = ballast("simulate", dir, "--json")
	var all struct {
		Results []struct {
			Passed   bool
			Timeline []struct{ At float64 }
			Services []struct{ Samples []struct{ Desired int } }
		}
	}
	if err := json.Unmarshal([]byte(got.out), &all); err != nil || len(all.Results) != 2 || !all.Results[0].Passed || all.Results[1].Passed ||
		all.Results[0].Timeline[1].At != 60 || all.Results[0].Services[0].Samples[0].Desired != 8 {
		t.Errorf("error %v\n%s", err, got.out)
	}
	if got.code != exitUsage || !strings.Contains(got.talk, c+":6: a scenario has no field \"till\"") {
		t.Errorf("code %d\n%s", got.code, got.talk)
	}
}

// TestSimulateWhy has services explained at moments of a scenario, and that go with everything else.
func TestSimulateWhy(t *testing.T) {
	file := scenarios + "/frozen.yaml"
	got := ballast("simulate", file, "--why", "90s,2m", "--why", "0s", "--service", "web")
	first, second, third := strings.Index(got.out, "0:00.0  policy ecs\nService web is steady"),
		strings.Index(got.out, "1:30.0  policy ecs\nService web is replacing unhealthy tasks: 4 of 8 tasks are healthy."), strings.Index(got.out, "2:00.0  policy ecs\n")
	if got.code != exitDone || first != 0 || second < first || third < second || strings.Contains(got.out, "> 4 tasks") || got.talk != "" {
		t.Errorf("code %d\n%s%s", got.code, got.out, got.talk)
	}
	got = ballast("simulate", file, "--why", "90s", "--compare", "ecs-2022")
	if got.code != exitDone || strings.Count(got.out, "1:30.0  policy ecs\n") != 1 || strings.Count(got.out, "1:30.0  policy ecs-2022\n") != 1 {
		t.Errorf("code %d\n%s%s", got.code, got.out, got.talk)
	}
	got = ballast("simulate", file, "--why", "90s", "--json")
	var all struct {
		Results []struct {
			Timeline     []any
			Explanations []struct {
				At     float64
				Report struct {
					State    string
					Findings []struct{ Kind string }
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(got.out), &all); err != nil || len(all.Results) != 1 || len(all.Results[0].Timeline) == 0 ||
		len(all.Results[0].Explanations) != 1 || all.Results[0].Explanations[0].At != 90 || all.Results[0].Explanations[0].Report.Findings[0].Kind != "unhealthy" {
		t.Errorf("error %v\n%s", err, got.out)
	}
	failing := altered(t, t.TempDir(), "a.yaml", strings.NewReplacer("max running = 8", "max running = 9"))
	if got = ballast("simulate", failing, "--why", "0s"); got.code != exitFailed || !strings.Contains(got.out, "FAIL  max running = 9") || strings.Contains(got.out, "ok  ") {
		t.Errorf("code %d\n%s%s", got.code, got.out, got.talk)
	}
}

func TestSimulateUsage(t *testing.T) {
	for line, want := range map[string]string{
		"simulate":                                                      "want a scenario, a folder of them, or --from SERVICE",
		"simulate nowhere.yaml":                                         "nowhere.yaml: no such file or folder",
		"simulate " + scenarios + " --svg x.svg":                        "--svg, --compare and --why want one",
		"simulate " + scenarios + " --compare ecs-1999":                 `policy "ecs-1999" is unknown`,
		"simulate ../../docs":                                           "holds no scenario (*.yaml)",
		"simulate " + scenarios + " --why 1m":                           "--svg, --compare and --why want one",
		"simulate " + scenarios + "/frozen.yaml --why 5m1s":             "nothing to explain at 5m1s: the scenario goes from 0s to 5m",
		"simulate " + scenarios + "/frozen.yaml --why 1m --service api": `there is no service "api" to explain; there are web`,
		"simulate " + scenarios + "/frozen.yaml --why soon":             `expected duration but got "soon"`,
		"simulate " + scenarios + "/frozen.yaml --service web":          "--service goes with --why",
	} {
		if got := ballast(strings.Fields(line)...); got.code != exitUsage || got.out != "" || !strings.Contains(got.talk, want) {
			t.Errorf("%s: code %d, %q %q", line, got.code, got.out, got.talk)
		}
	}
}
