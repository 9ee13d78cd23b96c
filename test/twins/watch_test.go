package twins

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/sim/scenario"
	"ballast/test/harness"
)

// watcher sees what the API shows of a service.
//
// Most of it can be seen afterwards: tasks say when they were created, RUNNING, told to stop and STOPPED, and events when they were
// said. What a health check found is seen only while it is so, by looking often.
type watcher struct {
	t            *testing.T
	server       *harness.Server
	service      string
	checked      bool          // tasks have health checks
	healthyAfter time.Duration // RUNNING, where they have none
	zero         time.Time

	tasks  map[string]types.Task // by ARN; those that are STOPPED do not change any more
	events []types.ServiceEvent  // the oldest first
	now    types.Service         // as it was seen last
	looks  []scenario.Sample     // how it stood each time it was seen; times count from the zero of time.Time
	most   map[string]int        // tasks that a deployment wanted at most, by id
	marks  map[string]time.Time
	// seenNow is what has been seen, in the two ways of seen, since somebody looked last; nil until it is asked for.
	seenNow [2]*scenario.Seen
}

// epoch makes one number of a time, and milliseconds are what the API shows.
func epoch(at time.Time) scenario.Moment {
	return scenario.Moment(time.Duration(at.UnixMilli()) * time.Millisecond)
}

// look sees how everything stands.
func (w *watcher) look() {
	w.t.Helper()
	at := time.Now()
	w.seenNow = [2]*scenario.Seen{}
	w.now = w.server.Service(w.service)
	for _, e := range slices.Backward(w.now.Events) { // the newest comes first
		if !slices.ContainsFunc(w.events, func(known types.ServiceEvent) bool { return *known.Id == *e.Id }) {
			w.events = append(w.events, e)
		}
	}
	for _, d := range w.now.Deployments {
		w.most[*d.Id] = max(w.most[*d.Id], int(d.DesiredCount))
	}
	var arns []string
	for _, desired := range []types.DesiredStatus{types.DesiredStatusRunning, types.DesiredStatusStopped} {
		arns = append(arns, w.server.TaskARNs(awsecs.ListTasksInput{ServiceName: &w.service, DesiredStatus: desired})...)
	}
	for arn, task := range w.tasks {
		if *task.LastStatus != "STOPPED" {
			arns = append(arns, arn)
		}
	}
	slices.Sort(arns)
	arns = slices.DeleteFunc(slices.Compact(arns), func(arn string) bool {
		return w.tasks[arn].LastStatus != nil && *w.tasks[arn].LastStatus == "STOPPED"
	})
	for _, task := range w.server.Describe(arns) {
		w.tasks[*task.TaskArn] = task
	}
	w.looks = append(w.looks, w.sample(epoch(at)))
}

// revision is what scenarios call a task definition: "web:1".
func revision(definition string) string { return harness.TaskID(definition) }

// sample says how the service stands, as it was seen last.
func (w *watcher) sample(at scenario.Moment) scenario.Sample {
	s := scenario.Sample{At: at, Desired: int(w.now.DesiredCount)}
	parts := map[string]*scenario.Part{}
	for _, d := range slices.Backward(w.now.Deployments) {
		s.Parts = append(s.Parts, scenario.Part{Revision: revision(*d.TaskDefinition), Rollout: string(d.RolloutState)})
	}
	for _, task := range w.tasks {
		name := revision(*task.TaskDefinitionArn)
		if parts[name] == nil {
			parts[name] = &scenario.Part{Revision: name}
		}
		p := parts[name]
		switch {
		case *task.LastStatus == "STOPPED":
		case *task.DesiredStatus == "STOPPED":
			p.Stopping++
		case *task.LastStatus != "RUNNING":
			p.Pending++
		case task.HealthStatus == types.HealthStatusHealthy:
			p.Healthy++
		case task.HealthStatus == types.HealthStatusUnhealthy:
			p.Unhealthy++
		default:
			p.Warming++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		s.Parts = append([]scenario.Part{*parts[name]}, s.Parts...)
	}
	return s
}

// history says how the service stood at every moment at which a task changed, as tasks tell it.
func (w *watcher) history() []scenario.Sample {
	var moments []scenario.Moment
	for _, task := range w.tasks {
		for _, at := range []*time.Time{task.CreatedAt, task.StartedAt, task.StoppingAt, task.StoppedAt} {
			if at != nil {
				moments = append(moments, epoch(*at))
			}
		}
		if task.StartedAt != nil {
			moments = append(moments, epoch(*task.StartedAt)+scenario.Moment(w.healthyAfter))
		}
	}
	slices.Sort(moments)
	moments = slices.Compact(moments)
	var all []scenario.Sample
	for _, at := range moments {
		if at <= epoch(time.Now()) {
			all = append(all, w.at(at))
		}
	}
	return all
}

// at says how the service stood at a moment. A task that ended in the same millisecond in which another began ended before.
func (w *watcher) at(at scenario.Moment) scenario.Sample {
	parts := map[string]*scenario.Part{}
	reached := func(t *time.Time) bool { return t != nil && epoch(*t) <= at }
	for _, task := range w.tasks {
		if !reached(task.CreatedAt) || reached(task.StoppedAt) {
			continue
		}
		name := revision(*task.TaskDefinitionArn)
		if parts[name] == nil {
			parts[name] = &scenario.Part{Revision: name}
		}
		p := parts[name]
		switch {
		case reached(task.StoppingAt):
			p.Stopping++
		case !reached(task.StartedAt):
			p.Pending++
		case epoch(*task.StartedAt)+scenario.Moment(w.healthyAfter) <= at:
			p.Healthy++
		default:
			p.Warming++
		}
	}
	s := scenario.Sample{At: at}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		s.Parts = append(s.Parts, *parts[name])
	}
	return s
}

// happens lists what expectations count.
func (w *watcher) happens() []scenario.Happening {
	var all []scenario.Happening
	add := func(at *time.Time, kind string, task types.Task, text string) {
		if at != nil {
			all = append(all, scenario.Happening{At: w.since(epoch(*at)), Service: w.service,
				Revision: revision(*task.TaskDefinitionArn), Kind: kind, Text: text})
		}
	}
	for _, task := range w.tasks {
		reason := aws.ToString(task.StoppedReason)
		add(task.CreatedAt, "started", task, "")
		add(task.StartedAt, "ran", task, "")
		add(task.StoppedAt, "stopped", task, reason)
		switch {
		case task.StopCode == types.TaskStopCodeEssentialContainerExited:
			add(task.StoppingAt, "exited", task, reason)
		case task.StopCode == types.TaskStopCodeTaskFailedToStart:
			add(task.StoppingAt, "failed", task, reason)
		case task.StartedAt == nil:
			add(task.StoppingAt, "cancelled", task, reason)
		}
	}
	for _, e := range w.events {
		all = append(all, scenario.Happening{At: w.since(epoch(*e.CreatedAt)), Service: w.service, Kind: "event", Text: *e.Message})
	}
	slices.SortFunc(all, func(a, b scenario.Happening) int {
		return cmp.Or(cmp.Compare(a.At, b.At), strings.Compare(a.Text, b.Text))
	})
	return all
}

// since is a moment as the scenario counts.
func (w *watcher) since(at scenario.Moment) scenario.Moment { return at - epoch(w.zero) }

// restarts counts the tasks that were started beyond what their deployments wanted.
func (w *watcher) restarts() int {
	started := map[string]int{}
	for _, task := range w.tasks {
		started[*task.StartedBy]++
	}
	sum := 0
	for id, n := range started {
		sum += max(0, n-w.most[id])
	}
	return sum
}

// seen is what an expectation is held against: the history that tasks tell, or, where it is about what tasks do not tell, how things
// stood whenever somebody looked.
func (w *watcher) seen(expectation string) *scenario.Seen {
	looked := strings.Contains(expectation, "desired") || strings.Contains(expectation, "rollout") ||
		w.checked && strings.Contains(expectation, "healthy") // and unhealthy
	way := &w.seenNow[0]
	if looked {
		way = &w.seenNow[1]
	}
	if *way == nil {
		*way = w.record(looked)
	}
	return *way
}

// record makes what has been seen something that expectations are held against.
func (w *watcher) record(looked bool) *scenario.Seen {
	s := &scenario.Seen{Length: w.since(epoch(time.Now())), Marks: map[string]scenario.Moment{}, Happens: w.happens(),
		Counts: scenario.Counts{Restarts: w.restarts()}}
	for name, at := range w.marks {
		s.Marks[name] = w.since(epoch(at))
	}
	samples := w.looks
	if !looked {
		samples = w.history()
	}
	result := scenario.ServiceResult{Name: w.service}
	for _, sample := range samples {
		sample.At = w.since(sample.At)
		result.Samples = append(result.Samples, sample)
	}
	s.Services = []scenario.ServiceResult{result}
	return s
}
