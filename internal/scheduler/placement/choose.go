package placement

import (
	"cmp"
	"slices"

	"ballast/internal/ecs"
)

// Choose finds the container instance for one more task of a group: in the zone with the fewest tasks of the group, or failing
// room the next one, the instance with the fewest of them (developer guide, Default placement of services). Ties are
// decided by the seed. It reserves nothing; a refusal holds for every task of the same demand until something changes.
func (x *Index) Choose(d Demand, group string, seed uint64) (ecs.ID, *Refusal) {
	if x.ready == 0 {
		return ecs.ID{}, x.unavailable()
	}
	number, counts := int32(-1), &groupCounts{}
	if n, known := x.groups[group]; known {
		number, counts = n, &x.counts[n]
	}
	x.ranking = append(x.ranking[:0], x.zones...)
	slices.SortFunc(x.ranking, func(a, b *zone) int {
		return cmp.Or(cmp.Compare(counts.in(a).tasks, counts.in(b).tasks),
			cmp.Compare(mix(seed+uint64(a.number)), mix(seed+uint64(b.number))))
	})
	var best *host
	bestTasks := 0
	for i, z := range x.ranking {
		if best != nil && counts.in(z).tasks > counts.in(x.ranking[i-1]).tasks {
			break
		}
		if h := z.choose(&d, number, counts.in(z), mix(seed)); h != nil && (best == nil || h.tasksOf(number) < bestTasks) {
			best, bestTasks = h, h.tasksOf(number)
		}
		if best != nil && bestTasks == 0 {
			break
		}
	}
	if best == nil {
		return ecs.ID{}, x.refuse(&d)
	}
	return best.ID, nil
}

// choose walks the hosts with room, from a place drawn by the seed once around, and takes the first with the fewest tasks of the
// group. It ends early at a host that has as few as any, which where the group is small or spread evenly is the first or second.
func (z *zone) choose(d *Demand, number int32, counts zoneCount, draw uint64) *host {
	if z.size == 0 {
		return nil
	}
	fewest := z.fewest(counts)
	start := int(draw % uint64(len(z.hosts)))
	var best *host
	bestTasks := 0
	place, wrapped := z.free.next(start, d), false
	for {
		if place < 0 && !wrapped {
			place, wrapped = z.free.next(0, d), true
		}
		if place < 0 || wrapped && place >= start {
			return best
		}
		h := z.hosts[place]
		if tasks := h.tasksOf(number); (best == nil || tasks < bestTasks) && h.portsFree(d) {
			best, bestTasks = h, tasks
			if tasks <= fewest {
				return best
			}
		}
		place = z.free.next(place+1, d)
	}
}

// fewest is the smallest number of tasks of the group on any host of the zone, with room or not.
func (z *zone) fewest(counts zoneCount) int {
	without := z.size
	for _, hosts := range counts.hosts {
		without -= hosts
	}
	if without > 0 {
		return 0
	}
	for i, hosts := range counts.hosts {
		if hosts > 0 {
			return i + 1
		}
	}
	return 0
}

func (h *host) portsFree(d *Demand) bool { return !h.tcp.has(d.Ports) && !h.udp.has(d.PortsUDP) }

// mix spreads the bits of x over all 64 (the finalizer of splitmix64, Steele et al., 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
