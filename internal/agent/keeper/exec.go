package keeper

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"ballast/internal/driver"
)

// execMarker is the variable by which the descendants of a command that was run in a container are found. They carry the
// container's Marker as well, and so end with it.
const execMarker = "BALLAST_EXEC"

// What a command gives that could not be run, as shells have it.
const (
	codeCannotRun = 126
	codeNotFound  = 127
)

// killRounds bounds the looks for descendants of a command that took too long.
const killRounds = 5

// execution is a command that runs in a container.
type execution struct {
	pid    int
	token  string
	ended  chan int32 // the exit code; holds one
	output *output    // of what nobody is attached to
}

// end says how it ended.
func (x *execution) end(code int32) {
	x.ended <- code
	if x.output != nil {
		x.output.hasten()
	}
}

// exec runs a command in a container and waits for its end.
func (k *keeper) exec(key driver.Key, argv []string, timeout time.Duration) (code int, output string, err error) {
	c, err := k.find(key)
	if err != nil {
		return 0, "", err
	}
	if len(argv) == 0 {
		return 0, "", fmt.Errorf("exec in container %v: no command", key)
	}
	env, dir, err := k.surroundingsOf(c)
	if err != nil {
		return 0, "", err
	}
	path, err := LookPath(argv[0], dir, variable(env, "PATH"))
	if err != nil {
		return refusedCode(err), err.Error(), nil
	}
	out, w, err := openOutput(timeout)
	if err != nil {
		return 0, "", fmt.Errorf("exec in container %v: %w", key, err)
	}
	defer out.close()
	x, err := k.forkExec(c, Command{Path: path, Argv: argv, Dir: dir, Env: env}, [3]*os.File{k.null, w, w}, &syscall.SysProcAttr{Setpgid: true}, out)
	w.Close()
	if named := startError(key, Command{Path: path, Argv: argv, Dir: dir}, err); err != nil && errors.As(named, new(*driver.Error)) {
		return codeCannotRun, named.Error(), nil
	}
	if err != nil {
		return 0, "", fmt.Errorf("exec in container %v: %w", key, err)
	}
	limited, cancel := context.WithDeadline(context.Background(), out.deadline)
	defer cancel()
	out.read()
	code, ended := k.await(limited, c, x)
	if !ended {
		code = driver.ExecTimedOut
		out.read() // what it wrote until it was killed
	}
	return code, out.text(), nil
}

// refusedCode is the exit code of a command that is not there or may not be run.
func refusedCode(err error) int {
	if errors.Is(err, fs.ErrPermission) {
		return codeCannotRun
	}
	return codeNotFound
}

// surroundingsOf gives the environment, without markers, and the working directory of a running container.
func (k *keeper) surroundingsOf(c *container) (env []string, dir string, err error) {
	k.mu.Lock()
	env, dir = c.env, c.dir
	pid, running := c.pid, c.state == driver.Running && !c.ending
	k.mu.Unlock()
	if !running {
		return nil, "", notRunning(c.key)
	}
	if env != nil {
		return env, dir, nil
	}
	all, dir, err := surroundings(pid)
	if err != nil {
		return nil, "", fmt.Errorf("exec in container %v: %w", c.key, err)
	}
	for _, v := range all {
		if !strings.HasPrefix(v, Marker+"=") {
			env = append(env, v)
		}
	}
	return env, dir, nil
}

func notRunning(key driver.Key) error {
	return &driver.Error{Name: driver.CannotExecContainerError, Text: fmt.Sprintf("container %v is not running", key)}
}

func variable(env []string, name string) string {
	for _, v := range env {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// forkExec makes the process of a command, which leads a process group.
func (k *keeper) forkExec(c *container, cmd Command, files [3]*os.File, sys *syscall.SysProcAttr, out *output) (*execution, error) {
	var random [8]byte
	rand.Read(random[:]) // never fails
	x := &execution{token: hex.EncodeToString(random[:]), ended: make(chan int32, 1), output: out}
	env := append(append(make([]string, 0, len(cmd.Env)+2), cmd.Env...), Marker+"="+markerValue(c.key, c.token),
		execMarker+"="+x.token)
	attr := &syscall.ProcAttr{Dir: cmd.Dir, Env: env, Files: []uintptr{files[0].Fd(), files[1].Fd(), files[2].Fd()}, Sys: sys}
	cmd.Confinement = c.confine
	group, err := joinCgroup(c.cgroup, attr.Sys)
	if err != nil {
		return nil, err
	}
	defer group.Close() // nil without a group
	k.mu.Lock()
	began := k.births.begin()
	k.mu.Unlock()
	pid, err := k.fork(k.commands, cmd, attr, c.groups)
	k.mu.Lock()
	defer k.mu.Unlock()
	e, over := k.births.done(began, pid)
	if err != nil {
		k.rest()
		return nil, err
	}
	x.pid = pid
	if out != nil {
		out.begin()
	}
	if over {
		x.end(*e.code)
		k.rest()
		return x, nil
	}
	k.execs[pid] = x
	if c.execs == nil {
		c.execs = map[*execution]bool{}
	}
	c.execs[x] = true
	if c.ending {
		unix.Kill(-pid, sigkill) // whatever ended the container has not seen it
	}
	return x, nil
}

// await waits for the end of a command, and brings it about, descendants included, when ctx is done; ended says that it came by
// itself.
func (k *keeper) await(ctx context.Context, c *container, x *execution) (code int, ended bool) {
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(c.execs, x)
	}()
	select {
	case code := <-x.ended:
		return int(code), true
	case <-ctx.Done():
	}
	for range killRounds {
		left := k.execFamily(x)
		if len(left) == 0 {
			break
		}
		for _, p := range left {
			killProcess(p)
		}
	}
	k.killExec(x)
	return int(<-x.ended), false
}

// execFamily gives the living processes of a command.
func (k *keeper) execFamily(x *execution) []process {
	all, self := k.scans.fresh()
	k.mu.Lock()
	others := make(map[int]bool, len(k.mains)+len(k.execs))
	for pid := range k.mains {
		others[pid] = true
	}
	for pid, other := range k.execs {
		if other != x {
			others[pid] = true
		}
	}
	m := member{pid: x.pid, main: k.execs[x.pid] == x, token: x.token}
	k.mu.Unlock()
	return familyOf(m, all, self, others, func(pid int) string { return readVariable(pid, execMarker) })
}

// killExec kills the process group of a command that has not ended.
func (k *keeper) killExec(x *execution) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.execs[x.pid] == x {
		unix.Kill(-x.pid, sigkill)
	}
}

// endExecs ends, and refuses from now on, what runs in a container whose first process has ended.
func (k *keeper) endExecs(c *container) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c.ending = true
	for x := range c.execs {
		if k.execs[x.pid] == x {
			unix.Kill(-x.pid, sigkill)
		}
	}
}
