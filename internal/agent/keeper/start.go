package keeper

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/logfile"
)

// Command is a container as the keeper starts it.
type Command struct {
	Path     string        `json:"path"` // of the executable, absolute
	Argv     []string      `json:"argv"`
	Dir      string        `json:"dir"` // working directory, absolute
	Env      []string      `json:"env"` // all of it, but for the marker
	Bindings []ecs.Binding `json:"bindings,omitempty"`
	// Address is that of the container's task, "" where that has none of its own.
	Address string `json:"address,omitempty"`
	// Logs bound what is kept of what it writes; nil is what the keeper has for all.
	Logs *logfile.Limits `json:"logs,omitempty"`
	Confinement
	Resources Resources `json:"resources"`
}

// Marker is the variable by which a container's processes are found, whatever they do to their parentage. Its value is
// "<task>/<container>/<attempt>:<token>", the token being drawn anew for every start.
const Marker = "BALLAST_CONTAINER"

func markerValue(key driver.Key, token string) string {
	return key.Task.String() + "/" + key.Container + "/" + strconv.Itoa(key.Attempt) + ":" + token
}

// start starts a container, once: its start record is there before its process is.
func (k *keeper) start(key driver.Key, cmd Command) (driver.Started, error) {
	c, err := k.find(key)
	if err != nil {
		return driver.Started{}, err
	}
	c.op.Lock()
	defer c.op.Unlock()
	k.mu.Lock()
	known, state, ran, started := k.containers[key] == c, c.state, c.ran, c.started
	k.mu.Unlock()
	switch {
	case !known:
		return driver.Started{}, vanished(key)
	case ran:
		return started, nil
	case state == driver.Created && cmd.Path == "":
		return driver.Started{}, fmt.Errorf("start container %v: no command", key)
	case state == driver.Exited:
		return driver.Started{}, &driver.Error{Name: driver.CannotStartContainerError, Text: "it was stopped before it started"}
	}
	k.forks <- struct{}{}
	defer func() { <-k.forks }()
	return k.launch(c, cmd)
}

// launch prepares a container's files and forks it, in a control group of its own if that is possible.
func (k *keeper) launch(c *container, cmd Command) (driver.Started, error) {
	var random [8]byte
	rand.Read(random[:]) // never fails
	rec := startRecord{Token: hex.EncodeToString(random[:]), Boot: bootID(), At: now(), Bindings: cmd.Bindings, Address: cmd.Address, Logs: cmd.Logs,
		Confinement: cmd.Confinement, Resources: cmd.Resources}
	io, err := openStdio(c.path)
	if err != nil {
		return driver.Started{}, fmt.Errorf("start container %v: %w", c.key, err)
	}
	rec.Pipes = io.names
	if u := cmd.User; u != nil {
		io.giveTo(*u)
	}
	if k.cgroup != "" {
		rec.Cgroup = filepath.Join(k.cgroup, rec.Token)
	}
	err = k.forkOnce(c, cmd, rec, io)
	if rec.Cgroup != "" && groupRefused(err) {
		rec.Cgroup = ""
		err = k.forkOnce(c, cmd, rec, io)
	}
	io.closeChildSide()
	if err != nil {
		io.close()
		removeFiles(c.path) // nothing ran; should this fail, a successor takes it for a start that was lost
		return driver.Started{}, startError(c.key, cmd, err)
	}
	k.removeBefore(c.key)
	k.mu.Lock()
	defer k.mu.Unlock()
	return c.started, nil
}

// errNoGroup says that a container's control group cannot be made.
var errNoGroup = errors.New("make control group")

// groupRefused says whether a fork may have failed because of the control group; if it was not that, it fails again without.
func groupRefused(err error) bool {
	var errno syscall.Errno
	return errors.Is(err, errNoGroup) || errors.As(err, &errno) && errno != syscall.ENOENT && errno != syscall.ENOEXEC
}

// forkOnce writes the start record, makes the process and registers it.
func (k *keeper) forkOnce(c *container, cmd Command, rec startRecord, io *stdio) error {
	env := append(append(make([]string, 0, len(cmd.Env)+1), cmd.Env...), Marker+"="+markerValue(c.key, rec.Token))
	attr := &syscall.ProcAttr{Dir: cmd.Dir, Env: env, Files: io.files(), Sys: &syscall.SysProcAttr{Setsid: true}}
	group, err := k.admit(c.key.Task, &rec, attr.Sys)
	if err != nil {
		return err
	}
	defer group.Close() // nil without a group
	first := c.firstRecord()
	first.Start = &rec
	file, err := createRecord(c.path, first)
	if err != nil {
		k.depart(rec.Cgroup, rec.Groups)
		return err
	}
	defer file.Close()
	k.mu.Lock()
	began := k.births.begin()
	k.mu.Unlock()
	pid, err := k.fork(k.starts, cmd, attr, rec.Groups)
	if err != nil {
		k.depart(rec.Cgroup, rec.Groups)
		k.mu.Lock()
		defer k.mu.Unlock()
		k.births.done(began, 0)
		k.rest()
		return err
	}
	startID := startTime(pid)
	// Should this fail, a successor still finds the container by its marker.
	_ = appendTo(file, record{PID: &pidRecord{PID: pid, Start: startID}})
	io.pump(k.logs.acquire(c.key, rec.Logs))
	k.mu.Lock()
	defer k.mu.Unlock()
	c.pid, c.startID, c.stdio = pid, startID, io
	c.env, c.dir = cmd.Env, cmd.Dir
	c.takeOver(rec)
	c.state, c.payload = driver.Running, nil
	if c.polled || c.taskPolled {
		k.oversee()
	}
	c.started = driver.Started{At: rec.At, RuntimeID: strconv.Itoa(pid), Bindings: rec.Bindings, Address: rec.Address}
	if e, over := k.births.done(began, pid); over {
		go k.finish(c, e)
	} else {
		k.mains[pid] = c
	}
	return nil
}

// startError says in Docker's words why a command could not be run, if that is the cause.
func startError(key driver.Key, cmd Command, err error) error {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return fmt.Errorf("start container %v: %w", key, err)
	}
	switch errno {
	case syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE, syscall.ENOSPC, syscall.EROFS, syscall.EDQUOT:
		return fmt.Errorf("start container %v: %w", key, err) // the machine's trouble, which may pass
	}
	name := cmd.Path
	if info, statErr := os.Stat(cmd.Dir); statErr != nil || !info.IsDir() {
		return &driver.Error{Name: driver.CannotStartContainerError,
			Text: fmt.Sprintf("chdir to cwd (%q) set in config.json failed: %v", cmd.Dir, fs.ErrNotExist)}
	}
	if len(cmd.Argv) > 0 {
		name = cmd.Argv[0]
	}
	return &driver.Error{Name: driver.CannotStartContainerError, Text: fmt.Sprintf("exec: %q: %v", name, errno)}
}
