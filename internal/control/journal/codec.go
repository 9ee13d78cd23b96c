package journal

import (
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"ballast/internal/ecs"
	"ballast/internal/store"
)

// Token remembers the answer to a request that carried a client token, so that a repetition gets the same one.
type Token struct {
	// Digest is a hash of the request's parameters: the same token with others is a conflict.
	Digest  [16]byte `cbor:"1,keyasint"`
	At      ecs.Time `cbor:"2,keyasint"`
	Tasks   []ecs.ID `cbor:"3,keyasint,omitempty"` // RunTask
	Service string   `cbor:"4,keyasint,omitempty"` // CreateService
}

// Family remembers the revision numbers that a family of task definitions has given out, when some of them are gone.
type Family struct {
	Name   string `cbor:"1,keyasint"`
	Newest int    `cbor:"2,keyasint"`
}

// taskRecord adds to a task what it refers to by pointer.
type taskRecord struct {
	ecs.Task
	Family   string `cbor:"50,keyasint"`
	Revision int    `cbor:"51,keyasint"`
}

// Encode gives the durable changes of units as the store takes them.
func Encode(units []Unit) ([]store.Unit, error) {
	out := make([]store.Unit, 0, len(units))
	for _, unit := range units {
		records := make(store.Unit, 0, len(unit))
		for _, change := range unit {
			if !change.Durable {
				continue
			}
			value, err := encode(change.Record)
			if err != nil {
				return nil, fmt.Errorf("encode %s: %w", change.Key, err)
			}
			records = append(records, store.Record{Key: change.Key.String(), Value: value})
		}
		if len(records) > 0 {
			out = append(out, records)
		}
	}
	return out, nil
}

func encode(record any) ([]byte, error) {
	switch r := record.(type) {
	case nil:
		return nil, nil
	case *ecs.Task:
		return cbor.Marshal(taskRecord{Task: *r, Family: r.Definition.Family, Revision: r.Definition.Revision})
	}
	return cbor.Marshal(record)
}

// Lookup finds a task definition revision that has been loaded before.
type Lookup func(family string, revision int) *ecs.TaskDefinition

// Decode reads a record: *ecs.Cluster, *ecs.TaskDefinition, *ecs.ContainerInstance, *ecs.Service, *ecs.ServiceEvent, *ecs.Task,
// *Token or *Family.
func Decode(key Key, value []byte, lookup Lookup) (any, error) {
	record, err := decode(key, value, lookup)
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", key, err)
	}
	return record, nil
}

func decode(key Key, value []byte, lookup Lookup) (any, error) {
	switch key.Kind {
	case KindCluster:
		return read(value, &ecs.Cluster{})
	case KindDefinition:
		return read(value, &ecs.TaskDefinition{})
	case KindInstance:
		return read(value, &ecs.ContainerInstance{Cluster: key.Cluster})
	case KindServiceEvent:
		return read(value, &ecs.ServiceEvent{})
	case KindToken:
		return read(value, &Token{})
	case KindFamily:
		return read(value, &Family{})
	case KindService:
		return decodeService(key, value, lookup)
	case KindTask:
		return decodeTask(key, value, lookup)
	}
	return nil, fmt.Errorf("unknown kind %d", key.Kind)
}

func read[R any](value []byte, record *R) (any, error) {
	if err := cbor.Unmarshal(value, record); err != nil {
		return nil, err
	}
	return record, nil
}

func decodeService(key Key, value []byte, lookup Lookup) (any, error) {
	s := &ecs.Service{Cluster: key.Cluster}
	if err := cbor.Unmarshal(value, s); err != nil {
		return nil, err
	}
	deployments := make([]*ecs.Deployment, 0, len(s.Deployments)+1)
	for i := range s.Deployments {
		deployments = append(deployments, &s.Deployments[i])
	}
	if s.LastCompleted != nil {
		deployments = append(deployments, s.LastCompleted)
	}
	for _, d := range deployments {
		if d.Definition = lookup(d.Family, d.Revision); d.Definition == nil {
			return nil, fmt.Errorf("task definition %s:%d is missing", d.Family, d.Revision)
		}
	}
	if s.Definition = lookup(s.Family, s.Revision); s.Definition == nil {
		return nil, fmt.Errorf("task definition %s:%d is missing", s.Family, s.Revision)
	}
	return s, nil
}

func decodeTask(key Key, value []byte, lookup Lookup) (any, error) {
	var r taskRecord
	if err := cbor.Unmarshal(value, &r); err != nil {
		return nil, err
	}
	t := &r.Task
	t.Cluster = key.Cluster
	if t.Definition = lookup(r.Family, r.Revision); t.Definition == nil {
		return nil, fmt.Errorf("task definition %s:%d is missing", r.Family, r.Revision)
	}
	return t, nil
}
