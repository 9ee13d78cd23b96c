package services

import (
	"slices"

	"ballast/internal/ecs"
)

// queue holds the services of a cluster that wait for room, first come first served within a class of equal demand. When room
// comes free, the first of each class is decided again; as long as it gets all it wants, the next of its class follows.
type queue struct {
	classes []class
}

type class struct {
	demand  string
	waiting []*Service
}

// Unplaced notes that placement refused tasks of a service, which wait for room from now on.
func (b *Book) Unplaced(now ecs.Time, s *Service, deployment ecs.DeploymentID, tasks int, demand string) {
	s.tracker.Refuse(deployment, tasks, now)
	q := b.waiting[s.record.Cluster]
	if q == nil {
		q = &queue{}
		b.waiting[s.record.Cluster] = q
	}
	i := slices.IndexFunc(q.classes, func(c class) bool { return c.demand == demand })
	if i < 0 {
		i = len(q.classes)
		q.classes = append(q.classes, class{demand: demand})
	}
	if !slices.Contains(q.classes[i].waiting, s) {
		q.classes[i].waiting = append(q.classes[i].waiting, s)
	}
	b.touch(s) // deciding again says why the tasks wait
}

// Announce says whether the refusal of a placement is news: none has been announced since all tasks of the service found room.
func (s *Service) Announce() (news bool) {
	news = !s.unplaced
	s.unplaced = true
	return news
}

// Placed notes that all tasks of the service found room: the next refusal is news again.
func (s *Service) Placed() { s.unplaced = false }

// PassOn wakes the next of each class for which the service was woken, unless it waits there again: it has got all it wants,
// which may be nothing by now, and may have left room.
func (b *Book) PassOn(s *Service) {
	woken := s.woken
	s.woken = nil
	for _, demand := range woken {
		b.wake(s.record.Cluster, func(c class) bool {
			return c.demand == demand && !slices.Contains(c.waiting, s)
		})
	}
}

// Room has services that wait decided again, because a container instance of the cluster has more room than before.
func (b *Book) Room(cluster string) {
	b.wake(cluster, func(class) bool { return true })
}

func (b *Book) wake(cluster string, which func(class) bool) {
	q := b.waiting[cluster]
	if q == nil {
		return
	}
	for i := range q.classes {
		if c := &q.classes[i]; which(*c) && len(c.waiting) > 0 {
			s := c.waiting[0]
			c.waiting = c.waiting[1:]
			s.woken = append(s.woken, c.demand)
			for _, d := range s.tracker.View().Deployments {
				s.tracker.ClearRefused(d.ID)
			}
			b.touch(s)
		}
	}
	q.dropEmpty()
}

// leaveQueue has a service wait for room no longer, and wakes whoever comes after it.
func (b *Book) leaveQueue(s *Service) {
	q := b.waiting[s.record.Cluster]
	if q == nil {
		return
	}
	for i := range q.classes {
		c := &q.classes[i]
		c.waiting = slices.DeleteFunc(c.waiting, func(other *Service) bool { return other == s })
	}
	q.dropEmpty()
	b.PassOn(s)
}

func (q *queue) dropEmpty() {
	q.classes = slices.DeleteFunc(q.classes, func(c class) bool { return len(c.waiting) == 0 })
}
