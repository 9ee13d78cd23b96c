package scheduler

import (
	"slices"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/scheduler/policy"
)

// The slow twin of Decide works on the plain list of tasks, one action at a time, and counts again after each. It follows the
// rules as they are told and shares no code with Decide beyond the token bucket.

type actor struct {
	seq        uint64
	deployment ecs.DeploymentID
	phase      Phase
	protected  bool
}

// slow is a service and its tasks; the view gives everything but the counts.
type slow struct {
	view  *View
	tasks []actor
}

type tally struct {
	deployment ecs.DeploymentID
	phase      Phase
}

// outcome is what the twin decides.
type outcome struct {
	stops   map[tally]int
	starts  map[ecs.DeploymentID]int
	paced   map[ecs.DeploymentID]int
	desired map[ecs.DeploymentID]int
	removed []ecs.DeploymentID

	complete, steadyEvent, steady, inactive, deadlock bool
	brakedEvent, parkedEvent                          bool
	failed, throttledEvent, deadlocked, deadlockEvent bool
	back                                              ecs.DeploymentID
	shielded, shieldEvents                            map[ecs.DeploymentID]int

	wake, baking ecs.Time
}

func (s *slow) count(match func(actor) bool) int {
	n := 0
	for _, a := range s.tasks {
		if match(a) {
			n++
		}
	}
	return n
}

func (s *slow) in(id ecs.DeploymentID, phases ...Phase) int {
	return s.count(func(a actor) bool { return a.deployment == id && slices.Contains(phases, a.phase) })
}

func (s *slow) everywhere(phases ...Phase) int {
	return s.count(func(a actor) bool { return slices.Contains(phases, a.phase) })
}

// minimum is the smallest whole number that is at least percent of desired.
func minimum(desired, percent int) int {
	n := 0
	for n*100 < desired*percent {
		n++
	}
	return n
}

// maximum is the largest whole number that is at most percent of desired.
func maximum(desired, percent int) int {
	n := 0
	for (n+1)*100 <= desired*percent {
		n++
	}
	return n
}

func (s *slow) decide(now ecs.Time) outcome {
	o := outcome{stops: map[tally]int{}, starts: map[ecs.DeploymentID]int{}, paced: map[ecs.DeploymentID]int{},
		desired: map[ecs.DeploymentID]int{}, shielded: map[ecs.DeploymentID]int{}, shieldEvents: map[ecs.DeploymentID]int{}}
	v := s.view
	if v.Draining {
		o.inactive = len(s.tasks) == 0
		for i, a := range s.tasks {
			if a.phase != Stopping {
				s.stop(i, &o)
			}
		}
		return o
	}
	newest := v.Deployments[0]
	if fails, goesBack := s.fails(); newest.Rollout == ecs.RolloutInProgress && fails {
		o.failed = true
		if goesBack && v.LastCompleted != 0 {
			o.back = v.LastCompleted
			return o
		}
		// From here on it is as if it had failed before.
		again := *v
		again.Deployments = slices.Clone(v.Deployments)
		again.Deployments[0].Rollout = ecs.RolloutFailed
		s.view, v, newest = &again, &again, again.Deployments[0]
	}
	keep := minimum(v.Desired, v.MinimumHealthyPercent)
	if newest.Rollout == ecs.RolloutFailed {
		keep = v.Desired
	}
	quiet := s.everywhere(Starting, Graced, Warming, Stopping) == 0
	rolling := s.count(func(a actor) bool { return a.deployment != newest.ID }) > 0
	own := v.Policy.OldTasks == policy.ByOwnRevision && s.everywhere(Healthy) < keep

	for s.stopOneOfNewest(rolling, keep, &o) {
	}
	s.shield(newest, &o, func(lifted *slow, o *outcome) bool { return lifted.stopOneOfNewest(rolling, keep, o) })
	for i := len(v.Deployments) - 1; i > 0; i-- {
		for s.stopOneOfOld(v.Deployments[i], own, keep, &o) {
		}
		o.desired[v.Deployments[i].ID] = s.in(v.Deployments[i].ID, Starting, Graced, Warming, Healthy, Unhealthy)
		if own {
			o.desired[v.Deployments[i].ID] = wantedOf(v.Deployments[i])
		}
	}
	for _, d := range v.Deployments[1:] {
		s.shield(d, &o, func(lifted *slow, o *outcome) bool { return lifted.stopOneOfOld(d, own, keep, o) })
	}
	s.startAll(own, now, &o)
	s.stuck(quiet, rolling, own, now, &o)
	o.throttledEvent = s.throttledUntil() > 0 && !v.Throttle.Announced
	o.parkedEvent = s.parked() && !v.Brake.Announced
	o.brakedEvent = s.brakedUntil() > now && !v.Brake.Announced
	s.settle(own, now, &o)
	return o
}

// fails says whether a deployment under way fails, and whether what fails it asks for a rollback.
func (s *slow) fails() (fails, goesBack bool) {
	v := s.view
	switch {
	case v.Recalled:
		return true, true
	case v.Breaker.Enabled && v.Deployments[0].Failed >= s.tolerated():
		return true, v.Breaker.Rollback
	case v.Watched && v.Raised:
		return true, v.AlarmsRollBack
	}
	return false, false
}

// tolerated is the number of failures that fails a deployment.
func (s *slow) tolerated() int {
	b, desired := s.view.Breaker, s.view.Desired
	switch {
	case b.Value == 0:
		return min(200, max(3, minimum(desired, 50)))
	case b.Type == ecs.FailureCount:
		return b.Value
	case b.Type == ecs.UnboundedPercent:
		return max(1, minimum(desired, b.Value))
	}
	return min(200, max(3, minimum(desired, b.Value)))
}

// held says whether the newest deployment may start nothing, and until when, 0 for ever.
func (s *slow) held(now ecs.Time) (bool, ecs.Time) {
	switch {
	case now < s.throttledUntil():
		return true, s.throttledUntil()
	case s.parked():
		return true, 0
	case now < s.brakedUntil():
		return true, s.brakedUntil()
	}
	return false, 0
}

func (s *slow) parked() bool {
	return s.view.Policy.Brake == policy.BrakePark && s.view.Brake.Failed >= s.view.Policy.BrakeAfter
}

// brakedUntil is when the brake lets go: the base after one wave, twice that after two, and so on.
func (s *slow) brakedUntil() ecs.Time {
	if s.view.Policy.Brake != policy.BrakeBackoff || s.view.Brake.Failed == 0 {
		return 0
	}
	wait := s.view.Policy.BrakeBase
	for wave := 1; wave < s.view.Brake.Failed && wait < s.view.Policy.BrakeMax; wave++ {
		wait += wait
	}
	return s.view.Brake.Since.Add(min(wait, s.view.Policy.BrakeMax))
}

// throttledUntil is when the throttle lets go, 0 when it does not hold: nothing after one failed wave, then the base, its multiples
// by the factor, and never more than the most.
func (s *slow) throttledUntil() ecs.Time {
	wait := time.Duration(0)
	for wave := 2; wave <= s.view.Throttle.Failed; wave++ {
		if wave == 2 {
			wait = s.view.Policy.ThrottleBase
		} else {
			wait *= time.Duration(s.view.Policy.ThrottleFactor)
		}
		wait = min(wait, s.view.Policy.ThrottleMax)
	}
	if wait == 0 {
		return 0
	}
	return s.view.Throttle.Since.Add(wait)
}

// wantedOf is how many tasks an older deployment should have that is sustained.
func wantedOf(d Deployment) int {
	if d.Rollout == ecs.RolloutFailed {
		return 0
	}
	return max(0, d.Desired-d.Lost)
}

func (s *slow) stop(i int, o *outcome) {
	o.stops[tally{s.tasks[i].deployment, s.tasks[i].phase}]++
	s.tasks[i].phase = Stopping
}

// shield counts the tasks of a deployment that would be stopped as well were it not for their protection.
func (s *slow) shield(d Deployment, o *outcome, stopOne func(*slow, *outcome) bool) {
	lifted := slow{view: s.view, tasks: slices.Clone(s.tasks)}
	for i := range lifted.tasks {
		lifted.tasks[i].protected = lifted.tasks[i].protected && lifted.tasks[i].deployment != d.ID
	}
	n, imagined := 0, outcome{stops: map[tally]int{}}
	for stopOne(&lifted, &imagined) {
		n++
	}
	if n > 0 {
		o.shielded[d.ID] = n
	}
	if n > 0 && n != d.Announced {
		o.shieldEvents[d.ID] = n
	}
}

// stopAny stops the first task of a deployment in a phase, a protected one only when it is unhealthy.
func (s *slow) stopAny(id ecs.DeploymentID, phase Phase, o *outcome) bool {
	i := slices.IndexFunc(s.tasks, func(a actor) bool {
		return a.deployment == id && a.phase == phase && (!a.protected || phase == Unhealthy)
	})
	if i < 0 {
		return false
	}
	s.stop(i, o)
	return true
}

func (s *slow) stopOneOfNewest(rolling bool, keep int, o *outcome) bool {
	v, id := s.view, s.view.Deployments[0].ID
	rollout := v.Deployments[0].Rollout
	atOnce := v.Policy.Unhealthy == policy.StopFirst ||
		rolling && v.Policy.OldTasks == policy.ByNewest && rollout == ecs.RolloutInProgress
	tooMany := s.in(id, Healthy, Unhealthy) > v.Desired || rollout == ecs.RolloutFailed && s.everywhere(Healthy, Unhealthy) > v.Desired
	if (atOnce || tooMany) && s.stopAny(id, Unhealthy, o) {
		return true
	}
	return s.in(id, Starting, Graced, Warming, Healthy) > v.Desired &&
		(s.stopAny(id, Starting, o) || s.stopAny(id, Graced, o) || s.stopAny(id, Warming, o) ||
			s.everywhere(Healthy)-1 >= keep && s.stopAny(id, Healthy, o))
}

func (s *slow) stopOneOfOld(d Deployment, own bool, keep int, o *outcome) bool {
	if own {
		goal := wantedOf(d)
		return s.in(d.ID, Healthy, Unhealthy) > goal && s.stopAny(d.ID, Unhealthy, o) ||
			s.in(d.ID, Starting, Graced, Warming, Healthy) > goal && s.stopAny(d.ID, Starting, o)
	}
	missed := s.view.Deployments[0].Rollout == ecs.RolloutFailed && s.view.Policy.Unhealthy == policy.ReplacementFirst &&
		s.everywhere(Healthy, Unhealthy) <= s.view.Desired
	return s.stopAny(d.ID, Starting, o) || !missed && s.stopAny(d.ID, Unhealthy, o) ||
		s.everywhere(Graced, Warming, Healthy)-1 >= keep && s.stopAny(d.ID, Graced, o) ||
		s.everywhere(Warming, Healthy)-1 >= keep && s.stopAny(d.ID, Warming, o) ||
		s.everywhere(Healthy)-1 >= keep && s.stopAny(d.ID, Healthy, o)
}

// lacks says how many tasks a deployment should have beyond those that work or will.
func (s *slow) lacks(i int, own bool) int {
	d := s.view.Deployments[i]
	live := s.in(d.ID, Starting, Graced, Warming, Healthy)
	switch {
	case i == 0 && d.Rollout != ecs.RolloutFailed:
		return max(0, s.view.Desired-live)
	case i > 0 && own:
		return max(0, wantedOf(d)-live)
	}
	return 0
}

// startAll grants starts one by one. A grant that placement refused before takes its room and its token and is not planned;
// one that only the pace holds back takes its room.
func (s *slow) startAll(own bool, now ecs.Time, o *outcome) {
	v := s.view
	wanted := 0
	for i := range v.Deployments {
		wanted += s.lacks(i, own)
	}
	free := max(0, wanted-v.Debt)
	room := max(0, maximum(v.Desired, v.MaximumPercent)-len(s.tasks))
	tokens, used, held := v.Pace.Tokens(now, v.Policy.PacePerMinute, v.Desired), 0, false
	for i := len(v.Deployments) - 1; i >= 0; i-- {
		id, refused := v.Deployments[i].ID, v.Deployments[i].Refused
		if held, until := s.held(now); i == 0 && held {
			if s.lacks(i, own) > 0 && until > 0 && (o.wake == 0 || until < o.wake) {
				o.wake = until
			}
			continue
		}
		paced := 0
		for wants := s.lacks(i, own); wants > 0 && room > 0; wants-- {
			room--
			switch {
			case free > 0:
				free--
			case used < tokens:
				used++
				paced++
			default:
				held = true
				continue
			}
			if refused > 0 {
				refused--
				if v.RetryAt != 0 && (o.wake == 0 || v.RetryAt < o.wake) {
					o.wake = v.RetryAt
				}
				continue
			}
			o.starts[id]++
			s.tasks = append(s.tasks, actor{deployment: id, phase: Starting})
		}
		if n := min(paced, o.starts[id]); n > 0 {
			o.paced[id] = n
		}
	}
	if o.wake == 0 || v.NextHealthy != 0 && v.NextHealthy < o.wake {
		o.wake = v.NextHealthy
	}
	if held {
		// The first millisecond with one more token.
		at := now
		for v.Pace.Tokens(at, v.Policy.PacePerMinute, v.Desired) <= used {
			at++
		}
		if o.wake == 0 || at < o.wake {
			o.wake = at
		}
	}
}

// stuck stops one unhealthy task when nothing else can happen, and else notes a deadlocked rollout.
func (s *slow) stuck(quiet, rolling, own bool, now ecs.Time, o *outcome) {
	full := len(s.tasks) >= maximum(s.view.Desired, s.view.MaximumPercent)
	if !quiet || len(o.stops) > 0 || len(o.starts) > 0 {
		return
	}
	for i := len(s.view.Deployments) - 1; i >= 0; i-- {
		if held, _ := s.held(now); i == 0 && held {
			continue
		}
		d := s.view.Deployments[i]
		refused := d.NoRoom && d.Refused > 0 && s.lacks(i, own) <= s.in(d.ID, Unhealthy)
		if s.lacks(i, own) > 0 && (full || refused) && s.stopAny(d.ID, Unhealthy, o) {
			return
		}
	}
	o.deadlock = full && rolling && s.lacks(0, own) > 0 && len(o.shielded) == 0
	o.deadlocked = o.deadlock
	o.deadlockEvent = o.deadlock && !s.view.Deadlocked
}

func (s *slow) settle(own bool, now ecs.Time, o *outcome) {
	v, newest := s.view, s.view.Deployments[0]
	others := 0
	for i := len(v.Deployments) - 1; i > 0; i-- {
		id := v.Deployments[i].ID
		if s.in(id, Starting, Graced, Warming, Healthy, Unhealthy, Stopping) == 0 && !(own && o.desired[id] > 0) {
			o.removed = append(o.removed, id)
		} else {
			others++
		}
	}
	fine := s.in(newest.ID, Healthy) == v.Desired && s.in(newest.ID, Starting, Graced, Warming, Unhealthy) == 0
	early := v.Early != nil && v.Desired > 0 && s.in(newest.ID, Healthy) >= max(1, minimum(v.Desired, v.Early.Percent))
	done := newest.Rollout == ecs.RolloutInProgress && (early || fine && others == 0)
	o.complete = done && (others == 0 || early && v.Early.Deferred)
	if done && v.Watched {
		o.baking = v.BakingSince
		if o.baking == 0 {
			o.baking = now
		}
		if over := o.baking.Add(v.Policy.BakeTime); now < over {
			o.complete = false
			if o.wake == 0 || over < o.wake {
				o.wake = over
			}
		}
	}
	o.steady = (newest.Rollout == ecs.RolloutCompleted || o.complete) && fine && others == 0 && s.in(newest.ID, Stopping) == 0
	o.steadyEvent = o.steady && !v.Steady
	for i := 1; i < len(v.Deployments); i++ {
		if id := v.Deployments[i].ID; o.desired[id] == v.Deployments[i].Desired {
			delete(o.desired, id)
		}
	}
}

// outcomeOf puts a plan into the form of the twin's.
func outcomeOf(p Plan) outcome {
	o := outcome{stops: map[tally]int{}, starts: map[ecs.DeploymentID]int{}, paced: map[ecs.DeploymentID]int{},
		desired: map[ecs.DeploymentID]int{}, removed: p.Remove, steady: p.Steady, inactive: p.Inactive, wake: p.Wake, baking: p.BakingSince,
		deadlocked: p.Deadlocked, back: p.RollBackTo, shielded: map[ecs.DeploymentID]int{}, shieldEvents: map[ecs.DeploymentID]int{}}
	for _, stop := range p.Stops {
		o.stops[tally{stop.Deployment, stop.Phase}] += stop.Count
	}
	for _, start := range p.Starts {
		o.starts[start.Deployment] += start.Count
		if start.Paced > 0 {
			o.paced[start.Deployment] += start.Paced
		}
	}
	for _, change := range p.Desired {
		o.desired[change.Deployment] = change.Desired
	}
	for _, event := range p.Events {
		if event.Kind == EventProtected {
			o.shieldEvents[event.Deployment] = event.Tasks
		}
		o.complete = o.complete || event.Kind == EventDeploymentCompleted
		o.steadyEvent = o.steadyEvent || event.Kind == EventSteadyState
		o.failed = o.failed || event.Kind == EventDeploymentFailed
		o.brakedEvent = o.brakedEvent || event.Kind == EventBraked
		o.parkedEvent = o.parkedEvent || event.Kind == EventParked
		o.throttledEvent = o.throttledEvent || event.Kind == EventThrottled
		o.deadlockEvent = o.deadlockEvent || event.Kind == EventDeadlocked
	}
	for _, e := range p.Explanations {
		if e.Wait == WaitProtected {
			o.shielded[e.Deployment] = e.Tasks
		}
		o.deadlock = o.deadlock || e.Wait == WaitDeadlock
	}
	return o
}
