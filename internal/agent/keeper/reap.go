package keeper

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

const (
	sigterm = unix.SIGTERM
	sigkill = unix.SIGKILL
)

// end is how a process ended; code is nil when nobody saw it.
type end struct {
	at     ecs.Time
	code   *int32
	reason string
}

// exitCode is what shells and Docker make of a wait status.
func exitCode(ws unix.WaitStatus) int32 {
	if ws.Signaled() {
		return 128 + int32(ws.Signal())
	}
	return int32(ws.ExitStatus())
}

// parent says whose children are meant: on Linux a child is that of the thread that made it (wait(2), __WNOTHREAD).
type parent int

const (
	wholeKeeper parent = iota
	thisThread
)

// The system finds an ended child by going through all of them, which for thousands of containers takes longer than a check. So the
// thread that makes commands is asked for theirs, and all children are gone through no more than a part of the time: after each round
// follows a rest of reapRest times what that took, at most maxReapRest.
const (
	reapRest    = 50
	maxReapRest = 50 * time.Millisecond
)

// endsRest is how long nobody hears of further ends after one: many commands end at any time where a thousand are run a second, and
// two threads would be woken for each.
const endsRest = 5 * time.Millisecond

func restAfter(round time.Duration) time.Duration { return min(reapRest*round, maxReapRest) }

// reap takes every child that has ended: first processes of containers, commands, and orphans that came to us as their subreaper.
func (k *keeper) reap(of parent) {
	for k.reapOne(of) {
	}
}

func (k *keeper) reapOne(of parent) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	pid, ws, ok := reapChild(of, func(pid int) {
		if k.mains[pid] != nil || k.execs[pid] != nil {
			unix.Kill(-pid, sigkill) // the rest of its group, while the dead process still holds the number
		}
	})
	if !ok {
		return false
	}
	code := exitCode(ws)
	e := end{at: now(), code: &code}
	if c := k.mains[pid]; c != nil {
		delete(k.mains, pid)
		go k.finish(c, e)
	} else if x := k.execs[pid]; x != nil {
		delete(k.execs, pid)
		x.end(code)
	} else if pid > 0 {
		k.births.ended(pid, e)
	}
	return true
}

// finish ends what is left of a container whose first process has ended, takes its last output, and makes the end known.
func (k *keeper) finish(c *container, e end) {
	k.endExecs(c)
	k.sweep(c)
	k.mu.Lock()
	io := c.stdio
	k.mu.Unlock()
	if io != nil {
		io.drain(drainFor)
		k.logs.release(c.key)
	}
	exit := driver.Exit{At: e.at, Code: e.code, Reason: e.reason}
	if k.usedUp(c, e.code) {
		exit.Reason = outOfMemory
	}
	k.depart(c.cgroup, c.groups)
	// If the disk is full the end is still known as long as this keeper lives; a successor would report it as not observed.
	_ = appendRecord(c.path, record{Exit: &exitRecord{At: exit.At, Code: exit.Code, Reason: exit.Reason}})
	k.settle(c, exit)
}

// usedUp says whether a container was killed because it used more memory than it may. code is nil if nobody saw how it ended.
func (k *keeper) usedUp(c *container, code *int32) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	killed := code == nil || *code == 128+int32(sigkill)
	return killed && (c.oomed || oomKilled(append([]string{c.cgroup}, c.groups...)))
}

// signalGroup sends a signal to the group of a container's first process; sent is false if that has ended. A number is never
// signalled after it may have been given to another process: children are reaped with mu held.
func (k *keeper) signalGroup(c *container, sig unix.Signal) (sent bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case c.state != driver.Running || c.pid == 0:
		return false
	case c.adopted:
		if !alive(c.pid, c.startID) {
			return false
		}
	case k.mains[c.pid] != c:
		return false
	}
	return unix.Kill(-c.pid, sig) == nil
}

// kill ends every process of a container.
func (k *keeper) kill(c *container) {
	if c.cgroup != "" {
		killCgroup(c.cgroup)
	} else {
		k.killFamily(c) // before its first process dies, while the tree is whole
	}
	k.signalGroup(c, sigkill)
}

// killFamily kills every living process of a container, and says whether there was none.
func (k *keeper) killFamily(c *container) (none bool) {
	left := k.family(c)
	killed := make(map[int]uint64, len(left))
	for _, p := range left {
		killed[p.pid] = p.start
	}
	k.mu.Lock()
	c.killed = killed
	k.mu.Unlock()
	for _, p := range left {
		killProcess(p)
	}
	return len(left) == 0
}

// sweepRounds and sweepPause bound the time that leftovers get to vanish after SIGKILL: about two seconds, for a process can be
// stuck in the kernel. sweepPause grows by itself every round.
const (
	sweepRounds = 60
	sweepPause  = time.Millisecond
)

// sweep ends what a container left behind: processes outside the group of its first one.
func (k *keeper) sweep(c *container) {
	for round := range sweepRounds {
		if c.cgroup != "" && killCgroup(c.cgroup) {
			return
		}
		if c.cgroup == "" && k.killFamily(c) {
			return
		}
		time.Sleep(time.Duration(round) * sweepPause)
	}
}

// family gives the living processes of a container, from a fresh look at all processes.
func (k *keeper) family(c *container) []process {
	all, self := k.scans.fresh()
	k.mu.Lock()
	others := make(map[int]bool, len(k.mains))
	for pid, other := range k.mains {
		if other != c {
			others[pid] = true
		}
	}
	m := member{pid: c.pid, main: k.mains[c.pid] == c, token: c.token, adopted: c.adopted, killed: c.killed}
	k.mu.Unlock()
	return familyOf(m, all, self, others, func(pid int) string { return tokenOf(readMarker(pid)) })
}

// unobserved is the end of a container that ended under no keeper's eyes.
func unobserved(why string) end {
	return end{at: now(), reason: fmt.Sprintf("its exit code is not known: %s", why)}
}
