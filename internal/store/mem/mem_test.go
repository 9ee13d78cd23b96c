package mem_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/store"
	"ballast/internal/store/mem"
	"ballast/internal/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Opener {
		s := mem.New()
		return func() (store.Store, error) {
			s = s.Reopen()
			return s, nil
		}
	})
}

func TestFailNext(t *testing.T) {
	full := errors.New("disk full")
	units := []store.Unit{{{Key: "a", Value: []byte("1")}}, {{Key: "b", Value: []byte("1")}, {Key: "c", Value: []byte("1")}}, {{Key: "d", Value: []byte("1")}}}
	for _, c := range []struct {
		name    string
		err     error
		applied int
		want    []string
	}{
		{"before it takes effect", full, 0, nil},
		{"after a prefix of units", full, 2, []string{"a", "b", "c"}},
		{"after all units", full, mem.All, []string{"a", "b", "c", "d"}},
		{"unknown, not applied", store.ErrUnknown, 0, nil},
		{"unknown, applied", store.ErrUnknown, mem.All, []string{"a", "b", "c", "d"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := context.Background()
			s := mem.New()
			fence, err := s.Lead(ctx)
			if err != nil {
				t.Fatal(err)
			}
			s.FailNext(c.err, c.applied)

			// Neither a refused commit nor an empty one uses up the fault.
			if err := s.Commit(ctx, fence-1, units); !errors.Is(err, store.ErrFenced) {
				t.Fatalf("old fence: %v", err)
			}
			if err := s.Commit(ctx, fence, nil); err != nil {
				t.Fatalf("no units: %v", err)
			}

			if err := s.Commit(ctx, fence, units); !errors.Is(err, c.err) {
				t.Fatalf("got %v, want %v", err, c.err)
			}
			s = s.Reopen()
			if diff := cmp.Diff(c.want, keys(t, s)); diff != "" {
				t.Fatalf("after the fault (-want +got):\n%s", diff)
			}
			if err := s.Commit(ctx, fence, units); err != nil {
				t.Fatalf("repeated: %v", err)
			}
			if diff := cmp.Diff([]string{"a", "b", "c", "d"}, keys(t, s)); diff != "" {
				t.Fatalf("after the repetition (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFailNextQueues(t *testing.T) {
	ctx := context.Background()
	s := mem.New()
	fence, err := s.Lead(ctx)
	if err != nil {
		t.Fatal(err)
	}
	first, second := errors.New("first"), errors.New("second")
	s.FailNext(first, 0)
	s.FailNext(second, 0)
	unit := []store.Unit{{{Key: "k", Value: []byte("v")}}}
	for _, want := range []error{first, second, nil} {
		if err := s.Commit(ctx, fence, unit); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

func TestFailNextPanicsOnImpossibleFaults(t *testing.T) {
	for name, f := range map[string]func(){
		"no error":          func() { mem.New().FailNext(nil, 0) },
		"fenced, half done": func() { mem.New().FailNext(store.ErrFenced, 1) },
		"fewer than none":   func() { mem.New().FailNext(store.ErrUnknown, -1) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

func TestJoin(t *testing.T) {
	ctx := context.Background()
	s := mem.New()
	other := s.Join()
	old, err := s.Lead(ctx)
	if err != nil {
		t.Fatal(err)
	}
	young, err := other.Lead(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(ctx, old, nil); !errors.Is(err, store.ErrFenced) {
		t.Errorf("the deposed leader got %v", err)
	}
	if err := other.Commit(ctx, young, []store.Unit{{{Key: "k", Value: []byte("v")}}}); err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"k"}, keys(t, s)); diff != "" {
		t.Error(diff)
	}
}

func keys(t *testing.T, s store.Store) []string {
	t.Helper()
	var keys []string
	err := s.Load(context.Background(), func(key string, _ []byte) error {
		keys = append(keys, key)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
