package control

import (
	"testing"

	"ballast/test/grown"
)

// TestCrashCostsTheSameInLargeClusters counts what the replacement of a crashed task allocates and writes: in a cluster ten
// times as large hardly more, because trees are a little deeper.
func TestCrashCostsTheSameInLargeClusters(t *testing.T) {
	cost := func(tasks int) (allocations float64, units int) {
		f := newFleet(t)
		f.grow(tasks)
		f.crash(grown.Task(0), grown.Instance(0))
		f.settle()
		f.wait()
		before := f.units
		n := 0
		allocations = testing.AllocsPerRun(20, func() {
			n++ // the first hundred tasks run, each of another service
			f.crash(grown.Task(n), grown.Instance(n))
		})
		return allocations, (f.units - before) / (20 + 1)
	}
	small, smallUnits := cost(2_000)
	large, largeUnits := cost(20_000)
	t.Logf("%v allocations and %d units among 2,000 tasks, %v and %d among 20,000", small, smallUnits, large, largeUnits)
	if large > 1.5*small || largeUnits > smallUnits {
		t.Errorf("%v allocations and %d units among 20,000 tasks, %v and %d among 2,000", large, largeUnits, small, smallUnits)
	}
	if large > 400 {
		t.Errorf("%v allocations for one crash", large)
	}
}
