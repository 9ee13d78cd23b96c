package logs_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ballast/internal/api/logs"
	"ballast/internal/arn"
	"ballast/internal/control/journal"
	"ballast/internal/control/root"
	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/httpd"
	"ballast/internal/wire"
)

// shelf is a source in memory. Its positions are not line numbers, as those of a file are not.
type shelf map[string][]driver.LogLine

// given is how many bytes of text a source has given.
type given struct {
	logs.Source
	bytes int
}

func (g *given) Logs(ctx context.Context, task ecs.ID, container string, at int64, limit driver.LogLimit) ([]driver.LogLine, int64, error) {
	lines, next, err := g.Source.Logs(ctx, task, container, at, limit)
	for _, l := range lines {
		g.bytes += len(l.Text)
	}
	return lines, next, err
}

func position(lines []driver.LogLine, n int) int64 {
	at := int64(0)
	for _, l := range lines[:n] {
		at += int64(len(l.Text)) + 10
	}
	return at
}

func (s shelf) Logs(_ context.Context, task ecs.ID, container string, at int64, limit driver.LogLimit) ([]driver.LogLine, int64, error) {
	lines := s[task.String()+"/"+container]
	for n := range len(lines) + 1 {
		if position(lines, n) == at {
			to, bytes := n, 0
			for ; to < len(lines) && !limit.Reached(to-n, bytes); to++ {
				bytes += len(lines[to].Text)
			}
			return lines[n:to], position(lines, to), nil
		}
	}
	return nil, 0, fmt.Errorf("position %d is between lines", at)
}

// FindLog gives a position some lines early, as a source may.
func (s shelf) FindLog(_ context.Context, task ecs.ID, container string, at ecs.Time) (int64, error) {
	lines := s[task.String()+"/"+container]
	n := slices.IndexFunc(lines, func(l driver.LogLine) bool { return l.At >= at })
	if n < 0 {
		n = len(lines)
	}
	return position(lines, max(n-2, 0)), nil
}

func (s shelf) LastLog(_ context.Context, task ecs.ID, container string) (ecs.Time, error) {
	if lines := s[task.String()+"/"+container]; len(lines) > 0 {
		return lines[len(lines)-1].At, nil
	}
	return 0, nil
}

// desk is the API over a cluster "c" with tasks of a service "web" and a standalone task of the family "job", each with the
// containers "app" and "side".
type desk struct {
	shelf shelf
	given *given
	state *root.Root
	calls map[string]httpd.Operation
	tasks []*ecs.Task
}

func (d *desk) Root() *root.Root { return d.state }

func newDesk(tasks int) *desk {
	s := shelf{}
	d := &desk{shelf: s, given: &given{Source: s}, calls: map[string]httpd.Operation{}}
	b := root.NewBuilder()
	unit := journal.Unit{{Key: journal.ClusterKey("c"), Record: &ecs.Cluster{Name: "c"}}}
	for i := range tasks {
		t := &ecs.Task{Seq: uint64(i + 1), ID: ecs.ID{byte(i + 1), byte((i + 1) >> 8)}, Cluster: "c", Service: "web", DesiredStatus: ecs.StatusRunning, CreatedAt: 5,
			Definition: &ecs.TaskDefinition{Family: "f", Containers: []ecs.ContainerDefinition{{Name: "app"}, {Name: "side"}}}}
		if i == tasks-1 && tasks > 1 {
			t.Service, t.DesiredStatus = "", ecs.StatusStopped
			t.Definition = &ecs.TaskDefinition{Family: "job", Containers: t.Definition.Containers}
		}
		d.tasks = append(d.tasks, t)
		unit = append(unit, journal.Change{Key: journal.TaskKey(t), Record: t})
	}
	b.Apply(unit)
	d.state = b.Publish()
	for _, op := range logs.Operations(logs.Config{Names: arn.Namer{Region: "us-east-1", Account: "123456789012"}, State: d, Source: d.given}) {
		d.calls[op.Name] = op
	}
	return d
}

func (d *desk) write(task int, container string, at int64, text string) {
	key := d.tasks[task].ID.String() + "/" + container
	d.shelf[key] = append(d.shelf[key], driver.LogLine{At: ecs.Time(at), Text: text})
}

// answer is what the tests look at of any answer.
type answer struct {
	Events []struct {
		EventID       string `json:"eventId"`
		Message       string `json:"message"`
		Timestamp     int64  `json:"timestamp"`
		LogStreamName string `json:"logStreamName"`
	} `json:"events"`
	NextToken         string `json:"nextToken"`
	NextForwardToken  string `json:"nextForwardToken"`
	NextBackwardToken string `json:"nextBackwardToken"`
	LogStreams        []struct {
		Name      string `json:"logStreamName"`
		Arn       string `json:"arn"`
		LastEvent int64  `json:"lastEventTimestamp"`
	} `json:"logStreams"`
	LogGroups []struct {
		Name     string `json:"logGroupName"`
		Arn      string `json:"arn"`
		GroupArn string `json:"logGroupArn"`
		Creation int64  `json:"creationTime"`
	} `json:"logGroups"`
}

func (a answer) messages() []string {
	out := []string{}
	for _, e := range a.Events {
		out = append(out, e.Message)
	}
	return out
}

func (d *desk) call(operation string, members map[string]any) (answer, error) {
	if _, given := members["logGroupName"]; !given && members["logGroupIdentifier"] == nil && operation != "DescribeLogGroups" {
		members["logGroupName"] = "/ballast/c"
	}
	op := d.calls[operation]
	in := op.New()
	request, err := json.Marshal(members)
	if err != nil {
		return answer{}, err
	}
	if err := wire.DecodeJSON(request, in); err != nil {
		return answer{}, err
	}
	out, err := op.Handle(context.Background(), in)
	if err != nil {
		return answer{}, err
	}
	text, err := wire.AppendJSON(nil, out)
	if err != nil {
		return answer{}, err
	}
	var a answer
	return a, json.Unmarshal(text, &a)
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

func (d *desk) must(t fataler, operation string, members map[string]any) answer {
	t.Helper()
	a, err := d.call(operation, members)
	if err != nil {
		t.Fatalf("%s %v: %v", operation, members, err)
	}
	return a
}

type m = map[string]any

func TestGetLogEvents(t *testing.T) {
	d := newDesk(1)
	for i := range 5 {
		d.write(0, "app", int64(100+i), fmt.Sprintf("line %d", i))
	}
	s := logs.StreamName(d.tasks[0], "app")
	if want := "web/app/" + d.tasks[0].ID.String(); s != want {
		t.Fatalf("stream %s, want %s", s, want)
	}
	latest := d.must(t, "GetLogEvents", m{"logStreamName": s, "limit": 2})
	if got := latest.messages(); !slices.Equal(got, []string{"line 3", "line 4"}) {
		t.Error("latest:", got)
	}
	before := d.must(t, "GetLogEvents", m{"logStreamName": s, "limit": 2, "nextToken": latest.NextBackwardToken})
	if got := before.messages(); !slices.Equal(got, []string{"line 1", "line 2"}) {
		t.Error("before:", got)
	}
	if again := d.must(t, "GetLogEvents", m{"logStreamName": s, "limit": 2, "nextToken": before.NextForwardToken, "startFromHead": true}); !slices.Equal(again.messages(), latest.messages()) {
		t.Error("and on again:", again.messages())
	}
	end := d.must(t, "GetLogEvents", m{"logStreamName": s, "nextToken": latest.NextForwardToken})
	if len(end.Events) != 0 || end.NextForwardToken != latest.NextForwardToken {
		t.Error("at the end the token is not the one given:", end)
	}
	d.write(0, "app", 200, "new")
	if got := d.must(t, "GetLogEvents", m{"logStreamName": s, "nextToken": end.NextForwardToken}).messages(); !slices.Equal(got, []string{"new"}) {
		t.Error("what was added:", got)
	}
	within := d.must(t, "GetLogEvents", m{"logStreamName": s, "startTime": 101, "endTime": 103, "startFromHead": true})
	if got := within.messages(); !slices.Equal(got, []string{"line 1", "line 2"}) {
		t.Error("from startTime, before endTime:", got)
	}
	empty := d.must(t, "GetLogEvents", m{"logStreamName": logs.StreamName(d.tasks[0], "side")})
	if len(empty.Events) != 0 || empty.NextForwardToken == "" || empty.NextBackwardToken == "" {
		t.Error("a stream without events:", empty)
	}
}

func TestRefusals(t *testing.T) {
	d := newDesk(2)
	const noStream, noGroup = "ResourceNotFoundException: The specified log stream does not exist.", "ResourceNotFoundException: The specified log group does not exist."
	s := logs.StreamName(d.tasks[0], "app")
	tests := []struct {
		operation string
		members   m
		want      string
	}{
		{"GetLogEvents", m{"logStreamName": "x"}, noStream},
		{"GetLogEvents", m{"logStreamName": strings.Replace(s, "web", "other", 1)}, noStream},
		{"GetLogEvents", m{"logStreamName": strings.Replace(s, "app", "other", 1)}, noStream},
		{"GetLogEvents", m{"logStreamName": s, "logGroupName": "/ballast/gone"}, noGroup},
		{"GetLogEvents", m{"logStreamName": s, "logGroupName": "/ecs/c"}, noGroup},
		{"GetLogEvents", m{"logStreamName": s, "logGroupName": ""}, "InvalidParameterException: You must include either logGroupIdentifier or logGroupName, but not both."},
		{"GetLogEvents", m{"logStreamName": s, "nextToken": "x/1"}, "InvalidParameterException: The specified nextToken is invalid."},
		{"GetLogEvents", m{"logStreamName": s, "nextToken": "f/-1"}, "InvalidParameterException: The specified nextToken is invalid."},
		{"GetLogEvents", m{"logStreamName": s, "limit": 0}, "InvalidParameterException: 1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"FilterLogEvents", m{"limit": 10001}, "InvalidParameterException: 1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000"},
		{"FilterLogEvents", m{"filterPattern": "{ $.a = 1 }"}, "InvalidParameterException: filterPattern: JSON, space-delimited and regular expression patterns are not supported by this version of Ballast yet; use words. See docs/compatibility.md."},
		{"FilterLogEvents", m{"filterPattern": `"open`}, "InvalidParameterException: Invalid filter pattern"},
		{"FilterLogEvents", m{"logStreamNames": []string{s}, "logStreamNamePrefix": "w"}, "InvalidParameterException: You cannot specify both logStreamNames and logStreamNamePrefix."},
		{"FilterLogEvents", m{"logStreamNames": []string{"x"}}, noStream},
		{"FilterLogEvents", m{"nextToken": "!"}, "InvalidParameterException: The specified nextToken is invalid."},
		{"FilterLogEvents", m{"startFromHead": false}, "InvalidParameterException: startFromHead false is not supported by this version of Ballast yet; remove it. See docs/compatibility.md."},
		{"DescribeLogStreams", m{"orderBy": "LastEventTime", "logStreamNamePrefix": "w"}, "InvalidParameterException: Cannot order by LastEventTime with a logStreamNamePrefix."},
		{"DescribeLogStreams", m{"orderBy": "Size"}, "InvalidParameterException: 1 validation error detected: Value 'Size' at 'orderBy' failed to satisfy constraint: Member must satisfy enum value set: [LogStreamName, LastEventTime]"},
		{"DescribeLogStreams", m{"nextToken": "x"}, "InvalidParameterException: The specified nextToken is invalid."},
		{"DescribeLogGroups", m{"logGroupNamePrefix": "a", "logGroupNamePattern": "b"}, "InvalidParameterException: LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."},
		{"DescribeLogGroups", m{"includeLinkedAccounts": true}, "InvalidParameterException: includeLinkedAccounts is not supported by this version of Ballast yet; remove it. See docs/compatibility.md."},
		{"DescribeLogGroups", m{"accountIdentifiers": []string{"111122223333"}}, "InvalidParameterException: accountIdentifiers is not supported by this version of Ballast yet; remove it. See docs/compatibility.md."},
		{"DescribeLogStreams", m{"limit": 51}, "InvalidParameterException: 1 validation error detected: Value '51' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 50"},
	}
	for _, test := range tests {
		_, err := d.call(test.operation, test.members)
		told, ok := errors.AsType[*ecs.Error](err)
		if !ok || told.Error() != test.want {
			t.Errorf("%s %v:\ngot  %v\nwant %s", test.operation, test.members, err, test.want)
		}
	}
}

func TestDescribeLogStreams(t *testing.T) {
	d := newDesk(60)
	var all []string
	for _, task := range d.tasks {
		all = append(all, logs.StreamName(task, "app"), logs.StreamName(task, "side"))
	}
	slices.Sort(all)
	pages := func(members m) (names []string) {
		for range 10 {
			a := d.must(t, "DescribeLogStreams", members)
			for _, s := range a.LogStreams {
				names = append(names, s.Name)
			}
			if members["nextToken"] = a.NextToken; a.NextToken == "" {
				return names
			}
		}
		t.Fatal("no end of pages")
		return nil
	}
	if diff := gocmp.Diff(all, pages(m{"limit": 50})); diff != "" {
		t.Error(diff)
	}
	backwards := pages(m{"descending": true})
	slices.Reverse(backwards)
	if diff := gocmp.Diff(all, backwards); diff != "" {
		t.Error("descending:", diff)
	}
	if got := pages(m{"logStreamNamePrefix": "job/", "logGroupName": nil, "logGroupIdentifier": "arn:aws:logs:us-east-1:123456789012:log-group:/ballast/c:*"}); len(got) != 2 {
		t.Error("of the family job:", got)
	}
	if got := pages(m{"logStreamNamePrefix": "web/si"}); len(got) != 59 {
		t.Error("side containers of web:", len(got))
	}
}

func TestFilterPattern(t *testing.T) {
	d := newDesk(1)
	for i, text := range []string{"GET /a 200", "GET /b 500 internal error", "POST /a 500", "health check"} {
		d.write(0, "app", int64(i), text)
	}
	tests := []struct {
		pattern string
		want    []string
	}{
		{"", []string{"GET /a 200", "GET /b 500 internal error", "POST /a 500", "health check"}},
		{"GET 500", []string{"GET /b 500 internal error"}},
		{`"internal error"`, []string{"GET /b 500 internal error"}},
		{"?200 ?health", []string{"GET /a 200", "health check"}},
		{"500 -GET", []string{"POST /a 500"}},
		{"get", []string{}},
	}
	for _, test := range tests {
		if got := d.must(t, "FilterLogEvents", m{"filterPattern": test.pattern}).messages(); !slices.Equal(got, test.want) {
			t.Errorf("%q: %q", test.pattern, got)
		}
	}
	if got := d.must(t, "FilterLogEvents", m{"startTime": 1, "endTime": 2}).messages(); len(got) != 2 {
		t.Error("endTime counts here:", got)
	}
}

// TestPages checks that paging by any steps in either direction gives every line once and in order.
func TestPages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newDesk(1)
		var want []string
		for i := range rapid.IntRange(0, 40).Draw(t, "lines") {
			text := fmt.Sprint(i, strings.Repeat("x", i%3))
			d.write(0, "app", int64(i/3), text)
			want = append(want, text)
		}
		s := logs.StreamName(d.tasks[0], "app")
		forward := rapid.Bool().Draw(t, "forward")
		var got []string
		members := m{"logStreamName": s, "startFromHead": forward}
		for range 100 {
			members["limit"] = rapid.IntRange(1, 7).Draw(t, "limit")
			a := d.must(t, "GetLogEvents", members)
			next := a.NextBackwardToken
			if forward {
				got, next = append(got, a.messages()...), a.NextForwardToken
			} else {
				got = append(a.messages(), got...)
			}
			if next == members["nextToken"] {
				break
			}
			members["nextToken"] = next
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

// TestMerge checks FilterLogEvents against a plain sort, over several batches of streams.
func TestMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tasks := rapid.SampledFrom([]int{2, 3, 51}).Draw(t, "tasks")
		d := newDesk(tasks)
		type line struct {
			batch  int
			at     int64
			stream string
			text   string
		}
		var names []string
		for _, task := range d.tasks {
			names = append(names, logs.StreamName(task, "app"), logs.StreamName(task, "side"))
		}
		slices.Sort(names)
		var all []line
		clock := map[string]int64{}
		for i := range rapid.IntRange(0, 60).Draw(t, "lines") {
			task, container := rapid.IntRange(0, tasks-1).Draw(t, "task"), rapid.SampledFrom([]string{"app", "side"}).Draw(t, "container")
			name := logs.StreamName(d.tasks[task], container)
			clock[name] += rapid.Int64Range(0, 2).Draw(t, "pause")
			text := rapid.SampledFrom([]string{"same", fmt.Sprint("line ", i)}).Draw(t, "text")
			d.write(task, container, clock[name], text)
			all = append(all, line{slices.Index(names, name) / 100, clock[name], name, text})
		}
		slices.SortStableFunc(all, func(a, b line) int {
			return cmp.Or(cmp.Compare(a.batch, b.batch), cmp.Compare(a.at, b.at), cmp.Compare(a.stream, b.stream))
		})
		var got []line
		ids := map[string]bool{}
		members := m{}
		for range 200 {
			members["limit"] = rapid.IntRange(1, 20).Draw(t, "limit")
			a := d.must(t, "FilterLogEvents", members)
			for _, e := range a.Events {
				if ids[e.EventID] {
					t.Fatalf("event id %s twice", e.EventID)
				}
				ids[e.EventID] = true
				got = append(got, line{slices.Index(names, e.LogStreamName) / 100, e.Timestamp, e.LogStreamName, e.Message})
			}
			if a.NextToken == "" {
				break
			}
			members["nextToken"] = a.NextToken
		}
		if !slices.Equal(got, all) {
			t.Fatalf("got %v, want %v", got, all)
		}
	})
}

func TestLargeAnswersAreCut(t *testing.T) {
	d := newDesk(1)
	big := strings.Repeat("x", 400_000)
	for i := range 5 {
		d.write(0, "app", int64(i), big)
	}
	s := logs.StreamName(d.tasks[0], "app")
	first := d.must(t, "GetLogEvents", m{"logStreamName": s, "startFromHead": true})
	second := d.must(t, "GetLogEvents", m{"logStreamName": s, "nextToken": first.NextForwardToken})
	third := d.must(t, "GetLogEvents", m{"logStreamName": s, "nextToken": second.NextForwardToken})
	if len(first.Events) != 2 || len(second.Events) != 2 || len(third.Events) != 1 || third.Events[0].Timestamp != 4 {
		t.Error("forward:", len(first.Events), len(second.Events), len(third.Events))
	}
	last := d.must(t, "GetLogEvents", m{"logStreamName": s})
	before := d.must(t, "GetLogEvents", m{"logStreamName": s, "nextToken": last.NextBackwardToken})
	if len(last.Events) != 2 || last.Events[1].Timestamp != 4 || len(before.Events) != 2 || before.Events[0].Timestamp != 1 {
		t.Error("backward:", len(last.Events), len(before.Events))
	}
	merged := d.must(t, "FilterLogEvents", m{})
	rest := d.must(t, "FilterLogEvents", m{"nextToken": merged.NextToken})
	if len(merged.Events) != 2 || len(rest.Events) != 2 || rest.Events[0].Timestamp != 2 {
		t.Error("merged:", len(merged.Events), len(rest.Events))
	}
}

// TestMergeHoldsLittle merges streams of lines as long as they get, of which each would be a chunk of many mebibytes.
func TestMergeHoldsLittle(t *testing.T) {
	const long = 16 << 10
	d := newDesk(50) // with 100 streams
	var want []string
	for i := range 2 {
		for task := range d.tasks {
			for _, container := range []string{"app", "side"} {
				for n := range 10 {
					text := fmt.Sprintf("%d %d %s %d %s", i, task, container, n, strings.Repeat("x", long))
					d.write(task, container, int64(10*i+n), text)
					want = append(want, text)
				}
			}
		}
	}
	var got []string
	members := m{}
	for range 100 {
		d.given.bytes = 0
		a := d.must(t, "FilterLogEvents", members)
		// What is read in one request: a chunk and the last line of it for each stream, what goes into the answer, and once more what of
		// the chunks was used.
		if most := 100*(64<<10+long+30) + 3<<20; d.given.bytes > most {
			t.Fatalf("%d bytes were read, want at most %d", d.given.bytes, most)
		}
		got = append(got, a.messages()...)
		if members["nextToken"] = a.NextToken; a.NextToken == "" {
			break
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got %d lines, want each of %d once", len(got), len(want))
	}
}

func FuzzTokens(f *testing.F) {
	d := newDesk(2)
	d.write(0, "app", 1, "a")
	d.write(0, "app", 2, "b")
	s := logs.StreamName(d.tasks[0], "app")
	first := d.must(f, "FilterLogEvents", m{"limit": 1})
	f.Add(first.NextToken)
	f.Add("f/0")
	f.Add("b/zz")
	f.Fuzz(func(t *testing.T, token string) {
		_, _ = d.call("FilterLogEvents", m{"nextToken": token})
		_, _ = d.call("GetLogEvents", m{"nextToken": token, "logStreamName": s})
	})
}
