package sample

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// at is a moment of the tests below, in seconds.
func at(sec float64) time.Time {
	return time.Unix(1_000_000, 0).Add(time.Duration(sec * float64(time.Second)))
}

// took returns a state that took orders at second 0.
func took(t *testing.T, orders ...order) *state {
	t.Helper()
	s := &state{}
	for _, o := range orders {
		if err := s.take(o, at(0)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestAdvance(t *testing.T) {
	const second = time.Second
	type step struct {
		sec  float64
		want effects
	}
	for _, c := range []struct {
		name   string
		orders []order
		steps  []step
	}{
		{"nothing", nil, []step{{0, effects{}}, {100, effects{}}}},
		{"listens at once", []order{{verb: listen}}, []step{{0, effects{listen: true}}, {1, effects{}}}},
		{"listens late", []order{{verb: listen, after: 3 * second}}, []step{{2.9, effects{}}, {3, effects{listen: true}}}},
		{"crashes later", []order{{verb: crash, after: 2 * second, code: 139}}, []step{{1, effects{}}, {2, effects{end: &ending{139, true}}}}},
		{"exits", []order{{verb: exit, code: 3}}, []step{{0, effects{end: &ending{3, false}}}}},
		{
			"the first ending counts, whatever was told first",
			[]order{{verb: crash, after: 2 * second, code: 1}, {verb: exit, after: second, code: 2}},
			[]step{{5, effects{end: &ending{2, false}}}},
		},
		{
			"orders of one moment in the order they came",
			[]order{{verb: exit, after: second, code: 7}, {verb: crash, after: second, code: 8}},
			[]step{{1, effects{end: &ending{7, false}}}},
		},
		{
			"leaks by the second", []order{{verb: leak, mibPerSec: 4}},
			[]step{{0, effects{}}, {0.25, effects{leakMiB: 1}}, {0.3, effects{}}, {1.1, effects{leakMiB: 3}}, {10, effects{leakMiB: 36}}},
		},
		{
			"leaks faster, then no more",
			[]order{{verb: leak, mibPerSec: 1}, {verb: leak, after: 10 * second, mibPerSec: 100}, {verb: leak, after: 11 * second}},
			[]step{{9, effects{leakMiB: 9}}, {10, effects{leakMiB: 1}}, {60, effects{leakMiB: 100}}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := took(t, c.orders...)
			for _, step := range c.steps {
				if diff := cmp.Diff(step.want, s.advance(at(step.sec)), cmp.AllowUnexported(effects{}, ending{})); diff != "" {
					t.Errorf("at %v s (-want +got):\n%s", step.sec, diff)
				}
			}
		})
	}
}

func TestHealthyAt(t *testing.T) {
	for _, c := range []struct {
		name   string
		orders []order
		want   map[float64]bool // by second; asked without a step between
		step   float64          // the last step before that
	}{
		{"at first", nil, map[float64]bool{0: true, 1e6: true}, 0},
		{"until told", []order{{verb: unhealthy, after: time.Second}}, map[float64]bool{2: false, 1e6: false}, 1},
		{"not yet", []order{{verb: unhealthy, after: time.Second}}, map[float64]bool{0.9: true}, 0.9},
		{"for a while", []order{{verb: unhealthy, lasts: 5 * time.Second}}, map[float64]bool{0: false, 4.9: false, 5: true}, 0},
		{"for a while, seen late", []order{{verb: unhealthy, lasts: 5 * time.Second}}, map[float64]bool{6: true}, 6},
		{"told to recover", []order{{verb: unhealthy}, {verb: healthy, after: 2 * time.Second}}, map[float64]bool{2: true}, 2},
		{
			"a later order replaces the end of an earlier",
			[]order{{verb: unhealthy, lasts: 5 * time.Second}, {verb: unhealthy, after: time.Second}},
			map[float64]bool{5: false, 100: false}, 1,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := took(t, c.orders...)
			s.advance(at(c.step))
			for sec, want := range c.want {
				if got := s.healthyAt(at(sec)); got != want {
					t.Errorf("at %v s: healthy %v, want %v", sec, got, want)
				}
			}
		})
	}
}

func TestSwitches(t *testing.T) {
	s := took(t, order{verb: ignoreTerm, on: true}, order{verb: ignoreTerm, after: 2 * time.Second}, order{verb: freeze, after: 3 * time.Second})
	for _, c := range []struct {
		sec            float64
		ignore, frozen bool
	}{{0, true, false}, {1.9, true, false}, {2, false, false}, {3, false, true}, {100, false, true}} {
		s.advance(at(c.sec))
		if s.ignoreTerm != c.ignore || s.frozen != c.frozen {
			t.Errorf("at %v s: ignoring %v, frozen %v; want %v, %v", c.sec, s.ignoreTerm, s.frozen, c.ignore, c.frozen)
		}
	}
}

// TestNext walks from moment to moment as next says them, and wants each to have an effect.
func TestNext(t *testing.T) {
	s := took(t, order{verb: exit, after: time.Minute}, order{verb: leak, mibPerSec: 3}, order{verb: leak, after: 2 * time.Second})
	s.advance(at(0))
	leaked := 0
	for range 100 {
		next, ok := s.next()
		if !ok {
			t.Fatal("no next moment before the end")
		}
		waiting := len(s.waiting)
		e := s.advance(next)
		leaked += e.leakMiB
		if e.end != nil {
			if !next.Equal(at(60)) || leaked != 6 {
				t.Errorf("ended at %v with %d MiB leaked, want %v with 6", next, leaked, at(60))
			}
			if _, ok := s.next(); ok {
				t.Error("there is a moment after the end")
			}
			return
		}
		if e.leakMiB == 0 && len(s.waiting) == waiting {
			t.Fatalf("nothing happens at %v", next)
		}
	}
	t.Fatal("no end")
}

func TestTakeIsBounded(t *testing.T) {
	s := &state{}
	for range maxWaiting {
		if err := s.take(order{verb: crash, after: time.Hour}, at(0)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.take(order{verb: crash}, at(0)); !errors.Is(err, errTooManyOrders) {
		t.Errorf("got %v", err)
	}
}
