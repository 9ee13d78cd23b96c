package scenario

import (
	"encoding/binary"
	"hash/fnv"

	"ballast/internal/driver"
	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
	"ballast/internal/sim"
)

// application is what the containers of a scenario do, and the state of what surrounds them.
type application struct {
	p      *player
	frozen map[ecs.ID]bool
	down   map[string]bool // dependencies
	gone   map[string]bool // images
	full   map[int]bool    // instances without room on their disks
	apart  map[int]bool    // instances that the load balancer cannot reach
	rate   map[string]float64
}

var _ sim.Conduct = (*application)(nil)

func newApplication(p *player) *application {
	return &application{p: p, frozen: map[ecs.ID]bool{}, down: map[string]bool{}, gone: map[string]bool{}, full: map[int]bool{}, apart: map[int]bool{},
		rate: map[string]float64{}}
}

// diskFull is what an engine with device mapper says then (developer guide, CannotCreateContainerError).
const diskFull = "API error (500): devmapper: Thin Pool has 4350 free data blocks which is less than minimum required 4454 free" +
	" data blocks. Create more free space in thin pool or use dm.min_free_space option to change behavior"

// Script implements sim.Conduct.
func (a *application) Script(instance int, key driver.Key) []ecs.Variable {
	t := a.p.rec.tasks[key.Task]
	if t == nil {
		return nil
	}
	var script []ecs.Variable
	if b := a.behaviour(t.Definition, key.Container); b != nil {
		script = b.variables(memoryOf(t.Definition, key.Container))
	}
	if a.full[instance] {
		script = append(script, ecs.Variable{Name: fake.EnvFailCreate, Value: diskFull})
	}
	return script
}

func memoryOf(d *ecs.TaskDefinition, container string) int {
	for i := range d.Containers {
		if c := &d.Containers[i]; c.Name == container && c.Memory != 0 {
			return c.Memory
		}
	}
	return d.Memory
}

func (a *application) behaviour(d *ecs.TaskDefinition, container string) *Behaviour {
	for i := range a.p.s.Behaviours {
		if b := &a.p.s.Behaviours[i]; b.of(d, container) {
			return b
		}
	}
	return nil
}

// Ails implements sim.Conduct: a container fails its checks when it is frozen, lacks a dependency or has more to do than it can.
func (a *application) Ails(key driver.Key) bool {
	t := a.p.rec.tasks[key.Task]
	if t == nil {
		return false
	}
	if a.frozen[t.ID] {
		return true
	}
	b := a.behaviour(t.Definition, key.Container)
	if b == nil {
		return false
	}
	for _, name := range b.needs {
		if a.down[name] {
			return true
		}
	}
	return b.most > 0 && a.requests(t) > a.capacity(b, t)
}

// Missing implements sim.Conduct.
func (a *application) Missing(image string) bool { return a.gone[image] }

// requests is how many of them a second a task gets.
func (a *application) requests(t *ecs.Task) float64 {
	if routes, load := a.load(t.Service); routes(t) {
		return load
	}
	return 0
}

// load is the requests a second for each task of a service that gets any, and which do: all of those get the same, whatever their
// health.
func (a *application) load(service string) (routes func(*ecs.Task) bool, load float64) {
	routes = a.routes(service)
	serving := 0
	for _, t := range a.p.rec.live {
		if t.Service == service && routes(t) {
			serving++
		}
	}
	return routes, a.rate[service] / float64(max(1, serving))
}

func serves(t *ecs.Task) bool {
	return t.LastStatus == ecs.StatusRunning && t.DesiredStatus == ecs.StatusRunning
}

// capacity is what a task can serve, between the bounds of its behaviour.
func (a *application) capacity(b *Behaviour, t *ecs.Task) float64 {
	return b.fewest + (b.most-b.fewest)*a.p.chance(t, "capacity")
}

// utilisation is how busy a task is, 0 to 1: requests against its capacity.
func (a *application) utilisation(t *ecs.Task, load float64) float64 {
	b := a.behaviour(t.Definition, leading(t.Definition))
	if b == nil || b.most == 0 {
		return 0
	}
	return min(1, load/a.capacity(b, t))
}

// chance gives a number from 0 to 1 that the seed, the number of a task and what is drawn decide: never its id, which is another one
// as soon as control draws something more.
func (p *player) chance(t *ecs.Task, what string) float64 {
	h := fnv.New64a()
	h.Write(binary.LittleEndian.AppendUint64(nil, p.seed))
	h.Write(binary.LittleEndian.AppendUint64(nil, t.Seq))
	h.Write([]byte(what))
	x := h.Sum64() // mixed as splitmix64 does: the last bytes hardly reach the high bits of FNV
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return float64((x^x>>31)>>11) / (1 << 53)
}
