package logs_test

import (
	"fmt"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"ballast/internal/api/logs"
	"ballast/internal/arn"
	"ballast/internal/control/journal"
	"ballast/internal/control/root"
	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/httpd"
)

func awslogs(group, prefix string) *ecs.Logging {
	l := &ecs.Logging{Driver: "awslogs", Options: []ecs.Variable{{Name: "awslogs-group", Value: group}}}
	if prefix != "" {
		l.Options = append(l.Options, ecs.Variable{Name: "awslogs-stream-prefix", Value: prefix})
	}
	return l
}

// library is two clusters and three families: "api" writes to /ecs/api with a prefix, its container "side" to no group; "bare" writes
// to /ecs/api too, without a prefix; "job" writes to the group of cluster b.
func library(t *testing.T) (*desk, map[string]*ecs.Task) {
	definitions := []*ecs.TaskDefinition{
		{Seq: 1, Family: "api", Revision: 1, RegisteredAt: 70, Containers: []ecs.ContainerDefinition{
			{Name: "app", Logging: awslogs("/ecs/api", "live")}, {Name: "side", Logging: &ecs.Logging{Driver: "json-file"}}}},
		{Seq: 2, Family: "api", Revision: 2, RegisteredAt: 90, Containers: []ecs.ContainerDefinition{{Name: "app", Logging: awslogs("/ecs/api", "next/v2")}}},
		{Seq: 3, Family: "bare", Revision: 1, RegisteredAt: 60, Containers: []ecs.ContainerDefinition{{Name: "app", Logging: awslogs("/ecs/api", "")}}},
		{Seq: 4, Family: "job", Revision: 1, RegisteredAt: 50, Containers: []ecs.ContainerDefinition{{Name: "app", Logging: awslogs("/ballast/b", "job")}}},
		{Seq: 5, Family: "idle", Revision: 1, RegisteredAt: 55, Containers: []ecs.ContainerDefinition{{Name: "app", Logging: awslogs("/ecs/idle", "x")}}},
	}
	b := root.NewBuilder()
	unit := journal.Unit{{Key: journal.ClusterKey("a"), Record: &ecs.Cluster{Name: "a", CreatedAt: 10}},
		{Key: journal.ClusterKey("b"), Record: &ecs.Cluster{Name: "b", CreatedAt: 20}}}
	for _, d := range definitions {
		unit = append(unit, journal.Change{Key: journal.DefinitionKey(d), Record: d})
	}
	d := &desk{shelf: shelf{}, calls: map[string]httpd.Operation{}}
	tasks := map[string]*ecs.Task{}
	for i, one := range []struct {
		name, cluster, service string
		definition             *ecs.TaskDefinition
		stopped                ecs.Time
	}{{"one", "a", "web", definitions[0], 0}, {"two", "b", "web", definitions[1], 0}, {"three", "b", "", definitions[2], 0},
		{"four", "b", "", definitions[3], 0}, {"five", "a", "web", definitions[0], 1_000}, {"six", "a", "", definitions[2], 1_000}} {
		task := &ecs.Task{Seq: uint64(i + 1), ID: ecs.ID{byte(i + 1)}, Cluster: one.cluster, Service: one.service, Definition: one.definition,
			DesiredStatus: ecs.StatusRunning, LastStatus: ecs.StatusRunning, CreatedAt: 100, Containers: []ecs.Container{{RuntimeID: "4711"}, {}}}
		if one.stopped != 0 {
			task.DesiredStatus, task.LastStatus, task.StoppedAt = ecs.StatusStopped, ecs.StatusStopped, one.stopped
		}
		tasks[one.name] = task
		unit = append(unit, journal.Change{Key: journal.TaskKey(task), Record: task})
		d.shelf[task.ID.String()+"/app"] = []driver.LogLine{{At: ecs.Time(500 + i), Text: one.name}}
		d.shelf[task.ID.String()+"/side"] = []driver.LogLine{{At: ecs.Time(400 + i), Text: "side " + one.name}}
	}
	b.Apply(unit)
	d.state = b.Publish()
	for _, op := range logs.Operations(logs.Config{Names: arn.Namer{Region: "us-east-1", Account: "123456789012"}, State: d, Source: d.shelf}) {
		d.calls[op.Name] = op
	}
	return d, tasks
}

func TestDescribeLogGroups(t *testing.T) {
	d, _ := library(t)
	for _, c := range []struct {
		members m
		want    []string
	}{
		{m{}, []string{"/ballast/a 10", "/ballast/b 20", "/ecs/api 60", "/ecs/idle 55"}},
		{m{"logGroupNamePrefix": "/ecs/a"}, []string{"/ecs/api 60"}},
		{m{"logGroupNamePattern": "i"}, []string{"/ecs/api 60", "/ecs/idle 55"}},
		{m{"logGroupIdentifiers": []string{"/ecs/api", "arn:aws:logs:us-east-1:123456789012:log-group:/ballast/b"}}, []string{"/ballast/b 20", "/ecs/api 60"}},
		{m{"logGroupClass": "INFREQUENT_ACCESS"}, nil},
		{m{"logGroupNamePrefix": "nothing"}, nil},
	} {
		c.members["limit"] = 1
		var got []string
		for range 10 {
			a := d.must(t, "DescribeLogGroups", c.members)
			for _, g := range a.LogGroups {
				if g.Arn != g.GroupArn+":*" || g.GroupArn != "arn:aws:logs:us-east-1:123456789012:log-group:"+g.Name {
					t.Errorf("ARNs %s and %s of %s", g.Arn, g.GroupArn, g.Name)
				}
				got = append(got, fmt.Sprint(g.Name, " ", g.Creation))
			}
			if c.members["nextToken"] = a.NextToken; a.NextToken == "" {
				break
			}
		}
		if diff := gocmp.Diff(c.want, got); diff != "" {
			t.Errorf("%v: %s", c.members, diff)
		}
	}
}

// TestGroupsHoldWhatNamesThem: each container has one stream, in one group.
func TestGroupsHoldWhatNamesThem(t *testing.T) {
	d, tasks := library(t)
	id := func(name string) string { return tasks[name].ID.String() }
	bare := func(name string) string { return driver.ContainerID(id(name), "app", "4711") }
	groups := map[string][]string{
		"/ecs/api":   {"live/app/" + id("one"), "live/app/" + id("five"), "next/v2/app/" + id("two"), bare("three"), bare("six")},
		"/ballast/a": {"web/side/" + id("one"), "web/side/" + id("five")},
		"/ballast/b": {"job/app/" + id("four")},
		"/ecs/idle":  nil,
	}
	for group, want := range groups {
		var got []string
		for _, s := range d.must(t, "DescribeLogStreams", m{"logGroupName": group}).LogStreams {
			got = append(got, s.Name)
		}
		if slices.Sort(want); !slices.Equal(got, want) {
			t.Errorf("%s holds %q, want %q", group, got, want)
		}
		for _, name := range want {
			if a := d.must(t, "GetLogEvents", m{"logGroupName": group, "logStreamName": name}); len(a.Events) != 1 {
				t.Errorf("%s %s: %v", group, name, a.Events)
			}
			if a := d.must(t, "DescribeLogStreams", m{"logGroupName": group, "logStreamNamePrefix": name}); len(a.LogStreams) != 1 {
				t.Errorf("%s with the prefix %s: %v", group, name, a.LogStreams)
			}
		}
	}
	if got := d.must(t, "FilterLogEvents", m{"logGroupName": "/ecs/api", "logStreamNamePrefix": "live/"}).messages(); !slices.Equal(got, []string{"one", "five"}) {
		t.Errorf("with a prefix: %q", got)
	}
	for _, name := range []string{"live/app/" + id("two"), "web/app/" + id("one"), "live/side/" + id("one"), "4711"} {
		if _, err := d.call("GetLogEvents", m{"logGroupName": "/ecs/api", "logStreamName": name}); err == nil {
			t.Errorf("there is a stream %s", name)
		}
	}
	if _, err := d.call("GetLogEvents", m{"logGroupName": "/ballast/b", "logStreamName": "web/side/" + id("one")}); err == nil {
		t.Error("a group has a stream of another cluster")
	}
}

func TestOrderByLastEventTime(t *testing.T) {
	d, tasks := library(t)
	d.shelf[tasks["one"].ID.String()+"/app"] = append(d.shelf[tasks["one"].ID.String()+"/app"], driver.LogLine{At: 900, Text: "late"})
	d.shelf[tasks["two"].ID.String()+"/app"] = nil
	for _, descending := range []bool{false, true} {
		var got []int64
		members := m{"logGroupName": "/ecs/api", "orderBy": "LastEventTime", "descending": descending, "limit": 1}
		for range 10 {
			a := d.must(t, "DescribeLogStreams", members)
			got = append(got, a.LogStreams[0].LastEvent)
			if members["nextToken"] = a.NextToken; a.NextToken == "" {
				break
			}
		}
		want := []int64{0, 502, 504, 505, 900}
		if descending {
			slices.Reverse(want)
		}
		if !slices.Equal(got, want) {
			t.Errorf("descending %v: got %v, want %v", descending, got, want)
		}
	}
}

// TestFilterLeavesOutWhatEnded searches no stream of a task that had ended before the time asked for.
func TestFilterLeavesOutWhatEnded(t *testing.T) {
	d, tasks := library(t)
	const minute = 60_000
	d.shelf[tasks["five"].ID.String()+"/side"] = append(d.shelf[tasks["five"].ID.String()+"/side"], driver.LogLine{At: 5 * minute, Text: "by whom?"})
	d.shelf[tasks["one"].ID.String()+"/side"] = append(d.shelf[tasks["one"].ID.String()+"/side"], driver.LogLine{At: 4 * minute, Text: "on and on"})
	if got := d.must(t, "FilterLogEvents", m{"logGroupName": "/ballast/a", "startTime": 3 * minute}).messages(); !slices.Equal(got, []string{"on and on"}) {
		t.Errorf("got %q", got)
	}
}
