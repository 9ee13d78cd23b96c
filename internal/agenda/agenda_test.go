package agenda

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ballast/internal/ecs"
)

// TestOrder compares an Agenda with a list that is sorted anew for every look.
func TestOrder(t *testing.T) {
	type due struct {
		at   ecs.Time
		what int
	}
	rapid.Check(t, func(t *rapid.T) {
		var a Agenda[int]
		var twin []due
		for n := range rapid.IntRange(0, 80).Draw(t, "n") {
			if rapid.Bool().Draw(t, "add") {
				at := ecs.Time(rapid.IntRange(1, 9).Draw(t, "at"))
				a.Add(at, n)
				twin = append(twin, due{at, n})
				slices.SortStableFunc(twin, func(a, b due) int { return cmp.Compare(a.at, b.at) })
			} else {
				by := ecs.Time(rapid.IntRange(0, 9).Draw(t, "by"))
				at, what, ok := a.Take(by)
				if want := len(twin) > 0 && twin[0].at <= by; ok != want || ok && twin[0] != (due{at, what}) {
					t.Fatalf("took %d at %d, %v by %d of %v", what, at, ok, by, twin)
				}
				if ok {
					twin = twin[1:]
				}
			}
			at, ok := a.Next()
			if ok != (len(twin) > 0) || ok && at != twin[0].at {
				t.Fatalf("next is %d, %v of %v", at, ok, twin)
			}
		}
	})
}

func TestAddingAndTakingAllocatesNothing(t *testing.T) {
	var a Agenda[*int]
	for n := range 100 {
		a.Add(ecs.Time(n), new(int))
	}
	what := new(int)
	if n := testing.AllocsPerRun(100, func() {
		a.Take(1000)
		a.Add(50, what)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
