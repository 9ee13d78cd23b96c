package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"ballast/internal/store"
)

func loadOrder(_ *testing.T, b *bench) {
	b.want()
	f := b.lead()
	b.commit(f, set("c/b/2", "two"), set("a", "first"), set("c/\xff", "last", "c/b", "short"))
	b.commit(f, set("c/b/10", "ten", "c/B", "upper", "\x00", "nul"))
	b.want("\x00", "nul", "a", "first", "c/B", "upper", "c/b", "short", "c/b/10", "ten", "c/b/2", "two", "c/\xff", "last")
}

func loadKeeps(t *testing.T, b *bench) {
	f := b.lead()
	b.commit(f, set("k", "original"))
	var kept []byte
	var keptKey string
	if err := b.Load(context.Background(), func(key string, value []byte) error {
		keptKey, kept = key, value
		copy(value, "scribble") // its own copy: the store must not see this
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	b.want("k", "original")
	b.commit(f, set("k", "replaced"))
	b.reopen()
	if string(kept) != "scribble" || keptKey != "k" {
		t.Fatalf("the kept record became %q = %q", keptKey, kept)
	}
}

func loadStops(t *testing.T, b *bench) {
	b.commit(b.lead(), set("a", "1", "b", "2", "c", "3"))
	stop := errors.New("enough")
	var seen []string
	err := b.Load(context.Background(), func(key string, _ []byte) error {
		seen = append(seen, key)
		if key == "b" {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || strings.Join(seen, "") != "ab" {
		t.Fatalf("visited %v, error %v; want a, b and the error of visit", seen, err)
	}
}

func commitCopies(_ *testing.T, b *bench) {
	f := b.lead()
	value := []byte("before")
	b.commit(f, store.Unit{{Key: "k", Value: value}})
	copy(value, "after!")
	b.want("k", "before")
}

func recordsInOrder(_ *testing.T, b *bench) {
	f := b.lead()
	b.commit(f,
		store.Unit{{Key: "a", Value: []byte("1")}, {Key: "a", Value: []byte("2")}, {Key: "b", Value: []byte("1")}, {Key: "b"}},
		store.Unit{{Key: "c"}, {Key: "c", Value: []byte("1")}},
		set("d", "1"), set("d", "2"), set("e", "1"), remove("e"),
	)
	b.want("a", "2", "c", "1", "d", "2")
}

func removal(_ *testing.T, b *bench) {
	f := b.lead()
	b.commit(f, set("a", "1", "b", "", "c", "3"))
	b.want("a", "1", "b", "", "c", "3")
	b.commit(f, remove("a", "never there"), set("c", ""))
	b.want("b", "", "c", "")
	b.reopen()
	b.want("b", "", "c", "")
}

func repetition(_ *testing.T, b *bench) {
	f := b.lead()
	b.commit(f, set("gone", "1", "kept", "0"))
	units := []store.Unit{set("a", "1"), remove("gone"), set("a", "2", "kept", "1")}
	for range 3 {
		b.commit(f, units...)
		b.want("a", "2", "kept", "1")
	}
}

func reopening(_ *testing.T, b *bench) {
	b.commit(b.lead(), set("a", "1", "b", "2"))
	b.reopen()
	b.want("a", "1", "b", "2")
	b.commit(b.lead(), remove("a"), set("c", "3"))
	b.reopen()
	b.want("b", "2", "c", "3")
}

func limits(t *testing.T, b *bench) {
	f := b.lead()
	full := make(store.Unit, store.MaxUnitRecords)
	for i := range full {
		full[i] = store.Record{Key: fmt.Sprintf("k%03d", i), Value: []byte("v")}
	}
	longKey := strings.Repeat("k", store.MaxKeyBytes)
	heavy := store.Unit{{Key: longKey, Value: make([]byte, store.MaxUnitBytes-store.MaxKeyBytes)}}
	b.commit(f, full, heavy, store.Unit{})

	for _, c := range []struct {
		name string
		want error
		unit store.Unit
	}{
		{"records", store.ErrTooLarge, append(full[:len(full):len(full)], store.Record{Key: "one more"})},
		{"bytes", store.ErrTooLarge, append(heavy[:1:1], store.Record{Key: "x"})},
		{"empty key", store.ErrKey, set("", "v")},
		{"long key", store.ErrKey, remove(longKey + "k")},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := load(t, b.Store)
			b.refuse(f, c.want, set("innocent", "1"), c.unit)
			b.want(before...)
		})
	}
}

// largeCommit commits many full units in one call, as control does after a burst.
func largeCommit(_ *testing.T, b *bench) {
	const units = 64
	f := b.lead()
	value := bytes.Repeat([]byte("v"), 300)
	var all []store.Unit
	var pairs []string
	for i := range units {
		var u store.Unit
		for j := range store.MaxUnitRecords {
			key := fmt.Sprintf("c/default/%03d/%03d", i, j)
			u = append(u, store.Record{Key: key, Value: value})
			pairs = append(pairs, key, string(value))
		}
		all = append(all, u)
	}
	b.commit(f, all...)
	b.want(pairs...)
	for _, u := range all {
		for i := range u {
			u[i].Value = nil
		}
	}
	b.commit(f, all[1:]...)
	b.reopen()
	b.want(pairs[:2*store.MaxUnitRecords]...)
}
