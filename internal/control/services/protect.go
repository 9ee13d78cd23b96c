package services

import "ballast/internal/ecs"

// Blocks says whether the protection of a task, or its renewal, would hold a deployment back for longer than scale-in protection is
// for: the task is of an older deployment, and with it more tasks are protected than the service should have (developer guide, API
// failure reasons, DEPLOYMENT_BLOCKED).
func (b *Book) Blocks(t *ecs.Task) bool {
	s := b.Numbered(t.Cluster, t.ServiceSeq)
	if s == nil || s.record.Status != ecs.ServiceActive || len(s.record.Deployments) == 0 || t.Deployment == s.record.Deployments[0].ID {
		return false
	}
	protected := s.tracker.View().Protected()
	if t.ProtectedUntil == 0 {
		protected++
	}
	return protected > s.record.Desired
}
