package twins

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/sim/scenario"
	"ballast/test/harness"
)

const (
	// limit is how long what a twin waits for may take: far more than it does, for machines under load.
	limit = harness.Limit
	// pause lies between two looks.
	pause = 150 * time.Millisecond
	// warning is given to tasks that are to crash together: more than it takes to tell them all, on machines under load.
	warning = 2 * time.Second
)

// await waits until expectations hold, all at once.
func (g *stage) await(what string, expectations []string) {
	g.t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(pause) {
		g.look()
		g.release()
		failed := g.hold(expectations)
		if len(failed) == 0 {
			return
		}
		if time.Now().After(end) {
			g.report()
			g.t.Fatalf("%s: not within %s: %s", what, limit, strings.Join(failed, "; "))
		}
	}
}

// shown is how many of the last things that happened are shown of a play that failed.
const shown = 60

// report says what happened last.
func (g *stage) report() {
	all := g.happens()
	for _, h := range all[max(0, len(all)-shown):] {
		g.t.Logf("%s %s %s %s", time.Duration(h.At), h.Kind, h.Revision, h.Text)
	}
}

// hold tells of the expectations that do not hold.
func (g *stage) hold(expectations []string) (failed []string) {
	for _, text := range expectations {
		v, err := g.s.Measure(text, g.seen(text))
		if err != nil {
			g.t.Fatal(err)
		}
		if !v.Passed {
			failed = append(failed, fmt.Sprintf("%s (seen %s)", text, v.Seen))
		}
	}
	return failed
}

// release has all tasks that are not held back any more be healthy and get traffic.
func (g *stage) release() {
	if len(g.hold(g.held.until)) == 0 {
		g.held = hold{}
	}
	var serving []types.Task
	for _, task := range g.serving("") {
		arn := *task.TaskArn
		if !g.fit[arn] && g.held.of != revision(*task.TaskDefinitionArn) {
			g.fit[arn] = g.twin.held == nil || order(task, "healthy") == nil // else it does not listen yet
		}
		if g.fit[arn] {
			serving = append(serving, task)
		}
	}
	g.traffic.to(serving)
}

// serving gives the tasks that run and are to run on, of a revision unless that is "".
func (g *stage) serving(of string) []types.Task {
	var all []types.Task
	for _, task := range g.tasks {
		if *task.LastStatus == "RUNNING" && *task.DesiredStatus == "RUNNING" && (of == "" || of == revision(*task.TaskDefinitionArn)) {
			all = append(all, task)
		}
	}
	slices.SortFunc(all, func(a, b types.Task) int { return strings.Compare(*a.TaskArn, *b.TaskArn) })
	return all
}

// mark gives a moment the name of what happens then; the second of a name ends in 2.
func (g *stage) mark(name string, at time.Time) {
	unique := name
	for n := 2; ; n++ {
		if _, taken := g.marks[unique]; !taken {
			g.marks[unique] = at
			return
		}
		unique = fmt.Sprint(name, n)
	}
}

// perform has an event of the timeline happen.
func (g *stage) perform(e *scenario.Event) {
	g.t.Helper()
	d := e.Deed()
	at := time.Now()
	switch d.Kind {
	case "crash":
		at = at.Add(warning)
		for _, task := range g.pick(d) {
			harness.Until(g.t, "the application is told to crash", func() error {
				return order(task, fmt.Sprintf("crash?code=%d&after=%s", d.ExitCode, max(0, time.Until(at))))
			})
		}
	case "freeze":
		for _, task := range g.pick(d) {
			tell(g.t, task, "freeze")
		}
	case "imageMissing":
		g.imageMissing(d.Name)
	case "imageBack":
		g.imageBack(d.Name)
	case "dependencyDown", "dependencyUp":
		g.outside.set(d.Name, d.Kind == "dependencyUp")
	case "traffic":
		g.overburden()
		g.traffic.set(d.Rate / slower)
	case "UpdateService":
		at = g.update(input[awsecs.UpdateServiceInput](g.t, d.Request))
	default:
		g.t.Fatalf("%s: a twin cannot have that happen", d.Kind)
	}
	g.mark(e.Name, at)
	if held, ok := g.twin.held[e.Name]; ok {
		g.held = held
	}
}

// pick gives the tasks that something happens to.
func (g *stage) pick(d scenario.Deed) []types.Task {
	all := g.serving(d.Revision)
	count := cmp.Or(d.Tasks, len(all))
	if len(all) < count {
		g.t.Fatalf("%d tasks run, want %d", len(all), count)
	}
	return all[:count]
}

// overburden has tasks that can serve least be as many as the twin says.
func (g *stage) overburden() {
	for i := range g.s.Behaviours {
		fewest, _ := g.s.Behaviours[i].Capacity()
		for _, task := range g.serving(g.s.Behaviours[i].Revision)[:g.twin.weak] {
			tell(g.t, task, fmt.Sprintf("capacity?rate=%g", math.Floor(fewest/slower)))
		}
	}
}

// update changes the service, and gives the moment at which that was.
func (g *stage) update(in *awsecs.UpdateServiceInput) time.Time {
	out, err := g.server.ECS().UpdateService(g.t.Context(), in)
	if err != nil {
		g.t.Fatal(err)
	}
	i := slices.IndexFunc(out.Service.Deployments, func(d types.Deployment) bool { return *d.Status == "PRIMARY" })
	return out.Service.Deployments[i].UpdatedAt.Add(-time.Millisecond) // what is decided with it is done in the same millisecond
}

// scaling is what conditions call it when the service is scaled, as a rule of the scenario would.
const scaling = "scaling"

func (g *stage) scale() {
	rule := g.s.Scaling[0]
	g.mark(scaling, g.update(&awsecs.UpdateServiceInput{Service: &g.service,
		DesiredCount: aws.Int32(min(g.now.DesiredCount+int32(rule.Add), int32(rule.Most)))}))
}
