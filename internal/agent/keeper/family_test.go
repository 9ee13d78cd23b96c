package keeper

import (
	"slices"
	"testing"
)

// table describes processes: pid, ppid, pgid, sid.
func table(rows ...[4]int) []process {
	var all []process
	for _, r := range rows {
		all = append(all, process{pid: r[0], ppid: r[1], pgid: r[2], sid: r[3], start: uint64(r[0])})
	}
	return all
}

func TestFamilyOf(t *testing.T) {
	const keeper = 10
	tokens := map[int]string{
		20: "mine", 21: "mine", 22: "mine", 23: "mine",
		30: "theirs", 31: "theirs", 32: "mine", // 32 was started by the other container with a stolen environment
		40: "mine", 41: "mine", 71: "mine",
	}
	all := table(
		[4]int{1, 0, 1, 1},
		[4]int{keeper, 1, keeper, keeper},
		[4]int{20, keeper, 20, 20}, // the first process
		[4]int{21, 20, 20, 20},     // its child
		[4]int{22, keeper, 22, 22}, // an orphan in a session of its own
		[4]int{23, 22, 23, 22},     // its child
		[4]int{24, 22, 24, 22},     // another that cleared its environment
		[4]int{25, keeper, 25, 20}, // an orphan that cleared its environment, in the container's session
		[4]int{26, keeper, 26, 26}, // one that cleared it, in another session: nobody's
		[4]int{30, keeper, 30, 30}, // another container's first process
		[4]int{31, keeper, 31, 31}, // its orphan
		[4]int{32, 30, 30, 30},
		[4]int{40, 1, 40, 40}, // one of ours that came to init, from an earlier keeper
		[4]int{41, 40, 40, 40},
		[4]int{50, 1, 20, 20},      // a stranger in a session that got the same number
		[4]int{60, keeper, 60, 60}, // one that was killed and dies: it has no environment any more
		[4]int{61, 1, 61, 61},      // a stranger that got the number of one that was
		[4]int{70, 69, 70, 70},     // one whose parent ended while the table was read
		[4]int{71, 70, 70, 70},
	)
	all = append(all, process{pid: 27, ppid: keeper, pgid: 20, sid: 20, zombie: true})
	others := map[int]bool{30: true}
	for _, c := range []struct {
		name string
		m    member
		want []int
	}{
		{"while it runs", member{pid: 20, main: true, token: "mine"}, []int{20, 21, 22, 23, 24, 25, 71}},
		{"while it is killed", member{pid: 20, main: true, token: "mine", killed: map[int]uint64{60: 60, 61: 4}},
			[]int{20, 21, 22, 23, 24, 25, 60, 71}},
		{"adopted", member{pid: 40, token: "mine", adopted: true, killed: map[int]uint64{60: 60, 61: 4}},
			[]int{20, 21, 22, 23, 24, 32, 40, 41, 60, 71}},
		{"another token", member{pid: 99, token: "none"}, nil},
		{"never forked", member{token: ""}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []int
			for _, p := range familyOf(c.m, all, keeper, others, func(pid int) string { return tokens[pid] }) {
				got = append(got, p.pid)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestFamilyOfCircle(t *testing.T) {
	all := table([4]int{2, 1, 2, 2}, [4]int{3, 4, 3, 3}, [4]int{4, 3, 4, 4}, [4]int{1, 4, 1, 1})
	got := familyOf(member{pid: 2, main: true, token: "x"}, all, 1, nil, func(int) string { return "" })
	if len(got) != 1 || got[0].pid != 2 {
		t.Errorf("got %v, want process 2 only", got)
	}
}

func TestFateOf(t *testing.T) {
	start := &startRecord{Token: "mine", Boot: "now"}
	all := []process{
		{pid: 5, sid: 5, start: 100},
		{pid: 6, sid: 6, start: 200, zombie: true},
		{pid: 7, sid: 7, start: 300},
		{pid: 8, sid: 7, start: 10}, // older than the session's leader, but none itself
		{pid: 9, sid: 9, start: 400},
	}
	tokens := map[int]string{6: "mine", 7: "mine", 8: "mine", 9: "mine"}
	for _, c := range []struct {
		name   string
		s      saved
		runs   int
		reason string
	}{
		{"ended", saved{start: start, exit: &exitRecord{}}, 0, ""},
		{"another boot", saved{start: &startRecord{Token: "mine", Boot: "before"}, pid: &pidRecord{PID: 5, Start: 100}}, 0, "the machine was restarted while it ran"},
		{"runs", saved{start: start, pid: &pidRecord{PID: 5, Start: 100}}, 5, ""},
		{"number reused", saved{start: start, pid: &pidRecord{PID: 5, Start: 99}}, 0, "its keeper was not running when it ended"},
		{"zombie", saved{start: start, pid: &pidRecord{PID: 6, Start: 200}}, 0, "its keeper was not running when it ended"},
		{"gone", saved{start: start, pid: &pidRecord{PID: 99, Start: 1}}, 0, "its keeper was not running when it ended"},
		{"pid not written", saved{start: start}, 7, ""},
		{"start time not known", saved{start: start, pid: &pidRecord{PID: 7}}, 7, ""},
		{"never seen", saved{start: &startRecord{Token: "other", Boot: "now"}}, 0, "its keeper was killed while starting it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := fateOf(c.s, "now", all, func(pid int) string { return tokens[pid] })
			if f.runs != (c.runs != 0) || f.main.pid != c.runs || f.reason != c.reason {
				t.Errorf("got %+v, want process %d, reason %q", f, c.runs, c.reason)
			}
		})
	}
}
