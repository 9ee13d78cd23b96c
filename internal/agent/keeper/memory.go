package keeper

import (
	"bytes"
	"cmp"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// overseeEvery is how often the memory of containers is looked at that no control group bounds. One that grows faster than the machine
// has memory for in that time is the kernel's to end.
const overseeEvery = time.Second

// oversee begins, with mu held, to look at the memory of containers that have a limit and no control group, until none runs.
func (k *keeper) oversee() {
	if k.overseeing {
		return
	}
	k.overseeing = true
	go func() {
		ticker := time.NewTicker(overseeEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
			case <-k.over:
				return
			}
			if !k.overseeOnce() {
				return
			}
		}
	}()
}

// overseeOnce ends what is above its limit; more is false when there is nothing to look at any more.
func (k *keeper) overseeOnce() (more bool) {
	k.mu.Lock()
	var running []*container
	for _, c := range k.containers {
		if c.state == driver.Running && !c.ending {
			running = append(running, c)
		}
	}
	slices.SortFunc(running, func(a, b *container) int { return cmp.Compare(a.seq, b.seq) })
	single, tasks := watched(running)
	k.overseeing = len(single)+len(tasks) > 0
	k.mu.Unlock()
	if len(single)+len(tasks) == 0 {
		return false
	}
	kin, pageSize := k.count().kin, uint64(os.Getpagesize())
	ended := map[*container]bool{}
	for _, c := range single {
		if _, over := biggest([][]process{kin[c]}, uint64(c.resources.Memory)*mebibyte, pageSize, privateSize); over {
			ended[c] = true
			k.killForMemory(c)
		}
	}
	for _, together := range tasks {
		together = slices.DeleteFunc(together, func(c *container) bool { return ended[c] })
		sizes := make([][]process, len(together))
		limit := uint64(0)
		for i, c := range together {
			sizes[i] = kin[c]
			limit = uint64(c.resources.Task.Memory) * mebibyte
		}
		if i, over := biggest(sizes, limit, pageSize, privateSize); over {
			k.killForMemory(together[i])
		}
	}
	return true
}

// watched chooses, from the running containers in the order of their creation, those whose memory the keeper has to look at: each by
// itself, and all of a task together.
func watched(running []*container) (single []*container, tasks [][]*container) {
	at := map[ecs.ID]int{}
	for _, c := range running {
		if c.polled {
			single = append(single, c)
		}
		if _, known := at[c.key.Task]; c.taskPolled && !known {
			at[c.key.Task] = len(tasks)
			tasks = append(tasks, nil)
		}
	}
	for _, c := range running { // those of the task that began in a control group are part of it, too
		if i, looked := at[c.key.Task]; looked && c.resources.Task != nil {
			tasks[i] = append(tasks[i], c)
		}
	}
	return single, tasks
}

// killForMemory ends a container that used too much, or whose task did.
func (k *keeper) killForMemory(c *container) {
	k.mu.Lock()
	c.oomed = true
	k.mu.Unlock()
	k.kill(c)
}

// biggest says whether containers use more memory together than a limit, and then which of them uses most: the one in which the kernel
// would end a process. What is resident counts pages once for every process that shares them; only where that is above the limit is it
// worth asking the kernel what each process has to itself.
func biggest(containers [][]process, limit, pageSize uint64, private func(pid int) (uint64, bool)) (index int, over bool) {
	resident := uint64(0)
	for _, kin := range containers {
		for _, p := range kin {
			resident += p.rss * pageSize
		}
	}
	if resident <= limit {
		return 0, false
	}
	sum, most := uint64(0), uint64(0)
	for i, kin := range containers {
		exact := uint64(0)
		for _, p := range kin {
			size, ok := private(p.pid)
			if !ok {
				size = p.rss * pageSize
			}
			exact += size
		}
		if sum += exact; exact > most {
			index, most = i, exact
		}
	}
	return index, sum > limit
}

// privateSize is the memory of a process without what files hold anyway, shared pages by shares.
func privateSize(pid int) (uint64, bool) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	if err != nil {
		return 0, false
	}
	return parseRollup(b)
}

// parseRollup reads Pss_Anon and Pss_Shmem of smaps_rollup (proc_pid_smaps(5)), which has them since Linux 5.4.
func parseRollup(b []byte) (size uint64, ok bool) {
	for line := range bytes.Lines(b) {
		f := strings.Fields(string(line))
		if len(f) != 3 || f[2] != "kB" || f[0] != "Pss_Anon:" && f[0] != "Pss_Shmem:" {
			continue
		}
		n, err := strconv.ParseUint(f[1], 10, 64)
		if err != nil {
			return 0, false
		}
		size, ok = size+n<<10, true
	}
	return size, ok
}
