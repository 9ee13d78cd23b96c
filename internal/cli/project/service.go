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
		"deploymentConfiguration.minimumHealthyPercent":                       100.0,
		"deploymentConfiguration.maximumPercent":                              200.0,
		"deploymentConfiguration.strategy":                                    "ROLLING",
		"deploymentConfiguration.deploymentCircuitBreaker.resetOnHealthyTask": true,
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

// switchedOff is what UpdateService is told for a part of deploymentConfiguration that has gone from the file: it leaves alone what it is
// not told of.
var switchedOff = map[string]any{
	"alarms":                   map[string]any{"alarmNames": []any{}, "enable": false, "rollback": false},
	"deploymentCircuitBreaker": map[string]any{"enable": false, "rollback": false},
	"earlySuccessCriteria":     map[string]any{"enable": false},
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
	before, changes, err := compareService(&wanted, have)
	if err != nil || len(changes) == 0 {
		return ServicePlan{}, err
	}
	plan := ServicePlan{Changes: changes}
	others := slices.DeleteFunc(slices.Clone(changes), func(c Change) bool { return c.member() == "tags" })
	if len(others) > 0 {
		if plan.Update, err = updateOf(&wanted, before, others); err != nil {
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

// compareService tells in what a service is to change, and how it is now, in canonical form.
func compareService(want *ecs.CreateServiceInput, have *types.Service) (now map[string]any, changes []Change, err error) {
	text, err := wire.AppendJSON(nil, have)
	if err != nil {
		return nil, nil, err
	}
	old := &ecs.CreateServiceInput{}
	if err := wire.DecodeJSON(text, old); err != nil {
		return nil, nil, err
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
		return nil, nil, err
	}
	after, err := document(want)
	if err != nil {
		return nil, nil, err
	}
	now = serviceForm.canonical(before)
	return now, differences("", now, serviceForm.canonical(after)), nil
}

// updateOf makes the update that carries out changes of what there is now.
func updateOf(want *ecs.CreateServiceInput, now map[string]any, changes []Change) (*ecs.UpdateServiceInput, error) {
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
		call[c.member()] = withDefaults(wanted[c.member()], withDefaults(goneFrom(now, c.member()), explicit[c.member()]))
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

// goneFrom gives what the parts that a member has now are told to be should they be in the file no more; nil for none.
func goneFrom(now map[string]any, member string) any {
	has, _ := now[member].(map[string]any)
	if member != "deploymentConfiguration" || has == nil {
		return nil
	}
	off := map[string]any{}
	for name := range has {
		if value, known := switchedOff[name]; known {
			off[name] = value
		}
	}
	return off
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
