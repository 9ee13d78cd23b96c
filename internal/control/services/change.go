package services

import (
	"slices"

	"ballast/internal/control/journal"
	"ballast/internal/ecs"
	"ballast/internal/scheduler"
)

// Create makes a service with its first deployment. A service of that name that is ACTIVE is given as it is if the request
// asks for the same, as ECS does for repetitions.
func (b *Book) Create(now ecs.Time, chance Chance, record ecs.Service) (*ecs.Service, error) {
	if old := b.Find(record.Cluster, record.Name); old != nil {
		switch old.Status {
		case ecs.ServiceActive:
			if same(old, &record) {
				return old, nil
			}
			return nil, ecs.Errorf(ecs.InvalidParameterException, "Creation of service was not idempotent.")
		case ecs.ServiceDraining:
			return nil, ecs.Errorf(ecs.InvalidParameterException, "Unable to Start a service that is still Draining.")
		}
		b.Forget(old)
	}
	record.Seq = b.seqs[record.Cluster] + 1
	record.CreatedAt = now
	record.Deployments = nil
	record.Current = nil
	b.deploy(now, chance, &record, record.Definition)
	s := b.add(&record)
	b.begin(now, s, &record)
	b.save(s, &record)
	b.track(s)
	return &record, nil
}

// same says whether a service is what a request to create it asks for.
func same(s, asked *ecs.Service) bool {
	return s.Definition.Name() == asked.Definition.Name() && s.Desired == asked.Desired &&
		s.MinimumHealthyPercent == asked.MinimumHealthyPercent && s.MaximumPercent == asked.MaximumPercent &&
		s.Breaker == asked.Breaker && sameEarly(s.Early, asked.Early) && sameAlarms(s.Alarms, asked.Alarms) &&
		s.GracePeriod == asked.GracePeriod && s.PropagateTags == asked.PropagateTags &&
		s.EnableECSManagedTags == asked.EnableECSManagedTags && slices.Equal(s.LoadBalancers, asked.LoadBalancers) && slices.Equal(s.Registries, asked.Registries) &&
		s.Network.Equal(asked.Network) &&
		slices.Equal(s.Tags, asked.Tags)
}

func sameEarly(a, b *ecs.EarlySuccess) bool { return a == b || a != nil && b != nil && *a == *b }

func sameAlarms(a, b *ecs.DeploymentAlarms) bool {
	return a == b || a != nil && b != nil && a.Enabled == b.Enabled && a.Rollback == b.Rollback && slices.Equal(a.Names, b.Names)
}

// deploy makes a new PRIMARY deployment of a record that is not yet shared.
func (b *Book) deploy(now ecs.Time, chance Chance, record *ecs.Service, definition *ecs.TaskDefinition) {
	d := ecs.Deployment{ID: chance.Deployment(), Definition: definition, Family: definition.Family,
		Revision: definition.Revision, Desired: record.Desired, CreatedAt: now, UpdatedAt: now, Network: record.Network}
	d.RolloutReason = scheduler.InProgressReason(d.ID)
	record.Deployments = append([]ecs.Deployment{d}, record.Deployments...)
	record.Definition, record.Family, record.Revision = definition, definition.Family, definition.Revision
	record.Steady, record.Deadlocked, record.BakingSince = false, false, 0
	// An alarm that is raised already says nothing about what is about to change (developer guide, How CloudWatch alarms detect
	// Amazon ECS deployment failures).
	record.Deployments[0].Unwatched = len(b.raised(record)) > 0
}

// Update replaces the record of a service, and starts a deployment if deploys says so.
func (b *Book) Update(now ecs.Time, chance Chance, record *ecs.Service, definition *ecs.TaskDefinition, deploys bool) *ecs.Service {
	s := b.Numbered(record.Cluster, record.Seq)
	record.Deployments = slices.Clone(record.Deployments)
	if deploys {
		b.supersede(now, chance, s, record, definition)
		b.begin(now, s, record)
	} else if primary := &record.Deployments[0]; primary.Desired != record.Desired {
		primary.Desired, primary.UpdatedAt = record.Desired, now
		record.Steady = false
	}
	b.save(s, record)
	b.track(s)
	b.touch(s)
	return record
}

// Delete drains a service: it keeps no task from now on.
func (b *Book) Delete(now ecs.Time, old *ecs.Service) *ecs.Service {
	s := b.Numbered(old.Cluster, old.Seq)
	record := *old
	record.Status, record.Desired = ecs.ServiceDraining, 0
	record.Deployments = slices.Clone(old.Deployments)
	for i := range record.Deployments {
		record.Deployments[i].Desired, record.Deployments[i].UpdatedAt = 0, now
	}
	b.forgetHistory(s, &record)
	b.save(s, &record)
	b.track(s)
	b.touch(s)
	return &record
}

// Say adds an event to the history of a service and drops the oldest beyond those kept, together with what the service knows of them:
// half of that would leave a gap after a crash.
func (b *Book) Say(now ecs.Time, chance Chance, s *Service, message string) {
	record := *s.record
	record.LastEvent++
	event := &ecs.ServiceEvent{ID: chance.ID(), At: now, Message: message}
	record.Events = s.recent.add(record.Events, event)
	b.save(s, &record)
	key := journal.ServiceKey(&record)
	b.w.PutBeside(key, journal.EventKey(&record, record.LastEvent), event)
	if len(s.record.Events) == ecs.MaxServiceEvents && record.LastEvent > ecs.MaxServiceEvents {
		b.w.DeleteBeside(key, journal.EventKey(&record, record.LastEvent-ecs.MaxServiceEvents))
	}
}

// Forget drops an INACTIVE service and its events.
func (b *Book) Forget(record *ecs.Service) {
	s := b.Numbered(record.Cluster, record.Seq)
	b.w.Delete(journal.ServiceKey(record))
	b.refer(record, -1)
	for _, d := range s.history {
		b.w.DeleteAfter(journal.DeploymentKey(record, d.Number))
	}
	delete(b.numbers, number{record.Cluster, record.Seq})
	b.leaveQueue(s)
	if newest := b.names[name{record.Cluster, record.Name}]; newest != nil && newest.record.Seq == record.Seq {
		delete(b.names, name{record.Cluster, record.Name})
	}
	for n := range uint64(len(record.Events)) {
		b.w.DeleteAfter(journal.EventKey(record, record.LastEvent-n))
	}
}

// Apply takes over what a plan says of deployments, status and events; starts and stops are control's to carry out.
func (b *Book) Apply(now ecs.Time, chance Chance, s *Service, plan *scheduler.Plan) {
	s.explain = plan.Explanations
	for _, event := range plan.Events {
		s.tracker.Said(event)
	}
	if !plan.Acts() && plan.Steady == s.record.Steady && plan.Deadlocked == s.record.Deadlocked && plan.BakingSince == s.record.BakingSince &&
		s.counted() && !s.pending() {
		return
	}
	record := *s.record
	record.Deployments = slices.Clone(s.record.Deployments)
	s.keepCounts(now, &record)
	for _, change := range plan.Desired {
		if d := record.Deployment(change.Deployment); d != nil {
			d.Desired, d.UpdatedAt = change.Desired, now
		}
	}
	for _, change := range plan.Rollouts {
		if d := record.Deployment(change.Deployment); d != nil {
			d.Rollout, d.RolloutReason, d.UpdatedAt = change.State, change.Reason, now
			if d.Rollout == ecs.RolloutCompleted {
				completed := *d
				completed.Running, completed.Pending = 0, 0 // which are not journalled
				record.LastCompleted = &completed
			}
		}
	}
	b.follow(now, s, &record, plan)
	record.Deployments = slices.DeleteFunc(record.Deployments, func(d ecs.Deployment) bool {
		return slices.Contains(plan.Remove, d.ID)
	})
	if plan.Inactive {
		record.Status, record.InactiveAt = ecs.ServiceInactive, now
	}
	record.Steady, record.Deadlocked, record.BakingSince = plan.Steady, plan.Deadlocked, plan.BakingSince
	if plan.RollBackTo != 0 {
		b.rollBack(now, chance, s, &record, plan)
	}
	b.save(s, &record)
	b.track(s)
	for _, event := range plan.Events {
		b.Say(now, chance, s, event.Message(record.Name))
	}
}

// rollBack starts a deployment like the last completed one, which is not completed itself until this one is.
func (b *Book) rollBack(now ecs.Time, chance Chance, s *Service, record *ecs.Service, plan *scheduler.Plan) {
	last := record.LastCompleted
	record.LastCompleted, record.Network = nil, last.Network
	b.supersede(now, chance, s, record, last.Definition)
	back, revision := &record.Deployments[0], last.ServiceRevision()
	back.RolloutReason = plan.Rollouts[0].Cause.RollingBackReason(last.ID)
	back.Restores, back.RestoredFrom = revision.ID, revision.CreatedAt
	b.touch(s) // the new deployment is to be decided
}

// supersede puts a new deployment before the others, which keep what they have until it takes over. The record is not yet shared.
func (b *Book) supersede(now ecs.Time, chance Chance, s *Service, record *ecs.Service, definition *ecs.TaskDefinition) {
	older := &record.Deployments[0]
	for _, d := range s.tracker.View().Deployments {
		if d.ID == older.ID {
			older.Desired = d.Counts.Running()
		}
	}
	older.UpdatedAt = now
	s.tracker.Deployed(definition.Name() != older.Definition.Name(), now)
	b.deploy(now, chance, record, definition)
}
