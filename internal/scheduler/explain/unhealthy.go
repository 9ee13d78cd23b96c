package explain

import (
	"fmt"
	"strings"

	"ballast/internal/ecs"
	"ballast/internal/scheduler"
	"ballast/internal/scheduler/policy"
)

// unhealthy tells of tasks whose checks fail.
func (b *builder) unhealthy() {
	bad := b.in(scheduler.Unhealthy)
	if len(bad) == 0 {
		return
	}
	n := len(bad)
	f := Finding{Kind: Unhealthy, Weight: Held, Count: n, Tasks: ids(bad), Targets: targetStates(bad), Then: b.replacement(n),
		Text: b.subject(n) + " " + verb(n, "is", "are") + " unhealthy",
		Try: append(bad[0].advise(), ballast(b.report.Cluster, "logs "+short(bad[0].ID)),
			ballast(b.report.Cluster, "exec "+short(bad[0].ID))+"   # to try the check by hand")}
	var order []string
	alike := map[string]int{}
	for i := range bad {
		why := failedChecks(&bad[i])
		if alike[why] == 0 {
			order = append(order, why)
		}
		alike[why]++
	}
	if len(order) == 1 {
		f.Text += ": " + order[0]
	} else {
		for _, why := range order[:min(len(order), maxNamed)] {
			f.Details = append(f.Details, tasks(alike[why])+": "+why+".")
		}
	}
	f.Text += "."
	b.add(f)
}

// replacement says what follows for n tasks that are unhealthy.
func (b *builder) replacement(n int) string {
	counts := b.View.Counts()
	coming := counts.Live() - counts[scheduler.Healthy]
	switch {
	case b.View.Policy.Unhealthy == policy.StopFirst:
		return verb(n, "it is stopped, and then replaced", "they are stopped, and then replaced")
	case b.waits(scheduler.WaitThrottle), b.waits(scheduler.WaitBrake), b.waits(scheduler.WaitParked):
		return verb(n, "it stays: for now no task is started in its place", "they stay: for now no tasks are started in their place")
	case counts.Live() >= b.Service.Desired:
		return verb(n, "its replacement has been started; it stops when that is healthy, or either of them when that is unhealthy too",
			"their replacements have been started; one of them stops for each that is healthy, or unhealthy too")
	case counts.Total() >= b.View.MaxTasks() && coming > 0:
		return fmt.Sprintf("%s started in their place, for more of which maximumPercent %d leaves no room; they stop as those become healthy",
			verb(coming, "1 task has been", fmt.Sprintf("%d tasks have been", coming)), b.View.MaximumPercent)
	case counts.Total() >= b.View.MaxTasks() && counts[scheduler.Stopping] > 0:
		return verb(n, "a replacement is started when a task that is stopping has stopped", "replacements are started as tasks that are stopping have stopped")
	case counts.Total() < b.View.MaxTasks() && b.waits(scheduler.WaitPlacement):
		return verb(n, "its replacement waits for room on a container instance; to make some it is stopped when nothing else is on its way",
			"their replacements wait for room on container instances; to make some one at a time is stopped when nothing else is on its way")
	case counts.Total() >= b.View.MaxTasks():
		return fmt.Sprintf("one at a time is stopped and then replaced, as maximumPercent %d leaves no room beside them", b.View.MaximumPercent)
	}
	return verb(n, "a replacement is started first, and the task stops when that is healthy",
		"replacements are started first, and the tasks stop as those are healthy")
}

// failedChecks says which containers are UNHEALTHY, by which command, and which target groups say so.
func failedChecks(t *Task) string {
	var checks []string
	for i := range t.Containers {
		if d := &t.Definition.Containers[i]; t.Containers[i].Health == ecs.HealthUnhealthy && d.HealthCheck != nil {
			checks = append(checks, fmt.Sprintf("the check of container %s fails (%s)", d.Name, strings.Join(d.HealthCheck.Command, " ")))
		}
	}
	checks = append(checks, t.failing()...)
	if len(checks) == 0 {
		return "a health check fails"
	}
	return list(checks)
}
