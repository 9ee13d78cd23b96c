// Package pick chooses the target of a request: round robin, least outstanding requests or weighted random, and the share of a
// target that has just become healthy (slow start). Which targets may be chosen is decided elsewhere (see health).
//
// It is pure: chance and the time passed are arguments, and the state of round robin is a value that the caller keeps. It never
// looks at a connection. Start reading at RoundRobin.
package pick

import (
	"math/bits"
	"time"
)

// FullWeight is the weight of a target that is not in slow start.
const FullWeight = 1000

// RoundRobin takes targets in turn, each as often as its weight says and as evenly as that allows (target group attributes,
// load_balancing.algorithm.type round_robin). The zero value is ready; it is not safe for concurrent use.
type RoundRobin struct {
	credit map[uint64]int
}

// Target is a target that may be chosen.
type Target struct {
	// ID tells targets apart as they come and go.
	ID uint64
	// Weight is from 1 to FullWeight; see Ramp.
	Weight int
	// Outstanding is the number of requests that the target has been given and has not answered.
	Outstanding int
}

// Next gives the index of the next target, -1 when there is none. Credits of targets that are not given any more are forgotten.
func (r *RoundRobin) Next(targets []Target) int {
	if len(targets) == 0 {
		r.credit = nil
		return -1
	}
	credit := make(map[uint64]int, len(targets))
	total, best := 0, 0
	for i, t := range targets {
		total += t.Weight
		credit[t.ID] = r.credit[t.ID] + t.Weight
		if credit[t.ID] > credit[targets[best].ID] {
			best = i
		}
	}
	credit[targets[best].ID] -= total
	r.credit = credit
	return best
}

// LeastOutstanding gives the index of a target with the fewest outstanding requests, -1 when there is none; chance chooses among
// equals. There is no slow start with it (target group attributes, slow_start.duration_seconds).
func LeastOutstanding(targets []Target, chance uint64) int {
	least, equals := -1, 0
	for i := range targets {
		switch {
		case least < 0 || targets[i].Outstanding < targets[least].Outstanding:
			least, equals = i, 1
		case targets[i].Outstanding == targets[least].Outstanding:
			equals++
		}
	}
	if equals < 2 {
		return least
	}
	skip := below(chance, equals)
	for i := least; ; i++ {
		if targets[i].Outstanding != targets[least].Outstanding {
			continue
		}
		if skip == 0 {
			return i
		}
		skip--
	}
}

// Weighted gives an index with a probability in proportion to its weight, none of which is negative; -1 when all are 0, or there is none.
// It chooses among the targets of a group (weighted_random), and among the groups of a forward action (API_TargetGroupTuple: 0 to 999).
func Weighted(weights []int, chance uint64) int {
	total := 0
	for _, w := range weights {
		total += w
	}
	if total == 0 {
		return -1
	}
	n := below(chance, total)
	for i, w := range weights {
		if n < w {
			return i
		}
		n -= w
	}
	panic("pick: beyond the sum of weights")
}

// below maps a random number evenly to 0 .. n-1.
func below(chance uint64, n int) int {
	high, _ := bits.Mul64(chance, uint64(n))
	return int(high)
}

// Ramp is the weight of a target that became healthy some time ago: it grows linearly over the duration of the slow start, and
// is never nothing. With a duration of 0 there is no slow start (target group attributes: 0, or 30 to 900 seconds).
func Ramp(healthyFor, slowStart time.Duration) int {
	switch {
	case healthyFor >= slowStart:
		return FullWeight
	case healthyFor <= 0:
		return 1
	}
	return max(1, int(healthyFor*FullWeight/slowStart))
}

// StartsSlowly says whether a target that becomes healthy enters slow start: only where another healthy target of its group is
// not in it, or nobody would serve at full weight. ramped are the weights of the other healthy targets.
func StartsSlowly(slowStart time.Duration, ramped []int) bool {
	if slowStart == 0 {
		return false
	}
	for _, weight := range ramped {
		if weight == FullWeight {
			return true
		}
	}
	return false
}
