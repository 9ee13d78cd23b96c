package placement

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ballast/internal/ecs"
)

func TestShortfalls(t *testing.T) {
	x := NewIndex()
	put := func(n, cpu, memory int, change func(*Instance)) {
		i := Instance{ID: id(n), Available: true, Resources: ecs.Resources{CPU: cpu, Memory: memory}}
		if change != nil {
			change(&i)
		}
		x.Put(i)
	}
	put(1, 4096, 8192, func(i *Instance) { i.Available, i.Disconnected = false, true })
	put(2, 100, 100, nil)
	put(3, 4096, 300, func(i *Instance) { i.Resources.Ports = []uint16{80} })
	put(4, 4096, 400, nil)
	put(5, 4096, 8192, func(i *Instance) { i.Available = false })
	put(6, 4096, 8192, func(i *Instance) { i.Available = false })
	d := Demand{CPU: 256, Memory: 512, Ports: []uint16{80, 443}}
	got, total := x.Shortfalls(d, 4, func(i ecs.ID) bool { return i != id(6) })
	want := []Shortfall{
		{Instance: id(4), CPU: 4096, Memory: 400, ShortMemory: 112, Reason: "has insufficient memory available."},
		{Instance: id(2), CPU: 100, Memory: 100, ShortCPU: 156, ShortMemory: 412, Reason: "has insufficient CPU units available."},
		{Instance: id(3), CPU: 4096, Memory: 300, ShortMemory: 212, Ports: []uint16{80}, Reason: "has insufficient memory available."},
		{Instance: id(1), Disconnected: true, CPU: 4096, Memory: 8192},
	}
	if diff := cmp.Diff(want, got); diff != "" || total != 5 {
		t.Errorf("%d in all; (-want +got):\n%s", total, diff)
	}
}

// TestShortfallsAgreeWithChoose: something fits exactly where placement finds room, and what is closest is what refusals name.
func TestShortfallsAgreeWithChoose(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := NewIndex()
		for n := range rapid.IntRange(0, 6).Draw(t, "instances") {
			available := rapid.Bool().Draw(t, "available")
			x.Put(Instance{ID: id(n + 1), Available: available, Disconnected: !available && rapid.Bool().Draw(t, "disconnected"),
				Resources: ecs.Resources{CPU: rapid.IntRange(0, 4).Draw(t, "cpu"), Memory: rapid.IntRange(0, 4).Draw(t, "memory")}})
		}
		d := Demand{CPU: rapid.IntRange(1, 4).Draw(t, "wants CPU"), Memory: rapid.IntRange(1, 4).Draw(t, "wants memory")}
		chosen, refusal := x.Choose(d, "web", 1)
		all, _ := x.Shortfalls(d, 10, func(ecs.ID) bool { return true })
		fits := len(all) > 0 && all[0].Fits()
		if fits != (refusal == nil) {
			t.Fatalf("placement chose %v, %+v, and the closest is %+v", chosen, refusal, all)
		}
		if refusal != nil && x.Available() > 0 && (all[0].Instance != refusal.Closest || all[0].Reason != refusal.Reason()) {
			t.Fatalf("placement refuses with %+v, and the closest is %+v", refusal, all[0])
		}
	})
}
