package picture

import (
	"strconv"
	"strings"
	"time"

	"ballast/internal/sim/scenario"
)

// frame is where a chart stands on the page, and what its edges mean.
type frame struct {
	left, top, width, height float64
	length                   time.Duration
	most                     int // tasks at the upper edge
}

func (f frame) x(m scenario.Moment) float64 {
	return f.left + f.width*float64(m)/float64(max(1, f.length))
}

func (f frame) y(tasks int) float64 {
	return f.top + f.height - f.height*float64(tasks)/float64(max(1, f.most))
}

// num writes a coordinate: tenths of a pixel are as much as anyone sees.
func num(v float64) string {
	text := strconv.FormatFloat(v, 'f', 1, 64)
	return strings.TrimSuffix(text, ".0")
}

// layer is one band of the stack: the tasks of one deployment in one state.
type layer struct {
	deployment int
	class      string
	of         func(scenario.Part) int
}

// layersOf stacks deployments from the oldest to the newest, and what is about to go on top.
func layersOf(s *scenario.ServiceResult) []layer {
	last := 0
	for _, sample := range s.Samples {
		for _, p := range sample.Parts {
			last = max(last, p.Deployment)
		}
	}
	first := last
	for _, sample := range s.Samples {
		for _, p := range sample.Parts {
			first = min(first, p.Deployment)
		}
	}
	var all []layer
	for d := first; d <= last; d++ {
		hue := " d" + strconv.Itoa((d-first)%hues)
		all = append(all,
			layer{d, "healthy" + hue, func(p scenario.Part) int { return p.Healthy }},
			layer{d, "warming" + hue, func(p scenario.Part) int { return p.Warming }},
			layer{d, "unhealthy", func(p scenario.Part) int { return p.Unhealthy }},
			layer{d, "pending" + hue, func(p scenario.Part) int { return p.Pending }})
	}
	for d := first; d <= last; d++ {
		all = append(all, layer{d, "stopping", func(p scenario.Part) int { return p.Stopping }})
	}
	return all
}

func (l layer) count(s scenario.Sample) int {
	for _, p := range s.Parts {
		if p.Deployment == l.deployment {
			return l.of(p)
		}
	}
	return 0
}

// thin leaves out samples that would fall into the same half pixel, but for the one with the fewest healthy tasks, so that a
// long scenario stays a small file and no dip gets lost.
func (f frame) thin(samples []scenario.Sample) []scenario.Sample {
	var out []scenario.Sample
	column := -1
	for _, s := range samples {
		c := int(2 * f.x(s.At))
		if c != column {
			out, column = append(out, s), c
			continue
		}
		last := &out[len(out)-1]
		if healthy(s) <= healthy(*last) || s.At == samples[len(samples)-1].At {
			*last = s
		}
	}
	return out
}

func healthy(s scenario.Sample) int {
	n := 0
	for _, p := range s.Parts {
		n += p.Healthy
	}
	return n
}

// areas draws the layers as areas with steps. A layer that is never there is not drawn.
func (f frame) areas(b *strings.Builder, s *scenario.ServiceResult, end scenario.Moment) {
	samples, layers := f.thin(s.Samples), layersOf(s)
	base := make([]int, len(samples))
	for _, l := range layers {
		tops, any := make([]int, len(samples)), false
		for i, sample := range samples {
			n := l.count(sample)
			tops[i] = base[i] + n
			any = any || n > 0
		}
		if any {
			b.WriteString(`<path class="` + l.class + `" d="` + f.band(samples, base, tops, end) + "\"/>\n")
		}
		base = tops
	}
}

// band gives the outline of one layer: there along its top, back along its base.
func (f frame) band(samples []scenario.Sample, base, tops []int, end scenario.Moment) string {
	d := "M" + num(f.x(samples[0].At)) + " " + num(f.y(tops[0]))
	for i := 1; i < len(samples); i++ {
		if tops[i] != tops[i-1] || base[i] != base[i-1] {
			d += "H" + num(f.x(samples[i].At)) + "V" + num(f.y(tops[i]))
		}
	}
	last := len(samples) - 1
	d += "H" + num(f.x(end)) + "V" + num(f.y(base[last]))
	for i := last; i > 0; i-- {
		if tops[i] != tops[i-1] || base[i] != base[i-1] {
			d += "H" + num(f.x(samples[i].At)) + "V" + num(f.y(base[i-1]))
		}
	}
	return d + "H" + num(f.x(samples[0].At)) + "Z"
}

// limit draws a count of the service as a line with steps.
func (f frame) limit(b *strings.Builder, class string, s *scenario.ServiceResult, end scenario.Moment, of func(scenario.Sample) int) {
	d, before := "", 0
	for i, sample := range s.Samples {
		n := of(sample)
		switch {
		case i == 0:
			d = "M" + num(f.x(sample.At)) + " " + num(f.y(n))
		case n != before:
			d += "H" + num(f.x(sample.At)) + "V" + num(f.y(n))
		}
		before = n
	}
	b.WriteString(`<path class="` + class + `" d="` + d + "H" + num(f.x(end)) + "\"/>\n")
}

// steps are the distances between marks on an axis of time.
var steps = []time.Duration{time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second, time.Minute,
	2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour,
	6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}

// tick chooses a step with which an axis has at most that many marks.
func tick(length time.Duration, most int) time.Duration {
	for _, s := range steps {
		if length/s <= time.Duration(most) {
			return s
		}
	}
	return steps[len(steps)-1]
}
