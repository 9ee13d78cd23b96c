package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// project writes a folder with a task definition that says something and waits, and a service of it.
func projectDir(t *testing.T, service, message string, count string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "task-definition.json", `{"family": "`+service+`", "containerDefinitions": [{"name": "app", "image": "app", "memoryReservation": 32,
		"command": ["ballast", "sample", "web", "--message", "`+message+`"], "portMappings": [{"containerPort": 80}]}]}`)
	write(t, dir, "service.json", `{"serviceName": "`+service+`", "taskDefinition": "`+service+`", "desiredCount": `+count+`}`)
	return dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// at gives the flags that lead to a server.
func at(endpoint string, args ...string) []string { return append(args, "--endpoint-url", endpoint) }

func listenFlag(endpoint string) string { return "--listen=" + strings.TrimPrefix(endpoint, "http://") }

// tasksOf reads what ps -o json gives.
func tasksOf(t *testing.T, r result) []task {
	t.Helper()
	var answer struct{ Tasks []task }
	if err := json.Unmarshal([]byte(r.out), &answer); err != nil || r.code != exitDone {
		t.Fatalf("exit code %d, %v:\n%s%s", r.code, err, r.out, r.talk)
	}
	return answer.Tasks
}

func TestVerbsAgainstAServer(t *testing.T) {
	endpoint := serverOf(t)
	has(t, "ps of nothing", ballast(at(endpoint, "ps")...).talk, "No task of cluster default runs.")
	has(t, "events of nothing", ballast(at(endpoint, "events", "--all")...).talk, "No events yet.")

	dir := projectDir(t, "web", "hello", "2")
	up := ballast("up", dir, listenFlag(endpoint), "--data-dir", t.TempDir(), "-o", "json")
	has(t, "up", up.talk, "A Ballast answers", "task definition web:1: registered", "service web: created, 2 tasks of web:1", "web: steady, 2 of 2 running")
	if started := tasksOf(t, up); len(started) != 2 {
		t.Fatalf("%d tasks after up, want 2", len(started))
	}

	tasks := tasksOf(t, ballast(at(endpoint, "ps", "web", "-o", "json")...))
	if len(tasks) != 2 || tasks[0].Service != "web" || tasks[0].Revision != "web:1" || tasks[0].LastStatus != "RUNNING" || len(tasks[0].Listens) != 1 {
		t.Fatalf("ps shows %+v", tasks)
	}
	has(t, "ps", ballast(at(endpoint, "ps")...).out, "TASK", tasks[0].shortID(), tasks[0].Listens[0].String())
	eventually(t, "both wrote to their logs", func() bool {
		return strings.Count(ballast(at(endpoint, "logs", "web")...).out, "listening on") == 2
	})
	one := ballast(at(endpoint, "logs", tasks[0].shortID(), "-o", "json")...)
	has(t, "logs", one.out, `"task":"`+tasks[0].ID+`"`, `"container":"app"`, "listening on")
	has(t, "logs by the ARN", ballast(at(endpoint, "logs", tasks[0].ARN)...).out, "listening on")
	if got := ballast(at(endpoint, "logs", "web", "--since", "2100-01-01T00:00:00Z")...); got.out != "" || got.code != exitDone {
		t.Errorf("logs of the future: %+v", got)
	}
	has(t, "events", ballast(at(endpoint, "events", "web")...).out, "(service web) has started 2 tasks", "has reached a steady state")
	has(t, "events", ballast(at(endpoint, "events", "--all", "-o", "json")...).out, `{"service":"web","id":"`)

	testChange(t, endpoint, dir)
	testTags(t, endpoint)
	testStop(t, endpoint, dir)
	testMistakes(t, endpoint)
}

// testChange deploys again: without a change, and with one.
func testChange(t *testing.T, endpoint, dir string) {
	same := ballast("up", dir, listenFlag(endpoint), "--policy", "ecs-2026")
	has(t, "second up", same.talk, "no changes", "--policy ecs-2026 has no effect")
	if same.code != exitDone || strings.Contains(same.talk, "registered") {
		t.Errorf("second up: exit code %d:\n%s", same.code, same.talk)
	}
	changed := projectDir(t, "web", "bonjour", "1")
	other := ballast("up", changed, listenFlag(endpoint))
	has(t, "up with a change", other.talk, "task definition web:2: registered", `"hello"`, `"bonjour"`, "desiredCount: 2 -> 1", "web: steady, 1 of 1 running on web:2")
	tasks := tasksOf(t, ballast(at(endpoint, "ps", "web", "-a", "-o", "json")...))
	if len(tasks) != 3 || tasks[0].Revision != "web:2" {
		t.Errorf("after the change: %+v", tasks)
	}
}

// testTags changes the tags of the service, and then deploys without any.
func testTags(t *testing.T, endpoint string) {
	dir := projectDir(t, "web", "bonjour", "1")
	deploy := func(more string) string {
		write(t, dir, "service.json", `{"serviceName": "web", "taskDefinition": "web", "desiredCount": 1`+more+`}`)
		return ballast(at(endpoint, "deploy", dir)...).talk
	}
	has(t, "tags", deploy(`, "tags": [{"key": "team", "value": "blue"}, {"key": "ballast:healthy-after", "value": "0s"}]`), "service web: updated", "web: steady")
	has(t, "other tags", deploy(`, "tags": [{"key": "team", "value": "red"}]`), `tags[team].value: "blue" -> "red"`, "tags[ballast:healthy-after]", "-> unset")
	has(t, "the same tags", deploy(`, "tags": [{"key": "team", "value": "red"}]`), "no changes")
	has(t, "no tags", deploy(""), "no changes")
	has(t, "an unknown tag", deploy(`, "tags": [{"key": "ballast:x", "value": ""}]`), `update service web: InvalidParameterException: tag "ballast:x" is unknown`)
	has(t, "the tags that were", deploy(`, "tags": [{"key": "team", "value": "red"}]`), "no changes")
}

// testStop stops a task, which is replaced, and a service, which is brought back.
func testStop(t *testing.T, endpoint, dir string) {
	victim := tasksOf(t, ballast(at(endpoint, "ps", "web", "-o", "json")...))[0]
	eventually(t, "it has begun to listen", func() bool {
		return strings.Contains(ballast(at(endpoint, "logs", victim.ID)...).out, "listening on")
	})
	got := ballast(at(endpoint, "stop", victim.shortID(), "--wait", "--reason", "because", "-o", "json")...)
	has(t, "stop", got.out, victim.ARN)
	again := ballast(at(endpoint, "stop", victim.shortID())...)
	has(t, "stop of a stopped task", again.talk, "stopped already: because")
	if got.code != exitDone || again.code != exitFailed {
		t.Errorf("exit codes %d and %d, want 0 and 1", got.code, again.code)
	}
	// It has stopped, so following its log ends by itself.
	has(t, "logs -f of a stopped task", ballast(at(endpoint, "logs", victim.ID, "-f", "-t")...).out, "  listening on")
	eventually(t, "the task is replaced", func() bool {
		tasks := tasksOf(t, ballast(at(endpoint, "ps", "web", "-o", "json")...))
		return len(tasks) == 1 && tasks[0].ID != victim.ID
	})
	has(t, "stop of a service", ballast(at(endpoint, "stop", "web", "--wait")...).talk, "service web: told to stop", "stopped")
	if tasks := tasksOf(t, ballast(at(endpoint, "ps", "web", "-o", "json")...)); len(tasks) != 0 {
		t.Errorf("after stop: %+v", tasks)
	}
	has(t, "up after stop", ballast("up", dir, listenFlag(endpoint)).talk, "desiredCount: 0 -> 2", "web: steady, 2 of 2 running")
}

// testMistakes gives each verb something that is not there.
func testMistakes(t *testing.T, endpoint string) {
	for line, want := range map[string]string{
		"ps nosuch":                             `no service "nosuch"`,
		"ps --cluster nosuch":                   "ClusterNotFoundException: Cluster not found.",
		"events nosuch":                         `no service "nosuch"`,
		"logs nosuch":                           `"ballast ps -a" lists what there is`,
		"stop web 0123":                         `no task "0123"`,
		"stop bad!name":                         "Invalid identifier",
		"logs --since 1m 01234":                 `no task "01234"`,
		"logs a-name-as-long-as-the-id-of-task": `"ballast ps -a" lists what there is`,
	} {
		got := ballast(at(endpoint, strings.Fields(line)...)...)
		if got.code != exitFailed || got.out != "" {
			t.Errorf("%q: exit code %d, output %q", line, got.code, got.out)
		}
		has(t, line, got.talk, want)
	}
	if tasks := tasksOf(t, ballast(at(endpoint, "ps", "web", "-o", "json")...)); len(tasks) != 2 {
		t.Errorf("a stop of something unknown stopped what was named beside it: %+v", tasks)
	}
	bad := projectDir(t, "api", "x", "1")
	write(t, bad, "task-definition.json", `{"family": "api", "containerDefinitions": [{"name": "app", "image": "app"}]}`)
	refused := ballast("up", bad, listenFlag(endpoint))
	has(t, "up with a bad definition", refused.talk, "task-definition.json: ClientException: Invalid setting for container 'app'.")
	if refused.code != exitFailed {
		t.Errorf("exit code %d, want 1", refused.code)
	}
}

// The time is enough on a slow machine for a task to fail, which is to be told.
func TestNotSteadyInTime(t *testing.T) {
	endpoint := serverOf(t)
	dir := projectDir(t, "web", "hello", "1")
	write(t, dir, "task-definition.json", `{"family": "web", "containerDefinitions": [{"name": "app", "image": "app", "memory": 32, "command": ["nosuch"]}]}`)
	got := ballast("up", dir, listenFlag(endpoint), "--timeout", "4s")
	if got.code != exitNotSteady {
		t.Errorf("exit code %d, want %d", got.code, exitNotSteady)
	}
	has(t, "up", got.talk, "web: task ", "CannotStartContainerError", "not steady within 4s", `"ballast ps -a"`)
}

func TestFollowingEndsWithASignal(t *testing.T) {
	endpoint := serverOf(t)
	ballast("up", projectDir(t, "web", "hello", "1"), listenFlag(endpoint))
	for _, verb := range []string{"logs", "events"} {
		s, out, _, signals := terminalless(nil)
		code := make(chan int, 1)
		go func() { code <- Main(at(endpoint, verb, "web", "-f"), s) }()
		eventually(t, verb+" shows something", func() bool { return out.String() != "" })
		signals <- os.Interrupt
		select {
		case got := <-code:
			if got != exitInterrupted {
				t.Errorf("%s: exit code %d, want %d", verb, got, exitInterrupted)
			}
		case <-time.After(within):
			t.Fatalf("%s goes on after a signal", verb)
		}
	}
}

// A "ballast up" is a server from here to the signal: with credentials, and with an order that is seen from outside.
func TestUpServesUntilASignal(t *testing.T) {
	dir, data := projectDir(t, "web", "hello", "2"), t.TempDir()
	keys := filepath.Join(t.TempDir(), "keys")
	write(t, filepath.Dir(keys), "keys", "alice a-long-secret admin\n")
	s, out, talk, signals := terminalless(nil)
	code := make(chan int, 1)
	go func() {
		code <- Main([]string{"up", dir, "--listen=127.0.0.1:0", "--data-dir", data, "--policy=fast", "--driver=process", "--credentials", keys}, s)
	}()
	eventually(t, "it is steady", func() bool { return strings.Contains(talk.String(), "Point the AWS CLI at it") })
	has(t, "talk", talk.String(), "driver process", "data in "+data, "AWS_ACCESS_KEY_ID=KEY")
	has(t, "output", out.String(), "TASK", "web:1", "127.0.0.1:")
	_, after, _ := strings.Cut(talk.String(), " at ")
	endpoint, _, _ := strings.Cut(after, " ")
	has(t, "ps without a key", ballast(at(endpoint, "ps")...).talk, "UnrecognizedClientException")
	signals <- os.Interrupt
	select {
	case got := <-code:
		if got != exitDone {
			t.Errorf("exit code %d, want 0", got)
		}
	case <-time.After(within):
		t.Fatal("up goes on after a signal")
	}
	has(t, "talk", talk.String(), "Stopping 2 tasks", "Stopped 2 tasks")
}
