package health

// Minimum is how many targets of a group have to be healthy, or the group fails open (target group attributes
// target_group_health.unhealthy_state_routing.*). The zero value is the default, one healthy target and no percentage.
type Minimum struct {
	Count   int // 0 is 1
	Percent int // of the registered targets; 0 is off
}

// Routable appends the indexes of the targets that get requests: the healthy ones, or every registered one where fewer are healthy
// than the minimum says (fail open). One that is not checked counts as healthy.
func Routable(targets []Target, least Minimum, indexes []int) []int {
	registered, healthy := 0, 0
	for _, t := range targets {
		if t.Registered() {
			registered++
		}
		if t.serves() {
			healthy++
		}
	}
	open := healthy < max(1, least.Count) || healthy*100 < registered*least.Percent
	for i, t := range targets {
		if t.serves() || open && t.Registered() {
			indexes = append(indexes, i)
		}
	}
	return indexes
}

func (t Target) serves() bool { return t.state == Healthy || t.state == Unavailable }

// Agree gives what several that probe the same target make of it together: it is unhealthy when all of them say so, and healthy
// when one does. Without any it is as new.
func Agree(views []Target) Target {
	if len(views) == 0 {
		return Target{}
	}
	best := views[0]
	for _, v := range views[1:] {
		if rank(v.state) < rank(best.state) {
			best = v
		}
	}
	return best
}

// rank orders the states by how good they are for a target that several look at.
func rank(s State) int {
	return [...]int{Healthy: 0, Unavailable: 1, Initial: 2, Unhealthy: 3, Unused: 4, Draining: 5}[s]
}
