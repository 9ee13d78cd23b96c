package logs

import (
	"cmp"
	"slices"
	"strings"

	"ballast/internal/control/root"
	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// stream is what one container of one task wrote.
type stream struct {
	name      string
	task      *ecs.Task
	container string
}

// streamName is that of the container in one place of a task.
func streamName(t *ecs.Task, i int) string {
	c := &t.Definition.Containers[i]
	prefix := owner(t)
	if c.Logging.Group() != "" {
		if prefix = c.Logging.StreamPrefix(); prefix == "" {
			if i < len(t.Containers) {
				return driver.ContainerID(t.ID.String(), c.Name, t.Containers[i].RuntimeID)
			}
			return ""
		}
	}
	return prefix + "/" + c.Name + "/" + t.ID.String()
}

// owner is the service, or for a standalone task the family.
func owner(t *ecs.Task) string {
	if t.Service != "" {
		return t.Service
	}
	return t.Definition.Family
}

// in gives the streams that a task has in a group and whose names begin with prefix.
func (g group) in(t *ecs.Task, prefix string) (out []stream) {
	for i := range t.Definition.Containers {
		c := &t.Definition.Containers[i]
		named := c.Logging.Group()
		if named != g.name && (named != "" || t.Cluster != g.cluster) {
			continue
		}
		if name := streamName(t, i); name != "" && strings.HasPrefix(name, prefix) {
			out = append(out, stream{name, t, c.Name})
		}
	}
	return out
}

// find gives the stream of a name.
func (g group) find(state *root.Root, name string) (stream, error) {
	for _, s := range g.named(state, name) {
		if s.name == name {
			return s, nil
		}
	}
	if len(g.families) > 0 && !strings.Contains(name, "/") { // named by the container's id
		for _, s := range g.ofFamilies(state, name) {
			if s.name == name {
				return s, nil
			}
		}
	}
	return stream{}, ecs.Errorf(ecs.ResourceNotFoundException, "The specified log stream does not exist.")
}

// named gives the streams of the task whose id a name ends with, if there are any of that name.
func (g group) named(state *root.Root, name string) []stream {
	id, err := ecs.ParseID(name[strings.LastIndexByte(name, '/')+1:])
	if err != nil {
		return nil
	}
	for _, cluster := range g.clusters(state) {
		if t := state.Task(cluster, id); t != nil {
			return g.in(t, name)
		}
	}
	return nil
}

// clusters gives the clusters whose tasks may have streams in the group.
func (g group) clusters(state *root.Root) []string {
	if len(g.families) == 0 {
		return []string{g.cluster}
	}
	var all []string
	for after := ""; ; {
		page := state.Clusters(after, statePage)
		for _, c := range page {
			all = append(all, c.Name)
		}
		if len(page) < statePage {
			return all
		}
		after = page[len(page)-1].Name
	}
}

// list gives the streams of the group whose names begin with prefix, by name. It looks only at tasks that can have some: those of
// the families that name the group and, in the group of a cluster, those of the owner that the prefix names in full.
func (g group) list(state *root.Root, prefix string) []stream {
	out := g.named(state, prefix)
	if len(out) == 0 {
		if g.cluster != "" {
			out = g.ofCluster(state, prefix)
		}
		out = append(out, g.ofFamilies(state, prefix)...)
	}
	slices.SortFunc(out, func(a, b stream) int { return cmp.Compare(a.name, b.name) })
	return slices.CompactFunc(out, func(a, b stream) bool { return a.name == b.name })
}

func (g group) ofCluster(state *root.Root, prefix string) (out []stream) {
	filters := []root.TaskFilter{{Cluster: g.cluster}}
	if owner, _, whole := strings.Cut(prefix, "/"); whole {
		filters = []root.TaskFilter{{Cluster: g.cluster, Service: owner}, {Cluster: g.cluster, Family: owner}}
	}
	for _, f := range filters {
		out = g.matching(out, state, f, prefix)
	}
	return out
}

func (g group) ofFamilies(state *root.Root, prefix string) (out []stream) {
	for _, family := range g.families {
		for _, cluster := range g.clusters(state) {
			out = g.matching(out, state, root.TaskFilter{Cluster: cluster, Family: family}, prefix)
		}
	}
	return out
}

// matching appends the streams of the tasks that a filter lets through.
func (g group) matching(out []stream, state *root.Root, f root.TaskFilter, prefix string) []stream {
	for _, f.Desired = range []ecs.Status{ecs.StatusRunning, ecs.StatusStopped} {
		for after := uint64(0); ; {
			tasks := state.Tasks(f, after, statePage)
			for _, t := range tasks {
				out = append(out, g.in(t, prefix)...)
			}
			if len(tasks) < statePage {
				break
			}
			after = tasks[len(tasks)-1].Seq
		}
	}
	return out
}
