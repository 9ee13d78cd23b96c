package metadata

import (
	"slices"
	"time"

	"ballast/internal/driver"
)

// The measurements, in the shape of Docker's API (moby, api/types/container, StatsResponse), with the rates that the agent of ECS adds
// (amazon-ecs-agent, ecs-agent/tmds/handlers/v4/state, StatsResponse).

type statsShape struct {
	Read     time.Time  `json:"read"`
	PreRead  time.Time  `json:"preread"`
	PIDs     pidsShape  `json:"pids_stats"`
	BlkIO    blkioShape `json:"blkio_stats"`
	NumProcs uint32     `json:"num_procs"`
	// Docker has this on Windows only; elsewhere it is empty.
	Storage  struct{}                  `json:"storage_stats"`
	CPU      cpuShape                  `json:"cpu_stats"`
	PreCPU   cpuShape                  `json:"precpu_stats"`
	Memory   memoryShape               `json:"memory_stats"`
	Name     string                    `json:"name"`
	ID       string                    `json:"id"`
	Networks map[string]interfaceShape `json:"networks,omitempty"`
	Rates    *ratesShape               `json:"network_rate_stats,omitempty"`
}

type pidsShape struct {
	Current uint64 `json:"current,omitempty"`
}

type blkioShape struct {
	ServiceBytes []blkioEntry `json:"io_service_bytes_recursive"`
	Serviced     []blkioEntry `json:"io_serviced_recursive"`
}

type blkioEntry struct {
	Major uint64 `json:"major"`
	Minor uint64 `json:"minor"`
	Op    string `json:"op"`
	Value uint64 `json:"value"`
}

type cpuShape struct {
	Usage      usageShape    `json:"cpu_usage"`
	System     uint64        `json:"system_cpu_usage,omitempty"` // ns
	Online     int           `json:"online_cpus,omitempty"`
	Throttling throttleShape `json:"throttling_data"`
}

// usageShape is in nanoseconds.
type usageShape struct {
	Total  int64 `json:"total_usage"`
	Kernel int64 `json:"usage_in_kernelmode"`
	User   int64 `json:"usage_in_usermode"`
}

type throttleShape struct {
	Periods          uint64 `json:"periods"`
	ThrottledPeriods uint64 `json:"throttled_periods"`
	ThrottledTime    uint64 `json:"throttled_time"`
}

type memoryShape struct {
	Usage uint64   `json:"usage,omitempty"`
	Stats struct{} `json:"stats"`
	Limit uint64   `json:"limit,omitempty"`
}

type interfaceShape struct {
	ReceivedBytes   uint64 `json:"rx_bytes"`
	ReceivedPackets uint64 `json:"rx_packets"`
	ReceivedErrors  uint64 `json:"rx_errors"`
	ReceivedDropped uint64 `json:"rx_dropped"`
	SentBytes       uint64 `json:"tx_bytes"`
	SentPackets     uint64 `json:"tx_packets"`
	SentErrors      uint64 `json:"tx_errors"`
	SentDropped     uint64 `json:"tx_dropped"`
}

type ratesShape struct {
	Received float64 `json:"rx_bytes_per_sec"`
	Sent     float64 `json:"tx_bytes_per_sec"`
}

// statsOf shows a measurement beside the one before it, nil when there is none.
func statsOf(name, id string, now driver.Stats, before *driver.Stats) statsShape {
	out := statsShape{
		Read: now.At.Std().UTC(), PIDs: pidsShape{now.PIDs}, CPU: cpuOf(now), Memory: memoryShape{Usage: now.Memory, Limit: now.MemoryLimit},
		Name: "/" + name, ID: id,
		BlkIO: blkioShape{ServiceBytes: entries(now.ReadBytes, now.WrittenBytes), Serviced: entries(now.ReadBlocks, now.WrittenBlocks)},
	}
	if now.Networks != nil {
		out.Networks = map[string]interfaceShape{}
	}
	for name, n := range now.Networks {
		out.Networks[name] = interfaceShape{n.ReceivedBytes, n.ReceivedPackets, n.ReceivedErrors, n.ReceivedDropped,
			n.SentBytes, n.SentPackets, n.SentErrors, n.SentDropped}
	}
	if before != nil {
		out.PreRead, out.PreCPU, out.Rates = before.At.Std().UTC(), cpuOf(*before), ratesOf(now, *before)
	}
	return out
}

func cpuOf(s driver.Stats) cpuShape {
	return cpuShape{Usage: usageShape{Total: int64(s.CPU), Kernel: int64(s.SystemCPU), User: int64(s.UserCPU)},
		System: uint64(max(0, s.HostCPU)), Online: s.OnlineCPUs}
}

// entries are for all devices together: drivers do not tell them apart.
func entries(read, written uint64) []blkioEntry {
	return []blkioEntry{{Op: "read", Value: read}, {Op: "write", Value: written}}
}

// ratesOf gives the bytes per second between two measurements, nil where they say nothing.
func ratesOf(now, before driver.Stats) *ratesShape {
	seconds := now.At.Sub(before.At).Seconds()
	if seconds <= 0 || now.Networks == nil || before.Networks == nil {
		return nil
	}
	received, sent := total(now)
	receivedBefore, sentBefore := total(before)
	if received < receivedBefore || sent < sentBefore {
		return nil // the counters began anew
	}
	return &ratesShape{float64(received-receivedBefore) / seconds, float64(sent-sentBefore) / seconds}
}

func total(s driver.Stats) (received, sent uint64) {
	for _, n := range s.Networks {
		received += n.ReceivedBytes
		sent += n.SentBytes
	}
	return received, sent
}

// maxSamples bounds the remembered measurements; what is forgotten costs one answer its rates.
const maxSamples = 4096

// samples are the last measurements of containers, oldest first.
type samples struct {
	last  map[driver.Key]driver.Stats
	order []driver.Key
}

// put remembers a measurement and gives the one before it, nil when there is none.
func (s *samples) put(key driver.Key, now driver.Stats) *driver.Stats {
	if s.last == nil {
		s.last = map[driver.Key]driver.Stats{}
	}
	before, known := s.last[key]
	s.last[key] = now
	if known {
		return &before
	}
	s.order = append(s.order, key)
	if len(s.order) > maxSamples {
		delete(s.last, s.order[0])
		s.order = slices.Delete(s.order, 0, 1)
	}
	return nil
}
