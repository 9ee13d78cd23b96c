package root

import "ballast/internal/ecs"

// family counts the revisions of a family, so that listing families looks at no revision.
type family struct {
	name          string
	active, total int
}

func familyLess(a, b family) bool { return a.name < b.name }

// countFamily takes note of a revision that was old and is now; nil where there is none.
func (b *Builder) countFamily(old, now *ecs.TaskDefinition) {
	either := now
	if either == nil {
		either = old
	}
	f, _ := b.families.Get(family{name: either.Family})
	f.name = either.Family
	add := func(d *ecs.TaskDefinition, by int) {
		if d == nil {
			return
		}
		f.total += by
		if d.Status == ecs.TaskDefinitionActive {
			f.active += by
		}
	}
	add(old, -1)
	add(now, 1)
	if f.total == 0 {
		b.families.Delete(f)
		return
	}
	b.families.Set(f)
}

// Families gives at most limit names of families that begin with prefix, sorted, beginning after the given one. keep is asked
// whether a family with or without ACTIVE revisions is wanted.
func (r *Root) Families(prefix, after string, limit int, keep func(active bool) bool) []string {
	var out []string
	r.families.Ascend(family{name: max(prefix, after)}, func(f family) bool {
		if len(f.name) < len(prefix) || f.name[:len(prefix)] != prefix {
			return false
		}
		if f.name != after && keep(f.active > 0) {
			out = append(out, f.name)
		}
		return len(out) < limit
	})
	return out
}
