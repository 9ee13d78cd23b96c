//go:build linux

package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ballast/test/harness"
)

// fugitives start processes that try to leave their container, each sleeping for the seconds in "$1" to be known by: in a session
// of its own; with a parent that is gone; both; with neither marker nor environment but still in the session. Then the main
// process does what is in "$2".
const fugitives = `setsid sleep "$1" &
(sleep "$1" &)
(setsid sh -c 'sleep "$0" & sleep "$0"' "$1" &)
env -i /bin/sleep "$1" &
nohup setsid sleep "$1" > /dev/null 2>&1 &
trap '' TERM HUP
eval "$2"`

// nFugitives is how many of them sleep.
const nFugitives = 6

// sleeping gives the processes that sleep for a number of seconds.
func sleeping(seconds string) []int {
	var all []int
	dirs, _ := filepath.Glob("/proc/[1-9]*")
	for _, dir := range dirs {
		var pid int
		line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err == nil && strings.HasSuffix(string(line), "sleep\x00"+seconds+"\x00") {
			if fmt.Sscan(filepath.Base(dir), &pid); harness.Alive(pid) {
				all = append(all, pid)
			}
		}
	}
	return all
}

// TestDescendants: whatever a container starts ends with it, wherever it went.
func TestDescendants(t *testing.T) {
	t.Parallel()
	s := up(t)
	random := chance(t)
	for _, test := range []struct {
		name, then string
		code       int32
	}{
		{"stop", "while :; do sleep 1; done", 137},
		{"exit", `while ! [ -e "$0" ]; do sleep 0.01; done; exit 3`, 3},
		{"crash", `while ! [ -e "$0" ]; do sleep 0.01; done; kill -SEGV $$`, 139},
	} {
		t.Run(test.name, func(t *testing.T) {
			seconds := fmt.Sprint(1_000_000 + random.IntN(1_000_000_000))
			gate := filepath.Join(t.TempDir(), "gate")
			c := shell(fugitives, gate, seconds, test.then)
			c.StopTimeout = aws.Int32(1)
			task := s.Run(s.Define(test.name, c))
			var pids []int
			harness.Until(t, "the fugitives are there", func() error {
				if pids = sleeping(seconds); len(pids) != nFugitives {
					return fmt.Errorf("%d are", len(pids))
				}
				return nil
			})
			if test.name == "stop" {
				task = s.Stop(*task.TaskArn)
			} else {
				if err := os.WriteFile(gate, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				task = s.Status(*task.TaskArn, "STOPPED")
			}
			// A task is not STOPPED before they are gone.
			if left := sleeping(seconds); len(left) > 0 {
				t.Errorf("processes %v are left", left)
			}
			if c := task.Containers[0].ExitCode; c == nil || *c != test.code {
				t.Errorf("want exit code %d, got %s", test.code, harness.Text(task))
			}
		})
	}
	if left := s.Processes(); len(left) > 0 {
		t.Errorf("processes are left: %+v", left)
	}
}
