package keeper

import (
	"fmt"
	"os"
	"strconv"

	"ballast/internal/driver"
)

// fate is what became of a container that an earlier keeper knew.
type fate struct {
	runs   bool
	main   process // if it runs
	reason string  // if it does not, and its end is not recorded
}

// fateOf decides from what is on disk and the processes of now. A zombie is dead.
func fateOf(s saved, boot string, all []process, tokenAt func(pid int) string) fate {
	if s.exit != nil {
		return fate{}
	}
	if s.start.Boot != boot {
		return fate{reason: "the machine was restarted while it ran"}
	}
	if s.pid == nil || s.pid.Start == 0 {
		if p, found := findMain(all, s.start.Token, tokenAt); found {
			return fate{runs: true, main: p}
		}
		return fate{reason: "its keeper was killed while starting it"}
	}
	for _, p := range all {
		if p.pid == s.pid.PID && p.start == s.pid.Start && !p.zombie {
			return fate{runs: true, main: p}
		}
	}
	return fate{reason: "its keeper was not running when it ended"}
}

// load takes over what earlier keepers left: it reports ends and adopts what runs.
func (k *keeper) load() error {
	known, errs := loadSaved(k.dir)
	for _, err := range errs {
		fmt.Fprintln(os.Stderr, err) // goes to keeper.log; the other containers must not suffer
	}
	var all []process
	tokens := map[int]string{}
	for _, s := range known {
		if s.exit == nil && all == nil {
			all, _ = k.scans.fresh()
		}
	}
	tokenAt := func(pid int) string {
		t, read := tokens[pid]
		if !read {
			t = tokenOf(readMarker(pid))
			tokens[pid] = t
		}
		return t
	}
	mainTokenAt := func(pid int) string { // commands run in a container may lead sessions, too
		t := tokenAt(pid)
		if t != "" && readVariable(pid, execMarker) != "" {
			return ""
		}
		return t
	}
	boot := bootID()
	k.clear(known)
	k.mu.Lock() // what has ended is finished at once, while the others are still being taken over
	defer k.mu.Unlock()
	for _, s := range known {
		c := newContainer(s.key, s.seq, containerPath(k.dir, s.key))
		k.containers[s.key] = c
		if s.start != nil {
			c.takeOver(*s.start)
			c.started = driver.Started{At: s.start.At, Bindings: s.start.Bindings, Address: s.start.Address}
		}
		if s.pid != nil {
			c.pid, c.startID = s.pid.PID, s.pid.Start
			c.started.RuntimeID = strconv.Itoa(s.pid.PID)
		}
		if s.exit != nil {
			c.state = driver.Exited
			c.exit = driver.Exit{At: s.exit.At, Code: s.exit.Code, Reason: s.exit.Reason}
			close(c.done)
		} else {
			f := fateOf(s, boot, all, mainTokenAt)
			k.adopt(c, f, reopenIf(f, c, s, all, tokenAt), s)
		}
		k.seq = max(k.seq, c.seq)
	}
	return nil
}

// adopt goes on, with mu held, with a container, running or not, whose end is not recorded.
func (k *keeper) adopt(c *container, f fate, io *stdio, s saved) {
	c.state, c.adopted = driver.Running, true
	if !f.runs {
		c.pid = 0
		go k.finish(c, unobserved(f.reason))
		return
	}
	if c.polled || c.taskPolled {
		k.oversee()
	}
	c.pid, c.startID = f.main.pid, f.main.start
	c.started.RuntimeID = strconv.Itoa(c.pid)
	_ = appendRecord(c.path, record{PID: &pidRecord{PID: c.pid, Start: c.startID}})
	c.stdio = io
	io.pump(k.logs.acquire(c.key, s.start.Logs))
	go func() {
		watchEnd(c.pid, c.startID)
		k.finish(c, unobserved("its keeper was restarted while it ran"))
	}()
}

// reopenIf finds the pipes of a container that runs: its first process holds them, or, should that have closed them, another one
// that carries its token.
func reopenIf(f fate, c *container, s saved, all []process, tokenAt func(pid int) string) *stdio {
	if !f.runs {
		return nil
	}
	return reopenStdio(c.path, s.start.Pipes, func(yield func(pid int) bool) {
		if !yield(f.main.pid) {
			return
		}
		for _, p := range all {
			if p.pid != f.main.pid && tokenAt(p.pid) == c.token && !yield(p.pid) {
				return
			}
		}
	})
}
