package services

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"time"

	"ballast/internal/control/journal"
	"ballast/internal/ecs"
	"ballast/internal/scheduler"
)

// How long finished service deployments are kept, and how many of a service. ECS keeps them for 90 days (developer guide, View
// service history using Amazon ECS service deployments); the number is ten a day for all of that time.
const (
	historyKept = 90 * 24 * time.Hour
	maxHistory  = 900
)

// begin makes the newest deployment of a record a service deployment of its own. The one before leaves the record for the
// history, with what it came to. The record is not yet shared.
func (b *Book) begin(now ecs.Time, s *Service, record *ecs.Service) {
	number := uint64(1)
	if old := record.Current; old != nil {
		number = old.Number + 1
		past := *old
		if !past.Status.Finished() {
			s.finish(now, &past, s.record, ecs.ServiceDeploymentStopped, reasonSuperseded)
		}
		b.w.Put(journal.DeploymentKey(record, past.Number), &past)
		s.history = append(s.history, &past)
	}
	fresh := &ecs.ServiceDeployment{ID: deploymentID(record.Deployments[0].ID), Number: number, CreatedAt: now, UpdatedAt: now,
		Target: record.Deployments[0].ServiceRevision()}
	for i := range record.Deployments[1:] {
		if id := record.Deployments[i+1].ServiceRevision().ID; !slices.Contains(fresh.Sources, id) {
			fresh.Sources = append(fresh.Sources, id)
		}
	}
	record.Current = fresh
	b.forgetOld(now, s, record)
}

// deploymentID gives the id of the service deployment that begins with a deployment, in the form that ECS gives it. It follows from
// the deployment's own number, which is drawn at random.
func deploymentID(first ecs.DeploymentID) string {
	sum := sha256.Sum256([]byte(first.Digits()))
	return base64.RawURLEncoding.EncodeToString(sum[:])[:ecs.ServiceDeploymentIDLen]
}

// Why a service deployment is as it is. The first is ECS's own; the others are not documented and follow its form.
const (
	reasonTripped    = "the circuit breaker threshold was exceeded."
	reasonAlarmed    = "an alarm was raised."
	reasonRecalled   = "its rollback was requested."
	reasonSuperseded = "Service deployment stopped because another service deployment began."
)

// reasonOf says why a service deployment ended by a cause as it did: "rolled back", "stopped", "rollback failed".
func reasonOf(c scheduler.Cause, what string) string {
	because := reasonTripped
	switch c {
	case scheduler.CauseAlarm:
		because = reasonAlarmed
	case scheduler.CauseRecall:
		because = reasonRecalled
	}
	return "Service deployment " + what + " because " + because
}

// follow brings the service deployment of a record up to what a plan says of the newest deployment. It comes before a rollback
// starts. The record is not yet shared.
func (b *Book) follow(now ecs.Time, s *Service, record *ecs.Service, plan *scheduler.Plan) {
	if record.Current == nil || record.Current.Status.Finished() {
		return
	}
	d := *record.Current
	if d.Status == ecs.ServiceDeploymentPending {
		d.Status, d.StartedAt, d.UpdatedAt = ecs.ServiceDeploymentInProgress, now, now
	}
	for _, change := range plan.Rollouts {
		if change.Deployment != record.Deployments[0].ID {
			continue
		}
		goesBack := d.Status == ecs.ServiceDeploymentRollbackInProgress
		switch {
		case change.State == ecs.RolloutCompleted && goesBack:
			s.finish(now, &d, record, ecs.ServiceDeploymentRollbackSuccessful, d.StatusReason)
		case change.State == ecs.RolloutCompleted:
			s.finish(now, &d, record, ecs.ServiceDeploymentSuccessful, "")
		case goesBack:
			s.finish(now, &d, record, ecs.ServiceDeploymentRollbackFailed, reasonOf(change.Cause, "rollback failed"))
		case plan.RollBackTo != 0:
			d.Watch = b.tripped(s, record, change.Cause)
			d.Status, d.StatusReason, d.UpdatedAt = ecs.ServiceDeploymentRollbackInProgress, reasonOf(change.Cause, "rolled back"), now
			d.Rollback = &ecs.Rollback{Reason: d.StatusReason, StartedAt: now, Revision: record.LastCompleted.ServiceRevision().ID}
		default:
			d.Watch = b.tripped(s, record, change.Cause)
			s.finish(now, &d, record, ecs.ServiceDeploymentStopped, reasonOf(change.Cause, "stopped"))
		}
	}
	record.Current = &d
}

// finish ends a service deployment that is not yet shared, and notes how all is now.
func (s *Service) finish(now ecs.Time, d *ecs.ServiceDeployment, record *ecs.Service, status ecs.ServiceDeploymentStatus, why string) {
	d.Status, d.StatusReason, d.FinishedAt, d.UpdatedAt = status, why, now, now
	if status == ecs.ServiceDeploymentStopped {
		d.StoppedAt = now
	}
	if d.Watch == nil {
		d.Watch = s.watched(record)
	}
	counted := *record
	counted.Deployments = slices.Clone(record.Deployments)
	s.countTasks(&counted)
	d.Last = &ecs.Snapshot{Tasks: counted.RevisionTasks(), Configuration: record.Configuration()}
}

// tripped gives what the detection of failures has come to when the newest deployment fails by a cause.
func (b *Book) tripped(s *Service, record *ecs.Service, c scheduler.Cause) *ecs.Watch {
	w := s.watched(record)
	w.Tripped = c == scheduler.CauseBreaker
	if c == scheduler.CauseAlarm {
		w.Raised = b.raised(record)
	}
	return w
}

// watched gives what the detection of failures has come to for the newest deployment.
func (s *Service) watched(record *ecs.Service) *ecs.Watch {
	view := s.tracker.View()
	w := &ecs.Watch{Threshold: scheduler.Threshold(record.Breaker, record.Desired)}
	if len(view.Deployments) > 0 {
		w.Failed = view.Deployments[0].Failed
	}
	return w
}

// StopDeployment has a service deployment rolled back (API_StopServiceDeployment). One that is on its way there goes on.
func (b *Book) StopDeployment(now ecs.Time, cluster, service, id string) (*ecs.ServiceDeployment, error) {
	s := b.names[name{cluster, service}]
	if s == nil || s.record.Current == nil {
		return nil, errNoDeployment
	}
	if s.record.Current.ID != id {
		if i := slices.IndexFunc(s.history, func(d *ecs.ServiceDeployment) bool { return d.ID == id }); i >= 0 {
			return nil, finished(s.history[i])
		}
		return nil, errNoDeployment
	}
	d := *s.record.Current
	switch d.Status {
	case ecs.ServiceDeploymentPending, ecs.ServiceDeploymentInProgress:
	case ecs.ServiceDeploymentStopRequested, ecs.ServiceDeploymentRollbackRequested, ecs.ServiceDeploymentRollbackInProgress:
		return &d, nil
	default:
		return nil, finished(&d)
	}
	d.Status, d.UpdatedAt = ecs.ServiceDeploymentRollbackRequested, now
	if d.StartedAt == 0 {
		d.StartedAt = now
	}
	record := *s.record
	record.Current = &d
	b.save(s, &record)
	b.track(s)
	b.touch(s)
	return &d, nil
}

var errNoDeployment = ecs.Errorf(ecs.ServiceDeploymentNotFoundException, "Service deployment not found.")

// finished is the refusal to stop what is over; ECS documents the type of the error and not its text.
func finished(d *ecs.ServiceDeployment) error {
	return ecs.Errorf(ecs.ConflictException, "The service deployment is %s and cannot be stopped.", d.Status)
}

// forgetOld drops what is too old or too much of the history of a service.
func (b *Book) forgetOld(now ecs.Time, s *Service, record *ecs.Service) {
	for len(s.history) > 0 && (len(s.history) > maxHistory || now.Sub(s.history[0].FinishedAt) >= historyKept) {
		b.w.DeleteAfter(journal.DeploymentKey(record, s.history[0].Number))
		s.history = s.history[1:]
	}
}

// forgetHistory drops all service deployments of a service, as ECS does when the service is deleted. The record is not yet shared.
func (b *Book) forgetHistory(s *Service, record *ecs.Service) {
	for _, d := range s.history {
		b.w.DeleteAfter(journal.DeploymentKey(record, d.Number))
	}
	s.history, record.Current = nil, nil
}

// ForgetOld drops what is too old of the history of a service.
func (b *Book) ForgetOld(now ecs.Time, s *Service) { b.forgetOld(now, s, s.record) }

// HistoryDue is when the oldest of the history of a service is too old, 0 where there is no history.
func (s *Service) HistoryDue() ecs.Time {
	if len(s.history) == 0 {
		return 0
	}
	return s.history[0].FinishedAt.Add(historyKept)
}
