package keeper

import (
	"maps"
	"slices"
)

// births are the processes that are being made, with the children that ended meanwhile and that nobody knew: one may be a process
// whose number its maker has not been told yet. Orphans are among them too, and their numbers are given to other processes in time,
// so an end counts for a process only if it came after that had begun to be made. The zero value is ready; keeper.mu guards it.
type births struct {
	ends  uint64   // of unknown children, ever
	begun []uint64 // for each process that is being made, what ends was then; ascending
	early map[int]earlyEnd
}

type earlyEnd struct {
	end
	nth uint64
}

// keptEarly is how many ends are kept before those are looked for that came before everything that is being made.
const keptEarly = 64

// underWay is how many processes are being made.
func (b *births) underWay() int { return len(b.begun) }

// begin is called before a process is made; done wants what it gives.
func (b *births) begin() uint64 {
	b.begun = append(b.begun, b.ends)
	return b.ends
}

// ended notes the end of a child that nobody knows.
func (b *births) ended(pid int, e end) {
	if len(b.begun) == 0 {
		return
	}
	if b.early == nil {
		b.early = map[int]earlyEnd{}
	}
	b.ends++
	b.early[pid] = earlyEnd{e, b.ends}
}

// done is called when a process was made, or could not be, then with 0. It gives the end of one that is over already.
func (b *births) done(began uint64, pid int) (e end, over bool) {
	known, found := b.early[pid]
	if over = found && known.nth > began; over {
		delete(b.early, pid)
	}
	i := slices.Index(b.begun, began)
	b.begun = slices.Delete(b.begun, i, i+1)
	switch {
	case len(b.begun) == 0:
		clear(b.early)
	case len(b.early) > keptEarly:
		maps.DeleteFunc(b.early, func(_ int, e earlyEnd) bool { return e.nth <= b.begun[0] })
	}
	return known.end, over
}

// forget drops the end of a process that its maker has seen the end of.
func (b *births) forget(pid int) { delete(b.early, pid) }
