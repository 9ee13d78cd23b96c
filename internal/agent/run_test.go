package agent

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"ballast/internal/driver"
	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
	"ballast/internal/session"
)

// office is control's side of a running agent: a desk that answers whatever comes in.
type office struct {
	*testing.T
	driver *fake.Driver
	agent  *Agent
	peers  chan session.Peer
	peer   session.Peer
	desk   desk
	seen   []session.Report
	ended  chan error
	stop   context.CancelFunc
}

// bubble runs a test with an agent under virtual time.
func bubble(t *testing.T, test func(*office)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		o := &office{T: t, driver: fake.New(7), peers: make(chan session.Peer, 8), ended: make(chan error, 1), stop: cancel}
		o.agent = NewAgent(Config{Instance: ecs.ID{0xee}, Hello: session.Hello{Cluster: "default"}}, o.driver,
			func(context.Context) (session.Conn, error) {
				conn, peer := session.Pipe()
				o.peers <- peer
				return conn, nil
			})
		go func() { o.ended <- o.agent.Run(ctx) }()
		o.peer = <-o.peers
		test(o)
		cancel()
		if err := <-o.ended; err != nil && !errors.As(err, new(*RefusedError)) {
			t.Errorf("Run gave %v", err)
		}
	})
}

// serve answers the agent until it has said something that satisfies cond, and gives how long that took.
func (o *office) serve(what string, cond func() bool) time.Duration {
	o.Helper()
	began := time.Now()
	for {
		o.send()
		if cond() {
			return time.Since(began)
		}
		if time.Since(began) > time.Hour {
			o.Fatalf("waited in vain: %s", what)
		}
		r, err := o.peer.Recv()
		if err != nil {
			o.peer = <-o.peers
			continue
		}
		o.seen = append(o.seen, r)
		o.desk.take(r)
	}
}

func (o *office) send() {
	if m, any := o.desk.next(ecs.TimeOf(time.Now())); any {
		o.peer.Send(m)
	}
}

func (o *office) run(n int, w *session.Work) *wish {
	t := &wish{id: taskID(n), work: w, desired: ecs.StatusRunning}
	o.desk.tasks = append(o.desk.tasks, t)
	return t
}

func (w *wish) end() { w.desired, w.told, w.known = ecs.StatusStopped, 0, false }

func (w *wish) is(status ecs.Status) func() bool {
	return func() bool { return w.last.Status == status }
}

func TestAgentRunsAndStopsTasks(t *testing.T) {
	bubble(t, func(o *office) {
		web := o.run(1, work(box("web", fake.EnvStartDelay, "5ms", fake.EnvStopDelay, "2s", fake.EnvStdout, "hello")))
		if d := o.serve("RUNNING", web.is(ecs.StatusRunning)); d != 5*time.Millisecond {
			o.Errorf("RUNNING after %v, want the 5ms that the start takes", d)
		}
		lines, _, err := o.agent.Logs(o.Context(), web.id, "web", 0, driver.LogLimit{Lines: 10})
		if err != nil || len(lines) != 1 || lines[0].Text != "hello" {
			o.Errorf("logs are %v, %v, want hello", lines, err)
		}
		web.end()
		if d := o.serve("STOPPED", web.is(ecs.StatusStopped)); d != 2*time.Second {
			o.Errorf("STOPPED after %v, want the 2s that the stop takes", d)
		}
	})
}

func TestStopsDoNotHoldUpStarts(t *testing.T) {
	bubble(t, func(o *office) {
		var stubborn []*wish
		for n := range 200 {
			stubborn = append(stubborn, o.run(n, work(box("web", fake.EnvIgnoreSIGTERM, "true"))))
		}
		all := func(status ecs.Status) func() bool {
			return func() bool {
				for _, w := range stubborn {
					if w.last.Status != status {
						return false
					}
				}
				return true
			}
		}
		if d := o.serve("all RUNNING", all(ecs.StatusRunning)); d > 0 {
			o.Errorf("200 instant starts took %v", d)
		}
		for _, w := range stubborn {
			w.end()
		}
		o.send()
		fresh := o.run(201, work(box("web")))
		if d := o.serve("RUNNING", fresh.is(ecs.StatusRunning)); d > 0 {
			o.Errorf("a start beside 200 stops took %v", d)
		}
		if d := o.serve("all STOPPED", all(ecs.StatusStopped)); d != DefaultStopTimeout {
			o.Errorf("200 stops took %v, want %v", d, DefaultStopTimeout)
		}
	})
}

func TestPullsDoNotHoldUpStartsAndEndWithTheTask(t *testing.T) {
	bubble(t, func(o *office) {
		var pulling []*wish
		for n := range 100 {
			pulling = append(pulling, o.run(n, work(box("web", "image", "fake/pull:1h"))))
		}
		local := o.run(100, work(box("web")))
		if d := o.serve("RUNNING", local.is(ecs.StatusRunning)); d > 0 {
			o.Errorf("RUNNING after %v, want at once", d)
		}
		for _, w := range pulling {
			w.end()
		}
		for _, w := range pulling {
			if d := o.serve("STOPPED", w.is(ecs.StatusStopped)); d > 0 {
				o.Errorf("a task that waits for its image took %v to stop", d)
			}
		}
	})
}

func TestAgentConnectsAgain(t *testing.T) {
	bubble(t, func(o *office) {
		web := o.run(1, work(box("web", fake.EnvExitAfter, "1m", fake.EnvExitCode, "9")))
		o.serve("RUNNING", web.is(ecs.StatusRunning))
		first := o.desk.session
		o.peer.Close()
		o.serve("STOPPED", web.is(ecs.StatusStopped))
		if o.desk.session <= first {
			o.Errorf("session %d came after %d", o.desk.session, first)
		}
		if code := web.last.Containers[0].ExitCode; code == nil || *code != 9 {
			o.Errorf("exit code is %v, want 9", code)
		}
	})
}

func TestAgentLooksAgainWhenTheDriverLosesSight(t *testing.T) {
	bubble(t, func(o *office) {
		web := o.run(1, work(box("web")))
		o.serve("RUNNING", web.is(ecs.StatusRunning))
		// It ends while nobody looks, and the list that shows it succeeds only at the third attempt.
		o.driver.Lose()
		if _, err := o.driver.Stop(o.Context(), driver.Key{Task: web.id, Container: "web"}, time.Second); err != nil {
			o.Fatal(err)
		}
		o.driver.Fault(2)
		if d := o.serve("STOPPED", web.is(ecs.StatusStopped)); d > time.Second {
			o.Errorf("STOPPED was noticed after %v", d)
		}
	})
}

func TestRefusedAgentEnds(t *testing.T) {
	bubble(t, func(o *office) {
		o.serve("hello", func() bool { return o.desk.session != 0 })
		o.peer.Send(session.Assignments{Session: o.desk.session, Seq: o.desk.sent + 1, Refused: "unknown instance", Deregistered: true})
		var refused *RefusedError
		err := <-o.ended
		if !errors.As(err, &refused) || refused.Reason != "unknown instance" || !refused.Deregistered {
			o.Errorf("Run gave %v, want the refusal", err)
		}
		o.ended <- err
	})
}

func TestIdleAgentOnlyHeartbeats(t *testing.T) {
	bubble(t, func(o *office) {
		web := o.run(1, work(box("web")))
		o.serve("RUNNING", web.is(ecs.StatusRunning))
		o.serve("the acknowledgements", func() bool { return !o.desk.fresh && web.known })
		o.seen = nil
		began := time.Now()
		o.serve("ten minutes", func() bool { return time.Since(began) >= 10*time.Minute })
		if want := int(10 * time.Minute / session.HeartbeatEvery); len(o.seen) != want {
			o.Errorf("an idle agent sent %d reports in ten minutes, want %d heartbeats", len(o.seen), want)
		}
	})
}

func TestAgentEndsAtOnce(t *testing.T) {
	bubble(t, func(o *office) {
		web := o.run(1, work(box("web", fake.EnvIgnoreSIGTERM, "true"), box("db", "image", "fake/pull:1h")))
		o.serve("db is PENDING", func() bool { return len(web.last.Containers) == 2 })
		web.end()
		o.send()
		synctest.Wait()
		began := time.Now()
		o.stop()
		o.ended <- <-o.ended
		if d := time.Since(began); d > 0 {
			o.Errorf("Run ended after %v", d)
		}
	})
}

func TestUnreachableControlIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		attempts := 0
		a := NewAgent(Config{}, fake.New(1), func(context.Context) (session.Conn, error) {
			attempts++
			return nil, errors.New("connection refused")
		})
		if err := a.Run(ctx); err != nil {
			t.Fatal(err)
		}
		// 100 ms, 200 ms, ... 3.2 s, and then every 5 s.
		if attempts < 15 || attempts > 20 {
			t.Errorf("%d attempts in a minute", attempts)
		}
	})
}

// ender hears of tasks that are over.
type ender struct {
	*fake.Driver
	over chan ecs.ID
}

func (e ender) End(_ context.Context, task ecs.ID) error {
	e.over <- task
	return nil
}

// TestDriversHearOfTheEndOfTasks: only of those that are stopped, and of nothing else.
func TestDriversHearOfTheEndOfTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := ender{fake.New(7), make(chan ecs.ID, 8)}
		a := NewAgent(Config{}, e, nil)
		a.act(t.Context(), Batch{Reports: []session.Report{{Tasks: []session.TaskReport{
			{Task: ecs.ID{1}, Status: ecs.StatusRunning}, {Task: ecs.ID{2}, Status: ecs.StatusStopped}}}}})
		a.background.Wait()
		if len(e.over) != 1 || <-e.over != (ecs.ID{2}) {
			t.Error("the driver has not heard of task 2, or of others")
		}
	})
}

// TestAnEndIsToldOnceAtATime: a report that is repeated while the driver still hears of the end of a task adds nothing to do.
func TestAnEndIsToldOnceAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := ender{fake.New(7), make(chan ecs.ID)}
		a := NewAgent(Config{}, e, nil)
		report := Batch{Reports: []session.Report{{Tasks: []session.TaskReport{{Task: ecs.ID{2}, Status: ecs.StatusStopped}}}}}
		for range 2 { // what comes after the driver has heard it, it hears again
			for range 3 {
				a.act(t.Context(), report)
			}
			<-e.over
			synctest.Wait()
			select {
			case <-e.over:
				t.Error("the driver hears the same twice")
			default:
			}
		}
	})
}
