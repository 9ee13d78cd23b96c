package keeper

import (
	"time"

	"ballast/internal/driver"
)

// kinOf sorts the living processes of all containers by one look at each process: those below a root, a first process of a container or
// a command run in one; those in the session of a first process; and orphans that came to the keeper and carry a container's token.
func kinOf(all []process, keeper int, roots map[int]*container, byToken func(pid int) *container) map[*container][]process {
	at := make(map[int]int, len(all))
	for i, p := range all {
		at[p.pid] = i
	}
	owners := make([]*container, len(all))
	known := make([]bool, len(all))
	var owner func(i int) *container
	owner = func(i int) *container {
		if known[i] {
			return owners[i]
		}
		known[i] = true // a table read while it changes may hold a circle
		p := all[i]
		parent, there := at[p.ppid]
		switch {
		case p.pid == keeper:
		case roots[p.pid] != nil:
			owners[i] = roots[p.pid]
		case p.ppid == keeper:
			owners[i] = byToken(p.pid)
		case there:
			owners[i] = owner(parent)
		}
		if owners[i] == nil && p.pid != keeper {
			owners[i] = roots[p.sid]
		}
		return owners[i]
	}
	kin := map[*container][]process{}
	for i, p := range all {
		if c := owner(i); c != nil && !p.zombie {
			kin[c] = append(kin[c], p)
		}
	}
	return kin
}

// census is the living processes of all containers, as of a time.
type census struct {
	at  time.Time
	kin map[*container][]process
}

// censusFor is how long measurements share one look at all processes, which costs some 10 us for each.
const censusFor = 500 * time.Millisecond

// kin gives the living processes of a container, as they were at most censusFor ago.
func (k *keeper) kin(c *container) []process {
	k.counting.Lock()
	defer k.counting.Unlock()
	if time.Since(k.lastCensus.at) > censusFor || len(k.lastCensus.kin[c]) == 0 { // it may have been started since
		k.lastCensus = k.count()
	}
	return k.lastCensus.kin[c]
}

func (k *keeper) count() census {
	at := time.Now()
	all, self := k.scans.fresh()
	k.mu.Lock()
	defer k.mu.Unlock()
	roots := make(map[int]*container, len(k.containers))
	tokens := make(map[string]*container, len(k.containers))
	for _, c := range k.containers {
		if c.state != driver.Running {
			continue
		}
		roots[c.pid], tokens[c.token] = c, c
		for x := range c.execs {
			roots[x.pid] = c
		}
	}
	return census{at, kinOf(all, self, roots, func(pid int) *container { return tokens[tokenOf(readMarker(pid))] })}
}
