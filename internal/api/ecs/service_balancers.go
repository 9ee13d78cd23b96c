package ecs

import (
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/ecs"
)

// whereBalancers says where load balancers are served: they need somebody who checks targets.
const whereBalancers = "in `ballast simulate` only; refused by servers, which have no load balancers yet"

// balancerFields are the members of the load balancers of a service.
var balancerFields = table{
	"loadBalancers[].targetGroupArn": partly(whereBalancers),
	"loadBalancers[].containerName":  partly(whereBalancers),
	"loadBalancers[].containerPort":  partly(whereBalancers),
}

// mostBalancers bounds the target groups of a service (Amazon ECS service quotas).
const mostBalancers = 5

// balancersOf gives the load balancers that a service asks for.
func (a *API) balancersOf(in []types.LoadBalancer, d *ecs.TaskDefinition) ([]ecs.LoadBalancer, error) {
	if a.targetGroup == nil && !isDefault(reflect.ValueOf(in)) {
		return nil, notYet("loadBalancers")
	}
	if len(in) > mostBalancers {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "loadBalancers can have at most %d items.", mostBalancers)
	}
	var out []ecs.LoadBalancer
	for i := range in {
		lb := ecs.LoadBalancer{TargetGroup: value(in[i].TargetGroupArn), Container: value(in[i].ContainerName), Port: int(value(in[i].ContainerPort))}
		if !a.targetGroup(lb.TargetGroup) {
			return nil, ecs.Errorf(ecs.InvalidParameterException, "One or more target groups not found: %s", lb.TargetGroup)
		}
		out = append(out, lb)
	}
	return out, checkBalancers(out, d)
}

// checkBalancers refuses a task definition that lacks a container or a port that load balancers send requests to. The texts are those of
// real accounts.
func checkBalancers(all []ecs.LoadBalancer, d *ecs.TaskDefinition) error {
	for _, lb := range all {
		switch {
		case !hasContainer(d, lb.Container):
			return ecs.Errorf(ecs.InvalidParameterException, "The container %s does not exist in the task definition.", lb.Container)
		case !hasPort(d, lb):
			return ecs.Errorf(ecs.InvalidParameterException, "The container %s did not have a container port %d defined.", lb.Container, lb.Port)
		}
	}
	return nil
}

func hasContainer(d *ecs.TaskDefinition, name string) bool {
	for i := range d.Containers {
		if d.Containers[i].Name == name {
			return true
		}
	}
	return false
}

func hasPort(d *ecs.TaskDefinition, lb ecs.LoadBalancer) bool {
	for i := range d.Containers {
		for _, p := range d.Containers[i].Ports {
			last := max(p.ContainerPort, p.LastPort)
			if d.Containers[i].Name == lb.Container && lb.Port >= int(p.ContainerPort) && lb.Port <= int(last) {
				return true
			}
		}
	}
	return false
}

// showBalancers gives load balancers as they were asked for.
func showBalancers(all []ecs.LoadBalancer) []types.LoadBalancer {
	out := make([]types.LoadBalancer, len(all))
	for i := range all {
		out[i] = types.LoadBalancer{TargetGroupArn: &all[i].TargetGroup, ContainerName: &all[i].Container, ContainerPort: new(int32(all[i].Port))}
	}
	return out
}
