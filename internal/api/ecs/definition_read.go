package ecs

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/arn"
	"ballast/internal/control/root"
	"ballast/internal/ecs"
	"ballast/internal/wire"
)

// DescribeTaskDefinition shows a revision, inactive ones included; a family alone means its newest active revision.
func (a *API) DescribeTaskDefinition(_ context.Context, in *awsecs.DescribeTaskDefinitionInput) (*awsecs.DescribeTaskDefinitionOutput, error) {
	if value(in.TaskDefinition) == "" {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "TaskDefinition can not be blank.")
	}
	d, err := a.find(a.control.Root(), *in.TaskDefinition)
	if err != nil {
		return nil, err
	}
	if d == nil {
		return nil, ecs.Errorf(ecs.ClientException, "Unable to describe task definition.")
	}
	shown, err := a.showDefinition(d)
	if err != nil {
		return nil, err
	}
	out := &awsecs.DescribeTaskDefinitionOutput{TaskDefinition: shown, Tags: []types.Tag{}}
	if slices.Contains(in.Include, types.TaskDefinitionFieldTags) {
		out.Tags = showTags(d.Tags)
	}
	return out, nil
}

// showDefinition gives a revision as it was registered, with what ECS adds.
func (a *API) showDefinition(d *ecs.TaskDefinition) (*types.TaskDefinition, error) {
	shown := new(types.TaskDefinition)
	if err := wire.DecodeJSON(d.Document, shown); err != nil {
		return nil, fmt.Errorf("read the document of task definition %s: %w", d.Name(), err)
	}
	a.stamp(shown, d)
	return shown, nil
}

// find gives the revision that ref means, nil when there is none.
func (a *API) find(state *root.Root, ref string) (*ecs.TaskDefinition, error) {
	family, revision, err := a.names.Definition(ref)
	if err != nil {
		return nil, err
	}
	if revision == 0 {
		return state.LatestDefinition(family), nil
	}
	return state.Definition(family, revision), nil
}

// usable gives the revision that new tasks are to be made of. Texts are those of real accounts; inactive is the error type,
// which is ClientException for services and InvalidParameterException for RunTask there.
func (a *API) usable(state *root.Root, ref *string, inactive ecs.Code) (*ecs.TaskDefinition, error) {
	if value(ref) == "" {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "TaskDefinition can not be blank.")
	}
	d, err := a.find(state, *ref)
	switch {
	case err != nil:
		return nil, err
	case d == nil:
		return nil, ecs.Errorf(ecs.ClientException, "TaskDefinition not found.")
	case d.Status != ecs.TaskDefinitionActive:
		return nil, ecs.Errorf(inactive, "TaskDefinition is inactive")
	}
	return d, nil
}

// ListTaskDefinitions gives the ARNs of revisions, of one family or of all, sorted by family and revision.
func (a *API) ListTaskDefinitions(_ context.Context, in *awsecs.ListTaskDefinitionsInput) (*awsecs.ListTaskDefinitionsOutput, error) {
	family, status := value(in.FamilyPrefix), ecs.TaskDefinitionActive
	switch in.Status {
	case types.TaskDefinitionStatusInactive:
		status = ecs.TaskDefinitionInactive
	case types.TaskDefinitionStatusDeleteInProgress:
		status = ecs.TaskDefinitionDeleteInProgress
	}
	if family != "" && !arn.ValidName(family) {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "familyPrefix must match %s", arn.Pattern)
	}
	descending := in.Sort == types.SortOrderDesc
	p, err := scope{"ListTaskDefinitions", family, status.String(), strconv.FormatBool(descending)}.page(in.MaxResults, defaultPage, in.NextToken)
	if err != nil {
		return nil, err
	}
	after, err := p.definition()
	if err != nil {
		return nil, err
	}
	// Despite its name, familyPrefix is a full family name (API_ListTaskDefinitions).
	keep := func(d *ecs.TaskDefinition) bool { return d.Status == status }
	arns, next := list(p, a.control.Root().Definitions(family, after, p.limit+1, descending, keep), (*ecs.TaskDefinition).Name,
		func(d *ecs.TaskDefinition) string { return a.names.TaskDefinition(d.Family, d.Revision) })
	return &awsecs.ListTaskDefinitionsOutput{TaskDefinitionArns: arns, NextToken: next}, nil
}

// definition reads after where keys are names of revisions; nil is the start.
func (p page) definition() (*ecs.TaskDefinition, error) {
	if p.after == "" {
		return nil, nil
	}
	name, number, _ := strings.Cut(p.after, ":")
	revision, err := strconv.Atoi(number)
	if err != nil {
		return nil, invalidToken()
	}
	return &ecs.TaskDefinition{Family: name, Revision: revision}, nil
}
