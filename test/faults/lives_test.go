//go:build linux

package faults

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/test/harness"
)

// politely notes in the file "$0" that it begins, and when it is told to end takes its time and notes that, too.
const politely = `trap 'sleep "${1-0.3}"; echo ended >> "$0"; exit 0' TERM; echo began >> "$0"; while :; do sleep 0.05; done`

// TestInterrupt: Ctrl-C gives the tasks their time and ends everything; the next server goes on where the last one was.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	s := harness.New(t, exe)
	dir := t.TempDir()
	notes := filepath.Join(dir, "notes")
	write(t, filepath.Join(dir, "task-definition.json"), fmt.Sprintf(`{"family": "two", "containerDefinitions": [
		{"name": "first", "image": "none", "memoryReservation": 4, "command": ["/bin/sh", "-c", %[1]q, %[2]q]},
		{"name": "second", "image": "none", "memoryReservation": 4, "command": ["/bin/sh", "-c", %[1]q, %[2]q]}]}`, politely, notes))
	write(t, filepath.Join(dir, "service.json"), `{"serviceName": "two", "taskDefinition": "two", "desiredCount": 1}`)
	s.Up(dir)
	s.Steady("two")
	before := s.Service("two")
	noted(t, notes, "began\nbegan\n")
	keeper := s.Keeper()
	if code := s.Interrupt(); code != 0 {
		t.Errorf("Ctrl-C ends with code %d: %s", code, s.Said())
	}
	noted(t, notes, "began\nbegan\nended\nended\n")
	if left := s.Processes(); len(left) > 0 {
		t.Errorf("processes run on after Ctrl-C: %+v", left)
	}
	gone(t, "the keeper", keeper)
	for _, start := range [][]string{{dir}, nil} {
		s.Up(start...)
		s.Steady("two")
		after := s.Service("two")
		if *after.Deployments[0].Id != *before.Deployments[0].Id || *after.TaskDefinition != *before.TaskDefinition || len(after.Deployments) != 1 {
			t.Errorf("up %v: another deployment: %s", start, harness.Text(after.Deployments))
		}
		if n := after.Deployments[0].FailedTasks; n != 0 {
			t.Errorf("up %v: %d tasks count as failed", start, n)
		}
		keeper := s.Keeper()
		if code := s.Interrupt(); code != 0 || len(s.Processes()) > 0 {
			t.Errorf("Ctrl-C: code %d, processes %+v", code, s.Processes())
		}
		gone(t, "the keeper", keeper) // its last act is to let go of the server
	}
	for _, line := range []string{"Stopping 1 tasks", "Stopped 1 tasks"} {
		if !strings.Contains(s.Said(), line) {
			t.Errorf("up did not say %q: %s", line, s.Said())
		}
	}
}

// TestKeep: with --keep tasks run on without a server, and the next one finds them.
func TestKeep(t *testing.T) {
	t.Parallel()
	s := harness.New(t, exe, "--keep")
	s.Up()
	s.Serve("web", s.Define("web", web()), 2)
	s.Steady("web")
	before := pidsByTask(t, s)
	keeper := s.Keeper()
	if code := s.Interrupt(); code != 0 {
		t.Errorf("Ctrl-C ends with code %d: %s", code, s.Said())
	}
	time.Sleep(lonely)
	for arn, pid := range before {
		if !harness.Alive(pid) {
			t.Errorf("the process of %s was not kept", arn)
		}
	}
	s.Up()
	s.Steady("web")
	after := pidsByTask(t, s)
	for arn, pid := range before {
		if after[arn] != pid {
			t.Errorf("task %s has process %d, want %d", arn, after[arn], pid)
		}
	}
	if len(after) != len(before) || len(s.AllTasks()) != len(before) || s.Keeper() != keeper {
		t.Errorf("tasks %v, want %v; keeper %d, want %d", after, before, s.Keeper(), keeper)
	}
}

// pidsByTask gives the first process of every RUNNING task.
func pidsByTask(t *testing.T, s *harness.Server) map[string]int {
	t.Helper()
	all := map[string]int{}
	for _, task := range s.AllTasks() {
		if *task.LastStatus == "RUNNING" {
			all[*task.TaskArn] = mainPID(t, task)
		}
	}
	return all
}

// sameInterrupt is longer than "ballast up" takes a second signal for the first one, sent twice.
const sameInterrupt = 350 * time.Millisecond

// TestInterruptCutShort: Ctrl-C while tasks take their time to stop, and then the end of the server before that of the tasks. The
// next one brings the service back.
func TestInterruptCutShort(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		cut  func(*testing.T, *harness.Server)
	}{
		{"kill", func(_ *testing.T, s *harness.Server) { s.Kill() }},
		{"again", func(t *testing.T, s *harness.Server) {
			time.Sleep(sameInterrupt)
			if code := s.Interrupt(); code != 130 {
				t.Errorf("a second Ctrl-C ends with code %d, want 130", code)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := up(t)
			notes := filepath.Join(t.TempDir(), "notes")
			s.Serve("polite", s.Define("polite", shell(politely, notes, "1")), 1)
			s.Steady("polite")
			noted(t, notes, "began\n")
			before := s.Service("polite")
			syscall.Kill(s.PID(), syscall.SIGINT)
			harness.Until(t, "the task is told to stop", func() error {
				if !strings.Contains(s.Said(), "Stopping 1 tasks") {
					return errors.New("not yet")
				}
				return nil
			})
			test.cut(t, s)
			s.Up()
			s.Steady("polite")
			if after := s.Service("polite"); *after.Deployments[0].Id != *before.Deployments[0].Id {
				t.Errorf("another deployment: %s", harness.Text(after.Deployments))
			}
			harness.Until(t, "tasks and processes agree", func() error {
				for _, task := range s.AllTasks() {
					if status := *task.LastStatus; status != "RUNNING" && status != "STOPPED" {
						return errors.New(harness.Text(task))
					}
				}
				if n := len(pidsByTask(t, s)); n != 1 {
					return fmt.Errorf("%d tasks run", n)
				}
				return nil
			})
		})
	}
}

// noted waits until a file has a text.
func noted(t *testing.T, file, want string) {
	t.Helper()
	harness.Until(t, "notes are taken", func() error {
		if text, _ := os.ReadFile(file); string(text) != want {
			return fmt.Errorf("%q are, want %q", text, want)
		}
		return nil
	})
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestKeeperReplaced: after the death of a keeper containers run on under the next one; of their ends it knows no code, and says so.
func TestKeeperReplaced(t *testing.T) {
	t.Parallel()
	s := up(t)
	definition := s.Define("web", web())
	s.Serve("web", definition, 2)
	alone := s.Run(definition)
	s.Steady("web")
	s.Status(*alone.TaskArn, "RUNNING")
	before := pidsByTask(t, s)
	if !s.KillKeeper() {
		t.Fatal("there is no keeper to kill")
	}
	harness.Until(t, "there is another keeper", func() error {
		if s.Keeper() == 0 {
			return errors.New("there is none")
		}
		return nil
	})
	if after := pidsByTask(t, s); len(after) != len(before) {
		t.Errorf("tasks %v, want %v", after, before)
	}
	adopted := s.Stop(*alone.TaskArn)
	served := s.Service("web")
	tasks := s.AllTasks()
	i := slices.IndexFunc(tasks, func(v types.Task) bool { return *v.TaskArn != *alone.TaskArn })
	tell(t, tasks[i], "exit?code=5")
	for _, got := range []types.Task{adopted, s.Status(*tasks[i].TaskArn, "STOPPED")} {
		c := got.Containers[0]
		if c.ExitCode != nil || !strings.Contains(aws.ToString(c.Reason), "exit code is not known") || mainPID(t, got) != before[*got.TaskArn] {
			t.Errorf("want no exit code and a reason, got %s", harness.Text(got))
		}
	}
	s.Steady("web")
	if now := s.Service("web"); *now.Deployments[0].Id != *served.Deployments[0].Id {
		t.Errorf("another deployment: %s", harness.Text(now.Deployments))
	}
	// The service's other task was left alone.
	if after := pidsByTask(t, s); len(after) != 2 {
		t.Errorf("%d tasks run, want 2", len(after))
	}
}
