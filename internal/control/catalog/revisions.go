package catalog

import (
	"ballast/internal/control/journal"
	"ballast/internal/ecs"
)

// revision names a task definition revision.
type revision struct {
	family string
	number int
}

// Use counts what refers to a revision: tasks as long as they can be described, and deployments. by is 1 or -1.
func (b *Book) Use(family string, number, by int) {
	key := revision{family, number}
	b.uses[key] += by
	if b.uses[key] > 0 {
		return
	}
	delete(b.uses, key)
	if d := b.Definition(family, number); d != nil && d.Status == ecs.TaskDefinitionDeleteInProgress {
		b.unused = append(b.unused, key)
	}
}

// Usable gives the present value of a revision that tasks and services are to be made of, as control has it: what a request
// found may have been deregistered since. The text is that of real accounts; inactive is the operation's error type.
func (b *Book) Usable(d *ecs.TaskDefinition, inactive ecs.Code) (*ecs.TaskDefinition, error) {
	now := b.Definition(d.Family, d.Revision)
	switch {
	case now == nil:
		return nil, ecs.Errorf(ecs.ClientException, "TaskDefinition not found.")
	case now.Status != ecs.TaskDefinitionActive:
		return nil, ecs.Errorf(inactive, "TaskDefinition is inactive")
	}
	return now, nil
}

// Deregister makes a revision INACTIVE. One that already is stays as it is (API_DeregisterTaskDefinition).
func (b *Book) Deregister(now ecs.Time, family string, number int) (*ecs.TaskDefinition, error) {
	old := b.Definition(family, number)
	switch {
	case old == nil:
		return nil, ecs.Errorf(ecs.ClientException, "Unable to describe task definition.")
	case old.Status != ecs.TaskDefinitionActive:
		return old, nil
	}
	d := *old
	d.Status, d.DeregisteredAt = ecs.TaskDefinitionInactive, now
	b.saveDefinition(&d)
	return &d, nil
}

// DeleteDefinition makes an INACTIVE revision DELETE_IN_PROGRESS. It is removed when nothing refers to it any more.
// The texts are those that moto has from real accounts (getmoto/moto, delete_task_definitions).
func (b *Book) DeleteDefinition(now ecs.Time, family string, number int) (*ecs.TaskDefinition, error) {
	old := b.Definition(family, number)
	switch {
	case old == nil:
		return nil, ecs.Errorf(ecs.ClientException, "The specified task definition does not exist. Specify a valid account, family, revision and try again.")
	case old.Status == ecs.TaskDefinitionActive:
		return nil, ecs.Errorf(ecs.ClientException,
			"The specified task definition is still in ACTIVE status. Please deregister the target and try again.")
	case old.Status == ecs.TaskDefinitionDeleteInProgress:
		return old, nil
	}
	d := *old
	d.Status, d.DeleteRequestedAt = ecs.TaskDefinitionDeleteInProgress, now
	b.saveDefinition(&d)
	if key := (revision{family, number}); b.uses[key] == 0 {
		b.unused = append(b.unused, key)
	}
	return &d, nil
}

// TagDefinition replaces the tags of a revision.
func (b *Book) TagDefinition(old *ecs.TaskDefinition, tags []ecs.Tag) *ecs.TaskDefinition {
	d := *old
	d.Tags = tags
	b.saveDefinition(&d)
	return &d
}

func (b *Book) saveDefinition(d *ecs.TaskDefinition) {
	b.place(d)
	b.w.Put(journal.DefinitionKey(d), d)
}

// Unused says whether revisions wait to be removed.
func (b *Book) Unused() bool { return len(b.unused) > 0 }

// RemoveUnused drops the deleted revisions to which nothing refers. Those that have been written in this step wait for the next:
// a record has one place among the units of a step, and there the last reference may still stand. Their family remembers that
// its numbers have been given out (developer guide: a deregistered revision's number is never used again).
func (b *Book) RemoveUnused() {
	waiting := b.unused
	b.unused = nil
	for _, key := range waiting {
		d := b.Definition(key.family, key.number)
		switch {
		case d == nil || d.Status != ecs.TaskDefinitionDeleteInProgress || b.uses[key] > 0:
			continue
		case b.w.Written(journal.DefinitionKey(d)):
			b.unused = append(b.unused, key)
			continue
		}
		if newest := b.newest(d.Family); newest > b.families[d.Family] {
			b.families[d.Family] = newest
			b.w.Put(journal.FamilyKey(d.Family), &journal.Family{Name: d.Family, Newest: newest})
		}
		b.definitions[d.Family][d.Revision-1] = nil
		b.w.Delete(journal.DefinitionKey(d))
	}
}

// newest is the highest revision number that a family has ever given out.
func (b *Book) newest(family string) int { return max(len(b.definitions[family]), b.families[family]) }
