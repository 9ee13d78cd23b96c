// Package catalog is control's book of what changes rarely and is referred to by everything else: clusters, task definition
// revisions and client tokens. It never starts or stops anything. Start reading at Book.
package catalog

import (
	"cmp"
	"slices"
	"time"

	"ballast/internal/control/journal"
	"ballast/internal/ecs"
)

// tokenKept is how long a client token answers repetitions, at most tokensKept of them (the oldest go first). ECS says that
// idempotency tokens last 24 hours (Amazon ECS API reference, Ensuring idempotency).
const (
	tokenKept  = 24 * time.Hour
	tokensKept = 100_000
)

// Book holds clusters, task definitions and tokens. Its records are immutable; it replaces them.
type Book struct {
	w           *journal.Writer
	clusters    map[string]*ecs.Cluster
	clusterSeq  uint64
	definitions map[string][]*ecs.TaskDefinition // by family, revision n at n-1
	revisions   uint64                           // number of the newest revision of all families
	families    map[string]int                   // highest revision number of families that have had one removed
	uses        map[revision]int                 // what refers to a revision
	unused      []revision                       // deleted ones to which nothing refers, perhaps
	tokens      map[journal.Key]*journal.Token
	tokenOrder  []journal.Key
	changed     []string // clusters whose counts changed in this step, in order
}

// New gives an empty book that writes to w.
func New(w *journal.Writer) *Book {
	return &Book{w: w, clusters: map[string]*ecs.Cluster{}, definitions: map[string][]*ecs.TaskDefinition{},
		tokens: map[journal.Key]*journal.Token{}, families: map[string]int{}, uses: map[revision]int{}}
}

// Load takes a record read from the store.
func (b *Book) Load(key journal.Key, record any) {
	switch r := record.(type) {
	case *ecs.Cluster:
		b.clusters[r.Name] = r
		b.clusterSeq = max(b.clusterSeq, r.Seq)
	case *ecs.TaskDefinition:
		b.place(r)
		b.revisions = max(b.revisions, r.Seq)
		if r.Status == ecs.TaskDefinitionDeleteInProgress {
			b.unused = append(b.unused, revision{r.Family, r.Revision})
		}
	case *journal.Family:
		b.families[r.Name] = r.Newest
	case *journal.Token:
		b.tokens[key] = r
		b.tokenOrder = append(b.tokenOrder, key)
	}
}

// Loaded says that every record has been loaded: tokens, which came in the order of their keys, are brought into that of their age.
func (b *Book) Loaded() {
	slices.SortStableFunc(b.tokenOrder, func(x, y journal.Key) int { return cmp.Compare(b.tokens[x].At, b.tokens[y].At) })
}

// place puts a revision at its index, whatever the order of loading.
func (b *Book) place(d *ecs.TaskDefinition) {
	revisions := b.definitions[d.Family]
	for len(revisions) < d.Revision {
		revisions = append(revisions, nil)
	}
	revisions[d.Revision-1] = d
	b.definitions[d.Family] = revisions
}

// Cluster finds a cluster.
func (b *Book) Cluster(name string) (*ecs.Cluster, error) {
	if c := b.clusters[name]; c != nil && !c.Inactive {
		return c, nil
	}
	return nil, &ecs.Error{Code: ecs.ClusterNotFoundException, Message: "Cluster not found."}
}

// CreateCluster makes a cluster; one that exists is given as it is (API_CreateCluster repeats are harmless).
func (b *Book) CreateCluster(now ecs.Time, name string, tags []ecs.Tag, settings []ecs.Setting) *ecs.Cluster {
	if c := b.clusters[name]; c != nil && !c.Inactive {
		return c
	}
	b.clusterSeq++
	c := &ecs.Cluster{Seq: b.clusterSeq, Name: name, CreatedAt: now, Tags: tags, Settings: settings}
	b.clusters[name] = c
	b.w.Put(journal.ClusterKey(name), c)
	return c
}

// Register makes d the next revision of its family.
func (b *Book) Register(now ecs.Time, d ecs.TaskDefinition) *ecs.TaskDefinition {
	d.Revision = b.newest(d.Family) + 1
	b.revisions++
	d.Seq = b.revisions
	d.RegisteredAt = now
	b.place(&d)
	b.w.Put(journal.DefinitionKey(&d), &d)
	return &d
}

// Definition finds a revision; nil when there is none.
func (b *Book) Definition(family string, revision int) *ecs.TaskDefinition {
	revisions := b.definitions[family]
	if revision < 1 || revision > len(revisions) {
		return nil
	}
	return revisions[revision-1]
}

// Token finds what a client token was answered with. The same token with other parameters is a conflict.
func (b *Book) Token(now ecs.Time, key journal.Key, digest [16]byte) (*journal.Token, error) {
	t := b.tokens[key]
	if t == nil || now.Sub(t.At) >= tokenKept {
		return nil, nil
	}
	if t.Digest != digest {
		return nil, &ecs.Error{Code: ecs.ConflictException,
			Message: "The request with the same clientToken was already made with different parameters."}
	}
	return t, nil
}

// Remember keeps the answer to a client token and drops those that are old or too many.
func (b *Book) Remember(now ecs.Time, key journal.Key, t journal.Token) {
	t.At = now
	if b.tokens[key] == nil {
		b.tokenOrder = append(b.tokenOrder, key)
	}
	b.tokens[key] = &t
	b.w.Put(key, &t)
	for len(b.tokenOrder) > 0 {
		oldest := b.tokenOrder[0]
		if len(b.tokenOrder) <= tokensKept && now.Sub(b.tokens[oldest].At) < tokenKept {
			break
		}
		b.tokenOrder = b.tokenOrder[1:]
		delete(b.tokens, oldest)
		b.w.Delete(oldest)
	}
}

// Counts are changes of what a cluster shows.
type Counts struct{ Instances, Running, Pending, Services int }

// Count adds to what a cluster shows.
func (b *Book) Count(cluster string, by Counts) {
	old := b.clusters[cluster]
	if old == nil || by == (Counts{}) {
		return
	}
	c := *old
	c.Instances += by.Instances
	c.Running += by.Running
	c.Pending += by.Pending
	c.Services += by.Services
	b.clusters[cluster] = &c
	b.changed = append(b.changed, cluster)
}

// Flush shows readers the counts that changed.
func (b *Book) Flush() {
	for _, name := range b.changed {
		b.w.Show(journal.ClusterKey(name), b.clusters[name])
	}
	b.changed = b.changed[:0]
}
