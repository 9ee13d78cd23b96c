package sim

import (
	"ballast/internal/control"
	"ballast/internal/ecs"
)

// repair gives some of the services that cannot become steady a task definition that just runs.
func (h *history) repair() {
	s := newStream(h.w.seed, "repair")
	for n := range h.o.Clusters {
		cluster := h.clusterName(n + 1)
		all := h.w.server.root.Services(cluster, "", 1000, func(s *ecs.Service) bool { return s.Status == ecs.ServiceActive })
		for _, service := range all {
			if !isBad(service.Definition) || !s.chance(h.o.Repair) {
				continue
			}
			d := h.insist(control.RegisterTaskDefinition{Definition: goodDefinition(service.Name)})
			if h.w.failure == nil {
				h.insist(control.UpdateService{Cluster: cluster, Name: service.Name, Definition: d.(*ecs.TaskDefinition)})
			}
		}
	}
}
