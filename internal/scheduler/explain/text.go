package explain

import (
	"fmt"
	"time"
)

// Line is a line of a report as text. Weight says how it may be coloured, "" for plain.
type Line struct {
	Text   string
	Weight Weight
}

// clock is how moments are written: a time of the day is enough for what is hours away at most.
const clock = "15:04:05"

// Lines lays a report out for people, with times of day in the zone given.
func (r *Report) Lines(zone *time.Location) []Line {
	lines := []Line{{r.Summary, r.Weight}}
	if w := r.Wanted; w != nil {
		lines = append(lines, Line{Text: fmt.Sprintf("  wanted   %s of %s; healthy at least %d (%d %%), at most %d at a time (%d %%)", tasks(w.Tasks), w.Revision,
			w.MinHealthy, w.MinimumHealthyPercent, w.MaxTasks, w.MaximumPercent)})
	}
	for i := range r.Deployments {
		label := "         "
		if i == 0 {
			label = "there is "
		}
		lines = append(lines, Line{Text: "  " + label + r.Deployments[i].String()})
	}
	for i := range r.TargetGroups {
		label := "         "
		if i == 0 {
			label = "targets  "
		}
		lines = append(lines, Line{Text: "  " + label + r.TargetGroups[i].String()})
	}
	for i := range r.Findings {
		lines = append(lines, Line{})
		lines = append(lines, r.Findings[i].lines(r.At, zone)...)
	}
	return lines
}

// String says how many tasks a deployment has, those that there are none of left out.
func (d *Deployment) String() string {
	text := fmt.Sprintf("%s %s, %s:", d.Status, d.Revision, d.Rollout)
	any := false
	for _, c := range []struct {
		n    int
		what string
	}{{d.Healthy, "healthy"}, {d.Warming, "running, not healthy yet"}, {d.Graced, "in the grace period"}, {d.Unhealthy, "unhealthy"},
		{d.Starting, "starting"}, {d.Stopping, "stopping"}, {d.Protected, "protected"}} {
		if c.n == 0 {
			continue
		}
		if any {
			text += ";"
		}
		text += fmt.Sprintf(" %d %s", c.n, c.what)
		any = true
	}
	if !any {
		text += " no tasks"
	}
	return text + fmt.Sprintf("  (%s)", d.ID)
}

// marks stand before findings, so that their weight can be told without colours.
var marks = map[Weight]string{Good: "+", Wait: ".", Held: "!", Broken: "!!", Note: "-"}

func (f *Finding) lines(now time.Time, zone *time.Location) []Line {
	lines := []Line{{fmt.Sprintf("%-2s %s", marks[f.Weight], f.Text), f.Weight}}
	for _, d := range f.Details {
		lines = append(lines, Line{Text: "   " + d})
	}
	switch {
	case f.Then == "":
	case f.At.IsZero():
		lines = append(lines, Line{Text: "   next: " + f.Then})
	default:
		when := "now"
		if left := f.At.Sub(now); left >= time.Second {
			when = fmt.Sprintf("in %s (%s)", Span(left), f.At.In(zone).Format(clock))
		}
		lines = append(lines, Line{Text: "   next: " + when + " " + f.Then})
	}
	for _, t := range f.Try {
		lines = append(lines, Line{Text: "   try:  " + t})
	}
	return lines
}
