package arn

import (
	"strconv"
	"strings"

	"ballast/internal/ecs"
)

// DefaultCluster is the cluster meant when a request names none (ECS API reference).
const DefaultCluster = "default"

// ARN is an Amazon Resource Name in parts.
type ARN struct {
	Partition, Service, Region, Account string
	Resource                            string // everything after the account, colons included
}

// Parse splits an ARN; ok is false when s is none.
func Parse(s string) (a ARN, ok bool) {
	if !strings.HasPrefix(s, "arn:") {
		return ARN{}, false
	}
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[1] == "" || parts[2] == "" || parts[5] == "" {
		return ARN{}, false
	}
	return ARN{Partition: parts[1], Service: parts[2], Region: parts[3], Account: parts[4], Resource: parts[5]}, true
}

// ClusterName gives the name of the cluster that ref, a name or an ARN, means; "" means the default cluster. Errors are
// *ecs.Error.
func (n Namer) ClusterName(ref string) (string, error) {
	if ref == "" {
		return DefaultCluster, nil
	}
	name := ref
	if strings.HasPrefix(ref, "arn:") {
		rest, err := n.resource(ref, "cluster")
		if err != nil {
			return "", err
		}
		name = rest
	}
	if !ValidName(name) {
		return "", invalid(ref)
	}
	return name, nil
}

// ServiceName gives the name of the service of a cluster that ref means: a name, a long ARN, or an ARN in the short form of
// before 2021 (service/name), which does not say the cluster.
func (n Namer) ServiceName(cluster, ref string) (string, error) {
	name := ref
	if strings.HasPrefix(ref, "arn:") {
		rest, err := n.resource(ref, "service")
		if err != nil {
			return "", err
		}
		if name, err = within(cluster, rest); err != nil {
			return "", err
		}
	}
	if !ValidName(name) {
		return "", invalid(ref)
	}
	return name, nil
}

// TaskID gives the id of the task of a cluster that ref means: an id (with or without dashes), a long ARN, or one in the short
// form (task/id).
func (n Namer) TaskID(cluster, ref string) (ecs.ID, error) {
	return n.id(cluster, ref, "task", "taskId")
}

// InstanceID gives the id of the container instance of a cluster that ref means, in the same forms as TaskID.
func (n Namer) InstanceID(cluster, ref string) (ecs.ID, error) {
	return n.id(cluster, ref, "container-instance", "containerInstanceId")
}

// id reads the id in ref. The length error is DescribeTasks' own, seen in a real account ("taskId length should be one of
// [32,36]").
func (n Namer) id(cluster, ref, kind, what string) (ecs.ID, error) {
	text := ref
	if strings.HasPrefix(ref, "arn:") {
		rest, err := n.resource(ref, kind)
		if err != nil {
			return ecs.ID{}, err
		}
		if text, err = within(cluster, rest); err != nil {
			return ecs.ID{}, err
		}
	}
	if len(text) != 32 && len(text) != 36 {
		return ecs.ID{}, ecs.Errorf(ecs.InvalidParameterException, "%s length should be one of [32,36]", what)
	}
	if len(text) == 36 {
		text = undash(text)
	}
	id, err := ecs.ParseID(text)
	if err != nil {
		return ecs.ID{}, invalid(ref)
	}
	return id, nil
}

// undash takes the dashes out of a UUID; anything else comes out as something that is no id.
func undash(s string) string {
	if s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return ""
	}
	return s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
}

// Definition gives the family and the revision that ref means: "family", "family:revision" or an ARN. Revision 0 means the
// newest active one. The text of the error is that of real accounts (aws/amazon-ecs-agent#1354,
// hashicorp/terraform-provider-aws#30313).
func (n Namer) Definition(ref string) (family string, revision int, err error) {
	text := ref
	if strings.HasPrefix(ref, "arn:") {
		if text, err = n.resource(ref, "task-definition"); err != nil {
			return "", 0, err
		}
	}
	family, number, given := strings.Cut(text, ":")
	if !ValidName(family) {
		return "", 0, invalid(ref)
	}
	if !given {
		return family, 0, nil
	}
	revision, atoiErr := strconv.Atoi(number)
	if atoiErr != nil || revision < 1 || revision > maxRevision || number[0] == '+' {
		return "", 0, ecs.Errorf(ecs.InvalidParameterException, "Invalid revision number. Number: %s", number)
	}
	return family, revision, nil
}

// maxRevision is what the API's 32-bit integer can show.
const maxRevision = 1<<31 - 1

// resource gives what follows "kind/" in the ARN ref, provided that it is an ECS ARN of this account and region. The texts
// follow those of real accounts: "Invalid identifier: Identifier is for cluster jan7. Your cluster is default"
// (aws/aws-toolkit-vscode#2915), "Identifier is for 111122223333. Your accountId is ..."
// (aws-actions/amazon-ecs-deploy-task-definition#261).
func (n Namer) resource(ref, kind string) (string, error) {
	a, ok := Parse(ref)
	if !ok || a.Service != "ecs" || a.Partition != n.Partition() {
		return "", invalid(ref)
	}
	if a.Region != n.Region {
		return "", ecs.Errorf(ecs.InvalidParameterException, "Invalid identifier: Identifier is for %s. Your region is %s", a.Region, n.Region)
	}
	if a.Account != n.Account {
		return "", ecs.Errorf(ecs.InvalidParameterException, "Invalid identifier: Identifier is for %s. Your accountId is %s", a.Account, n.Account)
	}
	got, rest, _ := strings.Cut(a.Resource, "/")
	if got != kind {
		return "", ecs.Errorf(ecs.InvalidParameterException, "Invalid identifier: Identifier is for %s. Expected %s", got, kind)
	}
	return rest, nil
}

// within takes "cluster/x" or the old "x" apart and checks the cluster.
func within(cluster, rest string) (string, error) {
	got, id, long := strings.Cut(rest, "/")
	if !long {
		return rest, nil
	}
	if got != cluster {
		return "", ecs.Errorf(ecs.InvalidParameterException, "Invalid identifier: Identifier is for cluster %s. Your cluster is %s", got, cluster)
	}
	return id, nil
}

func invalid(ref string) *ecs.Error {
	const longest = 300 // of what is repeated to the client
	if len(ref) > longest {
		ref = ref[:longest] + "..."
	}
	return ecs.Errorf(ecs.InvalidParameterException, "Invalid identifier: %s", ref)
}
