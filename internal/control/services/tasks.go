package services

import (
	"time"

	"ballast/internal/ecs"
	"ballast/internal/scheduler"
)

// TaskMoved takes note of a change of a task; New is nil when it is forgotten, Old when it is new.
func (b *Book) TaskMoved(now ecs.Time, old, t *ecs.Task) {
	if t == nil {
		b.forgetTargets(old)
		return
	}
	if t.Service == "" {
		return
	}
	s := b.Numbered(t.Cluster, t.ServiceSeq)
	if s == nil {
		return
	}
	if t.Kept {
		s.keptMoved(old, t)
		b.touch(s)
		b.change(s)
		return
	}
	if old != nil {
		s.note(now, old, t)
	}
	s.stuck.note(now, t)
	if t.Stopped() {
		s.tracker.Remove(t.Seq)
		delete(s.ids, t.Seq)
	} else {
		s.ids[t.Seq] = t.ID
		s.tracker.Update(s.stillHealthy(t, s.facts(t)))
	}
	b.touch(s)
	b.change(s)
}

// facts says what the scheduler needs to know of a task that is not STOPPED.
func (s *Service) facts(t *ecs.Task) scheduler.Task {
	facts := scheduler.Task{Seq: t.Seq, Deployment: t.Deployment, Protected: t.ProtectedUntil != 0}
	switch {
	case t.DesiredStatus == ecs.StatusStopped:
		facts.Phase = scheduler.Stopping
	case t.LastStatus < ecs.StatusRunning:
		facts.Phase = scheduler.Starting
	default:
		var some [4]scheduler.Source
		grace := time.Duration(s.record.GracePeriod) * time.Second
		facts.Phase, facts.Due = scheduler.RunningPhase(t.StartedAt, grace, &s.tracker.View().Policy,
			s.sources(t, some[:0])...)
	}
	return facts
}

// stillHealthy keeps a task healthy that has been counted so for having run for long enough, whatever the tags ask for by now: a
// change of something else of it proves nothing anew.
func (s *Service) stillHealthy(t *ecs.Task, facts scheduler.Task) scheduler.Task {
	known, ok := s.tracker.Task(t.Seq)
	if ok && known.Phase == scheduler.Healthy && facts.Phase == scheduler.Warming && facts.Due != 0 {
		facts.Phase, facts.Due = scheduler.Healthy, 0
	}
	return facts
}

// endedByItself tells a failure from a stop that someone asked for.
func endedByItself(t *ecs.Task) bool {
	return t.StopCode == ecs.EssentialContainerExited || t.StopCode == ecs.TaskFailedToStart
}

func ranFor(t *ecs.Task) time.Duration {
	if t.StartedAt == 0 {
		return 0
	}
	end := t.StoppingAt
	if t.ExecutionStoppedAt != 0 {
		end = t.ExecutionStoppedAt
	}
	return max(0, end.Sub(t.StartedAt))
}

// note tells the tracker how a task has fared.
func (s *Service) note(now ecs.Time, old, t *ecs.Task) {
	if old.StartedAt == 0 && t.StartedAt != 0 {
		s.tracker.CameUp(t.Deployment, now)
	}
	if old.DesiredStatus != ecs.StatusRunning || t.DesiredStatus != ecs.StatusStopped {
		return
	}
	switch known, _ := s.tracker.Task(t.Seq); {
	case endedByItself(t) && t.StartedAt == 0:
		s.tracker.FailedToStart(t.Deployment, t.Seq, now)
	case endedByItself(t):
		s.tracker.Exited(t.Deployment, t.Seq, ranFor(t), now)
	case t.StopCode == ecs.ServiceSchedulerInitiated && known.Phase == scheduler.Unhealthy:
		s.tracker.Fail(t.Deployment, scheduler.FailureUnhealthy)
	}
	if endedByItself(t) {
		s.tracker.Died(t.Seq, ranFor(t))
	}
}
