package root

import "ballast/internal/ecs"

// logGroup counts the revisions of a family that name a log group, so that neither groups nor what is in them is looked for among
// all tasks.
type logGroup struct {
	name, family string
	revisions    int
	since        ecs.Time // when the first of them was registered
}

func logGroupLess(a, b logGroup) bool {
	if a.name != b.name {
		return a.name < b.name
	}
	return a.family < b.family
}

// countGroups takes note of a revision that was old and is now; nil where there is none.
func (b *Builder) countGroups(old, now *ecs.TaskDefinition) {
	add := func(d *ecs.TaskDefinition, by int) {
		for name := range groupsOf(d) {
			g, there := b.logGroups.Get(logGroup{name: name, family: d.Family})
			if !there {
				g = logGroup{name: name, family: d.Family, since: d.RegisteredAt}
			}
			if g.revisions += by; g.revisions == 0 {
				b.logGroups.Delete(g)
			} else {
				b.logGroups.Set(g)
			}
		}
	}
	add(now, 1)
	add(old, -1)
}

// groupsOf gives the log groups that a revision names.
func groupsOf(d *ecs.TaskDefinition) map[string]bool {
	if d == nil {
		return nil
	}
	var groups map[string]bool
	for i := range d.Containers {
		if name := d.Containers[i].Logging.Group(); name != "" {
			if groups == nil {
				groups = map[string]bool{}
			}
			groups[name] = true
		}
	}
	return groups
}

// LogGroup is a log group that containers name.
type LogGroup struct {
	Name string
	// Since is when the first revision that names it was registered.
	Since ecs.Time
}

// LogGroups gives at most limit log groups that revisions name and whose names begin with prefix, sorted, beginning after the given
// one.
func (r *Root) LogGroups(prefix, after string, limit int) []LogGroup {
	var out []LogGroup
	r.logGroups.Ascend(logGroup{name: max(prefix, after)}, func(g logGroup) bool {
		if len(g.name) < len(prefix) || g.name[:len(prefix)] != prefix {
			return false
		}
		switch last := len(out) - 1; {
		case g.name == after:
		case last >= 0 && out[last].Name == g.name:
			out[last].Since = min(out[last].Since, g.since)
		case len(out) == limit:
			return false
		default:
			out = append(out, LogGroup{g.name, g.since})
		}
		return true
	})
	return out
}

// LogGroupFamilies gives the families with revisions that name a log group, sorted; none for a group that nothing names.
func (r *Root) LogGroupFamilies(name string) []string {
	var out []string
	r.logGroups.Ascend(logGroup{name: name}, func(g logGroup) bool {
		if g.name == name {
			out = append(out, g.family)
		}
		return g.name == name
	})
	return out
}
