package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"ballast/internal/store"
)

func fencing(_ *testing.T, b *bench) {
	b.refuse(0, store.ErrFenced, set("k", "without a leader"))
	b.refuse(1, store.ErrFenced, set("k", "with a guessed fence"))
	old := b.lead()
	b.commit(old, set("k", "old"))
	b.commit(old)

	young := b.lead()
	if young <= old {
		b.t.Fatalf("fence %d after %d", young, old)
	}
	b.refuse(old, store.ErrFenced, set("k", "deposed"), set("l", "deposed"))
	b.refuse(old, store.ErrFenced)
	b.refuse(young+1, store.ErrFenced, set("k", "not yet leading"))
	b.refuse(0, store.ErrFenced, set("k", "no fence"))
	b.want("k", "old")
	b.commit(young, set("k", "young"))
	b.want("k", "young")
}

func fencesGrow(_ *testing.T, b *bench) {
	var last store.Fence
	for range 3 {
		for range 2 {
			f := b.lead()
			if f <= last {
				b.t.Fatalf("fence %d after %d", f, last)
			}
			last = f
		}
		b.reopen()
	}
	// A leader whose store was opened again, and whom nobody deposed, still leads.
	b.commit(last, set("k", "v"))
	b.refuse(last-1, store.ErrFenced, set("k", "w"))
}

func overContext(t *testing.T, b *bench) {
	f := b.lead()
	b.commit(f, set("k", "v"))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := b.Commit(ctx, f, []store.Unit{set("k", "w")}); !errors.Is(err, context.Canceled) {
		t.Errorf("commit: %v", err)
	}
	if _, err := b.Lead(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("lead: %v", err)
	}
	if err := b.Load(ctx, func(string, []byte) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("load: %v", err)
	}
	b.want("k", "v")
	b.commit(f, set("k", "x"))

	ctx, cancel = context.WithCancel(context.Background())
	defer cancel()
	b.commit(f, set("l", "y"))
	visits := 0
	err := b.Load(ctx, func(string, []byte) error { visits++; cancel(); return nil })
	if !errors.Is(err, context.Canceled) || visits != 1 {
		t.Errorf("a load cancelled in its first visit made %d visits and returned %v", visits, err)
	}
}

func closedStore(t *testing.T, b *bench) {
	f := b.lead()
	if err := b.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Errorf("close again: %v", err)
	}
	b.refuse(f, store.ErrClosed, set("k", "v"))
	if _, err := b.Lead(context.Background()); !errors.Is(err, store.ErrClosed) {
		t.Errorf("lead: %v", err)
	}
	if err := b.Load(context.Background(), func(string, []byte) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("load: %v", err)
	}
	s, err := b.open()
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	b.Store = s
	b.want()
}

// concurrency lets writers move values between records while readers check that they always see whole units.
func concurrency(t *testing.T, b *bench) {
	const writers, readers, rounds = 3, 2, 15
	f := b.lead()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range rounds {
				v := strconv.Itoa(i)
				left, right := fmt.Sprintf("%d/left", w), fmt.Sprintf("%d/right", w)
				first, second := set(left, v, right, v), set(left, v+"'", right, v+"'")
				if err := b.Commit(context.Background(), f, []store.Unit{first, second}); err != nil {
					t.Errorf("commit: %v", err)
				}
			}
		})
	}
	for range readers {
		wg.Go(func() {
			for range rounds {
				values := map[string]string{}
				err := b.Load(context.Background(), func(key string, value []byte) error {
					values[key] = string(value)
					return nil
				})
				if err != nil {
					t.Errorf("load: %v", err)
				}
				for w := range writers {
					if l, r := values[fmt.Sprintf("%d/left", w)], values[fmt.Sprintf("%d/right", w)]; l != r {
						t.Errorf("writer %d: a load saw half a unit: left %q, right %q", w, l, r)
					}
				}
			}
		})
	}
	wg.Wait()
	v := strconv.Itoa(rounds-1) + "'"
	b.want("0/left", v, "0/right", v, "1/left", v, "1/right", v, "2/left", v, "2/right", v)
}

// competition lets several leaders depose each other. A leader's commits must end with the next leader's Lead: in the order
// of the store, no record of an older fence ever follows one of a younger.
func competition(t *testing.T, b *bench) {
	const leaders, rounds, perRound = 3, 6, 4
	var mu sync.Mutex
	acknowledged := map[store.Fence]int{}
	var wg sync.WaitGroup
	for range leaders {
		wg.Go(func() {
			for range rounds {
				f, err := b.Lead(context.Background())
				if err != nil {
					t.Errorf("lead: %v", err)
					return
				}
				for i := 1; i <= perRound; i++ {
					err := b.Commit(context.Background(), f, []store.Unit{set(fmt.Sprintf("by/%04d", f), strconv.Itoa(i), "leader", strconv.FormatUint(uint64(f), 10))})
					if errors.Is(err, store.ErrFenced) {
						break
					}
					if err != nil {
						t.Errorf("commit: %v", err)
						return
					}
					mu.Lock()
					acknowledged[f] = i
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()

	var youngest store.Fence
	for f := range acknowledged {
		youngest = max(youngest, f)
	}
	got := map[string]string{}
	for p := load(t, b.Store); len(p) > 0; p = p[2:] {
		got[p[0]] = p[1]
	}
	if got["leader"] != strconv.FormatUint(uint64(youngest), 10) {
		t.Errorf("the last record is of leader %s, the youngest that committed was %d", got["leader"], youngest)
	}
	delete(got, "leader")
	if len(got) != len(acknowledged) {
		t.Errorf("%d leaders have records, %d had commits acknowledged", len(got), len(acknowledged))
	}
	for f, n := range acknowledged {
		if key := fmt.Sprintf("by/%04d", f); got[key] != strconv.Itoa(n) {
			t.Errorf("%s = %q, acknowledged %d", key, got[key], n)
		}
	}
}
