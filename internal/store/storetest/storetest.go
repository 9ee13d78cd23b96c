// Package storetest is the conformance suite of the store contract: what bolt, mem and every later implementation must do
// alike. An implementation calls Run from a test of its own.
//
// It knows no implementation and looks into none; faults of a medium are tested beside the implementation that has them.
// Start reading at Run.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/store"
)

// An Opener opens the medium of one test, which is empty at first. It is called again, after the store it gave out has been
// closed, to find what the first one left.
type Opener func() (store.Store, error)

// Run plays the suite. fresh gives each test a medium of its own.
func Run(t *testing.T, fresh func(t *testing.T) Opener) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *bench)
	}{
		{"load is ordered by the bytes of the keys", loadOrder},
		{"load hands out values to keep", loadKeeps},
		{"load stops where visit fails", loadStops},
		{"commit leaves its arguments to the caller", commitCopies},
		{"records count in order", recordsInOrder},
		{"removal and emptiness differ", removal},
		{"a repeated commit changes nothing", repetition},
		{"records outlive the store", reopening},
		{"one leader at a time", fencing},
		{"fences grow over reopening", fencesGrow},
		{"limits of a unit", limits},
		{"a large commit", largeCommit},
		{"a context that is over", overContext},
		{"a closed store", closedStore},
		{"commits and loads at once", concurrency},
		{"leaders compete", competition},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &bench{t: t, open: fresh(t)}
			b.reopen()
			t.Cleanup(func() { b.Close() })
			c.test(t, b)
		})
	}
	t.Run("random histories", func(t *testing.T) { histories(t, fresh) })
}

// bench is a store under test with the means to open it again; its methods fail the test on errors.
type bench struct {
	store.Store
	t    failer
	open Opener
}

// failer is what testing.T and rapid.T have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func (b *bench) reopen() {
	b.t.Helper()
	if b.Store != nil {
		if err := b.Close(); err != nil {
			b.t.Fatalf("close: %v", err)
		}
	}
	s, err := b.open()
	if err != nil {
		b.t.Fatalf("open: %v", err)
	}
	b.Store = s
}

func (b *bench) lead() store.Fence {
	b.t.Helper()
	f, err := b.Lead(context.Background())
	if err != nil {
		b.t.Fatalf("lead: %v", err)
	}
	return f
}

func (b *bench) commit(f store.Fence, units ...store.Unit) {
	b.t.Helper()
	if err := b.Commit(context.Background(), f, units); err != nil {
		b.t.Fatalf("commit under fence %d: %v", f, err)
	}
}

// refuse commits units and wants them refused with an error that is want.
func (b *bench) refuse(f store.Fence, want error, units ...store.Unit) {
	b.t.Helper()
	if err := b.Commit(context.Background(), f, units); !errors.Is(err, want) {
		b.t.Fatalf("commit under fence %d: got %v, want %v", f, err, want)
	}
}

// want compares all records, in order, with pairs of key and value.
func (b *bench) want(pairs ...string) {
	b.t.Helper()
	if diff := cmp.Diff(pairs, load(b.t, b.Store)); diff != "" {
		b.t.Fatalf("records (-want +got):\n%s", diff)
	}
}

// load returns every record as key, value, key, value.
func load(t failer, s store.Store) []string {
	t.Helper()
	var pairs []string
	err := s.Load(context.Background(), func(key string, value []byte) error {
		if value == nil {
			return fmt.Errorf("nil value visited at %q", key)
		}
		pairs = append(pairs, key, string(value))
		return nil
	})
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	return pairs
}

// set makes a unit of pairs of key and value.
func set(pairs ...string) store.Unit {
	var u store.Unit
	for i := 0; i < len(pairs); i += 2 {
		u = append(u, store.Record{Key: pairs[i], Value: []byte(pairs[i+1])})
	}
	return u
}

func remove(keys ...string) store.Unit {
	var u store.Unit
	for _, k := range keys {
		u = append(u, store.Record{Key: k})
	}
	return u
}
