package ecs

import (
	"context"
	"errors"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/control"
	"ballast/internal/ecs"
)

// maxDeleted is how many revisions one DeleteTaskDefinitions may name (API_DeleteTaskDefinitions).
const maxDeleted = 10

// DeregisterTaskDefinition makes a revision INACTIVE: what runs goes on, nothing new is made of it.
func (a *API) DeregisterTaskDefinition(ctx context.Context, in *awsecs.DeregisterTaskDefinitionInput) (*awsecs.DeregisterTaskDefinitionOutput, error) {
	family, revision, err := a.revision(value(in.TaskDefinition))
	if err != nil {
		return nil, err
	}
	d, err := submit[*ecs.TaskDefinition](ctx, a, control.DeregisterTaskDefinition{Family: family, Revision: revision})
	if err != nil {
		return nil, err
	}
	shown, err := a.showDefinition(d)
	if err != nil {
		return nil, err
	}
	return &awsecs.DeregisterTaskDefinitionOutput{TaskDefinition: shown}, nil
}

// revision reads a reference that must say the revision (API_DeregisterTaskDefinition: "You must specify a revision").
func (a *API) revision(ref string) (family string, revision int, err error) {
	if ref == "" {
		return "", 0, ecs.Errorf(ecs.InvalidParameterException, "TaskDefinition can not be blank.")
	}
	family, revision, err = a.names.Definition(ref)
	if err == nil && revision == 0 {
		err = ecs.Errorf(ecs.InvalidParameterException, "Task definition %s does not say a revision; name it as family:revision.", ref)
	}
	return family, revision, err
}

// DeleteTaskDefinitions deletes INACTIVE revisions; each that cannot be deleted is a failure of its own.
func (a *API) DeleteTaskDefinitions(ctx context.Context, in *awsecs.DeleteTaskDefinitionsInput) (*awsecs.DeleteTaskDefinitionsOutput, error) {
	if err := (references{in.TaskDefinitions, maxDeleted, "Task definitions", "task definitions"}).check(); err != nil {
		return nil, err
	}
	deletes := make([]control.DeleteTaskDefinition, len(in.TaskDefinitions))
	for i, ref := range in.TaskDefinitions { // all are read before any is deleted
		family, revision, err := a.revision(ref)
		if err != nil {
			return nil, err
		}
		deletes[i] = control.DeleteTaskDefinition{Family: family, Revision: revision}
	}
	out := &awsecs.DeleteTaskDefinitionsOutput{Failures: []types.Failure{}, TaskDefinitions: []types.TaskDefinition{}}
	for _, command := range deletes {
		d, err := submit[*ecs.TaskDefinition](ctx, a, command)
		if refusal, told := errors.AsType[*ecs.Error](err); told && refusal.Code == ecs.ClientException {
			out.Failures = append(out.Failures, types.Failure{Arn: new(a.names.TaskDefinition(command.Family, command.Revision)), Reason: &refusal.Message})
			continue
		}
		if err != nil {
			return nil, err
		}
		shown, err := a.showDefinition(d)
		if err != nil {
			return nil, err
		}
		out.TaskDefinitions = append(out.TaskDefinitions, *shown)
	}
	return out, nil
}

// ListTaskDefinitionFamilies gives the names of families, by default also of those without an ACTIVE revision
// (API_ListTaskDefinitionFamilies).
func (a *API) ListTaskDefinitionFamilies(_ context.Context, in *awsecs.ListTaskDefinitionFamiliesInput) (*awsecs.ListTaskDefinitionFamiliesOutput, error) {
	prefix := value(in.FamilyPrefix)
	p, err := scope{"ListTaskDefinitionFamilies", prefix, string(in.Status)}.page(in.MaxResults, defaultPage, in.NextToken)
	if err != nil {
		return nil, err
	}
	found := a.control.Root().Families(prefix, p.after, p.limit+1, func(active bool) bool {
		return in.Status != types.TaskDefinitionFamilyStatusActive && in.Status != types.TaskDefinitionFamilyStatusInactive ||
			active == (in.Status == types.TaskDefinitionFamilyStatusActive)
	})
	name := func(name string) string { return name }
	families, next := list(p, found, name, name)
	return &awsecs.ListTaskDefinitionFamiliesOutput{Families: families, NextToken: next}, nil
}
