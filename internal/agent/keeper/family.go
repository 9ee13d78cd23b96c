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
	// killed are those that were sent SIGKILL: start times by pid. A process that dies has no environment any more, and its files still.
	killed map[int]uint64
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
//   - the same of those whose parent is not in the table, because it ended while that was read;
//   - anywhere, for an adopted container: those that carry its token;
//   - those that were killed and are not gone;
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
		if p := all[i]; p.pid != keeper && !others[p.pid] && m.owns(p, token) {
			choose(i)
		}
	}
	if m.adopted {
		for i := range all {
			consider(i)
		}
	} else {
		eachBelow(keeper, all, children, others, consider)
		eachTorn(all, children, others, consider)
	}
	var family []process
	for i, p := range all {
		if chosen[i] && !p.zombie {
			family = append(family, p)
		}
	}
	return family
}

// owns says whether a process is of the container by what it carries itself.
func (m member) owns(p process, token func(pid int) string) bool {
	if start, ok := m.killed[p.pid]; m.main && p.pid == m.pid || ok && start == p.start {
		return true
	}
	t := token(p.pid)
	return t == m.token && t != "" || t == "" && !m.adopted && m.pid != 0 && (p.sid == m.pid || p.pgid == m.pid)
}

// eachTorn visits the processes whose parents are not in the table, and their descendants.
func eachTorn(all []process, children map[int][]int, others map[int]bool, visit func(i int)) {
	gone := map[int]bool{} // parents
	for pid := range children {
		gone[pid] = pid != 0
	}
	for _, p := range all {
		delete(gone, p.pid)
	}
	for pid, is := range gone {
		if is {
			eachBelow(pid, all, children, others, visit)
		}
	}
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
