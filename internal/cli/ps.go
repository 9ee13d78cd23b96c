package cli

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// psVerb lists tasks.
type psVerb struct {
	endpointOptions `embed:""`
	outputOptions   `embed:""`

	Service string `arg:"" optional:"" help:"Only the tasks of this service."`
	All     bool   `short:"a" help:"Show stopped tasks, too: Ballast keeps them for an hour."`
}

// Help is shown with the flags.
func (psVerb) Help() string {
	return `Examples:

    ballast ps                  what runs in cluster "default"
    ballast ps web -a           also what ran, and why it stopped
    ballast ps -o json | jq -r '.tasks[].listens[].hostPort'

TASK is the beginning of a task's id, which every verb takes. LISTENS is where to reach it from this machine.

With -o json: {"tasks": [{"id", "arn", "service", "group", "revision", "lastStatus", "desiredStatus", "health", "since", "listens",
"stopCode", "stoppedReason", "containers"}]}.

Exit codes: 0 done, 1 failed, 2 usage, 3 no Ballast answers.`
}

// Run asks and prints.
func (v *psVerb) Run(ctx context.Context, s *Streams) error {
	ctx, cancel := s.interruptible(ctx)
	defer cancel()
	c, err := v.client(s.Getenv)
	if err != nil {
		return err
	}
	if v.Service != "" {
		if _, err := c.mustServiceNamed(ctx, v.Service); err != nil {
			return err
		}
	}
	tasks, err := c.tasks(ctx, v.Service, v.All)
	if err != nil {
		return err
	}
	// By service, then as they were created: the API lists the tasks that are to run before those that are to stop.
	slices.SortStableFunc(tasks, func(a, b task) int { return cmp.Compare(a.Service, b.Service) })
	if v.json() {
		return writeJSON(s.Out, map[string]any{"tasks": tasks})
	}
	if len(tasks) == 0 {
		s.say("%s", nothingRuns(v.Service, v.Cluster, v.All))
		return nil
	}
	return table(s.Out, s.OutColor, taskRows(tasks, s.Now(), v.All))
}

func nothingRuns(service, cluster string, all bool) string {
	what := "cluster " + cluster
	if service != "" {
		what = "service " + service
	}
	if all {
		return "No task of " + what + " ran in the last hour."
	}
	return "No task of " + what + ` runs. "ballast ps -a" shows the stopped ones.`
}

// taskRows lays tasks out as a table. REASON is there only where something can stand in it.
func taskRows(tasks []task, now time.Time, withReason bool) [][]cell {
	withReason = withReason || slices.ContainsFunc(tasks, func(t task) bool { return t.reason() != "" })
	head := []cell{{"TASK", dimmed}, {"SERVICE", dimmed}, {"REVISION", dimmed}, {"STATUS", dimmed}, {"HEALTH", dimmed},
		{"SINCE", dimmed}, {"LISTENS", dimmed}}
	if withReason {
		head = append(head, cell{"REASON", dimmed})
	}
	rows := [][]cell{head}
	for _, t := range tasks {
		row := []cell{
			{t.shortID(), plain}, {cmp.Or(t.Service, "-"), plain}, {t.Revision, plain},
			{t.LastStatus, statusColor(t)}, {t.Health, healthColor(t.Health)}, {ago(now.Sub(t.Since)), plain},
			{listens(t), plain},
		}
		if withReason {
			row = append(row, cell{t.reason(), plain})
		}
		rows = append(rows, row)
	}
	return rows
}

func listens(t task) string {
	if len(t.Listens) == 0 {
		return "-"
	}
	all := make([]string, len(t.Listens))
	for i, l := range t.Listens {
		all[i] = l.String()
	}
	return strings.Join(all, " ")
}

func statusColor(t task) string {
	switch t.LastStatus {
	case "RUNNING":
		return good
	case "STOPPED":
		return dimmed
	}
	return warn
}

func healthColor(health string) string {
	switch health {
	case "HEALTHY":
		return good
	case "UNHEALTHY":
		return bad
	}
	return dimmed
}
