package docker

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

func TestStatsOf(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r := container.StatsResponse{Read: at,
		CPUStats: container.CPUStats{CPUUsage: container.CPUUsage{TotalUsage: 5, UsageInUsermode: 3, UsageInKernelmode: 2}, SystemUsage: 100, OnlineCPUs: 2},
		Networks: map[string]container.NetworkStats{"eth0": {RxBytes: 1, RxPackets: 2, RxErrors: 3, RxDropped: 4, TxBytes: 5, TxPackets: 6, TxErrors: 7, TxDropped: 8}},
		BlkioStats: container.BlkioStats{
			IoServiceBytesRecursive: []container.BlkioStatEntry{{Op: "Read", Value: 10}, {Op: "write", Value: 20}, {Op: "Read", Value: 1}, {Op: "Total", Value: 99}},
			IoServicedRecursive:     []container.BlkioStatEntry{{Op: "read", Value: 2}, {Op: "Write", Value: 3}}},
		MemoryStats: container.MemoryStats{Usage: 1000, Limit: 5000, Stats: map[string]uint64{"total_inactive_file": 100, "inactive_file": 7}},
		PidsStats:   container.PidsStats{Current: 9}}
	want := driver.Stats{At: ecs.TimeOf(at), CPU: 5, UserCPU: 3, SystemCPU: 2, HostCPU: 100, OnlineCPUs: 2, Memory: 900, MemoryLimit: 5000, PIDs: 9,
		Networks: map[string]driver.NetworkStats{"eth0": {ReceivedBytes: 1, ReceivedPackets: 2, ReceivedErrors: 3, ReceivedDropped: 4,
			SentBytes: 5, SentPackets: 6, SentErrors: 7, SentDropped: 8}}, ReadBytes: 11, WrittenBytes: 20, ReadBlocks: 2, WrittenBlocks: 3}
	if diff := cmp.Diff(want, statsOf(r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	delete(r.MemoryStats.Stats, "total_inactive_file")
	r.Networks = nil
	if got := statsOf(r); got.Memory != 993 || got.Networks != nil {
		t.Errorf("with cgroups of version 2: got %+v", got)
	}
}

func TestStats(t *testing.T) {
	d := open(t)
	key := driver.Key{Task: ecs.ID{1}, Container: "app"}
	spec := app("polite", "0")
	spec.NetworkMode, spec.Memory = ecs.NetworkBridge, 64
	begin(t, d, key, spec)
	said(t, d, key)
	s, err := d.Stats(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if s.At == 0 || s.CPU <= 0 || s.HostCPU <= s.CPU || s.OnlineCPUs < 1 || s.Memory == 0 || s.MemoryLimit != 64<<20 || s.PIDs == 0 || len(s.Networks) != 1 {
		t.Errorf("got %+v", s)
	}
	if _, err := d.Stop(t.Context(), key, 0); err != nil {
		t.Fatal(err)
	}
	var e *driver.Error
	if _, err := d.Stats(t.Context(), key); !errors.As(err, &e) || e.Name != cannotInspectContainerError {
		t.Errorf("after the end: got %v", err)
	}
}
