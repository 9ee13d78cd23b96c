package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// rollbackVerb brings a service back to an earlier revision of its task definition.
type rollbackVerb struct {
	endpointOptions `embed:""`
	outputOptions   `embed:""`
	waitOptions     `embed:""`

	Service  string `arg:"" help:"The service."`
	Revision int    `placeholder:"N" help:"The revision to go to; without it, the last that was steady, where another is being deployed, else the newest ACTIVE one before the service's own on which the service was steady."`
}

// Help is shown with the flags.
func (rollbackVerb) Help() string {
	return `Examples:

    ballast rollback web                 to the newest ACTIVE revision, before the one that web is on, on which it was steady
    ballast rollback web                 while a rollout is under way: stop it, and back to what was steady before
    ballast rollback web --revision 3    to web's family, revision 3
    ballast rollback web --no-wait

A rollout that is under way is stopped as by StopServiceDeployment. One that is being rolled back already, by you or by the circuit
breaker, is only followed.

Only the task definition goes back: counts and percentages of the service stay. The next "ballast deploy" brings the newest revision
again, unless its files have gone back, too.

With -o json: {"tasks": [...]}, the tasks of the service as "ballast ps" gives them.

Exit codes: 0 steady (with --no-wait: begun), 1 failed, the rollout included, 2 usage, 3 no Ballast answers, 4 not steady within
--timeout, 130 interrupted; the rollout goes on after the last two.`
}

// Run begins a deployment of the earlier revision and follows it.
func (v *rollbackVerb) Run(ctx context.Context, s *Streams) error {
	ctx, cancel := s.interruptible(ctx)
	defer cancel()
	if v.Revision < 0 {
		return usagef("--revision %d: revisions begin with 1", v.Revision)
	}
	d, err := v.deployment(ctx, s)
	if err != nil {
		return err
	}
	if err := d.watch(ctx, v.Service); err != nil {
		return err
	}
	undone := false
	if v.Revision == 0 {
		undone, err = v.undo(ctx, d)
	}
	if err == nil && !undone {
		err = v.update(ctx, d)
	}
	if err != nil {
		return err
	}
	return d.finish(ctx, s, v.waitOptions, v.json())
}

// update begins a deployment of the earlier revision.
func (v *rollbackVerb) update(ctx context.Context, d *deployment) error {
	service, err := d.client.mustServiceNamed(ctx, v.Service)
	if err != nil {
		return err
	}
	now := lastPart(aws.ToString(service.TaskDefinition))
	to := ""
	if v.Revision == 0 {
		to = cameFrom(service)
	}
	if to == "" {
		to, err = v.target(ctx, d.client, now)
	}
	if err != nil {
		return err
	}
	in := &ecs.UpdateServiceInput{Cluster: &d.client.cluster, Service: &v.Service, TaskDefinition: &to}
	out, err := d.client.ecs.UpdateService(ctx, in)
	if err != nil {
		return fmt.Errorf("roll service %s back to %s: %w", v.Service, to, err)
	}
	d.services[0].progress.aim(out.Service)
	d.say("service %s: from %s back to %s", v.Service, now, to)
	return nil
}

// target gives the revision to go to, as "family:revision".
func (v *rollbackVerb) target(ctx context.Context, c *client, now string) (string, error) {
	family, number, _ := strings.Cut(now, ":")
	current, err := strconv.Atoi(number)
	if err != nil {
		return "", fmt.Errorf("service %s is on %q, which is no revision", v.Service, now)
	}
	if v.Revision == current {
		return "", usagef("service %s is on %s already", v.Service, now)
	}
	if v.Revision > 0 {
		return family + ":" + strconv.Itoa(v.Revision), nil
	}
	candidates, err := c.completed(ctx, v.Service)
	if err != nil {
		return "", err
	}
	for _, to := range before(candidates, family, current) {
		out, err := c.ecs.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &to})
		if err == nil && out.TaskDefinition.Status == types.TaskDefinitionStatusActive {
			return to, nil // one that cannot be described has been deleted
		}
	}
	return "", fmt.Errorf("service %s is on %s, and was steady on no earlier revision of %s that is ACTIVE; name one with --revision",
		v.Service, now, family)
}

// before gives those of the revisions that are of a family and older than the current one, newest first.
func before(revisions []string, family string, current int) []string {
	numbers := map[string]int{}
	for _, name := range revisions {
		of, number, _ := strings.Cut(name, ":")
		if n, err := strconv.Atoi(number); err == nil && of == family && n < current {
			numbers[name] = n
		}
	}
	return slices.SortedFunc(maps.Keys(numbers), func(a, b string) int { return cmp.Compare(numbers[b], numbers[a]) })
}
