package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

var _ driver.Meter = (*Driver)(nil)

// Stats has the engine measure a running container, once.
func (d *Driver) Stats(ctx context.Context, key driver.Key) (driver.Stats, error) {
	c, err := d.known(ctx, key)
	if err != nil {
		return driver.Stats{}, err
	}
	notRunning := &driver.Error{Name: cannotInspectContainerError, Text: fmt.Sprintf("container %v is not running", key)}
	if observe(*c).State != driver.Running {
		return driver.Stats{}, notRunning
	}
	ctx, cancel := context.WithTimeout(ctx, inspectFor)
	defer cancel()
	result, err := d.engine.ContainerStats(ctx, c.ID, client.ContainerStatsOptions{})
	if errdefs.IsNotFound(err) {
		return driver.Stats{}, notRunning
	}
	if err != nil {
		return driver.Stats{}, fmt.Errorf("measure container %v: %w", key, err)
	}
	defer result.Body.Close()
	var measured container.StatsResponse
	if err := json.NewDecoder(result.Body).Decode(&measured); err != nil {
		return driver.Stats{}, fmt.Errorf("measure container %v: %w", key, err)
	}
	if measured.Read.Year() <= 1 { // it has ended meanwhile
		return driver.Stats{}, notRunning
	}
	return statsOf(measured), nil
}

// statsOf reads what an engine measured. Memory in use is what the container would miss: without the pages of files that the kernel
// can drop at any time (the Docker CLI and the agent of ECS subtract them too).
func statsOf(r container.StatsResponse) driver.Stats {
	s := driver.Stats{
		At:  ecs.TimeOf(r.Read),
		CPU: time.Duration(r.CPUStats.CPUUsage.TotalUsage), UserCPU: time.Duration(r.CPUStats.CPUUsage.UsageInUsermode),
		SystemCPU: time.Duration(r.CPUStats.CPUUsage.UsageInKernelmode), HostCPU: time.Duration(r.CPUStats.SystemUsage),
		OnlineCPUs: int(r.CPUStats.OnlineCPUs),
		Memory:     r.MemoryStats.Usage, MemoryLimit: r.MemoryStats.Limit, PIDs: r.PidsStats.Current,
	}
	cached, ok := r.MemoryStats.Stats["total_inactive_file"] // of cgroups of version 1
	if !ok {
		cached = r.MemoryStats.Stats["inactive_file"]
	}
	if cached < s.Memory {
		s.Memory -= cached
	}
	for name, n := range r.Networks {
		if s.Networks == nil {
			s.Networks = map[string]driver.NetworkStats{}
		}
		s.Networks[name] = driver.NetworkStats{
			ReceivedBytes: n.RxBytes, ReceivedPackets: n.RxPackets, ReceivedErrors: n.RxErrors, ReceivedDropped: n.RxDropped,
			SentBytes: n.TxBytes, SentPackets: n.TxPackets, SentErrors: n.TxErrors, SentDropped: n.TxDropped}
	}
	s.ReadBytes, s.WrittenBytes = sum(r.BlkioStats.IoServiceBytesRecursive)
	s.ReadBlocks, s.WrittenBlocks = sum(r.BlkioStats.IoServicedRecursive)
	return s
}

// sum adds up what all devices count.
func sum(entries []container.BlkioStatEntry) (read, written uint64) {
	for _, e := range entries {
		switch strings.ToLower(e.Op) {
		case "read":
			read += e.Value
		case "write":
			written += e.Value
		}
	}
	return read, written
}
