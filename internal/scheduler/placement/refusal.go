package placement

import (
	"ballast/internal/ecs"
	"ballast/internal/scheduler"
)

// Lack is the first thing that a container instance lacks for a task, in the order in which placement filters.
type Lack uint8

// What can be lacking.
const (
	// LackInstances: the cluster has no container instance that takes tasks.
	LackInstances Lack = iota
	LackCPU
	LackMemory
	LackPorts
	// LackAgent: the agents of all container instances that would take tasks are disconnected.
	LackAgent
)

// lacks holds the code in RunTask's failures and the words of the service event (developer guide, API failures messages and
// Service event messages).
var lacks = [...]struct{ code, words string }{
	LackInstances: {"", "No Container Instances were found in your cluster."},
	LackCPU:       {"RESOURCE:CPU", "has insufficient CPU units available."},
	LackMemory:    {"RESOURCE:MEMORY", "has insufficient memory available."},
	LackPorts:     {"RESOURCE:PORTS", "is already using a port required by your task."},
	LackAgent:     {"AGENT", "encountered error \"AGENT\"."},
}

// Refusal says why no container instance can take a task.
type Refusal struct {
	Lack Lack

	// Closest is the container instance that lacks the least; zero where there is none.
	Closest ecs.ID
}

// Code is the reason in RunTask's failures, "" where the cluster has no instance: RunTask then fails as a whole.
func (r *Refusal) Code() string { return lacks[r.Lack].code }

// Reason says in ECS's words what is wrong with the closest container instance, or that there is none.
func (r *Refusal) Reason() string { return lacks[r.Lack].words }

// Event is the text of the service event.
func (r *Refusal) Event(service string) string {
	if r.Lack == LackInstances {
		return scheduler.NoInstanceEvent(service)
	}
	return scheduler.UnplacedEvent(service, r.Closest, r.Reason())
}

// unavailable is the refusal of an index in which nothing takes tasks. The closest instance is the first whose agent is missed.
func (x *Index) unavailable() *Refusal {
	for _, h := range x.hosts {
		if h.Disconnected {
			return &Refusal{Lack: LackAgent, Closest: h.ID}
		}
	}
	return &Refusal{Lack: LackInstances}
}

// Check says what one container instance lacks for a task, nil if nothing. Whether it takes new tasks is not looked at. An
// unknown instance lacks everything.
func (x *Index) Check(id ecs.ID, d Demand) *Refusal {
	h := x.byID[id]
	if h == nil {
		return &Refusal{Lack: LackInstances}
	}
	if lack, things, _ := h.lacks(&d); things > 0 {
		return &Refusal{Lack: lack, Closest: id}
	}
	return nil
}

// ZoneOf gives the place of a container instance's zone among those that have any, by name; 0 for an unknown instance.
func (x *Index) ZoneOf(id ecs.ID) int {
	place := 0
	for _, z := range x.zones {
		if h := x.byID[id]; h == nil || h.zone == z {
			break
		}
		if z.size > 0 {
			place++
		}
	}
	return place
}

// refuse finds the closest match: the instance that lacks the fewest things, then the smallest share of them, then the one that
// came first. It looks at every instance; refusals are rare because tasks refused wait for something to change.
func (x *Index) refuse(d *Demand) *Refusal {
	best := Refusal{}
	bestThings, bestShort := 0, 0.0
	for _, h := range x.hosts {
		if !h.Available {
			continue
		}
		lack, things, short := h.lacks(d)
		if best.Closest.IsZero() || things < bestThings || things == bestThings && short < bestShort {
			best, bestThings, bestShort = Refusal{Lack: lack, Closest: h.ID}, things, short
		}
	}
	return &best
}

// lacks says what a host lacks first, how many things, and how far short it falls as a sum of shares of the demand.
func (h *host) lacks(d *Demand) (first Lack, things int, short float64) {
	note := func(lack Lack, missing, wanted int) {
		if missing <= 0 {
			return
		}
		if things == 0 {
			first = lack
		}
		things++
		short += float64(missing) / float64(max(1, wanted))
	}
	note(LackCPU, d.CPU-h.freeCPU, d.CPU)
	note(LackMemory, d.Memory-h.freeMemory, d.Memory)
	if !h.portsFree(d) {
		note(LackPorts, 1, 1)
	}
	return first, things, short
}
