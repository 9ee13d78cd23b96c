package placement

import (
	"cmp"
	"slices"

	"ballast/internal/ecs"
)

// Shortfall is what one container instance lacks for a task. It is told to people and never decided by.
type Shortfall struct {
	Instance ecs.ID

	// Disconnected and Closed say that no new task may come: the agent is not connected, or the container instance is not ACTIVE.
	Disconnected, Closed bool

	// CPU (units) and Memory (MiB) are free; ShortCPU and ShortMemory are what is missing of them, 0 where there is enough.
	CPU, Memory           int
	ShortCPU, ShortMemory int

	// Ports and PortsUDP are the host ports asked for that are taken.
	Ports, PortsUDP []uint16

	// Reason is in ECS's words what is lacking first, "" for nothing.
	Reason string
}

// Fits says whether nothing is lacking.
func (s *Shortfall) Fits() bool { return !s.Disconnected && !s.Closed && s.Reason == "" }

// Shortfalls says what each container instance lacks for a task, the closest match first, at most limit of them, and how many there
// are; only those that counts says yes to. It looks at every instance: it is for those who ask, not for placing.
func (x *Index) Shortfalls(d Demand, limit int, counts func(ecs.ID) bool) (closest []Shortfall, total int) {
	type ranked struct {
		host   *host
		lack   Lack
		things int
		short  float64
	}
	all := make([]ranked, 0, len(x.hosts))
	for _, h := range x.hosts {
		if counts(h.ID) {
			lack, things, short := h.lacks(&d)
			all = append(all, ranked{h, lack, things, short})
		}
	}
	// Those that tasks may come to are first, then those that lack the fewest things, as in refuse.
	slices.SortStableFunc(all, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(closed(a.host), closed(b.host)), cmp.Compare(a.things, b.things), cmp.Compare(a.short, b.short))
	})
	for _, r := range all[:min(limit, len(all))] {
		h := r.host
		s := Shortfall{Instance: h.ID, Disconnected: h.Disconnected, Closed: !h.Available && !h.Disconnected,
			CPU: h.freeCPU, Memory: h.freeMemory, ShortCPU: max(0, d.CPU-h.freeCPU), ShortMemory: max(0, d.Memory-h.freeMemory),
			Ports: h.tcp.among(d.Ports), PortsUDP: h.udp.among(d.PortsUDP)}
		if r.things > 0 {
			s.Reason = lacks[r.lack].words
		}
		closest = append(closest, s)
	}
	return closest, len(all)
}

func closed(h *host) int {
	if h.Available {
		return 0
	}
	return 1
}

// among gives those of the numbers that are taken.
func (p ports) among(numbers []uint16) []uint16 {
	var taken []uint16
	for _, n := range numbers {
		if p.has([]uint16{n}) {
			taken = append(taken, n)
		}
	}
	return taken
}
