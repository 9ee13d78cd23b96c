package ecs

import (
	"encoding/hex"
	"slices"
)

// Network says where the tasks of a task definition in network mode awsvpc get their addresses (API_AwsVpcConfiguration). The
// subnets and security groups are another world's: their ids are kept and shown, and nothing is looked up.
type Network struct {
	Subnets        []string `cbor:"1,keyasint"` // 1 to 16
	SecurityGroups []string `cbor:"2,keyasint,omitempty"`
}

// Equal says whether two networks are the same, nil being one of its own.
func (n *Network) Equal(o *Network) bool {
	if n == nil || o == nil {
		return n == o
	}
	return slices.Equal(n.Subnets, o.Subnets) && slices.Equal(n.SecurityGroups, o.SecurityGroups)
}

// CheckMode refuses a network, nil for none, that tasks in that network mode cannot be started with. The texts are those of real
// accounts (aws-actions/amazon-ecs-deploy-task-definition#802 and #616).
func (n *Network) CheckMode(mode NetworkMode) error {
	switch {
	case mode == NetworkAwsvpc && n == nil:
		return Errorf(InvalidParameterException, "Network Configuration must be provided when networkMode 'awsvpc' is specified.")
	case mode != NetworkAwsvpc && n != nil:
		return Errorf(InvalidParameterException, "Network Configuration is not valid for the given networkMode of this task definition.")
	}
	return nil
}

// Interface is the elastic network interface that a task in network mode awsvpc shows as its attachment. Its address is the one
// that the agent reports for the containers.
type Interface struct {
	ID     ID     `cbor:"1,keyasint"` // of the attachment
	Subnet string `cbor:"2,keyasint"`
}

// Name is the interface's own id in the form of EC2.
func (i *Interface) Name() string { return "eni-0" + hex.EncodeToString(i.ID[:8]) }

// MAC is a locally administered address, the same for the same interface.
func (i *Interface) MAC() string {
	address := []byte("02:00:00:00:00:00")
	for n, b := range i.ID[8:13] {
		hex.Encode(address[3*(n+1):], []byte{b})
	}
	return string(address)
}

// AttachmentStatus is the status of the interface as DescribeTasks shows it (API_Attachment): it follows from how far the task
// has come and whether the agent has told an address.
func (t *Task) AttachmentStatus() string {
	switch {
	case t.LastStatus < StatusPending:
		return "PRECREATED"
	case t.LastStatus == StatusStopped:
		return "DELETED"
	case t.LastStatus == StatusDeprovisioning:
		return "DETACHING"
	case t.Address() == "":
		return "ATTACHING"
	}
	return "ATTACHED"
}

// Address is the private IPv4 address of the task (API_Attachment, privateIPv4Address), "" where it has none of its own or it is not known yet.
func (t *Task) Address() string {
	for i := range t.Containers {
		if address := t.Containers[i].Address; address != "" {
			return address
		}
	}
	return ""
}
