package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/moby/moby/client"
)

// engine is a Docker engine of the bench's own: nobody else's containers are in the way, and it may become a swarm.
type engine struct {
	dir    string
	host   string
	cmd    *exec.Cmd
	client *client.Client
}

// errNoEngine says that figures about Docker cannot be had here.
var errNoEngine = errors.New("no Docker engine can be started here: it takes dockerd and root")

// startEngine starts an engine and waits until it answers.
func startEngine(ctx context.Context) (*engine, error) {
	program, err := exec.LookPath("dockerd")
	if err != nil || os.Geteuid() != 0 {
		return nil, errNoEngine
	}
	dir, err := os.MkdirTemp("", "ballast-engine-") // short: a socket's path has at most 107 bytes
	if err != nil {
		return nil, err
	}
	e := &engine{dir: dir, host: "unix://" + filepath.Join(dir, "docker.sock")}
	e.cmd = exec.Command(program, "--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"),
		"--pidfile", filepath.Join(dir, "pid"), "--host", e.host, "--log-level", "error")
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := e.cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if e.client, err = client.New(client.WithHost(e.host)); err == nil {
		err = until(ctx, func() (bool, error) {
			_, err := e.client.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true})
			return err == nil, nil
		})
	}
	if err != nil {
		e.stop()
		return nil, fmt.Errorf("start a Docker engine: %w", err)
	}
	return e, nil
}

// engineStopFor bounds the end of an engine, which ends its containers first.
const engineStopFor = time.Minute

// stop ends the engine with everything in it.
func (e *engine) stop() {
	e.cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(engineStopFor, func() { e.cmd.Process.Kill() })
	e.cmd.Wait()
	kill.Stop()
	exec.Command("umount", filepath.Join(e.dir, "exec", "netns", "default")).Run() // an engine leaves it behind
	os.RemoveAll(e.dir)
}

// docker runs Docker's own client.
func (e *engine) docker(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "docker", append([]string{"--host", e.host}, args...)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("docker %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// pids gives the processes of the running containers whose label has a value, by container.
func (e *engine) pids(ctx context.Context, label string) (map[string]int, error) {
	list, err := e.client.ContainerList(ctx, client.ContainerListOptions{Filters: make(client.Filters).Add("label", label).Add("status", "running")})
	if err != nil {
		return nil, err
	}
	found := map[string]int{}
	for _, item := range list.Items {
		c, err := e.client.ContainerInspect(ctx, item.ID, client.ContainerInspectOptions{})
		if err != nil || c.Container.State == nil || !c.Container.State.Running {
			continue // it has ended since
		}
		found[item.ID] = c.Container.State.Pid
	}
	return found, nil
}

// measureKills has 4 of the 8 running containers of a label killed at once, and gives the time until 8 run again, none of them one of
// the processes killed.
func (e *engine) measureKills(ctx context.Context, label string) (time.Duration, error) {
	before, err := e.pids(ctx, label)
	if err != nil {
		return 0, err
	}
	if len(before) != 8 {
		return 0, fmt.Errorf("%d containers run where 8 should", len(before))
	}
	killed := map[int]bool{}
	begin := time.Now()
	for _, pid := range before {
		if len(killed) == 4 {
			break
		}
		if pid <= 1 {
			return 0, fmt.Errorf("a container has process id %s", strconv.Itoa(pid))
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return 0, fmt.Errorf("kill %d: %w", pid, err)
		}
		killed[pid] = true
	}
	err = until(ctx, func() (bool, error) {
		now, err := e.pids(ctx, label)
		alive := 0
		for _, pid := range now {
			if !killed[pid] {
				alive++
			}
		}
		return alive == 8, err
	})
	return time.Since(begin), err
}
