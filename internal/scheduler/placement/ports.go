package placement

import "slices"

// ports is a sorted list of port numbers. One number can stand in it twice, when tasks that were already running collide with
// what an instance registers later; each has its own removal.
type ports []uint16

func (p *ports) add(numbers []uint16) {
	for _, n := range numbers {
		at, _ := slices.BinarySearch(*p, n)
		*p = slices.Insert(*p, at, n)
	}
}

func (p *ports) remove(numbers []uint16) {
	for _, n := range numbers {
		if at, found := slices.BinarySearch(*p, n); found {
			*p = slices.Delete(*p, at, at+1)
		}
	}
}

// has says whether any of the numbers is taken.
func (p ports) has(numbers []uint16) bool {
	for _, n := range numbers {
		if _, found := slices.BinarySearch(p, n); found {
			return true
		}
	}
	return false
}

// distinct gives a copy with every number once, nil if there is none.
func (p ports) distinct() []uint16 {
	if len(p) == 0 {
		return nil
	}
	return slices.Compact(slices.Clone([]uint16(p)))
}
