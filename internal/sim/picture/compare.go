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
		bars(&out, a.Services[i].Name, &a.Services[i], &b.Services[i], [2]string{a.Policy, b.Policy}, moments(a, b), color)
	}
	out.WriteString(legend(color))
	table(&out, a, b, color)
	_, err := io.WriteString(w, out.String())
	return err
}

// CompareServices prints two services of one result side by side, as Compare does two results.
func CompareServices(w io.Writer, r *scenario.Result, a, b *scenario.ServiceResult, color bool) error {
	var out strings.Builder
	names := [2]string{a.Name, b.Name}
	fmt.Fprintf(&out, "%s  %s\n\n", paint(color, bold, r.Scenario), paint(color, dimmed, fmt.Sprintf("policy %s, seed %d", r.Policy, r.Seed)))
	bars(&out, "", a, b, names, moments(r, r), color)
	out.WriteString(legend(color))
	heading(&out, names, color)
	row := func(what string, of func(*scenario.ServiceResult) string) {
		fmt.Fprintf(&out, tableRow, what, of(a), of(b))
	}
	extremes("", r, row)
	for _, what := range []struct{ name, kind string }{{"tasks started", "started"}, {"tasks stopped", "stopped"}, {"service events", "event"}} {
		row(what.name, func(s *scenario.ServiceResult) string { return fmt.Sprint(r.Happened(s.Name, what.kind)) })
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func legend(color bool) string {
	return paint(color, dimmed, "one character a task: # healthy, + running, x unhealthy, . pending, - stopping") + "\n\n"
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

func bars(out *strings.Builder, title string, a, b *scenario.ServiceResult, names [2]string, when []scenario.Moment, color bool) {
	most := 1
	for _, s := range []*scenario.ServiceResult{a, b} {
		for _, sample := range s.Samples {
			most = max(most, s.Gauge(sample.At, "tasks"))
		}
	}
	width := min(widest, most)
	fmt.Fprintf(out, "%10s  %-*s  %s\n", title, width+9, names[0], names[1])
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

// tableRow is a row of a table.
const tableRow = "%-36s %10s %10s\n"

func heading(out *strings.Builder, names [2]string, color bool) {
	fmt.Fprintf(out, "%s\n", paint(color, dimmed, fmt.Sprintf("%-36s %10s %10s", "", names[0], names[1])))
}

func table(out *strings.Builder, a, b *scenario.Result, color bool) {
	heading(out, [2]string{a.Policy, b.Policy}, color)
	row := func(what string, of func(*scenario.Result) string) {
		fmt.Fprintf(out, tableRow, what, of(a), of(b))
	}
	for i := range a.Services {
		extremes(a.Services[i].Name+": ", a, func(what string, of func(*scenario.ServiceResult) string) {
			row(what, func(r *scenario.Result) string { return of(&r.Services[i]) })
		})
	}
	row("tasks started", func(r *scenario.Result) string { return fmt.Sprint(r.Counts.Started) })
	row("restarts", func(r *scenario.Result) string { return fmt.Sprint(r.Counts.Restarts) })
	row("image pulls", func(r *scenario.Result) string { return fmt.Sprint(r.Counts.ImagePulls) })
	row("service events", func(r *scenario.Result) string { return fmt.Sprint(r.Counts.ServiceEvents) })
	row("task-minutes", func(r *scenario.Result) string { return fmt.Sprintf("%g", r.Counts.TaskMinutes) })
}

// extremes makes the rows on how a service stood at worst, and at the end of a result.
func extremes(prefix string, r *scenario.Result, row func(what string, of func(*scenario.ServiceResult) string)) {
	for _, gauge := range []string{"running", "healthy"} {
		row(prefix+"fewest "+gauge, func(s *scenario.ServiceResult) string { n, _ := s.Extremes(gauge); return fmt.Sprint(n) })
	}
	row(prefix+"most tasks", func(s *scenario.ServiceResult) string { _, n := s.Extremes("tasks"); return fmt.Sprint(n) })
	row(prefix+"healthy at the end", func(s *scenario.ServiceResult) string {
		return fmt.Sprintf("%d of %d", s.Gauge(r.Length, "healthy"), s.Gauge(r.Length, "desired"))
	})
}
