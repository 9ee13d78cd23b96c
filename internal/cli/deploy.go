package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"ballast/internal/cli/project"
	domain "ballast/internal/ecs"
	"ballast/internal/scheduler/policy"
)

// deployment is one project on its way to a server.
type deployment struct {
	client *client
	screen *screen
	now    func() time.Time
	policy policy.Policy
	// revisions are the newest revisions of the families deployed, as "family:revision".
	revisions map[string]string
	// checked are those of them whose tasks count as healthy when their health checks say so.
	checked  []string
	services []*following
	changed  bool
}

// following is a service that is watched until it is steady.
type following struct {
	name     string
	progress *progress
}

// apply registers what differs, and creates or updates services.
func (d *deployment) apply(ctx context.Context, p project.Project) error {
	for _, definition := range p.Definitions {
		if err := d.register(ctx, definition); err != nil {
			return fmt.Errorf("%s: %w", definition.File, err)
		}
	}
	for _, service := range p.Services {
		if err := d.put(ctx, service); err != nil {
			return fmt.Errorf("%s: %w", service.File, err)
		}
	}
	if !d.changed {
		d.say("no changes")
	}
	return nil
}

func (d *deployment) say(format string, args ...any) { fmt.Fprintf(d.screen, format+"\n", args...) }

// register registers a task definition unless its newest revision says the same.
func (d *deployment) register(ctx context.Context, definition project.Definition) error {
	family := *definition.Input.Family
	have, tags, err := d.newest(ctx, family)
	if err != nil {
		return err
	}
	var changes []project.Change
	if have != nil {
		if changes, err = project.CompareDefinition(definition.Input, have, tags); err != nil {
			return err
		}
		if len(changes) == 0 {
			d.remember(family, have)
			return nil
		}
	}
	out, err := d.client.ecs.RegisterTaskDefinition(ctx, definition.Input)
	if err != nil {
		return err
	}
	d.changed = true
	d.remember(family, out.TaskDefinition)
	d.say("task definition %s: registered", d.revisions[family])
	d.sayChanges(changes)
	return nil
}

// remember takes note of the newest revision of a family.
func (d *deployment) remember(family string, t *types.TaskDefinition) {
	d.revisions[family] = revision(t)
	if slices.ContainsFunc(t.ContainerDefinitions, func(c types.ContainerDefinition) bool {
		return aws.ToBool(c.Essential) && c.HealthCheck != nil
	}) {
		d.checked = append(d.checked, revision(t))
	}
}

// maxChangesSaid bounds how many differences are listed.
const maxChangesSaid = 20

func (d *deployment) sayChanges(changes []project.Change) {
	for i, c := range changes {
		if i == maxChangesSaid {
			d.say("  ... and %d more", len(changes)-i)
			return
		}
		d.say("  %s", c)
	}
}

func revision(t *types.TaskDefinition) string { return lastPart(aws.ToString(t.TaskDefinitionArn)) }

// newest gives the newest ACTIVE revision of a family, nil if there is none.
func (d *deployment) newest(ctx context.Context, family string) (*types.TaskDefinition, []types.Tag, error) {
	out, err := d.client.ecs.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &family,
		Include: []types.TaskDefinitionField{types.TaskDefinitionFieldTags}})
	var refusal smithy.APIError
	switch {
	case errors.As(err, &refusal) && refusal.ErrorCode() == string(domain.ClientException):
		return nil, nil, nil
	case err != nil:
		return nil, nil, fmt.Errorf("describe task definition %s: %w", family, err)
	}
	return out.TaskDefinition, out.Tags, nil
}

// put creates or updates a service unless it is as its file says.
func (d *deployment) put(ctx context.Context, service project.Service) error {
	in, definition, err := d.wanted(ctx, service)
	if err != nil {
		return err
	}
	name := *in.ServiceName
	have, err := d.client.serviceNamed(ctx, name)
	if err != nil {
		return err
	}
	var before []task
	if have != nil {
		if before, err = d.client.tasks(ctx, name, true); err != nil {
			return err
		}
	}
	plan, err := project.PlanService(in, definition, have)
	if err != nil {
		return err
	}
	now, err := d.carryOut(ctx, name, plan)
	if err != nil {
		return err
	}
	tags := in.Tags
	if tags == nil && have != nil {
		tags = have.Tags
	}
	numbers, err := policy.WithTags(d.policy, tagsOf(tags))
	if err != nil {
		numbers = d.policy // a server of another version knows more tags
	}
	g := newProgress(numbers, have, before)
	g.aim(now)
	g.checked = slices.Contains(d.checked, definition)
	d.services = append(d.services, &following{name, g})
	return nil
}

// wanted gives the service that a file describes, in the cluster deployed to, and the revision that it names.
func (d *deployment) wanted(ctx context.Context, service project.Service) (*ecs.CreateServiceInput, string, error) {
	in := *service.Input
	if given := lastPart(aws.ToString(in.Cluster)); given != "" && given != d.client.cluster {
		return nil, "", usagef(`it names cluster %s; deploy it with --cluster %s`, given, given)
	}
	in.Cluster = &d.client.cluster
	definition, err := d.definition(ctx, *in.TaskDefinition)
	return &in, definition, err
}

// watch adds a service that is to be followed from how it is now.
func (d *deployment) watch(ctx context.Context, name string) error {
	have, err := d.client.mustServiceNamed(ctx, name)
	if err != nil {
		return err
	}
	before, err := d.client.tasks(ctx, name, true)
	if err != nil {
		return err
	}
	numbers, err := policy.WithTags(d.policy, tagsOf(have.Tags))
	if err != nil {
		numbers = d.policy // a server of another version knows more tags
	}
	d.services = append(d.services, &following{name, newProgress(numbers, have, before)})
	return nil
}

func tagsOf(tags []types.Tag) []domain.Tag {
	out := make([]domain.Tag, len(tags))
	for i, t := range tags {
		out[i] = domain.Tag{Key: aws.ToString(t.Key), Value: aws.ToString(t.Value)}
	}
	return out
}

// definition gives what a service's name for its task definition stands for, as "family:revision".
func (d *deployment) definition(ctx context.Context, ref string) (string, error) {
	family, newest := project.Family(ref)
	switch {
	case !newest:
		return lastPart(ref), nil
	case d.revisions[family] != "":
		return d.revisions[family], nil
	}
	have, _, err := d.newest(ctx, family)
	if err != nil {
		return "", err
	}
	if have == nil {
		return "", usagef("no file defines task definition %s, and none is registered", family)
	}
	return revision(have), nil
}

// carryOut does what a plan says, and gives the service as it is then; nil where there is nothing to do.
func (d *deployment) carryOut(ctx context.Context, name string, plan project.ServicePlan) (*types.Service, error) {
	switch {
	case plan.Create != nil:
		out, err := d.client.ecs.CreateService(ctx, plan.Create)
		if err != nil {
			return nil, fmt.Errorf("create service %s: %w", name, err)
		}
		d.changed = true
		d.say("service %s: created, %d tasks of %s", name, aws.ToInt32(plan.Create.DesiredCount), *plan.Create.TaskDefinition)
		return out.Service, nil
	case len(plan.Changes) > 0:
		now, err := d.change(ctx, plan)
		if err != nil {
			return nil, fmt.Errorf("update service %s: %w", name, err)
		}
		d.changed = true
		d.say("service %s: updated", name)
		d.sayChanges(plan.Changes)
		return now, nil
	}
	return nil, nil
}

// change makes the calls of a plan. The tags come first, for they may be settings, and tasks that the update starts may get them.
func (d *deployment) change(ctx context.Context, plan project.ServicePlan) (*types.Service, error) {
	if plan.Tag != nil {
		if _, err := d.client.ecs.TagResource(ctx, plan.Tag); err != nil {
			return nil, err
		}
	}
	if plan.Untag != nil {
		if _, err := d.client.ecs.UntagResource(ctx, plan.Untag); err != nil {
			return nil, err
		}
	}
	if plan.Update == nil {
		return nil, nil
	}
	out, err := d.client.ecs.UpdateService(ctx, plan.Update)
	if err != nil {
		return nil, err
	}
	return out.Service, nil
}

// The pauses between two looks at services that are not steady: short at first, longer when it takes its time.
const (
	lookEvery   = 200 * time.Millisecond
	lookSlower  = time.Second
	slowerAfter = 2 * time.Minute
)

// follow shows progress until every service is steady, or one has failed.
func (d *deployment) follow(ctx context.Context) error {
	defer d.screen.show(nil)
	began := d.now()
	for {
		steady, err := d.lookAround(ctx)
		if err != nil || steady {
			return err
		}
		every := lookEvery
		if d.now().Sub(began) > slowerAfter {
			every = lookSlower
		}
		if err := pause(ctx, every); err != nil {
			return err
		}
	}
}

func (d *deployment) lookAround(ctx context.Context) (steady bool, err error) {
	steady = true
	var shown []string
	for _, f := range d.services {
		service, err := d.client.mustServiceNamed(ctx, f.name)
		if err != nil {
			return false, err
		}
		tasks, err := d.client.tasksBeside(ctx, f.name, f.progress.over)
		if err != nil {
			return false, err
		}
		s := f.progress.look(service, tasks, d.now())
		if s.status != "" && (s.steady || !d.screen.live) {
			s.news = append(s.news, s.status)
		}
		if len(s.news) > 0 {
			d.say("%s", strings.Join(s.news, "\n"))
		}
		if s.failed != "" {
			return false, rolloutError{fmt.Sprintf("service %s: %s", f.name, s.failed), s.steady}
		}
		steady = steady && s.steady
		shown = append(shown, s.live...)
	}
	d.screen.show(shown)
	return steady, nil
}

// tasks gives the tasks of the services deployed.
func (d *deployment) tasks(ctx context.Context) ([]task, error) {
	all := []task{}
	for _, f := range d.services {
		tasks, err := d.client.tasks(ctx, f.name, false)
		if err != nil {
			return nil, err
		}
		all = append(all, tasks...)
	}
	return all, nil
}
