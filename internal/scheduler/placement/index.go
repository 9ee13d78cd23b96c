// Package placement chooses the container instance of a task, and which tasks of a service stop when only some have to. It keeps
// an index of the container instances of one cluster and what their tasks reserve.
//
// The choice is filter, rank, choose: instances with too little CPU or memory, or with a port taken, fall out; then comes the
// zone with the fewest tasks of the group, in it the instance with the fewest; ties fall by a hash of the seed. Every refusal
// says why. The index is derived state and never does I/O. Start reading at Index, then Choose and Victims.
package placement

import (
	"slices"
	"sort"

	"ballast/internal/ecs"
)

// Instance is what placement needs to know of a container instance.
type Instance struct {
	ID   ecs.ID
	Zone string

	// Resources are what the container instance has. Its Ports and PortsUDP are those that no task may use, because the host
	// does (API_RegisterContainerInstance: 22, 2375, 2376 and 51678 to 51680 by default).
	Resources ecs.Resources

	// Available means that new tasks may come: it is ACTIVE and its agent is connected.
	Available bool

	// Disconnected means that only the connection of its agent keeps it from being Available.
	Disconnected bool
}

// Index holds the container instances of one cluster. It is not safe for concurrent use.
type Index struct {
	hosts   []*host // in the order of coming
	byID    map[ecs.ID]*host
	zones   []*zone // by name
	ready   int     // hosts that are available
	groups  map[string]int32
	counts  []groupCounts // by the numbers in groups
	unused  []int32       // numbers of groups without tasks
	ranking []*zone       // reused by Choose
}

// host is a container instance in the index.
type host struct {
	Instance
	zone       *zone
	place      int // in zone
	freeCPU    int
	freeMemory int
	tcp, udp   ports
	tasks      []groupTasks // by group number
}

// groupTasks counts the tasks of one group on one host.
type groupTasks struct {
	group int32
	tasks int
}

// groupCounts says where the tasks of one group are.
type groupCounts struct {
	name  string
	total int
	zones []zoneCount // by zone number, as long as needed
}

// zoneCount counts the tasks of one group in one zone, and the hosts that have 1, 2, ... of them: hosts[n-1] have n.
type zoneCount struct {
	tasks int
	hosts []int
}

// NewIndex gives an empty index.
func NewIndex() *Index {
	return &Index{byID: map[ecs.ID]*host{}, groups: map[string]int32{}}
}

// Put adds a container instance or takes over what has changed. What its tasks reserve stays.
func (x *Index) Put(i Instance) {
	h := x.host(i.ID)
	if h.zone.name != i.Zone {
		x.leaveZone(h)
		h.Zone = i.Zone
		x.enterZone(h)
	}
	switch {
	case i.Available && !h.Available:
		x.ready++
	case !i.Available && h.Available:
		x.ready--
	}
	h.freeCPU += i.Resources.CPU - h.Resources.CPU
	h.freeMemory += i.Resources.Memory - h.Resources.Memory
	h.tcp.remove(h.Resources.Ports)
	h.tcp.add(i.Resources.Ports)
	h.udp.remove(h.Resources.PortsUDP)
	h.udp.add(i.Resources.PortsUDP)
	h.Instance = i
	h.refresh()
}

// Remove forgets a container instance with all that its tasks reserve there.
func (x *Index) Remove(id ecs.ID) {
	h := x.byID[id]
	if h == nil {
		return
	}
	for len(h.tasks) > 0 {
		last := h.tasks[len(h.tasks)-1]
		for range last.tasks {
			x.uncount(h, last.group)
		}
	}
	x.leaveZone(h)
	if h.Available {
		x.ready--
	}
	delete(x.byID, id)
	x.hosts = slices.DeleteFunc(x.hosts, func(other *host) bool { return other == h })
}

// Reserve counts a task of a group and what it demands on a container instance. It does not check: a task that exists is
// counted, also when the instance has shrunk or has not been Put yet. Only what Choose gave is sure to fit.
func (x *Index) Reserve(id ecs.ID, d Demand, group string) {
	h := x.host(id)
	h.freeCPU -= d.CPU
	h.freeMemory -= d.Memory
	h.tcp.add(d.Ports)
	h.udp.add(d.PortsUDP)
	x.count(h, group)
	h.refresh()
}

// Release undoes a Reserve with the same arguments. Nothing happens where no task of the group is counted.
func (x *Index) Release(id ecs.ID, d Demand, group string) {
	h := x.byID[id]
	number, known := x.groups[group]
	if h == nil || !known || h.tasksOf(number) == 0 {
		return
	}
	h.freeCPU += d.CPU
	h.freeMemory += d.Memory
	h.tcp.remove(d.Ports)
	h.udp.remove(d.PortsUDP)
	x.uncount(h, number)
	h.refresh()
}

// Remaining gives what a container instance has left; its ports are those taken, as API_ContainerInstance shows them. It is
// zero for an unknown instance.
func (x *Index) Remaining(id ecs.ID) ecs.Resources {
	h := x.byID[id]
	if h == nil {
		return ecs.Resources{}
	}
	return ecs.Resources{CPU: h.freeCPU, Memory: h.freeMemory, Ports: h.tcp.distinct(), PortsUDP: h.udp.distinct()}
}

// Available counts the container instances that new tasks may come to.
func (x *Index) Available() int { return x.ready }

// host finds a host or makes room for one that is not known yet.
func (x *Index) host(id ecs.ID) *host {
	h := x.byID[id]
	if h == nil {
		h = &host{Instance: Instance{ID: id}}
		x.byID[id] = h
		x.hosts = append(x.hosts, h)
		x.enterZone(h)
	}
	return h
}

// count adds a task of a group to a host.
func (x *Index) count(h *host, group string) {
	number, known := x.groups[group]
	if !known {
		number = x.number(group)
	}
	at, found := h.find(number)
	if !found {
		h.tasks = slices.Insert(h.tasks, at, groupTasks{group: number})
	}
	h.tasks[at].tasks++
	x.counts[number].total++
	x.counts[number].shift(h.zone, h.tasks[at].tasks-1, h.tasks[at].tasks)
}

// uncount takes one away again.
func (x *Index) uncount(h *host, number int32) {
	at, _ := h.find(number)
	h.tasks[at].tasks--
	left := h.tasks[at].tasks
	x.counts[number].shift(h.zone, left+1, left)
	if left == 0 {
		h.tasks = slices.Delete(h.tasks, at, at+1)
	}
	x.counts[number].total--
	if x.counts[number].total == 0 {
		delete(x.groups, x.counts[number].name)
		x.unused = append(x.unused, number)
	}
}

// number gives a group that has no task yet a number.
func (x *Index) number(group string) int32 {
	var number int32
	if n := len(x.unused); n > 0 {
		number, x.unused = x.unused[n-1], x.unused[:n-1]
		x.counts[number] = groupCounts{name: group}
	} else {
		number = int32(len(x.counts))
		x.counts = append(x.counts, groupCounts{name: group})
	}
	x.groups[group] = number
	return number
}

// shift notes that a host in a zone went from so many tasks of the group to so many.
func (g *groupCounts) shift(z *zone, from, to int) {
	for len(g.zones) <= z.number {
		g.zones = append(g.zones, zoneCount{})
	}
	c := &g.zones[z.number]
	c.tasks += to - from
	for len(c.hosts) < max(from, to) {
		c.hosts = append(c.hosts, 0)
	}
	if from > 0 {
		c.hosts[from-1]--
	}
	if to > 0 {
		c.hosts[to-1]++
	}
}

// in gives the counts of the group in a zone.
func (g *groupCounts) in(z *zone) zoneCount {
	if z.number < len(g.zones) {
		return g.zones[z.number]
	}
	return zoneCount{}
}

// find gives the place of a group among the tasks of a host.
func (h *host) find(number int32) (int, bool) {
	at := sort.Search(len(h.tasks), func(i int) bool { return h.tasks[i].group >= number })
	return at, at < len(h.tasks) && h.tasks[at].group == number
}

func (h *host) tasksOf(number int32) int {
	if at, found := h.find(number); found {
		return h.tasks[at].tasks
	}
	return 0
}

// refresh brings the search tree of the zone up to date with the host.
func (h *host) refresh() {
	if h.Available {
		h.zone.free.set(h.place, h.freeCPU, h.freeMemory)
	} else {
		h.zone.free.clear(h.place)
	}
}

// enterZone puts a host into its zone with its tasks.
func (x *Index) enterZone(h *host) {
	z := x.zoneNamed(h.Zone)
	h.zone, h.place = z, z.enter(h)
	x.shiftAll(h, true)
}

// leaveZone takes it out again.
func (x *Index) leaveZone(h *host) {
	x.shiftAll(h, false)
	h.zone.leave(h.place)
}

// shiftAll counts all tasks of a host into its zone, or out of it.
func (x *Index) shiftAll(h *host, into bool) {
	for _, t := range h.tasks {
		from, to := t.tasks, 0
		if into {
			from, to = 0, t.tasks
		}
		x.counts[t.group].shift(h.zone, from, to)
	}
}
