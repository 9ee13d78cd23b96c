package sim

import (
	"cmp"
	"slices"

	"ballast/internal/control"
	"ballast/internal/control/journal"
	"ballast/internal/control/root"
	"ballast/internal/driver"
	"ballast/internal/ecs"
	"ballast/internal/scheduler/placement"
	"ballast/internal/scheduler/policy"
	"ballast/internal/store"
)

// manyTasks is how many tasks are too many to look at all of them after every step.
const manyTasks = 500

// checker is an Observer that keeps the plainest picture of what is committed, and holds control, its scheduler and the agents
// against it after every step. What it compares with is worked out anew each time, never kept up to date.
type checker struct {
	w      *World
	p      *player
	policy policy.Policy

	machine *control.Machine
	root    *root.Root
	now     ecs.Time // of the last step, as control has it
	steps   int

	shadow map[string][]byte // every record on the disk
	keys   map[journal.Key]ecs.ID
	tasks  map[ecs.ID]*ecs.Task
	live   []resident // tasks not STOPPED, by cluster and number
	born   map[ecs.ID]birth
	jobs   map[string]int // standalone tasks ever committed, by startedBy
	// changes are those of the batch under way.
	changes []change

	memories map[string]*memory // by cluster and service

	proven map[ecs.ID]bool // see prove
	boxes  map[driver.Key]*box
	// attempts is the last attempt of each container that was started, by the key of the first; 0 where that is the first.
	attempts map[driver.Key]int
	places   map[ecs.ID]*host // where containers of a task have been started

	attached map[ecs.ID]bool // targets as control knew them after the batch before
	loadedAt ecs.Time        // when this machine was loaded, as control has it

	unremoved map[ecs.ID]int // how often removing what is left of a task has failed

	// unsettled says that, when last looked at, something had a right not to be at rest.
	unsettled bool
	// halted says that control has been told to stop everything and decides no service.
	halted bool
}

// resident is a task that takes room, and how much.
type resident struct {
	*ecs.Task
	demand placement.Demand
}

// birth is what never changes of a task.
type birth struct {
	instance ecs.ID
	ended    ecs.Time // when its end was committed, in the world's time; 0 = not yet
}

// change is a task before and after; old is nil for a new one, now for one that is forgotten.
type change struct{ old, now *ecs.Task }

func (ch change) id() ecs.ID {
	switch {
	case ch.now != nil:
		return ch.now.ID
	case ch.old != nil:
		return ch.old.ID
	}
	return ecs.ID{}
}

var _ Observer = (*checker)(nil)

func newChecker(w *World, p *player) *checker {
	w.server.keeps = true // to compare what readers saw before a restart with what they see after it
	return &checker{w: w, p: p, policy: w.server.cfg.Policy, shadow: map[string][]byte{}, keys: map[journal.Key]ecs.ID{},
		tasks: map[ecs.ID]*ecs.Task{}, born: map[ecs.ID]birth{}, jobs: map[string]int{}, boxes: map[driver.Key]*box{},
		attempts: map[driver.Key]int{}, proven: map[ecs.ID]bool{},
		places: map[ecs.ID]*host{}, unremoved: map[ecs.ID]int{}, attached: map[ecs.ID]bool{}, memories: map[string]*memory{}}
}

// Durable implements Observer.
func (c *checker) Durable(unit journal.Unit, records store.Unit) {
	for _, r := range records {
		if r.Value == nil {
			delete(c.shadow, r.Key)
		} else {
			c.shadow[r.Key] = r.Value
		}
	}
	for _, ch := range unit {
		if ch.Key.Kind == journal.KindTask && ch.Durable {
			t, _ := ch.Record.(*ecs.Task)
			c.changed(ch.Key, t)
		}
	}
}

// changed takes over a task that has been committed, nil for one that has been forgotten.
func (c *checker) changed(key journal.Key, t *ecs.Task) {
	ch := change{c.tasks[c.keys[key]], t}
	if t == nil {
		delete(c.tasks, c.keys[key])
		delete(c.keys, key)
	} else {
		c.keys[key] = t.ID
		c.tasks[t.ID] = t
	}
	if ch.old == nil && t != nil {
		c.bear(t)
	}
	if b, known := c.born[ch.id()]; known && b.ended == 0 && (t == nil || t.Stopped()) {
		b.ended = c.w.now
		c.born[ch.id()] = b
	}
	c.changes = append(c.changes, ch)
	c.checkMove(ch)
}

// bear notes a new task.
func (c *checker) bear(t *ecs.Task) {
	if _, known := c.born[t.ID]; known {
		c.w.fail("ids are new", "task %s was there before", t.ID)
	}
	c.born[t.ID] = birth{instance: t.Instance}
	if t.Service == "" {
		c.jobs[t.StartedBy]++
	}
}

// Loaded implements Observer.
func (c *checker) Loaded(m *control.Machine, r *root.Root) {
	if c.root != nil {
		c.checkReload(c.root, r)
	}
	c.machine, c.root, c.now = m, r, c.w.server.now
	c.changes, c.loadedAt = nil, c.now
	clear(c.attached)
	for _, m := range c.memories {
		m.starts = nil // the pace is not journalled
	}
	c.remember()
	c.enumerate()
	c.checkJournal()
	c.checkCounts()
	c.checkTrackers(false)
}

// Committed implements Observer.
func (c *checker) Committed(m *control.Machine, now ecs.Time, r *root.Root) {
	c.machine, c.root, c.now = m, r, now
	c.steps++
	if len(c.changes) > 0 {
		c.enumerate()
		c.checkEnds()
		c.checkWindows()
		c.checkPlaces()
	}
	c.checkServices()
	c.checkTargets()
	c.checkSilence()
	c.checkProtection()
	if len(c.tasks) < manyTasks || c.steps%100 == 0 {
		c.checkRetention()
	}
	c.changes = c.changes[:0]
	c.checkCounts()
	c.checkTrackers(true)
	if !c.halted {
		c.checkPlans()
	}
	c.prove()
	if difference := c.p.ledger.differs(r); difference != "" {
		c.w.fail(acknowledged, "%s", difference)
	}
	if c.steps%200 == 0 {
		c.checkJournal()
		c.checkEvents(false)
	}
}

// enumerate lists the tasks not STOPPED anew.
func (c *checker) enumerate() {
	c.live = c.live[:0]
	for _, t := range c.tasks {
		if !t.Stopped() {
			c.live = append(c.live, resident{t, placement.DemandOf(t.Definition, t.Overrides)})
		}
	}
	slices.SortFunc(c.live, func(a, b resident) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Seq, b.Seq))
	})
}

// of gives the tasks of a service that are not STOPPED; those kept for debugging are out of it.
func (c *checker) of(s *ecs.Service) []resident {
	var tasks []resident
	for _, t := range c.live {
		if t.Cluster == s.Cluster && t.ServiceSeq == s.Seq && t.Service != "" && !t.Kept {
			tasks = append(tasks, t)
		}
	}
	return tasks
}

// policyOf is the policy that holds for a service: the server's, changed by the tags of its cluster and by its own.
func (c *checker) policyOf(s *ecs.Service) policy.Policy {
	tags := s.Tags
	if cluster := c.root.Cluster(s.Cluster); cluster != nil && len(cluster.Tags) > 0 {
		tags = slices.Concat(cluster.Tags, tags)
	}
	p, err := policy.WithTags(c.policy, tags)
	if err != nil {
		c.w.fail("tags are checked", "service %s: %v", s.Name, err)
	}
	return p
}

// each calls do for every service that is seen, by cluster and name.
func (c *checker) each(do func(*ecs.Service)) {
	for _, cluster := range c.root.Clusters("", 1000) {
		for _, s := range c.root.Services(cluster.Name, "", 1000, func(*ecs.Service) bool { return true }) {
			do(s)
		}
	}
}
