package keeper

import "strings"

// process is one entry of the process table.
type process struct {
	pid, ppid, pgid, sid int
	start                uint64 // clock ticks since boot
	zombie               bool
	user, system         uint64 // clock ticks that it and the children that it waited for have used
	rss                  uint64 // pages
}

// member says what is known of a container whose processes are looked for.
type member struct {
	pid     int    // of its first process
	main    bool   // that process is a living child of the keeper
	token   string // of its marker
	adopted bool   // it was started by an earlier keeper, so that its orphans did not come to this one
}

// tokenOf gives the token in a marker's value.
func tokenOf(marker string) string {
	_, token, _ := strings.Cut(marker, ":")
	return token
}

// familyOf chooses a container's living processes among all:
//
//   - below the keeper, but not below another container's first process: those that carry the container's token, and those without
//     a token in the session or group of its first process;
//   - anywhere, for an adopted container: those that carry its token;
//   - all descendants of these.
//
// What escapes is a process that cleared its environment, left the session and lost its parent. Only a control group holds it.
func familyOf(m member, all []process, keeper int, others map[int]bool, token func(pid int) string) []process {
	children := map[int][]int{} // indexes by parent
	for i, p := range all {
		children[p.ppid] = append(children[p.ppid], i)
	}
	chosen := make([]bool, len(all))
	var choose func(i int)
	choose = func(i int) {
		if chosen[i] || others[all[i].pid] || all[i].pid == keeper {
			return
		}
		chosen[i] = true
		for _, child := range children[all[i].pid] {
			choose(child)
		}
	}
	consider := func(i int) {
		p := all[i]
		if p.pid == keeper || others[p.pid] {
			return
		}
		if m.main && p.pid == m.pid {
			choose(i)
			return
		}
		t := token(p.pid)
		if t == m.token && t != "" || t == "" && !m.adopted && m.pid != 0 && (p.sid == m.pid || p.pgid == m.pid) {
			choose(i)
		}
	}
	if m.adopted {
		for i := range all {
			consider(i)
		}
	} else {
		eachBelow(keeper, all, children, others, consider)
	}
	var family []process
	for i, p := range all {
		if chosen[i] && !p.zombie {
			family = append(family, p)
		}
	}
	return family
}

// eachBelow visits the descendants of a process, leaving out the trees of others.
func eachBelow(root int, all []process, children map[int][]int, others map[int]bool, visit func(i int)) {
	seen := map[int]bool{root: true} // a table read while it changes may hold a circle
	next := []int{root}
	for len(next) > 0 {
		pid := next[len(next)-1]
		next = next[:len(next)-1]
		for _, i := range children[pid] {
			if p := all[i].pid; !seen[p] && !others[p] {
				seen[p] = true
				visit(i)
				next = append(next, p)
			}
		}
	}
}

// findMain chooses, for a container whose keeper died before it wrote the pid, the first process among those that carry its token:
// the keeper makes it the leader of a session, and nothing of the container is older.
func findMain(all []process, token string, tokenAt func(pid int) string) (main process, found bool) {
	for _, p := range all {
		if p.zombie || p.pid != p.sid || found && p.start >= main.start {
			continue
		}
		if tokenAt(p.pid) == token {
			main, found = p, true
		}
	}
	return main, found
}
