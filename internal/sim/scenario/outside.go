package scenario

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"ballast/internal/control"
	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// What a timeline can have happen, beside the operations of the API.
type (
	// crash ends the leading containers of tasks.
	crash struct {
		pickTasks
		code int
	}
	// freeze has tasks run on and fail every health check.
	freeze struct{ pickTasks }
	// stopTasks stops tasks as a user does.
	stopTasks struct {
		pickTasks
		reason string
	}
	// protect has tasks protect themselves from scale-in, as with UpdateTaskProtection.
	protect struct {
		pickTasks
		minutes int
	}
	// traffic sets the requests a second that come to a service.
	traffic struct {
		service string
		rate    float64
		line    int
	}
	// stopDeployment stops the service deployment that is under way, with StopServiceDeployment: its ARN cannot be written down.
	stopDeployment struct {
		service, how string
		line         int
	}
	// onInstances happens to container instances.
	onInstances struct {
		kind    string
		zone    string
		numbers []int
		line    int
	}
	// outside happens to something that has a name: an image or a dependency.
	outside struct {
		kind string
		what string
		line int
	}
)

func (p *pickTasks) tasks() *pickTasks { return p }

// pick gives the tasks chosen, in the order of their creation.
func (p *player) pick(c *pickTasks) ([]*ecs.Task, error) {
	service, err := p.s.serviceNamed(c.service, c.line)
	if err != nil {
		return nil, err
	}
	var all []*ecs.Task
	for _, t := range p.rec.live {
		if t.Service == service && serves(t) && (c.revision == "" || c.revision == t.Definition.Name()) {
			all = append(all, t)
		}
	}
	count := cmp.Or(c.count, len(all))
	if len(all) < count || count == 0 {
		return nil, &Mistake{Line: c.line, Text: fmt.Sprintf("at this moment %d such tasks run, not %d", len(all), c.count)}
	}
	what := strconv.Itoa(c.line)
	slices.SortFunc(all, func(a, b *ecs.Task) int {
		return cmp.Or(cmp.Compare(p.chance(a, what), p.chance(b, what)), cmp.Compare(a.Seq, b.Seq))
	})
	all = all[:count]
	slices.SortFunc(all, func(a, b *ecs.Task) int { return cmp.Compare(a.Seq, b.Seq) })
	return all, nil
}

func (a *crash) perform(p *player) (string, error) {
	tasks, err := p.pick(&a.pickTasks)
	for _, t := range tasks {
		p.stage.Kill(int(t.Instance[0]), driver.Key{Task: t.ID, Container: leading(t.Definition)}, int32(a.code))
	}
	return fmt.Sprintf("%s %s with exit code %d", counted(tasks), verb(tasks, "crashes", "crash"), a.code), err
}

func (a *freeze) perform(p *player) (string, error) {
	tasks, err := p.pick(&a.pickTasks)
	for _, t := range tasks {
		p.app.frozen[t.ID] = true
	}
	return counted(tasks) + verb(tasks, " freezes: it runs on and fails its health checks", " freeze: they run on and fail their health checks"), err
}

func (a *stopTasks) perform(p *player) (string, error) {
	tasks, err := p.pick(&a.pickTasks)
	for _, t := range tasks {
		reason := cmp.Or(a.reason, ecs.ReasonStoppedByUser)
		if _, err := p.stage.Submit(context.Background(), control.StopTask{Cluster: Cluster, Task: t.ID, Reason: reason}); err != nil {
			return "", err
		}
	}
	return counted(tasks) + verb(tasks, " is", " are") + " stopped by a user", err
}

func (a *protect) perform(p *player) (string, error) {
	tasks, err := p.pick(&a.pickTasks)
	if err != nil {
		return "", err
	}
	var ids []ecs.ID
	for _, t := range tasks {
		ids = append(ids, t.ID)
	}
	answer, err := p.stage.Submit(context.Background(), control.ProtectTasks{Cluster: Cluster, Tasks: ids,
		For: time.Duration(a.minutes) * time.Minute})
	if err != nil {
		return "", err
	}
	for _, protection := range answer.([]control.Protection) {
		if protection.Task == nil {
			return "", &Mistake{Line: a.line, Text: "a task cannot be protected: " + protection.Reason}
		}
	}
	return fmt.Sprintf("%s %s protected for %s", counted(tasks), verb(tasks, "is", "are"), plural(a.minutes, "minute")), nil
}

func counted(tasks []*ecs.Task) string {
	revisions := map[string]int{}
	for _, t := range tasks {
		revisions[t.Definition.Name()]++
	}
	var parts []string
	for _, name := range sortedNames(revisions) {
		parts = append(parts, plural(revisions[name], "task")+" of "+name)
	}
	return strings.Join(parts, " and ")
}

func verb(tasks []*ecs.Task, one, several string) string {
	if len(tasks) == 1 {
		return one
	}
	return several
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (a *traffic) perform(p *player) (string, error) {
	service, err := p.s.serviceNamed(a.service, a.line)
	p.account()
	p.app.rate[service] = a.rate
	return fmt.Sprintf("traffic: %g requests a second", a.rate), err
}

func (a *stopDeployment) perform(p *player) (string, error) {
	service, err := p.s.serviceNamed(a.service, a.line)
	if err != nil {
		return "", err
	}
	s := p.stage.Root().Service(Cluster, service)
	if s == nil || s.Current == nil {
		return "", &Mistake{Line: a.line, Text: "service " + service + " has no deployment"}
	}
	in := map[string]any{"serviceDeploymentArn": naming.ServiceDeployment(Cluster, service, s.Current.ID)}
	if a.how != "" {
		in["stopType"] = a.how
	}
	if err := p.request("StopServiceDeployment", in, a.line); err != nil {
		return "", err
	}
	return "StopServiceDeployment of the deployment of " + service + " that is under way", nil
}

func (a *onInstances) perform(p *player) (string, error) {
	numbers := p.s.chosen(a)
	for _, n := range numbers {
		switch a.kind {
		case "loseInstances":
			p.stage.Lose(n)
		case "returnInstances":
			p.stage.Return(n)
		case "cutInstances", "mendInstances":
			p.stage.Cut(n, a.kind == "cutInstances")
		case "fillDisk", "freeDisk":
			p.app.full[n] = a.kind == "fillDisk"
		case "cutTargets", "mendTargets":
			p.app.apart[n] = a.kind == "cutTargets"
		}
	}
	which := "zone " + a.zone
	if a.zone == "" {
		which = "container instance " + strings.Trim(fmt.Sprint(numbers), "[]")
	}
	return which + " " + map[string]string{
		"loseInstances": "is lost", "returnInstances": "is back, empty", "cutInstances": "cannot reach the server",
		"mendInstances": "reaches the server again", "cutTargets": "cannot be reached by the load balancer",
		"mendTargets": "is reached by the load balancer again", "fillDisk": "has a full disk", "freeDisk": "has room on its disk again"}[a.kind], nil
}

func (a *outside) perform(p *player) (string, error) {
	switch a.kind {
	case "raiseAlarm", "clearAlarm":
		_, err := p.stage.Submit(context.Background(), control.SetAlarm{Name: a.what, Raised: a.kind == "raiseAlarm"})
		return phrase(a.kind, a.what), err
	case "imageMissing", "imageBack":
		p.app.gone[a.what] = a.kind == "imageMissing"
	default:
		p.app.down[a.what] = a.kind == "dependencyDown"
	}
	return phrase(a.kind, a.what), nil
}

func phrase(kind, what string) string {
	switch kind {
	case "imageMissing":
		return "image " + what + " is missing"
	case "imageBack":
		return "image " + what + " is back"
	case "dependencyDown":
		return what + " is down"
	case "raiseAlarm":
		return "alarm " + what + " is raised"
	case "clearAlarm":
		return "alarm " + what + " is over"
	}
	return what + " is up again"
}

// summary gives the members of a request in one line.
func (r *Request) summary() string {
	var parts []string
	for i := 0; i+1 < len(r.node.Content); i += 2 {
		if value := r.node.Content[i+1]; value.Kind == yaml.ScalarNode {
			parts = append(parts, r.node.Content[i].Value+" "+value.Value)
		}
	}
	return strings.Join(parts, ", ")
}
