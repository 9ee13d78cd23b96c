package ecs

// ContainerInstance is a registered host that runs our agent.
type ContainerInstance struct {
	// Seq orders the container instances of a cluster by registration.
	Seq     uint64         `cbor:"1,keyasint"`
	ID      ID             `cbor:"2,keyasint"`
	Cluster string         `cbor:"-"`
	Status  InstanceStatus `cbor:"3,keyasint"`
	Version int            `cbor:"4,keyasint,omitempty"`

	RegisteredAt Time        `cbor:"5,keyasint"`
	Registered   Resources   `cbor:"6,keyasint"`
	Attributes   []Attribute `cbor:"7,keyasint,omitempty"`
	AgentVersion string      `cbor:"8,keyasint,omitempty"`
	Zone         string      `cbor:"9,keyasint,omitempty"`
	Driver       string      `cbor:"10,keyasint,omitempty"` // "process", "fake", ...

	Tags []Tag `cbor:"11,keyasint,omitempty"`

	// InactiveAt is when the container instance was deregistered.
	InactiveAt Time `cbor:"12,keyasint,omitempty"`

	// Derived, never journalled.
	Connected bool `cbor:"-"`
	// Impaired says why the agent does not reach its container runtime, as far as it has told; "" where it does.
	Impaired  string    `cbor:"-"`
	Remaining Resources `cbor:"-"`
	Running   int       `cbor:"-"`
	Pending   int       `cbor:"-"`
}

// InstanceStatus is the status of a container instance.
type InstanceStatus uint8

// The statuses of a container instance (API_ContainerInstance): a draining one takes no new tasks, an inactive one has been deregistered.
const (
	InstanceActive InstanceStatus = iota
	InstanceDraining
	InstanceInactive
)

var instanceStatusNames = [...]string{"ACTIVE", "DRAINING", "INACTIVE"}

// String gives the name that the API uses.
func (s InstanceStatus) String() string { return instanceStatusNames[s] }

// Resources are what tasks reserve on a container instance. Ports are sorted and hold only host ports that were asked for by
// number; those chosen at start are not reserved (API_Resource).
type Resources struct {
	CPU      int      `cbor:"1,keyasint,omitempty"` // CPU units, 1,024 a core
	Memory   int      `cbor:"2,keyasint,omitempty"` // MiB
	Ports    []uint16 `cbor:"3,keyasint,omitempty"`
	PortsUDP []uint16 `cbor:"4,keyasint,omitempty"`
}

// Attribute describes a container instance to placement constraints. An empty Value means that only the name counts.
type Attribute struct {
	Name  string `cbor:"1,keyasint"`
	Value string `cbor:"2,keyasint,omitempty"`
}

// Cluster is a namespace of services, tasks and container instances (API_Cluster).
type Cluster struct {
	Seq       uint64    `cbor:"1,keyasint"`
	Name      string    `cbor:"2,keyasint"`
	CreatedAt Time      `cbor:"3,keyasint"`
	Tags      []Tag     `cbor:"4,keyasint,omitempty"`
	Settings  []Setting `cbor:"5,keyasint,omitempty"`
	Inactive  bool      `cbor:"6,keyasint,omitempty"`
	// InactiveAt is when the cluster was deleted.
	InactiveAt Time `cbor:"7,keyasint,omitempty"`

	// Derived, never journalled.
	Instances int `cbor:"-"`
	Running   int `cbor:"-"`
	Pending   int `cbor:"-"`
	Services  int `cbor:"-"`
}

// Setting is a named option of a cluster (API_ClusterSetting); it is kept and shown, and changes nothing.
type Setting struct {
	Name  string `cbor:"1,keyasint"`
	Value string `cbor:"2,keyasint,omitempty"`
}
