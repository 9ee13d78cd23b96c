package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ballast/internal/cli/project"
)

// diffVerb tells what deploying a folder would change.
type diffVerb struct {
	endpointOptions `embed:""`
	outputOptions   `embed:""`

	Dir string `arg:"" help:"A folder with task-definition.json and service.json, as the AWS CLI takes them."`
}

// Help is shown with the flags.
func (diffVerb) Help() string {
	return `Examples:

    ballast diff examples/web            what "ballast deploy examples/web" would change
    ballast diff . || ballast deploy .   deploy only where something differs

A revision that would be registered is shown as web:(new).

With -o json: {"changes": [{"kind": "taskDefinition"|"service", "name", "action": "register"|"create"|"update", "changes": [{"path",
"old", "new"}]}]}.

Exit codes, as those of diff(1): 0 nothing would change, 1 something would, 2 it could not be told, 3 no Ballast answers, 130
interrupted.`
}

// difference is what would be done to one thing; its JSON form is stable.
type difference struct {
	Kind    string           `json:"kind"`
	Name    string           `json:"name"`
	Action  string           `json:"action"`
	Changes []project.Change `json:"changes"`
}

// errDiffers makes the exit code say that something would change.
var errDiffers = errors.New("there are changes")

// Run compares and prints.
func (v *diffVerb) Run(ctx context.Context, s *Streams) error {
	ctx, cancel := s.interruptible(ctx)
	defer cancel()
	p, err := project.Read(v.Dir)
	if err != nil {
		return usageError{err.Error()}
	}
	c, err := v.client(s.Getenv)
	if err != nil {
		return err
	}
	found, err := (&deployment{client: c, revisions: map[string]string{}}).compare(ctx, p)
	if code, text := verdict(err); code == exitFailed {
		return usageError{text} // exit code 1 means that something differs
	}
	if err != nil {
		return err
	}
	if v.json() {
		err = writeJSON(s.Out, map[string]any{"changes": found})
	} else {
		err = printDifferences(s.Out, found)
	}
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return errDiffers
	}
	s.say("no changes")
	return nil
}

func printDifferences(w io.Writer, found []difference) error {
	for _, d := range found {
		kind := d.Kind
		if kind == "taskDefinition" {
			kind = "task definition"
		}
		if _, err := fmt.Fprintf(w, "%s %s: %s\n", kind, d.Name, d.Action); err != nil {
			return err
		}
		for _, c := range d.Changes {
			if _, err := fmt.Fprintf(w, "  %s\n", c); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare tells what apply would do, and does nothing.
func (d *deployment) compare(ctx context.Context, p project.Project) ([]difference, error) {
	found := []difference{}
	for _, definition := range p.Definitions {
		one, err := d.compareDefinition(ctx, definition)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", definition.File, err)
		}
		found = append(found, one...)
	}
	for _, service := range p.Services {
		one, err := d.compareService(ctx, service)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", service.File, err)
		}
		found = append(found, one...)
	}
	return found, nil
}

func (d *deployment) compareDefinition(ctx context.Context, definition project.Definition) ([]difference, error) {
	family := aws.ToString(definition.Input.Family)
	have, tags, err := d.newest(ctx, family)
	if err != nil {
		return nil, err
	}
	changes := []project.Change{}
	if have != nil {
		if changes, err = project.CompareDefinition(definition.Input, have, tags); err != nil {
			return nil, err
		}
		if len(changes) == 0 {
			d.revisions[family] = revision(have)
			return nil, nil
		}
	}
	d.revisions[family] = family + ":(new)"
	return []difference{{"taskDefinition", family, "register", changes}}, nil
}

func (d *deployment) compareService(ctx context.Context, service project.Service) ([]difference, error) {
	in, definition, err := d.wanted(ctx, service)
	if err != nil {
		return nil, err
	}
	have, err := d.client.serviceNamed(ctx, *in.ServiceName)
	if err != nil {
		return nil, err
	}
	plan, err := project.PlanService(in, definition, have)
	switch {
	case err != nil:
		return nil, err
	case plan.Create != nil:
		return []difference{{"service", *in.ServiceName, "create", []project.Change{}}}, nil
	case len(plan.Changes) > 0:
		return []difference{{"service", *in.ServiceName, "update", plan.Changes}}, nil
	}
	return nil, nil
}
