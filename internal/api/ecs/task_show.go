package ecs

import (
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/control/root"
	"ballast/internal/ecs"
)

// showTask gives a task as ECS shows it. Names and images of containers come from the definition, in its order.
func (a *API) showTask(state *root.Root, t *ecs.Task, withTags bool) types.Task {
	last, desired, group := t.LastStatus.String(), t.DesiredStatus.String(), t.GroupName()
	cpu, memory := taskSize(t)
	taskArn := a.names.Task(t.Cluster, t.ID)
	out := types.Task{
		TaskArn:            &taskArn,
		ClusterArn:         new(a.names.Cluster(t.Cluster)),
		TaskDefinitionArn:  new(a.names.TaskDefinition(t.Definition.Family, t.Definition.Revision)),
		Overrides:          showOverrides(t),
		LastStatus:         &last,
		DesiredStatus:      &desired,
		HealthStatus:       types.HealthStatus(t.Health.String()),
		Cpu:                &cpu,
		Memory:             &memory,
		Containers:         a.showContainers(t, &taskArn),
		StartedBy:          text(t.StartedByName()),
		Version:            int64(t.Version),
		StopCode:           types.TaskStopCode(t.StopCode.String()),
		StoppedReason:      text(t.StoppedReason),
		ConnectivityAt:     when(t.ConnectivityAt),
		PullStartedAt:      when(t.PullStartedAt),
		PullStoppedAt:      when(t.PullStoppedAt),
		CreatedAt:          when(t.CreatedAt),
		StartedAt:          when(t.StartedAt),
		StoppingAt:         when(t.StoppingAt),
		ExecutionStoppedAt: when(t.ExecutionStoppedAt),
		StoppedAt:          when(t.StoppedAt),
		Group:              &group,
		LaunchType:         types.LaunchTypeEc2,
		Attachments:        a.showAttachments(t),
		Attributes:         []types.Attribute{},
		Tags:               []types.Tag{},
	}
	if withTags {
		out.Tags = showTags(t.Tags)
	}
	if !t.Instance.IsZero() {
		out.ContainerInstanceArn = new(a.names.ContainerInstance(t.Cluster, t.Instance))
		showHost(&out, state.Instance(t.Cluster, t.Instance), t)
	}
	return out
}

// architecture is the one attribute of its host that a task shows.
const architecture = "ecs.cpu-architecture"

// showHost adds what a task shows of its container instance, if that is still known.
func showHost(out *types.Task, host *ecs.ContainerInstance, t *ecs.Task) {
	if t.ConnectivityAt != 0 {
		out.Connectivity = types.ConnectivityDisconnected
	}
	if host == nil {
		return
	}
	if t.ConnectivityAt != 0 && host.Connected {
		out.Connectivity = types.ConnectivityConnected
	}
	out.AvailabilityZone = text(host.Zone)
	for i := range host.Attributes {
		if at := &host.Attributes[i]; at.Name == architecture {
			out.Attributes = append(out.Attributes, types.Attribute{Name: &at.Name, Value: &at.Value})
		}
	}
}

// taskSize gives cpu and memory as the task shows them: those of the task, overridden or defined, else the sum over its
// containers.
func taskSize(t *ecs.Task) (cpu, memory string) {
	c, m := t.Definition.CPU, t.Definition.Memory
	if t.Overrides != nil && t.Overrides.CPU != 0 {
		c = t.Overrides.CPU
	}
	if t.Overrides != nil && t.Overrides.Memory != 0 {
		m = t.Overrides.Memory
	}
	sumCPU, sumMemory := 0, 0
	for i := range t.Definition.Containers {
		size := containerSize(t, i)
		sumCPU += size.cpu
		sumMemory += max(size.memory, size.reservation)
	}
	if c == 0 {
		c = sumCPU
	}
	if m == 0 {
		m = sumMemory
	}
	return strconv.Itoa(c), strconv.Itoa(m)
}

// size is what a container reserves, overrides applied; memory in MiB, 0 = not given.
type size struct{ cpu, memory, reservation int }

func containerSize(t *ecs.Task, i int) size {
	c := &t.Definition.Containers[i]
	s := size{c.CPU, c.Memory, c.MemoryReservation}
	if o := override(t, c.Name); o != nil {
		s = size{pick(o.CPU, s.cpu), pick(o.Memory, s.memory), pick(o.MemoryReservation, s.reservation)}
	}
	return s
}

func pick(given *int, otherwise int) int {
	if given != nil {
		return *given
	}
	return otherwise
}

func override(t *ecs.Task, name string) *ecs.ContainerOverride {
	if t.Overrides == nil {
		return nil
	}
	for i := range t.Overrides.Containers {
		if t.Overrides.Containers[i].Name == name {
			return &t.Overrides.Containers[i]
		}
	}
	return nil
}

func (a *API) showContainers(t *ecs.Task, taskArn *string) []types.Container {
	out := make([]types.Container, min(len(t.Containers), len(t.Definition.Containers)))
	for i := range out {
		c, d, size := &t.Containers[i], &t.Definition.Containers[i], containerSize(t, i)
		last := c.Status.String()
		out[i] = types.Container{
			ContainerArn:      new(a.names.Container(t.Cluster, t.ID, c.ID)),
			TaskArn:           taskArn,
			Name:              &d.Name,
			Image:             &d.Image,
			ImageDigest:       text(c.ImageDigest),
			RuntimeId:         text(c.RuntimeID),
			LastStatus:        &last,
			HealthStatus:      types.HealthStatus(c.Health.String()),
			ExitCode:          c.ExitCode,
			Reason:            text(c.Reason),
			Cpu:               new(strconv.Itoa(size.cpu)),
			Memory:            positive(size.memory),
			MemoryReservation: positive(size.reservation),
			NetworkBindings:   showBindings(t, c.Bindings),
			NetworkInterfaces: showInterfaces(t, c),
		}
	}
	return out
}

func positive(n int) *string {
	if n == 0 {
		return nil
	}
	return new(strconv.Itoa(n))
}

// showBindings gives the ports of a container. One with an address of its own binds none on the host, and shows none.
func showBindings(t *ecs.Task, bindings []ecs.Binding) []types.NetworkBinding {
	if t.Interface != nil {
		return []types.NetworkBinding{}
	}
	out := make([]types.NetworkBinding, len(bindings))
	for i := range bindings {
		b := &bindings[i]
		out[i] = types.NetworkBinding{BindIP: &b.BindIP, Protocol: types.TransportProtocolTcp}
		if b.LastHostPort != 0 { // a range has no single ports (API_NetworkBinding)
			out[i].ContainerPortRange = new(fmt.Sprintf("%d-%d", b.ContainerPort, b.LastContainerPort))
			out[i].HostPortRange = new(fmt.Sprintf("%d-%d", b.HostPort, b.LastHostPort))
		} else {
			out[i].ContainerPort, out[i].HostPort = new(int32(b.ContainerPort)), new(int32(b.HostPort))
		}
		if b.UDP {
			out[i].Protocol = types.TransportProtocolUdp
		}
	}
	return out
}

// showOverrides lists every container, whether overridden or not (DescribeTasks output of real accounts).
func showOverrides(t *ecs.Task) *types.TaskOverride {
	containers := t.Definition.Containers
	out := &types.TaskOverride{ContainerOverrides: make([]types.ContainerOverride, len(containers)),
		//lint:ignore SA1019 deprecated, and still part of every answer of ECS
		InferenceAcceleratorOverrides: []types.InferenceAcceleratorOverride{}}
	for i := range containers {
		shown := types.ContainerOverride{Name: &containers[i].Name}
		if o := override(t, containers[i].Name); o != nil {
			shown.Command = o.Command
			shown.Environment = showVariables(o.Environment)
			shown.EnvironmentFiles = showFiles(o.EnvironmentFiles)
			shown.Cpu, shown.Memory, shown.MemoryReservation = number(o.CPU), number(o.Memory), number(o.MemoryReservation)
		}
		out.ContainerOverrides[i] = shown
	}
	if o := t.Overrides; o != nil {
		out.Cpu, out.Memory = positive(o.CPU), positive(o.Memory)
	}
	return out
}

func showFiles(in []string) []types.EnvironmentFile {
	if in == nil {
		return nil
	}
	out := make([]types.EnvironmentFile, len(in))
	for i := range in {
		out[i] = types.EnvironmentFile{Type: types.EnvironmentFileTypeS3, Value: &in[i]}
	}
	return out
}

func showVariables(in []ecs.Variable) []types.KeyValuePair {
	if in == nil {
		return nil
	}
	out := make([]types.KeyValuePair, len(in))
	for i := range in {
		out[i] = types.KeyValuePair{Name: &in[i].Name, Value: &in[i].Value}
	}
	return out
}

func number(p *int) *int32 {
	if p == nil {
		return nil
	}
	return new(int32(*p))
}
