package scheduler

import (
	"slices"
	"time"

	"ballast/internal/ecs"
	"ballast/internal/scheduler/policy"
)

// Task is what a Tracker knows of one task.
type Task struct {
	Seq        uint64
	Deployment ecs.DeploymentID
	Phase      Phase

	// Due is when a warming task counts as healthy, or a graced one as unhealthy, if nothing happens before; 0 where something
	// else decides that. It is not looked at in other phases.
	Due ecs.Time

	// Protected says that neither scale-in nor a deployment may stop the task.
	Protected bool
}

// Tracker keeps the View of one service as its tasks change, each change in O(log tasks), and finds the tasks of one phase. It
// is derived state: after a restart the caller builds it anew from the service and its tasks. It is not safe for concurrent use.
type Tracker struct {
	view View

	slots  map[uint64]int32 // task seq -> index in tasks
	tasks  []tracked
	unused []int32 // indexes in tasks that hold nothing
	groups []group // parallel to view.Deployments
	newest uint64  // the highest seq so far
	due    []int32 // heap of indexes of warming and graced tasks, by due then seq
}

// tracked is one task and where it stands in the sets that hold it.
type tracked struct {
	task   Task
	member int32 // index in the set of its deployment and phase
	heaped int32 // index in Tracker.due, -1 when not in it
	proven bool  // has been healthy
	failed bool  // its failure has been counted in Lost or Debt
}

// group holds the members of one deployment by phase, as indexes in Tracker.tasks. Their order follows from the history only.
type group [phaseCount][]int32

// NewTracker gives a Tracker of a service without deployments and tasks. SetDeployments and SetService come first.
func NewTracker() *Tracker { return &Tracker{slots: map[uint64]int32{}} }

// View gives what Decide needs. It changes with the Tracker and must not be changed by the caller.
func (t *Tracker) View() *View { return &t.view }

// SetService takes over the counts and percentages of the service, whether it is draining and whether the steady state has been
// announced, and the policy that holds for it.
func (t *Tracker) SetService(s *ecs.Service, p policy.Policy) {
	t.view.Desired = s.Desired
	t.view.MinimumHealthyPercent = s.MinimumHealthyPercent
	t.view.MaximumPercent = s.MaximumPercent
	t.view.Draining = s.Status != ecs.ServiceActive
	t.view.Steady = s.Steady
	t.view.Deadlocked = s.Deadlocked
	t.view.Breaker = s.Breaker
	t.view.LastCompleted = 0
	if s.LastCompleted != nil {
		t.view.LastCompleted = s.LastCompleted.ID
	}
	t.view.Recalled = s.Current != nil && s.Current.Status == ecs.ServiceDeploymentRollbackRequested
	t.view.Early = nil
	if s.Early != nil && s.Early.Enabled {
		t.view.Early = s.Early
	}
	t.view.BakingSince = s.BakingSince
	t.view.Watched, t.view.AlarmsRollBack = false, false
	if a := s.Alarms; a != nil && a.Enabled && len(s.Deployments) > 0 && !s.Deployments[0].Unwatched {
		t.view.Watched, t.view.AlarmsRollBack = true, a.Rollback
	}
	t.view.Policy = p
	t.view.Debt = min(t.view.Debt, s.Desired)
}

// SetRaised takes over whether an alarm of the service is raised.
func (t *Tracker) SetRaised(raised bool) { t.view.Raised = raised }

// SetDeployments takes over the deployments of the service, newest first. One that is not named any more but still has tasks
// stays behind the others, wanted no longer.
func (t *Tracker) SetDeployments(deployments []ecs.Deployment) {
	oldView, oldGroups := t.view.Deployments, t.groups
	t.view.Deployments = make([]Deployment, 0, len(deployments))
	t.groups = make([]group, 0, len(deployments))
	for i := range deployments {
		given := &deployments[i]
		next, members := Deployment{ID: given.ID, Rollout: given.Rollout, Desired: given.Desired,
			Failed: given.FailedTasks}, group{}
		if at := indexOf(oldView, given.ID); at >= 0 {
			was := &oldView[at]
			next.Counts, next.Refused, next.Failed, members = was.Counts, was.Refused, was.Failed, oldGroups[at]
			next.NoRoom = was.NoRoom
			next.Protected, next.Announced = was.Protected, was.Announced
			if i > 0 && at > 0 && was.Desired == given.Desired {
				next.Lost = was.Lost
			}
		}
		t.view.Deployments = append(t.view.Deployments, next)
		t.groups = append(t.groups, members)
	}
	for at := range oldView {
		if oldView[at].Counts.Total() > 0 && indexOf(t.view.Deployments, oldView[at].ID) < 0 {
			oldView[at].Desired = 0
			t.view.Deployments = append(t.view.Deployments, oldView[at])
			t.groups = append(t.groups, oldGroups[at])
		}
	}
}

// Update takes over the phase of a task, new or known. A task never changes its deployment.
func (t *Tracker) Update(task Task) {
	at, known := t.slots[task.Seq]
	was := Starting
	if !known {
		at = t.add(task)
	} else {
		t.leave(at)
		was = t.tasks[at].task.Phase
		task.Deployment = t.tasks[at].task.Deployment
		t.tasks[at].task = task
		if task.Phase == Unhealthy && was != Unhealthy && !t.tasks[at].proven {
			t.fail(at)
		}
	}
	t.enter(at)
	if task.Phase == Healthy && was != Healthy {
		t.proved(indexOf(t.view.Deployments, task.Deployment))
	}
}

// Died notes that a task ended by itself after it had been RUNNING for ran (0 if never). It is called once per such task, before
// the Update or Remove that takes it out of the live phases, and not for tasks that the scheduler or a user stopped. It tells
// whether the run was short, so that the replacement is paced.
func (t *Tracker) Died(seq uint64, ran time.Duration) (short bool) {
	at, known := t.slots[seq]
	if !known {
		return false
	}
	short = ran < t.view.Policy.ShortRun
	if short {
		t.view.Debt = min(t.view.Debt+1, t.view.Desired)
	}
	if short || !t.tasks[at].proven {
		t.fail(at)
	}
	return short
}

// Remove forgets a task that is STOPPED. An unknown one is ignored.
func (t *Tracker) Remove(seq uint64) {
	at, known := t.slots[seq]
	if !known {
		return
	}
	t.leave(at)
	delete(t.slots, seq)
	t.tasks[at] = tracked{}
	t.unused = append(t.unused, at)
}

// Promote makes every warming task that is due at now healthy and every graced one unhealthy, gives their number, and has refused starts
// planned again when it is time for that. It comes before Decide.
func (t *Tracker) Promote(now ecs.Time) int {
	n := 0
	for len(t.due) > 0 && t.tasks[t.due[0]].task.Due <= now {
		task := t.tasks[t.due[0]].task
		switch task.Phase {
		case Graced:
			task.Phase = Unhealthy
		default:
			task.Phase = Healthy
		}
		t.Update(task)
		n++
	}
	t.retry(now)
	return n
}

// Refuse notes that placement refused n starts of a deployment at now. They are tried again after a while, or when they are
// cleared before.
func (t *Tracker) Refuse(id ecs.DeploymentID, n int, now ecs.Time) {
	if at := indexOf(t.view.Deployments, id); at >= 0 && n > 0 {
		t.view.Deployments[at].Refused += n
		t.view.RetryAt = max(now.Add(t.view.Policy.RetryPlacement), t.view.throttledUntil())
	}
}

// ClearRefused makes the refused starts of a deployment be planned again, because room may have come free.
func (t *Tracker) ClearRefused(id ecs.DeploymentID) {
	if at := indexOf(t.view.Deployments, id); at >= 0 {
		t.view.Deployments[at].Refused, t.view.Deployments[at].NoRoom = 0, false
	}
}

// Placed notes that n of the planned starts were placed, and takes the tokens due for them. The new tasks themselves come by
// Update.
func (t *Tracker) Placed(start Start, n int, now ecs.Time) {
	tokens := start.TokensFor(n)
	t.view.Debt = max(0, t.view.Debt-tokens)
	if tokens > 0 {
		t.view.Pace = t.view.Pace.Take(tokens, now, t.view.Policy.PacePerMinute, t.view.Desired)
	}
}

// Tasks appends the seqs of the tasks of a deployment in a phase to seqs, in ascending order.
func (t *Tracker) Tasks(id ecs.DeploymentID, phase Phase, seqs []uint64) []uint64 {
	at := indexOf(t.view.Deployments, id)
	if at < 0 {
		return seqs
	}
	from := len(seqs)
	for _, member := range t.groups[at][phase] {
		seqs = append(seqs, t.tasks[member].task.Seq)
	}
	slices.Sort(seqs[from:])
	return seqs
}

// Task gives what is known of a task.
func (t *Tracker) Task(seq uint64) (Task, bool) {
	at, known := t.slots[seq]
	if !known {
		return Task{}, false
	}
	return t.tasks[at].task, true
}

// Len counts the tasks.
func (t *Tracker) Len() int { return len(t.slots) }

// add finds a slot for a new task. One that is already unhealthy when first seen, after a restart, counts as proven.
func (t *Tracker) add(task Task) int32 {
	if indexOf(t.view.Deployments, task.Deployment) < 0 {
		t.view.Deployments = append(t.view.Deployments, Deployment{ID: task.Deployment})
		t.groups = append(t.groups, group{})
	}
	var at int32
	if n := len(t.unused); n > 0 {
		at, t.unused = t.unused[n-1], t.unused[:n-1]
	} else {
		at = int32(len(t.tasks))
		t.tasks = append(t.tasks, tracked{})
	}
	t.tasks[at] = tracked{task: task, heaped: -1, proven: task.Phase == Unhealthy}
	t.slots[task.Seq] = at
	t.newest = max(t.newest, task.Seq)
	return at
}

// fail counts a task that failed before it proved itself, once, if its deployment is an older one.
func (t *Tracker) fail(at int32) {
	if t.tasks[at].failed {
		return
	}
	t.tasks[at].failed = true
	if d := indexOf(t.view.Deployments, t.tasks[at].task.Deployment); d > 0 {
		t.view.Deployments[d].Lost++
	}
}

// enter puts a task into the sets of its deployment, phase and due time.
func (t *Tracker) enter(at int32) {
	entry := &t.tasks[at]
	d := indexOf(t.view.Deployments, entry.task.Deployment)
	set := &t.groups[d][entry.task.Phase]
	entry.member = int32(len(*set))
	*set = append(*set, at)
	t.view.Deployments[d].Counts[entry.task.Phase]++
	t.protects(at, 1)
	switch {
	case entry.task.Phase == Healthy:
		entry.proven = true
	case (entry.task.Phase == Warming || entry.task.Phase == Graced) && entry.task.Due != 0:
		t.heapPush(at)
	}
}

// leave takes a task out of those sets.
func (t *Tracker) leave(at int32) {
	entry := &t.tasks[at]
	d := indexOf(t.view.Deployments, entry.task.Deployment)
	set := &t.groups[d][entry.task.Phase]
	last := len(*set) - 1
	moved := (*set)[last]
	(*set)[entry.member] = moved
	t.tasks[moved].member = entry.member
	*set = (*set)[:last]
	t.view.Deployments[d].Counts[entry.task.Phase]--
	t.protects(at, -1)
	if entry.heaped >= 0 {
		t.heapRemove(entry.heaped)
	}
}

func indexOf(deployments []Deployment, id ecs.DeploymentID) int {
	for i := range deployments {
		if deployments[i].ID == id {
			return i
		}
	}
	return -1
}
