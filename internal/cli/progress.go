package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/ecs"
	"ballast/internal/scheduler/policy"
)

// progress follows one service on its way to the steady state. It is told what the API shows, look after look, and says what
// is worth saying about it; it asks nobody.
type progress struct {
	policy policy.Policy // of the server, changed by the service's tags
	events map[string]bool
	over   map[string]bool // ARNs of stopped tasks that have been spoken of
	status string          // said last
	// checked says that health checks decide when the tasks count as healthy.
	checked bool
}

// newProgress begins with what is known before anything was changed: that is no news. service may be nil.
func newProgress(p policy.Policy, service *types.Service, tasks []task) *progress {
	g := &progress{policy: p, events: map[string]bool{}, over: map[string]bool{}}
	if service != nil {
		for _, e := range service.Events {
			g.events[aws.ToString(e.Id)] = true
		}
	}
	for _, t := range tasks {
		if t.stopped() {
			g.over[t.ARN] = true
		}
	}
	return g
}

// sight is one look at a service.
type sight struct {
	news   []string // to be said once, in order
	status string   // to be said where live is not seen, "" when it has been said already
	live   []string // how things are
	steady bool
	failed string // why the rollout has failed
}

// look takes in how the service and its tasks are now.
func (g *progress) look(s *types.Service, tasks []task, now time.Time) sight {
	name := aws.ToString(s.ServiceName)
	status, steady := g.describe(s, tasks)
	out := sight{steady: steady, failed: failure(s)}
	for _, t := range tasks {
		if !t.stopped() || g.over[t.ARN] {
			continue
		}
		g.over[t.ARN] = true
		if !strings.HasPrefix(t.StoppedReason, "Scaling activity initiated by") { // a rollout's, or asked for
			out.news = append(out.news, fmt.Sprintf("%s: task %s stopped: %s", name, t.shortID(), t.reason()))
		}
	}
	for _, e := range slices.Backward(s.Events) {
		if id := aws.ToString(e.Id); !g.events[id] {
			g.events[id] = true
			if worthSaying(aws.ToString(e.Message)) {
				out.news = append(out.news, aws.ToString(e.Message))
			}
		}
	}
	out.live = live(name, status, tasks, now)
	if status != g.status {
		g.status = status
		out.status = name + ": " + status
	}
	return out
}

// worthSaying leaves out the events that only repeat what the counts say.
func worthSaying(message string) bool {
	for _, said := range []string{") has started ", ") has stopped ", "has reached a steady state", "deployment completed"} {
		if strings.Contains(message, said) {
			return false
		}
	}
	return true
}

// describe says in one line how a service is, and whether it is steady.
func (g *progress) describe(s *types.Service, tasks []task) (status string, steady bool) {
	if len(s.Deployments) == 0 {
		return "no deployment yet", false
	}
	primary := s.Deployments[0]
	status = fmt.Sprintf("%s on %s", counted(primary.RunningCount, s.DesiredCount), lastPart(aws.ToString(primary.TaskDefinition)))
	settled := len(s.Deployments) == 1 && s.RunningCount == s.DesiredCount && s.PendingCount == 0
	if settled && primary.RolloutState == types.DeploymentRolloutStateCompleted {
		return "steady, " + status, true
	}
	if primary.PendingCount > 0 {
		status += fmt.Sprintf(", %d pending", primary.PendingCount)
	}
	for _, old := range s.Deployments[1:] {
		if n := old.RunningCount + old.PendingCount; n > 0 {
			status += fmt.Sprintf(", %d left of %s", n, lastPart(aws.ToString(old.TaskDefinition)))
		}
	}
	if settled && !slices.ContainsFunc(tasks, hasCheck) {
		status += g.waiting()
	}
	return status, false
}

func counted(running, desired int32) string {
	switch {
	case running > desired:
		return fmt.Sprintf("%d running, %d wanted", running, desired)
	case desired == 0:
		return "no tasks wanted"
	}
	return fmt.Sprintf("%d of %d running", running, desired)
}

// hasCheck says whether a container check has had its say on a task.
func hasCheck(t task) bool {
	return !t.stopped() && t.Health != "" && t.Health != ecs.HealthUnknown.String()
}

// waiting says why a service whose tasks all run is not steady yet.
func (g *progress) waiting() string {
	switch {
	case g.checked:
		return "; waiting for their health checks"
	case g.policy.HealthyAfter == 0:
		return ""
	}
	return fmt.Sprintf("; counted healthy %d s after start (policy %s; --policy fast: at once)", int(g.policy.HealthyAfter.Seconds()),
		g.policy.Name)
}

// failure gives the reason of a failed rollout, "" for any other.
func failure(s *types.Service) string {
	if len(s.Deployments) == 0 || s.Deployments[0].RolloutState != types.DeploymentRolloutStateFailed {
		return ""
	}
	return cmp.Or(aws.ToString(s.Deployments[0].RolloutStateReason), "the deployment failed")
}

// maxLiveTasks bounds the tasks shown at the end of a terminal.
const maxLiveTasks = 8

// live gives the changing lines: the status and the tasks.
func live(name, status string, tasks []task, now time.Time) []string {
	lines := []string{name + ": " + status}
	shown := 0
	for _, t := range tasks {
		switch {
		case t.stopped():
		case shown == maxLiveTasks:
			return append(lines, "  ...")
		default:
			shown++
			lines = append(lines, fmt.Sprintf("  %s  %-14s %5s  %s", t.shortID(), t.LastStatus, ago(now.Sub(t.Since)), listens(t)))
		}
	}
	return lines
}
