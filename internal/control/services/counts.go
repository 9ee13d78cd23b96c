package services

import (
	"ballast/internal/ecs"
	"ballast/internal/scheduler"
)

// The tracker counts what holds a service back; the record keeps it, so that a restart does not forget.

// counted says whether the record has the counts of the tracker.
func (s *Service) counted() bool {
	view := s.tracker.View()
	for i := range view.Deployments {
		d := s.record.Deployment(view.Deployments[i].ID)
		if d != nil && d.FailedTasks != view.Deployments[i].Failed {
			return false
		}
	}
	return sameBackoff(s.record.Throttle, view.Throttle) && sameBackoff(s.record.Brake, view.Brake)
}

// sameBackoff tells whether two say the same. While no wave has failed the moment does not matter: no wave waits by it, and it is
// not worth a write for every task that comes to RUNNING.
func sameBackoff(a, b ecs.Backoff) bool {
	return a == b || a.Failed == 0 && b.Failed == 0 && a.Announced == b.Announced
}

// keepCounts takes the counts of the tracker over into a record that is not yet shared.
func (s *Service) keepCounts(now ecs.Time, record *ecs.Service) {
	view := s.tracker.View()
	for i := range view.Deployments {
		d := record.Deployment(view.Deployments[i].ID)
		if d != nil && d.FailedTasks != view.Deployments[i].Failed {
			d.FailedTasks, d.UpdatedAt = view.Deployments[i].Failed, now
		}
	}
	record.Throttle, record.Brake = view.Throttle, view.Brake
}

// pending says whether the service deployment waits for its first decision.
func (s *Service) pending() bool {
	return s.record.Current != nil && s.record.Current.Status == ecs.ServiceDeploymentPending
}

// countTasks puts the counts of running and pending tasks into a record that is not yet shared.
func (s *Service) countTasks(record *ecs.Service) {
	record.Running, record.Pending = 0, 0
	for _, d := range s.tracker.View().Deployments {
		running, pending := d.Counts.Running(), d.Counts[scheduler.Starting]
		record.Running += running
		record.Pending += pending
		if of := record.Deployment(d.ID); of != nil {
			of.Running, of.Pending = running, pending
		}
	}
}
