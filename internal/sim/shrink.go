package sim

import "slices"

// maxShrinkRuns bounds the search for a shorter history: about a minute.
const maxShrinkRuns = 150

// Shrink looks for a shorter history that fails in the same property: a shorter time with fewer clusters, hosts and services, without
// whole kinds of faults and behaviours, then without operations and strikes, many at a time and fewer and fewer. It gives the shortest one found and how that fails.
func Shrink(o Options) (Options, Result) {
	return shrunk(o, func(o Options) Result { return Run(o, nil) })
}

func shrunk(o Options, play func(Options) Result) (Options, Result) {
	r := play(o)
	if r.Failure == nil {
		return o, r
	}
	s := shrinker{play: play, options: o, result: r, runs: maxShrinkRuns}
	s.smaller()
	for _, name := range slices.Concat(o.Faults, o.Behaviours) {
		s.try(s.options.Without(name))
	}
	s.cut()
	return s.options, s.result
}

// smaller makes the time shorter, down to the failure where that comes before the calm, and the world smaller.
func (s *shrinker) smaller() {
	for ended := min(s.result.Failure.At.Sub(epoch), s.options.Faulty); ended > second; ended /= 2 {
		o := s.options
		if o.Faulty = ended.Truncate(second); !s.try(o) {
			break
		}
	}
	for _, count := range []func(*Options) *int{
		func(o *Options) *int { return &o.Clusters },
		func(o *Options) *int { return &o.Services },
		func(o *Options) *int { return &o.Hosts },
	} {
		for tried := true; tried && *count(&s.options) > 1; {
			o := s.options
			*count(&o)--
			tried = s.try(o)
		}
	}
}

type shrinker struct {
	play    func(Options) Result
	options Options
	result  Result
	runs    int // left
}

// try keeps options that fail as well.
func (s *shrinker) try(o Options) bool {
	if s.runs == 0 || len(o.Behaviours) == 0 {
		return false
	}
	s.runs--
	r := s.play(o)
	if r.Failure == nil || r.Failure.Property != s.result.Failure.Property {
		return false
	}
	s.options, s.result = o, r
	return true
}

// cut leaves out operations and strikes in ever smaller pieces (delta debugging, Zeller and Hildebrandt, 2002).
func (s *shrinker) cut() {
	for size := max(1, len(s.result.Happened)/2); s.runs > 0; size /= 2 {
		for from := 0; from < len(s.result.Happened); {
			o := s.options
			o.Only = slices.Delete(append([]string{}, s.result.Happened...), from, min(from+size, len(s.result.Happened)))
			if !s.try(o) {
				from += size
			}
			if s.runs == 0 {
				return
			}
		}
		if size <= 1 {
			return
		}
	}
}
