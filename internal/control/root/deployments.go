package root

import (
	"cmp"
	"math"

	"ballast/internal/ecs"
)

// past is a service deployment that is not its service's current one any more.
type past struct {
	cluster         string
	service, number uint64
	record          *ecs.ServiceDeployment
}

func pastLess(a, b past) bool {
	return cmp.Or(cmp.Compare(a.cluster, b.cluster), cmp.Compare(a.service, b.service), cmp.Compare(a.number, b.number)) < 0
}

// ServiceDeployments gives at most limit service deployments of a service for which keep says yes, the newest first, beginning
// with those before the one of that number (0 = with the newest). A deleted service has none.
func (r *Root) ServiceDeployments(s *ecs.Service, before uint64, limit int, keep func(*ecs.ServiceDeployment) bool) []*ecs.ServiceDeployment {
	var out []*ecs.ServiceDeployment
	if s.Current == nil || limit < 1 {
		return nil
	}
	if before == 0 {
		before = math.MaxUint64
	}
	if s.Current.Number < before && keep(s.Current) {
		out = append(out, s.Current)
	}
	r.history.Descend(past{cluster: s.Cluster, service: s.Seq, number: before}, func(p past) bool {
		if p.cluster != s.Cluster || p.service != s.Seq || len(out) >= limit {
			return false
		}
		if p.number < before && keep(p.record) {
			out = append(out, p.record)
		}
		return true
	})
	return out
}

// ServiceDeployment finds a service deployment of a service; nil when there is none.
func (r *Root) ServiceDeployment(s *ecs.Service, id string) *ecs.ServiceDeployment {
	for _, d := range r.ServiceDeployments(s, 0, 1, func(d *ecs.ServiceDeployment) bool { return d.ID == id }) {
		return d
	}
	return nil
}

// ServiceRevision finds a revision of a service: of its deployments or of the service deployments that are kept.
func (r *Root) ServiceRevision(s *ecs.Service, id ecs.DeploymentID) (ecs.ServiceRevision, bool) {
	for i := range s.Deployments {
		if revision := s.Deployments[i].ServiceRevision(); revision.ID == id {
			return revision, true
		}
	}
	if d := s.LastCompleted; d != nil && d.ServiceRevision().ID == id {
		return d.ServiceRevision(), true
	}
	for _, d := range r.ServiceDeployments(s, 0, 1, func(d *ecs.ServiceDeployment) bool { return d.Target.ID == id }) {
		return d.Target, true
	}
	return ecs.ServiceRevision{}, false
}
