package services

import (
	"maps"
	"slices"

	"ballast/internal/ecs"
	"ballast/internal/scheduler"
)

// A task that failed its health checks may be kept, out of its service, for somebody to look into it (ballast:debug-keep). The
// tracker knows nothing of it: for the scheduler it is gone.

// Keeps says whether the service keeps another unhealthy task instead of stopping it.
func (s *Service) Keeps() bool { return len(s.kept) < s.mayKeep() }

// KeptTooMany gives the kept tasks beyond those that the service may keep, the oldest first.
func (s *Service) KeptTooMany() []ecs.ID {
	surplus := len(s.kept) - s.mayKeep()
	if surplus <= 0 {
		return nil
	}
	ids := make([]ecs.ID, 0, surplus)
	for _, seq := range slices.Sorted(maps.Keys(s.kept))[:surplus] {
		ids = append(ids, s.kept[seq])
	}
	return ids
}

// mayKeep is how many tasks the service may keep: none once it should have none.
func (s *Service) mayKeep() int {
	if s.record.Status != ecs.ServiceActive || s.record.Desired == 0 {
		return 0
	}
	return s.tracker.View().Policy.DebugKeep
}

// keptMoved takes note of a change of a kept task.
func (s *Service) keptMoved(old, t *ecs.Task) {
	if old != nil && !old.Kept {
		s.tracker.Fail(t.Deployment, scheduler.FailureUnhealthy)
		s.tracker.Remove(t.Seq)
		delete(s.ids, t.Seq)
	}
	if t.DesiredStatus == ecs.StatusStopped {
		delete(s.kept, t.Seq)
		return
	}
	if s.kept == nil {
		s.kept = map[uint64]ecs.ID{}
	}
	s.kept[t.Seq] = t.ID
}

// Kept gives the tasks that are kept, the oldest first.
func (s *Service) Kept() []ecs.ID {
	ids := make([]ecs.ID, 0, len(s.kept))
	for _, seq := range slices.Sorted(maps.Keys(s.kept)) {
		ids = append(ids, s.kept[seq])
	}
	return ids
}
