package root

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"strconv"
	"strings"

	"ballast/internal/ecs"
)

// entry is a task in one of the lists that ListTasks pages through. It leads to the id, so that a change of status leaves the
// index alone. It is small and without pointers: a cluster has five for each of its tasks.
type entry struct {
	list uint64 // the number of the list, twice, and one more where tasks with the desired status STOPPED stand
	seq  uint64
	id   ecs.ID
}

func entryLess(a, b entry) bool { return a.list < b.list || a.list == b.list && a.seq < b.seq }

// in gives the place of a desired status within a list.
func in(list uint64, desired ecs.Status) uint64 {
	if desired == ecs.StatusStopped {
		return 2*list + 1
	}
	return 2 * list
}

// listKey says what the tasks of a list have in common: the value of by is text or id.
type listKey struct {
	cluster string
	text    string
	id      ecs.ID
	by      by
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

// list is a list in use, as readers find its number.
type list struct {
	listKey
	number uint64
}

func listLess(a, b list) bool {
	return cmp.Or(cmp.Compare(a.by, b.by), strings.Compare(a.cluster, b.cluster), strings.Compare(a.text, b.text),
		bytes.Compare(a.id[:], b.id[:])) < 0
}

// lists numbers the lists in use. Only the Builder has it; readers have a tree.
type lists struct {
	numbers map[listKey]*listUse
	newest  uint64
}

type listUse struct {
	number uint64
	tasks  int
}

// maxLists is how many lists a task is in at most.
const maxLists = 5

// appendLists adds the lists of a task to out.
func appendLists(out []listKey, t *ecs.Task) []listKey {
	out = append(out, listKey{cluster: t.Cluster, by: byAll}, listKey{cluster: t.Cluster, by: byFamily, text: t.Definition.Family},
		listKey{cluster: t.Cluster, by: byInstance, id: t.Instance})
	switch {
	case t.Service != "":
		out = append(out, listKey{cluster: t.Cluster, by: byService, text: t.Service},
			listKey{cluster: t.Cluster, by: byDeployment, id: deploymentValue(t.Deployment)})
	case t.StartedBy != "":
		out = append(out, startedBy(t.Cluster, t.StartedBy))
	}
	return out
}

// use counts one more task, or one less, in a list, and gives the number of the list.
func (b *Builder) use(key listKey, by int) uint64 {
	use := b.lists.numbers[key]
	if use == nil {
		b.lists.newest++
		use = &listUse{number: b.lists.newest}
		b.lists.numbers[key] = use
		b.listed.Set(list{key, use.number})
	}
	if use.tasks += by; use.tasks == 0 {
		delete(b.lists.numbers, key)
		b.listed.Delete(list{listKey: key})
	}
	return use.number
}

// reindex brings the lists up to date with a task that was old and is now; nil where there is none.
func (b *Builder) reindex(old, now *ecs.Task) {
	if old != nil && now != nil && old.DesiredStatus == now.DesiredStatus {
		return
	}
	var few [maxLists]listKey
	if now != nil {
		for _, key := range appendLists(few[:0], now) {
			b.index.Set(entry{in(b.use(key, 1), now.DesiredStatus), now.Seq, now.ID})
		}
	}
	if old != nil {
		for _, key := range appendLists(few[:0], old) {
			b.index.Delete(entry{list: in(b.use(key, -1), old.DesiredStatus), seq: old.Seq})
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

// deploymentValue is the value of a deployment's list.
func deploymentValue(d ecs.DeploymentID) (id ecs.ID) {
	binary.BigEndian.PutUint64(id[:], uint64(d))
	return id
}

// startedBy gives the list of what startedBy says. Anyone may write what looks like a deployment there.
func startedBy(cluster, name string) listKey {
	number, isDeployment := strings.CutPrefix(name, "ecs-svc/")
	if n, err := strconv.ParseUint(number, 10, 64); isDeployment && err == nil {
		return listKey{cluster: cluster, by: byDeployment, id: deploymentValue(ecs.DeploymentID(n))}
	}
	return listKey{cluster: cluster, by: byStartedBy, text: name}
}

// list names the narrowest list that holds all tasks which can match.
func (f TaskFilter) list() listKey {
	switch {
	case f.Service != "":
		return listKey{cluster: f.Cluster, by: byService, text: f.Service}
	case f.StartedBy != "":
		return startedBy(f.Cluster, f.StartedBy)
	case !f.Instance.IsZero():
		return listKey{cluster: f.Cluster, by: byInstance, id: f.Instance}
	case f.Family != "":
		return listKey{cluster: f.Cluster, by: byFamily, text: f.Family}
	}
	return listKey{cluster: f.Cluster, by: byAll}
}

// Tasks gives at most limit tasks that match, in the order of creation, beginning after the given sequence number.
func (r *Root) Tasks(f TaskFilter, after uint64, limit int) []*ecs.Task {
	found, any := r.listed.Get(list{listKey: f.list()})
	if !any {
		return nil
	}
	from := entry{list: in(found.number, f.Desired), seq: after + 1}
	var out []*ecs.Task
	r.index.Ascend(from, func(e entry) bool {
		if e.list != from.list {
			return false
		}
		if t := r.Task(f.Cluster, e.id); t != nil && f.matches(t) {
			out = append(out, t)
		}
		return len(out) < limit
	})
	return out
}
