package keeper

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// Confinement is what every process of a container is bound to, commands run in it included.
type Confinement struct {
	User    *User        `json:"user,omitempty"` // nil is the keeper's own
	Ulimits []ecs.Ulimit `json:"ulimits,omitempty"`
}

// User is whom a process belongs to.
type User struct {
	UID    uint32   `json:"uid"`
	GID    uint32   `json:"gid"`
	Groups []uint32 `json:"groups,omitempty"`
}

// LimitVerb is the command line's word for the step between the keeper and a process with limits, hidden from help.
const LimitVerb = "keeper-limit"

// A process's limits can be set by itself before its program begins, or by another afterwards, when it may have used more. So the
// keeper starts this program in its place, which binds itself and then becomes the command. The command's arguments follow as they are:
// there may be more of them than one argument can hold (execve(2), MAX_ARG_STRLEN).
type limited struct {
	Path    string      `json:"path"`
	Confine Confinement `json:"confine"`
	argv    []string
}

// failure is how that program says on failureFD why it did not come to be the command.
type failure struct {
	Doing string        `json:"doing,omitempty"` // empty for the command itself
	Errno syscall.Errno `json:"errno"`
}

const failureFD = 3

// BecomeLimited binds this process as its first argument says and replaces it by the command that the others are. It returns an exit code if that fails.
func BecomeLimited(args []string) int {
	var l limited
	if len(args) < 2 || json.Unmarshal([]byte(args[0]), &l) != nil {
		fmt.Fprintf(os.Stderr, "%s is for the keeper's own use\n", LimitVerb)
		return codeCannotRun
	}
	l.argv = args[1:]
	unix.CloseOnExec(failureFD)
	f := failure{Errno: syscall.EINVAL}
	if err := l.run(&f.Doing); !errors.As(err, &f.Errno) {
		f.Doing = err.Error()
	}
	b, _ := json.Marshal(f)
	unix.Write(failureFD, b)
	return codeCannotRun
}

// run tells in doing what it is about to do, and returns only if that fails.
func (l limited) run(doing *string) error {
	env := os.Environ()
	if u := l.Confine.User; u != nil {
		*doing = "set groups"
		groups := make([]int, len(u.Groups))
		for i, g := range u.Groups {
			groups[i] = int(g)
		}
		if err := syscall.Setgroups(groups); err != nil {
			return err
		}
		if err := syscall.Setgid(int(u.GID)); err != nil {
			return err
		}
	}
	for _, u := range l.Confine.Ulimits { // before the right to raise them is given up
		*doing = "set ulimit " + u.Name
		resource, known := ulimits[u.Name]
		if !known {
			return syscall.EINVAL
		}
		if err := syscall.Setrlimit(resource, rlimitOf(u)); err != nil {
			return err
		}
	}
	if u := l.Confine.User; u != nil {
		*doing = "set user"
		if err := syscall.Setuid(int(u.UID)); err != nil {
			return err
		}
	}
	*doing = ""
	return syscall.Exec(l.Path, l.argv, env)
}

func rlimitOf(u ecs.Ulimit) *syscall.Rlimit {
	value := func(n int64) uint64 {
		if n < 0 {
			return unix.RLIM_INFINITY
		}
		return uint64(n)
	}
	return &syscall.Rlimit{Cur: value(u.Soft), Max: value(u.Hard)}
}

// CheckUlimit says why a limit cannot be set for a container, as far as that can be told before.
func CheckUlimit(u ecs.Ulimit) error {
	resource, known := ulimits[u.Name]
	if !known {
		return fmt.Errorf("this system has no limit of that name")
	}
	var mine syscall.Rlimit
	if err := syscall.Getrlimit(resource, &mine); err != nil {
		return err
	}
	if want := rlimitOf(u); want.Max > mine.Max && os.Geteuid() != 0 {
		return fmt.Errorf("only root can raise the hard limit above %d", mine.Max)
	}
	return nil
}

// fork makes the process of a command, with its limits and its user from its first instruction on.
func (k *keeper) fork(by *forker, cmd Command, attr *syscall.ProcAttr, groups []string) (pid int, err error) {
	if len(cmd.Ulimits) == 0 {
		if u := cmd.User; u != nil {
			attr.Sys.Credential = &syscall.Credential{Uid: u.UID, Gid: u.GID, Groups: u.Groups}
		}
		return by.fork(groups, cmd.Path, cmd.Argv, attr)
	}
	k.limits <- struct{}{}
	defer func() { <-k.limits }()
	exe, err := os.Executable()
	if err != nil {
		return 0, err
	}
	text, err := json.Marshal(limited{Path: cmd.Path, Confine: cmd.Confinement})
	if err != nil {
		return 0, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	attr.Files = append(attr.Files, w.Fd())
	pid, err = by.fork(groups, exe, append([]string{exe, LimitVerb, string(text)}, cmd.Argv...), attr)
	w.Close()
	if err != nil {
		return 0, fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "fork/exec ")) // of our own program: not the container's fault
	}
	said, err := io.ReadAll(r)
	if err != nil || len(said) == 0 {
		return pid, nil // the pipe was closed by the command's exec, or by an end that is seen as any other
	}
	k.takeFailed(pid)
	var f failure
	if err := json.Unmarshal(said, &f); err != nil {
		return 0, fmt.Errorf("limits: %q: %w", said, err)
	}
	if f.Doing == "" {
		return 0, f.Errno
	}
	return 0, &driver.Error{Name: driver.CannotStartContainerError, Text: fmt.Sprintf("%s: %v", f.Doing, f.Errno)}
}

// takeFailed waits for the end of a process that did not become a command, so that nobody takes it for a container's.
func (k *keeper) takeFailed(pid int) {
	for {
		if _, err := unix.Wait4(pid, nil, 0, nil); !errors.Is(err, unix.EINTR) {
			break
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.births.forget(pid)
}
