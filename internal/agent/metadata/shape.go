package metadata

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"ballast/internal/agent"
	"ballast/internal/arn"
	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// The answers, with the names and in the order that the agent of ECS has (amazon-ecs-agent, ecs-agent/tmds/handlers/v2 and v4/state).

type taskShape struct {
	Cluster               string
	TaskARN               string
	Family                string
	Revision              string
	DesiredStatus         string `json:",omitempty"`
	KnownStatus           string
	Limits                *taskLimits       `json:",omitempty"`
	PullStartedAt         *time.Time        `json:",omitempty"`
	PullStoppedAt         *time.Time        `json:",omitempty"`
	ExecutionStoppedAt    *time.Time        `json:",omitempty"`
	AvailabilityZone      string            `json:",omitempty"`
	TaskTags              map[string]string `json:",omitempty"`
	ContainerInstanceTags map[string]string `json:",omitempty"`
	LaunchType            string            `json:",omitempty"`
	Containers            []containerShape  `json:",omitempty"`
	ServiceName           string            `json:",omitempty"`
	FaultInjectionEnabled *bool             `json:",omitempty"`
}

// taskLimits are in vCPU and MiB.
type taskLimits struct {
	CPU    *float64 `json:",omitempty"`
	Memory *int     `json:",omitempty"`
}

// containerLimits are in CPU units and MiB.
type containerLimits struct {
	CPU    *float64 `json:",omitempty"`
	Memory *int     `json:",omitempty"`
}

type containerShape struct {
	DockerId      string
	Name          string
	DockerName    string
	Image         string
	ImageID       string
	Ports         []portShape       `json:",omitempty"`
	Labels        map[string]string `json:",omitempty"`
	DesiredStatus string
	KnownStatus   string
	ExitCode      *int32 `json:",omitempty"`
	Limits        containerLimits
	CreatedAt     *time.Time `json:",omitempty"`
	StartedAt     *time.Time `json:",omitempty"`
	FinishedAt    *time.Time `json:",omitempty"`
	Type          string
	Health        *healthShape      `json:"Health,omitempty"`
	Volumes       []volumeShape     `json:",omitempty"`
	LogDriver     string            `json:",omitempty"`
	LogOptions    map[string]string `json:",omitempty"`
	ContainerARN  string            `json:",omitempty"`
	Networks      []networkShape    `json:",omitempty"`
	RestartCount  *int              `json:",omitempty"`
}

type portShape struct {
	ContainerPort uint16
	Protocol      string
	HostPort      uint16 `json:",omitempty"`
	HostIp        string `json:",omitempty"`
}

type healthShape struct {
	Status   string     `json:"status,omitempty"`
	Since    *time.Time `json:"statusSince,omitempty"`
	ExitCode int        `json:"exitCode,omitempty"`
	Output   string     `json:"output,omitempty"`
}

type volumeShape struct {
	DockerName  string `json:",omitempty"`
	Source      string `json:",omitempty"`
	Destination string `json:",omitempty"`
}

type networkShape struct {
	NetworkMode   string   `json:",omitempty"`
	IPv4Addresses []string `json:",omitempty"`
	// What only a network interface of the task's own has.
	AttachmentIndex *int   `json:",omitempty"`
	MACAddress      string `json:",omitempty"`
	PrivateDNSName  string `json:",omitempty"`
}

// scene is everything that an answer is made of.
type scene struct {
	names   arn.Namer
	cluster string
	zone    string
	view    *agent.TaskView
	// record is what control says of the task, nil when it says nothing.
	record *ecs.Task
	// addresses are those of containers in a bridge network, by name.
	addresses map[string]string
	// hostAddress is that of containers in the network of the host.
	hostAddress string
}

// task shows the whole task. Containers that do not exist yet are left out, as the agent of ECS does.
func (s *scene) task() taskShape {
	v := s.view
	out := taskShape{
		Cluster: s.cluster, TaskARN: s.names.Task(s.cluster, v.Task), Family: v.Work.Definition.Family,
		Revision: strconv.Itoa(v.Work.Definition.Revision), DesiredStatus: v.Desired.String(), KnownStatus: v.Known,
		Limits: s.limits(), PullStartedAt: moment(v.PullStartedAt), PullStoppedAt: moment(v.PullStoppedAt),
		ExecutionStoppedAt: moment(v.ExecutionStoppedAt), AvailabilityZone: s.zone, LaunchType: "EC2", ServiceName: v.Work.Service,
		FaultInjectionEnabled: new(bool),
	}
	for i := range v.Containers {
		if c := &v.Containers[i]; exists(c) {
			out.Containers = append(out.Containers, s.container(c))
		}
	}
	return out
}

func exists(c *agent.ContainerView) bool { return c.Known != "NONE" }

// limits are those of the task as a whole, in vCPU and MiB; nil where it has none.
func (s *scene) limits() *taskLimits {
	d := s.view.Work.Definition
	cpu, memory := d.CPU, d.Memory
	if o := s.view.Work.Overrides; o != nil {
		if o.CPU != 0 {
			cpu = o.CPU
		}
		if o.Memory != 0 {
			memory = o.Memory
		}
	}
	if cpu == 0 && memory == 0 {
		return nil
	}
	out := &taskLimits{}
	if cpu != 0 {
		out.CPU = new(float64(cpu) / 1024)
	}
	if memory != 0 {
		out.Memory = &memory
	}
	return out
}

// minCPU is what Docker gives a container at least, in CPU units (amazon-ecs-agent, agent/handlers/v2, minimumCPUUnit).
const minCPU = 2

// container shows one container.
func (s *scene) container(c *agent.ContainerView) containerShape {
	out := containerShape{
		DockerId: dockerID(c), Name: c.Key.Container, DockerName: s.dockerName(c), Image: c.Spec.Image, ImageID: c.Started.ImageDigest,
		Ports: ports(c.Started.Bindings), Labels: s.labels(c), DesiredStatus: s.view.Desired.String(), KnownStatus: c.Known,
		ExitCode: c.ExitCode, Limits: containerLimits{CPU: new(float64(max(c.Spec.CPU, minCPU))), Memory: new(c.Spec.Memory)},
		CreatedAt: moment(created(c)), StartedAt: moment(c.Started.At), FinishedAt: moment(c.StoppedAt), Type: "NORMAL",
		Health: health(c), Volumes: volumes(c), Networks: s.networks(c),
	}
	if l := c.Spec.Logging; l != nil {
		out.LogDriver, out.LogOptions = l.Driver, map[string]string{}
		for _, o := range l.Options {
			out.LogOptions[o.Name] = o.Value
		}
	}
	if c.Definition.RestartPolicy != nil {
		out.RestartCount = new(c.Key.Attempt)
	}
	if s.record != nil {
		for i := range s.record.Containers {
			if i < len(s.record.Definition.Containers) && s.record.Definition.Containers[i].Name == c.Key.Container {
				out.ContainerARN = s.names.Container(s.cluster, s.view.Task, s.record.Containers[i].ID)
			}
		}
	}
	return out
}

// created is when a container was made; of one that an earlier agent made, when it started is all that is known.
func created(c *agent.ContainerView) ecs.Time {
	if c.CreatedAt == 0 {
		return c.Started.At
	}
	return c.CreatedAt
}

// dockerID is what a container is known by; one that is being started is known by it already.
func dockerID(c *agent.ContainerView) string {
	return driver.ContainerID(c.Key.Task.String(), c.Key.Container, cmp.Or(c.Started.RuntimeID, "-"))
}

// dockerName has the form that the agent of ECS gives: "ecs-<family>-<revision>-<container>-<20 hex>".
func (s *scene) dockerName(c *agent.ContainerView) string {
	d := s.view.Work.Definition
	return fmt.Sprintf("ecs-%s-%d-%s-%s", d.Family, d.Revision, c.Key.Container, dockerID(c)[:20])
}

// labels are those of the definition and ECS's own, which win.
func (s *scene) labels(c *agent.ContainerView) map[string]string {
	labels := map[string]string{}
	if i := c.Definition.Isolation; i != nil {
		for _, l := range i.Labels {
			labels[l.Name] = l.Value
		}
	}
	labels["com.amazonaws.ecs.task-arn"] = s.names.Task(s.cluster, s.view.Task)
	for name, value := range c.Spec.Labels {
		labels[name] = value
	}
	return labels
}

func ports(bindings []ecs.Binding) []portShape {
	var out []portShape
	for _, b := range bindings {
		protocol := "tcp"
		if b.UDP {
			protocol = "udp"
		}
		for n := uint16(0); ; n++ {
			out = append(out, portShape{ContainerPort: b.ContainerPort + n, Protocol: protocol, HostPort: b.HostPort + n, HostIp: b.BindIP})
			if b.ContainerPort+n >= b.LastContainerPort {
				break
			}
		}
	}
	return out
}

// health is left out until there is a verdict (amazon-ecs-agent, agent/handlers/v2, newContainerResponse).
func health(c *agent.ContainerView) *healthShape {
	if c.Definition.HealthCheck == nil || c.Health == ecs.HealthUnknown {
		return nil
	}
	return &healthShape{Status: c.Health.String(), Since: moment(c.HealthSince), ExitCode: c.CheckCode, Output: c.CheckOutput}
}

func volumes(c *agent.ContainerView) []volumeShape {
	var out []volumeShape
	for _, m := range c.Spec.Mounts {
		out = append(out, volumeShape{DockerName: m.Volume, Destination: m.ContainerPath})
	}
	return out
}

func (s *scene) networks(c *agent.ContainerView) []networkShape {
	mode := s.view.Work.Definition.NetworkMode
	address := s.hostAddress
	if there, ok := s.addresses[c.Key.Container]; ok {
		address = there
	}
	if c.Started.Address != "" {
		address = c.Started.Address
	}
	out := networkShape{NetworkMode: mode.String()}
	if address != "" && mode != ecs.NetworkNone {
		out.IPv4Addresses = []string{address}
	}
	if mode == ecs.NetworkAwsvpc && s.record != nil && s.record.Interface != nil {
		out.AttachmentIndex, out.MACAddress = new(0), s.record.Interface.MAC()
		if address != "" {
			out.PrivateDNSName = s.names.PrivateName(address)
		}
	}
	return []networkShape{out}
}

// tagged is the task with the tags of itself and of its container instance.
func (s *scene) tagged(instance []ecs.Tag) taskShape {
	out := s.task()
	if s.record != nil {
		out.TaskTags = byKey(s.record.Tags)
	}
	out.ContainerInstanceTags = byKey(instance)
	return out
}

func byKey(tags []ecs.Tag) map[string]string {
	all := map[string]string{}
	for _, t := range tags {
		all[t.Key] = t.Value
	}
	return all
}

// moment is nil for what has not happened.
func moment(at ecs.Time) *time.Time {
	if at == 0 {
		return nil
	}
	return new(at.Std().UTC())
}
