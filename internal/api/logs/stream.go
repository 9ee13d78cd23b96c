package logs

import (
	"cmp"
	"slices"
	"strings"

	"ballast/internal/arn"
	"ballast/internal/control/root"
	"ballast/internal/ecs"
)

// stream is what one container of one task wrote.
type stream struct {
	name      string
	task      *ecs.Task
	container string
}

// cluster finds the cluster that a request means by its log group: a name or an ARN, given in one of two members. Texts are
// those of CloudWatch Logs.
func (a *api) cluster(state *root.Root, name, identifier *string) (string, error) {
	group := value(name)
	switch {
	case group != "" && value(identifier) != "":
		return "", invalid("You must include either logGroupIdentifier or logGroupName, but not both.")
	case group == "":
		group = value(identifier)
	}
	if group == "" {
		return "", invalid("You must include either logGroupIdentifier or logGroupName, but not both.")
	}
	if parsed, ok := arn.Parse(group); ok {
		text, isGroup := strings.CutPrefix(parsed.Resource, "log-group:")
		if !isGroup || parsed.Service != "logs" || parsed.Region != a.Names.Region || parsed.Account != a.Names.Account {
			return "", invalid("Invalid log group identifier: %s", group)
		}
		group = strings.TrimSuffix(text, ":*")
	}
	cluster, ours := strings.CutPrefix(group, GroupPrefix)
	if !ours || state.Cluster(cluster) == nil {
		return "", ecs.Errorf(ecs.ResourceNotFoundException, "The specified log group does not exist.")
	}
	return cluster, nil
}

// find gives the stream of a name.
func find(state *root.Root, cluster, name string) (stream, error) {
	parts := strings.Split(name, "/")
	if len(parts) == 3 {
		if id, err := ecs.ParseID(parts[2]); err == nil {
			t := state.Task(cluster, id)
			if t != nil && owner(t) == parts[0] && hasContainer(t, parts[1]) {
				return stream{name, t, parts[1]}, nil
			}
		}
	}
	return stream{}, ecs.Errorf(ecs.ResourceNotFoundException, "The specified log stream does not exist.")
}

func hasContainer(t *ecs.Task, name string) bool {
	return slices.ContainsFunc(t.Definition.Containers, func(c ecs.ContainerDefinition) bool { return c.Name == name })
}

// taskPage is how many tasks are taken from the state at a time.
const taskPage = 1000

// list gives the streams of a cluster whose names begin with prefix, by name. A prefix that names the owner in full keeps it
// from looking at every task.
func list(state *root.Root, cluster, prefix string) []stream {
	filters := []root.TaskFilter{{Cluster: cluster}}
	if o, _, whole := strings.Cut(prefix, "/"); whole {
		filters = []root.TaskFilter{{Cluster: cluster, Service: o}, {Cluster: cluster, Family: o}}
	}
	var out []stream
	for _, f := range filters {
		for _, f.Desired = range []ecs.Status{ecs.StatusRunning, ecs.StatusStopped} {
			out = appendStreams(out, state, f, prefix)
		}
	}
	slices.SortFunc(out, func(a, b stream) int { return cmp.Compare(a.name, b.name) })
	return slices.CompactFunc(out, func(a, b stream) bool { return a.name == b.name })
}

func appendStreams(out []stream, state *root.Root, f root.TaskFilter, prefix string) []stream {
	for after := uint64(0); ; {
		tasks := state.Tasks(f, after, taskPage)
		for _, t := range tasks {
			for i := range t.Definition.Containers {
				container := t.Definition.Containers[i].Name
				if name := StreamName(t, container); strings.HasPrefix(name, prefix) {
					out = append(out, stream{name, t, container})
				}
			}
		}
		if len(tasks) < taskPage {
			return out
		}
		after = tasks[len(tasks)-1].Seq
	}
}
