package arn

import (
	"strconv"
	"strings"

	"ballast/internal/ecs"
)

// Namer writes the ARNs of one account in one region.
type Namer struct {
	Region  string // "us-east-1"
	Account string // 12 digits
}

// prefix is everything before the type of the resource.
func (n Namer) prefix() string {
	return "arn:" + n.Partition() + ":ecs:" + n.Region + ":" + n.Account + ":"
}

// Partition is "aws", or that of China or GovCloud where the region's name says so (AWS General Reference, ARNs).
func (n Namer) Partition() string {
	switch {
	case strings.HasPrefix(n.Region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(n.Region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// PrivateName is the name that EC2 gives to a private address (Amazon EC2 user guide, instance hostname types).
func (n Namer) PrivateName(address string) string {
	host := "ip-" + strings.ReplaceAll(address, ".", "-")
	if n.Region == "us-east-1" {
		return host + ".ec2.internal"
	}
	return host + "." + n.Region + ".compute.internal"
}

// Cluster names a cluster.
func (n Namer) Cluster(name string) string { return n.prefix() + "cluster/" + name }

// Service names a service, in the long form.
func (n Namer) Service(cluster, name string) string {
	return n.prefix() + "service/" + cluster + "/" + name
}

// Task names a task, in the long form.
func (n Namer) Task(cluster string, id ecs.ID) string {
	return n.prefix() + "task/" + cluster + "/" + id.String()
}

// Container names a container of a task.
func (n Namer) Container(cluster string, task, container ecs.ID) string {
	return n.prefix() + "container/" + cluster + "/" + task.String() + "/" + container.UUID()
}

// ContainerInstance names a container instance, in the long form.
func (n Namer) ContainerInstance(cluster string, id ecs.ID) string {
	return n.prefix() + "container-instance/" + cluster + "/" + id.String()
}

// TaskDefinition names a revision.
func (n Namer) TaskDefinition(family string, revision int) string {
	return n.prefix() + "task-definition/" + family + ":" + strconv.Itoa(revision)
}

// ServiceDeployment names a service deployment.
func (n Namer) ServiceDeployment(cluster, service, id string) string {
	return n.prefix() + "service-deployment/" + cluster + "/" + service + "/" + id
}

// ServiceRevision names a revision of a service.
func (n Namer) ServiceRevision(cluster, service string, id ecs.DeploymentID) string {
	return n.prefix() + "service-revision/" + cluster + "/" + service + "/" + id.Digits()
}
