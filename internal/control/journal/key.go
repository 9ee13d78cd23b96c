package journal

import (
	"fmt"
	"strconv"
	"strings"

	"ballast/internal/ecs"
)

// Kind says what a record is.
type Kind uint8

// The kinds of records. Those of the account come first, so that a load meets task definitions before what refers to them.
const (
	KindCluster Kind = iota + 1
	KindDefinition
	KindInstance
	KindService
	KindServiceEvent
	KindTask
	KindToken
	KindFamily
	KindDeployment
)

// Key names a record. Which fields count depends on the kind; keys of one kind sort by creation.
type Key struct {
	Kind    Kind
	Cluster string // all kinds but KindDefinition; the family of KindFamily
	Token   string // KindToken: operation and token
	// Seq is the number of the object within its cluster, for KindDefinition within the account, for KindServiceEvent and
	// KindDeployment that of the service.
	Seq   uint64
	Event uint64 // KindServiceEvent: number of the event; KindDeployment: of the service deployment
}

// ClusterKey and its siblings name the record of an object.
func ClusterKey(name string) Key { return Key{Kind: KindCluster, Cluster: name} }

// DefinitionKey names the record of a task definition revision.
func DefinitionKey(d *ecs.TaskDefinition) Key {
	return Key{Kind: KindDefinition, Seq: d.Seq}
}

// FamilyKey names the record of a family of task definitions; there is one where a revision has been removed.
func FamilyKey(family string) Key { return Key{Kind: KindFamily, Cluster: family} }

// InstanceKey names the record of a container instance.
func InstanceKey(i *ecs.ContainerInstance) Key {
	return Key{Kind: KindInstance, Cluster: i.Cluster, Seq: i.Seq}
}

// ServiceKey names the record of a service.
func ServiceKey(s *ecs.Service) Key { return Key{Kind: KindService, Cluster: s.Cluster, Seq: s.Seq} }

// EventKey names the record of a service event.
func EventKey(s *ecs.Service, n uint64) Key {
	return Key{Kind: KindServiceEvent, Cluster: s.Cluster, Seq: s.Seq, Event: n}
}

// DeploymentKey names the record of a service deployment that is not the service's current one any more.
func DeploymentKey(s *ecs.Service, n uint64) Key {
	return Key{Kind: KindDeployment, Cluster: s.Cluster, Seq: s.Seq, Event: n}
}

// TaskKey names the record of a task.
func TaskKey(t *ecs.Task) Key { return Key{Kind: KindTask, Cluster: t.Cluster, Seq: t.Seq} }

// TokenKey names the record of a client token.
func TokenKey(cluster, operation, token string) Key {
	return Key{Kind: KindToken, Cluster: cluster, Token: operation + "/" + token}
}

var kindNames = map[Kind]string{KindInstance: "instance", KindService: "service", KindServiceEvent: "event",
	KindTask: "task", KindToken: "token", KindDeployment: "deployment"}

// numbered says whether records of a kind are numbered within their service.
func (k Kind) numbered() bool { return k == KindServiceEvent || k == KindDeployment }

// String gives the key as the store has it. Numbers are padded so that byte order is numerical order.
func (k Key) String() string {
	switch k.Kind {
	case KindCluster:
		return "a/cluster/" + k.Cluster
	case KindDefinition:
		return "a/definition/" + padded(k.Seq)
	case KindFamily:
		return "a/family/" + k.Cluster
	case KindServiceEvent, KindDeployment:
		return "c/" + k.Cluster + "/" + kindNames[k.Kind] + "/" + padded(k.Seq) + "/" + padded(k.Event)
	case KindToken:
		return "c/" + k.Cluster + "/token/" + k.Token
	}
	return "c/" + k.Cluster + "/" + kindNames[k.Kind] + "/" + padded(k.Seq)
}

// keyDigits is the width of a number in a key: 40 bits in hexadecimal, 10^12 objects of a kind in a cluster.
const keyDigits = 10

func padded(n uint64) string {
	s := strconv.FormatUint(n, 16)
	if len(s) >= keyDigits {
		return s
	}
	return "0000000000"[:keyDigits-len(s)] + s
}

// ParseKey reads what String wrote.
func ParseKey(s string) (Key, error) {
	parts := strings.SplitN(s, "/", 5)
	bad := fmt.Errorf("journal key %q is not of this version of Ballast", s)
	switch {
	case len(parts) == 3 && parts[0] == "a" && parts[1] == "cluster":
		return ClusterKey(parts[2]), nil
	case len(parts) == 3 && parts[0] == "a" && parts[1] == "family":
		return FamilyKey(parts[2]), nil
	case len(parts) == 3 && parts[0] == "a" && parts[1] == "definition":
		seq, err := strconv.ParseUint(parts[2], 16, 64)
		if err != nil {
			return Key{}, bad
		}
		return Key{Kind: KindDefinition, Seq: seq}, nil
	case len(parts) < 4 || parts[0] != "c":
		return Key{}, bad
	case parts[2] == "token":
		return Key{Kind: KindToken, Cluster: parts[1], Token: strings.Join(parts[3:], "/")}, nil
	}
	key := Key{Cluster: parts[1]}
	for kind, name := range kindNames {
		if name == parts[2] {
			key.Kind = kind
		}
	}
	var err error
	if key.Seq, err = strconv.ParseUint(parts[3], 16, 64); err != nil || key.Kind == 0 {
		return Key{}, bad
	}
	if key.Kind.numbered() != (len(parts) == 5) {
		return Key{}, bad
	}
	if key.Kind.numbered() {
		if key.Event, err = strconv.ParseUint(parts[4], 16, 64); err != nil {
			return Key{}, bad
		}
	}
	return key, nil
}
