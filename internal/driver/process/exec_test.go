//go:build linux

package process

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ballast/internal/driver"
	"ballast/internal/driver/drivertest"
	"ballast/internal/ecs"
)

func sh(script string) []string { return []string{"sh", "-c", script} }

// TestExecSurroundings runs commands where the container is, also after its keeper was killed, when only the process itself
// still knows its environment.
func TestExecSurroundings(t *testing.T) {
	d := open(t)
	dir := t.TempDir()
	spec := command("sleep")
	spec.WorkingDirectory = dir
	spec.Environment = []ecs.Variable{{Name: "COLOUR", Value: "blue"}}
	spec.Ports = []ecs.PortMapping{{ContainerPort: 80}}
	st := startReady(t, d, key(1), spec)
	want := "blue " + strconv.Itoa(int(st.Bindings[0].HostPort)) + " " + dir + "\n"
	check := func(when string) {
		t.Helper()
		code, output, err := d.Exec(t.Context(), key(1), sh("echo $COLOUR $PORT $(pwd)"), time.Minute)
		if code != 0 || output != want || err != nil {
			t.Errorf("%s: got code %d, output %q, error %v; want output %q", when, code, output, err, want)
		}
	}
	check("at first")
	killKeeper(t, d)
	check("under the next keeper")
}

func TestExecCannotRun(t *testing.T) {
	d := open(t)
	startReady(t, d, key(1), command("sleep"))
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"no-such-command": codeNotFound, "/no/such/file": codeNotFound, file: codeCannotRun} {
		code, output, err := d.Exec(t.Context(), key(1), []string{name}, time.Minute)
		if code != want || !strings.Contains(output, name) || err != nil {
			t.Errorf("%s: got code %d, output %q, error %v; want code %d", name, code, output, err, want)
		}
	}
}

// What shells give for commands that are not there or may not be run.
const codeNotFound, codeCannotRun = 127, 126

// TestExecOutput has a command write more than is kept: it does not wait, and what is kept is the beginning.
func TestExecOutput(t *testing.T) {
	d := open(t)
	startReady(t, d, key(1), command("sleep"))
	code, output, err := d.Exec(t.Context(), key(1), sh("echo begin; head -c 300000 /dev/zero | tr '\\0' x; exit 3"), time.Minute)
	if code != 3 || !strings.HasPrefix(output, "begin\nxxx") || len(output) != driver.MaxOutput || err != nil {
		t.Errorf("got code %d, %d bytes of output, error %v", code, len(output), err)
	}
}

// TestExecLeavesNothing has commands leave descendants, by taking too long and by the end of their container: those that left
// the group go as well.
func TestExecLeavesNothing(t *testing.T) {
	d := open(t)
	startReady(t, d, key(1), command("sleep"))
	const script = "setsid sh -c 'echo $$; exec sleep 3600' & sleep 3600"
	code, output, err := d.Exec(t.Context(), key(1), sh(script), time.Second)
	pid, convErr := strconv.Atoi(strings.TrimSpace(output))
	if code != driver.ExecTimedOut || err != nil || convErr != nil {
		t.Fatalf("got code %d, output %q, error %v", code, output, err)
	}
	drivertest.Wait(t, "the descendants of a command that took too long are gone", func() bool { return !living(pid) })

	file := t.TempDir() + "/pid"
	var running sync.WaitGroup
	running.Go(func() { d.Exec(t.Context(), key(1), sh("echo $$ >"+file+"; exec sleep 3600"), time.Hour) })
	drivertest.Wait(t, "the command runs", func() bool {
		b, _ := os.ReadFile(file)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(b)))
		return pid != 0
	})
	if _, err := d.Stop(t.Context(), key(1), time.Minute); err != nil {
		t.Fatal(err)
	}
	running.Wait()
	if living(pid) {
		t.Error("the command survived its container")
	}
}

// TestExecKeepsNothing has many commands come and go, each in its own way, beside many containers: the keeper keeps neither
// descriptors nor dead processes of them.
func TestExecKeepsNothing(t *testing.T) {
	d := open(t)
	for n := range 20 {
		startReady(t, d, key(n+1), command("sleep")) // its log is open then
	}
	keeper := d.link.current().PID()
	before := descriptorsOf(t, keeper)
	var running sync.WaitGroup
	for n := range 60 {
		running.Go(func() {
			argv, timeout, want := sh("echo well"), time.Minute, 0
			switch n % 6 {
			case 1:
				argv, want = sh("exit 7"), 7
			case 2:
				argv, timeout, want = sh("sleep 60"), 50*time.Millisecond, driver.ExecTimedOut
			case 3:
				argv, want = []string{"/no/such/command"}, codeNotFound
			case 4:
				argv, want = sh("exec >&- 2>&-; sleep 0.1; exit 3"), 3
			case 5:
				argv, want = sh("sleep 1 & exit 5"), 5 // what it left behind holds its output
			}
			if code, _, err := d.Exec(t.Context(), key(n%20+1), argv, timeout); code != want || err != nil {
				t.Errorf("%q: code %d, error %v; want code %d", argv, code, err, want)
			}
		})
	}
	running.Wait()
	var dead, after int
	drivertest.Wait(t, "nothing is left", func() bool {
		dead, after = zombiesOf(keeper), descriptorsOf(t, keeper)
		return dead == 0 && after <= before
	})
}

// descriptorsOf counts the open descriptors of all threads of a process, some of which have tables of their own.
func descriptorsOf(t *testing.T, pid int) (n int) {
	t.Helper()
	tables, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/fd")
	if err != nil {
		t.Fatal(err)
	}
	most := 0 // of the keeper's own, which most threads share
	for _, table := range tables {
		entries, _ := os.ReadDir(table)
		most = max(most, len(entries))
	}
	for _, table := range tables {
		if entries, _ := os.ReadDir(table); len(entries) != most {
			n += len(entries)
		}
	}
	return n + most
}

func zombiesOf(parent int) (n int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		b, _ := os.ReadFile(stat)
		f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		if len(f) > 1 && f[0] == "Z" && f[1] == strconv.Itoa(parent) {
			n++
		}
	}
	return n
}

// BenchmarkExec is one health check of a thousand containers each second if an operation takes less than a millisecond.
func BenchmarkExec(b *testing.B) {
	d, err := Open(b.Context(), Config{KeeperDir: b.TempDir(), Exe: os.Args[0], Dir: "/"})
	if err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	if err := d.Create(ctx, key(1), command("sleep")); err != nil {
		b.Fatal(err)
	}
	if _, err := d.Start(ctx, key(1)); err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if code, _, err := d.Exec(ctx, key(1), []string{"true"}, time.Minute); code != 0 || err != nil {
				b.Errorf("code %d, error %v", code, err)
			}
		}
	})
	d.Stop(ctx, key(1), 0)
	if err := d.Shutdown(ctx); err != nil {
		b.Error(err)
	}
}
