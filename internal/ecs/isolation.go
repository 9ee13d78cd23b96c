package ecs

// Isolation is what a container asks for of a driver that separates it from its host (API_ContainerDefinition and
// API_LinuxParameters). A driver that cannot give a part of it refuses the container, naming the part.
type Isolation struct {
	User            string   `cbor:"1,keyasint,omitempty"` // user, uid, user:group, uid:gid, ...
	Hostname        string   `cbor:"2,keyasint,omitempty"`
	Privileged      bool     `cbor:"3,keyasint,omitempty"`
	ReadonlyRoot    bool     `cbor:"4,keyasint,omitempty"`
	Interactive     bool     `cbor:"5,keyasint,omitempty"` // stdin stays open
	PseudoTerminal  bool     `cbor:"6,keyasint,omitempty"`
	DisableNetwork  bool     `cbor:"7,keyasint,omitempty"`
	Init            bool     `cbor:"8,keyasint,omitempty"`  // a process that forwards signals and reaps comes first
	SharedMemory    int      `cbor:"9,keyasint,omitempty"`  // MiB of /dev/shm, 0 = the driver's default
	MaxSwap         *int     `cbor:"10,keyasint,omitempty"` // MiB of swap, nil = the driver's default
	Swappiness      *int     `cbor:"11,keyasint,omitempty"` // 0 to 100, without effect where MaxSwap is nil
	Links           []string `cbor:"12,keyasint,omitempty"` // "container" or "container:alias", of the same task
	DNSServers      []string `cbor:"13,keyasint,omitempty"`
	DNSSearch       []string `cbor:"14,keyasint,omitempty"`
	SecurityOptions []string `cbor:"15,keyasint,omitempty"`
	CapAdd          []string `cbor:"16,keyasint,omitempty"`
	CapDrop         []string `cbor:"17,keyasint,omitempty"`

	// Hosts are extra lines of /etc/hosts: Name is the host name, Value the address.
	Hosts []Variable `cbor:"18,keyasint,omitempty"`
	// Sysctls are kernel parameters, in the order given.
	Sysctls []Variable `cbor:"19,keyasint,omitempty"`
	// Labels are sorted by name.
	Labels  []Variable `cbor:"20,keyasint,omitempty"`
	Ulimits []Ulimit   `cbor:"21,keyasint,omitempty"`
	Devices []Device   `cbor:"22,keyasint,omitempty"`
	Tmpfs   []Tmpfs    `cbor:"23,keyasint,omitempty"`
}

// Ulimit bounds a resource of the processes of a container (API_Ulimit). A limit of -1 is none.
type Ulimit struct {
	Name string `cbor:"1,keyasint"` // as "nofile"
	Soft int64  `cbor:"2,keyasint"`
	Hard int64  `cbor:"3,keyasint"`
}

// Device is a device of the host in a container (API_Device).
type Device struct {
	HostPath      string `cbor:"1,keyasint"`
	ContainerPath string `cbor:"2,keyasint,omitempty"` // "" = the same
	// Permissions are some of the letters r, w and m in this order; "" = all.
	Permissions string `cbor:"3,keyasint,omitempty"`
}

// Tmpfs is a file system in memory (API_Tmpfs).
type Tmpfs struct {
	ContainerPath string   `cbor:"1,keyasint"`
	Size          int      `cbor:"2,keyasint"` // MiB
	Options       []string `cbor:"3,keyasint,omitempty"`
}

// Volume is storage that containers of a task may mount (API_Volume).
type Volume struct {
	Name string `cbor:"1,keyasint"`
	// HostPath is a path of the host; where it is empty and Docker nil, the volume is made for the task and goes with it.
	HostPath string        `cbor:"2,keyasint,omitempty"`
	Docker   *DockerVolume `cbor:"3,keyasint,omitempty"`
}

// DockerVolume is a volume that a Docker engine manages (API_DockerVolumeConfiguration).
type DockerVolume struct {
	// Shared volumes outlive the task; those that are not are made for the task and go with it.
	Shared bool `cbor:"1,keyasint,omitempty"`
	// Autoprovision makes a shared volume where there is none.
	Autoprovision bool       `cbor:"2,keyasint,omitempty"`
	Driver        string     `cbor:"3,keyasint,omitempty"` // "" = local
	Options       []Variable `cbor:"4,keyasint,omitempty"` // sorted by name
	Labels        []Variable `cbor:"5,keyasint,omitempty"` // sorted by name
}

// MountPoint shows a volume to a container (API_MountPoint).
type MountPoint struct {
	Volume        string `cbor:"1,keyasint"`
	ContainerPath string `cbor:"2,keyasint"`
	ReadOnly      bool   `cbor:"3,keyasint,omitempty"`
}

// VolumeFrom shows all volumes of another container of the task to a container (API_VolumeFrom).
type VolumeFrom struct {
	Container string `cbor:"1,keyasint"`
	ReadOnly  bool   `cbor:"2,keyasint,omitempty"`
}

// Sharing says with whom a container shares a namespace (API_RegisterTaskDefinition, pidMode and ipcMode).
type Sharing uint8

// The ways of sharing.
const (
	SharingDefault Sharing = iota // the driver's default, a namespace of its own
	SharingHost                   // with the host
	SharingTask                   // with the other containers of the task
	SharingNone                   // with nobody
)

var sharingNames = [...]string{"", "host", "task", "none"}

// String gives the name that the API uses, "" for the default.
func (s Sharing) String() string { return sharingNames[s] }
