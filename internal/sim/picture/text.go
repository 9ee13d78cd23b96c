package picture

import (
	"fmt"
	"io"
	"regexp"
	"sort"
	"strings"
	"time"

	"ballast/internal/scheduler/explain"
	"ballast/internal/sim/scenario"
)

// The colours of a terminal, by what they mean.
const (
	bold   = "1"
	dimmed = "2"
	red    = "31"
	green  = "32"
	cyan   = "36"
)

func paint(color bool, with, text string) string {
	if !color || text == "" {
		return text
	}
	return "\x1b[" + with + "m" + text + "\x1b[0m"
}

// Bounds of what is printed of a long timeline: its beginning and its end say most.
const (
	headLines = 120
	tailLines = 40
)

// Text prints a result for people: the timeline, what was used up, and each expectation.
func Text(w io.Writer, r *scenario.Result, color bool) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", paint(color, bold, r.Scenario), paint(color, dimmed, fmt.Sprintf("policy %s, seed %d", r.Policy, r.Seed)))
	if r.Source != "" {
		b.WriteString(paint(color, dimmed, wrap(r.Source, 100, "  ")) + "\n")
	}
	b.WriteString("\n")
	timeline(&b, r, color)
	b.WriteString("\n" + Used(r) + "\n")
	for _, s := range r.Services {
		for _, wait := range s.Waits {
			fmt.Fprintf(&b, "service %s at the end: %s\n", s.Name, wait)
		}
	}
	b.WriteString("\n")
	Verdicts(&b, r, color, false)
	_, err := io.WriteString(w, b.String())
	return err
}

// columns are the gauges of the timeline.
var columns = []string{"desired", "running", "healthy", "unhealthy", "pending", "stopping"}

func timeline(b *strings.Builder, r *scenario.Result, color bool) {
	several, columns := len(r.Services) > 1, columns
	if len(r.Services) == 0 { // a history
		columns = nil
	}
	head := fmt.Sprintf("%10s", "time")
	for _, c := range columns {
		head += fmt.Sprintf("  %s", c)
	}
	b.WriteString(paint(color, dimmed, head) + "\n")
	for i, l := range r.Lines {
		if left := len(r.Lines) - headLines - tailLines; left > 0 && i >= headLines && i < headLines+left {
			if i == headLines {
				fmt.Fprintf(b, "%10s  %s\n", "...", paint(color, dimmed, fmt.Sprintf("%d lines are left out; --json has all", left)))
			}
			continue
		}
		fmt.Fprintf(b, "%10s", scenario.Clock(l.At))
		for _, c := range columns {
			if several && l.Service == "" {
				fmt.Fprintf(b, "  %*s", len(c), "")
				continue
			}
			fmt.Fprintf(b, "  %*d", len(c), serviceOf(r, l.Service).Gauge(l.At, c))
		}
		b.WriteString("  " + line(l, color) + "\n")
	}
}

func line(l scenario.Line, color bool) string {
	switch l.Kind {
	case scenario.Outside:
		return paint(color, cyan, "> "+l.Text)
	case scenario.Ended:
		return paint(color, red, "! "+l.Text)
	}
	return "  " + listed.ReplaceAllStringFunc(brief(l.Text), func(list string) string {
		all := strings.SplitAfter(list, ")")
		return strings.Join(all[:shownTasks], "") + fmt.Sprintf(" and %d more", len(all)-1-shownTasks)
	})
}

// brief leaves out of an event what is the same in all of them, and what is no name: JSON has everything.
func brief(text string) string {
	return named.ReplaceAllString(strings.TrimSuffix(text, " For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."), "$1$2")
}

// named finds the ARNs of target groups and of service registries, and their names in them.
var named = regexp.MustCompile(`\barn:aws[a-z-]*:(?:elasticloadbalancing:[^: )]*:\d*:targetgroup/([^/ )]+)/\w+|servicediscovery:[^: )]*:\d*:service/([^ )]+))`)

// listed is a list of more tasks than are shown in a line.
var listed = regexp.MustCompile(`(?:\(task \w+\) ?){5,}`)

const shownTasks = 3

func serviceOf(r *scenario.Result, name string) *scenario.ServiceResult {
	if s := r.Service(name); s != nil {
		return s
	}
	return &r.Services[0]
}

// Used says in one line what the scenario used up.
func Used(r *scenario.Result) string {
	c := r.Counts
	if len(r.Services) == 0 { // of a history nothing else is counted
		return fmt.Sprintf("%s: %d tasks started", explain.Spell(time.Duration(r.Length)), c.Started)
	}
	text := fmt.Sprintf("%s: %d tasks started (%d restarts), %d stopped, %d image pulls, %d service events, %d task state changes, %g task-minutes",
		explain.Spell(time.Duration(r.Length)), c.Started, c.Restarts, c.Stopped, c.ImagePulls, c.ServiceEvents, c.StateChanges, c.TaskMinutes)
	if c.NetworkInterfaces > 0 {
		text += fmt.Sprintf(", %d network interfaces", c.NetworkInterfaces)
	}
	if c.LogStreams > 0 {
		text += fmt.Sprintf(", %d log streams", c.LogStreams)
	}
	return text
}

// Verdicts prints every expectation, or only those that failed.
func Verdicts(w io.Writer, r *scenario.Result, color, onlyFailed bool) {
	for _, v := range r.Verdicts {
		switch {
		case !v.Passed:
			fmt.Fprintf(w, "%s  %s: seen %s (%s:%d)\n", paint(color, red, "FAIL"), v.Text, v.Seen, r.File, v.Line)
		case !onlyFailed:
			fmt.Fprintf(w, "%s    %s\n", paint(color, green, "ok"), v.Text)
		}
	}
}

// Summary says in one line how a scenario went.
func Summary(r *scenario.Result, color bool) string {
	failed := 0
	for _, v := range r.Verdicts {
		if !v.Passed {
			failed++
		}
	}
	verdict := paint(color, green, "ok  ")
	if failed > 0 {
		verdict = paint(color, red, "FAIL")
	}
	return fmt.Sprintf("%s  %s: %s (%d of %d expectations, %s)", verdict, r.File, r.Scenario, len(r.Verdicts)-failed, len(r.Verdicts),
		explain.Spell(time.Duration(r.Length)))
}

// wrap breaks a text into lines of at most that many columns, each indented.
func wrap(text string, width int, indent string) string {
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		switch {
		case column == 0:
			b.WriteString(indent)
			column = len(indent)
		case column+1+len(word) > width:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}

// at gives the index of the sample that holds at a moment.
func at(samples []scenario.Sample, m scenario.Moment) int {
	return max(0, sort.Search(len(samples), func(i int) bool { return samples[i].At > m })-1)
}
