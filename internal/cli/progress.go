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
	over   map[string]bool // ARNs of stopped tasks that have been seen
	ends   ends
	status statuses
	// checked says that health checks decide when the tasks count as healthy.
	checked bool
	// target is the id of the deployment that is to succeed, "" where none was begun; why is what its failure event says.
	target, revision, why string
}

// aim has the progress of one deployment followed, of a revision, beside that of the service.
func (g *progress) aim(s *types.Service) {
	if s != nil && len(s.Deployments) > 0 {
		g.target, g.revision = aws.ToString(s.Deployments[0].Id), lastPart(aws.ToString(s.Deployments[0].TaskDefinition))
	}
}

// newProgress begins with what is known before anything was changed: that is no news. service may be nil.
func newProgress(p policy.Policy, service *types.Service, tasks []task) *progress {
	g := &progress{policy: p, events: map[string]bool{}, over: map[string]bool{}, ends: ends{}}
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
	out := sight{steady: steady}
	for _, t := range tasks {
		if !t.stopped() || g.over[t.ARN] {
			continue
		}
		g.over[t.ARN] = true
		if !strings.HasPrefix(t.StoppedReason, "Scaling activity initiated by") { // a rollout's, or asked for
			if said := g.ends.tell(name, t); said != "" {
				out.news = append(out.news, said)
			}
		}
	}
	for _, e := range slices.Backward(s.Events) {
		if id := aws.ToString(e.Id); !g.events[id] {
			g.events[id] = true
			g.learn(aws.ToString(e.Message))
			if worthSaying(aws.ToString(e.Message)) {
				out.news = append(out.news, aws.ToString(e.Message))
			}
		}
	}
	out.failed = g.failure(s, steady)
	out.live = live(name, status, tasks, now)
	if g.status.worth(status, steady, now) {
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

// learn keeps why the deployment that is followed failed: once it has been rolled back, only its event still says so.
func (g *progress) learn(message string) {
	if before, why, found := strings.Cut(message, ") deployment failed: "); found && g.target != "" && strings.HasSuffix(before, g.target) {
		g.why = strings.TrimSuffix(why, ".")
	}
}

// failure says that a rollout has failed and what to do next, "" for any other. One that was rolled back is over when the service is
// steady again.
func (g *progress) failure(s *types.Service, steady bool) string {
	if len(s.Deployments) == 0 {
		return ""
	}
	primary, name := s.Deployments[0], aws.ToString(s.ServiceName)
	revision := lastPart(aws.ToString(primary.TaskDefinition))
	look := fmt.Sprintf(`"ballast ps -a %s" says why its tasks stopped, "ballast logs %s" what they wrote`, name, name)
	switch {
	case primary.RolloutState == types.DeploymentRolloutStateFailed:
		if back := cameFrom(s); back != "" {
			look += fmt.Sprintf(`; "ballast rollback %s" goes back to %s`, name, back)
		}
		return fmt.Sprintf("%s on %s (%s)", cmp.Or(strings.TrimSuffix(aws.ToString(primary.RolloutStateReason), "."), "the deployment failed"), revision, look)
	case g.target == "" || !steady || aws.ToString(primary.Id) == g.target:
		return ""
	case g.why != "":
		return fmt.Sprintf("the deployment of %s failed, %s, and was rolled back: the service is on %s (%s)", g.revision, g.why, revision, look)
	}
	return fmt.Sprintf("another deployment, of %s, took the place of this one, of %s", revision, g.revision)
}

// cameFrom gives the revision that the deployment under way, or a failed one, replaces; "" when there is none.
func cameFrom(s *types.Service) string {
	for _, old := range s.Deployments[1:] {
		if aws.ToString(old.TaskDefinition) != aws.ToString(s.TaskDefinition) {
			return lastPart(aws.ToString(old.TaskDefinition))
		}
	}
	return ""
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
