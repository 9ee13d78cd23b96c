//go:build linux

package faults

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"ballast/test/harness"
)

// diskBytes is the size of the disk that is filled.
const diskBytes = 8 << 20

// disk is a small file system in a mount namespace, which lives as long as a process that holds it.
type disk struct {
	t      *testing.T
	holder int
	dir    string // where it is mounted, in that namespace
}

// mount makes a disk at a directory. It needs no rights where the system lets anybody make a namespace.
func mount(t *testing.T, dir string) *disk {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	holder := exec.Command("unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-c",
		fmt.Sprintf(`mount -t tmpfs -o size=%d tmpfs "$0" && echo mounted && exec cat`, diskBytes), dir)
	in, err := holder.StdinPipe() // held open until the test ends
	if err != nil {
		t.Fatal(err)
	}
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	holder.Stderr = &said
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		holder.Wait()
	})
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "mounted\n" {
		holder.Process.Kill()
		holder.Wait()
		t.Skipf("this system lets nobody mount a disk in a namespace: %s", said.String())
	}
	return &disk{t, holder.Process.Pid, dir}
}

// within is the command by which a program is run where the disk is.
func (d *disk) within() []string {
	return []string{"nsenter", "--target", fmt.Sprint(d.holder), "--user", "--mount", "--preserve-credentials"}
}

// pad is the file that takes the room.
func (d *disk) pad() string {
	return filepath.Join(fmt.Sprintf("/proc/%d/root", d.holder), d.dir, "pad")
}

// fill takes all room there is.
func (d *disk) fill() {
	d.t.Helper()
	f, err := os.Create(d.pad())
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, 4096)
	for range 2 * diskBytes / len(page) {
		if _, err = f.Write(page); err != nil {
			break
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		d.t.Fatalf("fill the disk: %v", err)
	}
}

// free gives the room back.
func (d *disk) free() {
	d.t.Helper()
	if err := os.Remove(d.pad()); err != nil {
		d.t.Fatal(err)
	}
}

// TestFullDisk fills the disk under a server that works, makes room again, and does the same to one that starts.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := harness.New(t, exe)
	d := mount(t, s.DataDir)
	s.Within(d.within()...)
	s.Up()
	file := filepath.Join(t.TempDir(), "starts")
	w := &wall{t: t, server: s, definition: s.Define("sleeper", shell(startsRecorded+"exec sleep 1000000", file))}
	s.Serve("before", w.definition, 2)
	w.acknowledged = []string{"before"}
	ends := s.Run(w.definition)
	s.Steady("before")
	ends = s.Status(*ends.TaskArn, "RUNNING")
	before := pidsByTask(t, s)

	d.fill()
	pending := w.meet("first")
	w.unmoved(before)
	syscall.Kill(mainPID(t, ends), syscall.SIGKILL)
	gone(t, "the process", mainPID(t, ends))
	w.unmoved(remove(before, *ends.TaskArn))

	d.free()
	w.recovered(pending)
	if got := s.Status(*ends.TaskArn, "STOPPED"); got.Containers[0].ExitCode == nil || *got.Containers[0].ExitCode != 137 {
		t.Errorf("it ended on a full disk as %s", harness.Text(got))
	}

	before = pidsByTask(t, s)
	d.fill()
	pending = w.meet("second")
	s.Kill()
	var ended *harness.EndedError
	if err := s.Try(); errors.As(err, &ended) {
		if ended.Code != 1 || !strings.Contains(ended.Said, "no space left on device") || strings.Contains(ended.Said, "goroutine") {
			t.Errorf("a server on a full disk ends with code %d: %s", ended.Code, ended.Said)
		}
		d.free()
		s.Up()
	} else {
		w.unmoved(before)
		d.free()
	}
	w.recovered(pending)
	for arn, pid := range before {
		if after := pidsByTask(t, s); after[arn] != pid {
			t.Errorf("task %s has process %d, want %d as before", arn, after[arn], pid)
		}
	}

	// Ctrl-C cannot stop the tasks if that cannot be written down: it ends the server, says why, and leaves them.
	before = pidsByTask(t, s)
	d.fill()
	pending = w.meet("third")
	if code := s.Interrupt(); code != 1 || !strings.Contains(s.Said(), "stop the tasks") {
		t.Errorf("Ctrl-C on a full disk ends with code %d: %s", code, s.Said())
	}
	d.free()
	s.Up()
	w.recovered(pending)
	for arn, pid := range before {
		if after := pidsByTask(t, s); after[arn] != pid {
			t.Errorf("task %s has process %d, want %d as before", arn, after[arn], pid)
		}
	}
	w.onceEach(file)
}

func remove(from map[string]int, key string) map[string]int {
	delete(from, key)
	return from
}

// wall is a server whose disk becomes full.
type wall struct {
	t            *testing.T
	server       *harness.Server
	definition   string
	acknowledged []string // services
}

// maxCommands is more than fit on what free pages a full disk's file still has.
const maxCommands = 500

// meet creates services until one is refused, and gives its name.
func (w *wall) meet(prefix string) string {
	w.t.Helper()
	one := int32(1)
	for i := range maxCommands {
		name := fmt.Sprintf("%s%d", prefix, i)
		_, err := w.server.ECS().CreateService(w.t.Context(), &awsecs.CreateServiceInput{ServiceName: &name, TaskDefinition: &w.definition, DesiredCount: &one})
		if err == nil {
			w.acknowledged = append(w.acknowledged, name)
			continue
		}
		var refused smithy.APIError
		if !errors.As(err, &refused) || refused.ErrorCode() != "ServerException" || !strings.Contains(refused.ErrorMessage(), "no space left on device") {
			w.t.Fatalf("a command on a full disk: %v, want a ServerException that says why", err)
		}
		w.t.Logf("after %d more services: %s", i, refused.ErrorMessage())
		return name
	}
	w.t.Fatalf("%d services were created on a full disk", maxCommands)
	return ""
}

// unmoved sees that reads answer and that on a full disk nothing else runs than before.
func (w *wall) unmoved(before map[string]int) {
	w.t.Helper()
	for _, name := range w.acknowledged {
		if got := w.server.Service(name); *got.Status != "ACTIVE" {
			w.t.Errorf("service %s is %s", name, *got.Status)
		}
	}
	var want []int
	for _, pid := range before {
		want = append(want, pid)
	}
	for _, p := range w.server.Processes() {
		if i := slices.Index(want, p.PID); i >= 0 {
			want = slices.Delete(want, i, i+1)
		} else if !slices.ContainsFunc(w.server.AllTasks(), isTask(p.Task)) {
			w.t.Errorf("process %d was started for task %s, which is not committed", p.PID, p.Task)
		}
	}
	if len(want) > 0 {
		w.t.Errorf("processes %v ended on a full disk", want)
	}
}

func isTask(id string) func(types.Task) bool {
	return func(t types.Task) bool { return harness.TaskID(*t.TaskArn) == id }
}

// recovered waits until commands are carried out again. The one that was refused has been, or has not.
func (w *wall) recovered(pending string) {
	w.t.Helper()
	one := int32(1)
	name := "after-" + pending
	harness.Until(w.t, "commands are carried out again", func() error {
		_, err := w.server.ECS().CreateService(w.t.Context(), &awsecs.CreateServiceInput{ServiceName: &name, TaskDefinition: &w.definition, DesiredCount: &one})
		return err
	})
	w.acknowledged = append(w.acknowledged, name)
	if got := stateOf(w.t, w.server, pending); got == (state{w.definition, 1, true}) {
		w.t.Log("the service that was refused is there")
		w.acknowledged = append(w.acknowledged, pending)
	} else if got != (state{}) {
		w.t.Errorf("service %s is %+v", pending, got)
	}
	w.server.Steady(w.acknowledged...)
	harness.Until(w.t, "tasks and processes agree", func() error {
		return agree(w.server.AllTasks(), w.server.Processes())
	})
}

// onceEach sees that no task was started twice.
func (w *wall) onceEach(file string) {
	w.t.Helper()
	all := starts(w.t, file)
	slices.Sort(all)
	if once := slices.Compact(slices.Clone(all)); len(once) != len(all) {
		w.t.Errorf("%d starts of %d tasks", len(all), len(once))
	}
}
