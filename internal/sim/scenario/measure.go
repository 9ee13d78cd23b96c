package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// measure holds an expectation against what happened.
func (e Expectation) measure(r *Result) Verdict {
	v := Verdict{Text: e.Text, Line: e.Line}
	from, to, err := e.stretch(r)
	if err != nil {
		v.Seen = err.Error()
		return v
	}
	switch e.kind {
	case ofGauge:
		e.measureGauge(&v, r, from, to)
	case ofCount:
		e.measureCount(&v, r, from, to)
	case ofTotal:
		n := totals[e.what](r.Counts)
		v.Passed, v.Seen = e.holds(n), fmt.Sprint(n)
	case ofMoment:
		e.measureMoment(&v, r, from, to)
	case ofMoments:
		e.measureMoments(&v, r, from, to)
	case ofRollout:
		e.measureRollout(&v, r, to)
	case ofStatus:
		v.Seen = e.serviceOf(r).Deployment
		v.Passed = v.Seen == e.word
	case ofWaits:
		waits := e.serviceOf(r).Waits
		v.Passed = slices.ContainsFunc(waits, func(w string) bool { return strings.Contains(w, e.text) })
		v.Seen = strings.Join(waits, "; ")
		if len(waits) == 0 {
			v.Seen = "nothing waits"
		}
	}
	return v
}

// stretch is the part of the scenario that the expectation is about.
func (e Expectation) stretch(r *Result) (from, to time.Duration, err error) {
	to = time.Duration(r.Length)
	for _, bound := range []struct {
		name string
		at   *time.Duration
	}{{e.since, &from}, {e.until, &to}} {
		if bound.name == "" {
			continue
		}
		at, ok := r.marks[bound.name]
		if !ok {
			return 0, 0, fmt.Errorf("%s never happened", bound.name)
		}
		*bound.at = at
	}
	return from, to, nil
}

func (e Expectation) holds(n int) bool {
	switch e.op {
	case "<=":
		return n <= e.number
	case ">=":
		return n >= e.number
	}
	return n == e.number
}

func (e Expectation) serviceOf(r *Result) *ServiceResult {
	for i := range r.Services {
		if r.Services[i].Name == e.service {
			return &r.Services[i]
		}
	}
	return &r.Services[0]
}

// measureGauge finds the extreme, or the last value, in a stretch; what was before it and still holds counts.
func (e Expectation) measureGauge(v *Verdict, r *Result, from, to time.Duration) {
	found, best, at := false, 0, time.Duration(0)
	samples := e.serviceOf(r).Samples
	for i, s := range samples {
		if time.Duration(s.At) > to || i+1 < len(samples) && time.Duration(samples[i+1].At) <= from {
			continue
		}
		n := s.gauge(e.what, e.revision)
		if !found || e.how == "finally" || e.how == "max" && n > best || e.how == "min" && n < best {
			found, best, at = true, n, max(from, time.Duration(s.At))
		}
	}
	if !found {
		v.Seen = "no such service at that time"
		return
	}
	v.Passed, v.Seen = e.holds(best), fmt.Sprintf("%d at %s", best, Clock(Moment(at)))
}

// matching gives what happened of the expectation's kind in a stretch.
func (e Expectation) matching(r *Result, from, to time.Duration) []happening {
	var all []happening
	for _, h := range r.happens {
		if h.at >= from && h.at <= to && h.kind == e.what && (e.service == "" || h.service == e.service) &&
			(e.revision == "" || h.revision == e.revision) && (!e.before || h.born < from) && strings.Contains(h.text, e.text) {
			all = append(all, h)
		}
	}
	return all
}

func (e Expectation) measureCount(v *Verdict, r *Result, from, to time.Duration) {
	all := e.matching(r, from, to)
	v.Passed, v.Seen = e.holds(len(all)), fmt.Sprint(len(all))
	if n := len(all); n > 0 {
		v.Seen += fmt.Sprintf(", the first at %s, the last at %s", Clock(Moment(all[0].at)), Clock(Moment(all[n-1].at)))
	}
}

// whole rounds to whole seconds: what is below is delays of the simulated network and disks.
func whole(d time.Duration) time.Duration { return d.Round(time.Second) }

func (e Expectation) measureMoment(v *Verdict, r *Result, from, to time.Duration) {
	all := e.matching(r, from, to)
	if len(all) == 0 {
		v.Seen = "never"
		return
	}
	after := whole(all[0].at - from)
	v.Passed, v.Seen = after == e.times[0], after.String()
}

func (e Expectation) measureMoments(v *Verdict, r *Result, from, to time.Duration) {
	var seen []time.Duration
	for _, h := range e.matching(r, from, to) {
		if at := whole(h.at - from); len(seen) == 0 || seen[len(seen)-1] != at {
			seen = append(seen, at)
		}
	}
	var texts []string
	for _, at := range seen {
		texts = append(texts, at.String())
	}
	v.Passed, v.Seen = slices.Equal(seen, e.times), strings.Join(texts, ", ")
}

func (e Expectation) measureRollout(v *Verdict, r *Result, to time.Duration) {
	v.Seen = "no such deployment"
	seen := ""
	for _, s := range e.serviceOf(r).Samples {
		if time.Duration(s.At) > to {
			break
		}
		for _, p := range s.Parts {
			if e.revision == "" || p.Revision == e.revision {
				if p.Rollout != seen {
					seen = p.Rollout
					v.Seen = p.Rollout + " since " + Clock(s.At)
				}
				v.Passed = p.Rollout == e.word
			}
		}
	}
}

// Clock gives a moment as "2:05.0" or "1:02:05.0": hours, minutes and seconds.
func Clock(m Moment) string {
	tenths := time.Duration(m).Milliseconds() / 100
	seconds, minutes, hours := tenths/10%60, tenths/600%60, tenths/36000
	if hours > 0 {
		return fmt.Sprintf("%d:%02d:%02d.%d", hours, minutes, seconds, tenths%10)
	}
	return fmt.Sprintf("%d:%02d.%d", minutes, seconds, tenths%10)
}
