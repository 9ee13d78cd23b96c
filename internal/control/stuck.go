package control

import (
	"ballast/internal/control/services"
	"ballast/internal/ecs"
	"ballast/internal/scheduler"
)

// unstick tells of the tasks of a service that wait for a container which is UNHEALTHY, and ends them where its policy says when. They
// have failed to start, so that they count for the circuit breaker and the throttle.
func (m *Machine) unstick(s *services.Service) {
	after, stopped := s.Tracker().View().Policy.StuckAfter, 0
	for _, k := range s.Stuck() {
		if message := k.Event(s.Record().Name); s.StuckIsNews(k, message) {
			m.say(s, message)
		}
		switch due := k.Since.Add(after); {
		case after == 0:
		case m.now < due:
			m.wake(s, due)
		default:
			m.tasks.Stop(m.now, m.tasks.Task(s.Record().Cluster, k.Task), ecs.TaskFailedToStart, k.Reason(after))
			stopped++
		}
	}
	if stopped > 0 {
		m.spread()
		m.say(s, scheduler.StoppedPendingEvent(s.Record().Name, stopped))
	}
}

// explainStuck adds what the service waits for to a plan.
func explainStuck(s *services.Service, plan *scheduler.Plan) {
	for _, k := range s.Stuck() {
		plan.Explanations = append(plan.Explanations, k.Explanation())
	}
}
