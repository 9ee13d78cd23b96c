package keeper

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

func TestBiggest(t *testing.T) {
	private := func(pid int) (uint64, bool) {
		size, ok := map[int]uint64{1: 40, 2: 30, 4: 85}[pid]
		return size, ok
	}
	one, other := []process{{pid: 1, rss: 10}, {pid: 2, rss: 10}, {pid: 3, rss: 5}}, []process{{pid: 4, rss: 10}} // 120 and 85
	for _, c := range []struct {
		all   [][]process
		limit uint64
		index int
		over  bool
	}{
		{[][]process{one}, 1000, 0, false}, {[][]process{one}, 250, 0, false}, {[][]process{one}, 120, 0, false},
		{[][]process{one}, 119, 0, true}, {[][]process{one}, 0, 0, true},
		{[][]process{one, other}, 205, 0, false}, {[][]process{one, other}, 204, 0, true},
		{[][]process{other, nil, one}, 204, 2, true}, {[][]process{other, one[:1]}, 120, 0, true},
		{nil, 0, 0, false},
	} {
		index, over := biggest(c.all, c.limit, 10, private)
		if over != c.over || over && index != c.index {
			t.Errorf("%v above %d: %t, %d", c.all, c.limit, over, index)
		}
	}
	never := func(int) (uint64, bool) {
		t.Error("the kernel is asked though nothing is near the limit")
		return 0, false
	}
	biggest([][]process{one, other}, 350, 10, never)
}

func TestWatched(t *testing.T) {
	limits := &driver.TaskLimits{Memory: 1}
	member := func(task byte, name string, polled, taskPolled bool) *container {
		c := newContainer(driver.Key{Task: ecs.ID{task}, Container: name}, 0, "")
		c.polled, c.taskPolled, c.resources.Task = polled, taskPolled, limits
		return c
	}
	alone := newContainer(driver.Key{Task: ecs.ID{9}, Container: "alone"}, 0, "")
	alone.polled = true
	single, tasks := watched([]*container{
		member(1, "a", false, false), member(2, "b", true, true), alone, member(1, "c", false, true), member(3, "d", false, false), member(2, "e", false, false),
	})
	names := func(all []*container) (names string) {
		for _, c := range all {
			names += c.key.Container + " "
		}
		return names
	}
	if got := names(single); got != "b alone " {
		t.Errorf("looked at by themselves: %s", got)
	}
	if len(tasks) != 2 || names(tasks[0]) != "b e " || names(tasks[1]) != "a c " {
		t.Errorf("looked at together: %d tasks", len(tasks))
	}
}

func TestParseRollup(t *testing.T) {
	for text, want := range map[string]uint64{
		"55 rollup\nRss: 900 kB\nPss: 800 kB\nPss_Anon:  100 kB\nPss_File: 7 kB\nPss_Shmem:   20 kB\n": 120 << 10,
		"Pss_Anon: 0 kB\n": 0,
	} {
		if got, ok := parseRollup([]byte(text)); got != want || !ok {
			t.Errorf("%q: %d, %t", text, got, ok)
		}
	}
	for _, text := range []string{"", "Pss: 800 kB\n", "Pss_Anon: x kB\n"} {
		if got, ok := parseRollup([]byte(text)); ok {
			t.Errorf("%q: %d", text, got)
		}
	}
}

func TestKinOf(t *testing.T) {
	a, b := &container{}, &container{}
	all := []process{
		{pid: 1}, {pid: 10, ppid: 1, sid: 10}, // the keeper
		{pid: 20, ppid: 10, sid: 20}, {pid: 21, ppid: 20, sid: 20}, {pid: 22, ppid: 21, sid: 22}, // a and what it started
		{pid: 23, ppid: 22, sid: 22, zombie: true},
		{pid: 30, ppid: 10, sid: 30}, {pid: 31, ppid: 10, sid: 30}, // b and an orphan in its session
		{pid: 32, ppid: 10, sid: 32},             // an orphan of b that carries its token
		{pid: 33, ppid: 32, sid: 32},             // its child
		{pid: 40, ppid: 10, sid: 10},             // a command run in a
		{pid: 50, ppid: 10, sid: 50},             // nobody's
		{pid: 60, ppid: 61}, {pid: 61, ppid: 60}, // a circle
		{pid: 70, ppid: 1, sid: 30}, // of b's session, with another parent
	}
	roots := map[int]*container{20: a, 30: b, 40: a}
	got := kinOf(all, 10, roots, func(pid int) *container {
		if pid == 32 {
			return b
		}
		return nil
	})
	pids := func(c *container) (all []int) {
		for _, p := range got[c] {
			all = append(all, p.pid)
		}
		return all
	}
	if diff := cmp.Diff([]int{20, 21, 22, 40}, pids(a)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{30, 31, 32, 33, 70}, pids(b)); diff != "" {
		t.Error(diff)
	}
	if len(got) != 2 {
		t.Errorf("%d containers have processes", len(got))
	}
}
