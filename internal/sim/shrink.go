package sim

import (
	"slices"
	"time"
)

// maxShrinkRuns bounds the search for a shorter history: about a minute.
const maxShrinkRuns = 250

// Shrink looks for a shorter history that fails in the same property: a shorter time with fewer hosts and clusters, on which less is
// amiss, then fewer deeds, then plainer ones. It gives the shortest one found and how that fails.
func Shrink(h *History) (*History, Result) {
	return shrunk(h, func(h *History) Result { return Replay(h, nil) })
}

func shrunk(h *History, play func(*History) Result) (*History, Result) {
	s := shrinker{play: play, history: h, result: play(h), runs: maxShrinkRuns}
	if s.result.Failure == nil {
		return h, s.result
	}
	s.shorten()
	s.smaller()
	s.mend()
	s.cut()
	s.plainer()
	s.shorten()
	return s.history, s.result
}

type shrinker struct {
	play    func(*History) Result
	history *History
	result  Result
	runs    int // left
}

// try keeps the history, changed, if that fails as well. change gets a copy of its own, deeds and hosts included.
func (s *shrinker) try(change func(*History)) bool {
	if s.runs == 0 {
		return false
	}
	h := *s.history
	h.Hosts, h.Deeds, h.Repairs = slices.Clone(h.Hosts), slices.Clone(h.Deeds), slices.Clone(h.Repairs)
	change(&h)
	s.runs--
	r := s.play(&h)
	if r.Failure == nil || r.Failure.Property != s.result.Failure.Property {
		return false
	}
	s.history, s.result = &h, r
	return true
}

// shorten ends the history at its failure or after its last deed, and then ever earlier.
func (s *shrinker) shorten() {
	until := func(d time.Duration) func(*History) {
		d = max(d.Truncate(second)+second, Settles+second)
		return func(h *History) {
			h.Until = min(h.Until, d)
			h.Deeds = slices.DeleteFunc(h.Deeds, func(d Deed) bool { return d.At > h.Until })
		}
	}
	s.try(until(s.result.Failure.At.Sub(epoch)))
	if n := len(s.history.Deeds); n > 0 {
		s.try(until(s.history.Deeds[n-1].At))
	}
	for s.history.Until > Settles+2*second && s.try(until(s.history.Until/2)) {
	}
}

// smaller leaves out clusters and hosts, the last one first, with the deeds that need them.
func (s *shrinker) smaller() {
	for s.history.Clusters > 1 && s.try(func(h *History) {
		h.keepHosts(func(host *Host) bool { return host.Cluster != ClusterName(h.Clusters) })
		h.Clusters--
	}) {
	}
	for n := len(s.history.Hosts); n > 0; n-- {
		if len(s.history.Hosts) > s.history.Clusters {
			s.try(func(h *History) {
				out := &h.Hosts[n-1]
				h.keepHosts(func(host *Host) bool { return host != out })
			})
		}
	}
}

// keepHosts leaves out the hosts that are not kept, and their deeds; those behind them get other numbers.
func (h *History) keepHosts(kept func(*Host) bool) {
	numbers, hosts := map[int]int{}, []Host(nil)
	for i := range h.Hosts {
		if kept(&h.Hosts[i]) {
			hosts = append(hosts, h.Hosts[i])
			numbers[i+1] = len(hosts)
		}
	}
	var deeds []Deed
	for _, d := range h.Deeds {
		d.Act = copied(d.Act)
		if host := HostOf(d.Act); host != nil && *host != 0 {
			if *host = numbers[*host]; *host == 0 {
				continue
			}
		}
		deeds = append(deeds, d)
	}
	h.Hosts, h.Deeds = hosts, deeds
}

// mend takes away what is amiss for long, one thing after the other.
func (s *shrinker) mend() {
	all := []func(*History){
		func(h *History) { h.Halt = false },
		func(h *History) { h.Repairs = nil },
		func(h *History) { h.Disk = Disk{} },
		func(h *History) { h.Retention, h.MaxRetained = time.Hour, 1000 },
	}
	for i := range s.history.Hosts {
		usual := Usual("")
		all = append(all,
			func(h *History) { h.Hosts[i].Loss = 0 },
			func(h *History) { h.Hosts[i].Double, h.Hosts[i].Late = 0, 0 },
			func(h *History) { h.Hosts[i].Slowest, h.Hosts[i].Reorder = usual.Slowest, false },
			func(h *History) { h.Hosts[i].DriverSlowest, h.Hosts[i].EndsTwice = usual.DriverSlowest, 0 },
			func(h *History) { h.Hosts[i].Skew = 0 })
	}
	for _, change := range all {
		s.try(change)
	}
}

// cut leaves out deeds in ever smaller pieces (delta debugging, Zeller and Hildebrandt, 2002).
func (s *shrinker) cut() {
	for size := max(1, len(s.history.Deeds)/2); s.runs > 0; size /= 2 {
		for from := 0; from < len(s.history.Deeds) && s.runs > 0; {
			if !s.try(func(h *History) { h.Deeds = slices.Delete(h.Deeds, from, min(from+size, len(h.Deeds))) }) {
				from += size
			}
		}
		if size <= 1 {
			return
		}
	}
}

// plainer gives the deeds that are left task definitions that just run.
func (s *shrinker) plainer() {
	for i := range s.history.Deeds {
		d := DefinitionOf(s.history.Deeds[i].Act)
		if d == nil {
			continue
		}
		if plain := goodDefinition(d.Family); len(d.Containers) > 1 || len(d.Containers[0].Environment) > 0 || d.Containers[0].HealthCheck != nil {
			s.try(func(h *History) {
				h.Deeds[i].Act = copied(h.Deeds[i].Act)
				*DefinitionOf(h.Deeds[i].Act) = plain
			})
		}
	}
}
