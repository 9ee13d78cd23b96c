package process

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// homeNet is where tasks in network mode awsvpc have their addresses: every address of 127.0.0.0/8 is the host's own on Linux, without
// anybody's doing, and only programs of the host reach it.
var homeNet = netip.MustParsePrefix("127.64.0.0/10")

// homes remembers which task has which address, from the start of its first container until the last one is removed: containers
// that start later, or after a restart, get the same.
type homes struct {
	mu    sync.Mutex
	tasks map[ecs.ID]*home
	taken map[netip.Addr]bool
}

// home is the address of a task and the names of the containers that have it, in whichever attempt.
type home struct {
	address netip.Addr
	names   map[string]bool
}

// take gives the address of a container's task.
func (h *homes) take(key driver.Key) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, has := h.tasks[key.Task]; !has {
		a, err := chooseHome(key.Task, h.taken)
		if err != nil {
			return "", err
		}
		h.settle(key.Task, a)
	}
	at := h.tasks[key.Task]
	at.names[key.Container] = true
	return at.address.String(), nil
}

// settle gives, with mu held, a task an address.
func (h *homes) settle(task ecs.ID, a netip.Addr) {
	if h.tasks == nil {
		h.tasks, h.taken = map[ecs.ID]*home{}, map[netip.Addr]bool{}
	}
	h.tasks[task] = &home{address: a, names: map[string]bool{}}
	h.taken[a] = true
}

// leave says that a container has been removed, with all its attempts.
func (h *homes) leave(key driver.Key) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := h.tasks[key.Task]
	if at == nil {
		return
	}
	delete(at.names, key.Container)
	if len(at.names) == 0 {
		delete(h.tasks, key.Task)
		delete(h.taken, at.address)
	}
}

// adopt takes over what a keeper says of its containers.
func (h *homes) adopt(all []driver.Observation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, o := range all {
		a, err := netip.ParseAddr(o.Started.Address)
		if err != nil {
			continue // it has none
		}
		if at := h.tasks[o.Key.Task]; at == nil || at.address != a && len(at.names) == 0 {
			h.settle(o.Key.Task, a)
		}
		h.tasks[o.Key.Task].names[o.Key.Container] = true
	}
}

// chooseHome gives a task the address that its id leads to, or the next one that no other task has. The first and the last of each 256
// look like those of a network, and are left out.
func chooseHome(task ecs.ID, taken map[netip.Addr]bool) (netip.Addr, error) {
	sum := sha256.Sum256(task[:])
	base := homeNet.Addr().As4()
	size := uint32(1) << (32 - homeNet.Bits())
	for n := range size {
		offset := (binary.BigEndian.Uint32(sum[:]) + n) % size
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(base[:])+offset)
		if a := netip.AddrFrom4(b); b[3] != 0 && b[3] != 255 && !taken[a] {
			return a, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("all addresses of %v are taken", homeNet)
}

// checkNetwork refuses the network modes that a system does not offer to processes.
func checkNetwork(mode ecs.NetworkMode, system string) error {
	switch {
	case mode == ecs.NetworkBridge || mode == ecs.NetworkHost:
		return nil
	case mode == ecs.NetworkAwsvpc && system == "linux":
		return nil
	case mode == ecs.NetworkAwsvpc:
		return cannotCreate("network mode awsvpc: the process driver gives each task an address of %v, and on %s only 127.0.0.1 is there; "+
			"--driver docker offers it", homeNet, system)
	}
	return cannotCreate("the process driver does not offer network mode %s: it has bridge, host and awsvpc; --driver docker offers it", mode)
}
