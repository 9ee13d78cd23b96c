package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"

	"ballast/internal/scheduler/policy"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// apiTask is a task as the API shows it.
func apiTask(id, last string, change func(*types.Task)) types.Task {
	t := types.Task{
		TaskArn:           aws.String("arn:aws:ecs:us-east-1:000000000000:task/default/" + id),
		TaskDefinitionArn: aws.String("arn:aws:ecs:us-east-1:000000000000:task-definition/web:3"),
		Group:             aws.String("service:web"), LastStatus: &last, DesiredStatus: aws.String("RUNNING"), HealthStatus: types.HealthStatusUnknown,
		CreatedAt: aws.Time(noon.Add(-time.Minute)),
		Containers: []types.Container{{Name: aws.String("app"), LastStatus: &last, NetworkBindings: []types.NetworkBinding{
			{BindIP: aws.String("0.0.0.0"), ContainerPort: aws.Int32(80), HostPort: aws.Int32(32768), Protocol: types.TransportProtocolTcp},
			{BindIP: aws.String("127.0.0.1"), ContainerPort: aws.Int32(53), HostPort: aws.Int32(5353), Protocol: types.TransportProtocolUdp}}}},
	}
	if change != nil {
		change(&t)
	}
	return t
}

const someID = "0123456789abcdef0123456789abcdef"

func TestTaskRows(t *testing.T) {
	tasks := []task{
		taskOf(apiTask(someID, "RUNNING", func(t *types.Task) { t.StartedAt = aws.Time(noon.Add(-5 * time.Second)) })),
		taskOf(apiTask("f"+someID[1:], "STOPPED", func(t *types.Task) {
			t.StoppedAt, t.StoppedReason, t.Group = aws.Time(noon.Add(-3*time.Hour)), aws.String("Essential container in task exited"), aws.String("family:web")
			t.Containers[0].ExitCode, t.Containers[0].NetworkBindings = aws.Int32(7), nil
		})),
	}
	var out bytes.Buffer
	if err := table(&out, false, taskRows(tasks, noon, false)); err != nil {
		t.Fatal(err)
	}
	want := `TASK      SERVICE  REVISION  STATUS   HEALTH   SINCE  LISTENS                             REASON
01234567  web      web:3     RUNNING  UNKNOWN  5s     127.0.0.1:32768 127.0.0.1:5353/udp
f1234567  -        web:3     STOPPED  UNKNOWN  3h     -                                   Essential container in task exited (app: exit code 7)
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	out.Reset()
	table(&out, true, taskRows(tasks[:1], noon, false))
	if want := "\x1b[32mRUNNING\x1b[0m  \x1b[2mUNKNOWN"; !strings.Contains(out.String(), want) {
		t.Errorf("no %q with colours:\n%q", want, out.String())
	}
}

func TestReason(t *testing.T) {
	for want, task := range map[string]task{
		"":  {Containers: []container{{Name: "a"}}},
		"x": {StoppedReason: "x", Containers: []container{{Name: "a", ExitCode: aws.Int32(0)}}},
		"Task failed to start (a: CannotStartContainerError: no)": {StoppedReason: "Task failed to start",
			Containers: []container{{Name: "a", Reason: "CannotStartContainerError: no"}}},
		"x (a: slow, exit code 137) (b: exit code 1)": {StoppedReason: "x",
			Containers: []container{{Name: "a", Reason: "slow", ExitCode: aws.Int32(137)}, {Name: "b", ExitCode: aws.Int32(1)}}},
	} {
		if got := task.reason(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAgo(t *testing.T) {
	for want, d := range map[string]time.Duration{"0s": -time.Second, "119s": 119 * time.Second, "2m": 2 * time.Minute, "119m": 119 * time.Minute,
		"2h": 2 * time.Hour, "47h": 47 * time.Hour, "2d": 50 * time.Hour} {
		if got := ago(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

func TestMatch(t *testing.T) {
	all := []task{{ID: "aa11"}, {ID: "aa22"}, {ID: "bb33"}}
	if got, err := match("bb", all, "default"); err != nil || got.ID != "bb33" {
		t.Errorf("bb: %v, %v", got.ID, err)
	}
	for ref, want := range map[string]string{"aa": "give more of it", "cc": "ballast ps -a"} {
		if _, err := match(ref, all, "default"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q in it", ref, err, want)
		}
	}
}

// apiService is a service with its newest deployment first, each given as revision, running and pending.
func apiService(desired int32, state types.DeploymentRolloutState, deployments ...[3]int32) *types.Service {
	s := &types.Service{ServiceName: aws.String("web"), DesiredCount: desired}
	for _, d := range deployments {
		s.RunningCount += d[1]
		s.PendingCount += d[2]
		s.Deployments = append(s.Deployments, types.Deployment{RolloutState: state, RunningCount: d[1], PendingCount: d[2],
			TaskDefinition: aws.String("arn:aws:ecs:us-east-1:000000000000:task-definition/web:" + string('0'+rune(d[0])))})
	}
	return s
}

func TestProgressStatus(t *testing.T) {
	ecs, _ := policy.Named("ecs")
	fast, _ := policy.Named("fast")
	const (
		inProgress = types.DeploymentRolloutStateInProgress
		completed  = types.DeploymentRolloutStateCompleted
	)
	checked := []task{{LastStatus: "RUNNING", Health: "HEALTHY"}}
	for _, c := range []struct {
		service *types.Service
		tasks   []task
		policy  policy.Policy
		want    string
		steady  bool
	}{
		{&types.Service{ServiceName: aws.String("web")}, nil, ecs, "no deployment yet", false},
		{apiService(3, inProgress, [3]int32{1, 0, 3}), nil, ecs, "0 of 3 running on web:1, 3 pending", false},
		{apiService(3, inProgress, [3]int32{2, 1, 1}, [3]int32{1, 2, 0}), nil, ecs, "1 of 3 running on web:2, 1 pending, 2 left of web:1", false},
		{apiService(3, inProgress, [3]int32{1, 3, 0}), nil, ecs,
			"3 of 3 running on web:1; counted healthy 40 s after start (policy ecs; --policy fast: at once)", false},
		{apiService(3, inProgress, [3]int32{1, 3, 0}), checked, ecs, "3 of 3 running on web:1", false},
		{apiService(3, inProgress, [3]int32{1, 3, 0}), nil, fast, "3 of 3 running on web:1", false},
		{apiService(3, completed, [3]int32{1, 3, 0}), nil, ecs, "steady, 3 of 3 running on web:1", true},
		{apiService(3, completed, [3]int32{1, 2, 1}), nil, ecs, "2 of 3 running on web:1, 1 pending", false},
		{apiService(1, completed, [3]int32{1, 3, 0}), nil, ecs, "3 running, 1 wanted on web:1", false},
		{apiService(0, completed, [3]int32{1, 0, 0}), nil, ecs, "steady, no tasks wanted on web:1", true},
	} {
		s := newProgress(c.policy, nil, nil).look(c.service, c.tasks, noon)
		if s.status != "web: "+c.want || s.steady != c.steady {
			t.Errorf("got %q, steady %v; want %q, %v", s.status, s.steady, c.want, c.steady)
		}
	}
}

func TestProgressWaitsForChecks(t *testing.T) {
	numbers, _ := policy.Named("ecs")
	g := newProgress(numbers, nil, nil)
	g.checked = true
	got := g.look(apiService(3, types.DeploymentRolloutStateInProgress, [3]int32{1, 3, 0}), nil, noon).status
	if want := "web: 3 of 3 running on web:1; waiting for their health checks"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestProgressSaysNewsOnce(t *testing.T) {
	event := func(id, message string) types.ServiceEvent { return types.ServiceEvent{Id: &id, Message: &message} }
	before := apiService(1, types.DeploymentRolloutStateInProgress, [3]int32{1, 0, 1})
	before.Events = []types.ServiceEvent{event("1", "(service web) was unable to place a task")}
	old := task{ARN: "old", ID: "old", LastStatus: "STOPPED"}
	g := newProgress(policy.Policy{}, before, []task{old})

	after := *before
	after.Events = []types.ServiceEvent{event("3", "(service web) has started 1 tasks: (task x)."), event("2", "(service web) is unable to consistently start"),
		before.Events[0]}
	crashed := task{ARN: "new", ID: someID, LastStatus: "STOPPED", StoppedReason: "Essential container in task exited"}
	replaced := task{ARN: "replaced", LastStatus: "STOPPED", StoppedReason: "Scaling activity initiated by (deployment ecs-svc/1)"}
	s := g.look(&after, []task{old, crashed, replaced}, noon)
	want := []string{"web: task 01234567 stopped: Essential container in task exited", "(service web) is unable to consistently start"}
	if diff := cmp.Diff(want, s.news); diff != "" {
		t.Errorf("news (-want +got):\n%s", diff)
	}
	if s = g.look(&after, []task{old, crashed, replaced}, noon); len(s.news) > 0 || s.status != "" {
		t.Errorf("said again: %q, %q", s.news, s.status)
	}
}

// A service that loses its tasks all the time is told of in a bounded number of lines.
func TestProgressOfALoop(t *testing.T) {
	const inProgress, completed = types.DeploymentRolloutStateInProgress, types.DeploymentRolloutStateCompleted
	g := newProgress(policy.Policy{}, nil, nil)
	var lines []string
	now := noon
	look := func(s *types.Service, tasks []task) {
		got := g.look(s, tasks, now)
		if lines = append(lines, got.news...); got.status != "" {
			lines = append(lines, got.status)
		}
		now = now.Add(200 * time.Millisecond)
	}
	const perMinute = 300
	for i := range 10 * perMinute {
		id := fmt.Sprintf("%08d", i)
		running := int32(i % 2)
		look(apiService(1, inProgress, [3]int32{2, running, 1 - running}, [3]int32{1, 1, 0}),
			[]task{{ARN: id, ID: id, LastStatus: "STOPPED", StoppedReason: "Essential container in task exited"}})
	}
	want := []string{"web: task 00000000 stopped: Essential container in task exited", "web: 0 of 1 running on web:2, 1 pending, 1 left of web:1",
		"web: task 00000001 stopped: Essential container in task exited", "web: 1 of 1 running on web:2, 1 left of web:1"}
	if diff := cmp.Diff(want, lines[:4]); diff != "" {
		t.Errorf("the beginning (-want +got):\n%s", diff)
	}
	if text := strings.Join(lines, "\n"); !strings.Contains(text, "web: 2000 tasks have stopped so: Essential container in task exited") || len(lines) > 40 {
		t.Errorf("%d lines:\n%s", len(lines), text)
	}

	lines = nil // the one of two that come and go that was not said last, and then stays
	stays := apiService(1, inProgress, [3]int32{2, 1, 0}, [3]int32{1, 1, 0})
	if g.status.last == "1 of 1 running on web:2, 1 left of web:1" {
		stays = apiService(1, inProgress, [3]int32{2, 0, 1}, [3]int32{1, 1, 0})
	}
	for range 100 {
		look(stays, nil)
	}
	if len(lines) != 1 {
		t.Errorf("a status that stays: %q", lines)
	}
	lines = nil
	for range 2 {
		look(apiService(1, completed, [3]int32{2, 1, 0}), nil)
	}
	if diff := cmp.Diff([]string{"web: steady, 1 of 1 running on web:2"}, lines); diff != "" {
		t.Errorf("the end (-want +got):\n%s", diff)
	}
}

func TestProgressOfAFailedRollout(t *testing.T) {
	s := apiService(1, types.DeploymentRolloutStateFailed, [3]int32{2, 0, 0}, [3]int32{1, 1, 0})
	s.TaskDefinition = s.Deployments[0].TaskDefinition
	s.Deployments[0].RolloutStateReason = aws.String("ECS deployment circuit breaker: tasks failed to start.")
	want := `ECS deployment circuit breaker: tasks failed to start on web:2 ("ballast ps -a web" says why its tasks stopped, ` +
		`"ballast logs web" what they wrote; "ballast rollback web" goes back to web:1)`
	if got := newProgress(policy.Policy{}, nil, nil).look(s, nil, noon); got.failed != want || got.steady {
		t.Errorf("got %+v", got)
	}
}

// A deployment that was rolled back has failed, though the service is steady.
func TestProgressOfARollback(t *testing.T) {
	const inProgress, completed = types.DeploymentRolloutStateInProgress, types.DeploymentRolloutStateCompleted
	id := func(s *types.Service, id string) *types.Service {
		s.Deployments[0].Id = &id
		return s
	}
	begin := func() *progress {
		g := newProgress(policy.Policy{}, nil, nil)
		g.aim(id(apiService(1, inProgress, [3]int32{2, 0, 1}), "ecs-svc/2"))
		return g
	}
	failed := types.ServiceEvent{Id: aws.String("1"), Message: aws.String("(service web) (deployment ecs-svc/2) deployment failed: tasks failed to start.")}

	g := begin()
	back := id(apiService(1, inProgress, [3]int32{1, 0, 1}), "ecs-svc/3")
	back.Events = []types.ServiceEvent{failed}
	if got := g.look(back, nil, noon); got.failed != "" || got.steady {
		t.Errorf("while it is rolled back: %+v", got)
	}
	back = id(apiService(1, completed, [3]int32{1, 1, 0}), "ecs-svc/3")
	back.Events = []types.ServiceEvent{failed}
	want := "the deployment of web:2 failed, tasks failed to start, and was rolled back: the service is on web:1"
	if got := g.look(back, nil, noon); !strings.HasPrefix(got.failed, want) || !got.steady {
		t.Errorf("rolled back: %+v", got)
	}
	if got := begin().look(id(apiService(1, completed, [3]int32{7, 1, 0}), "ecs-svc/7"), nil, noon); !strings.Contains(got.failed, "another deployment, of web:7,") {
		t.Errorf("deployed by somebody else: %+v", got)
	}
	if got := begin().look(id(apiService(1, completed, [3]int32{2, 1, 0}), "ecs-svc/2"), nil, noon); got.failed != "" || !got.steady {
		t.Errorf("as it should be: %+v", got)
	}
}

func TestListens(t *testing.T) {
	api := types.Task{TaskArn: aws.String("a/" + someID), TaskDefinitionArn: aws.String("x/web:1"), Containers: []types.Container{{Name: aws.String("app"),
		NetworkBindings: []types.NetworkBinding{
			{BindIP: aws.String("127.0.0.1"), ContainerPort: aws.Int32(80), HostPort: aws.Int32(4000), Protocol: "udp"},
			{BindIP: aws.String("0.0.0.0"), ContainerPortRange: aws.String("9000-9002"), HostPortRange: aws.String("5000-5002"), Protocol: "tcp"}}}}}
	if got, want := listens(taskOf(api)), "127.0.0.1:4000/udp 127.0.0.1:5000-5002"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	own := types.Task{TaskArn: aws.String("a/" + someID), Containers: []types.Container{{Name: aws.String("app"),
		NetworkInterfaces: []types.NetworkInterface{{PrivateIpv4Address: aws.String("127.64.0.2")}}}, {Name: aws.String("none")}}}
	definitions := []types.ContainerDefinition{{Name: aws.String("none")}, {Name: aws.String("app"),
		PortMappings: []types.PortMapping{{ContainerPort: aws.Int32(80), Protocol: "tcp"}, {ContainerPortRange: aws.String("90-91"), Protocol: "udp"}}}}
	if got, want := listens(task{Listens: atAddresses(taskOf(own).addresses, definitions)}), "127.64.0.2:80 127.64.0.2:90-91/udp"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLiveLinesAreBounded(t *testing.T) {
	tasks := make([]task, 100)
	for i := range tasks {
		tasks[i] = task{ID: someID, LastStatus: "RUNNING", Since: noon}
	}
	tasks[0].LastStatus = "STOPPED"
	if got := live("web", "busy", tasks, noon); len(got) != maxLiveTasks+2 || got[len(got)-1] != "  ..." {
		t.Errorf("%d lines, the last %q", len(got), got[len(got)-1])
	}
}

func TestScreen(t *testing.T) {
	var out bytes.Buffer
	s := &screen{out: &out, live: true, width: func() int { return 6 }}
	s.Write([]byte("one\n"))
	s.show([]string{"a", "long line"})
	s.Write([]byte("two\n"))
	s.show(nil)
	want := "one\n" + "a\nlong \n" + "\x1b[2A\x1b[Jtwo\na\nlong \n" + "\x1b[2A\x1b[J"
	if got := out.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	out.Reset()
	dumb := &screen{out: &out}
	dumb.show([]string{"a"})
	dumb.Write([]byte("one\n"))
	if got := out.String(); got != "one\n" {
		t.Errorf("without a terminal: %q", got)
	}
}

func TestUnseen(t *testing.T) {
	shown := map[string]bool{}
	a, b, c := event{ID: "a"}, event{ID: "b"}, event{ID: "c"}
	if got := unseen([]event{a, b}, shown); len(got) != 2 {
		t.Errorf("first look: %v", got)
	}
	if got := unseen([]event{b, c}, shown); len(got) != 1 || got[0] != c {
		t.Errorf("second look: %v, want c", got)
	}
	if shown["a"] || len(shown) != 2 {
		t.Errorf("remembers %v, want b and c", shown)
	}
}

func TestLogReaderTakesTheNewest(t *testing.T) {
	r := newLogReader(nil, nil, nil)
	tasks := make([]task, maxStreams+5)
	for i := range tasks {
		tasks[i] = task{ID: string(rune('a'+i%26)) + strings.Repeat("x", i), Service: "web", Since: noon.Add(time.Duration(i) * time.Second),
			Containers: []container{{Name: "app"}}}
	}
	oldest, newest := cursorKey(tasks[0], "app"), cursorKey(tasks[len(tasks)-1], "app")
	if left := r.take(tasks); left != 5 || r.cursors[newest] == nil || r.cursors[oldest] != nil {
		t.Errorf("%d left out; newest read: %v, oldest: %v", left, r.cursors[newest] != nil, r.cursors[oldest] != nil)
	}
	if left := r.take(tasks[:3]); left != 0 || len(r.done) != 3 {
		t.Errorf("second time %d left out, %d remembered; want 0 and the 3 that are listed", left, len(r.done))
	}
}

func TestLogPlace(t *testing.T) {
	one := task{ID: "123", Service: "web", Revision: "app:3", Containers: []container{{Name: "app", runtimeID: strings.Repeat("r", 64)}, {Name: "side"}}}
	alone := one
	alone.Service = ""
	awslogs := func(options ...string) *types.LogConfiguration {
		l := &types.LogConfiguration{LogDriver: types.LogDriverAwslogs, Options: map[string]string{"awslogs-group": "/g"}}
		for i := 0; i < len(options); i += 2 {
			l.Options[options[i]] = options[i+1]
		}
		return l
	}
	for _, c := range []struct {
		task          task
		container     string
		driver        *types.LogConfiguration
		group, stream string
	}{
		{one, "app", nil, "/ballast/blue", "web/app/123"},
		{alone, "app", nil, "/ballast/blue", "app/app/123"},
		{one, "app", &types.LogConfiguration{LogDriver: types.LogDriverJsonFile}, "/ballast/blue", "web/app/123"},
		{one, "app", awslogs("awslogs-stream-prefix", "live"), "/g", "live/app/123"},
		{one, "app", awslogs(), "/g", strings.Repeat("r", 64)},
		{one, "side", awslogs(), "/g", ""},
	} {
		if group, stream := logPlace(c.task, c.container, "blue", c.driver); group != c.group || stream != c.stream {
			t.Errorf("%s with %v: got %s %s, want %s %s", c.container, c.driver, group, stream, c.group, c.stream)
		}
	}
}
