package scheduler

import (
	"slices"
	"testing"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/scheduler/policy"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// world is a service with its tasks as control would keep them: a plain list beside the Tracker, a clock, and placement that
// refuses or not.
type world struct {
	t       *rapid.T
	now     ecs.Time
	service ecs.Service
	failed  map[ecs.DeploymentID]int // failures counted by hand
	policy  policy.Policy
	tracker *Tracker
	tasks   []life
	lastSeq uint64
	lastID  ecs.DeploymentID
	refuse  bool // placement refuses every start
}

// grace is the grace period of the service.
const grace = 30 * time.Second

type life struct {
	Task
	runningAt ecs.Time
}

func newWorld(t *rapid.T) *world {
	// The rules of 2026 have the most branches.
	name := rapid.SampledFrom(append(policy.Names(), "ecs-2026", "ecs-2026")).Draw(t, "policy")
	p, err := policy.Named(name)
	if err != nil {
		t.Fatal(err)
	}
	if rapid.Bool().Draw(t, "slow pace") {
		p.PacePerMinute = 1
	}
	w := &world{t: t, now: 1_000_000, policy: p, tracker: NewTracker(), lastID: 100,
		failed: map[ecs.DeploymentID]int{}}
	w.service = ecs.Service{Name: "web", Desired: rapid.IntRange(0, 9).Draw(t, "desired")}
	w.service.Breaker = rapid.SampledFrom([]ecs.Breaker{{}, {Enabled: true}, {Enabled: true, Rollback: true},
		{Enabled: true, Rollback: true, Type: ecs.FailureCount, Value: 2},
		{Enabled: true, Cumulative: true, Type: ecs.UnboundedPercent, Value: 40}}).Draw(t, "breaker")
	w.policy.Brake = rapid.SampledFrom([]policy.LoopBrake{policy.BrakeOff, policy.BrakeBackoff, policy.BrakePark}).Draw(t, "brake")
	w.policy.BrakeAfter = 2
	w.service.Early = rapid.SampledFrom([]*ecs.EarlySuccess{nil, nil, {Enabled: true, Percent: 50}, {Enabled: true, Percent: 67, Deferred: true},
		{Percent: 50}}).Draw(t, "early")
	w.service.Alarms = rapid.SampledFrom([]*ecs.DeploymentAlarms{nil, nil, {Enabled: true, Rollback: true}, {Enabled: true}, {Rollback: true}}).Draw(t, "alarms")
	w.policy.BreakerCountsExits = rapid.Bool().Draw(t, "exits count")
	w.drawPercents()
	w.deploy()
	w.check()
	return w
}

func (w *world) drawPercents() {
	w.service.MinimumHealthyPercent = rapid.SampledFrom([]int{0, 34, 50, 67, 100}).Draw(w.t, "minimum")
	w.service.MaximumPercent = rapid.SampledFrom([]int{100, 123, 150, 200}).Draw(w.t, "maximum")
}

// deploy puts a new deployment before the others.
func (w *world) deploy() {
	if ds := w.service.Deployments; len(ds) > 0 {
		ds[0].Desired = w.tracker.View().Deployments[0].Counts.Running()
	}
	w.lastID++
	w.service.Deployments = append([]ecs.Deployment{{ID: w.lastID, Unwatched: w.tracker.View().Raised}}, w.service.Deployments...)
	w.service.Current, w.service.BakingSince = &ecs.ServiceDeployment{Status: ecs.ServiceDeploymentInProgress}, 0
	w.sync()
	w.tracker.Deployed(rapid.Bool().Draw(w.t, "redefined"), w.now)
}

func (w *world) sync() {
	w.tracker.SetDeployments(w.service.Deployments)
	w.tracker.SetService(&w.service, w.policy)
}

// pick draws a task in one of the phases, or gives -1.
func (w *world) pick(phases ...Phase) int {
	var at []int
	for i := range w.tasks {
		if slices.Contains(phases, w.tasks[i].Phase) {
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		return -1
	}
	return rapid.SampledFrom(at).Draw(w.t, "task")
}

func (w *world) move(i int, phase Phase) {
	task := &w.tasks[i]
	task.Phase, task.Due = phase, 0
	switch phase {
	case Graced:
		task.Due = task.runningAt.Add(grace)
	case Warming:
		task.runningAt = w.now
		task.Due = w.now.Add(w.policy.HealthyAfter)
	}
	if w.tracker.Update(task.Task); phase == Warming {
		w.tracker.CameUp(task.Deployment, w.now)
	}
	if phase == Healthy {
		w.proved(task.Deployment)
	}
}

// newest says whether a deployment is the newest and under way.
func (w *world) newest(id ecs.DeploymentID) bool {
	d := w.service.Deployments[0]
	return d.ID == id && d.Rollout == ecs.RolloutInProgress
}

func (w *world) proved(id ecs.DeploymentID) {
	if w.service.Deployments[0].ID == id && !w.service.Breaker.Cumulative {
		w.failed[id] = 0
	}
}

// count counts a failure where the rules say so: one stage until a task runs, and another one then.
func (w *world) count(id ecs.DeploymentID, start bool) {
	running := slices.ContainsFunc(w.tasks, func(l life) bool {
		return l.Deployment == id && (l.Phase == Graced || l.Phase == Warming || l.Phase == Healthy || l.Phase == Unhealthy)
	})
	if w.newest(id) && !(start && running) {
		w.failed[id]++
	}
}

// die ends a task by itself.
func (w *world) die(i int) {
	ran, task := time.Duration(0), w.tasks[i]
	if task.runningAt != 0 {
		ran = w.now.Sub(task.runningAt)
		w.tracker.Exited(task.Deployment, task.Seq, ran, w.now)
		if w.policy.BreakerCountsExits {
			w.count(task.Deployment, false)
		}
	} else {
		w.tracker.FailedToStart(task.Deployment, task.Seq, w.now)
		w.count(task.Deployment, true)
	}
	w.tracker.Died(w.tasks[i].Seq, ran)
	w.move(i, Stopping)
}

func (w *world) remove(i int) {
	w.tracker.Remove(w.tasks[i].Seq)
	w.tasks = slices.Delete(w.tasks, i, i+1)
}

func (w *world) promote() {
	w.tracker.Promote(w.now)
	for i := range w.tasks {
		switch task := &w.tasks[i]; {
		case task.Phase == Warming && task.Due <= w.now:
			task.Phase = Healthy
			w.proved(task.Deployment)
		case task.Phase == Graced && task.Due <= w.now:
			task.Phase = Unhealthy
		}
	}
}

// actors is the plain list for the twin.
func (w *world) actors() []actor {
	list := make([]actor, len(w.tasks))
	for i, task := range w.tasks {
		list[i] = actor{seq: task.Seq, deployment: task.Deployment, phase: task.Phase, protected: task.Protected}
	}
	return list
}

// check decides, compares with the twin, checks the promises of a plan, applies it, and checks that deciding again wants
// nothing.
func (w *world) check() Plan {
	w.promote()
	view := w.tracker.View()
	plan := Decide(view, w.now)
	if diff := cmp.Diff(plan, Decide(view, w.now), equal); diff != "" {
		w.t.Fatalf("deciding twice differs:\n%s", diff)
	}
	twin := slow{view: view, tasks: w.actors()}
	if diff := cmp.Diff(twin.decide(w.now), outcomeOf(plan), equal); diff != "" {
		w.t.Fatalf("fast differs from slow (-slow +fast):\n%s\n%+v", diff, *view)
	}
	w.promises(plan)
	w.apply(plan)
	w.trackerAgrees()
	again := Decide(w.tracker.View(), w.now)
	yields := w.refuse && len(plan.Starts) > 0 && len(again.Starts) == 0 && len(again.Stops) == 1 && again.Stops[0].Phase == Unhealthy &&
		again.Stops[0].Count == 1 // to the replacement that was refused
	if plan.RollBackTo != 0 || slices.ContainsFunc(again.Events, consequence) || yields {
		return w.check()
	}
	if again.Acts() && !plan.Inactive {
		w.t.Fatalf("acts again after %+v:\n%+v\n%+v", plan, again, *w.tracker.View())
	}
	return plan
}

// consequence says whether an event follows from how a plan went: a start was refused, an unhealthy task was stopped.
func consequence(e Event) bool { return e.Kind == EventThrottled || e.Kind == EventDeploymentFailed }

var equal = cmp.AllowUnexported(outcome{}, tally{})

// promises checks the window.
func (w *world) promises(p Plan) {
	v := w.tracker.View()
	starts, stopped := 0, Counts{}
	for _, s := range p.Starts {
		starts += s.Count
		if s.Count <= 0 || s.Paced > s.Count || s.Replaces > s.Count {
			w.t.Fatalf("odd start %+v", s)
		}
	}
	for _, s := range p.Stops {
		stopped[s.Phase] += s.Count
		if s.Count <= 0 || s.Code == ecs.StopNone || s.Reason == "" || s.Phase == Stopping {
			w.t.Fatalf("odd stop %+v", s)
		}
	}
	if most := maximum(w.service.Desired, w.service.MaximumPercent); starts > 0 && len(w.tasks)+starts > most {
		w.t.Fatalf("%d tasks and %d starts lift above %d: %+v", len(w.tasks), starts, most, *v)
	}
	left := v.Counts()[Healthy] - stopped[Healthy]
	if fewest := minimum(w.service.Desired, w.service.MinimumHealthyPercent); stopped[Healthy] > 0 && left < fewest && !v.Draining {
		w.t.Fatalf("%d healthy tasks are left, want %d: %+v", left, fewest, *v)
	}
	if lacking := w.service.Desired - v.Deployments[0].Counts[Healthy]; !v.Draining && lacking > 0 && !p.Acts() &&
		p.Wake == 0 && len(p.Explanations) == 0 && v.Counts()[Starting]+v.Counts()[Graced]+v.Counts()[Warming] == 0 {
		w.t.Fatalf("%d tasks lack and nothing says why: %+v", lacking, *v)
	}
}

// apply carries the plan out.
func (w *world) apply(p Plan) {
	for _, stop := range p.Stops {
		seqs := w.tracker.Candidates(stop, nil)
		for _, seq := range seqs[:stop.Count] {
			victim := slices.IndexFunc(w.tasks, func(l life) bool { return l.Seq == seq })
			if w.tasks[victim].Protected && stop.Phase != Unhealthy && w.service.Status == ecs.ServiceActive {
				w.t.Fatalf("stops the protected task %d: %+v", seq, stop)
			}
			w.move(victim, Stopping)
			if stop.Phase == Unhealthy {
				w.tracker.Fail(stop.Deployment, FailureUnhealthy)
				w.count(stop.Deployment, false)
			}
		}
	}
	for _, start := range p.Starts {
		placed := start.Count
		moving := slices.ContainsFunc(w.tasks, func(l life) bool { return l.Phase == Starting || l.Phase == Stopping })
		if w.refuse {
			placed = rapid.IntRange(0, start.Count).Draw(w.t, "placed")
		}
		for range placed {
			w.lastSeq++
			w.tasks = append(w.tasks, life{Task: Task{Seq: w.lastSeq, Deployment: start.Deployment}})
			w.tracker.Update(w.tasks[len(w.tasks)-1].Task)
		}
		w.tracker.Placed(start, placed, w.now)
		if placed == 0 {
			w.tracker.NoRoom(start.Deployment, w.now)
			if !moving {
				w.count(start.Deployment, true)
			}
		}
		w.tracker.Refuse(start.Deployment, start.Count-placed, w.now)
	}
	ds := w.service.Deployments
	for _, change := range p.Desired {
		ds[slices.IndexFunc(ds, func(d ecs.Deployment) bool { return d.ID == change.Deployment })].Desired = change.Desired
	}
	for _, change := range p.Rollouts {
		if change.State == ecs.RolloutCompleted {
			w.service.LastCompleted = &ecs.Deployment{ID: change.Deployment}
		}
		ds[slices.IndexFunc(ds, func(d ecs.Deployment) bool { return d.ID == change.Deployment })].Rollout = change.State
	}
	w.service.Deployments = slices.DeleteFunc(ds, func(d ecs.Deployment) bool { return slices.Contains(p.Remove, d.ID) })
	w.service.Steady, w.service.Deadlocked, w.service.BakingSince = p.Steady, p.Deadlocked, p.BakingSince
	for _, event := range p.Events {
		w.tracker.Said(event)
	}
	if p.Inactive {
		w.service.Status = ecs.ServiceInactive
	}
	w.sync()
	if p.RollBackTo != 0 {
		if last := w.service.LastCompleted; last == nil || last.ID != p.RollBackTo || p.RollBackTo == w.service.Deployments[0].ID {
			w.t.Fatalf("rolls back to %s, last completed %+v", p.RollBackTo, last)
		}
		w.service.LastCompleted = nil
		w.deploy()
	}
}

// trackerAgrees compares the Tracker with what the plain list gives.
func (w *world) trackerAgrees() {
	v := w.tracker.View()
	if id := v.Deployments[0].ID; v.Deployments[0].Failed != w.failed[id] {
		w.t.Fatalf("%d failures of %s are counted, want %d", v.Deployments[0].Failed, id, w.failed[id])
	}
	next := ecs.Time(0)
	for i := range v.Deployments {
		var counts, protected Counts
		seqs := [phaseCount][]uint64{}
		for _, task := range w.tasks {
			if task.Deployment == v.Deployments[i].ID {
				counts[task.Phase]++
				if task.Protected && task.Phase <= Healthy {
					protected[task.Phase]++
				}
				seqs[task.Phase] = append(seqs[task.Phase], task.Seq)
			}
			if (task.Phase == Warming || task.Phase == Graced) && (next == 0 || task.Due < next) {
				next = task.Due
			}
		}
		if diff := cmp.Diff(counts, v.Deployments[i].Counts); diff != "" {
			w.t.Fatalf("counts of %s (-list +tracker):\n%s", v.Deployments[i].ID, diff)
		}
		if diff := cmp.Diff(protected, v.Deployments[i].Protected); diff != "" {
			w.t.Fatalf("protected tasks of %s (-list +tracker):\n%s", v.Deployments[i].ID, diff)
		}
		for phase := range seqs {
			if got := w.tracker.Tasks(v.Deployments[i].ID, Phase(phase), nil); !slices.Equal(got, seqs[phase]) {
				w.t.Fatalf("%s tasks: got %v, want %v", Phase(phase), got, seqs[phase])
			}
		}
	}
	if v.NextHealthy != next || w.tracker.Len() != len(w.tasks) {
		w.t.Fatalf("next healthy %d and %d tasks, want %d and %d", v.NextHealthy, w.tracker.Len(), next, len(w.tasks))
	}
}

// fault makes one thing happen.
func (w *world) fault() {
	switch rapid.SampledFrom([]string{"run", "run", "run", "gone", "gone", "wait", "wait", "crash", "sicken", "recover",
		"deploy", "scale", "percents", "fail", "refuse", "room", "protect", "expose", "recall", "raise", "lower", "lower"}).Draw(w.t, "what") {
	case "run":
		if i := w.pick(Starting); i >= 0 {
			w.move(i, Warming)
		}
	case "gone":
		if i := w.pick(Stopping); i >= 0 {
			w.remove(i)
		}
	case "wait":
		w.now = w.now.Add(time.Duration(rapid.SampledFrom([]int{1, 1_000, 20_000, 45_000, 70_000}).Draw(w.t, "ms")) *
			time.Millisecond)
	case "crash":
		if i := w.pick(Starting, Graced, Warming, Healthy, Unhealthy); i >= 0 {
			w.die(i)
		}
	case "sicken":
		if i := w.pick(Warming, Healthy); i >= 0 {
			phase := Unhealthy
			if w.now < w.tasks[i].runningAt.Add(grace) {
				phase = Graced
			}
			w.move(i, phase)
		}
	case "recover":
		if i := w.pick(Unhealthy, Graced); i >= 0 {
			w.move(i, Healthy)
		}
	case "deploy":
		w.deploy()
	case "scale":
		w.service.Desired = rapid.IntRange(0, 9).Draw(w.t, "desired")
		w.sync()
	case "percents":
		w.drawPercents()
		w.sync()
	case "fail":
		if d := &w.service.Deployments[0]; d.Rollout == ecs.RolloutInProgress {
			d.Rollout = ecs.RolloutFailed
			w.sync()
		}
	case "protect", "expose":
		if i := w.pick(Starting, Graced, Warming, Healthy, Unhealthy); i >= 0 {
			w.protect(i, !w.tasks[i].Protected)
		}
	case "recall":
		w.service.Current = &ecs.ServiceDeployment{Status: ecs.ServiceDeploymentRollbackRequested}
		w.sync()
	case "raise", "lower":
		w.tracker.SetRaised(!w.tracker.View().Raised)
	case "refuse":
		w.refuse = true
	case "room":
		w.refuse = false
		w.clearRefused()
	}
}

func (w *world) protect(i int, protected bool) {
	w.tasks[i].Protected = protected
	w.tracker.Update(w.tasks[i].Task)
}

func (w *world) clearRefused() {
	for _, d := range w.service.Deployments {
		w.tracker.ClearRefused(d.ID)
	}
}

// calm lets everything that is under way go well until nothing moves any more.
func (w *world) calm() Plan {
	const enough = 2_000 // more than any history of these tests needs
	w.refuse = false
	w.clearRefused()
	for range enough {
		plan, moved := w.check(), false
		for i := len(w.tasks) - 1; i >= 0; i-- {
			switch w.tasks[i].Phase {
			case Starting:
				w.move(i, Warming)
				moved = true
			case Stopping:
				w.remove(i)
				moved = true
			}
		}
		switch {
		case plan.Wake > w.now:
			w.now = plan.Wake
		case w.tracker.View().NextHealthy != 0:
			w.now = max(w.now, w.tracker.View().NextHealthy)
		case !plan.Acts() && !moved:
			return plan
		}
	}
	w.t.Fatalf("does not come to rest: %+v", *w.tracker.View())
	return Plan{}
}

func TestHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		for range rapid.IntRange(0, 100).Draw(t, "length") {
			w.fault()
			w.check()
		}
		if w.service.Deployments[0].Rollout == ecs.RolloutFailed {
			w.deploy()
		}
		w.calm() // with whatever is protected
		for i := range w.tasks {
			w.protect(i, false)
		}
		last := w.calm()
		parked := slices.ContainsFunc(last.Explanations, func(e Explanation) bool { return e.Wait == WaitParked })
		if parked || w.service.Deployments[0].Rollout == ecs.RolloutFailed {
			w.deploy() // or unhealthy tasks that were left had still to be stopped
			last = w.calm()
		}
		deadlocked := slices.ContainsFunc(last.Explanations, func(e Explanation) bool { return e.Wait == WaitDeadlock })
		v := w.tracker.View()
		if fine := last.Steady && len(v.Deployments) == 1 && v.Counts() == (Counts{Healthy: v.Desired}); !fine && !deadlocked {
			t.Fatalf("at rest, but %+v\n%+v", *v, last.Explanations)
		}

		w.service.Status = ecs.ServiceDraining
		w.sync()
		w.check()
		if n := w.tracker.View().Counts(); n.Total() != n[Stopping] {
			t.Fatalf("a deleted service keeps tasks: %v", n)
		}
		for len(w.tasks) > 0 {
			w.remove(0)
		}
		if p := Decide(w.tracker.View(), w.now); !p.Inactive {
			t.Fatal("a deleted service without tasks does not become inactive")
		}
	})
}
