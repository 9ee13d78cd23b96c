// Package services is control's book of services: it keeps each service's record, deployments and events, and the View by which
// the scheduler decides it. It asks no one to start or stop a task; control applies the scheduler's plans. Start reading at
// Book, then at Service.
package services

import (
	"cmp"
	"maps"
	"slices"

	"ballast/internal/control/journal"
	"ballast/internal/ecs"
	"ballast/internal/lb/health"
	"ballast/internal/scheduler"
	"ballast/internal/scheduler/policy"
)

// Book holds the services of all clusters.
type Book struct {
	w       *journal.Writer
	policy  policy.Policy
	names   map[name]*Service // the newest service of that name
	numbers map[number]*Service
	seqs    map[string]uint64 // newest service number by cluster
	touched []*Service        // to be decided, in the order of touching
	changed []*Service        // to be shown, in the order of changing
	waiting map[string]*queue // by cluster: services that wait for room
	use     func(family string, revision, by int)
	// defaults are the tags of clusters, by name.
	defaults map[string][]ecs.Tag
	alarms   map[string]bool // the raised ones
}

type name struct{ cluster, service string }

type number struct {
	cluster string
	seq     uint64
}

// Chance gives identifiers; they are a function of the step's seed.
type Chance interface {
	ID() ecs.ID
	Deployment() ecs.DeploymentID
}

// Service is one service with what is derived from its tasks.
type Service struct {
	record  *ecs.Service
	tracker *scheduler.Tracker
	recent  recent            // the record's events
	ids     map[uint64]ecs.ID // tasks not yet STOPPED
	kept    map[uint64]ecs.ID // tasks that are kept to be looked into, by number
	touched bool
	changed bool
	durable bool // the change is worth a commit

	// unplaced says that the refusal of a placement has been announced and nothing has been placed since. ECS leaves out
	// repetitions of an event until its cause is resolved (developer guide, Service event messages).
	unplaced bool
	woken    []string // the demands on whose behalf it is decided, because there may be room
	explain  []scheduler.Explanation
	stuck    stuck
	targets  map[ecs.ID][]Target      // by task
	groups   map[string]*health.Group // settings of target groups, by ARN, as they were said last

	// rounds counts the decisions of a step.
	rounds int
	step   uint64

	// history holds the finished service deployments before the current one, oldest first.
	history []*ecs.ServiceDeployment
}

// New gives an empty book that writes to w and tells use of the task definition revisions that its records refer to.
func New(w *journal.Writer, p policy.Policy, use func(family string, revision, by int)) *Book {
	return &Book{w: w, policy: p, use: use, defaults: map[string][]ecs.Tag{}, alarms: map[string]bool{}, names: map[name]*Service{},
		numbers: map[number]*Service{}, seqs: map[string]uint64{}, waiting: map[string]*queue{}}
}

// Load takes a service read from the store, with its events, newest first, and the service deployments before its current one,
// oldest first.
func (b *Book) Load(record *ecs.Service, events []*ecs.ServiceEvent, history []*ecs.ServiceDeployment) {
	record.Events = events
	s := b.add(record)
	s.history = history
	b.track(s)
}

func (b *Book) add(record *ecs.Service) *Service {
	s := &Service{record: record, tracker: scheduler.NewTracker(), ids: map[uint64]ecs.ID{}}
	s.tracker.Restore(record)
	b.seqs[record.Cluster] = max(b.seqs[record.Cluster], record.Seq)
	b.numbers[number{record.Cluster, record.Seq}] = s
	b.refer(record, 1)
	key := name{record.Cluster, record.Name}
	if newest := b.names[key]; newest == nil || newest.record.Seq < record.Seq {
		b.names[key] = s
	}
	b.touch(s)
	b.change(s)
	return s
}

// Record is the service as it is now.
func (s *Service) Record() *ecs.Service { return s.record }

// Tracker keeps the service's View.
func (s *Service) Tracker() *scheduler.Tracker { return s.tracker }

// TaskID names the task of that number.
func (s *Service) TaskID(seq uint64) ecs.ID { return s.ids[seq] }

// Explanations say what the last decision wanted and could not do.
func (s *Service) Explanations() []scheduler.Explanation { return s.explain }

// Named gives the newest service of that name with what is derived from its tasks; nil when there is none.
func (b *Book) Named(cluster, service string) *Service { return b.names[name{cluster, service}] }

// Find gives the newest service of that name; nil when there is none.
func (b *Book) Find(cluster, service string) *ecs.Service {
	if s := b.names[name{cluster, service}]; s != nil {
		return s.record
	}
	return nil
}

// Each calls do for every service, INACTIVE ones included, cluster by cluster in the order of creation.
func (b *Book) Each(do func(*Service)) {
	order := func(x, y number) int { return cmp.Or(cmp.Compare(x.cluster, y.cluster), cmp.Compare(x.seq, y.seq)) }
	for _, n := range slices.SortedFunc(maps.Keys(b.numbers), order) {
		do(b.numbers[n])
	}
}

// Active gives a service that can be changed (API_UpdateService, Errors).
func (b *Book) Active(cluster, service string) (*ecs.Service, error) {
	switch record := b.Find(cluster, service); {
	case record == nil:
		return nil, ecs.Errorf(ecs.ServiceNotFoundException, "Service not found.")
	case record.Status != ecs.ServiceActive:
		return nil, ecs.Errorf(ecs.ServiceNotActiveException, "Service was not ACTIVE.")
	default:
		return record, nil
	}
}

// touch has a service decided in this step.
func (b *Book) touch(s *Service) {
	if !s.touched {
		s.touched = true
		b.touched = append(b.touched, s)
	}
}

// Woken has a service decided in this step because its timer fired.
func (b *Book) Woken(cluster string, seq uint64) {
	if s := b.Numbered(cluster, seq); s != nil {
		b.touch(s)
	}
}

// Round counts a decision in a step, and gives how many there were in it before.
func (s *Service) Round(step uint64) int {
	if s.step != step {
		s.step, s.rounds = step, 0
	}
	s.rounds++
	return s.rounds - 1
}

// NextTouched takes the next service to decide; nil when there is none.
func (b *Book) NextTouched() *Service {
	for len(b.touched) > 0 {
		s := b.touched[0]
		b.touched = b.touched[1:]
		s.touched = false
		if b.holds(s) {
			return s
		}
	}
	return nil
}

// holds says whether a service has not been forgotten.
func (b *Book) holds(s *Service) bool { return b.Numbered(s.record.Cluster, s.record.Seq) == s }

// Numbered finds a service by its number; nil when there is none.
func (b *Book) Numbered(cluster string, seq uint64) *Service { return b.numbers[number{cluster, seq}] }

// change has a service shown to readers at the end of the step.
func (b *Book) change(s *Service) {
	if !s.changed {
		s.changed = true
		b.changed = append(b.changed, s)
	}
}

// save replaces the record of a service, in the journal too.
func (b *Book) save(s *Service, record *ecs.Service) {
	b.refer(record, 1)
	b.refer(s.record, -1)
	s.record, s.durable = record, true
	b.w.Put(journal.ServiceKey(record), record)
	b.change(s)
}

// refer counts the revisions that a record refers to.
func (b *Book) refer(record *ecs.Service, by int) {
	b.use(record.Family, record.Revision, by)
	for i := range record.Deployments {
		b.use(record.Deployments[i].Family, record.Deployments[i].Revision, by)
	}
	if d := record.LastCompleted; d != nil {
		b.use(d.Family, d.Revision, by)
	}
}

// track brings the View up to date with the record.
func (b *Book) track(s *Service) {
	s.tracker.SetDeployments(s.record.Deployments)
	s.tracker.SetService(s.record, b.policyOf(s))
	s.tracker.SetRaised(len(b.raised(s.record)) > 0)
}

// Flush shows readers every service that changed, with its counts.
func (b *Book) Flush() {
	for _, s := range b.changed {
		if !b.holds(s) {
			continue // forgotten in this step
		}
		record := *s.record
		record.Deployments = append([]ecs.Deployment(nil), record.Deployments...)
		s.countTasks(&record)
		s.record = &record
		if s.durable {
			b.w.Put(journal.ServiceKey(&record), &record)
		} else {
			b.w.Show(journal.ServiceKey(&record), &record)
		}
		s.changed, s.durable = false, false
	}
	b.changed = b.changed[:0]
}
