package arn

import (
	"strconv"
	"strings"

	"ballast/internal/ecs"
)

// ServiceDeploymentOf takes the ARN of a service deployment apart. Errors are *ecs.Error.
func (n Namer) ServiceDeploymentOf(ref string) (cluster, service, id string, err error) {
	cluster, service, id, err = n.ofService(ref, "service-deployment")
	if err == nil && !validDeployment(id) {
		err = invalid(ref)
	}
	return cluster, service, id, err
}

// ServiceRevisionOf takes the ARN of a service revision apart. Errors are *ecs.Error.
func (n Namer) ServiceRevisionOf(ref string) (cluster, service string, id ecs.DeploymentID, err error) {
	cluster, service, digits, err := n.ofService(ref, "service-revision")
	if err != nil {
		return "", "", 0, err
	}
	number, fault := strconv.ParseUint(digits, 10, 64)
	if fault != nil {
		return "", "", 0, invalid(ref)
	}
	return cluster, service, ecs.DeploymentID(number), nil
}

// ofService takes "kind/cluster/service/rest" apart. There is no short form of it.
func (n Namer) ofService(ref, kind string) (cluster, service, rest string, err error) {
	if !strings.HasPrefix(ref, "arn:") {
		return "", "", "", invalid(ref)
	}
	resource, err := n.resource(ref, kind)
	if err != nil {
		return "", "", "", err
	}
	cluster, resource, _ = strings.Cut(resource, "/")
	service, rest, _ = strings.Cut(resource, "/")
	if !ValidName(cluster) || !ValidName(service) {
		return "", "", "", invalid(ref)
	}
	return cluster, service, rest, nil
}

// validDeployment says whether text has the form of a service deployment's id; any length, as others may make them longer.
func validDeployment(text string) bool {
	for i := range len(text) {
		c := text[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return text != ""
}
