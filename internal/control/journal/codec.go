package journal

import (
	"fmt"
	"unique"

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

// Stored is a record as the store had it: read, and not yet tied to the task definitions that it refers to.
type Stored struct {
	Key    Key
	record any
}

// Parse reads a record. It needs nothing but the record, so that records can be read side by side.
func Parse(name string, value []byte) (Stored, error) {
	key, err := ParseKey(name)
	if err != nil {
		return Stored{}, err
	}
	key.Cluster = unique.Make(key.Cluster).Value() // one string for all records of a cluster
	record, err := parse(key, value)
	if err != nil {
		return Stored{}, fmt.Errorf("decode %s: %w", key, err)
	}
	return Stored{key, record}, nil
}

// Record gives the record itself: *ecs.Cluster, *ecs.TaskDefinition, *ecs.ContainerInstance, *ecs.Service, *ecs.ServiceEvent,
// *ecs.ServiceDeployment, *ecs.Task, *Token or *Family.
func (s Stored) Record(lookup Lookup) (any, error) {
	record, err := resolve(s.record, lookup)
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", s.Key, err)
	}
	return record, nil
}

func parse(key Key, value []byte) (any, error) {
	switch key.Kind {
	case KindCluster:
		return read(value, &ecs.Cluster{})
	case KindDefinition:
		return read(value, &ecs.TaskDefinition{})
	case KindInstance:
		return read(value, &ecs.ContainerInstance{Cluster: key.Cluster})
	case KindServiceEvent:
		return read(value, &ecs.ServiceEvent{})
	case KindDeployment:
		return read(value, &ecs.ServiceDeployment{})
	case KindToken:
		return read(value, &Token{})
	case KindFamily:
		return read(value, &Family{})
	case KindService:
		return read(value, &ecs.Service{Cluster: key.Cluster})
	case KindTask:
		r := &taskRecord{}
		if _, err := read(value, r); err != nil {
			return nil, err
		}
		r.Cluster, r.Service = key.Cluster, unique.Make(r.Service).Value()
		return r, nil
	}
	return nil, fmt.Errorf("unknown kind %d", key.Kind)
}

func read[R any](value []byte, record *R) (any, error) {
	if err := cbor.Unmarshal(value, record); err != nil {
		return nil, err
	}
	return record, nil
}

func resolve(record any, lookup Lookup) (any, error) {
	find := func(to **ecs.TaskDefinition, family string, revision int) error {
		if *to = lookup(family, revision); *to == nil {
			return fmt.Errorf("task definition %s:%d is missing", family, revision)
		}
		return nil
	}
	switch r := record.(type) {
	case *ecs.Service:
		for i := range r.Deployments {
			d := &r.Deployments[i]
			if err := find(&d.Definition, d.Family, d.Revision); err != nil {
				return nil, err
			}
		}
		if d := r.LastCompleted; d != nil {
			if err := find(&d.Definition, d.Family, d.Revision); err != nil {
				return nil, err
			}
		}
		return r, find(&r.Definition, r.Family, r.Revision)
	case *taskRecord:
		return &r.Task, find(&r.Definition, r.Family, r.Revision)
	}
	return record, nil
}
