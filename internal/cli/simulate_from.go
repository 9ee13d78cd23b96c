package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/sim/scenario"
	"ballast/internal/wire"
)

// compose makes a scenario of a service of some ECS endpoint, and of what the behaviour file, or whoever is asked, says of it.
func (v *simulateVerb) compose(ctx context.Context, s *Streams) (string, *scenario.Composed, error) {
	parts, revision, err := v.describe(ctx, s)
	if err != nil {
		return "", nil, err
	}
	switch {
	case v.Behaviour != "":
		parts.File = v.Behaviour
		if parts.Words, err = os.ReadFile(v.Behaviour); err != nil {
			return "", nil, usageError{err.Error()}
		}
	case s.Console != nil:
		if parts.Words, err = askBehaviour(s.In, s.Err, v.From, revision); err != nil {
			return "", nil, err
		}
	default:
		fmt.Fprintln(s.Err, "Nothing happens to the service: --behaviour FILE says what does, and a terminal is asked.")
	}
	composed, err := scenario.Compose(parts)
	if err != nil {
		return "", nil, err
	}
	if v.Save == "" {
		return "scenario of " + v.From, composed, nil
	}
	if err := os.WriteFile(v.Save, composed.Text, 0o644); err != nil {
		return "", nil, fmt.Errorf("save the scenario in %s: %w", v.Save, err)
	}
	return v.Save, composed, nil
}

// describe asks the endpoint for a service, its task definition and the container instances of its cluster. revision is what the
// scenario calls the task definition.
func (v *simulateVerb) describe(ctx context.Context, s *Streams) (p scenario.Parts, revision string, err error) {
	p = scenario.Parts{Name: "Service " + v.From, Source: "Cluster " + v.Cluster + " at " + v.EndpointURL}
	c, err := v.client(s.Getenv)
	if err != nil {
		return p, "", err
	}
	service, err := c.mustServiceNamed(ctx, v.From)
	if err != nil {
		return p, "", err
	}
	out, err := c.ecs.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: service.TaskDefinition})
	if err != nil {
		return p, "", fmt.Errorf("describe task definition %s: %w", aws.ToString(service.TaskDefinition), err)
	}
	if p.Instances, err = c.instances(ctx); err != nil {
		return p, "", err
	}
	definition, err := input(out.TaskDefinition, madeOfDefinitions)
	if err != nil {
		return p, "", err
	}
	created, err := input(service, madeOfServices)
	if err != nil {
		return p, "", err
	}
	revision = aws.ToString(out.TaskDefinition.Family) + ":1"
	created["taskDefinition"] = revision
	p.Definitions, err = documents(definition)
	if err == nil {
		p.Services, err = documents(created)
	}
	return p, revision, err
}

// instances gives the ACTIVE container instances of the cluster, those alike together.
func (c *client) instances(ctx context.Context) ([]scenario.Instances, error) {
	var all []scenario.Instances
	pages := ecs.NewListContainerInstancesPaginator(c.ecs, &ecs.ListContainerInstancesInput{Cluster: &c.cluster,
		Status: types.ContainerInstanceStatusActive})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the container instances of cluster %s: %w", c.cluster, err)
		}
		if len(page.ContainerInstanceArns) == 0 {
			continue
		}
		out, err := c.ecs.DescribeContainerInstances(ctx, &ecs.DescribeContainerInstancesInput{Cluster: &c.cluster,
			ContainerInstances: page.ContainerInstanceArns})
		if err != nil {
			return nil, fmt.Errorf("describe the container instances of cluster %s: %w", c.cluster, err)
		}
		for i := range out.ContainerInstances {
			all = addInstance(all, &out.ContainerInstances[i])
		}
	}
	return all, nil
}

func addInstance(all []scenario.Instances, i *types.ContainerInstance) []scenario.Instances {
	kind := scenario.Instances{Count: 1}
	for _, r := range i.RegisteredResources {
		switch aws.ToString(r.Name) {
		case "CPU":
			kind.CPU = int(r.IntegerValue)
		case "MEMORY":
			kind.Memory = int(r.IntegerValue)
		}
	}
	for _, a := range i.Attributes {
		if aws.ToString(a.Name) == "ecs.availability-zone" {
			kind.Zone = aws.ToString(a.Value)
		}
	}
	for n := range all {
		if all[n].CPU == kind.CPU && all[n].Memory == kind.Memory && all[n].Zone == kind.Zone {
			all[n].Count++
			return all
		}
	}
	return append(all, kind)
}

// What descriptions have beyond the inputs of which they were made (API_TaskDefinition, API_Service). Whatever else they have is handed
// on, so that the simulator refuses by name what it cannot play.
var (
	madeOfDefinitions = []string{"taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities", "registeredAt",
		"registeredBy", "deregisteredAt", "deleteRequestedAt"}
	madeOfServices = []string{"serviceArn", "clusterArn", "status", "runningCount", "pendingCount", "deployments", "taskSets", "roleArn",
		"events", "createdAt", "createdBy", "currentServiceDeployment", "currentServiceRevisions", "platformFamily"}
)

// input makes the input of an operation of a description: what came of it is left out, and so is what is empty.
func input(described any, beyond []string) (map[string]any, error) {
	text, err := wire.AppendJSON(nil, described)
	if err != nil {
		return nil, err
	}
	var members map[string]any
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	if err := d.Decode(&members); err != nil {
		return nil, fmt.Errorf("read what was described: %w", err)
	}
	for _, name := range beyond {
		delete(members, name)
	}
	dropEmpty(members)
	return members, nil
}

// dropEmpty leaves out empty lists and objects, at any depth.
func dropEmpty(v any) (empty bool) {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if dropEmpty(member) {
				delete(v, name)
			}
		}
		return len(v) == 0
	case []any:
		for _, element := range v {
			dropEmpty(element)
		}
		return len(v) == 0
	}
	return v == nil
}

func documents(members map[string]any) ([][]byte, error) {
	text, err := json.Marshal(members)
	return [][]byte{text}, err
}
