package daemon

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ballast/internal/driver"
	"ballast/internal/driver/docker"
	"ballast/internal/ecs"
)

// engine is a Docker engine of a test's own, in a network of its own: engines of one machine take each other's bridge away. Its containers
// belong to a containerd beside it, as on machines with systemd.
type engine struct {
	dir        string
	dockerd    []string
	containerd *program
	*program
}

// program is one that runs with the rights that an engine needs.
type program struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// startEngine starts an engine, which needs root, and ends it after the test.
func startEngine(t *testing.T, args ...string) *engine {
	t.Helper()
	dockerd, err := exec.LookPath("dockerd")
	if _, statErr := os.Stat("/usr/sbin/dockerd"); err != nil && statErr == nil {
		dockerd, err = "/usr/sbin/dockerd", nil
	}
	containerd, containerdErr := exec.LookPath("containerd")
	me, userErr := user.Current()
	if err = errors.Join(err, containerdErr, userErr); err == nil && me.Uid != "0" {
		err = exec.Command("sudo", "-n", "true").Run()
	}
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no Docker engine can be started: %v", err)
		}
		t.Skipf("no Docker engine can be started: %v", err)
	}
	dir, err := os.MkdirTemp("", "bd") // short: it holds sockets
	if err == nil {
		err = os.Chmod(dir, 0o711)
	}
	if err == nil {
		err = os.WriteFile(dir+"/c.toml", []byte("version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n"), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{dir: dir}
	e.dockerd = append([]string{"unshare", "--net", dockerd, "--containerd", dir + "/c.sock", "--data-root", dir + "/data", "--exec-root", dir + "/exec",
		"--pidfile", dir + "/pid", "--host", e.host(), "--group", me.Gid, "--bridge", "none", "--iptables=false", "--ip-masq=false"}, args...)
	e.containerd = e.run(t, containerd, "--config", dir+"/c.toml", "--root", dir+"/c", "--state", dir+"/cs", "--address", dir+"/c.sock")
	t.Cleanup(func() { e.end(t) })
	e.start(t)
	return e
}

func (e *engine) host() string { return "unix://" + e.dir + "/s" }

// asRoot is a command with the rights that an engine needs.
func asRoot(args ...string) *exec.Cmd {
	if os.Geteuid() != 0 {
		args = append([]string{"sudo", "-n"}, args...)
	}
	return exec.Command(args[0], args[1:]...)
}

// run starts a program.
func (e *engine) run(t *testing.T, args ...string) *program {
	t.Helper()
	log, err := os.OpenFile(e.dir+"/log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p := &program{cmd: asRoot(args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait()
		close(p.done)
	}()
	return p
}

// start starts the engine, and again after kill.
func (e *engine) start(t *testing.T) {
	t.Helper()
	e.program = e.run(t, e.dockerd...)
	eventually(t, "the engine answers", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return docker.Answers(ctx, e.host())
	})
}

// signal sends a signal to a program and waits for its end. Under sudo the program is the child of what was started.
func (p *program) signal(t *testing.T, signal string) {
	select {
	case <-p.done:
		return
	default:
	}
	send := asRoot("kill", "-"+signal, strconv.Itoa(p.cmd.Process.Pid))
	if os.Geteuid() != 0 {
		send = asRoot("pkill", "-"+signal, "-P", strconv.Itoa(p.cmd.Process.Pid))
	}
	if err := send.Run(); err != nil {
		t.Error(err)
	}
	select {
	case <-p.done:
	case <-time.After(within):
		t.Error("a program of the engine does not end")
	}
}

// end ends the engine. What it left mounted is of no use to anyone.
func (e *engine) end(t *testing.T) {
	if text, err := os.ReadFile(e.dir + "/log"); err == nil && t.Failed() {
		t.Logf("the engine says:\n%s", text[max(0, len(text)-8000):])
	}
	e.signal(t, "TERM")
	e.containerd.signal(t, "TERM")
	mounts, _ := os.ReadFile("/proc/mounts")
	for _, line := range slices.Backward(strings.Split(string(mounts), "\n")) {
		if f := strings.Fields(line); len(f) > 1 && strings.HasPrefix(f[1], e.dir+"/") {
			asRoot("umount", f[1]).Run()
		}
	}
	if err := asRoot("rm", "-rf", e.dir).Run(); err != nil {
		t.Error(err)
	}
}

// serviceOn runs a service of two tasks, which share namespaces with a pause container each, on an engine.
func serviceOn(t *testing.T, e *engine) *Daemon {
	t.Helper()
	cfg := config(t)
	cfg.Exe = filepath.Join(t.TempDir(), "app")
	build := exec.Command("go", "build", "-o", cfg.Exe, "../driver/docker/testdata/app")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cfg.openDriver = func(ctx context.Context) (driver.Driver, error) {
		return docker.Open(ctx, docker.Config{Host: e.host(), Instance: ecs.ID{1: 7}, Exe: cfg.Exe})
	}
	d := start(t, cfg)
	t.Cleanup(func() { // an engine that spares its containers would leave them
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		err := d.Halt(ctx)
		all, listErr := d.driver.List(ctx)
		err = errors.Join(err, listErr)
		for _, o := range all {
			err = errors.Join(err, d.driver.RemoveLogs(ctx, o.Key.Task), d.driver.Remove(ctx, o.Key))
		}
		if err != nil {
			t.Error(err)
		}
	})
	call(t, d, "RegisterTaskDefinition", `{"family":"web","networkMode":"none","ipcMode":"task","containerDefinitions":[{"name":"web",
		"image":"ballast/sample","memory":32,"command":["ballast","polite","143"]}]}`)
	call(t, d, "CreateService", `{"serviceName":"web","taskDefinition":"web","desiredCount":2}`)
	eventually(t, "two tasks run", func() bool { return count(d.Running(), ecs.StatusRunning) == 2 && completed(d) })
	return d
}

// ids gives the tasks that run, in order.
func ids(d *Daemon) (all []string) {
	for _, task := range d.Running() {
		if task.LastStatus == ecs.StatusRunning {
			all = append(all, task.ID.String())
		}
	}
	slices.Sort(all)
	return all
}

// wantOnce checks that each container has run once, and how many there are.
func wantOnce(t *testing.T, d *Daemon, want int) []driver.Observation {
	t.Helper()
	all, err := d.driver.List(t.Context())
	if err != nil || len(all) != want {
		t.Fatalf("the engine has %d containers, %v; want %d", len(all), err, want)
	}
	for _, o := range all {
		var lines []driver.LogLine
		eventually(t, o.Key.String()+" says that it is ready", func() bool {
			lines, _, err = d.driver.Logs(t.Context(), o.Key.Task, o.Key.Container, 0, driver.LogLimit{Lines: 100})
			return err == nil && len(lines) > 0
		})
		if len(lines) != 1 {
			t.Errorf("%v has run %d times", o.Key, len(lines))
		}
	}
	return all
}

// TestEngineKilled kills an engine and starts it again while its tasks run. Without --live-restore an engine ends what it finds when it
// starts, so that the tasks are replaced.
func TestEngineKilled(t *testing.T) {
	e := startEngine(t)
	d := serviceOn(t, e)
	before := ids(d)
	e.signal(t, "KILL")
	if got := ids(d); !slices.Equal(got, before) {
		t.Errorf("without an engine the tasks %v run, before it ended %v", got, before)
	}
	impaired := func() string { return d.control.Root().Instance(d.cfg.Cluster, d.instance).Impaired }
	eventually(t, "control hears that the engine is away", func() bool { return impaired() != "" })
	e.start(t)
	eventually(t, "control hears that the engine is back", func() bool { return impaired() == "" })
	eventually(t, "two new tasks run", func() bool {
		now := ids(d)
		return len(now) == 2 && !slices.ContainsFunc(now, func(id string) bool { return slices.Contains(before, id) })
	})
	for _, o := range wantOnce(t, d, 4) {
		old := slices.Contains(before, o.Key.Task.String())
		if old != (o.State == driver.Exited) {
			t.Errorf("%v is in state %d", o.Key, o.State)
		}
		if old && (o.Exit.Code == nil || *o.Exit.Code != 143) { // by the engine's SIGTERM
			t.Errorf("%v ended as %+v, %v", o.Key, o.Exit, *o.Exit.Code)
		}
	}
}

// TestEngineKilledLiveRestore does so with an engine that spares its containers: the same tasks run on, and what becomes of them is seen.
func TestEngineKilledLiveRestore(t *testing.T) {
	e := startEngine(t, "--live-restore")
	d := serviceOn(t, e)
	before := ids(d)
	e.signal(t, "KILL")
	e.start(t)
	all := wantOnce(t, d, 2)
	if got := ids(d); !slices.Equal(got, before) {
		t.Errorf("the tasks %v run, before the engine was killed %v", got, before)
	}
	if _, err := d.driver.Stop(t.Context(), all[0].Key, 0); err != nil { // a crash, as far as control knows
		t.Fatal(err)
	}
	eventually(t, "a new task runs in place of one that crashed", func() bool {
		now := ids(d)
		return len(now) == 2 && slices.Contains(now, all[1].Key.Task.String()) && !slices.Contains(now, all[0].Key.Task.String())
	})
	wantOnce(t, d, 3)
}
