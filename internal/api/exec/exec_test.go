package exec

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"ballast/internal/attach"
	"ballast/internal/control/journal"
	"ballast/internal/control/root"
	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/httpd"
)

// desk is a cluster "c" with one task that runs and one that has stopped, and an agent that tells what it was asked.
type desk struct{ state *root.Root }

func (d desk) Root() *root.Root { return d.state }

func (d desk) Attach(_ context.Context, task ecs.ID, container string, command []string, s driver.Streams) (int, error) {
	s.Out.Write([]byte(task.String() + " " + container + " " + strings.Join(command, "|")))
	return 9, nil
}

var running, stopped, missing = ecs.ID{1}, ecs.ID{2}, ecs.ID{3}

func newDesk() desk {
	definition := &ecs.TaskDefinition{Family: "f", Containers: []ecs.ContainerDefinition{{Name: "app"}, {Name: "late"}}}
	unit := journal.Unit{{Key: journal.ClusterKey("c"), Record: &ecs.Cluster{Name: "c"}}}
	for i, t := range []*ecs.Task{{ID: running, LastStatus: ecs.StatusRunning}, {ID: stopped, LastStatus: ecs.StatusStopped}} {
		t.Seq, t.Cluster, t.Definition = uint64(i+1), "c", definition
		t.Containers = []ecs.Container{{Status: ecs.StatusRunning}, {Status: ecs.StatusPending}}
		unit = append(unit, journal.Change{Key: journal.TaskKey(t), Record: t})
	}
	b := root.NewBuilder()
	b.Apply(unit)
	return desk{b.Publish()}
}

func TestUpgrade(t *testing.T) {
	d := newDesk()
	server := httptest.NewServer(httpd.Handler(httpd.Config{Upgrades: []httpd.Upgrade{Upgrade(d, d)}, Now: time.Now,
		RequestID: func() string { return "id" }, Log: slog.New(slog.DiscardHandler)}))
	defer server.Close()
	query := func(change ...string) url.Values {
		q := url.Values{Cluster: {"c"}, Task: {running.String()}, Container: {"app"}, Command: {"echo", "a b"}}
		for i := 0; i < len(change); i += 2 {
			if q.Set(change[i], change[i+1]); change[i+1] == "" {
				q.Del(change[i])
			}
		}
		return q
	}
	c, _, err := websocket.Dial(t.Context(), server.URL+Path+"?"+query().Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	code, err := attach.Connect(t.Context(), attach.WebSocket(c), driver.Streams{Out: &out})
	if want := running.String() + " app echo|a b"; code != 9 || err != nil || out.String() != want {
		t.Errorf("got code %d, output %q, error %v", code, out.String(), err)
	}
	twice := query()
	twice.Add(Container, "late")
	for want, q := range map[string]url.Values{
		"Cluster not found":              query(Cluster, "nowhere"),
		"want the id of a task":          query(Task, "abc"),
		"has no task":                    query(Task, missing.String()),
		"has stopped":                    query(Task, stopped.String()),
		`has no container \"other\"`:     query(Container, "other"),
		"is not running: it is PENDING":  query(Container, "late"),
		"given once":                     twice,
		"command are needed":             query(Command, ""),
		"user is not a parameter of":     query("user", "root"),
		"cluster, container and command": query(Cluster, ""),
	} {
		_, resp, err := websocket.Dial(t.Context(), server.URL+Path+"?"+q.Encode(), nil)
		if err == nil {
			t.Errorf("%v: let in", q)
			continue
		}
		body := make([]byte, 1024)
		n, _ := resp.Body.Read(body)
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body[:n]), want) {
			t.Errorf("%v: got %s, %s", q, resp.Status, body[:n])
		}
	}
}
