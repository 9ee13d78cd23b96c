// Package exec serves the way into containers: a request for a connection that names a task, a container and a command, and the
// streams of that command over the connection. It stands in for ExecuteCommand of ECS, whose answer is a session of AWS Systems
// Manager that only Amazon's own plug-in can open.
//
// It keeps nothing and knows no driver: the agent runs the command. Start reading at Upgrade.
package exec

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/coder/websocket"

	"ballast/internal/attach"
	"ballast/internal/control/root"
	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/httpd"
)

// Path is where a connection is asked for, with the parameters of the query below.
const Path = "/exec"

// The parameters of the query.
const (
	Cluster   = "cluster"   // its name
	Task      = "task"      // its id
	Container = "container" // its name
	Command   = "command"   // one for each word
)

// Agent runs commands in containers; see agent.Agent.
type Agent interface {
	Attach(ctx context.Context, task ecs.ID, container string, command []string, streams driver.Streams) (int, error)
}

// State gives the committed state.
type State interface{ Root() *root.Root }

// Upgrade gives what httpd serves. Whoever may run commands in containers may do anything there, so it is for admins.
func Upgrade(state State, agent Agent) httpd.Upgrade {
	return httpd.Upgrade{Path: Path, Service: httpd.ECS, Name: "ExecuteCommand", Access: httpd.Admin,
		Open: func(_ context.Context, query url.Values) (httpd.Attend, error) {
			want, err := parse(query)
			if err != nil {
				return nil, err
			}
			if err := want.check(state.Root()); err != nil {
				return nil, err
			}
			return func(ctx context.Context, c *websocket.Conn) {
				attach.Serve(ctx, attach.WebSocket(c), func(ctx context.Context, s driver.Streams) (int, error) {
					return agent.Attach(ctx, want.task, want.container, want.command, s)
				})
			}, nil
		}}
}

// wanted is what a request asks for.
type wanted struct {
	cluster   string
	task      ecs.ID
	container string
	command   []string
}

func invalid(format string, args ...any) error {
	return ecs.Errorf(ecs.InvalidParameterException, format, args...)
}

func parse(query url.Values) (w wanted, err error) {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch {
		case name == Command:
			w.command = query[name]
		case !slices.Contains([]string{Cluster, Task, Container}, name):
			if !strings.HasPrefix(name, "X-Amz-") { // of the signature
				return w, invalid("%s is not a parameter of %s; it has %s, %s, %s and %s.", name, Path, Cluster, Task, Container, Command)
			}
		case len(query[name]) != 1:
			return w, invalid("%s is to be given once.", name)
		}
	}
	w.cluster, w.container = query.Get(Cluster), query.Get(Container)
	if w.task, err = ecs.ParseID(query.Get(Task)); err != nil {
		return w, invalid("%s: want the id of a task, 32 hexadecimal digits.", Task)
	}
	if w.cluster == "" || w.container == "" || len(w.command) == 0 {
		return w, invalid("%s, %s and %s are needed.", Cluster, Container, Command)
	}
	return w, nil
}

// check says whether there is such a container, and it runs.
func (w wanted) check(state *root.Root) error {
	if state.Cluster(w.cluster) == nil {
		return ecs.Errorf(ecs.ClusterNotFoundException, "Cluster not found.")
	}
	t := state.Task(w.cluster, w.task)
	if t == nil {
		return invalid("Cluster %s has no task %s.", w.cluster, w.task)
	}
	i := slices.IndexFunc(t.Definition.Containers, func(c ecs.ContainerDefinition) bool { return c.Name == w.container })
	switch {
	case i < 0:
		return invalid("Task %s has no container %q.", w.task, w.container)
	case t.Stopped():
		return invalid("Task %s has stopped.", w.task)
	case i < len(t.Containers) && t.Containers[i].Status != ecs.StatusRunning:
		return invalid("Container %s of task %s is not running: it is %s.", w.container, w.task, t.Containers[i].Status)
	}
	return nil
}
