package placement

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"ballast/internal/ecs"
)

// Candidate is a task that may be stopped.
type Candidate struct {
	Seq      uint64
	Instance ecs.ID
	Zone     string
}

// Victims chooses n of the candidates so that those left are spread best: one after the other from the zone with most of them,
// there from the instance with most (developer guide, UpdateService: how the scheduler stops tasks). Ties are decided by a hash
// of the task and the seed, never by the order of the candidates. All are chosen if n is larger than their number.
func Victims(candidates []Candidate, n int, seed uint64) []uint64 {
	zones := queues(candidates, seed)
	n = min(n, len(candidates))
	victims := make([]uint64, 0, max(0, n))
	for len(victims) < n {
		fullest := 0
		for i := range zones {
			if len(zones[i]) > len(zones[fullest]) {
				fullest = i
			}
		}
		victims = append(victims, zones[fullest][0].Seq)
		zones[fullest] = zones[fullest][1:]
	}
	return victims
}

// Random chooses n of the candidates by a hash of the task and the seed.
func Random(candidates []Candidate, n int, seed uint64) []uint64 {
	sorted := rank(candidates, seed)
	slices.SortFunc(sorted, func(a, b ranked) int { return a.byHash(&b) })
	victims := make([]uint64, 0, max(0, min(n, len(sorted))))
	for i := 0; i < n && i < len(sorted); i++ {
		victims = append(victims, sorted[i].Seq)
	}
	return victims
}

// ranked is a candidate with its number among those on its instance, counted from 1: stopping always the highest number takes
// from the instance with most.
type ranked struct {
	Candidate
	hash   uint64
	height int
}

func (a *ranked) byHash(b *ranked) int {
	return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.Seq, b.Seq))
}

// queues gives the candidates by zone, in the order in which a zone gives them up. Zones of equal size stand by the hash of
// their first candidate.
func queues(candidates []Candidate, seed uint64) [][]ranked {
	sorted := rank(candidates, seed)
	slices.SortFunc(sorted, func(a, b ranked) int {
		return cmp.Or(strings.Compare(a.Zone, b.Zone), bytes.Compare(a.Instance[:], b.Instance[:]),
			b.byHash(&a))
	})
	for i := range sorted {
		sorted[i].height = 1
		if i > 0 && sorted[i].Zone == sorted[i-1].Zone && sorted[i].Instance == sorted[i-1].Instance {
			sorted[i].height = sorted[i-1].height + 1
		}
	}
	slices.SortFunc(sorted, func(a, b ranked) int {
		return cmp.Or(strings.Compare(a.Zone, b.Zone), cmp.Compare(b.height, a.height), a.byHash(&b))
	})
	var zones [][]ranked
	for start, i := 0, 1; i <= len(sorted); i++ {
		if i == len(sorted) || sorted[i].Zone != sorted[start].Zone {
			zones = append(zones, sorted[start:i])
			start = i
		}
	}
	slices.SortFunc(zones, func(a, b []ranked) int { return a[0].byHash(&b[0]) })
	return zones
}

func rank(candidates []Candidate, seed uint64) []ranked {
	list := make([]ranked, len(candidates))
	for i, c := range candidates {
		list[i] = ranked{Candidate: c, hash: mix(c.Seq ^ seed)}
	}
	return list
}
