package placement

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"ballast/internal/ecs"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func id(n int) (id ecs.ID) {
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

func host4(n int, zone string) Instance {
	return Instance{ID: id(n), Zone: zone, Available: true,
		Resources: ecs.Resources{CPU: 4096, Memory: 8192, Ports: []uint16{22}}}
}

// plain is the slow twin of Index: a list of instances with the tasks on each.
type plain struct {
	instances []Instance
	tasks     []plainTask
}

type plainTask struct {
	instance ecs.ID
	demand   Demand
	group    string
}

func (p *plain) fits(i Instance, d Demand) bool {
	cpu, memory := i.Resources.CPU, i.Resources.Memory
	tcp, udp := slices.Clone(i.Resources.Ports), slices.Clone(i.Resources.PortsUDP)
	for _, t := range p.tasks {
		if t.instance == i.ID {
			cpu, memory = cpu-t.demand.CPU, memory-t.demand.Memory
			tcp, udp = append(tcp, t.demand.Ports...), append(udp, t.demand.PortsUDP...)
		}
	}
	clash := func(taken, wanted []uint16) bool {
		return slices.ContainsFunc(wanted, func(n uint16) bool { return slices.Contains(taken, n) })
	}
	return i.Available && cpu >= d.CPU && memory >= d.Memory && !clash(tcp, d.Ports) && !clash(udp, d.PortsUDP)
}

func (p *plain) count(match func(plainTask) bool) (n int) {
	for _, t := range p.tasks {
		if match(t) {
			n++
		}
	}
	return n
}

func (p *plain) at(id ecs.ID) int {
	return slices.IndexFunc(p.instances, func(i Instance) bool { return i.ID == id })
}

// rank gives the tasks of the group in the zone and on the instance: what a choice keeps smallest.
func (p *plain) rank(i Instance, group string) [2]int {
	return [2]int{
		p.count(func(t plainTask) bool { return t.group == group && p.instances[p.at(t.instance)].Zone == i.Zone }),
		p.count(func(t plainTask) bool { return t.group == group && t.instance == i.ID }),
	}
}

// checkChoice compares a choice with the list.
func (p *plain) checkChoice(t *rapid.T, chosen ecs.ID, refusal *Refusal, d Demand, group string) {
	var best [2]int
	fitting := 0
	for _, i := range p.instances {
		if !p.fits(i, d) {
			continue
		}
		if rank := p.rank(i, group); fitting == 0 || slices.Compare(rank[:], best[:]) < 0 {
			best = rank
		}
		fitting++
	}
	if (refusal == nil) != (fitting > 0) {
		t.Fatalf("refusal %+v, but %d instances fit", refusal, fitting)
	}
	if refusal != nil {
		available := slices.ContainsFunc(p.instances, func(i Instance) bool { return i.Available })
		if available == (refusal.Lack == LackInstances) || available == refusal.Closest.IsZero() {
			t.Fatalf("refusal %+v, available %v", refusal, available)
		}
		return
	}
	if got := p.instances[p.at(chosen)]; !p.fits(got, d) || p.rank(got, group) != best {
		t.Fatalf("chose %s with %v, want a fitting one with %v", chosen, p.rank(got, group), best)
	}
}

func drawDemand(t *rapid.T) Demand {
	d := Demand{CPU: rapid.SampledFrom([]int{0, 512, 1024, 3000}).Draw(t, "cpu"),
		Memory: rapid.SampledFrom([]int{128, 1024, 5000}).Draw(t, "memory")}
	if rapid.Bool().Draw(t, "port") {
		d.Ports = []uint16{rapid.SampledFrom([]uint16{22, 80, 443}).Draw(t, "number")}
	}
	if rapid.Bool().Draw(t, "udp") {
		d.PortsUDP = []uint16{53}
	}
	return d
}

// What is chosen fits, ranks best, and never lifts a reservation above the instance; the index counts as the list does.
func TestIndexAgainstList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, p := NewIndex(), &plain{}
		for step := range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"place", "place", "place", "end", "put", "put", "remove"}).Draw(t, "what") {
			case "put":
				i := host4(rapid.IntRange(1, 6).Draw(t, "instance"), rapid.SampledFrom([]string{"a", "b"}).Draw(t, "zone"))
				i.Available = rapid.IntRange(0, 3).Draw(t, "available") > 0
				x.Put(i)
				if at := p.at(i.ID); at >= 0 {
					p.instances[at] = i
				} else {
					p.instances = append(p.instances, i)
				}
			case "remove":
				gone := id(rapid.IntRange(1, 6).Draw(t, "instance"))
				x.Remove(gone)
				p.instances = slices.DeleteFunc(p.instances, func(i Instance) bool { return i.ID == gone })
				p.tasks = slices.DeleteFunc(p.tasks, func(task plainTask) bool { return task.instance == gone })
			case "end":
				if len(p.tasks) > 0 {
					at := rapid.IntRange(0, len(p.tasks)-1).Draw(t, "task")
					x.Release(p.tasks[at].instance, p.tasks[at].demand, p.tasks[at].group)
					p.tasks = slices.Delete(p.tasks, at, at+1)
				}
			case "place":
				d, group := drawDemand(t), rapid.SampledFrom([]string{"service:web", "service:api"}).Draw(t, "group")
				chosen, refusal := x.Choose(d, group, uint64(step))
				p.checkChoice(t, chosen, refusal, d, group)
				if refusal == nil {
					x.Reserve(chosen, d, group)
					p.tasks = append(p.tasks, plainTask{chosen, d, group})
				}
			}
			p.checkRemaining(t, x)
		}
	})
}

func (p *plain) checkRemaining(t *rapid.T, x *Index) {
	available := 0
	for _, i := range p.instances {
		want := ecs.Resources{CPU: i.Resources.CPU, Memory: i.Resources.Memory, Ports: slices.Clone(i.Resources.Ports)}
		for _, task := range p.tasks {
			if task.instance == i.ID {
				want.CPU, want.Memory = want.CPU-task.demand.CPU, want.Memory-task.demand.Memory
				want.Ports, want.PortsUDP = append(want.Ports, task.demand.Ports...), append(want.PortsUDP, task.demand.PortsUDP...)
			}
		}
		slices.Sort(want.Ports)
		if diff := cmp.Diff(want, x.Remaining(i.ID)); diff != "" || want.CPU < 0 || want.Memory < 0 {
			t.Fatalf("remaining of %s (-list +index):\n%s", i.ID, diff)
		}
		if i.Available {
			available++
		}
	}
	if x.Available() != available {
		t.Fatalf("%d available, want %d", x.Available(), available)
	}
}

func TestChooseSpreads(t *testing.T) {
	x := NewIndex()
	for n := range 6 {
		x.Put(host4(n+1, string(rune('a'+n%3))))
	}
	on, in := map[ecs.ID]int{}, map[string]int{}
	for n := range 12 {
		chosen, refusal := x.Choose(Demand{CPU: 64, Memory: 64}, "service:web", uint64(n))
		if refusal != nil {
			t.Fatal(refusal)
		}
		x.Reserve(chosen, Demand{CPU: 64, Memory: 64}, "service:web")
		on[chosen]++
		in[x.byID[chosen].Zone]++
		if n == 2 && len(in) != 3 || n == 5 && len(on) != 6 {
			t.Fatalf("after %d tasks: zones %v, instances %v", n+1, in, on)
		}
	}
	if diff := cmp.Diff(map[string]int{"a": 4, "b": 4, "c": 4}, in); diff != "" {
		t.Error(diff)
	}
}

func TestChooseVariesWithTheSeedOnly(t *testing.T) {
	x := NewIndex()
	for n := range 50 {
		x.Put(host4(n+1, "a"))
	}
	seen := map[ecs.ID]bool{}
	for seed := range uint64(50) {
		first, _ := x.Choose(Demand{CPU: 1}, "g", seed)
		second, _ := x.Choose(Demand{CPU: 1}, "g", seed)
		if first != second {
			t.Fatalf("seed %d chooses %s, then %s", seed, first, second)
		}
		seen[first] = true
	}
	if len(seen) < 20 {
		t.Errorf("50 seeds chose only %d of 50 instances", len(seen))
	}
}

// A task that was counted before its instance was known is counted once the instance is.
func TestReserveBeforePut(t *testing.T) {
	x := NewIndex()
	x.Reserve(id(1), Demand{CPU: 1000, Memory: 100, Ports: []uint16{80}}, "g")
	if _, refusal := x.Choose(Demand{}, "g", 1); refusal == nil || refusal.Lack != LackInstances {
		t.Fatalf("refusal %+v, want no instances", refusal)
	}
	x.Put(host4(1, "a"))
	want := ecs.Resources{CPU: 3096, Memory: 8092, Ports: []uint16{22, 80}}
	if diff := cmp.Diff(want, x.Remaining(id(1))); diff != "" {
		t.Error(diff)
	}
}

func TestReleaseOfUnknownChangesNothing(t *testing.T) {
	x := NewIndex()
	x.Put(host4(1, "a"))
	x.Reserve(id(1), Demand{CPU: 10}, "g")
	x.Release(id(1), Demand{CPU: 10}, "other")
	x.Release(id(2), Demand{CPU: 10}, "g")
	if got := x.Remaining(id(1)).CPU; got != 4086 {
		t.Errorf("remaining CPU %d, want 4086", got)
	}
	if got := x.Remaining(id(2)); !cmp.Equal(got, ecs.Resources{}) {
		t.Errorf("an unknown instance has %+v", got)
	}
}

func TestRefusal(t *testing.T) {
	const start = "(service web) was unable to place a task because no container instance met all of its requirements."
	const end = " For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
	full := func(x *Index) { x.Put(host4(1, "a")) }
	tests := []struct {
		name   string
		put    func(*Index)
		demand Demand
		code   string
		event  string
	}{
		{"no instances", func(*Index) {}, Demand{}, "", start + " Reason: No Container Instances were found in your cluster." + end},
		{"agents away", func(x *Index) {
			x.Put(Instance{ID: id(3)})
			x.Put(Instance{ID: id(4), Disconnected: true})
		}, Demand{}, "AGENT", start + " The closest matching (container-instance " + id(4).String() + `) encountered error "AGENT".` + end},
		{"cpu", full, Demand{CPU: 5000}, "RESOURCE:CPU",
			start + " The closest matching (container-instance " + id(1).String() + ") has insufficient CPU units available." + end},
		{"memory", full, Demand{Memory: 9000}, "RESOURCE:MEMORY",
			start + " The closest matching (container-instance " + id(1).String() + ") has insufficient memory available." + end},
		{"ports", full, Demand{Ports: []uint16{22}}, "RESOURCE:PORTS",
			start + " The closest matching (container-instance " + id(1).String() + ") is already using a port required by your task." + end},
		{"cpu before memory", full, Demand{CPU: 5000, Memory: 9000}, "RESOURCE:CPU", ""},
		{"fewest things lacking", func(x *Index) {
			x.Put(Instance{ID: id(3), Available: true, Resources: ecs.Resources{CPU: 100, Memory: 100}})
			full(x)
		}, Demand{CPU: 5000, Memory: 200}, "RESOURCE:CPU",
			start + " The closest matching (container-instance " + id(1).String() + ") has insufficient CPU units available." + end},
		{"smallest share lacking", func(x *Index) {
			x.Put(Instance{ID: id(3), Available: true, Resources: ecs.Resources{CPU: 4000, Memory: 100}})
			full(x)
		}, Demand{CPU: 4096, Memory: 8193}, "RESOURCE:MEMORY", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			x := NewIndex()
			test.put(x)
			_, refusal := x.Choose(test.demand, "g", 1)
			if refusal == nil {
				t.Fatal("not refused")
			}
			if refusal.Code() != test.code {
				t.Errorf("code %q, want %q", refusal.Code(), test.code)
			}
			if got := refusal.Event("web"); test.event != "" && got != test.event {
				t.Errorf("event\n%q, want\n%q", got, test.event)
			}
		})
	}
}

func TestCheckOneInstance(t *testing.T) {
	x := NewIndex()
	x.Put(host4(1, "a"))
	x.Put(host4(2, "b"))
	for _, test := range []struct {
		instance int
		demand   Demand
		want     string // the code, "" where there is room
	}{
		{1, Demand{CPU: 4096, Memory: 8192, Ports: []uint16{80}}, ""},
		{1, Demand{CPU: 4097, Memory: 8193}, "RESOURCE:CPU"},
		{1, Demand{Memory: 8193, Ports: []uint16{22}}, "RESOURCE:MEMORY"},
		{1, Demand{Ports: []uint16{22}}, "RESOURCE:PORTS"},
	} {
		got := ""
		if refusal := x.Check(id(test.instance), test.demand); refusal != nil {
			got = refusal.Code()
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.demand, got, test.want)
		}
	}
	if refusal := x.Check(id(3), Demand{}); refusal == nil {
		t.Error("an unknown instance has room")
	}
	if a, b := x.ZoneOf(id(1)), x.ZoneOf(id(2)); a != 0 || b != 1 {
		t.Errorf("zones a and b stand at %d and %d", a, b)
	}
}

func TestDemandOf(t *testing.T) {
	n := func(v int) *int { return &v }
	containers := []ecs.ContainerDefinition{
		{Name: "web", CPU: 256, Memory: 512, MemoryReservation: 128, Ports: []ecs.PortMapping{
			{ContainerPort: 80, HostPort: 8080}, {ContainerPort: 81}, {ContainerPort: 53, HostPort: 5353, UDP: true}}},
		{Name: "log", CPU: 64, Memory: 64, Ports: []ecs.PortMapping{{ContainerPort: 79, HostPort: 79}}},
	}
	tests := []struct {
		name      string
		def       ecs.TaskDefinition
		overrides *ecs.Overrides
		want      Demand
	}{
		{"sum of containers", ecs.TaskDefinition{Containers: containers}, nil,
			Demand{CPU: 320, Memory: 192, Ports: []uint16{79, 8080}, PortsUDP: []uint16{5353}}},
		{"task size", ecs.TaskDefinition{CPU: 1024, Memory: 2048, Containers: containers}, nil,
			Demand{CPU: 1024, Memory: 2048, Ports: []uint16{79, 8080}, PortsUDP: []uint16{5353}}},
		{"host mode", ecs.TaskDefinition{NetworkMode: ecs.NetworkHost, Containers: containers}, nil,
			Demand{CPU: 320, Memory: 192, Ports: []uint16{79, 80, 81}, PortsUDP: []uint16{53}}},
		{"awsvpc", ecs.TaskDefinition{NetworkMode: ecs.NetworkAwsvpc, Containers: containers}, nil, Demand{CPU: 320, Memory: 192}},
		{"task override", ecs.TaskDefinition{CPU: 1024, Memory: 2048, Containers: containers[1:]},
			&ecs.Overrides{CPU: 2048, Memory: 4096}, Demand{CPU: 2048, Memory: 4096, Ports: []uint16{79}}},
		{"container override", ecs.TaskDefinition{Containers: containers[1:]}, &ecs.Overrides{Containers: []ecs.ContainerOverride{
			{Name: "log", CPU: n(1), Memory: n(100), MemoryReservation: n(50)}}}, Demand{CPU: 1, Memory: 50, Ports: []uint16{79}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, DemandOf(&test.def, test.overrides)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got, want := tests[0].want.String(), "cpu 320, memory 192, 79/tcp, 8080/tcp, 5353/udp"; got != want {
		t.Errorf("named %q, want %q", got, want)
	}
}

// victimsSlow stops one task after the other and counts again after each.
func victimsSlow(t *rapid.T, candidates []Candidate, victims []uint64) {
	left := slices.Clone(candidates)
	in := func(match func(Candidate) bool) (n int) {
		for _, c := range left {
			if match(c) {
				n++
			}
		}
		return n
	}
	for _, seq := range victims {
		at := slices.IndexFunc(left, func(c Candidate) bool { return c.Seq == seq })
		if at < 0 {
			t.Fatalf("task %d is chosen twice or was no candidate", seq)
		}
		victim := left[at]
		zone := in(func(c Candidate) bool { return c.Zone == victim.Zone })
		instance := in(func(c Candidate) bool { return c.Instance == victim.Instance })
		for _, c := range left {
			if in(func(o Candidate) bool { return o.Zone == c.Zone }) > zone {
				t.Fatalf("task %d of zone %s with %d tasks, but zone %s has more", seq, victim.Zone, zone, c.Zone)
			}
			if c.Zone == victim.Zone && in(func(o Candidate) bool { return o.Instance == c.Instance }) > instance {
				t.Fatalf("task %d of an instance with %d tasks, but another has more", seq, instance)
			}
		}
		left = slices.Delete(left, at, at+1)
	}
}

func TestVictims(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var candidates []Candidate
		for seq := range rapid.IntRange(0, 20).Draw(t, "candidates") {
			instance := rapid.IntRange(1, 6).Draw(t, "instance")
			candidates = append(candidates, Candidate{Seq: uint64(seq), Instance: id(instance), Zone: fmt.Sprint("zone", instance%3)})
		}
		n, seed := rapid.IntRange(0, 25).Draw(t, "n"), rapid.Uint64().Draw(t, "seed")
		victims, random := Victims(candidates, n, seed), Random(candidates, n, seed)
		if want := min(n, len(candidates)); len(victims) != want || len(random) != want {
			t.Fatalf("%d and %d victims, want %d", len(victims), len(random), want)
		}
		victimsSlow(t, candidates, victims)
		shuffled := rapid.Permutation(candidates).Draw(t, "shuffled")
		if !slices.Equal(victims, Victims(shuffled, n, seed)) || !slices.Equal(random, Random(shuffled, n, seed)) {
			t.Fatal("the order of the candidates shows")
		}
		slices.Sort(random)
		if len(slices.Compact(random)) != min(n, len(candidates)) {
			t.Fatal("a random victim is chosen twice")
		}
	})
}

func TestRandomVariesWithTheSeed(t *testing.T) {
	var candidates []Candidate
	for seq := range uint64(10) {
		candidates = append(candidates, Candidate{Seq: seq, Instance: id(1)})
	}
	first := map[uint64]bool{}
	for seed := range uint64(100) {
		first[Random(candidates, 1, seed)[0]] = true
	}
	if len(first) != 10 {
		t.Errorf("100 seeds chose %d of 10 candidates", len(first))
	}
}

// cluster5000 is a cluster at the quota of 5,000 container instances in three zones.
func cluster5000() *Index {
	x := NewIndex()
	for n := range 5_000 {
		x.Put(host4(n+1, string(rune('a'+n%3))))
	}
	return x
}

// One service grows from nothing to 40,000 tasks, which fills the cluster, and starts again.
func BenchmarkChoose5000(b *testing.B) {
	d := Demand{CPU: 512, Memory: 1024}
	b.ReportAllocs()
	x, placed := cluster5000(), 0
	for b.Loop() {
		chosen, refusal := x.Choose(d, "service:web", uint64(placed))
		if refusal != nil {
			b.StopTimer()
			x, placed = cluster5000(), 0
			b.StartTimer()
			continue
		}
		x.Reserve(chosen, d, "service:web")
		placed++
	}
}

// The cluster is full but for ten instances, on which the service runs already.
func BenchmarkChooseNearlyFull5000(b *testing.B) {
	x := cluster5000()
	for n := range 5_000 {
		x.Reserve(id(n+1), Demand{CPU: 4096 - 100*(n%500/499), Memory: 1}, "service:other")
	}
	b.ReportAllocs()
	for seed := uint64(0); b.Loop(); seed++ {
		chosen, refusal := x.Choose(Demand{CPU: 100}, "service:web", seed)
		if refusal != nil {
			b.Fatal(refusal)
		}
		x.Reserve(chosen, Demand{}, "service:web")
		x.Release(chosen, Demand{}, "service:web")
	}
}

func BenchmarkRefuse5000(b *testing.B) {
	x := cluster5000()
	b.ReportAllocs()
	for b.Loop() {
		if _, refusal := x.Choose(Demand{CPU: 5000}, "service:web", 1); refusal == nil {
			b.Fatal("not refused")
		}
	}
}

func BenchmarkVictims5000(b *testing.B) {
	var candidates []Candidate
	for seq := range 5_000 {
		candidates = append(candidates, Candidate{Seq: uint64(seq), Instance: id(seq % 1000), Zone: string(rune('a' + seq%3))})
	}
	b.ReportAllocs()
	for b.Loop() {
		Victims(candidates, 2_500, 7)
	}
}
