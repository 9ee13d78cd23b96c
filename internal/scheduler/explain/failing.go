package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/scheduler/policy"
)

// cause is why a task failed, alike for tasks that failed alike.
type cause struct {
	code      ecs.StopCode
	container string // the one to blame, "" where none is
	exited    bool
	exit      int32
	problem   string // what a reason begins with: CannotPullContainerError
}

// failure is a task that failed.
type failure struct {
	*ecs.Task
	cause
	reason string // of the container to blame, or of the task
	ran    time.Duration
}

// failureOf tells tasks that failed from those that somebody or the scheduler stopped because they were not wanted any more.
func failureOf(t *ecs.Task) (failure, bool) {
	f := failure{Task: t, cause: cause{code: t.StopCode}, reason: t.StoppedReason}
	switch t.StopCode {
	case ecs.TaskFailedToStart, ecs.EssentialContainerExited:
		if i := blame(t); i >= 0 {
			c := &t.Containers[i]
			f.container, f.reason = t.Definition.Containers[i].Name, cmp.Or(c.Reason, t.StoppedReason)
			if c.ExitCode != nil {
				f.exited, f.exit = true, *c.ExitCode
			}
		}
		f.problem = problem(f.reason)
	case ecs.InfrastructureHealth:
	case ecs.ServiceSchedulerInitiated:
		if !strings.Contains(t.StoppedReason, "health checks") {
			return f, false
		}
	default:
		return f, false
	}
	if t.StartedAt != 0 {
		end := cmp.Or(t.ExecutionStoppedAt, t.StoppingAt, t.StoppedAt)
		f.ran = max(0, end.Sub(t.StartedAt))
	}
	return f, true
}

// problem is the name that a reason begins with, "" where it is none of ECS's.
func problem(reason string) string {
	name, _, _ := strings.Cut(reason, ":")
	if strings.Contains(name, " ") || !strings.HasSuffix(name, "Error") {
		return ""
	}
	return name
}

// signalled is the exit code of a container that was ended by SIGKILL or SIGTERM, as those are that end with another one.
func signalled(code int32) bool { return code == 128+9 || code == 128+15 }

// blame finds the container that ended a task, -1 for none.
func blame(t *ecs.Task) int {
	best, most := -1, 0
	for i := range t.Containers {
		if guilt := guilt(t, i); guilt > most {
			best, most = i, guilt
		}
	}
	return best
}

// guilt says how likely it is that a container ended its task, 0 for not at all: surely where it says why, then by an exit code that
// is not that of one which was ended because another was over.
func guilt(t *ecs.Task, i int) int {
	c, essential := &t.Containers[i], t.Definition.Containers[i].Essential
	code := c.ExitCode
	switch {
	case strings.HasPrefix(c.Reason, "TaskStoppedBeforePullBeginError"), strings.HasPrefix(c.Reason, "Container was stopped before"):
		return 0
	case strings.Contains(c.Reason, "dependency graph"):
		return 2 // of the agent, about the end of another
	case c.Reason != "" && (essential || code == nil):
		return 4
	case code == nil:
		return 0
	case !signalled(*code) && (essential || *code != 0 && t.StartedAt == 0):
		return 3
	case essential:
		return 2
	case *code != 0:
		return 1
	}
	return 0
}

// lately is how old a failure may be to count as going on.
const lately = 10 * time.Minute

// failing tells why the tasks of the service that failed last did so.
func (b *builder) failing() {
	var last []failure
	for _, t := range b.Stopped {
		if f, is := failureOf(t); is && len(last) < maxFailures {
			last = append(last, f)
		}
	}
	var order []cause
	groups := map[cause][]failure{}
	recent, looped := 0, 0
	for _, f := range last {
		if groups[f.cause] == nil {
			order = append(order, f.cause)
		}
		groups[f.cause] = append(groups[f.cause], f)
		if b.Now.Sub(f.StoppingAt) < lately {
			recent++
			if f.code == ecs.EssentialContainerExited {
				looped++
			}
		}
	}
	slices.SortStableFunc(order, func(x, y cause) int { return cmp.Compare(len(groups[y]), len(groups[x])) })
	weight := Note
	if !b.Service.Steady && b.Service.Desired > 0 && recent > 1 {
		weight = Broken
	}
	for _, c := range order {
		f := b.failures(groups[c], len(last))
		f.Weight = weight
		b.add(f)
	}
	if looped > 1 && weight == Broken {
		b.endless()
	}
}

// endless tells of a loop that ECS lets run for ever, where nothing is set that would end it.
func (b *builder) endless() {
	p := &b.View.Policy
	if p.Brake != policy.BrakeOff || p.BreakerCountsExits && b.Service.Breaker.Enabled {
		return
	}
	b.add(Finding{Kind: Endless, Weight: Held,
		Text: "Tasks that end after they came to RUNNING are replaced for ever: neither the throttle nor the circuit breaker of ECS counts them.",
		Try: []string{"Tag the service ballast:loop-brake=backoff or park, or give it a circuit breaker and the tag ballast:breaker-counts-exits=true.",
			b.update("--desired-count 0") + "   # ends the loop"}})
}

// failures tells of tasks that failed alike, the newest first, of all that failed lately.
func (b *builder) failures(alike []failure, all int) Finding {
	newest := &alike[0]
	f := Finding{Kind: Failing, Count: len(alike), Limit: all, Container: newest.container, StopCode: newest.code.String(), Reason: newest.reason}
	if newest.exited {
		f.ExitCode = &newest.exit
	}
	for _, one := range alike[:min(len(alike), maxNamed)] {
		f.Tasks = append(f.Tasks, one.ID.String())
	}
	who := fmt.Sprintf("%d of the last %d tasks to fail", len(alike), all)
	switch {
	case all == 1:
		who = "The last task to fail"
	case len(alike) == all:
		who = fmt.Sprintf("The last %d tasks to fail", all)
	}
	f.Text = who + " " + newest.what(median(alike)) + "; " + verb(len(alike), "that was ", "the last one ") + ago(b.Now.Sub(newest.StoppingAt)) + "."
	f.Try = newest.advice()
	return f
}

func ago(d time.Duration) string {
	if d < time.Second {
		return "just now"
	}
	return Span(d) + " ago"
}

// median is how long the tasks ran.
func median(alike []failure) time.Duration {
	var ran []time.Duration
	for i := range alike {
		ran = append(ran, alike[i].ran)
	}
	slices.Sort(ran)
	return ran[len(ran)/2]
}

// what says what became of the task, in words that follow a number of tasks.
func (f *failure) what(ran time.Duration) string {
	in := ""
	if len(f.Containers) > 1 && f.container != "" {
		in = " (container " + f.container + ")"
	}
	switch {
	case f.code == ecs.InfrastructureHealth:
		return "ended as a container instance was lost"
	case f.code == ecs.ServiceSchedulerInitiated:
		return "did not pass health checks, and stopped after " + about(ran)
	case f.StartedAt == 0 && f.exited:
		return fmt.Sprintf("ended with exit code %d before RUNNING%s", f.exit, in)
	case f.StartedAt == 0:
		return "did not start" + in + ": " + oneLine(f.reason)
	case f.exited && f.problem != "":
		return fmt.Sprintf("ended with exit code %d%s after %s: %s", f.exit, in, about(ran), oneLine(f.reason))
	case f.exited:
		return fmt.Sprintf("ended with exit code %d%s after %s", f.exit, in, about(ran))
	}
	return "ended" + in + " after " + about(ran) + ": " + oneLine(f.reason)
}
