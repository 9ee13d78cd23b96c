package agent

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/driver"
	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
	"ballast/internal/session"
)

var rewrite = flag.Bool("rewrite", false, "write the transcripts under testdata anew")

// script is a world whose control says what the test wants and acknowledges every report at once.
type script struct {
	*world
	session, seq uint64
	deaf         bool // control hears nothing
}

// connect opens a session and sends a manifest.
func (s *script) connect(number uint64, manifest ...session.Assignment) {
	s.say("connected, session %d", number)
	s.session, s.seq = number, 0
	s.give(Connected{number})
	s.reports = nil
	s.send(session.Assignments{Ack: 1, Manifest: true, Tasks: manifest})
}

func (s *script) send(a session.Assignments) {
	s.seq++
	a.Session, a.Seq = s.session, s.seq
	what := "assignments"
	if a.Manifest {
		what = "manifest"
	}
	for _, x := range a.Tasks {
		what += " " + sayID(x.Task) + " " + x.Desired.String()
		if x.Forget {
			what += " forget"
		}
	}
	s.say("%s", what)
	s.give(Assigned{a})
	s.answer()
}

func (s *script) tell(tasks ...session.Assignment) {
	ack := uint64(0)
	if n := len(s.reports); n > 0 {
		ack = s.reports[n-1].Seq
	}
	s.reports = nil
	s.send(session.Assignments{Ack: ack, Tasks: tasks})
}

// answer acknowledges the reports that have come.
func (s *script) answer() {
	for !s.deaf && len(s.reports) > 0 {
		ack := s.reports[len(s.reports)-1].Seq
		s.reports = nil
		s.seq++
		s.give(Assigned{session.Assignments{Session: s.session, Seq: s.seq, Ack: ack}})
	}
}

func (s *script) wait(d time.Duration) {
	s.say("%v pass", d)
	for until := s.now.Add(d); s.now < until; s.answer() {
		next := until
		if at, any := s.model.Next(); any {
			next = min(next, max(at, s.now+1))
		}
		if s.wake != 0 {
			next = min(next, max(s.wake, s.now+1))
		}
		s.pass(next.Sub(s.now))
		s.settle()
	}
}

// TestTranscripts plays what an agent lives through and compares everything that it does with what is written down.
func TestTranscripts(t *testing.T) {
	for name, play := range map[string]func(*script){
		"start-and-stop":        startAndStop,
		"crash":                 crash,
		"two-containers":        twoContainers,
		"optional-container":    optionalContainer,
		"cannot-start":          cannotStart,
		"cannot-pull":           cannotPull,
		"passing-faults":        passingFaults,
		"stop-while-pulling":    stopWhilePulling,
		"kill-after-timeout":    killAfterTimeout,
		"agent-restart":         agentRestart,
		"vanished":              vanishedTask,
		"host-started-anew":     hostStartedAnew,
		"manifest-cleans":       manifestCleans,
		"driver-loses-sight":    driverLosesSight,
		"control-silent":        controlSilent,
		"logs-retained":         logsRetained,
		"assignment-lost":       assignmentLost,
		"stop-does-not-succeed": stopFails,
		"restarts-in-place":     restartsInPlace,
		"restarts-unseen":       restartsUnseen,
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{world: newWorld()}
			play(s)
			got := s.log.String()
			file := filepath.Join("testdata", name+".txt")
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("the transcript differs (-want +got); see -rewrite:\n%s", diff)
			}
		})
	}
}

func startAndStop(s *script) {
	web := box("app", fake.EnvStartDelay, "5ms")
	web.Ports = []ecs.PortMapping{{ContainerPort: 80}}
	s.connect(1)
	s.tell(run(1, work(web)))
	s.wait(time.Second)
	s.tell(stop(1, work(web)))
	s.wait(time.Second)
	s.tell(forget(1))
	s.wait(20 * time.Second)
}

func crash(s *script) {
	s.connect(1)
	s.tell(run(1, work(box("app", fake.EnvExitAfter, "0s", fake.EnvExitCode, "3"))),
		run(2, work(box("app", fake.EnvExitAfter, "2s", fake.EnvExitCode, "1"))))
	s.wait(3 * time.Second)
}

func twoContainers(s *script) {
	s.connect(1)
	s.tell(run(1, work(box("web", fake.EnvStartDelay, "10ms", fake.EnvStopDelay, "2s"), box("db", fake.EnvExitAfter, "1s"))))
	s.wait(5 * time.Second)
}

func optionalContainer(s *script) {
	s.connect(1)
	s.tell(run(1, work(box("web"), optional(box("init", fake.EnvExitAfter, "1s")),
		optional(box("side", fake.EnvFailStart, "exec: not found")))))
	s.wait(5 * time.Second)
}

func cannotStart(s *script) {
	s.connect(1)
	s.tell(run(1, work(box("web", fake.EnvFailStart, "exec: \"serve\": executable file not found"),
		box("slow", "image", "fake/pull:1m"), box("db", fake.EnvStartDelay, "1s"))))
	s.wait(5 * time.Second)
}

func cannotPull(s *script) {
	s.connect(1)
	s.tell(run(1, work(box("web", "image", "fake/missing:web"))))
	s.wait(time.Second)
}

func passingFaults(s *script) {
	s.connect(1)
	s.tell(run(1, work(box("web", "image", "fake/faults:2", fake.EnvFaultStart, "3"))),
		run(2, work(box("web", fake.EnvFaultStart, "100"))))
	s.wait(30 * time.Second)
}

func stopWhilePulling(s *script) {
	w := work(box("web", "image", "fake/pull:1m"))
	s.connect(1)
	s.tell(run(1, w))
	s.wait(time.Second)
	s.tell(stop(1, w))
	s.wait(time.Second)
}

func killAfterTimeout(s *script) {
	web := box("web", fake.EnvIgnoreSIGTERM, "true")
	quick := web
	quick.Name, quick.StopTimeout = "quick", 2*time.Second
	s.connect(1)
	s.tell(run(1, work(web, quick)))
	s.wait(time.Second)
	s.tell(stop(1, work(web, quick)))
	s.wait(40 * time.Second)
}

func agentRestart(s *script) {
	runs, ends, forgotten := work(box("web")), work(box("web", fake.EnvExitAfter, "5s", fake.EnvExitCode, "7")), work(box("web"))
	s.connect(1)
	s.tell(run(1, runs), run(2, ends), run(3, forgotten))
	s.wait(time.Second)
	s.model.Do(s.now, driver.Call{Op: driver.OpCreate, Key: driver.Key{Task: taskID(4), Container: "web"}, Spec: &driver.Spec{}})
	s.wait(time.Second)
	s.say("the agent is gone for a while")
	s.calls, s.blind = nil, true
	s.model.Advance(s.now.Add(9 * time.Second))
	s.now = s.now.Add(10 * time.Second)
	s.boot()
	s.settle()
	launched := func(w *session.Work) *session.Work {
		l := *w
		l.Launched = true
		return &l
	}
	s.connect(2, run(1, launched(runs)), run(2, launched(ends)), run(4, work(box("web"))), run(5, work(box("web"))))
	s.wait(time.Second)
}

func vanishedTask(s *script) {
	w := work(box("web"), optional(box("side")))
	w.Launched = true
	s.connect(1, run(1, w))
	s.wait(time.Second)
}

// hostStartedAnew has a task whose first container has ended, and one whose first container ran, when the machine was started anew and lost
// both: neither is started again, and what waited for the one that ended goes on.
func hostStartedAnew(s *script) {
	code := int32(3)
	migrated := work(optional(box("migrate")), after(box("web"), "migrate", ecs.DependComplete))
	migrated.Heard = []session.Heard{{Status: ecs.StatusStopped, ExitCode: &code}, {Status: ecs.StatusPending}}
	beside := work(box("side"), after(box("web"), "side", ecs.DependHealthy))
	beside.Heard = []session.Heard{{Status: ecs.StatusRunning}, {Status: ecs.StatusPending}}
	s.connect(1, run(1, migrated), run(2, beside))
	s.wait(time.Second)
}

func manifestCleans(s *script) {
	s.connect(1, run(1, work(box("web"))), run(2, work(box("web", fake.EnvStopDelay, "1s"))))
	s.wait(time.Second)
	s.give(Disconnected{})
	s.connect(2, run(1, work(box("web"))))
	s.wait(2 * time.Second)
}

func driverLosesSight(s *script) {
	s.connect(1)
	s.tell(run(1, work(box("web"))), run(2, work(box("web", fake.EnvExitAfter, "1500ms"))), run(3, work(box("web"))))
	s.wait(time.Second)
	s.say("the driver loses sight, and a container")
	s.blind = true
	s.model.Do(s.now, driver.Call{Op: driver.OpStop, Key: driver.Key{Task: taskID(3), Container: "web"}})
	s.model.Do(s.now, driver.Call{Op: driver.OpRemove, Key: driver.Key{Task: taskID(3), Container: "web"}})
	s.model.Advance(s.now)
	s.model.Do(s.now, driver.Call{Op: driver.OpRemove, Key: driver.Key{Task: taskID(3), Container: "web"}})
	s.pass(time.Second)
	s.give(DriverLost{})
	s.answer()
	s.wait(time.Second)
}

func controlSilent(s *script) {
	s.connect(1)
	s.deaf = true
	s.tell(run(1, work(box("web"))))
	s.wait(5 * time.Second)
	s.say("control is back")
	s.deaf = false
	s.answer()
	s.wait(25 * time.Second)
	s.say("control is gone for good")
	s.deaf = true
	s.wait(time.Minute)
}

func logsRetained(s *script) {
	s.connect(1)
	s.tell(run(1, work(box("web", fake.EnvExitAfter, "0s"), optional(box("side")))))
	s.wait(time.Second)
	s.tell(forget(1))
	s.deaf = true
	s.give(Disconnected{})
	s.model.Fault(0)
	s.wait(59 * time.Minute)
	s.wait(2 * time.Minute)
}

func assignmentLost(s *script) {
	s.connect(1)
	s.seq++
	s.say("a message is lost")
	s.tell(run(1, work(box("web"))))
	s.connect(2, run(1, work(box("web"))))
	s.wait(time.Second)
	s.say("an old copy arrives")
	s.give(Assigned{session.Assignments{Session: 1, Seq: 3, Tasks: []session.Assignment{run(2, work(box("web")))}}})
	s.give(Assigned{session.Assignments{Session: 2, Seq: 1, Manifest: true}})
	s.wait(time.Second)
}

func stopFails(s *script) {
	w := work(box("web"))
	s.connect(1)
	s.tell(run(1, w))
	s.wait(time.Second)
	s.model.Fault(10)
	s.tell(stop(1, w))
	s.wait(30 * time.Second)
}
