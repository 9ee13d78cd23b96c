package services

import (
	"cmp"
	"slices"

	"ballast/internal/ecs"
	"ballast/internal/scheduler"
	"ballast/internal/scheduler/lifecycle"
)

// stuck holds the tasks of a service that wait for a container which is UNHEALTHY, by number, and the deployments of which one has
// been told. None of it is journalled: after a restart the time of waiting is counted anew.
type stuck struct {
	tasks map[uint64]scheduler.Stuck
	told  []ecs.DeploymentID
}

// note takes in how a task is now.
func (k *stuck) note(now ecs.Time, t *ecs.Task) {
	waits, on, is := lifecycle.Stuck(t.Definition.Containers, t.Containers)
	if !is || t.LastStatus >= ecs.StatusRunning || t.DesiredStatus != ecs.StatusRunning {
		delete(k.tasks, t.Seq)
		return
	}
	since := now
	if known, ok := k.tasks[t.Seq]; ok {
		since = known.Since
	}
	if k.tasks == nil {
		k.tasks = map[uint64]scheduler.Stuck{}
	}
	k.tasks[t.Seq] = scheduler.Stuck{Seq: t.Seq, Task: t.ID, Deployment: t.Deployment, Container: waits, Dependency: on, Since: since}
}

// Stuck gives the tasks that wait for a container which is UNHEALTHY, in the order of creation.
func (s *Service) Stuck() []scheduler.Stuck {
	if len(s.stuck.tasks) == 0 {
		return nil
	}
	out := make([]scheduler.Stuck, 0, len(s.stuck.tasks))
	for _, k := range s.stuck.tasks {
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b scheduler.Stuck) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}

// StuckIsNews says whether this is the first stuck task of its deployment; message is what would be said, and may have been before
// a restart.
func (s *Service) StuckIsNews(k scheduler.Stuck, message string) bool {
	if slices.Contains(s.stuck.told, k.Deployment) {
		return false
	}
	s.stuck.told = slices.DeleteFunc(s.stuck.told, func(d ecs.DeploymentID) bool { return s.record.Deployment(d) == nil })
	s.stuck.told = append(s.stuck.told, k.Deployment)
	return !slices.ContainsFunc(s.record.Events, func(e *ecs.ServiceEvent) bool { return e.Message == message })
}
