package root

import (
	"slices"

	"ballast/internal/ecs"
)

// LoadTask takes a task of the journal, in the order of keys. Readers see it after Loaded: trees of many records are made several
// times faster from all of them, sorted, than one by one.
func (b *Builder) LoadTask(t *ecs.Task) {
	b.loading = append(b.loading, t)
}

// Loaded ends the load.
func (b *Builder) Loaded() {
	b.loadIndex()
	slices.SortFunc(b.loading, func(x, y *ecs.Task) int {
		if taskLess(x, y) {
			return -1
		}
		return 1
	})
	for _, t := range b.loading {
		b.tasks.Load(t)
	}
	b.loading = nil
}

// loadIndex sorts by lists first: within one list the entries stand in the order of the journal already.
func (b *Builder) loadIndex() {
	sizes, few := map[entry]int{}, make([]entry, 0, 8)
	for _, t := range b.loading {
		for _, e := range appendEntries(few, t) {
			sizes[e.list()]++
		}
	}
	lists := make([]entry, 0, len(sizes))
	for list := range sizes {
		lists = append(lists, list)
	}
	slices.SortFunc(lists, compareEntries)
	next, total := make(map[entry]int, len(lists)), 0 // where the next entry of a list goes
	for _, list := range lists {
		next[list] = total
		total += sizes[list]
	}
	all := make([]entry, total)
	for _, t := range b.loading {
		for _, e := range appendEntries(few, t) {
			list := e.list()
			all[next[list]] = e
			next[list]++
		}
	}
	for _, e := range all {
		b.index.Load(e)
	}
}

// list is the entry without what tells it from others of its list.
func (e entry) list() entry {
	e.seq, e.id = 0, ecs.ID{}
	return e
}
