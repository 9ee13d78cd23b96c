package ecs

import (
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/ecs"
)

// What a network configuration can name (API_AwsVpcConfiguration).
const (
	maxSubnets        = 16
	maxSecurityGroups = 5
	maxForeignID      = 64 // of a subnet or security group; those of EC2 have 17 digits
)

// networkFields are the members of a network configuration.
var networkFields = table{
	"networkConfiguration.awsvpcConfiguration.subnets[]":        kept("checked for form, kept and shown; subnets live outside Ballast"),
	"networkConfiguration.awsvpcConfiguration.securityGroups[]": kept("checked for form, kept and shown; security groups live outside Ballast"),
	"networkConfiguration.awsvpcConfiguration.assignPublicIp":   works,
}

// networkOf reads a network configuration, nil where none is given or an empty one, as some clients do. The texts are those of real accounts, with EC2's words for ids
// of the wrong form.
func networkOf(in *types.NetworkConfiguration) (*ecs.Network, error) {
	if in == nil || isDefault(reflect.ValueOf(in)) {
		return nil, nil
	}
	c := in.AwsvpcConfiguration
	refuse := func(format string, args ...any) (*ecs.Network, error) {
		return nil, ecs.Errorf(ecs.InvalidParameterException, format, args...)
	}
	switch {
	case len(c.Subnets) == 0:
		return refuse("subnets can not be empty.")
	case len(c.Subnets) > maxSubnets:
		return refuse("subnets can have at most %d items.", maxSubnets)
	case len(c.SecurityGroups) > maxSecurityGroups:
		return refuse("securityGroups can have at most %d items.", maxSecurityGroups)
	case c.AssignPublicIp == types.AssignPublicIpEnabled:
		return refuse("Assign public IP is not supported for this launch type.")
	}
	for _, id := range c.Subnets {
		if !foreignID(id, "subnet-") {
			return refuse(`Error retrieving subnet information for [%s]: Invalid id: "%s" (expecting "subnet-...") (ErrorCode: InvalidSubnetID.Malformed)`, id, id)
		}
	}
	for _, id := range c.SecurityGroups {
		if !foreignID(id, "sg-") {
			return refuse(`Error retrieving security group information for [%s]: Invalid id: "%s" (expecting "sg-...") (ErrorCode: InvalidGroupId.Malformed)`, id, id)
		}
	}
	return &ecs.Network{Subnets: c.Subnets, SecurityGroups: c.SecurityGroups}, nil
}

// networkFor is networkOf for tasks of a network mode, which need a network or must not have one.
func networkFor(in *types.NetworkConfiguration, mode ecs.NetworkMode) (*ecs.Network, error) {
	n, err := networkOf(in)
	if err != nil {
		return nil, err
	}
	return n, n.CheckMode(mode)
}

// foreignID says whether an id of EC2 has the form that it has there: what it is, then letters and digits.
func foreignID(id, prefix string) bool {
	rest, ok := strings.CutPrefix(id, prefix)
	return ok && rest != "" && len(rest) <= maxForeignID && strings.Trim(rest, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func showNetwork(n *ecs.Network) *types.NetworkConfiguration {
	if n == nil {
		return nil
	}
	groups := n.SecurityGroups
	if groups == nil {
		groups = []string{}
	}
	return &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: n.Subnets, SecurityGroups: groups,
		AssignPublicIp: types.AssignPublicIpDisabled}}
}

// showAttachments gives the network interface of a task as ECS shows it.
func (a *API) showAttachments(t *ecs.Task) []types.Attachment {
	i := t.Interface
	if i == nil {
		return []types.Attachment{}
	}
	detail := func(name, value string) types.KeyValuePair { return types.KeyValuePair{Name: &name, Value: &value} }
	details := []types.KeyValuePair{detail("subnetId", i.Subnet)}
	if t.LastStatus >= ecs.StatusPending {
		details = append(details, detail("networkInterfaceId", i.Name()), detail("macAddress", i.MAC()))
	}
	if address := t.Address(); address != "" {
		details = append(details, detail("privateDnsName", a.names.PrivateName(address)), detail("privateIPv4Address", address))
	}
	return []types.Attachment{{Id: new(i.ID.UUID()), Type: new("ElasticNetworkInterface"), Status: new(t.AttachmentStatus()),
		Details: details}}
}

// showInterfaces gives the network interface as one container of the task shows it.
func showInterfaces(t *ecs.Task, c *ecs.Container) []types.NetworkInterface {
	if t.Interface == nil || c.Address == "" {
		return []types.NetworkInterface{}
	}
	return []types.NetworkInterface{{AttachmentId: new(t.Interface.ID.UUID()), PrivateIpv4Address: &c.Address}}
}
