package keeper

import (
	"testing"

	"ballast/internal/ecs"
)

// TestBirths: a process that ended before its number was known is told so, and no other.
func TestBirths(t *testing.T) {
	var b births
	at := func(n int) end { return end{at: ecs.Time(n)} }
	b.ended(1, at(1)) // nothing was being made
	first := b.begin()
	b.ended(2, at(2)) // an orphan
	second := b.begin()
	b.ended(3, at(3))
	if e, over := b.done(second, 2); over {
		t.Errorf("a process that got the number of an orphan which ended before is over: %+v", e)
	}
	if e, over := b.done(first, 3); !over || e.at != 3 {
		t.Errorf("a process that ended while it was made: %+v, %t", e, over)
	}
	if b.underWay() != 0 || len(b.early) != 0 {
		t.Errorf("left %d processes being made and %d ends", b.underWay(), len(b.early))
	}
	if _, over := b.done(b.begin(), 1); over {
		t.Error("an end of before is remembered")
	}
}

// TestBirthsUnderLoad: with always something being made and orphans that end, what is kept stays bounded, and what may be needed is.
func TestBirthsUnderLoad(t *testing.T) {
	var b births
	before := b.begin()
	for n := range 10_000 {
		next := b.begin()
		b.ended(10+n, end{})
		b.ended(100_000, end{at: ecs.Time(n)}) // the process that began before, whatever has ended since
		if _, over := b.done(before, 100_000); !over {
			t.Fatalf("process %d: its end was lost", n)
		}
		if len(b.early) > keptEarly+1 {
			t.Fatalf("%d ends are kept", len(b.early))
		}
		before = next
	}
}
