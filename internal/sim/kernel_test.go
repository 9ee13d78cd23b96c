package sim

import (
	"slices"
	"testing"
	"time"

	"ballast/internal/agent"
	"ballast/internal/control"
	"ballast/internal/scheduler/policy"
	"ballast/internal/session"
)

func emptyWorld(t *testing.T) *World {
	t.Helper()
	p, err := policy.Named(policy.Default)
	if err != nil {
		t.Fatal(err)
	}
	return newWorld(1, control.Config{Policy: p}, nil)
}

func TestEventsHappenInTheOrderOfTimeThenOfPuttingDown(t *testing.T) {
	w := emptyWorld(t)
	var got []int
	put := func(n int, d time.Duration) { w.after(d, func() { got = append(got, n) }) }
	put(4, 2*second)
	put(1, second)
	put(2, second)
	w.after(second, func() { put(3, 0) })
	put(5, 4*second)
	w.advance(3 * second)
	if want := []int{1, 2, 3, 4}; !slices.Equal(got, want) || w.now != epoch.Add(3*second) {
		t.Errorf("got %v at %d, want %v after 3 s", got, w.now-epoch, want)
	}
}

func TestDeedsComeBeforeAllElseOfTheirMillisecond(t *testing.T) {
	w := emptyWorld(t)
	var got []int
	w.after(second, func() { got = append(got, 3) })
	w.after(second-1, func() {
		w.deed(second, func() { got = append(got, 4) })
	})
	w.deed(second, func() { got = append(got, 1) })
	w.deed(second, func() { got = append(got, 2) })
	w.advance(3 * second)
	if want := []int{1, 2, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestEventsThatCallThemselvesAreNoticed(t *testing.T) {
	w := emptyWorld(t)
	var again func()
	again = func() { w.after(0, again) }
	again()
	w.advance(second)
	if w.failure == nil || w.failure.Property != "time passes" {
		t.Errorf("got %v", w.failure)
	}
}

func TestStreamsDoNotDisturbEachOther(t *testing.T) {
	draw := func(others int) uint64 {
		a, b := newStream(1, "a"), newStream(1, "b")
		for range others {
			a.Uint64()
		}
		return b.Uint64()
	}
	if draw(0) != draw(7) {
		t.Error("draws of one stream shift another")
	}
	if newStream(1, "a").Uint64() == newStream(2, "a").Uint64() {
		t.Error("the seed does not matter")
	}
}

// sent gives the numbers of the reports that arrive of a hundred, in order.
func sent(t *testing.T, l link) []uint64 {
	w := emptyWorld(t)
	h := w.addHost(agent.Config{Hello: session.Hello{Cluster: "cluster"}}, 0)
	h.link = l
	var got []uint64
	for n := range uint64(100) {
		w.after(time.Duration(n)*time.Millisecond, func() {
			w.network.carry(&h.link, &h.link.cutUp, &h.link.freeUp, func() { got = append(got, n) })
		})
	}
	w.advance(time.Hour)
	return got
}

func TestNetwork(t *testing.T) {
	slow := link{slowest: second}
	if got := sent(t, slow); len(got) != 100 || !slices.IsSorted(got) {
		t.Errorf("a slow link brings all in order, got %v", got)
	}
	reordering := slow
	reordering.reorder = true
	if got := sent(t, reordering); len(got) != 100 || slices.IsSorted(got) {
		t.Errorf("a reordering link brings all in another order, got %v", got)
	}
	if got := sent(t, link{loss: 0.5}); len(got) < 20 || len(got) > 80 {
		t.Errorf("a link that loses half brought %d of 100", len(got))
	}
	if got := sent(t, link{double: 0.5, late: second}); len(got) < 120 || len(got) > 180 || slices.IsSorted(got) {
		t.Errorf("a link that doubles half, late, brought %d of 100: %v", len(got), got)
	}
	if got := sent(t, link{cutUp: true}); len(got) != 0 {
		t.Errorf("a cut link brought %v", got)
	}
}

func TestTraceHoldsEverything(t *testing.T) {
	sum := func(change func(*trace)) string {
		tr := newTrace(nil)
		tr.line(epoch, "first %d", 1)
		change(tr)
		return tr.sum()
	}
	plain := sum(func(*trace) {})
	for name, change := range map[string]func(*trace){
		"line":  func(tr *trace) { tr.line(epoch, "second") },
		"value": func(tr *trace) { tr.value(session.Report{Seq: 1}) },
		"bytes": func(tr *trace) { tr.bytes([]byte{0}) },
	} {
		if sum(change) == plain {
			t.Errorf("a %s leaves the hash as it was", name)
		}
	}
	tr := newTrace(nil)
	for n := range keptLines + 2 {
		tr.line(epoch, "line %d", n)
	}
	if last := tr.last(); len(last) != keptLines || last[0] != "00:00:00.000 line 2\n" {
		t.Errorf("the last lines begin with %q", last[0])
	}
}

func TestOptionsDifferFromSeedToSeed(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(200) {
		o := Draw(seed, time.Minute)
		for _, name := range append(o.Faults, o.Behaviours...) {
			seen[name] = true
		}
		if !slices.Contains(o.Behaviours, "good") || o.Faulty > time.Minute || o.Faulty < 15*second {
			t.Errorf("seed %d: %+v", seed, o)
		}
	}
	if len(seen) != len(faultKinds)+len(behaviours) {
		t.Errorf("%d of %d kinds of faults and behaviours ever occur", len(seen), len(faultKinds)+len(behaviours))
	}
}
