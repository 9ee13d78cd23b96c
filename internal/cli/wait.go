package cli

import (
	"context"
	"errors"
	"time"
)

// waitVerb waits until services are steady or tasks have stopped.
type waitVerb struct {
	endpointOptions `embed:""`
	outputOptions   `embed:""`

	Services []string      `arg:"" optional:"" name:"service" help:"Services that are to become steady."`
	Task     []string      `placeholder:"TASK" help:"A task that is to stop, by its id or how that begins; can be repeated."`
	Timeout  time.Duration `default:"10m" help:"How long to wait at most (${default})."`
}

// Help is shown with the flags.
func (waitVerb) Help() string {
	return `Examples:

    ballast wait web api                until both services are steady
    ballast wait --task 3f2a            until the task has stopped
    ballast wait web --timeout 30s

A service is steady when one deployment is left, it is completed, and as many tasks run as are wanted.

With -o json: {"tasks": [...]}, those of the services, or those that have stopped, as "ballast ps" gives them.

Exit codes: 0 steady, or stopped, whatever the containers' exit codes, 1 failed, a rollout that failed included, 2 usage, 3 no
Ballast answers, 4 not within --timeout, 130 interrupted.`
}

// Validate refuses what there is nothing to wait for.
func (v *waitVerb) Validate() error {
	if (len(v.Services) == 0) == (len(v.Task) == 0) {
		return errors.New("name services, or tasks with --task, and not both")
	}
	return nil
}

// Run waits.
func (v *waitVerb) Run(ctx context.Context, s *Streams) error {
	ctx, cancel := s.interruptible(ctx)
	defer cancel()
	d, err := v.deployment(ctx, s)
	if err != nil {
		return err
	}
	if len(v.Task) > 0 {
		return v.tasks(ctx, s, d.client)
	}
	for _, name := range v.Services {
		if err := d.watch(ctx, name); err != nil {
			return err
		}
	}
	return d.finish(ctx, s, waitOptions{Timeout: v.Timeout}, v.json())
}

// tasks waits until every task named has stopped, and shows them.
func (v *waitVerb) tasks(ctx context.Context, s *Streams, c *client) error {
	var arns []string
	for _, ref := range v.Task {
		t, err := c.find(ctx, ref)
		if err != nil {
			return err
		}
		arns = append(arns, t.ARN)
	}
	if err := c.awaitStopped(ctx, v.Timeout, nil, arns); err != nil {
		return err
	}
	tasks, err := c.describe(ctx, arns)
	if err != nil {
		return err
	}
	if v.json() {
		return writeJSON(s.Out, map[string]any{"tasks": tasks})
	}
	return table(s.Out, s.OutColor, taskRows(tasks, s.Now(), true))
}
