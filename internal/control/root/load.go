package root

import (
	"maps"
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
	var few [maxLists]listKey
	sizes := map[uint64]int{} // by list and desired status
	total := 0
	for _, t := range b.loading {
		for _, key := range appendLists(few[:0], t) {
			sizes[in(b.use(key, 1), t.DesiredStatus)]++
			total++
		}
	}
	next, place := make(map[uint64]int, len(sizes)), 0 // where the next entry of a list goes
	for _, list := range slices.Sorted(maps.Keys(sizes)) {
		next[list] = place
		place += sizes[list]
	}
	all := make([]entry, total)
	for _, t := range b.loading {
		for _, key := range appendLists(few[:0], t) {
			list := in(b.lists.numbers[key].number, t.DesiredStatus)
			all[next[list]] = entry{list, t.Seq, t.ID}
			next[list]++
		}
	}
	for _, e := range all {
		b.index.Load(e)
	}
}
