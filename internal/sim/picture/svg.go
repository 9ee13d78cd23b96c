package picture

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"ballast/internal/scheduler/explain"
	"ballast/internal/sim/scenario"
)

// The measures of the page, in pixels.
const (
	pageWidth   = 960
	chartHeight = 240
	leftEdge    = 44
	rightEdge   = 16
	titleHeight = 56
	headHeight  = 40 // above a chart: its name, and the numbers of what happened
	axisHeight  = 30
	lineHeight  = 18
	// maxListed bounds what is told below the charts.
	maxListed = 24
)

// SVG draws results as one page: a chart for each service of each, all to the same scale, with what happened from outside on the
// axis. It is dark where the reader's surroundings are.
func SVG(results ...*scenario.Result) []byte {
	p := &page{results: results}
	p.measure()
	for _, r := range results {
		for i := range r.Services {
			p.chart(r, &r.Services[i])
		}
	}
	p.legend()
	p.list()
	return p.bytes()
}

// page is a drawing under way.
type page struct {
	results []*scenario.Result
	body    strings.Builder
	y       float64
	length  time.Duration
	most    int
	revs    []string // what the hues stand for, by number
}

// measure finds the scale that all charts have in common.
func (p *page) measure() {
	p.y = titleHeight
	p.most = 1
	for _, r := range p.results {
		p.length = max(p.length, time.Duration(r.Length))
		for i := range r.Services {
			for _, s := range r.Services[i].Samples {
				p.most = max(p.most, total(s), s.Desired, s.Most)
			}
		}
	}
}

func total(s scenario.Sample) int {
	n := 0
	for _, p := range s.Parts {
		n += p.Pending + p.Warming + p.Healthy + p.Unhealthy + p.Stopping
	}
	return n
}

func (p *page) printf(format string, args ...any) { fmt.Fprintf(&p.body, format+"\n", args...) }

// chart draws one service.
func (p *page) chart(r *scenario.Result, s *scenario.ServiceResult) {
	f := frame{left: leftEdge, top: p.y + headHeight, width: pageWidth - leftEdge - rightEdge, height: chartHeight, length: p.length,
		most: p.most}
	name := "service " + s.Name
	if len(p.results) > 1 {
		name += ", policy " + r.Policy
	}
	p.printf(`<text class="name" x="%d" y="%s">%s</text>`, leftEdge, num(p.y+14), escape(name))
	p.grid(f)
	if len(s.Samples) > 0 {
		p.note(s)
		f.areas(&p.body, s, r.Length)
		f.limit(&p.body, "most", s, r.Length, func(s scenario.Sample) int { return s.Most })
		f.limit(&p.body, "fewest", s, r.Length, func(s scenario.Sample) int { return s.Fewest })
		f.limit(&p.body, "desired", s, r.Length, func(s scenario.Sample) int { return s.Desired })
	}
	p.happenings(f, r, s.Name)
	p.y = f.top + f.height + axisHeight
}

// note remembers which revisions the hues stand for.
func (p *page) note(s *scenario.ServiceResult) {
	first := 0
	for _, sample := range s.Samples {
		for _, part := range sample.Parts {
			if first == 0 || part.Deployment < first {
				first = part.Deployment
			}
		}
	}
	for _, sample := range s.Samples {
		for _, part := range sample.Parts {
			for len(p.revs) <= part.Deployment-first {
				p.revs = append(p.revs, "")
			}
			p.revs[part.Deployment-first] = part.Revision
		}
	}
}

// grid draws the axes.
func (p *page) grid(f frame) {
	step := countStep(f.most)
	for n := 0; n <= f.most; n += step {
		p.printf(`<path class="grid" d="M%s %sH%s"/><text class="tick" x="%s" y="%s" text-anchor="end">%d</text>`, num(f.left), num(f.y(n)),
			num(f.left+f.width), num(f.left-6), num(f.y(n)+4), n)
	}
	for m := time.Duration(0); m <= f.length; m += tick(f.length, 12) {
		x, bottom := f.x(scenario.Moment(m)), f.top+f.height
		p.printf(`<path class="grid" d="M%s %sV%s"/><text class="tick" x="%s" y="%s" text-anchor="middle">%s</text>`, num(x), num(bottom),
			num(bottom+4), num(x), num(bottom+16), explain.Spell(m))
	}
}

// countStep chooses the distance between lines for counts: 1, 2 or 5 times a power of ten, at most eight of them.
func countStep(most int) int {
	for unit := 1; ; unit *= 10 {
		for _, n := range []int{unit, 2 * unit, 5 * unit} {
			if most/n <= 8 {
				return n
			}
		}
	}
}

// happenings puts what happened on the axis: numbered lines for what came from outside, small marks for service events.
func (p *page) happenings(f frame, r *scenario.Result, service string) {
	number, edge := 0, 0.0 // edge is where the number before ends
	for _, l := range r.Lines {
		x := f.x(l.At)
		switch {
		case l.Kind == scenario.Outside && l.At > 0:
			number++
			half := 4 * float64(len(strconv.Itoa(number)))
			at := max(x, edge+half+3) // beside the number before, not over it
			edge = at + half
			p.printf(`<g><title>%s %s</title><path class="outside" d="M%s %sV%s"/><text class="number" x="%s" y="%s" text-anchor="middle">%d</text></g>`,
				scenario.Clock(l.At), escape(l.Text), num(x), num(f.top-4), num(f.top+f.height), num(at), num(f.top-8), number)
		case l.Kind == scenario.ServiceEvent && l.Service == service:
			class := "event"
			if strings.HasSuffix(l.Text, "has reached a steady state.") {
				class = "event steady"
			}
			p.printf(`<g><title>%s %s</title><circle class="%s" cx="%s" cy="%s" r="2.5"/></g>`, scenario.Clock(l.At), escape(l.Text), class,
				num(x), num(f.top+f.height+22))
		}
	}
}

// legend explains the colours.
func (p *page) legend() {
	x, y := float64(leftEdge), p.y+14
	entry := func(class, shape, text string) {
		if shape == "line" {
			p.printf(`<path class="%s" d="M%s %sh14"/>`, class, num(x), num(y-4))
		} else {
			p.printf(`<rect class="%s" x="%s" y="%s" width="12" height="10" rx="2"/>`, class, num(x), num(y-9))
		}
		p.printf(`<text class="key" x="%s" y="%s">%s</text>`, num(x+18), num(y), escape(text))
		x += 18 + 6.8*float64(len(text)) + 18
		if x > pageWidth-140 {
			x, y = leftEdge, y+lineHeight
		}
	}
	for i, revision := range p.revs {
		if i < hues && revision != "" {
			entry("healthy d"+strconv.Itoa(i), "box", revision+" healthy")
		}
	}
	for _, e := range [][3]string{{"warming d0", "box", "running"}, {"unhealthy", "box", "unhealthy"}, {"pending d0", "box", "pending"},
		{"stopping", "box", "stopping"}, {"desired", "line", "desired"}, {"most", "line", "maximumPercent"}, {"fewest", "line", "minimumHealthyPercent"}} {
		entry(e[0], e[1], e[2])
	}
	p.y = y + 8
}

// list tells what the numbers on the axis mean. Of several results the first speaks for all.
func (p *page) list() {
	number := 0
	for _, l := range p.results[0].Lines {
		if l.Kind != scenario.Outside || l.At == 0 {
			continue
		}
		number++
		if number > maxListed {
			continue
		}
		p.y += lineHeight
		p.printf(`<text class="key" x="%d" y="%s"><tspan class="number">%d</tspan>  %s  %s</text>`, leftEdge, num(p.y), number, scenario.Clock(l.At),
			escape(l.Text))
	}
	if number > maxListed {
		p.y += lineHeight
		p.printf(`<text class="key" x="%d" y="%s">and %d more</text>`, leftEdge, num(p.y), number-maxListed)
	}
}
