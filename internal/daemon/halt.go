package daemon

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ballast/internal/control"
	"ballast/internal/control/root"
	"ballast/internal/ecs"
)

const (
	// haltPollEvery is the pause between two looks at the tasks that stop.
	haltPollEvery = 20 * time.Millisecond
	// haltMargin is what stopping may take beyond the timeouts of the containers.
	haltMargin = 10 * time.Second
)

// Halt stops all tasks in order, as if their server were about to end: no service replaces them and nothing counts them as
// failures. It returns when all have stopped; an error says how many have not, because ctx ended or they took longer than their
// stop timeouts allow.
func (d *Daemon) Halt(ctx context.Context) error {
	if _, err := d.control.Submit(ctx, control.Halt{}); err != nil {
		return fmt.Errorf("stop the tasks: %w", err)
	}
	left := d.Running()
	ctx, cancel := context.WithTimeout(ctx, longestStop(left, d.cfg.Policy.DefaultStopTimeout)+haltMargin)
	defer cancel()
	ticker := time.NewTicker(haltPollEvery)
	defer ticker.Stop()
	for {
		if left = d.notStopped(left); len(left) == 0 {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("%d tasks have not stopped: %w", len(left), ctx.Err())
		}
	}
}

// notStopped gives those of tasks that have not stopped since.
func (d *Daemon) notStopped(tasks []*ecs.Task) []*ecs.Task {
	state := d.control.Root()
	return slices.DeleteFunc(tasks, func(t *ecs.Task) bool {
		now := state.Task(t.Cluster, t.ID)
		return now == nil || now.Stopped()
	})
}

// longestStop is how long tasks may take to stop: the containers of one may have to stop one after the other.
func longestStop(tasks []*ecs.Task, otherwise time.Duration) time.Duration {
	var longest time.Duration
	for _, t := range tasks {
		var sum time.Duration
		for i := range t.Definition.Containers {
			if timeout := t.Definition.Containers[i].StopTimeout; timeout > 0 {
				sum += timeout
			} else {
				sum += otherwise
			}
		}
		longest = max(longest, sum)
	}
	return longest
}

// maxClusters is how many clusters an account may have (Service quotas), and pageSize how many tasks are looked at in one go.
const (
	maxClusters = 10_000
	pageSize    = 1_000
)

// Running gives the tasks that are not STOPPED, of all clusters.
func (d *Daemon) Running() []*ecs.Task {
	var all []*ecs.Task
	state := d.control.Root()
	for _, c := range state.Clusters("", maxClusters) {
		for _, desired := range []ecs.Status{ecs.StatusRunning, ecs.StatusStopped} {
			all = append(all, notOver(state, root.TaskFilter{Cluster: c.Name, Desired: desired})...)
		}
	}
	return all
}

func notOver(state *root.Root, filter root.TaskFilter) []*ecs.Task {
	var all []*ecs.Task
	for after := uint64(0); ; {
		page := state.Tasks(filter, after, pageSize)
		for _, t := range page {
			if !t.Stopped() {
				all = append(all, t)
			}
		}
		if len(page) < pageSize {
			return all
		}
		after = page[len(page)-1].Seq
	}
}
