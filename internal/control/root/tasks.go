package root

import (
	"encoding/binary"
	"strconv"
	"strings"

	"ballast/internal/ecs"
)

// entry is a task in one of the orders that ListTasks pages through. It leads to the id, so that a change of status leaves
// the index alone.
type entry struct {
	cluster string
	by      by
	value   string
	desired ecs.Status
	seq     uint64
	id      ecs.ID
}

type by uint8

const (
	byAll by = iota
	byFamily
	byService
	byInstance
	byStartedBy
	byDeployment
)

// appendEntries adds the entries of a task to out.
func appendEntries(out []entry, t *ecs.Task) []entry {
	e := entry{cluster: t.Cluster, desired: t.DesiredStatus, seq: t.Seq, id: t.ID}
	add := func(b by, value string) {
		e.by, e.value = b, value
		out = append(out, e)
	}
	add(byAll, "")
	add(byFamily, t.Definition.Family)
	add(byInstance, string(t.Instance[:]))
	switch {
	case t.Service != "":
		add(byService, t.Service)
		add(byDeployment, deploymentValue(t.Deployment))
	case t.StartedBy != "":
		add(startedBy(t.StartedBy))
	}
	return out
}

func (b *Builder) reindex(old, now *ecs.Task) {
	if old != nil && now != nil && old.DesiredStatus == now.DesiredStatus {
		return
	}
	if old != nil {
		for _, e := range appendEntries(nil, old) {
			b.index.Delete(e)
		}
	}
	if now != nil {
		for _, e := range appendEntries(nil, now) {
			b.index.Set(e)
		}
	}
}

// TaskFilter says which tasks of a cluster are listed; empty fields ask for nothing.
type TaskFilter struct {
	Cluster   string
	Desired   ecs.Status // StatusRunning or StatusStopped
	Family    string
	Service   string
	Instance  ecs.ID
	StartedBy string // for tasks of a service, its deployment
}

func (f TaskFilter) matches(t *ecs.Task) bool {
	return (f.Family == "" || t.Definition.Family == f.Family) &&
		(f.Service == "" || t.Service == f.Service) &&
		(f.Instance.IsZero() || t.Instance == f.Instance) &&
		(f.StartedBy == "" || t.StartedByName() == f.StartedBy)
}

// deploymentValue is the value of a deployment's list, shorter than its name.
func deploymentValue(d ecs.DeploymentID) string {
	return string(binary.BigEndian.AppendUint64(nil, uint64(d)))
}

// startedBy gives the list of what startedBy says. Anyone may write what looks like a deployment there.
func startedBy(name string) (by, string) {
	number, isDeployment := strings.CutPrefix(name, "ecs-svc/")
	if n, err := strconv.ParseUint(number, 10, 64); isDeployment && err == nil {
		return byDeployment, deploymentValue(ecs.DeploymentID(n))
	}
	return byStartedBy, name
}

// order names the narrowest order that holds all tasks which can match.
func (f TaskFilter) order() (by, string) {
	switch {
	case f.Service != "":
		return byService, f.Service
	case f.StartedBy != "":
		return startedBy(f.StartedBy)
	case !f.Instance.IsZero():
		return byInstance, string(f.Instance[:])
	case f.Family != "":
		return byFamily, f.Family
	}
	return byAll, ""
}

// Tasks gives at most limit tasks that match, in the order of creation, beginning after the given sequence number.
func (r *Root) Tasks(f TaskFilter, after uint64, limit int) []*ecs.Task {
	order, value := f.order()
	from := entry{cluster: f.Cluster, by: order, value: value, desired: f.Desired, seq: after + 1}
	var out []*ecs.Task
	r.index.Ascend(from, func(e entry) bool {
		if e.cluster != f.Cluster || e.by != order || e.value != value || e.desired != f.Desired {
			return false
		}
		if t := r.Task(f.Cluster, e.id); t != nil && f.matches(t) {
			out = append(out, t)
		}
		return len(out) < limit
	})
	return out
}
