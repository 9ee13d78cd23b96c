//go:build linux

package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/test/harness"
)

const (
	users  = 4
	rounds = 10
	// quickest and slowest bound the moment of a kill, from the beginning of a round's load.
	quickest = 10 * time.Millisecond
	slowest  = 500 * time.Millisecond
)

// TestServerKilled: kill -9 of the server at any moment loses nothing that was acknowledged and starts nothing twice.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	h := newHammer(t, harness.New(t, raced))
	for range rounds {
		h.round(t, func() { h.server.Kill() }, func() {
			h.dieYoung(t, false)
			h.server.Up()
		})
	}
	for _, task := range h.settled(t) {
		// The keeper has seen every end.
		if h.started[harness.TaskID(*task.TaskArn)] && *task.LastStatus == "STOPPED" && task.Containers[0].ExitCode == nil {
			t.Errorf("an exit code was lost: %s", harness.Text(task))
		}
	}
	if strings.Contains(h.server.Said(), "DATA RACE") {
		t.Error("there is a data race")
	}
	h.summary(t)
}

// TestKeeperKilled: kill -9 of the keeper is survived by its containers, which the next keeper adopts.
func TestKeeperKilled(t *testing.T) {
	t.Parallel()
	h := newHammer(t, harness.New(t, exe))
	for range rounds {
		h.round(t, func() {
			if !h.server.KillKeeper() {
				t.Error("there is no keeper to kill")
			}
		}, func() {
			harness.Until(t, "there is another keeper", func() error {
				if h.server.Keeper() == 0 {
					return errors.New("there is none")
				}
				return nil
			})
		})
	}
	h.summary(t)
}

// TestServerAndKeeperKilled: together, in either order.
func TestServerAndKeeperKilled(t *testing.T) {
	t.Parallel()
	h := newHammer(t, harness.New(t, exe))
	for i := range rounds {
		h.round(t, func() {
			if i%2 == 0 {
				h.server.KillKeeper()
			}
			h.server.Kill()
			h.server.KillKeeper()
		}, func() {
			h.dieYoung(t, true)
			h.server.Up()
		})
	}
	h.summary(t)
}

// maxDeaths is how often a server dies while it starts, before it is left alone; oldest is the age that it reaches.
const (
	maxDeaths = 2
	oldest    = 80 * time.Millisecond
)

// dieYoung starts servers and kills them while they take over what the last one left, with their keeper or without.
func (h *hammer) dieYoung(t *testing.T, keeperToo bool) {
	t.Helper()
	for range h.chance.IntN(maxDeaths + 1) {
		h.server.Launch()
		time.Sleep(time.Duration(h.chance.Int64N(int64(oldest))))
		h.server.Kill()
		if keeperToo {
			h.server.KillKeeper()
		}
	}
}

// hammer is a server under load.
type hammer struct {
	server  *harness.Server
	chance  *rand.Rand
	file    string // where containers note their starts
	users   []*user
	changes int // that were acknowledged
	// started are the tasks of which a container noted its start.
	started map[string]bool
}

func newHammer(t *testing.T, s *harness.Server) *hammer {
	h := &hammer{server: s, chance: chance(t), file: filepath.Join(t.TempDir(), "starts")}
	s.Up()
	var definitions []string
	for range 2 {
		definitions = append(definitions, s.Define("sleeper", shell(startsRecorded+"exec sleep 1000000", h.file)))
	}
	for i := range users {
		h.users = append(h.users, &user{name: fmt.Sprintf("user%d", i), definitions: definitions,
			chance: rand.New(rand.NewPCG(h.chance.Uint64(), uint64(i)))})
	}
	return h
}

// round has the users work, kills something in the middle, brings it back, and looks at everything.
func (h *hammer) round(t *testing.T, kill, restore func()) {
	t.Helper()
	stop := make(chan struct{})
	failed := make(chan error, users)
	var working sync.WaitGroup
	for _, u := range h.users {
		working.Go(func() { failed <- u.work(t, h.server.ECS(), stop) })
	}
	time.Sleep(quickest + time.Duration(h.chance.Int64N(int64(slowest-quickest))))
	kill()
	close(stop)
	working.Wait()
	for range h.users {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	restore()
	for _, u := range h.users {
		u.verify(t, h.server)
	}
	h.settled(t)
	if t.Failed() {
		t.FailNow()
	}
	h.changes = 0
	for _, u := range h.users {
		h.changes += u.changes
	}
}

// summary sees that there was something to lose.
func (h *hammer) summary(t *testing.T) {
	t.Helper()
	t.Logf("%d changes were acknowledged, %d tasks started", h.changes, len(h.started))
	if h.changes < rounds*users || len(h.started) < rounds {
		t.Error("that is too little to mean anything")
	}
}

// settled waits until everything is as it was asked for, sees that what runs is what should, each started once, and gives all
// tasks.
func (h *hammer) settled(t *testing.T) []types.Task {
	t.Helper()
	var names []string
	for _, u := range h.users {
		for _, s := range u.services {
			if s.is.there {
				names = append(names, s.name)
			}
		}
	}
	h.server.Steady(names...)
	var tasks []types.Task
	harness.Until(t, "tasks and processes agree", func() error {
		tasks = h.server.AllTasks()
		return agree(tasks, h.server.Processes())
	})
	known := map[string]types.Task{}
	for _, task := range tasks {
		known[harness.TaskID(*task.TaskArn)] = task
		if *task.LastStatus == "STOPPED" && (task.StopCode == "" || *task.StoppedReason == "" ||
			task.Containers[0].ExitCode == nil && task.Containers[0].Reason == nil) {
			t.Errorf("stopped without a word: %s", harness.Text(task))
		}
	}
	h.started = map[string]bool{}
	for _, id := range starts(t, h.file) {
		if h.started[id] {
			t.Errorf("task %s was started twice", id)
		}
		h.started[id] = true
		if _, found := known[id]; !found {
			t.Errorf("task %s was started and is not known", id)
		}
	}
	for _, u := range h.users {
		for _, k := range u.tasks {
			if task := known[harness.TaskID(k.arn)]; !k.maybe && task.Containers[0].ExitCode != nil {
				t.Errorf("task %s ended and nobody asked for it: %s", k.arn, harness.Text(task))
			}
		}
	}
	return tasks
}

// agree says where tasks and processes do not fit together: a RUNNING task has one process, and others have none.
func agree(tasks []types.Task, processes []harness.Process) error {
	left := map[string]string{}
	for _, task := range tasks {
		if status := *task.LastStatus; status == "RUNNING" && *task.DesiredStatus == "RUNNING" {
			left[harness.TaskID(*task.TaskArn)] = status
		} else if status != "STOPPED" {
			return fmt.Errorf("task %s is %s", *task.TaskArn, status)
		}
	}
	for _, p := range processes {
		if left[p.Task] == "" {
			return fmt.Errorf("process %d (%q) belongs to task %s, which should not run, or has two", p.PID, p.Args, p.Task)
		}
		delete(left, p.Task)
	}
	if len(left) > 0 {
		return fmt.Errorf("tasks without a process: %v", left)
	}
	return nil
}
