package explain

import (
	"fmt"
	"strings"
	"time"

	"ballast/internal/ecs"
)

// tasks counts tasks.
func tasks(n int) string { return count(n, "task") }

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// verb gives the form of a verb that goes with n tasks.
func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// Span gives a length of time as people say it, rounded to the second, from an hour on to the minute and from two days on down to the day:
// 40s, 2m5s, 15m, 1h30m, 3d; "0s" for less than half a second and for what is negative.
func Span(d time.Duration) string {
	const day = 24 * time.Hour
	d = d.Round(time.Second)
	switch {
	case d < time.Second:
		return "0s"
	case d >= 2*day:
		return fmt.Sprintf("%dd", int(d/day))
	case d >= time.Hour:
		d = d.Round(time.Minute)
	}
	return Spell(d)
}

// Spell gives a duration without the units of which there are none: "2m", not "2m0s".
func Spell(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// about is Span of a time that was measured.
func about(d time.Duration) string {
	if d < time.Second {
		return "less than 1s"
	}
	if d >= 10*time.Minute {
		d = d.Round(time.Minute)
	}
	return "about " + Span(d)
}

// short is enough of an id to tell tasks and container instances apart by eye; every verb takes it.
func short(id ecs.ID) string { return id.String()[:8] }

// maxReason is how much of a reason is shown, in runes; the report has all of it.
const maxReason = 300

// oneLine makes a part of a sentence of a reason that a driver or a user gave.
func oneLine(reason string) string {
	text := strings.TrimSuffix(strings.Join(strings.Fields(reason), " "), ".")
	if runes := []rune(text); len(runes) > maxReason {
		return string(runes[:maxReason]) + "..."
	}
	return text
}

// list joins words: a, b and c.
func list(words []string) string {
	switch len(words) {
	case 0:
		return ""
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// moment converts for JSON; 0 stays zero.
func moment(t ecs.Time) time.Time {
	if t == 0 {
		return time.Time{}
	}
	return t.Std()
}

// ids gives the first few ids of tasks.
func ids(all []Task) []string {
	var out []string
	for _, t := range all[:min(len(all), maxNamed)] {
		out = append(out, t.ID.String())
	}
	return out
}
