//go:build linux

package process

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ballast/internal/agent/keeper"
	"ballast/internal/driver"
	"ballast/internal/driver/drivertest"
	"ballast/internal/ecs"
	"ballast/internal/logfile"
)

// namedDir is a temporary directory whose name has a word in it.
func namedDir(t *testing.T, word string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), word)
	t.Cleanup(func() { endKeeper(t, dir) })
	return dir
}

func start(t *testing.T, d *Driver, k driver.Key, spec driver.Spec) driver.Started {
	t.Helper()
	if err := d.Create(t.Context(), k, spec); err != nil {
		t.Fatal(err)
	}
	st, err := d.Start(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func startReady(t *testing.T, d *Driver, k driver.Key, spec driver.Spec) driver.Started {
	t.Helper()
	st := start(t, d, k, spec)
	drivertest.Wait(t, k.String()+" is ready", func() bool { return slices.Contains(texts(t, d, k), "ready") })
	return st
}

func texts(t *testing.T, d *Driver, k driver.Key) (all []string) {
	t.Helper()
	for position := int64(0); ; {
		lines, next, err := d.Logs(t.Context(), k.Task, k.Container, position, driver.LogLimit{Lines: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if len(lines) == 0 {
			return all
		}
		for _, l := range lines {
			all = append(all, l.Text)
		}
		position = next
	}
}

func observe(t *testing.T, d *Driver, k driver.Key) driver.Observation {
	t.Helper()
	all, err := d.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		if o.Key == k {
			return o
		}
	}
	t.Fatalf("list: %v is not there", k)
	return driver.Observation{}
}

func ended(t *testing.T, d *Driver, k driver.Key) driver.Exit {
	t.Helper()
	drivertest.Wait(t, k.String()+" has ended", func() bool { return observe(t, d, k).State == driver.Exited })
	return observe(t, d, k).Exit
}

// killKeeper ends a keeper as no program can help, and returns when it is gone.
func killKeeper(t *testing.T, d *Driver) {
	t.Helper()
	c := d.link.current()
	if c == nil {
		t.Fatal("there is no keeper to kill")
	}
	if err := syscall.Kill(c.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-c.Gone()
}

func living(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !bytes.Contains(b, []byte(") Z "))
}

func TestKeeperKilled(t *testing.T) {
	for _, word := range []string{"cgroups", "no-cgroups"} {
		t.Run(word, func(t *testing.T) {
			d := openAt(t, namedDir(t, word))
			defer d.Close()
			first, second := startReady(t, d, key(1), command("polite", "5")), startReady(t, d, key(2), command("sleep"))
			events, err := d.Events(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			killKeeper(t, d)
			if o, open := <-events; open {
				t.Fatalf("an event of a keeper that was killed: %+v", o)
			}
			if events, err = d.Events(t.Context()); err != nil {
				t.Fatal(err)
			}
			for i, want := range []driver.Started{first, second} {
				o := observe(t, d, key(i+1))
				if o.State != driver.Running || o.Started.RuntimeID != want.RuntimeID || o.Started.At != want.At {
					t.Errorf("after the keeper's death: %+v, want it running as %+v", o, want)
				}
				if again, err := d.Start(t.Context(), key(i+1)); err != nil || again.RuntimeID != want.RuntimeID {
					t.Errorf("start again: %+v, %v, want %+v", again, err, want)
				}
			}
			e, err := d.Stop(t.Context(), key(1), time.Minute)
			if err != nil || e.Code != nil || !strings.Contains(e.Reason, "exit code is not known") {
				t.Errorf("stop of an adopted container: %+v, %v, want no code and a reason", e, err)
			}
			if o := <-events; o.Key != key(1) || o.Exit != e {
				t.Errorf("event %+v, want the end of %v as %+v", o, key(1), e)
			}
			pid, _ := strconv.Atoi(second.RuntimeID)
			syscall.Kill(pid, syscall.SIGKILL) // it ends by itself, as far as the keeper can see
			if o := <-events; o.Key != key(2) || o.Exit.Code != nil {
				t.Errorf("event %+v, want the end of %v without a code", o, key(2))
			}
			if n := len(texts(t, d, key(2))); n != 1 {
				t.Errorf("the container wrote %d lines, want that it ran once", n)
			}
		})
	}
}

// TestEndUnseen: a container ends while neither keeper nor server is there.
func TestEndUnseen(t *testing.T) {
	dir := namedDir(t, "keeper")
	d := openAt(t, dir)
	st := startReady(t, d, key(1), command("sleep"))
	created := d.Create(t.Context(), key(2), command("sleep"))
	if created != nil {
		t.Fatal(created)
	}
	pid := d.link.current().PID()
	d.Close()
	syscall.Kill(pid, syscall.SIGKILL)
	drivertest.Wait(t, "the keeper is gone", func() bool { return !living(pid) })
	container, _ := strconv.Atoi(st.RuntimeID)
	syscall.Kill(container, syscall.SIGKILL)
	drivertest.Wait(t, "the container is gone", func() bool { return !living(container) })

	d = openAt(t, dir)
	defer d.Close()
	if e := ended(t, d, key(1)); e.Code != nil || e.At < st.At || !strings.Contains(e.Reason, "not running when it ended") {
		t.Errorf("the end is %+v, want no code and a reason", e)
	}
}

// TestKeeperKilledBeforeStart: what was created is known to the next keeper, for its creator is still there.
func TestKeeperKilledBeforeStart(t *testing.T) {
	d := open(t)
	if err := d.Create(t.Context(), key(1), command("polite", "2")); err != nil {
		t.Fatal(err)
	}
	killKeeper(t, d)
	if _, err := d.Start(t.Context(), key(1)); err != nil {
		t.Fatal(err)
	}
	drivertest.Wait(t, "it is ready", func() bool { return len(texts(t, d, key(1))) == 1 })
	if e, err := d.Stop(t.Context(), key(1), time.Minute); err != nil || e.Code == nil || *e.Code != 2 {
		t.Errorf("stop: %+v, %v, want code 2", e, err)
	}
}

// TestKeeperKilledAmidStart: with a start record and no process nobody knows whether it ran, so it is not started again.
func TestKeeperKilledAmidStart(t *testing.T) {
	dir := namedDir(t, "keeper")
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(dir, "containers")
	if err := os.MkdirAll(at, 0o700); err != nil {
		t.Fatal(err)
	}
	record := fmt.Sprintf(`{"key":{"task":%q,"container":"app"},"seq":4,"start":{"token":"00112233","boot":%q,"at":1700000000000}}`+"\n",
		key(1).Task.String(), bytes.TrimSpace(boot))
	if err := os.WriteFile(filepath.Join(at, key(1).Task.String()+".app.0.rec"), []byte(record), 0o600); err != nil {
		t.Fatal(err)
	}
	d := openAt(t, dir)
	defer d.Close()
	if e := ended(t, d, key(1)); e.Code != nil || !strings.Contains(e.Reason, "killed while starting it") {
		t.Errorf("the end is %+v, want no code and a reason", e)
	}
	if err := d.Create(t.Context(), key(1), command("sleep")); err != nil {
		t.Fatal(err)
	}
	if st, err := d.Start(t.Context(), key(1)); err != nil || st.At != 1700000000000 {
		t.Errorf("start: %+v, %v, want the start that was lost", st, err)
	}
	if o := observe(t, d, key(1)); o.State != driver.Exited {
		t.Errorf("it is in state %d after another start", o.State)
	}
}

// TestOutputSurvivesKeeper: a container that writes all the time neither breaks nor stays blocked when its keeper is killed.
func TestOutputSurvivesKeeper(t *testing.T) {
	d := open(t)
	startReady(t, d, key(1), command("chatter"))
	killKeeper(t, d)
	ended(t, d, key(1))
	all := texts(t, d, key(1))
	if last := all[len(all)-1]; last != "done" {
		t.Errorf("the last of %d lines is %q, want that the container came to its end", len(all), last)
	}
}

// TestServerKilled: kill -9 of the server changes nothing, and an end while there is none is reported later, with its code.
func TestServerKilled(t *testing.T) {
	dir := namedDir(t, "keeper")
	server := exec.Command(os.Args[0], "app", "server", dir)
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	if said, err := bufio.NewReader(out).ReadString('\n'); said != "ready\n" {
		t.Fatalf("the server said %q, %v", said, err)
	}
	server.Process.Kill()
	server.Wait()

	c, err := keeper.Dial(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.List(t.Context())
	if err != nil || len(all) != 1 || all[0].State != driver.Running {
		t.Fatalf("without the server: %+v, %v, want one running container", all, err)
	}
	c.Close()
	drivertest.Wait(t, "it is ready", func() bool {
		logDir, name := keeper.LogPath(dir, key(1).Task, "app")
		lines, _, _ := logfile.Read(logDir, name, 0, 1, 0)
		return len(lines) == 1
	})
	pid, _ := strconv.Atoi(all[0].Started.RuntimeID)
	syscall.Kill(pid, syscall.SIGTERM)
	record := filepath.Join(dir, "containers", key(1).Task.String()+".app.0.rec")
	drivertest.Wait(t, "the end is recorded", func() bool { b, _ := os.ReadFile(record); return bytes.Contains(b, []byte(`"exit"`)) })
	gone := ecs.TimeOf(time.Now())

	d := openAt(t, dir)
	defer d.Close()
	if e := ended(t, d, key(1)); e.Code == nil || *e.Code != 6 || e.At > gone {
		t.Errorf("the end is %+v, want code 6 not after %d", e, gone)
	}
}

// TestDescendants: what a container left in other sessions, without parents, ends with it.
func TestDescendants(t *testing.T) {
	for _, word := range []string{"cgroups", "no-cgroups"} {
		for _, how := range []string{"stop", "exit", "adopted"} {
			t.Run(word+"/"+how, func(t *testing.T) {
				d := openAt(t, namedDir(t, word))
				defer d.Close()
				other := startReady(t, d, key(2), command("sleep"))
				verb := "stay"
				if how == "exit" {
					verb = "leave"
				}
				start(t, d, key(1), command("daemonize", verb))
				drivertest.Wait(t, "it is ready", func() bool { return len(texts(t, d, key(1))) == 2 })
				leaf, err := strconv.Atoi(strings.TrimPrefix(texts(t, d, key(1))[0], "leaf "))
				if err != nil {
					t.Fatal(err)
				}
				if how != "exit" && !living(leaf) {
					t.Fatal("there is no descendant to reach")
				}
				if how == "adopted" {
					killKeeper(t, d)
				}
				if how == "exit" {
					if e := ended(t, d, key(1)); e.Code == nil || *e.Code != 3 {
						t.Errorf("the end is %+v, want code 3", e)
					}
				} else if _, err := d.Stop(t.Context(), key(1), 50*time.Millisecond); err != nil {
					t.Fatal(err)
				}
				if living(leaf) {
					t.Error("a descendant lives on")
				}
				if pid, _ := strconv.Atoi(other.RuntimeID); !living(pid) {
					t.Error("another container was killed")
				}
			})
		}
	}
}

// TestOwnEnvironment: a container gets its own environment only, and nothing of it is on disk or in the keeper's command line.
func TestOwnEnvironment(t *testing.T) {
	t.Setenv("OF_THE_SERVER", "hush-server")
	dir := namedDir(t, "keeper")
	d := openAt(t, dir)
	defer d.Close()
	spec := command("sleep")
	spec.Environment = []ecs.Variable{{Name: "SECRET", Value: "hush-secret"}, {Name: "HOME", Value: "/nowhere"}, {Name: keeper.Marker, Value: "mine"}}
	spec.Command = append(spec.Command, "hush-argument")
	spec.Ports = []ecs.PortMapping{{ContainerPort: 80}}
	st := startReady(t, d, key(1), spec)
	b, err := os.ReadFile("/proc/" + st.RuntimeID + "/environ")
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")
	port := st.Bindings[0].HostPort
	want := []string{"PATH=" + DefaultPath, "HOST=127.0.0.1", "SECRET=hush-secret", "HOME=/nowhere", fmt.Sprint("PORT=", port), fmt.Sprint("PORT_80=", port)}
	if len(got) != len(want)+1 || !slices.Equal(got[:len(want)], want) {
		t.Errorf("environment %q, want %q and the marker", got, want)
	}
	if marker := got[len(got)-1]; !strings.HasPrefix(marker, keeper.Marker+"="+key(1).Task.String()+"/app/0:") {
		t.Errorf("marker %q", marker)
	}
	pid := d.link.current().PID()
	for _, name := range []string{"environ", "cmdline"} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
		if err != nil || bytes.Contains(b, []byte("hush")) {
			t.Errorf("the keeper's %s is %q, %v", name, b, err)
		}
	}
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			if b, err := os.ReadFile(path); err != nil || bytes.Contains(b, []byte("hush")) {
				t.Errorf("%s holds %q, %v", path, b, err)
			}
		}
		return nil
	})
	if info, err := os.Stat(filepath.Join(dir, "keeper.sock")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v", info, err)
	}
}

func TestLongPath(t *testing.T) {
	dir := namedDir(t, strings.Repeat("long/", 40)+"keeper")
	d := openAt(t, dir)
	defer d.Close()
	startReady(t, d, key(1), command("sleep"))
}

// TestLogsCannotBeWritten: a file stands where the logs' directory should be; the container does not notice.
func TestLogsCannotBeWritten(t *testing.T) {
	dir := namedDir(t, "keeper")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "logs"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d := openAt(t, dir)
	defer d.Close()
	start(t, d, key(1), command("chatter"))
	if e := ended(t, d, key(1)); e.Code == nil || *e.Code != 0 {
		t.Errorf("the end is %+v, want code 0", e)
	}
}

func TestNotExecutable(t *testing.T) {
	d := open(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "garbage"), []byte{1, 2, 3}, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := d.Create(t.Context(), key(1), driver.Spec{Command: []string{"./garbage"}, WorkingDirectory: dir}); err != nil {
		t.Fatal(err)
	}
	_, err := d.Start(t.Context(), key(1))
	wantError(t, err, driver.CannotStartContainerError, `exec: "./garbage": exec format error`)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	_, err = d.Start(t.Context(), key(1))
	wantError(t, err, driver.CannotStartContainerError, "no such file or directory")
}

func TestOneKeeper(t *testing.T) {
	dir := namedDir(t, "keeper")
	var wg sync.WaitGroup
	pids := make([]int, 6)
	for i := range pids {
		wg.Go(func() {
			if err := keeper.Spawn(t.Context(), dir, os.Args[0]); err != nil {
				t.Error(err)
				return
			}
			c, err := keeper.Dial(t.Context(), dir, nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			pids[i] = c.PID()
		})
	}
	wg.Wait()
	if slices.Min(pids) != slices.Max(pids) {
		t.Errorf("several keepers serve one directory: %v", pids)
	}
}

func TestKeeperEndsWhenIdle(t *testing.T) {
	dir := namedDir(t, "short-idle")
	d := openAt(t, dir)
	startReady(t, d, key(1), command("polite", "1"))
	pid := d.link.current().PID()
	d.Close()
	d = openAt(t, dir)
	if got := d.link.current().PID(); got != pid {
		t.Fatalf("keeper %d serves, want %d: it has a container", got, pid)
	}
	if _, err := d.Stop(t.Context(), key(1), time.Minute); err != nil {
		t.Fatal(err)
	}
	d.Close()
	drivertest.Wait(t, "the keeper has ended", func() bool { return !living(pid) })
	d = openAt(t, dir)
	defer d.Close()
	if e := ended(t, d, key(1)); e.Code == nil || *e.Code != 1 {
		t.Errorf("the next keeper has the end as %+v, want code 1", e)
	}
	if err := d.Remove(t.Context(), key(1)); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "containers")); len(left) != 0 {
		t.Errorf("%d files are on disk after remove", len(left))
	}
}

func TestManyAtOnce(t *testing.T) {
	d := open(t)
	const n = 50
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			spec := command("sleep")
			spec.Ports = []ecs.PortMapping{{ContainerPort: 80}}
			if err := d.Create(ctx, key(i), spec); err != nil {
				t.Error(err)
			}
			if _, err := d.Start(ctx, key(i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	ports := map[uint16]bool{}
	for i := range n {
		for _, b := range observe(t, d, key(i)).Started.Bindings {
			ports[b.HostPort] = true
		}
	}
	if len(ports) != n {
		t.Errorf("%d containers have %d ports", n, len(ports))
	}
	for i := range n {
		wg.Go(func() {
			if e, err := d.Stop(ctx, key(i), time.Minute); err != nil || e.Code == nil {
				t.Errorf("stop: %+v, %v", e, err)
			}
		})
	}
	wg.Wait()
}

// TestFindLog finds what a container wrote by its time, and when it wrote last.
func TestFindLog(t *testing.T) {
	d := open(t)
	if at, err := d.LastLog(t.Context(), key(1).Task, "app"); at != 0 || err != nil {
		t.Errorf("before it wrote: %v, %v", at, err)
	}
	startReady(t, d, key(1), command("sleep"))
	lines, _, err := d.Logs(t.Context(), key(1).Task, key(1).Container, 0, driver.LogLimit{Lines: 10})
	if err != nil {
		t.Fatal(err)
	}
	at, err := d.LastLog(t.Context(), key(1).Task, key(1).Container)
	if err != nil || at != lines[len(lines)-1].At {
		t.Errorf("last line at %v, %v; want %v", at, err, lines[len(lines)-1].At)
	}
	if position, err := d.FindLog(t.Context(), key(1).Task, key(1).Container, at); position != 0 || err != nil {
		t.Errorf("found at %d, %v; want the beginning", position, err)
	}
}
