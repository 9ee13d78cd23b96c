package pick

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func targets(weights ...int) []Target {
	out := make([]Target, len(weights))
	for i, w := range weights {
		out[i] = Target{ID: uint64(i + 1), Weight: w}
	}
	return out
}

func TestRoundRobinTakesTurns(t *testing.T) {
	var r RoundRobin
	var got []int
	for range 7 {
		got = append(got, r.Next(targets(FullWeight, FullWeight, FullWeight)))
	}
	if want := []int{0, 1, 2, 0, 1, 2, 0}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := r.Next(nil); got != -1 {
		t.Errorf("of none: %d", got)
	}
}

// A target that comes or goes does not disturb the turns of the others for long, and nobody gets a run of requests.
func TestRoundRobinAsTargetsChange(t *testing.T) {
	var r RoundRobin
	all := targets(FullWeight, FullWeight, FullWeight)
	r.Next(all)
	var got []uint64
	for range 4 {
		two := all[1:]
		got = append(got, two[r.Next(two)].ID)
	}
	if want := []uint64{2, 3, 2, 3}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Over a whole number of turns each target gets exactly its share, and within them never differs from it by more than a few.
func TestRoundRobinIsFair(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(1, 20), 1, 8).Draw(t, "weights")
		total, got := 0, make([]int, len(weights))
		for _, w := range weights {
			total += w
		}
		var r RoundRobin
		for n := 1; n <= 3*total; n++ {
			got[r.Next(targets(weights...))]++
			for i, w := range weights {
				if share := float64(n*w) / float64(total); math.Abs(float64(got[i])-share) > float64(len(weights)) {
					t.Fatalf("target %d has %d of %d, its share is %.1f", i, got[i], n, share)
				}
			}
		}
		for i, w := range weights {
			if got[i] != 3*w {
				t.Fatalf("target %d has %d, want %d", i, got[i], 3*w)
			}
		}
	})
}

func TestLeastOutstanding(t *testing.T) {
	busy := func(outstanding ...int) []Target {
		out := make([]Target, len(outstanding))
		for i, n := range outstanding {
			out[i].Outstanding = n
		}
		return out
	}
	tests := []struct {
		outstanding []int
		chance      uint64
		want        int
	}{
		{nil, 0, -1},
		{[]int{7}, 0, 0},
		{[]int{3, 1, 2}, math.MaxUint64, 1},
		{[]int{1, 0, 0, 5, 0}, 0, 1},
		{[]int{1, 0, 0, 5, 0}, math.MaxUint64 / 2, 2},
		{[]int{1, 0, 0, 5, 0}, math.MaxUint64, 4},
	}
	for _, test := range tests {
		if got := LeastOutstanding(busy(test.outstanding...), test.chance); got != test.want {
			t.Errorf("of %v with %d: %d, want %d", test.outstanding, test.chance, got, test.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		of := rapid.SliceOfN(rapid.IntRange(0, 3), 1, 10).Draw(t, "outstanding")
		got := LeastOutstanding(busy(of...), rapid.Uint64().Draw(t, "chance"))
		if of[got] != slices.Min(of) {
			t.Fatalf("chose %d of %v", got, of)
		}
	})
}

func TestWeighted(t *testing.T) {
	tests := []struct {
		weights []int
		chance  uint64
		want    int
	}{
		{nil, 0, -1},
		{[]int{0, 0}, 5, -1},
		{[]int{0, 3, 0}, 0, 1},
		{[]int{0, 3, 0}, math.MaxUint64, 1},
		{[]int{1, 3}, math.MaxUint64/4 - 1, 0},
		{[]int{1, 3}, math.MaxUint64/4 + 1, 1},
	}
	for _, test := range tests {
		if got := Weighted(test.weights, test.chance); got != test.want {
			t.Errorf("of %v with %d: %d, want %d", test.weights, test.chance, got, test.want)
		}
	}
	chance, got := rand.New(rand.NewPCG(1, 2)), make([]int, 3)
	for range 10_000 {
		got[Weighted([]int{100, 300, 600}, chance.Uint64())]++
	}
	for i, want := range []int{1_000, 3_000, 6_000} {
		if math.Abs(float64(got[i]-want)) > 200 { // more than four standard deviations
			t.Errorf("index %d was chosen %d times of 10000, want about %d", i, got[i], want)
		}
	}
}

func TestRamp(t *testing.T) {
	tests := []struct {
		healthyFor, slowStart time.Duration
		want                  int
	}{
		{0, 0, 1000},
		{0, 30 * time.Second, 1},
		{-time.Second, 30 * time.Second, 1},
		{time.Millisecond, 30 * time.Second, 1},
		{3 * time.Second, 30 * time.Second, 100},
		{15 * time.Second, 30 * time.Second, 500},
		{30*time.Second - 1, 30 * time.Second, 999},
		{30 * time.Second, 30 * time.Second, 1000},
		{450 * time.Second, 900 * time.Second, 500},
		{time.Hour, 900 * time.Second, 1000},
	}
	for _, test := range tests {
		if got := Ramp(test.healthyFor, test.slowStart); got != test.want {
			t.Errorf("%s into %s: %d, want %d", test.healthyFor, test.slowStart, got, test.want)
		}
	}
}

func TestStartsSlowly(t *testing.T) {
	tests := []struct {
		slowStart time.Duration
		others    []int
		want      bool
	}{
		{0, []int{FullWeight}, false},
		{30 * time.Second, nil, false},
		{30 * time.Second, []int{999, 1}, false},
		{30 * time.Second, []int{1, FullWeight}, true},
	}
	for _, test := range tests {
		if got := StartsSlowly(test.slowStart, test.others); got != test.want {
			t.Errorf("with %s beside %v: %t", test.slowStart, test.others, got)
		}
	}
}
