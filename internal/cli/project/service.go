package project

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/wire"
)

// serviceForm is that of CreateService's input. Defaults: API_CreateService, API_DeploymentConfiguration (ECS API reference).
var serviceForm = form{
	keys: map[string]string{"tags": "key"},
	defaults: map[string]any{
		"desiredCount":                nil, // a count of 0 says something
		"launchType":                  "EC2",
		"schedulingStrategy":          "REPLICA",
		"propagateTags":               "NONE",
		"availabilityZoneRebalancing": "DISABLED",
		"deploymentController.type":   "ECS",
		"deploymentConfiguration.minimumHealthyPercent": 100.0,
		"deploymentConfiguration.maximumPercent":        200.0,
		"deploymentConfiguration.strategy":              "ROLLING",
	},
	ignored: []string{"clientToken", "cluster", "serviceName", "role"},
}

// explicit is what UpdateService is told for a member that has gone from the file: its default, in words.
var explicit = map[string]any{
	"deploymentConfiguration":       map[string]any{"minimumHealthyPercent": 100, "maximumPercent": 200},
	"propagateTags":                 "NONE",
	"availabilityZoneRebalancing":   "DISABLED",
	"enableECSManagedTags":          false,
	"enableExecuteCommand":          false,
	"healthCheckGracePeriodSeconds": 0,
	"placementConstraints":          []any{},
	"placementStrategy":             []any{},
	"loadBalancers":                 []any{},
	"serviceRegistries":             []any{},
	"capacityProviderStrategy":      []any{},
}

// ServicePlan is what brings a service to what a file says: Create, or any of Tag, Untag and Update in this order, or nothing.
type ServicePlan struct {
	Create  *ecs.CreateServiceInput
	Tag     *ecs.TagResourceInput
	Untag   *ecs.UntagResourceInput
	Update  *ecs.UpdateServiceInput
	Changes []Change
}

// PlanService compares a service to be with the one that there is, nil for none. definition is the task definition that the
// file's name for it stands for, as "family:revision". A count and tags that the file does not give are left as they are.
func PlanService(want *ecs.CreateServiceInput, definition string, have *types.Service) (ServicePlan, error) {
	wanted := *want
	wanted.TaskDefinition = &definition
	if have == nil {
		return ServicePlan{Create: &wanted}, nil
	}
	changes, err := compareService(&wanted, have)
	if err != nil || len(changes) == 0 {
		return ServicePlan{}, err
	}
	plan := ServicePlan{Changes: changes}
	others := slices.DeleteFunc(slices.Clone(changes), func(c Change) bool { return c.member() == "tags" })
	if len(others) > 0 {
		if plan.Update, err = updateOf(&wanted, others); err != nil {
			return ServicePlan{}, err
		}
	}
	plan.Tag, plan.Untag = tagsOf(want.Tags, own(have.Tags), have.ServiceArn)
	return plan, nil
}

// own gives the tags that are not AWS's.
func own(tags []types.Tag) []types.Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t types.Tag) bool { return strings.HasPrefix(aws.ToString(t.Key), "aws:") })
}

// tagsOf gives the calls that make the tags of a service those wanted, where any are given; nil for none.
func tagsOf(want, have []types.Tag, service *string) (set *ecs.TagResourceInput, remove *ecs.UntagResourceInput) {
	if want == nil {
		return nil, nil
	}
	before := map[string]string{}
	for _, t := range have {
		before[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	var changed []types.Tag
	for _, t := range want {
		if value, there := before[aws.ToString(t.Key)]; !there || value != aws.ToString(t.Value) {
			changed = append(changed, t)
		}
		delete(before, aws.ToString(t.Key))
	}
	if len(changed) > 0 {
		set = &ecs.TagResourceInput{ResourceArn: service, Tags: changed}
	}
	if len(before) > 0 {
		remove = &ecs.UntagResourceInput{ResourceArn: service, TagKeys: sortedKeys(before)}
	}
	return set, remove
}

func compareService(want *ecs.CreateServiceInput, have *types.Service) ([]Change, error) {
	text, err := wire.AppendJSON(nil, have)
	if err != nil {
		return nil, err
	}
	old := &ecs.CreateServiceInput{}
	if err := wire.DecodeJSON(text, old); err != nil {
		return nil, err
	}
	if old.TaskDefinition != nil {
		name := (*old.TaskDefinition)[strings.LastIndexByte(*old.TaskDefinition, '/')+1:]
		old.TaskDefinition = &name
	}
	if want.DesiredCount == nil {
		old.DesiredCount = nil
	}
	if old.Tags = own(old.Tags); want.Tags == nil {
		old.Tags = nil
	}
	before, err := document(old)
	if err != nil {
		return nil, err
	}
	after, err := document(want)
	if err != nil {
		return nil, err
	}
	return differences("", serviceForm.canonical(before), serviceForm.canonical(after)), nil
}

// updateOf makes the update that carries out changes.
func updateOf(want *ecs.CreateServiceInput, changes []Change) (*ecs.UpdateServiceInput, error) {
	doc, err := document(want)
	if err != nil {
		return nil, err
	}
	wanted := doc.(map[string]any)
	call := map[string]any{"service": *want.ServiceName}
	if want.Cluster != nil {
		call["cluster"] = *want.Cluster
	}
	for _, c := range changes {
		call[c.member()] = withDefaults(wanted[c.member()], explicit[c.member()])
	}
	text, err := json.Marshal(call)
	if err != nil {
		return nil, err
	}
	in := &ecs.UpdateServiceInput{}
	if err := wire.DecodeJSON(text, in); err != nil {
		return nil, err
	}
	taken, err := document(in)
	if err != nil {
		return nil, err
	}
	for _, c := range changes {
		if _, ok := taken.(map[string]any)[c.member()]; !ok {
			return nil, fmt.Errorf("service %s: %s is settled when a service is created and cannot be changed (%v); give the service another "+
				"name, or delete it first: aws ecs delete-service --force --service %s", *want.ServiceName, c.member(), c, *want.ServiceName)
		}
	}
	return in, nil
}

// withDefaults gives value, or what stands in defaults where value says nothing.
func withDefaults(value, defaults any) any {
	v, isMap := value.(map[string]any)
	d, defaultsMap := defaults.(map[string]any)
	switch {
	case value == nil:
		return defaults
	case isMap && defaultsMap:
		all := maps.Clone(d)
		maps.Copy(all, v)
		return all
	}
	return value
}

// Family gives the family that a service's file names, and whether the newest revision of it is meant. What names a revision
// is given as it is.
func Family(taskDefinition string) (family string, newest bool) {
	name := taskDefinition[strings.LastIndexByte(taskDefinition, '/')+1:]
	family, _, numbered := strings.Cut(name, ":")
	return family, !numbered
}
