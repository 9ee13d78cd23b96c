package storetest

import (
	"context"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ballast/internal/store"
)

// maxSteps bounds a history: most faults need few steps, and each step of a durable store waits for a disk.
const maxSteps = 12

// histories plays random calls on an empty store and on a plain map, and wants the same records and the same refusals.
func histories(t *testing.T, fresh func(t *testing.T) Opener) {
	rapid.Check(t, func(rt *rapid.T) {
		b := &bench{t: rt, open: fresh(t)}
		b.reopen()
		defer func() { b.Close() }()
		m := &model{records: map[string]string{}}
		for range rapid.IntRange(1, maxSteps).Draw(rt, "steps") {
			m.step(rt, b)
		}
		b.want(m.pairs()...)
		b.reopen()
		b.want(m.pairs()...)
	})
}

// model is the obvious twin of a store.
type model struct {
	records map[string]string
	fence   store.Fence
}

func (m *model) step(rt *rapid.T, b *bench) {
	switch op := rapid.SampledFrom([]string{"commit", "commit", "commit", "stale", "lead", "reopen", "load"}).Draw(rt, "op"); op {
	case "lead":
		f := b.lead()
		if f <= m.fence {
			rt.Fatalf("fence %d after %d", f, m.fence)
		}
		m.fence = f
	case "reopen":
		b.reopen()
	case "load":
		b.want(m.pairs()...)
	case "stale":
		units := drawUnits(rt)
		f := store.Fence(rapid.Uint64Range(0, uint64(m.fence)+1).Draw(rt, "fence"))
		if f != m.fence || f == 0 {
			b.refuse(f, store.ErrFenced, units...)
		}
	case "commit":
		if m.fence == 0 {
			m.fence = b.lead()
		}
		units := drawUnits(rt)
		if err := b.Commit(context.Background(), m.fence, units); err != nil {
			rt.Fatalf("commit under fence %d: %v", m.fence, err)
		}
		m.apply(units)
	}
}

func (m *model) apply(units []store.Unit) {
	for _, r := range slices.Concat(units...) {
		if r.Value == nil {
			delete(m.records, r.Key)
		} else {
			m.records[r.Key] = string(r.Value)
		}
	}
}

func (m *model) pairs() []string {
	keys := make([]string, 0, len(m.records))
	for k := range m.records {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var pairs []string
	for _, k := range keys {
		pairs = append(pairs, k, m.records[k])
	}
	return pairs
}

// drawUnits draws units over few keys, so that they collide, and values of a byte up to several pages of a B+tree file.
func drawUnits(rt *rapid.T) []store.Unit {
	record := rapid.Custom(func(rt *rapid.T) store.Record {
		r := store.Record{Key: rapid.StringMatching(`[ac]/[a-d]{1,2}`).Draw(rt, "key")}
		if rapid.IntRange(0, 3).Draw(rt, "remove") == 0 {
			return r
		}
		size := rapid.OneOf(rapid.IntRange(0, 300), rapid.IntRange(0, 10_000)).Draw(rt, "size")
		r.Value = make([]byte, size)
		fill := rapid.Byte().Draw(rt, "fill")
		for i := range r.Value {
			r.Value[i] = fill + byte(i)
		}
		return r
	})
	unit := rapid.Custom(func(rt *rapid.T) store.Unit {
		return rapid.SliceOfN(record, 0, 8).Draw(rt, "records")
	})
	return rapid.SliceOfN(unit, 0, 4).Draw(rt, "units")
}
