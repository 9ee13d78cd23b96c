package placement

import (
	"slices"
	"strings"
)

// zone holds the hosts of one availability zone. Zones are never forgotten: there are few.
type zone struct {
	name   string
	number int     // by order of coming
	hosts  []*host // by place; nil where a host has left
	gaps   []int   // places without host
	size   int     // hosts in it
	free   tree
}

// zoneNamed finds or adds a zone.
func (x *Index) zoneNamed(name string) *zone {
	at, found := slices.BinarySearchFunc(x.zones, name, func(z *zone, name string) int { return strings.Compare(z.name, name) })
	if !found {
		x.zones = slices.Insert(x.zones, at, &zone{name: name, number: len(x.zones)})
	}
	return x.zones[at]
}

// enter gives a host a place.
func (z *zone) enter(h *host) (place int) {
	z.size++
	if n := len(z.gaps); n > 0 {
		place, z.gaps = z.gaps[n-1], z.gaps[:n-1]
		z.hosts[place] = h
		return place
	}
	z.hosts = append(z.hosts, h)
	z.free.grow(len(z.hosts))
	return len(z.hosts) - 1
}

func (z *zone) leave(place int) {
	z.size--
	z.hosts[place] = nil
	z.gaps = append(z.gaps, place)
	z.free.clear(place)
}

// tree is a segment tree over the places of a zone: every node holds the most free CPU and the most free memory below it, so
// that a search passes over stretches in which nothing can fit.
type tree struct {
	size  int    // leaves, a power of two, or 0
	nodes []room // the root at 1; the leaf of place p at size+p
}

type room struct{ cpu, memory int }

// none is the room of a place that takes no task.
var none = room{-1, -1}

func (r room) fits(d *Demand) bool { return r.cpu >= d.CPU && r.memory >= d.Memory }

// grow makes the tree hold n places.
func (t *tree) grow(n int) {
	if n <= t.size {
		return
	}
	old := *t
	t.size = max(1, 2*old.size)
	t.nodes = slices.Repeat([]room{none}, 2*t.size)
	for place := range old.size {
		leaf := old.nodes[old.size+place]
		t.set(place, leaf.cpu, leaf.memory)
	}
}

func (t *tree) clear(place int) { t.set(place, none.cpu, none.memory) }

func (t *tree) set(place, cpu, memory int) {
	i := t.size + place
	t.nodes[i] = room{cpu, memory}
	for i /= 2; i > 0; i /= 2 {
		left, right := t.nodes[2*i], t.nodes[2*i+1]
		t.nodes[i] = room{max(left.cpu, right.cpu), max(left.memory, right.memory)}
	}
}

// next gives the first place at or after from with room for the demand, -1 if there is none.
func (t *tree) next(from int, d *Demand) int {
	if from >= t.size {
		return -1
	}
	return t.search(1, 0, t.size, from, d)
}

// search looks below node i, which covers the places from low up to high.
func (t *tree) search(i, low, high, from int, d *Demand) int {
	if high <= from || !t.nodes[i].fits(d) {
		return -1
	}
	if high-low == 1 {
		return low
	}
	middle := (low + high) / 2
	if found := t.search(2*i, low, middle, from, d); found >= 0 {
		return found
	}
	return t.search(2*i+1, middle, high, from, d)
}
