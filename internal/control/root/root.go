// Package root is the committed state of all clusters as readers see it: immutable records in copy-on-write trees. Readers
// never wait for the writer and never see a change that is not durable. It decides nothing. Start reading at Root.
package root

import (
	"math"

	"github.com/tidwall/btree"

	"ballast/internal/control/journal"
	"ballast/internal/ecs"
)

// Root is one committed state. Its methods give records that must not be changed.
type Root struct {
	clusters    *btree.BTreeG[*ecs.Cluster]
	definitions *btree.BTreeG[*ecs.TaskDefinition]
	families    *btree.BTreeG[family]
	logGroups   *btree.BTreeG[logGroup]
	services    *btree.BTreeG[*ecs.Service]
	instances   *btree.BTreeG[*ecs.ContainerInstance]
	tasks       *btree.BTreeG[*ecs.Task]
	listed      *btree.BTreeG[list] // the lists of tasks in use
	index       *btree.BTreeG[entry]
	history     *btree.BTreeG[past]
}

// Builder holds the newest committed state and makes Roots of it. One goroutine owns it.
type Builder struct {
	Root
	revisions map[uint64]*ecs.TaskDefinition // by number, as keys have it
	lists     lists
	loading   []*ecs.Task
	probe     ecs.Task // what tasks are looked up with
}

// NewBuilder gives a builder with no records.
func NewBuilder() *Builder {
	return &Builder{revisions: map[uint64]*ecs.TaskDefinition{}, lists: lists{numbers: map[listKey]*listUse{}}, Root: Root{
		clusters:    tree(func(a, b *ecs.Cluster) bool { return a.Name < b.Name }),
		definitions: tree(definitionLess),
		families:    tree(familyLess),
		logGroups:   tree(logGroupLess),
		services:    tree(serviceLess),
		instances:   tree(instanceLess),
		tasks:       tree(taskLess),
		listed:      tree(listLess),
		index:       tree(entryLess),
		history:     tree(pastLess),
	}}
}

func tree[T any](less func(a, b T) bool) *btree.BTreeG[T] {
	return btree.NewBTreeGOptions(less, btree.Options{NoLocks: true})
}

func definitionLess(a, b *ecs.TaskDefinition) bool {
	if a.Family != b.Family {
		return a.Family < b.Family
	}
	return a.Revision < b.Revision
}

func serviceLess(a, b *ecs.Service) bool {
	if a.Cluster != b.Cluster {
		return a.Cluster < b.Cluster
	}
	return a.Name < b.Name
}

func instanceLess(a, b *ecs.ContainerInstance) bool {
	if a.Cluster != b.Cluster {
		return a.Cluster < b.Cluster
	}
	return string(a.ID[:]) < string(b.ID[:])
}

func taskLess(a, b *ecs.Task) bool {
	if a.Cluster != b.Cluster {
		return a.Cluster < b.Cluster
	}
	return string(a.ID[:]) < string(b.ID[:])
}

// Publish gives the present state as a Root that later changes do not touch.
func (b *Builder) Publish() *Root {
	return &Root{b.clusters.Copy(), b.definitions.Copy(), b.families.Copy(), b.logGroups.Copy(), b.services.Copy(), b.instances.Copy(), b.tasks.Copy(),
		b.listed.Copy(), b.index.Copy(), b.history.Copy()}
}

// Present gives the present state as Publish does, but without a copy: it changes with the Builder.
func (b *Builder) Present() *Root { return &b.Root }

// Apply takes the changes of a committed unit.
func (b *Builder) Apply(unit journal.Unit) {
	for _, change := range unit {
		b.apply(change)
	}
}

func (b *Builder) apply(change journal.Change) {
	switch r := change.Record.(type) {
	case nil:
		b.remove(change.Key)
	case *ecs.Cluster:
		b.clusters.Set(r)
	case *ecs.TaskDefinition:
		old, _ := b.definitions.Set(r)
		b.revisions[r.Seq] = r
		b.countFamily(old, r)
		b.countGroups(old, r)
	case *ecs.Service:
		b.services.Set(r)
	case *ecs.ServiceDeployment:
		b.history.Set(past{change.Key.Cluster, change.Key.Seq, change.Key.Event, r})
	case *ecs.ContainerInstance:
		b.instances.Set(r)
	case *ecs.Task:
		old, _ := b.tasks.Set(r)
		b.reindex(old, r)
	}
}

// remove takes out what a deleted key stands for. Keys hold sequence numbers, trees are sorted by name, so the index of
// sequence numbers leads from one to the other.
func (b *Builder) remove(key journal.Key) {
	switch key.Kind {
	case journal.KindCluster:
		b.clusters.Delete(&ecs.Cluster{Name: key.Cluster})
	case journal.KindDefinition:
		if d := b.revisions[key.Seq]; d != nil {
			b.definitions.Delete(d)
			delete(b.revisions, key.Seq)
			b.countFamily(d, nil)
			b.countGroups(d, nil)
		}
	case journal.KindTask:
		b.removeTask(key)
	case journal.KindService:
		b.removeMatch(key)
	case journal.KindInstance:
		b.removeInstance(key)
	case journal.KindDeployment:
		b.history.Delete(past{cluster: key.Cluster, service: key.Seq, number: key.Event})
	}
}

func (b *Builder) removeInstance(key journal.Key) {
	all := page(b.instances, &ecs.ContainerInstance{Cluster: key.Cluster}, 1,
		func(i *ecs.ContainerInstance) bool { return i.Seq == key.Seq },
		func(i *ecs.ContainerInstance) bool { return i.Cluster == key.Cluster })
	for _, i := range all {
		b.instances.Delete(i)
	}
}

func (b *Builder) removeTask(key journal.Key) {
	all := b.lists.numbers[listKey{cluster: key.Cluster, by: byAll}]
	if all == nil {
		return
	}
	for _, desired := range []ecs.Status{ecs.StatusStopped, ecs.StatusRunning} {
		if e, ok := b.index.Get(entry{list: in(all.number, desired), seq: key.Seq}); ok {
			b.probe.Cluster, b.probe.ID = key.Cluster, e.id
			old, _ := b.tasks.Delete(&b.probe)
			b.reindex(old, nil)
			return
		}
	}
}

func (b *Builder) removeMatch(key journal.Key) {
	var found *ecs.Service
	b.services.Ascend(&ecs.Service{Cluster: key.Cluster}, func(s *ecs.Service) bool {
		if s.Cluster == key.Cluster && s.Seq == key.Seq {
			found = s
		}
		return found == nil && s.Cluster == key.Cluster
	})
	if found != nil {
		b.services.Delete(found)
	}
}

// Cluster finds a cluster by name; nil when there is none.
func (r *Root) Cluster(name string) *ecs.Cluster {
	c, _ := r.clusters.Get(&ecs.Cluster{Name: name})
	return c
}

// Clusters gives at most limit clusters by name, INACTIVE ones included, beginning after the given one.
func (r *Root) Clusters(after string, limit int) []*ecs.Cluster {
	return page(r.clusters, &ecs.Cluster{Name: after}, limit, func(c *ecs.Cluster) bool { return c.Name != after }, nil)
}

// ActiveClusters is Clusters without the INACTIVE ones.
func (r *Root) ActiveClusters(after string, limit int) []*ecs.Cluster {
	return page(r.clusters, &ecs.Cluster{Name: after}, limit,
		func(c *ecs.Cluster) bool { return c.Name != after && !c.Inactive }, nil)
}

// Definition finds a revision; nil when there is none.
func (r *Root) Definition(family string, revision int) *ecs.TaskDefinition {
	d, _ := r.definitions.Get(&ecs.TaskDefinition{Family: family, Revision: revision})
	return d
}

// LatestDefinition finds the newest ACTIVE revision of a family; nil when there is none.
func (r *Root) LatestDefinition(family string) *ecs.TaskDefinition {
	var found *ecs.TaskDefinition
	r.definitions.Descend(&ecs.TaskDefinition{Family: family, Revision: math.MaxInt}, func(d *ecs.TaskDefinition) bool {
		if d.Family == family && d.Status == ecs.TaskDefinitionActive {
			found = d
		}
		return found == nil && d.Family == family
	})
	return found
}

// Definitions gives at most limit revisions for which keep says yes, of one family ("" = of all), sorted by family and revision
// in the direction asked for, beginning after the given one (nil = from the start).
func (r *Root) Definitions(family string, after *ecs.TaskDefinition, limit int, descending bool, keep func(*ecs.TaskDefinition) bool) []*ecs.TaskDefinition {
	var out []*ecs.TaskDefinition
	from := after
	switch {
	case from == nil && family != "" && descending:
		from = &ecs.TaskDefinition{Family: family, Revision: math.MaxInt}
	case from == nil && family != "":
		from = &ecs.TaskDefinition{Family: family}
	}
	visit := func(d *ecs.TaskDefinition) bool {
		if family != "" && d.Family != family {
			return false
		}
		if (after == nil || d.Family != after.Family || d.Revision != after.Revision) && keep(d) {
			out = append(out, d)
		}
		return len(out) < limit
	}
	switch {
	case from == nil && descending:
		r.definitions.Reverse(visit)
	case from == nil:
		r.definitions.Scan(visit)
	case descending:
		r.definitions.Descend(from, visit)
	default:
		r.definitions.Ascend(from, visit)
	}
	return out
}

// Service finds a service by name, INACTIVE ones included; nil when there is none.
func (r *Root) Service(cluster, name string) *ecs.Service {
	s, _ := r.services.Get(&ecs.Service{Cluster: cluster, Name: name})
	return s
}

// Services gives at most limit services of a cluster by name for which keep says yes, beginning after the given name.
func (r *Root) Services(cluster, after string, limit int, keep func(*ecs.Service) bool) []*ecs.Service {
	return page(r.services, &ecs.Service{Cluster: cluster, Name: after}, limit,
		func(s *ecs.Service) bool { return s.Name != after && keep(s) },
		func(s *ecs.Service) bool { return s.Cluster == cluster })
}

// Instance finds a container instance; nil when there is none.
func (r *Root) Instance(cluster string, id ecs.ID) *ecs.ContainerInstance {
	i, _ := r.instances.Get(&ecs.ContainerInstance{Cluster: cluster, ID: id})
	return i
}

// Instances gives at most limit container instances of a cluster by id for which keep says yes, beginning after the given id.
func (r *Root) Instances(cluster string, after ecs.ID, limit int, keep func(*ecs.ContainerInstance) bool) []*ecs.ContainerInstance {
	return page(r.instances, &ecs.ContainerInstance{Cluster: cluster, ID: after}, limit,
		func(i *ecs.ContainerInstance) bool { return i.ID != after && keep(i) },
		func(i *ecs.ContainerInstance) bool { return i.Cluster == cluster })
}

// Task finds a task; nil when there is none.
func (r *Root) Task(cluster string, id ecs.ID) *ecs.Task {
	t, _ := r.tasks.Get(&ecs.Task{Cluster: cluster, ID: id})
	return t
}

// page collects records from a position on, as long as within says so (nil = to the end).
func page[T any](tree *btree.BTreeG[T], from T, limit int, keep, within func(T) bool) []T {
	var out []T
	tree.Ascend(from, func(record T) bool {
		if within != nil && !within(record) {
			return false
		}
		if keep(record) {
			out = append(out, record)
		}
		return len(out) < limit
	})
	return out
}
