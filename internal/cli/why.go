package cli

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"ballast/internal/api/why"
	"ballast/internal/scheduler/explain"
)

// whyVerb explains a service or a task.
type whyVerb struct {
	endpointOptions `embed:""`
	outputOptions   `embed:""`

	What string `arg:"" name:"service|task" help:"A service, or a task by its id or how that begins."`
}

// Help is shown with the flags.
func (whyVerb) Help() string {
	return `Examples:

    ballast why web                                  what holds service web back
    ballast why 3f2a11bc                             what a task waits for, how it stands in its target groups, or why it stopped
    ballast why web -o json | jq -r .state           steady, throttled, failing, no-room-on-instances, ...
    watch -n1 ballast why web                        again and again

It says what is wanted and what there is, and then, what matters most first: what holds the service back, what happens next and when,
and what could be done. "!!" marks what somebody has to see to, "!" what holds something back, "." what goes on by itself, "-" what is
worth knowing.

With -o json: {"at", "cluster", "service", "task", "state", "weight", "summary", "wanted", "deployments", "targetGroups",
"findings": [{"kind", "weight", "text", "details", "then", "thenAt", "try", "deployment", "count", "limit", "tasks", "container",
"stopCode", "exitCode", "reason", "instances", "targets"}], "nextDecision"}; what says nothing is left out.

Exit codes: 0 done, whatever there is to explain; 1 failed, 2 usage, 3 no Ballast answers.`
}

// Run asks and prints.
func (v *whyVerb) Run(ctx context.Context, s *Streams) error {
	ctx, cancel := s.interruptible(ctx)
	defer cancel()
	c, err := v.client(s.Getenv)
	if err != nil {
		return err
	}
	service, t, err := c.resolve(ctx, v.What)
	if err != nil {
		return err
	}
	query := url.Values{why.Cluster: {v.Cluster}}
	if service != "" {
		query.Set(why.Service, service)
	} else {
		query.Set(why.Task, t.ID)
	}
	var report explain.Report
	if err := v.lookUp(ctx, s, why.Path, query, &report); err != nil {
		return fmt.Errorf("explain %s: %w", v.What, err)
	}
	if v.json() {
		return writeJSON(s.Out, report)
	}
	_, err = fmt.Fprint(s.Out, reportText(s, report.Lines(s.Now().Location())))
	return err
}

// reportText gives the lines of a report, coloured by their weight where colours are wanted.
func reportText(s *Streams, lines []explain.Line) string {
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(paint(s.OutColor, weightColors[line.Weight], line.Text) + "\n")
	}
	return b.String()
}

var weightColors = map[explain.Weight]string{explain.Good: good, explain.Wait: plain, explain.Held: warn, explain.Broken: bad, explain.Note: dimmed}
