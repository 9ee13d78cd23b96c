package agent

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/driver"
	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
	"ballast/internal/session"
)

// TestCheckupTake counts outcomes as ECS does: 0 and 1 are exit codes, a number before them is the age in seconds.
func TestCheckupTake(t *testing.T) {
	for _, c := range []struct {
		name        string
		retries     int
		startPeriod time.Duration
		outcomes    []int // age in seconds and exit code, in turn
		want        string
	}{
		{"healthy at once", 3, 0, []int{5, 0}, "HEALTHY"},
		{"three in a row", 3, 0, []int{5, 1, 10, 1, 15, 1}, "UNKNOWN UNKNOWN UNHEALTHY"},
		{"a success forgives", 2, 0, []int{5, 1, 10, 0, 15, 1, 20, 0}, "UNKNOWN HEALTHY HEALTHY HEALTHY"},
		{"comes back", 1, 0, []int{5, 1, 10, 0}, "UNHEALTHY HEALTHY"},
		{"a timeout is a failure", 1, 0, []int{5, driver.ExecTimedOut}, "UNHEALTHY"},
		{"failures in the start period", 1, 20 * time.Second, []int{5, 1, 10, 1, 19, 1, 20, 1}, "UNKNOWN UNKNOWN UNKNOWN UNHEALTHY"},
		{"a success ends the start period", 1, 20 * time.Second, []int{5, 1, 10, 0, 15, 1}, "UNKNOWN HEALTHY UNHEALTHY"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var h checkup
			var got []string
			for i := 0; i < len(c.outcomes); i += 2 {
				h.take(c.outcomes[i+1], &ecs.HealthCheck{Retries: c.retries, StartPeriod: c.startPeriod},
					time.Duration(c.outcomes[i])*time.Second)
				got = append(got, h.verdict.String())
			}
			if got := strings.Join(got, " "); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestCheckCommand(t *testing.T) {
	for _, c := range []struct{ given, want string }{
		{"CMD a b", "a b"},
		{"CMD-SHELL a||b", "/bin/sh -c a||b"},
		{"a b", "a b"},
	} {
		if got := strings.Join(checkCommand(strings.Fields(c.given)), " "); got != c.want {
			t.Errorf("%s runs %s, want %s", c.given, got, c.want)
		}
	}
}

var ofChecks = regexp.MustCompile(`exec|code -?\d|HEALTHY|stop `)

// checks gives the lines of a log that concern health checks.
func checks(w *world) string {
	var b strings.Builder
	for line := range strings.Lines(w.log.String()) {
		if ofChecks.MatchString(line) {
			b.WriteString(strings.Join(strings.Fields(line), " ") + "\n")
		}
	}
	return b.String()
}

// talker is a world with a session in which control acknowledges whatever it is told.
type talker struct {
	*world
	seq uint64
}

func newTalker() *talker {
	w := newWorld()
	w.settle()
	w.give(Connected{1})
	return &talker{world: w}
}

func (w *talker) assign(tasks ...session.Assignment) {
	w.seq++
	m := session.Assignments{Session: 1, Seq: w.seq, Manifest: w.seq == 1, Tasks: tasks}
	for _, r := range w.reports {
		m.Ack = r.Seq
	}
	w.give(Assigned{m})
}

// live lets time pass, in which control acknowledges every second.
func (w *talker) live(d time.Duration) {
	for until := w.now.Add(d); w.now < until; {
		w.pass(min(time.Second, until.Sub(w.now)))
		w.settle()
		w.assign()
	}
}

// TestChecks plays a container that is healthy after a while, then hangs: a check comes an interval after the one before has
// ended, changes are reported at once, and a stop does not wait for a check.
func TestChecks(t *testing.T) {
	w := newTalker()
	what := work(checkedBox("web", fake.EnvHealth, "unhealthy,healthy@8s,hangs@14s", fake.EnvHealthTakes, "1s"))
	w.assign(run(1, what))
	w.live(35 * time.Second)
	w.assign(stop(1, what))
	want := `5.000 call 5 exec t1/web
6.000 result 5 code 1
11.000 call 6 exec t1/web
12.000 result 6 code 0
web RUNNING HEALTHY fake-1
17.000 call 7 exec t1/web
20.000 result 7 code -1
25.000 call 8 exec t1/web
28.000 result 8 code -1
web RUNNING UNHEALTHY fake-1
33.000 call 9 exec t1/web
35.000 call 10 stop t1/web within 30s
web STOPPED UNHEALTHY fake-1 code 143
`
	got := regexp.MustCompile(`(?m)^.*(result 10|event|t1 STOPPED).*\n`).ReplaceAllString(checks(w.world), "")
	if diff := cmp.Diff(want, dedup(got)); diff != "" {
		t.Errorf("(-want +got)\n%s\n%s", diff, w.log.String())
	}
}

// dedup leaves out a report that repeats the one before, for want of an acknowledgement.
func dedup(s string) string {
	var out strings.Builder
	said := ""
	for line := range strings.Lines(s) {
		if strings.HasPrefix(line, "web ") {
			if line == said {
				continue
			}
			said = line
		}
		out.WriteString(line)
	}
	return out.String()
}

// TestChecksBeginInTheStartPeriod has a check that begins in the start period and ends after it not count (moby, daemon/health.go).
func TestChecksBeginInTheStartPeriod(t *testing.T) {
	w := newTalker()
	d := checkedBox("web", fake.EnvHealth, "unhealthy", fake.EnvHealthTakes, "2s")
	d.HealthCheck.Retries, d.HealthCheck.StartPeriod = 1, 6*time.Second
	w.assign(run(1, work(d)))
	w.live(15 * time.Second)
	want := `5.000 call 5 exec t1/web
7.000 result 5 code 1
12.000 call 6 exec t1/web
14.000 result 6 code 1
web RUNNING UNHEALTHY fake-1
`
	if diff := cmp.Diff(want, dedup(checks(w.world))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestChecksAfterRestart has an agent that starts anew go on with the verdict that control has, in the old rhythm.
func TestChecksAfterRestart(t *testing.T) {
	w := newTalker()
	what := work(checkedBox("web"))
	w.assign(run(1, what))
	w.live(7 * time.Second)
	w.boot()
	w.settle()
	w.log.Reset()
	w.reports, w.seq = nil, 0
	w.give(Connected{1})
	known := *what
	known.Launched, known.Health = true, []ecs.Health{ecs.HealthHealthy}
	w.assign(run(1, &known))
	w.live(4 * time.Second)
	want := "web RUNNING HEALTHY fake-1\n10.000 call 2 exec t1/web\n10.000 result 2 code 0\n"
	if diff := cmp.Diff(want, dedup(checks(w.world))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestCheckFault has the driver be away: that says nothing of the container.
func TestCheckFault(t *testing.T) {
	w := newTalker()
	d := checkedBox("web")
	d.HealthCheck.Retries = 1
	w.assign(run(1, work(d)))
	w.live(4 * time.Second)
	w.model.Fault(1)
	w.live(2 * time.Second)
	if got := w.m.tasks[taskID(1)].containers[0].check.verdict; got != ecs.HealthUnknown {
		t.Errorf("after a fault the container is %s", got)
	}
	w.live(5 * time.Second)
	if got := w.m.tasks[taskID(1)].containers[0].check.verdict; got != ecs.HealthHealthy {
		t.Errorf("the next check finds it %s", got)
	}
}

// BenchmarkChecks is what the machine takes for a thousand containers that are checked every five seconds: one operation is
// five seconds of theirs.
func BenchmarkChecks(b *testing.B) {
	w := newTalker()
	var tasks []session.Assignment
	what := work(checkedBox("web"))
	for n := range 1000 {
		tasks = append(tasks, session.Assignment{Task: ecs.ID{14: byte(n >> 8), 15: byte(n)}, Desired: ecs.StatusRunning, Work: what})
	}
	w.assign(tasks...)
	w.live(10 * time.Second)
	w.log.Reset()
	b.ResetTimer()
	for b.Loop() {
		w.live(5 * time.Second)
	}
	b.ReportMetric(float64(strings.Count(w.log.String(), "exec"))/float64(b.N), "checks/op")
	if w.log.Len() == 0 {
		b.Fatal(fmt.Errorf("nothing was checked"))
	}
}
