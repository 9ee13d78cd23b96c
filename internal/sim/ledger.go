package sim

import (
	"fmt"
	"maps"
	"slices"

	"ballast/internal/control"
	"ballast/internal/control/root"
	"ballast/internal/ecs"
)

// ledger is what users have been told of services: whatever was acknowledged must be so until another command changes it. A
// command without a clear answer makes unsure what it would have changed.
type ledger struct {
	entries map[string]*entry
	back    map[string]int // the revision that a service deployment went back to by itself, by its id
}

func newLedger() ledger { return ledger{entries: map[string]*entry{}, back: map[string]int{}} }

// entry is one service. A field that is not sure is not compared.
type entry struct {
	cluster, name        string
	sure, deleted        bool
	desired, revision    int
	desiredOK, revisedOK bool
}

func (l *ledger) entry(cluster, name string) *entry {
	key := cluster + "/" + name
	if l.entries[key] == nil {
		l.entries[key] = &entry{cluster: cluster, name: name}
	}
	return l.entries[key]
}

// take notes what a client was told about its command.
func (l *ledger) take(c control.Command, r Reply) {
	switch c := c.(type) {
	case control.CreateService:
		e := l.entry(c.Service.Cluster, c.Service.Name)
		switch {
		case r.Unknown:
			*e = entry{cluster: e.cluster, name: e.name}
		case r.Err == nil:
			s := r.Result.(*ecs.Service)
			e.sure, e.deleted = true, s.Status != ecs.ServiceActive
			e.desired, e.revision, e.desiredOK, e.revisedOK = s.Desired, s.Revision, true, true
			l.wentBack(e, s)
		}
	case control.DeleteService:
		e := l.entry(c.Cluster, c.Name)
		switch {
		case r.Unknown:
			*e = entry{cluster: e.cluster, name: e.name}
		case r.Err == nil:
			e.sure, e.deleted = true, true
		}
	case control.UpdateService:
		e := l.entry(c.Cluster, c.Name)
		if r.Err != nil && !r.Unknown {
			return
		}
		if c.Desired != nil {
			e.desired, e.desiredOK = *c.Desired, !r.Unknown
		}
		if c.Definition != nil {
			e.revision, e.revisedOK = c.Definition.Revision, !r.Unknown
		}
		if !r.Unknown {
			l.wentBack(e, r.Result.(*ecs.Service))
		}
	}
}

// wentBack takes into account that what has just been acknowledged may have been rolled back before its client heard of it.
func (l *ledger) wentBack(e *entry, acknowledged *ecs.Service) {
	if acknowledged.Current == nil {
		return
	}
	if revision, is := l.back[acknowledged.Current.ID]; is {
		e.revision, e.revisedOK = revision, true
	}
}

// rolledBack notes a service whose deployment has gone back to another revision by itself, which it does once.
func (l *ledger) rolledBack(s *ecs.Service) {
	if s.Current == nil || s.Current.Rollback == nil {
		return
	}
	if _, known := l.back[s.Current.ID]; known {
		return
	}
	l.back[s.Current.ID] = s.Revision
	e := l.entry(s.Cluster, s.Name)
	e.revision, e.revisedOK = s.Revision, true
}

// doubt notes that a service may have another revision than was acknowledged.
func (l *ledger) doubt(cluster, name string) { l.entry(cluster, name).revisedOK = false }

const acknowledged = "what is acknowledged is so"

// unseen says which part of an answer readers do not see, or what it lacks; "" when all is well. A task may have ended and been
// forgotten since.
func unseen(r *root.Root, c control.Command, result any) string {
	task := func(t *ecs.Task) string {
		switch seen := r.Task(t.Cluster, t.ID); {
		case seen != nil && (seen.DesiredStatus < t.DesiredStatus || seen.StopCode != t.StopCode && t.StopCode != ecs.StopNone):
			return describe(t) + " is " + describe(seen)
		case seen == nil && t.DesiredStatus != ecs.StatusStopped:
			return describe(t) + " is not there"
		}
		return ""
	}
	switch a := result.(type) {
	case *ecs.Task:
		if a.DesiredStatus != ecs.StatusStopped {
			return describe(a) + " was to be stopped"
		}
		return task(a)
	case *control.RunTaskResult:
		if asked := c.(control.RunTask); len(a.Tasks)+len(a.Failures) != asked.Count && asked.Token == "" {
			return fmt.Sprintf("%d tasks and %d failures of %d", len(a.Tasks), len(a.Failures), asked.Count)
		}
		for _, t := range a.Tasks {
			if what := task(t); what != "" {
				return what
			}
		}
	case *ecs.TaskDefinition:
		if r.Definition(a.Family, a.Revision) == nil {
			return a.Name() + " is not there"
		}
	case *ecs.Cluster:
		if r.Cluster(a.Name) == nil {
			return a.Name + " is not there"
		}
	}
	return ""
}

// differs says what of the ledger is not so; "" when all is.
func (l *ledger) differs(r *root.Root) string {
	for _, key := range slices.Sorted(maps.Keys(l.entries)) {
		e := l.entries[key]
		if !e.sure {
			continue
		}
		s := r.Service(e.cluster, e.name)
		switch {
		case e.deleted && s != nil && s.Status == ecs.ServiceActive:
			return fmt.Sprintf("%s was deleted and is ACTIVE", key)
		case e.deleted:
		case s == nil || s.Status != ecs.ServiceActive:
			return fmt.Sprintf("%s was created and is not there", key)
		case e.desiredOK && s.Desired != e.desired:
			return fmt.Sprintf("%s has desired count %d, acknowledged was %d", key, s.Desired, e.desired)
		case e.revisedOK && s.Revision != e.revision:
			return fmt.Sprintf("%s has revision %d, acknowledged was %d", key, s.Revision, e.revision)
		}
	}
	return ""
}
