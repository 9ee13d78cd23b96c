package picture

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"ballast/internal/sim/scenario"
)

// Compare prints two results of one scenario side by side: bars over time, then what each came to.
func Compare(w io.Writer, a, b *scenario.Result, color bool) error {
	var out strings.Builder
	fmt.Fprintf(&out, "%s  %s\n\n", paint(color, bold, a.Scenario), paint(color, dimmed, fmt.Sprintf("seed %d", a.Seed)))
	for i := range a.Services {
		bars(&out, &a.Services[i], &b.Services[i], [2]string{a.Policy, b.Policy}, moments(a, b), color)
	}
	out.WriteString(paint(color, dimmed, "one character a task: # healthy, + running, x unhealthy, . pending, - stopping") + "\n\n")
	table(&out, a, b, color)
	_, err := io.WriteString(w, out.String())
	return err
}

// rows is about how many moments are shown.
const rows = 30

// moments are when to look: at every step of time, and just before and after everything from outside.
func moments(a, b *scenario.Result) []scenario.Moment {
	length := max(a.Length, b.Length)
	step := scenario.Moment(tick(time.Duration(length), rows))
	var all []scenario.Moment
	for m := scenario.Moment(0); m <= length; m += step {
		all = append(all, m)
	}
	for _, r := range []*scenario.Result{a, b} {
		for _, l := range r.Lines {
			if l.Kind == scenario.Outside {
				all = append(all, l.At)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// widest is the longest bar; more tasks share a character.
const widest = 36

func bars(out *strings.Builder, a, b *scenario.ServiceResult, names [2]string, when []scenario.Moment, color bool) {
	most := 1
	for _, s := range []*scenario.ServiceResult{a, b} {
		for _, sample := range s.Samples {
			most = max(most, s.Gauge(sample.At, "tasks"))
		}
	}
	width := min(widest, most)
	fmt.Fprintf(out, "%10s  %-*s  %s\n", a.Name, width+9, names[0], names[1])
	before := ""
	for i, m := range when {
		until := m
		if i+1 < len(when) {
			until = when[i+1] - 1
		}
		row := bar(a, m, until, width, most, color) + "  " + strings.TrimRight(bar(b, m, until, width, most, color), " ")
		if row != before || i+1 == len(when) {
			fmt.Fprintf(out, "%10s  %s\n", scenario.Clock(m), row)
		}
		before = row
	}
	out.WriteString("\n")
}

// bar shows a service at the worst moment between two: when the fewest of its tasks were healthy.
func bar(s *scenario.ServiceResult, from, until scenario.Moment, width, most int, color bool) string {
	worst := from
	for i := at(s.Samples, from); i < len(s.Samples) && s.Samples[i].At <= until; i++ {
		if m := max(from, s.Samples[i].At); s.Gauge(m, "healthy") < s.Gauge(worst, "healthy") {
			worst = m
		}
	}
	healthy, unhealthy := s.Gauge(worst, "healthy"), s.Gauge(worst, "unhealthy")
	text, used := "", 0
	for _, part := range []struct {
		n         int
		sign, hue string
	}{
		{healthy, "#", green}, {s.Gauge(worst, "running") - healthy - unhealthy, "+", cyan}, {unhealthy, "x", red},
		{s.Gauge(worst, "pending"), ".", dimmed}, {s.Gauge(worst, "stopping"), "-", dimmed},
	} {
		n := part.n * width / most
		text += paint(color, part.hue, strings.Repeat(part.sign, n))
		used += n
	}
	return fmt.Sprintf("%2d of %2d ", healthy, s.Gauge(worst, "desired")) + text + strings.Repeat(" ", max(0, width-used))
}

func table(out *strings.Builder, a, b *scenario.Result, color bool) {
	fmt.Fprintf(out, "%s\n", paint(color, dimmed, fmt.Sprintf("%-36s %10s %10s", "", a.Policy, b.Policy)))
	row := func(what string, of func(*scenario.Result) string) {
		fmt.Fprintf(out, "%-36s %10s %10s\n", what, of(a), of(b))
	}
	for i := range a.Services {
		name := a.Services[i].Name
		for _, gauge := range []string{"running", "healthy", "tasks"} {
			extremes := func(r *scenario.Result) (least, most int) { return r.Services[i].Extremes(gauge) }
			if gauge != "tasks" {
				row(fmt.Sprintf("%s: fewest %s", name, gauge), func(r *scenario.Result) string { n, _ := extremes(r); return fmt.Sprint(n) })
			} else {
				row(fmt.Sprintf("%s: most tasks", name), func(r *scenario.Result) string { _, n := extremes(r); return fmt.Sprint(n) })
			}
		}
		row(fmt.Sprintf("%s: healthy at the end", name), func(r *scenario.Result) string {
			return fmt.Sprintf("%d of %d", r.Services[i].Gauge(r.Length, "healthy"), r.Services[i].Gauge(r.Length, "desired"))
		})
	}
	row("tasks started", func(r *scenario.Result) string { return fmt.Sprint(r.Counts.Started) })
	row("restarts", func(r *scenario.Result) string { return fmt.Sprint(r.Counts.Restarts) })
	row("image pulls", func(r *scenario.Result) string { return fmt.Sprint(r.Counts.ImagePulls) })
	row("service events", func(r *scenario.Result) string { return fmt.Sprint(r.Counts.ServiceEvents) })
	row("task-minutes", func(r *scenario.Result) string { return fmt.Sprintf("%g", r.Counts.TaskMinutes) })
}
