package keeper

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"

	"ballast/internal/driver"
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
	var watched []*container
	for _, c := range k.containers {
		if c.state == driver.Running && c.polled && !c.ending {
			watched = append(watched, c)
		}
	}
	k.overseeing = len(watched) > 0
	k.mu.Unlock()
	if len(watched) == 0 {
		return false
	}
	kin := k.count().kin
	for _, c := range watched {
		if !above(kin[c], uint64(c.resources.Memory)*mebibyte, uint64(os.Getpagesize()), privateSize) {
			continue
		}
		k.mu.Lock()
		c.oomed = true
		k.mu.Unlock()
		k.kill(c)
	}
	return true
}

// above says whether processes use more memory than a limit. What is resident counts pages once for every process that shares them;
// only where that is above the limit is it worth asking the kernel what each process has to itself.
func above(kin []process, limit, pageSize uint64, private func(pid int) (uint64, bool)) bool {
	resident, exact := uint64(0), uint64(0)
	for _, p := range kin {
		resident += p.rss * pageSize
	}
	if resident <= limit {
		return false
	}
	for _, p := range kin {
		size, ok := private(p.pid)
		if !ok {
			size = p.rss * pageSize
		}
		exact += size
	}
	return exact > limit
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
